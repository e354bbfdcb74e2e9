"""Where a sampler's knowledge comes from: other tasks, as scores of any configuration."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agents.search.empirical_prior import ScoreRange
from hpo_gym.integrations.optuna_sampler.space import UnitSpace, Values


class Source(Protocol):
    """J tasks on one search space."""

    @property
    def space(self) -> UnitSpace:
        """That is searched."""
        ...

    def scores(self, values: Values) -> NDArray[np.float32]:
        """What the tasks score at configurations (n, d): (J, n), 0 = worst and 1 = best of a task."""
        ...

    def candidates(self, n: int) -> Values:
        """(m, d) at most n configurations that are worth choosing from."""
        ...

    def standardised(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """A study's scores (t,) in the unit of `score_range`."""
        ...

    @property
    def score_range(self) -> ScoreRange:
        """Where a study's standardised scores are expected."""
        ...
