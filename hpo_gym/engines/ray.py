"""Work on a Ray cluster, or on an instance of Ray on this machine."""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from hpo_gym.engines.errors import EngineError, WorkerDiedError, sendable_errors
from hpo_gym.engines.ray_cluster import connected, ray_library
from hpo_gym.engines.ray_parcels import Parcel

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_RETRIES = 3
"""How often an item is begun anew whose worker or machine died."""


@dataclass(frozen=True, kw_only=True)
class RayEngine:
    """Tasks of Ray, each with one processor.

    An item whose worker or machine dies is begun anew elsewhere; what is done stays done. Workers need the same
    installation and, where items name files, the same file system.

    Args:
        workers: items at a time, at most; and the processors of an instance on this machine.
        address: see `connected`.
    """

    workers: int = 1
    address: str | None = None

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise EngineError(f"workers={self.workers}: one or more is needed")
        ray_library()

    @property
    def is_remote(self) -> bool:
        """Always: even a single worker is another process."""
        return True

    def run(self, work: Callable[[Item], Result], items: Sequence[Item]) -> Generator[tuple[int, Result], None, None]:
        """See `Engine.run`.

        Raises:
            EngineError: no cluster, or an item whose worker died `MAX_RETRIES` times and once more.
        """
        if not items:
            return
        with connected(self.address, self.workers) as ray:
            kept = ray.put(Parcel.of(work))
            task = ray.remote(num_cpus=1, max_retries=MAX_RETRIES, retry_exceptions=False)(_work_on)
            waiting = deque(enumerate(items))
            running: dict[Any, int] = {}

            def begin_next() -> None:
                position, item = waiting.popleft()
                running[task.remote([kept], Parcel.of(item))] = position

            try:
                while waiting and len(running) < self.workers:
                    begin_next()
                while running:
                    (done,), _ = ray.wait(list(running))
                    position = running.pop(done)
                    if waiting:
                        begin_next()
                    yield position, result_of(done)
            finally:
                for reference in running:
                    ray.cancel(reference, force=True)


def result_of(reference: Any) -> Any:
    """What a task or an actor's method gave; what it raised is raised as it is.

    Raises:
        WorkerDiedError: its worker died, or could not begin.
    """
    ray = ray_library()
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    except ray.exceptions.RayError as error:
        raise WorkerDiedError(f"a worker died, or could not begin ({_first_line(error)}); try fewer workers") from error


def _first_line(error: BaseException) -> str:
    told = " ".join(str(error).strip().split("\n")[0].split())
    return f"{type(error).__name__}: {told}" if told else type(error).__name__


_latest: tuple[Any, Callable[[Any], Any]] | None = None


def _work_on(kept: list[Any], item: Parcel) -> Any:
    """In a worker, which keeps the work of the latest items."""
    global _latest
    if _latest is None or _latest[0] != kept[0]:
        _latest = kept[0], ray_library().get(kept[0]).open()
    opened = item.open()
    with sendable_errors():
        return _latest[1](opened)
