"""Scores of a search, as pure functions of arrays; docs/metrics.md gives each its formula.

Axes are named in the signatures' docstrings; a curve's last axis is the trial, so `curve[..., k - 1]` is
what k full evaluations had bought. "..." is any number of leading axes (agents, tasks, seeds).
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_COST_SLACK = 1e-9  # sums of epochs / n_epochs fall short of a whole number by rounding


def incumbents(scores: Floats) -> Floats:
    """Scores (..., n_trials) -> best score so far (..., n_trials); NaN (no trial) never becomes the best."""
    return np.fmax.accumulate(scores, axis=-1)


def incumbents_on_grid(scores: Floats, costs: Floats, budget: int, before_any: Floats) -> Floats:
    """The incumbent at cumulative costs of 1 ... budget full evaluations.

    Args:
        scores: (n_seeds, n_steps), NaN where there was no trial.
        costs: (n_seeds, n_steps) cumulative cost after each trial, NaN where there was none.
        budget: length of the grid.
        before_any: (n_seeds,) what stands at grid points that no finished trial fits into.

    Returns:
        (n_seeds, budget): entry k - 1 is the best observed score among trials whose cumulative cost is at
        most k; after the last trial the incumbent stays. With costs 1, 2, 3, ... that is `incumbents`.
    """
    best_so_far = incumbents(scores)  # (n_seeds, n_steps)
    paid = np.fmax.accumulate(np.where(np.isnan(costs), 0.0, costs), axis=1)  # (n_seeds, n_steps)
    grid = np.arange(1, budget + 1) + _COST_SLACK
    n_done = np.stack([np.searchsorted(row, grid, side="right") for row in paid])  # (n_seeds, budget)
    padded = np.concatenate([np.full((len(scores), 1), np.nan), best_so_far], axis=1)
    curve = np.take_along_axis(padded, n_done, axis=1)
    return np.where(np.isnan(curve), before_any[:, None], curve)


def normalized_regret(incumbent: Floats, best: Floats, worst: Floats) -> Floats:
    """Incumbent (..., n_trials), best and worst (...) -> (best - incumbent) / (best - worst) in [0, 1].

    A task whose scores are all the same has no regret. Observations outside [worst, best] (noisy replicates,
    low fidelities) are clipped.
    """
    span = (best - worst)[..., None]
    regret = (best[..., None] - incumbent) / np.where(span > 0, span, 1.0)
    return np.where(span > 0, np.clip(regret, 0.0, 1.0), 0.0)


def normalized_regret_at(regret_curves: Floats, k: int) -> Floats:
    """Regret curves (..., n_trials) -> regret after k trials (...)."""
    return regret_curves[..., k - 1]


def area_under_regret(regret_curves: Floats, k: int) -> Floats:
    """Regret curves (..., n_trials) -> mean regret over trials 1 ... k (...), in [0, 1]."""
    return regret_curves[..., :k].mean(axis=-1)


def average_ranks(performance: Floats) -> Floats:
    """Performance (n_agents, ...), higher is better -> rank (n_agents, ...) among agents, 1 is best.

    Ties share the mean of the ranks that they span, so ranks always sum to n_agents (n_agents + 1) / 2.
    """
    better = performance[None, :] > performance[:, None]  # (agent, rival, ...)
    equal = performance[None, :] == performance[:, None]  # every agent ties with itself
    return better.sum(axis=1) + (equal.sum(axis=1) + 1) / 2


def rank_among(performance: Floats, rivals: Floats) -> Floats:
    """Performance (...) and that of rivals (n_rivals, ...) -> rank (...) among all of them, as `average_ranks`."""
    better, equal = rivals > performance, rivals == performance
    return better.sum(axis=0) + (equal.sum(axis=0) + 2) / 2


def beats(performance: Floats, reference: Floats) -> Floats:
    """Performance and reference (...) -> 1.0 where higher, 0.5 where the same, 0.0 where lower (...)."""
    return np.where(performance == reference, 0.5, (performance > reference).astype(np.float64))


def median_performance(cells: Floats) -> float:
    """Cell values (n_tasks,) -> their median: MP."""
    return float(np.median(cells))


def mean_performance(cells: Floats) -> float:
    """Cell values (n_tasks,) -> their mean: MnP."""
    return float(cells.mean())


def expected_random_regret(scores: Floats, n_trials: int) -> Floats:
    """Expected normalised regret of random search without replacement over a pool, in closed form.

    With regrets sorted r_1 <= ... <= r_n, the best of k drawn is worse than r_i with probability
    q_i = C(n - i, k) / C(n, k), so E = r_1 + sum_i q_i (r_{i+1} - r_i); from one k to the next, q_i(k) is
    q_i(k - 1) (n - i - k + 1) / (n - k + 1).

    Args:
        scores: (n,) of the pool, higher is better; NaN (not evaluated) cannot be drawn.
        n_trials: how far the curve goes; beyond n it stays at its end.

    Returns:
        (n_trials,) expected regret after 1 ... n_trials trials.
    """
    known = scores[np.isfinite(scores)]
    regret = np.sort(normalized_regret(known, np.asarray(known.max()), np.asarray(known.min())))
    n, steps = len(regret), np.diff(regret)
    remaining = n - np.arange(1, n)  # configurations worse than the i-th best
    still_worse, curve = np.ones(n - 1), np.empty(n_trials)
    for k in range(1, n_trials + 1):
        if k <= n:
            still_worse = still_worse * np.maximum(remaining - k + 1, 0) / (n - k + 1)
        curve[k - 1] = regret[0] + still_worse @ steps
    return curve
