"""A Gaussian process over a pool whose prior is what other data sets scored there (HyperBO, Wang et al. 2021).

A task's scores are location + scale * g. Over tasks, g is a Gaussian vector with the mean and the
covariance of the training tasks' normalised scores, plus a residual that only a kernel on the
configurations ties together, so that a new task may be unlike any mix of the old ones.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agents.search.expected_improvement import expected_improvement

Vector = NDArray[np.float64]

RESIDUAL_SHARE = 0.15
"""Share of the prior variance that the training tasks do not explain."""
LENGTH_SCALE = 1.0
"""Of the residual's Matern 5/2 kernel, in edges of the unit cube."""
NOISE_SHARE = 0.02
"""Variance of the noise of one score, as a share of the mean prior variance."""
_SD_LOG_SCALE_FLOOR = 0.3  # tasks that agree on the scale to the last digit were normalised; the next may differ
_SCALE_NODES = np.linspace(-2.0, 2.0, 9)  # standard deviations of the log scale at which it is integrated
_NEGLIGIBLE_WEIGHT = 1e-3
_VARIANCE_FLOOR = 1e-10


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoreRange:
    """Where a new task's scores are expected to lie: location = its worst score, scale = best - worst.

    Attributes:
        location: mean over the training tasks, in the unit of the scores.
        location_sd: standard deviation over the training tasks, same unit.
        log_scale, log_scale_sd: mean and standard deviation of the natural logarithm of the scale.
    """

    location: float
    location_sd: float
    log_scale: float
    log_scale_sd: float

    @classmethod
    def of_tasks(cls, worst: Vector, best: Vector) -> "ScoreRange":
        """From the worst and best scores (T,) of the training tasks; those without a range say no scale."""
        log_scales = np.log((best - worst)[best > worst])
        return cls(
            location=float(worst.mean()),
            location_sd=float(worst.std()),
            log_scale=float(log_scales.mean()) if len(log_scales) else 0.0,
            log_scale_sd=max(float(log_scales.std()) if len(log_scales) else 0.0, _SD_LOG_SCALE_FLOOR),
        )

    @property
    def relative_location_variance(self) -> float:
        """Variance of the location in units of a typical scale squared."""
        return float((self.location_sd / np.exp(self.log_scale)) ** 2)


@dataclass(frozen=True, kw_only=True, eq=False)
class EmpiricalPrior:
    """The prior over n configurations; a covariance is only ever formed between the pool and one of them.

    Attributes:
        pool: (n, d) float64 in [0, 1].
        mean: (n,) of normalised scores, 0 = worst and 1 = best of a task.
        factor: (T, n); factor.T @ factor is the part of the covariance that the tasks share.
        residual_variance, noise_variance: of normalised scores.
        score_range: what is known of location and scale beforehand.
    """

    pool: Vector
    mean: Vector
    factor: Vector
    residual_variance: float
    noise_variance: float
    score_range: ScoreRange

    @classmethod
    def of_scores(cls, pool: Vector, normalised_scores: Vector, score_range: ScoreRange) -> "EmpiricalPrior":
        """From the training tasks' normalised scores (T, n) on the pool (n, d); NaN is filled by the mean.

        The covariance is the sample's, times 1 + 1 / T because the mean is estimated too.
        """
        known = np.isfinite(normalised_scores)
        n_known = known.sum(axis=0)
        total = np.where(known, normalised_scores, 0.0).sum(axis=0)
        overall = total.sum() / max(n_known.sum(), 1)
        mean = np.where(n_known > 0, total / np.maximum(n_known, 1), overall)
        centred = np.where(known, normalised_scores - mean, 0.0)
        n_tasks = len(centred)
        factor = centred * np.sqrt((1 + 1 / n_tasks) / max(n_tasks - 1, 1))
        # One task shows no variance between tasks: its own over the pool stands in.
        across_tasks = (factor**2).sum(axis=0)[n_known > 0]
        variance = float(across_tasks.mean()) if n_tasks > 1 else float(mean[n_known > 0].var())
        variance = max(variance, _VARIANCE_FLOOR)
        return cls(
            pool=pool,
            mean=mean,
            factor=np.sqrt(1 - RESIDUAL_SHARE) * factor,
            residual_variance=RESIDUAL_SHARE * variance,
            noise_variance=NOISE_SHARE * variance,
            score_range=score_range,
        )

    def covariance_with(self, index: int) -> Vector:
        """(n,) prior covariance of every configuration with the one at `index`, location included."""
        kernel = matern52(self.pool, self.pool[index], LENGTH_SCALE)
        shared = self.factor[:, index] @ self.factor
        return shared + self.residual_variance * kernel + self.score_range.relative_location_variance

    def variance(self) -> Vector:
        """(n,) prior variance, location included, noise not."""
        shared = np.einsum("tn,tn->n", self.factor, self.factor)
        return shared + self.residual_variance + self.score_range.relative_location_variance


def matern52(points: Vector, point: Vector, length_scale: float) -> Vector:
    """Matern 5/2 correlation of points (n, d) with a point (d,): (n,), 1 where they meet."""
    difference = (points - point) / length_scale
    r = np.sqrt(5.0 * np.einsum("nd,nd->n", difference, difference))
    return (1.0 + r + r * r / 3.0) * np.exp(-r)


@dataclass(kw_only=True, eq=False)
class EmpiricalPosterior:
    """The prior conditioned on one task's scores, one trial at a time: O(n t) for the t-th.

    With K the covariance of the trials (noise included), L its Cholesky factor and k their covariance with the
    pool, the rows of `_whitened` are those of inv(L) k. A row follows from those before it, and every mean is
    a sum over rows. The mean is linear in 1 / scale: normalised scores are (y - location) / scale.
    """

    prior: EmpiricalPrior
    n_trials_at_most: int
    indices: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._whitened = np.empty((self.n_trials_at_most, len(self.prior.mean)))
        self._variance = self.prior.variance()
        self._pull_of_prior = self.prior.mean.copy()  # the mean where 1 / scale is 0
        self._pull_of_scores = np.zeros_like(self.prior.mean)  # what 1 / scale adds to it
        self._residuals = np.empty((self.n_trials_at_most, 2))  # inv(L) [y - location, prior mean]

    def add(self, index: int, score: float) -> None:
        """Condition on the score (raw) of the configuration at `index`."""
        t = len(self.indices)
        rows = self._whitened[:t]
        coefficients = rows[:, index].copy()
        pivot = self._variance[index] + self.prior.noise_variance
        root = np.sqrt(max(pivot, _VARIANCE_FLOOR))
        row = (self.prior.covariance_with(index) - coefficients @ rows) / root
        observed = np.array([score - self.prior.score_range.location, self.prior.mean[index]])
        residual = (observed - coefficients @ self._residuals[:t]) / root
        self._whitened[t], self._residuals[t] = row, residual
        self._variance -= row * row
        self._pull_of_scores += row * residual[0]
        self._pull_of_prior -= row * residual[1]
        self.indices.append(index)
        self.scores.append(score)

    def scale_weights(self) -> tuple[Vector, Vector]:
        """Scales (G,) in the unit of the scores, and their posterior probabilities (G,), negligible ones left out."""
        expected = self.prior.score_range
        scales = np.exp(expected.log_scale + expected.log_scale_sd * _SCALE_NODES)
        t = len(self.indices)
        residuals = self._residuals[:t, :1] / scales - self._residuals[:t, 1:]  # (t, G)
        log_weights = -0.5 * _SCALE_NODES**2 - t * np.log(scales) - 0.5 * (residuals**2).sum(axis=0)
        weights = np.exp(log_weights - log_weights.max())
        weights /= weights.sum()
        kept = weights > _NEGLIGIBLE_WEIGHT
        return scales[kept], weights[kept] / weights[kept].sum()

    def predict(self, scale: float) -> tuple[Vector, Vector]:
        """Mean (n,) and standard deviation (n,) of the normalised scores, were `scale` the task's.

        The location is uncertain: it counts in both. In raw units the mean is location + scale * mean.
        """
        mean = self._pull_of_prior + self._pull_of_scores / scale
        return mean, np.sqrt(np.maximum(self._variance, _VARIANCE_FLOOR))

    def expected_improvement(self) -> Vector:
        """(n,) over the best raw score so far, integrated over the scale; before any trial the prior mean.

        Where nothing was tried yet, the incumbent is the worst score and every configuration improves on it
        by its normalised score.
        """
        if not self.indices:
            return self.prior.mean
        total = np.zeros_like(self.prior.mean)
        for scale, weight in zip(*self.scale_weights(), strict=True):
            mean, sd = self.predict(scale)
            incumbent = (max(self.scores) - self.prior.score_range.location) / scale
            total += weight * scale * expected_improvement(mean, sd, incumbent)
        return total
