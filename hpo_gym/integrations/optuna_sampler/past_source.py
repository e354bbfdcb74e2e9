"""The past as the sampler's knowledge of a search space: looked up where it was tried, else by a model of each task."""

import logging
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from agents.search.empirical_prior import ScoreRange
from agents.search.training_tasks import TrainingTasks
from hpo_gym.integrations.optuna_sampler.observed import without_outliers
from hpo_gym.integrations.optuna_sampler.past import Past, PastError, PastTask
from hpo_gym.integrations.optuna_sampler.space import UnitSpace, Values

FAR = 5.0
"""Scores that lie farther from the past's, in units of its usual range, are not taken to be in its unit."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Evaluations:
    """A task's: values (n, d), each once, and the mean of their scores (n,)."""

    name: str
    values: Values
    scores: NDArray[np.float64]

    @cached_property
    def rows(self) -> dict[bytes, int]:
        return {row.tobytes(): i for i, row in enumerate(self.values)}


@dataclass(frozen=True, kw_only=True, eq=False)
class PastSource:
    """Attributes:
    space: that is searched.
    past: as it was given.
    seed: of what fills in parameters that a past task does not know.
    """

    space: UnitSpace
    past: Past
    seed: int = 0

    def __post_init__(self) -> None:
        known = {name for task in self.past.tasks for name in task.columns}
        if not known & self.space.distributions.keys():
            raise PastError(
                f"the past knows {', '.join(sorted(known))}, and none of what is searched: "
                f"{', '.join(self.space.distributions)}; give parameters the same names"
            )
        if not self._tasks:
            raise PastError("no past trial lies within the bounds of the study; widen them, or leave `past` out")

    def scores(self, values: Values) -> NDArray[np.float32]:
        """(J, n) of configurations (n, d)."""
        keys = [row.tobytes() for row in values]
        known = np.array([[task.rows.get(key, -1) for key in keys] for task in self._tasks])  # (J, n)
        regrets = np.zeros(known.shape)
        is_strange = (known < 0).any(axis=0)
        if is_strange.any():
            from agents.search.pool_models import predict_losses  # scikit-learn: seconds, and not always needed

            regrets[:, is_strange] = predict_losses(self._training, self.space.points(values[is_strange]))[0]
        looked_up = np.array([r[k] for r, k in zip(self._training.normalised_regrets, known, strict=True)])
        return (1.0 - np.where(known < 0, regrets, looked_up)).astype(np.float32)

    def candidates(self, n: int) -> Values:
        """(m, d) the best configurations of each task in turn, n together at most."""
        best = [task.values[np.argsort(-task.scores, kind="stable")[:n]] for task in self._tasks]
        in_turn = [rows[place] for place in range(n) for rows in best if place < len(rows)]
        return np.stack(list({row.tobytes(): row for row in in_turn}.values())[:n])

    def standardised(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores (t,) as they are; where they are nowhere near the past's, their own range counts as its usual one."""
        expected = self.score_range
        if not len(scores):
            return scores
        scale = float(np.exp(expected.log_scale))
        reach = (FAR + 3 * np.sqrt(expected.relative_location_variance)) * scale
        if abs(np.median(scores) - expected.location) <= reach:
            return scores
        _logger.warning("The study's scores are nowhere near the past's: they are taken to be in another unit.")
        worst, best = scores.min(), scores.max()
        return expected.location + scale * (scores - worst) / (best - worst if best > worst else 1.0)

    @cached_property
    def score_range(self) -> ScoreRange:
        """By the worst and the best of each task."""
        ends = np.array([(task.scores.min(), task.scores.max()) for task in self._tasks])
        return ScoreRange.of_tasks(ends[:, 0], ends[:, 1])

    @cached_property
    def _tasks(self) -> tuple[_Evaluations, ...]:
        shared: dict[int, Values] = {}  # tasks of one table have the very same columns
        found = []
        for number, task in enumerate(self.past.tasks):
            if id(task.columns) not in shared:
                shared[id(task.columns)] = self._values(task, np.random.default_rng([self.seed, number]))
            values = shared[id(task.columns)]
            known = np.isfinite(values).all(axis=1) & np.isfinite(task.scores)
            if known.any():
                found.append(_evaluations(task.name, values[known], task.scores[known]))
        return tuple(found)

    def _values(self, task: PastTask, rng: np.random.Generator) -> Values:
        """(n, d), NaN where a trial does not fit; what the task does not know is drawn."""
        n = len(next(iter(task.columns.values())))
        columns = [
            axis.nearest_values(task.columns[name]) if name in task.columns else axis.values(rng.random(n))
            for name, axis in self.space.axes.items()
        ]
        return np.stack(columns, axis=1) + 0.0

    @cached_property
    def _training(self) -> TrainingTasks:
        return TrainingTasks(
            task_ids=tuple(task.name for task in self._tasks),
            pools=tuple(self.space.points(task.values) for task in self._tasks),
            scores=tuple(task.scores for task in self._tasks),
            meta_features=np.zeros((len(self._tasks), 0), np.float32),
        )


def _evaluations(name: str, values: Values, scores: NDArray[np.float64]) -> _Evaluations:
    """Configurations that were tried more than once have their mean score."""
    unique, group = np.unique(values, axis=0, return_inverse=True)
    means = np.bincount(group.ravel(), without_outliers(scores)) / np.bincount(group.ravel())
    return _Evaluations(name=name, values=unique, scores=means)
