"""What live searches of one family have in common: the pool, the tasks' data, and the way to a trial's result."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.live.errors import LiveError
from hpo_gym.live.family import Fidelity, find_family
from hpo_gym.live.pool import sobol_pool
from hpo_gym.live.rows import ValidationSplit
from hpo_gym.live.trial import TrialResult
from hpo_gym.live.trial_data import TrialData, trial_data
from hpo_gym.live.trial_runner import TrialRunner
from hpo_gym.live.worker import Trial

if TYPE_CHECKING:
    from hpo_gym.data.openml.settings import OpenMLSettings


class LiveSearch:
    """One family's pool on any number of tasks.

    Attributes:
        family: of the models.
        pool: (n, d) float32 in [0, 1].
        fidelities: (C,) how much of a full training each column of scores is.
        runner: of the trials.
    """

    def __init__(
        self,
        family: str,
        *,
        n_configurations: int,
        pool_seed: int,
        levels: Sequence[int | None] = (None,),
        subsample: float = 1.0,
        trial_seed: int = 0,
        fold: int = 0,
        runner: TrialRunner,
    ) -> None:
        """Nothing is downloaded and nothing started; see `LiveSelectionEnv` for the options."""
        self.family_name = family
        self.family = find_family(family)
        self.family.check_installed()
        self.pool = sobol_pool(self.family.hyperparameters, n_configurations, pool_seed)
        self.fidelities: tuple[Fidelity, ...] = tuple(self.family.fidelity(level, subsample) for level in levels)
        self.trial_seed = trial_seed
        self.fold = fold
        self.runner = runner
        self._data: dict[str, TrialData] = {}

    @cached_property
    def _values(self) -> list[NDArray[Any]]:
        """(n,) a hyperparameter, in its own units."""
        return [h.from_unit(self.pool[:, i]) for i, h in enumerate(self.family.hyperparameters)]

    def configuration(self, row: int) -> dict[str, Any]:
        """A row of the pool in its own units, Python's own types."""
        names = (h.name for h in self.family.hyperparameters)
        return {name: values[row].item() for name, values in zip(names, self._values, strict=True)}

    def data(self, task_id: str, settings: "OpenMLSettings | None" = None) -> TrialData:
        """A task, from the machine or from OpenML; kept. `settings`: whom to ask, else as `find_settings` finds them.

        Raises:
            OpenMLError: it cannot be had.
            LiveError: it is no classification, or too small.
        """
        if task_id not in self._data:
            from hpo_gym.data.openml.task_data import load_task_data

            self._data[task_id] = trial_data(
                load_task_data(int(task_id), fold=self.fold, settings=settings), ValidationSplit()
            )
        return self._data[task_id]

    def run(self, asked: Sequence[tuple[str, int, int]]) -> list[TrialResult]:
        """The results of (task id, row of the pool, column) each."""
        return self.runner.run_all([(self.data(task_id), self.trial(row, column)) for task_id, row, column in asked])

    def recorded(self, task_id: str) -> NDArray[np.float64]:
        """(n, C) scores of the whole pool on a task, all from the cache.

        Raises:
            LiveError: they are not all there; the message names the command that runs them.
        """
        data, n_columns = self.data(task_id), len(self.fidelities)
        found = [
            self.runner.cached(data, self.trial(row, c)) for row in range(len(self.pool)) for c in range(n_columns)
        ]
        n_missing = sum(result is None for result in found)
        if n_missing:
            raise LiveError(
                f"{n_missing} of {len(found)} trials of the pool on task {task_id} were not run, which agents that are "
                f"fitted on training tasks need: hpo-gym table build --live {self.family_name} --tasks {task_id} "
                f"--n-configurations {len(self.pool)}{' --fidelities' if n_columns > 1 else ''}"
            )
        return np.array([result.score for result in found if result]).reshape(-1, n_columns)

    def trial(self, row: int, column: int) -> Trial:
        """What a row of the pool stands for at a fidelity."""
        return Trial(
            family=self.family_name,
            configuration=self.configuration(row),
            fidelity=self.fidelities[column],
            seed=self.trial_seed,
        )

    def identity(self, task_ids: Sequence[str]) -> dict[str, Any]:
        """All that scores on these tasks depend on, but limits, versions and the machine; JSON-able."""
        return {
            "family": [self.family_name, self.family.version],
            "pool": np.ascontiguousarray(self.pool, "<f4").tobytes().hex(),
            "fidelities": [[f.n_iterations, f.subsample] for f in self.fidelities],
            "trial_seed": self.trial_seed,
            "tasks": {task_id: self.data(task_id).checksum for task_id in task_ids},
        }

    def close(self) -> None:
        """End the workers."""
        self.runner.close()
