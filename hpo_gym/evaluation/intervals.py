"""Interquartile means and stratified bootstrap intervals.

Strata are tasks: a resample draws, within each task, as many seeds as there are, with replacement. So an
interval says how far the figure might move with other seeds on *these* tasks, not on other tasks
(Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice", section 4).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

N_RESAMPLES = 2000
BOOTSTRAP_SEED = 0
"""Seeds the generator of every interval, so that the same episodes and the same files give the same figures."""

_CHUNK_VALUES = 4_000_000  # numbers that are resampled at once, about 32 MB


def iqm(values: Floats, axis: int | None = None) -> Floats:
    """Mean of the middle half: floor(n / 4) values are dropped at either end (over all axes, or over one)."""
    ordered = np.sort(values, axis=axis)
    n = ordered.shape[-1 if axis is None else axis]
    kept = np.arange(n // 4, n - n // 4)
    return np.take(ordered, kept, axis=-1 if axis is None else axis).mean(axis=axis)


def resampled_means(values: Floats, rng: np.random.Generator, n_resamples: int = N_RESAMPLES) -> Floats:
    """Each task's mean over bootstrapped seeds.

    Args:
        values: (n_tasks, n_seeds, n_metrics); the metrics of one seed stay together.
        rng: draws the seeds.
        n_resamples: bootstrap resamples.

    Returns:
        (n_resamples, n_tasks, n_metrics).
    """
    n_tasks, n_seeds, n_metrics = values.shape
    means = np.empty((n_resamples, n_tasks, n_metrics))
    chunk = max(1, _CHUNK_VALUES // n_seeds)
    for task in range(n_tasks):
        for start in range(0, n_resamples, chunk):
            stop = min(start + chunk, n_resamples)
            counts = _resample_counts(rng, stop - start, n_seeds)
            means[start:stop, task] = counts @ values[task] / n_seeds
    return means


def _resample_counts(rng: np.random.Generator, n_resamples: int, n_seeds: int) -> Floats:
    """(n_resamples, n_seeds) how often each seed was drawn; rows sum to n_seeds."""
    drawn = rng.integers(n_seeds, size=(n_resamples, n_seeds), dtype=np.int32)  # quicker than int64
    flat = drawn + np.arange(n_resamples, dtype=np.int64)[:, None] * n_seeds
    return np.bincount(flat.ravel(), minlength=n_resamples * n_seeds).reshape(n_resamples, n_seeds).astype(float)


def stratified_bootstrap(
    values: Floats,
    statistic: Callable[[Floats], Floats],
    rng: np.random.Generator,
    n_resamples: int = N_RESAMPLES,
) -> Floats:
    """Any statistic of bootstrapped values.

    Args:
        values: (n_tasks, n_seeds).
        statistic: (n, n_tasks, n_seeds) -> (n, ...), one figure (or array) a resample.
        rng: draws the seeds.
        n_resamples: bootstrap resamples.

    Returns:
        (n_resamples, ...) what the statistic gave.
    """
    n_tasks, n_seeds = values.shape
    chunk = max(1, _CHUNK_VALUES // values.size)
    results = []
    for start in range(0, n_resamples, chunk):
        n = min(chunk, n_resamples - start)
        drawn = rng.integers(n_seeds, size=(n, n_tasks, n_seeds))
        results.append(statistic(values[np.arange(n_tasks)[:, None], drawn]))
    return np.concatenate(results)


def percentile_interval(resampled: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Resampled statistics (n_resamples, ...) -> the central interval's ends, each (...)."""
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def mean_interval(
    values: Floats, rng: np.random.Generator, *, level: float = 0.95, n_resamples: int = N_RESAMPLES
) -> tuple[float, float]:
    """Values (n_tasks, n_seeds) -> stratified bootstrap interval of their mean."""
    means = resampled_means(values[:, :, None], rng, n_resamples).mean(axis=(1, 2))
    low, high = percentile_interval(means, level)
    return float(low), float(high)


def iqm_interval(
    values: Floats, rng: np.random.Generator, *, level: float = 0.95, n_resamples: int = N_RESAMPLES
) -> tuple[float, float]:
    """Values (n_tasks, n_seeds) -> stratified bootstrap interval of their interquartile mean."""
    resampled = stratified_bootstrap(values, lambda v: iqm(v.reshape(len(v), -1), axis=1), rng, n_resamples)
    low, high = percentile_interval(resampled, level)
    return float(low), float(high)
