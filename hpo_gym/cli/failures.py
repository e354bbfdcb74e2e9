"""The two ways in which a command ends badly, and how any error becomes one of them."""


class WrongUsage(Exception):  # noqa: N818 - a condition of the command line, told to people
    """What was asked for makes no sense: exit code 2."""

    exit_code = 2


class CommandFailed(Exception):  # noqa: N818
    """What was asked for cannot be done here and now: exit code 1."""

    exit_code = 1


def one_line(error: BaseException) -> str:
    """An error's message on one line; unforeseen kinds of error are named."""
    from hpo_gym.data.errors import DataError
    from hpo_gym.engines.errors import EngineError

    text = " ".join(str(error).split()) or "no message"
    ours: tuple[type[BaseException], ...] = (WrongUsage, CommandFailed, DataError, EngineError)
    if isinstance(error, (*ours, *_evaluation_errors())):
        return text
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror.lower()}"
    where = [note for note in getattr(error, "__notes__", []) if note]
    return " ".join([f"{type(error).__name__}: {text}", *(f"({note})" for note in where)])


def _evaluation_errors() -> tuple[type[BaseException], ...]:
    from hpo_gym.evaluation.errors import EvaluationError

    return (EvaluationError,)
