"""Trials from the cache or from workers: the one way to a result that environments and grids take."""

from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from queue import SimpleQueue
from typing import Any

from hpo_gym.live.limits import Limits
from hpo_gym.live.result_cache import ResultCache
from hpo_gym.live.trial import TrialResult
from hpo_gym.live.trial_data import TrialData
from hpo_gym.live.trial_process import TrialProcess
from hpo_gym.live.worker import Trial


class TrialRunner:
    """Runs trials within limits, several at a time, and keeps what they gave.

    Attributes:
        n_fitted: how many results did not come from the cache.
    """

    def __init__(
        self,
        *,
        limits: Limits,
        cache: ResultCache | None = None,
        workers: int = 1,
        retries_failures: bool = False,
    ) -> None:
        """`retries_failures`: whether timeouts, crashes and trials that ran out of memory are run again when cached."""
        if not isinstance(workers, int) or workers < 1:
            raise ValueError(f"workers={workers!r}: a whole number, 1 or more, is needed")
        self.limits = limits
        self.cache = cache
        self.retries_failures = retries_failures
        self.n_fitted = 0
        self.processes = [TrialProcess() for _ in range(workers)]

    def run(self, data: TrialData, trial: Trial) -> TrialResult:
        """One trial's result."""
        return self.run_all([(data, trial)])[0]

    def run_all(self, asked: Sequence[tuple[TrialData, Trial]]) -> list[TrialResult]:
        """The trials' results, in their order; what is asked for twice is run once."""
        found: list[TrialResult | None] = [self.cached(data, trial) for data, trial in asked]
        missing = [i for i, result in enumerate(found) if result is None]
        first: dict[Any, int] = {}
        for i in missing:
            first.setdefault(_identity(*asked[i]), i)
        for i, result in zip(first.values(), self._fit([asked[i] for i in first.values()]), strict=True):
            found[i] = result
        for i in missing:
            found[i] = found[first[_identity(*asked[i])]]
        return [result for result in found if result is not None]

    def cached(self, data: TrialData, trial: Trial) -> TrialResult | None:
        """A result that needs no fit."""
        if self.cache is None:
            return None
        result = self.cache.find(data, trial, self.limits)
        is_retried = self.retries_failures and result is not None and result.status not in ("ok", "error")
        return None if is_retried else result

    def _fit(self, asked: Sequence[tuple[TrialData, Trial]]) -> list[TrialResult]:
        if len(asked) <= 1 or len(self.processes) == 1:
            return [self._fit_one(self.processes[0], data, trial) for data, trial in asked]
        idle: SimpleQueue[TrialProcess] = SimpleQueue()
        for process in self.processes:
            idle.put(process)

        def fit(pair: tuple[TrialData, Trial]) -> TrialResult:
            process = idle.get()
            try:
                return self._fit_one(process, *pair)
            finally:
                idle.put(process)

        with ThreadPoolExecutor(len(self.processes)) as pool:
            try:
                futures = [pool.submit(fit, pair) for pair in asked]
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()  # raises what was raised
                return [future.result() for future in futures]
            except BaseException:  # Ctrl-C, or no worker can be had: what still runs is not waited for
                pool.shutdown(wait=False, cancel_futures=True)
                for process in self.processes:
                    process.interrupt()
                raise

    def _fit_one(self, process: TrialProcess, data: TrialData, trial: Trial) -> TrialResult:
        result = process.run(data, trial, self.limits)
        self.n_fitted += 1
        if self.cache is not None:
            self.cache.store(data, trial, self.limits, result)
        return result

    def close(self) -> None:
        """End the workers; the next trial begins others."""
        for process in self.processes:
            process.close()


def _identity(data: TrialData, trial: Trial) -> tuple[Any, ...]:
    return data.checksum, trial.family, tuple(trial.configuration.items()), trial.fidelity, trial.seed
