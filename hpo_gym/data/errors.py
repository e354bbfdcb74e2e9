"""The ways in which data can fail a user: it is not there, or it is not what it should be."""

import difflib
from collections.abc import Iterable


class DataError(Exception):
    """Base of everything that `hpo_gym.data` raises on purpose; the message says what to do."""


class DataNotFoundError(DataError, FileNotFoundError):
    """The data is not on this machine. The message names the one command that gets it."""


class TableError(DataError, ValueError):
    """A file or an array is not the table it claims to be. The message names file, place and value."""


def did_you_mean(wrong: str, right: Iterable[str]) -> str:
    """Either "" or " (did you mean 'x'?)", for the nearest of the right spellings."""
    near = difflib.get_close_matches(wrong, list(right), n=1, cutoff=0.5)
    return f" (did you mean {near[0]!r}?)" if near else ""


class OpenMLError(DataError):
    """OpenML did not give what was asked for. The message names the address, what came, and what to do."""


class CorpusError(DataError, ValueError):
    """A text cannot be the corpus that is asked for. The message names the file, the place and what would do."""
