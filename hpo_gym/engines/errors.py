"""What can go wrong with an engine itself, and how what the work raised gets out of a worker."""

from collections.abc import Iterator
from contextlib import contextmanager

import cloudpickle


class EngineError(Exception):
    """Workers cannot be had or died; one line that says what to do."""


class WorkerDiedError(EngineError):
    """A worker, or its machine, is gone."""


@contextmanager
def sendable_errors() -> Iterator[None]:
    """What the block raises gets out of a worker: an exception that is lost on the way is told by another."""
    try:
        yield
    except Exception as error:
        if _is_lost(error):
            raise EngineError(" ".join(f"the work raised {type(error).__name__}: {error}".split())) from None
        raise


def _is_lost(error: Exception) -> bool:
    try:
        cloudpickle.loads(cloudpickle.dumps(error))
    except Exception:  # whatever its own pickling raises
        return True
    return False
