"""What can go wrong with an engine itself, and how what the work raised gets out of a worker."""

import cloudpickle


class EngineError(Exception):
    """Workers cannot be had or died; one line that says what to do."""


class WorkerDiedError(EngineError):
    """A worker, or its machine, is gone."""


def sendable(error: Exception) -> Exception:
    """An exception of the work, or one that tells of it where it is lost on the way between processes."""
    try:
        cloudpickle.loads(cloudpickle.dumps(error))
    except Exception:  # whatever its own pickling raises
        return EngineError(" ".join(f"the work raised {type(error).__name__}: {error}".split()))
    return error
