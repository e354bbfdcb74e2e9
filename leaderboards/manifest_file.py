"""The file submission.toml, as a stranger may have written it."""

import tomllib

from pydantic import ValidationError

from hpo_gym.evaluation.brief import one_line
from hpo_gym.evaluation.validation import first_complaint
from leaderboards.errors import SubmissionError
from leaderboards.submission import Manifest

LARGEST_MANIFEST = 2**16
"""Bytes."""

_MOST_DOTS = 1000
"""A key of 32,000 parts takes the parser a minute, one of 1,000 no time; sentences do with fewer dots."""


def parse_manifest(content: bytes, where: str) -> Manifest:
    """The manifest that a file's bytes are; a `SubmissionError` names file and key.

    Args:
        content: at most `LARGEST_MANIFEST` bytes.
        where: the file, for the message.
    """
    if content.count(b".") > _MOST_DOTS:
        raise SubmissionError(f"{where}: {content.count(b'.')} dots; nothing in it needs more than {_MOST_DOTS}")
    try:
        return Manifest(**tomllib.loads(content.decode("utf-8")))
    except ValidationError as error:
        raise SubmissionError(f"{where}: {first_complaint(error, Manifest)}") from None
    except UnicodeDecodeError as error:
        raise SubmissionError(f"{where}: not UTF-8 (byte 0x{content[error.start]:02x} at {error.start + 1})") from None
    except tomllib.TOMLDecodeError as error:
        raise SubmissionError(f"{where}: not TOML: {one_line(error)}") from None
    except RecursionError:
        raise SubmissionError(f"{where}: not TOML that can be read: nested too deeply") from None
    except ValueError:  # of `int`
        raise SubmissionError(f"{where}: has a whole number of more digits than can be read") from None
