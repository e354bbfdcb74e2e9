"""Whether one searcher is better than another on a table: differences with intervals over tasks and seeds.

A resample draws tasks with replacement, the same for both, and for each of the two its seeds. So an interval says how
far the figure might move on other tasks of this kind and with other trainings. Where there are few tasks (HPOBench MLP
has 8) it is itself uncertain.
"""

from collections.abc import Sequence

import numpy as np

from agents.reproduce.bootstrap import shares
from agents.reproduce.searchers_findings import Curves, Floats
from hpo_gym.evaluation.compare import Estimate
from hpo_gym.evaluation.intervals import BOOTSTRAP_SEED, N_RESAMPLES, percentile_interval

SMALLEST_REGRET = 0.002
"""In ratios, smaller regrets count as this: a search that finds the best configuration leaves none."""


def mean_over_seeds(curves: Curves, n_trials: int) -> Estimate:
    """Regret over tasks and seeds; the interval is over seeds, on these tasks, and without width where there is one."""
    by_seed = curves.at(n_trials).mean(axis=1)
    drawn = shares(np.random.default_rng(BOOTSTRAP_SEED), N_RESAMPLES, len(by_seed)) @ by_seed
    return _estimate(float(by_seed.mean()), drawn)


def difference(ours: Curves, theirs: Curves, n_trials: int) -> Estimate:
    """Mean regret of `ours` less that of `theirs`, on the tasks of `ours`; negative is better."""
    ours, theirs = aligned(ours, theirs)
    a, b = ours.at(n_trials), theirs.at(n_trials)
    rng = np.random.default_rng(BOOTSTRAP_SEED)
    tasks = shares(rng, N_RESAMPLES, a.shape[1])
    drawn = [_drawn_means(cells, tasks, rng) for cells in (a, b)]
    return _estimate(float(a.mean() - b.mean()), drawn[0] - drawn[1])


def ratios(pairs: Sequence[tuple[Curves, Curves]], n_trials: int) -> tuple[list[Estimate], Estimate]:
    """Mean regret over that of the other.

    Args:
        pairs: of each table, a variant's curves and those that it is compared with. The same trainings may have been
            judged on all tables: seeds are drawn once for those that are as many.
        n_trials: after how many.

    Returns:
        Table by table, and the geometric mean over tables.
    """
    values: list[float] = []
    logs: list[Floats] = []
    for ours, theirs in pairs:
        ours, theirs = aligned(ours, theirs)
        rng = np.random.default_rng(BOOTSTRAP_SEED)  # anew: so the same seeds of training are drawn table by table
        seeds = [shares(rng, N_RESAMPLES, len(curves.regrets)) for curves in (ours, theirs)]
        tasks = shares(np.random.default_rng([BOOTSTRAP_SEED, len(values)]), N_RESAMPLES, len(ours.tasks))
        both = [curves.at(n_trials) for curves in (ours, theirs)]
        means = [np.einsum("rs,st,rt->r", drawn, cells, tasks) for drawn, cells in zip(seeds, both, strict=True)]
        a, b = (np.maximum(mean, SMALLEST_REGRET) for mean in means)
        logs.append(np.log(a / b))
        values.append(float(np.log(max(both[0].mean(), SMALLEST_REGRET) / max(both[1].mean(), SMALLEST_REGRET))))
    each = [_estimate(float(np.exp(value)), np.exp(drawn)) for value, drawn in zip(values, logs, strict=True)]
    return each, _estimate(float(np.exp(np.mean(values))), np.exp(np.mean(logs, axis=0)))


def verdict(estimate: Estimate) -> str:
    """Of a difference of regrets, in a word or two."""
    if estimate.high < 0:
        return "better"
    return "worse" if estimate.low > 0 else "not told apart"


def aligned(ours: Curves, theirs: Curves) -> tuple[Curves, Curves]:
    """Both on the tasks that both were judged on, in the order of the first."""
    shared = tuple(task for task in ours.tasks if task in theirs.tasks)
    return ours.on(shared), theirs.on(shared)


def _drawn_means(cells: Floats, tasks: Floats, rng: np.random.Generator) -> Floats:
    """(n_resamples,) means of cells (S, T), with the shares of the tasks (n_resamples, T) and seeds drawn now."""
    seeds = shares(rng, N_RESAMPLES, len(cells))
    return np.einsum("rs,st,rt->r", seeds, cells, tasks, optimize=True)


def _estimate(value: float, drawn: Floats) -> Estimate:
    low, high = percentile_interval(drawn)
    return Estimate(mean=value, low=float(low), high=float(high))
