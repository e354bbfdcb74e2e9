"""Live config selection for many members at once, whose trials share worker processes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.envs.autoreset import Infos
from hpo_gym.envs.config_selection_vector import ConfigSelectionVectorEnv
from hpo_gym.envs.live_selection import told_of_all
from hpo_gym.envs.live_selection_problem import LiveProblem, build_live_problem


class LiveSelectionVectorEnv(ConfigSelectionVectorEnv):
    """`num_envs` live searches side by side; see `LiveSelectionEnv` for spaces, rewards and options.

    A step runs its members' trials `workers` at a time, and the same trial of two members once. Otherwise as
    `ConfigSelectionVectorEnv`.
    """

    problem: LiveProblem

    def __init__(self, num_envs: int, family: str = "svm", **options: Any) -> None:
        super().__init__(num_envs, family, **options)

    def _build(self, source: str, **options: Any) -> LiveProblem:
        return build_live_problem(source, **options)

    def _run_trials(
        self, rows: NDArray[np.int64], columns: NDArray[np.int64], moving: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.float64], Infos]:
        members = self._members if moving is None else np.flatnonzero(moving)
        results = self.problem.run(self._task[members], rows[members], columns[members])
        scores = np.zeros(self.num_envs)
        scores[members] = [result.score for result in results]
        return scores, told_of_all(results, members, self.num_envs)

    def close_extras(self, **kwargs: Any) -> None:
        """End the worker processes."""
        self.problem.live.close()
