"""Jobs, one after another or in several processes; one that fails does not keep the others from being done."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Protocol

from hpo_gym.evaluation.errors import EvaluationError
from hpo_gym.evaluation.threads import pinned_threads


class Runnable(Protocol):
    """A piece of work that can be sent to another process and says what it is (`str`)."""

    def run(self) -> None:
        """Do it."""


class Resumable(Runnable, Protocol):
    """Work that knows whether it is done, so that it is not done again."""

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What became of a job: seconds that it took, and why it failed, in one line, if it did."""

    job: Runnable
    wall_s: float
    failure: str = ""


def run_jobs(jobs: Sequence[Runnable], workers: int) -> Iterator[Report]:
    """Begin the jobs in their order; a report each as they end. Every job has one thread.

    Raises:
        EvaluationError: a process died.
    """
    if workers == 1 or len(jobs) <= 1:
        yield from map(run_job, jobs)
        return
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        max_workers=min(workers, len(jobs)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
    )
    try:
        futures: list[Future[Report]] = [pool.submit(run_job, job) for job in jobs]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise EvaluationError("a worker process died (out of memory?); try fewer workers") from error
    except BaseException:  # Ctrl-C: jobs go on from where they were at another time
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def run_job(job: Runnable) -> Report:
    """Run one in this process."""
    started, failure = time.monotonic(), ""
    try:
        with pinned_threads(1):
            job.run()
    except Exception as error:  # whatever it is, the other jobs are worth doing
        failure = " ".join(f"{type(error).__name__}: {error}".split())
    return Report(job=job, wall_s=time.monotonic() - started, failure=failure)


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # die of Ctrl-C without a traceback
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
