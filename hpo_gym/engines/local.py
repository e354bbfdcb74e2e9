"""Work in this process, or in processes of this machine."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, TypeVar

import cloudpickle

from hpo_gym.engines.errors import EngineError, sendable_errors

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class LocalEngine:
    """Processes of this machine, begun anew for each `run`; with one worker or one item, this process itself.

    They end with Ctrl-C, with the first exception, and with the process that began them, however it ends.
    """

    workers: int = 1

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise EngineError(f"workers={self.workers}: one or more is needed")

    @property
    def is_remote(self) -> bool:
        """Whether there are other processes."""
        return self.workers > 1

    def run(self, work: Callable[[Item], Result], items: Sequence[Item]) -> Generator[tuple[int, Result], None, None]:
        """See `Engine.run`.

        Raises:
            EngineError: a process died.
        """
        if self.workers == 1 or len(items) <= 1:
            for position, item in enumerate(items):
                yield position, work(item)
            return
        others, own = set(multiprocessing.active_children()), None
        pool = ProcessPoolExecutor(
            max_workers=min(self.workers, len(items)),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            initargs=(cloudpickle.dumps(work),),
        )
        try:
            futures = {pool.submit(_work_on, item): position for position, item in enumerate(items)}
            own = set(multiprocessing.active_children()) - others  # a run that begins later has its own
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise EngineError("a worker process died (out of memory?); try fewer workers") from error
        except BaseException:  # Ctrl-C, an error, or nobody wants the rest: what still runs is not waited for
            for child in set(multiprocessing.active_children()) - others if own is None else own:
                child.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


_work: Callable[[Any], Any] | None = None


def _start_worker(pickled_work: bytes) -> None:
    global _work
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # die of Ctrl-C without a traceback
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _work = cloudpickle.loads(pickled_work)


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work_on(item: Any) -> Any:
    assert _work is not None
    with sendable_errors():
        return _work(item)
