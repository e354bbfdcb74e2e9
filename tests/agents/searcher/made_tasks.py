"""Made-up training tasks on a pool, and priors and posteriors of them."""

import numpy as np
import torch
from numpy.typing import NDArray

from agents.search.training_tasks import TrainingTasks
from agents.searcher.posterior import Posterior
from agents.searcher.prior import PoolPrior, Priors, pool_prior


def made_pool(n: int, seed: int = 0) -> NDArray[np.float32]:
    """(n, 3) random points of the unit cube."""
    return np.random.default_rng(seed).random((n, 3), np.float32)


def made_tasks(pool: NDArray[np.float32], n_tasks: int, seed: int = 0) -> TrainingTasks:
    """Peaks at random places, of random height and location."""
    rng = np.random.default_rng(seed)
    peaks = rng.random((n_tasks, pool.shape[1]))
    scores = tuple(
        rng.normal() - rng.uniform(0.5, 2) * ((pool - peak) ** 2).sum(axis=1).astype(np.float64) for peak in peaks
    )
    return training_tasks_of(pool, scores)


def training_tasks_of(pool: NDArray[np.float32], scores: tuple[NDArray[np.float64], ...]) -> TrainingTasks:
    """Tasks without meta-features that share a pool."""
    return TrainingTasks(
        task_ids=tuple(f"task-{i}" for i in range(len(scores))),
        pools=(pool,) * len(scores),
        scores=tuple(scores),
        meta_features=np.zeros((len(scores), 0), np.float32),
    )


def prior_of(training: TrainingTasks, pool: NDArray[np.float32] | None = None) -> PoolPrior:
    """By all tasks on their own pool, all of which exists."""
    pool = training.pools[0] if pool is None else pool
    return pool_prior(training, pool, np.ones(len(pool), bool))


def posterior_of(priors: list[PoolPrior], trials: list[list[tuple[int, float]]], horizon: int = 10) -> Posterior:
    """After an episode's trials (row, score), of as many episodes on each prior as there are lists of trials for it."""
    posterior = Posterior(Priors.of(priors), len(trials) // len(priors), horizon)
    for step in zip(*trials, strict=True):
        rows, scores = zip(*step, strict=True)
        posterior.add(torch.tensor(rows), torch.tensor(scores))
    return posterior
