"""GRPOformer's four figures of several agents over cells of more than one table: BtR, MP, MnP and MnR.

`summary.py` computes them for one agent on one environment; here the cells may be of any environments, as in the
paper, and all agents are the field of one another. docs/metrics.md defines the figures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpo_gym.evaluation import metrics as m
from hpo_gym.evaluation.compare import Estimate
from hpo_gym.evaluation.intervals import Floats, percentile_interval, resampled_means

RANDOM = "random"
"""Whom BtR means."""


@dataclass(frozen=True, kw_only=True)
class CellFigures:
    """One agent after some trials, with 95 % intervals over seeds.

    Attributes:
        beat_random: BtR; None without random search in the field, and for itself.
        median_performance: MP, in the unit of the scores.
        mean_performance: MnP.
        rank: MnR, among all agents of the field.
    """

    beat_random: Estimate | None
    median_performance: Estimate
    mean_performance: Estimate
    rank: Estimate


def cell_figures(curves: Mapping[str, Sequence[Floats]], k: int, rng: np.random.Generator) -> dict[str, CellFigures]:
    """The figures of every agent after k trials.

    Args:
        curves: agent -> for each cell, in the same order for all, the incumbent's score (n_seeds, n_trials). Agents may
            have other numbers of seeds.
        k: trials.
        rng: of the bootstrap, which resamples seeds within cells.

    Raises:
        ValueError: agents with other numbers of cells.
    """
    n_cells = {name: len(cells) for name, cells in curves.items()}
    if len(set(n_cells.values())) != 1:
        raise ValueError(f"agents need the same cells; there are {n_cells}")
    at = [[cell[None, :, [k - 1]] for cell in cells] for cells in curves.values()]
    means = np.array([[cell.mean() for cell in cells] for cells in at])  # (n_agents, n_cells)
    drawn = np.stack(
        [np.concatenate([resampled_means(cell, rng)[..., 0] for cell in cells], axis=1) for cells in at]
    )  # (n_agents, n_resamples, n_cells)
    means, drawn = without_rounding_errors(means[..., None])[..., 0], without_rounding_errors(drawn[..., None])[..., 0]
    ranks, rank_draws = m.average_ranks(means), m.average_ranks(drawn)
    random = list(curves).index(RANDOM) if RANDOM in curves else None
    return {
        name: CellFigures(
            beat_random=None
            if random in (None, i)
            else _estimate(m.beats(means[i], means[random]).mean(), m.beats(drawn[i], drawn[random]).mean(axis=1)),
            median_performance=_estimate(m.median_performance(means[i]), np.median(drawn[i], axis=1)),
            mean_performance=_estimate(m.mean_performance(means[i]), drawn[i].mean(axis=1)),
            rank=_estimate(ranks[i].mean(), rank_draws[i].mean(axis=1)),
        )
        for i, name in enumerate(curves)
    }


def without_rounding_errors(values: Floats) -> Floats:
    """Values (..., n_tasks, n_counts) to 12 digits of a task's largest.

    Means of the same scores summed in another order are then ties. Tasks may differ in the size of their scores.
    """
    others = tuple(axis for axis in range(values.ndim) if axis != values.ndim - 2)
    largest = np.abs(values).max(axis=others)  # (n_tasks,)
    rounded = values.copy()
    digits = np.array([12 - int(np.ceil(np.log10(size))) if size > 0 else 0 for size in largest.tolist()])
    for n in np.unique(digits):
        tasks = np.flatnonzero((digits == n) & (largest > 0))
        if len(tasks) == values.shape[-2]:
            return np.round(values, n)
        rounded[..., tasks, :] = np.round(values[..., tasks, :], n)
    return rounded


def _estimate(mean: float, resampled: Floats) -> Estimate:
    low, high = percentile_interval(resampled)
    return Estimate(mean=float(mean), low=float(low), high=float(high))
