"""What can go wrong beside a trial; what goes wrong within one is its result."""

from hpo_gym.data.errors import DataError


class LiveError(DataError):
    """A family, a task or a worker process cannot be had. The message is one line and says what to do."""
