"""What can go wrong in an evaluation; every message is one line and says what to do."""


class EvaluationError(Exception):
    """Base of everything that `hpo_gym.evaluation` raises on purpose."""


class AgentError(EvaluationError, ValueError):
    """An agent returned what the environment cannot take."""


class RecordError(EvaluationError, ValueError):
    """A file of episodes, a result or a protocol is not what it claims to be; names file, place and value."""
