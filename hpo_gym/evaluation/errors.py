"""What can go wrong in an evaluation; every message is one line and says what to do."""

from hpo_gym.data.errors import did_you_mean as did_you_mean


class EvaluationError(Exception):
    """Base of everything that `hpo_gym.evaluation` raises on purpose."""


class WrongChoiceError(EvaluationError, ValueError):
    """A task, split or agent that the environment cannot be evaluated with."""


class AgentError(EvaluationError, ValueError):
    """An agent returned what the environment cannot take."""


class RecordError(EvaluationError, ValueError):
    """A file of episodes, a result or a protocol is not what it claims to be; names file, place and value."""


class MissingExtraError(EvaluationError, ImportError):
    """An optional library is not installed; says what installs it."""

    def __init__(self, extra: str) -> None:
        super().__init__(f'{extra} is not installed: python -m pip install "hpo_gym[{extra}]"')


def why_not_made(error: Exception) -> str:
    """What `gym.make` complained of, in one line: without the keyword arguments that it adds to a `TypeError`."""
    told = error.__cause__ if isinstance(error, TypeError) and error.__cause__ else error
    return str(told.args[0] if told.args else told).splitlines()[0]
