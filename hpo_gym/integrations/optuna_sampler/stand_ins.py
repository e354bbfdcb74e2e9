"""Tasks that stand in for a past that there is not: random smooth functions of the unit cube.

Half of them have one peak (a bowl upside down), half are draws of a Gaussian process; in both a random few of the
parameters matter much and the others little. They say that neighbours score alike, and not much more.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from agents.search.empirical_prior import ScoreRange
from hpo_gym.integrations.optuna_sampler.observed import n_settled
from hpo_gym.integrations.optuna_sampler.pool import Pool
from hpo_gym.integrations.optuna_sampler.space import Points, UnitSpace, Values

N_TASKS = 128
"""So many that two far configurations are hardly correlated by chance: 1 / sqrt(128)."""
_N_WAVES = 32
_N_REFERENCE = 512
"""Configurations whose worst and best scores are a stand-in's 0 and 1, so that any lie about between."""
LENGTH_SCALE = 0.5
"""Of the process where a parameter matters as much as the others, in edges of the unit cube."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StandIns:
    """Attributes:
    space: that is searched.
    seed: draws the functions.
    """

    space: UnitSpace
    seed: int = 0

    def scores(self, values: Values) -> NDArray[np.float32]:
        """(J, n) of configurations (n, d)."""
        worst, best = self._ends
        return ((self._functions.at(self.space.points(values)) - worst) / (best - worst)).astype(np.float32)

    def candidates(self, n: int) -> Values:
        """None: all configurations are as good as others."""
        return np.zeros((0, self.space.n_dims))

    def standardised(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores (t,) with the mean and the deviation that stand-ins have, by the first ones: nothing else is known.

        The best of a few trials is thus not taken for the best that there is.
        """
        seen = scores[: n_settled(len(scores))]
        mean, sd = self._usual
        if not len(seen) or seen.max() == seen.min():
            return scores - (seen[0] if len(seen) else 0.0) + mean
        return mean + sd * (scores - seen.mean()) / seen.std()

    @property
    def score_range(self) -> ScoreRange:
        """About 0 to 1, since mean and deviation of some trials are not those of the space."""
        return ScoreRange(location=0.0, location_sd=0.3, log_scale=0.0, log_scale_sd=0.5)

    @cached_property
    def _functions(self) -> "_Functions":
        return _Functions.drawn(self.space.n_dims, np.random.default_rng([self.seed, self.space.n_dims]))

    @cached_property
    def _usual(self) -> tuple[float, float]:
        """Mean of the stand-ins' scores, and their mean deviation over the space."""
        at = self.scores(self._reference.values)
        return float(at.mean()), float(at.std(axis=1).mean())

    @cached_property
    def _reference(self) -> Pool:
        return Pool.spread(self.space, _N_REFERENCE, self.seed)

    @cached_property
    def _ends(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        at = self._functions.at(self._reference.points)
        worst, best = at.min(axis=1, keepdims=True), at.max(axis=1, keepdims=True)
        return worst, np.where(best > worst, best, worst + 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Functions:
    """J / 2 bowls and J / 2 sums of cosines (random Fourier features, Rahimi & Recht 2007).

    Attributes:
        weights, peaks, powers: (J / 2, d), (J / 2, d), (J / 2, 1).
        frequencies, phases, amplitudes: (J / 2, W, d), (J / 2, W, 1), (J / 2, W).
    """

    weights: NDArray[np.float64]
    peaks: NDArray[np.float64]
    powers: NDArray[np.float64]
    frequencies: NDArray[np.float64]
    phases: NDArray[np.float64]
    amplitudes: NDArray[np.float64]

    @classmethod
    def drawn(cls, n_dims: int, rng: np.random.Generator) -> "_Functions":
        half = N_TASKS // 2

        def relevance() -> NDArray[np.float64]:
            """(J / 2, d) of mean 1 over the parameters, few of them large."""
            drawn = rng.exponential(size=(half, n_dims)) ** 2
            return drawn / drawn.mean(axis=1, keepdims=True)

        # Student's t with 5 degrees of freedom is the spectrum of Matern 5/2.
        heavy = np.sqrt(5 / rng.chisquare(5, (half, _N_WAVES, 1)))
        waves = rng.normal(size=(half, _N_WAVES, n_dims)) * heavy / LENGTH_SCALE
        return cls(
            weights=relevance(),
            peaks=rng.random((half, n_dims)),
            powers=rng.choice([1.0, 2.0], (half, 1)),
            frequencies=waves * np.sqrt(relevance())[:, None],
            phases=rng.random((half, _N_WAVES, 1)) * 2 * np.pi,
            amplitudes=rng.normal(size=(half, _N_WAVES)),
        )

    def at(self, points: Points) -> NDArray[np.float64]:
        """(J, n) at points (n, d)."""
        x = points.astype(np.float64)
        bowls = [
            -(np.abs(x - peak) ** power) @ weight
            for peak, power, weight in zip(self.peaks, self.powers, self.weights, strict=True)
        ]
        waves = [
            a @ np.cos(w @ x.T + phase)
            for a, w, phase in zip(self.amplitudes, self.frequencies, self.phases, strict=True)
        ]
        return np.array(bowls + waves)
