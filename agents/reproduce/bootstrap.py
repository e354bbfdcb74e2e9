"""Intervals over two kinds of luck: of the training seed, and of the run seed that a policy is judged on.

A resample draws training seeds with replacement, then run seeds. All policies of a testbed meet the same run seeds, and
so do the references: a run seed that is drawn counts for all of them, and what it has in common for all (an easy start)
is not mistaken for many independent draws. Where each policy was judged on one run seed of its own, both are drawn at
once.
"""

import numpy as np
from numpy.typing import NDArray

from hpo_gym.evaluation.compare import Estimate
from hpo_gym.evaluation.intervals import BOOTSTRAP_SEED, N_RESAMPLES, percentile_interval
from hpo_gym.evaluation.run_metrics import can_be_normalized, normalized_score

Floats = NDArray[np.float64]


def resampled_means(cells: Floats, rng: np.random.Generator, n_resamples: int = N_RESAMPLES) -> Floats:
    """Several figures of the same runs (n_figures, n_training_seeds, n_run_seeds) -> (n_figures, n_resamples) means."""
    _, n_training, n_runs = cells.shape
    policies = shares(rng, n_resamples, n_training)
    runs = shares(rng, n_resamples, n_runs)
    return np.einsum("rn,knm,rm->kr", policies, cells, runs)


def shares(rng: np.random.Generator, n_resamples: int, n: int) -> Floats:
    """(n_resamples, n) how often each was drawn, over n."""
    drawn = rng.integers(n, size=(n_resamples, n)) + n * np.arange(n_resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=n_resamples * n).reshape(n_resamples, n) / n


def mean_estimate(cells: Floats) -> Estimate:
    """The mean of (n_training_seeds, n_run_seeds) figures, with its 95 % interval."""
    drawn = resampled_means(cells[None], np.random.default_rng(BOOTSTRAP_SEED))[0]
    return _estimate(float(cells.mean()), drawn)


def score_estimate(ours: Floats, off: Floats, tuned: Floats) -> Estimate | None:
    """The normalised score of outcomes (n_training_seeds, n_run_seeds), paired with the references' on the same runs.

    None where the references cannot be told apart.
    """
    cells = np.stack([ours, off, tuned])
    drawn = resampled_means(cells, np.random.default_rng(BOOTSTRAP_SEED))
    if not can_be_normalized(drawn[1], drawn[2]):
        return None
    return _estimate(float(normalized_score(*cells.mean(axis=(1, 2)))), normalized_score(*drawn))


def score_difference_estimate(ours: Floats, theirs: Floats, off: Floats, tuned: Floats) -> Estimate | None:
    """The normalised score of `ours` less that of `theirs`, all (n_training_seeds, n_run_seeds) and paired."""
    cells = np.stack([ours, theirs, off, tuned])
    drawn = resampled_means(cells, np.random.default_rng(BOOTSTRAP_SEED))
    if not can_be_normalized(drawn[2], drawn[3]):
        return None

    def difference(a: Floats, b: Floats, off: Floats, tuned: Floats) -> Floats:
        return normalized_score(a, off, tuned) - normalized_score(b, off, tuned)

    return _estimate(float(difference(*cells.mean(axis=(1, 2)))), difference(*drawn))


def _estimate(value: float, drawn: Floats) -> Estimate:
    low, high = percentile_interval(drawn)
    return Estimate(mean=value, low=float(low), high=float(high))
