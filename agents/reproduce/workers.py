"""Jobs, one after another or side by side; one that fails does not keep the others from being done."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from hpo_gym.engines import Engine
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


def run_jobs(jobs: Sequence[Runnable], engine: Engine) -> Iterator[Report]:
    """Begin the jobs in their order; a report each as they end. Every job has one thread.

    Raises:
        EngineError: workers cannot be had, or died.
    """
    with closing(engine.run(run_job, jobs)) as results:
        for _, report in results:
            yield report


def run_job(job: Runnable) -> Report:
    """Run one here and now."""
    started, failure = time.monotonic(), ""
    try:
        with pinned_threads(1):
            job.run()
    except Exception as error:  # whatever it is, the other jobs are worth doing
        failure = " ".join(f"{type(error).__name__}: {error}".split())
    return Report(job=job, wall_s=time.monotonic() - started, failure=failure)
