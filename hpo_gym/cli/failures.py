"""The two ways in which a command ends badly, and how any error becomes one of them."""

import difflib
from collections.abc import Iterable


class WrongUsage(Exception):  # noqa: N818 - a condition of the command line, told to people
    """What was asked for makes no sense: exit code 2."""

    exit_code = 2


class CommandFailed(Exception):  # noqa: N818
    """What was asked for cannot be done here and now: exit code 1."""

    exit_code = 1


def did_you_mean(wrong: str, right: Iterable[str]) -> str:
    """Either "" or " (did you mean 'x'?)", for the nearest of the right spellings."""
    near = difflib.get_close_matches(wrong, list(right), n=1, cutoff=0.5)
    return f" (did you mean {near[0]!r}?)" if near else ""


def one_line(error: BaseException) -> str:
    """An error's message on one line; unforeseen kinds of error are named."""
    from hpo_gym.data.errors import DataError

    text = " ".join(str(error).split()) or "no message"
    foreseen: tuple[type[BaseException], ...] = (WrongUsage, CommandFailed, DataError, *_evaluation_errors())
    if isinstance(error, foreseen):
        return text
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror.lower()}"
    where = [note for note in getattr(error, "__notes__", []) if note]
    return " ".join([f"{type(error).__name__}: {text}", *(f"({note})" for note in where)])


def _evaluation_errors() -> tuple[type[BaseException], ...]:
    from hpo_gym.evaluation.errors import EvaluationError

    return (EvaluationError,)
