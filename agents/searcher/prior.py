"""What other tasks say of a pool before the first trial, as tensors for many episodes side by side.

The model is that of `agents.search.empirical_prior` (scores are location + scale * g, g a Gaussian vector over the pool
with the mean and covariance of the other tasks); here it is batched, and keeps the other tasks' scores, which a
portfolio needs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.search.empirical_prior import NOISE_SHARE, RESIDUAL_SHARE, ScoreRange
from agents.search.training_tasks import TrainingTasks, rank_of_scores

N_SCALES = 5
"""Nodes at which the scale of a task's scores is integrated, from -2 to 2 standard deviations of its logarithm."""
_VARIANCE_FLOOR = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class PoolPrior:
    """One pool of n configurations in d dimensions, and what J other tasks scored there.

    Attributes:
        pool: (n, d) float32.
        exists: (n,) bool; the rest is padding and never a candidate.
        scores: (J, n) float32, 0 = worst and 1 = best of a task, no NaN.
        score_range: where the scores of a new task are expected.
    """

    pool: NDArray[np.float32]
    exists: NDArray[np.bool_]
    scores: NDArray[np.float32]
    score_range: ScoreRange

    def restricted(self, rows: NDArray[np.int64], tasks: NDArray[np.int64]) -> "PoolPrior":
        """The same for some rows of the pool, and by some of the other tasks."""
        return PoolPrior(
            pool=self.pool[rows],
            exists=self.exists[rows],
            scores=self.scores[np.ix_(tasks, rows)],
            score_range=self.score_range,
        )


def pool_prior(
    training: TrainingTasks, pool: NDArray[np.float32], exists: NDArray[np.bool_], *, without: int | None = None
) -> PoolPrior:
    """The prior that training tasks give for a pool.

    Args:
        training: the tasks; on a pool that is not theirs, models of them say what they would have scored.
        pool: (n, d), rows that do not exist are zeros.
        exists: (n,).
        without: position of a training task that is left out, since it is the one that is searched.

    Raises:
        ValueError: no task is left.
    """
    shared = training.shared_pool
    if shared is not None and np.array_equal(shared, pool):
        regrets = np.array(training.normalised_regrets)
    else:
        from agents.search.pool_models import predict_losses  # scikit-learn: seconds, and not always needed

        regrets = np.ones((len(training.pools), len(pool)))
        regrets[:, exists] = predict_losses(training, pool[exists])[0]
    others = [task for task in range(len(regrets)) if task != without]
    if not others:
        raise ValueError("a searcher needs one other task at least to have a prior from")
    scores = 1.0 - regrets[others]
    known = np.isfinite(scores)
    filled = np.where(known, scores, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    worst, best = (np.array([f(training.scores[task]) for task in others]) for f in (np.nanmin, np.nanmax))
    return PoolPrior(
        pool=pool.astype(np.float32),
        exists=exists,
        scores=np.where(known, scores, filled).astype(np.float32),
        score_range=ScoreRange.of_tasks(worst, best),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Priors:
    """P pools of one table side by side, padded to n configurations and J tasks; scores in units of a typical scale.

    Attributes:
        pool: (P, n, d).
        exists: (P, n) bool.
        scores: (P, J, n); what is padding is 0.
        is_task: (P, J) 1 where there is a task.
        mean: (P, n) of the tasks' scores.
        factor: (P, J, n); its square over J is the part of the covariance that tasks share.
        residual, noise, location_variance: (P, 1) variances.
        variance: (P, n) of the prior.
        mean_rank: (P, n) of a configuration among the others, over the tasks, in [0, 1], 0 is best.
        location, unit: (P, 1) a raw score is location + unit * score.
        log_scale_sd: (P, 1).
        scales: (P, N_SCALES) of a task's scores, in units of `unit`.
    """

    pool: Tensor
    exists: Tensor
    scores: Tensor
    is_task: Tensor
    mean: Tensor
    factor: Tensor
    residual: Tensor
    noise: Tensor
    location_variance: Tensor
    variance: Tensor
    mean_rank: Tensor
    location: Tensor
    unit: Tensor
    log_scale_sd: Tensor
    scales: Tensor

    @classmethod
    def of(cls, priors: Sequence[PoolPrior]) -> "Priors":
        """Put pools of the same number of dimensions side by side."""
        n, n_tasks = max(len(p.pool) for p in priors), max(len(p.scores) for p in priors)
        built = [_tensors(prior, n, n_tasks) for prior in priors]
        return cls(**{name: torch.stack([tensors[name] for tensors in built]) for name in built[0]})

    def __len__(self) -> int:
        return len(self.pool)


def _tensors(prior: PoolPrior, n: int, n_tasks: int) -> dict[str, Tensor]:
    scores, own = prior.scores.astype(np.float64), len(prior.pool)
    j = len(scores)
    mean = scores.mean(axis=0)
    factor = (scores - mean) * np.sqrt((1 + 1 / j) / max(j - 1, 1))
    # One task shows no variance between tasks: its own over the pool stands in.
    variance = float((factor**2).sum(axis=0)[prior.exists].mean()) if j > 1 else float(mean[prior.exists].var())
    variance = max(variance, _VARIANCE_FLOOR)
    factor *= np.sqrt(1 - RESIDUAL_SHARE)
    expected = prior.score_range
    location_variance = expected.relative_location_variance
    ranks = np.stack([rank_of_scores(np.where(prior.exists, task, -np.inf)) for task in scores])
    nodes = np.linspace(-2.0, 2.0, N_SCALES)

    def padded(values: NDArray, *shape: int) -> Tensor:
        room = np.zeros(shape, np.float32)
        room[tuple(slice(0, size) for size in values.shape)] = values
        return torch.as_tensor(room)

    def one(value: float) -> Tensor:
        return torch.tensor([value], dtype=torch.float32)

    prior_variance = (factor**2).sum(axis=0) + RESIDUAL_SHARE * variance + location_variance
    return {
        "pool": padded(prior.pool, n, prior.pool.shape[1]),
        "exists": padded(prior.exists, n) > 0,
        "scores": padded(scores, n_tasks, n),
        "is_task": padded(np.ones(j), n_tasks),
        "mean": padded(mean, n),
        "factor": padded(factor, n_tasks, n),
        "residual": one(RESIDUAL_SHARE * variance),
        "noise": one(NOISE_SHARE * variance),
        "location_variance": one(location_variance),
        "variance": padded(prior_variance, n),
        "mean_rank": padded(np.where(np.isfinite(ranks), ranks, own).mean(axis=0) / own, n),
        "location": one(expected.location),
        "unit": one(float(np.exp(expected.log_scale))),
        "log_scale_sd": one(expected.log_scale_sd),
        "scales": torch.as_tensor(np.exp(expected.log_scale_sd * nodes), dtype=torch.float32),
    }
