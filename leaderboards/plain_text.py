"""Words from strangers that will stand on pages and in terminals: what they look like is all that they are."""

import unicodedata
from urllib.parse import urlsplit

_FORBIDDEN_CATEGORIES = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs")
_INVISIBLE_LETTERS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Unicode counts them among letters, marks and symbols, and nothing is seen of them."""

_MOST_MARKS = 4
"""Accents in a row; scripts need three, a pile of them runs over the lines above."""


def plain(text: str) -> str:
    """The text, if it is printable on one line, free of markup, and shows what it is; else a `ValueError`."""
    n_marks = 0
    for character in text:
        category = unicodedata.category(character)
        if (category in _FORBIDDEN_CATEGORIES and character != " ") or character in _INVISIBLE_LETTERS:
            raise ValueError(f"has the character U+{ord(character):04X}; printable text on one line is needed")
        if character in "<>":
            raise ValueError("has an angle bracket; plain text without markup is needed")
        n_marks = n_marks + 1 if category in ("Mn", "Me") else 0
        if n_marks > _MOST_MARKS:
            raise ValueError(f"has more than {_MOST_MARKS} accents in a row")
    if text != text.strip():
        raise ValueError("begins or ends with a space")
    return text


def https_address(text: str) -> str:
    """The text, if it is a link that opens a page and nothing else; else a `ValueError`."""
    plain(text)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"is no address ({error})") from None
    is_plain = text.isascii() and not set(text) & set(" \"'`\\{}|^()[]*") and "@" not in parts.netloc
    if parts.scheme != "https" or not parts.hostname or port is not None or not is_plain:
        raise ValueError("must be a plain https:// address")
    return text
