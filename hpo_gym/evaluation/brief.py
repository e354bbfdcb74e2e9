"""Values from files, and complaints about them, as a one-line message may show them."""

import reprlib
from typing import Any

_LONGEST = 60


class _Shallow(reprlib.Repr):
    """As `repr`, but with an end: of lists in lists, and of whole numbers that Python refuses to write out."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 6
        self.maxlist = self.maxtuple = self.maxdict = _LONGEST
        self.maxstring = self.maxlong = self.maxother = 2**20  # cut below, where everything is

    def repr_int(self, x: int, level: int) -> str:
        try:
            return super().repr_int(x, level)
        except ValueError:
            return f"a whole number of {x.bit_length()} bits"


_SHALLOW = _Shallow()


def brief(value: Any) -> str:
    """The value's repr, cut to 60 characters: quotes, line ends and what cannot be seen are escaped.

    Example:
        >>> brief("two\\nlines"), brief(list(range(100)))
        ("'two\\\\nlines'", '[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16...')
    """
    text = _SHALLOW.repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def one_line(error: Exception, longest: int = 160) -> str:
    """What another library complains of; it may quote the file."""
    text = str(error)
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
