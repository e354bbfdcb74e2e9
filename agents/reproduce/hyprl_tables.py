"""The tables of Hyp-RL's reproduction: distance to the minimum, ranks, and what its policies ask for."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from agents.reproduce.bootstrap import mean_estimate
from agents.reproduce.hyprl_findings import MASKED_IN_USE, Findings, Searches
from agents.reproduce.tables import NOTHING, estimate_cell
from hpo_gym.evaluation.comparison_tables import Cell, TextTable
from hpo_gym.evaluation.metrics import average_ranks

COUNTS = (1, 2, 5, 10, 25, 50)
PAPER: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "Hyp-RL": (0.201, 0.160, 0.137, 0.135),
        "F-MLP": (0.259, 0.156, 0.104, 0.079),
        "GP": (0.507, 0.389, 0.318, 0.244),
        "Spearmint": (0.507, 0.420, 0.343, 0.279),
        "random": (0.503, 0.427, 0.335, 0.279),
    }
)
"""Average distance to the minimum after 1, 2, 5 and 10 trials as published."""
PAPER_RANKS: Mapping[str, tuple[float, float]] = MappingProxyType({"Hyp-RL": (1.39, 2.13), "F-MLP": (2.42, 1.98)})
"""Average rank after 1 and 10 trials as published, among the paper's own methods."""

WITHOUT_TRANSFER = ("gp-ei", "random")
"""Rivals of the kind that the paper has."""


def distance_table(findings: Findings) -> TextTable:
    """One row an agent, ours and then the paper's."""
    rows = []
    for searches in findings.searches.values():
        cells = [_distance(searches, n) for n in COUNTS]
        rows.append((Cell(text=searches.agent), _n_seeds(searches), *cells, _spread(searches, 10)))
    for name, values in PAPER.items():
        figures = [Cell(text=f"{value:.3f}") for value in values]
        rows.append((Cell(text=f"the paper's {name}"), NOTHING, *figures, NOTHING, NOTHING, NOTHING))
    return TextTable(
        title="Average distance to the minimum on nnMeta, five folds of 40 data sets to learn from and 10 to search",
        columns=("agent", "training seeds", *map(str, COUNTS), "its seeds at 10"),
        rows=tuple(rows),
    )


def _distance(searches: Searches, n_trials: int) -> Cell:
    cells = searches.after(n_trials)
    return NOTHING if cells is None else estimate_cell(mean_estimate(cells), "{:.3f}")


def _n_seeds(searches: Searches) -> Cell:
    return Cell(text=str(len(searches.regrets)) if searches.is_trained else "-")


def _spread(searches: Searches, n_trials: int) -> Cell:
    """From the luckiest training seed to the unluckiest."""
    if not searches.is_trained or len(searches.regrets) == 1:
        return NOTHING
    means = searches.regrets[:, :, n_trials - 1].mean(axis=1)
    return Cell(text=f"{means.min():.3f} to {means.max():.3f}")


def rank_table(findings: Findings) -> TextTable:
    """Average rank after 1 and 10 trials, of one policy a training seed, among two kinds of rivals."""
    trained = [s for s in findings.searches.values() if s.is_trained]
    rivals = [s for s in findings.searches.values() if not s.is_trained]
    near = [s for s in rivals if s.agent in WITHOUT_TRANSFER]
    rows = []
    for searches in trained:
        cells = [_rank(searches, others, n) for others in (near, rivals) for n in (1, 10)]
        rows.append((Cell(text=searches.agent), *cells))
    for name, ranks in PAPER_RANKS.items():
        rows.append((Cell(text=f"the paper's {name}"), *(Cell(text=f"{rank:.2f}") for rank in ranks), NOTHING, NOTHING))
    few, many = (", ".join(s.agent for s in others) for others in (near, rivals))
    return TextTable(
        title="Average rank of each among itself and rivals, 1 is best",
        columns=(
            "agent",
            f"after 1, among {len(near) + 1}",
            f"after 10, among {len(near) + 1}",
            f"after 1, among {len(rivals) + 1}",
            f"after 10, among {len(rivals) + 1}",
        ),
        rows=tuple(rows),
        note=f"The {len(near) + 1}: itself, {few}. The {len(rivals) + 1}: itself, {many}. Rivals count with their mean "
        "over seeds. The paper ranks among its own methods, F-MLP among them: its ranks are no measure for ours.",
    )


def _rank(searches: Searches, rivals: Sequence[Searches], n_trials: int) -> Cell:
    theirs = np.stack([rival.regrets[:, :, n_trials - 1].mean(axis=0) for rival in rivals])  # (n_rivals, n_tasks)
    ours = searches.regrets[:, :, n_trials - 1]  # (n_seeds, n_tasks)
    ranks = np.stack([average_ranks(-np.concatenate([row[None], theirs]))[0] for row in ours])
    return estimate_cell(mean_estimate(ranks), "{:.2f}")


def difference_table(findings: Findings, against: Sequence[str]) -> TextTable:
    """Distance after 10 trials less that of others, data set by data set."""
    trained = [s for s in findings.searches.values() if s.is_trained]
    found = [findings.searches[name] for name in against if name in findings.searches]
    rows = []
    for searches in trained:
        cells = []
        for other in found:
            ours, theirs = searches.regrets[:, :, 9], other.regrets[:, :, 9]
            is_paired = other.is_trained and len(theirs) == len(ours)
            gap = ours - (theirs if is_paired else theirs.mean(axis=0))
            cells.append(NOTHING if other is searches else estimate_cell(mean_estimate(gap), "{:+.3f}"))
        rows.append((Cell(text=searches.agent), *cells))
    return TextTable(
        title="Distance after 10 trials, less another's on the same data sets (below 0: nearer to the minimum)",
        columns=("agent", *(f"less {other.agent}" for other in found)),
        rows=tuple(rows),
    )


def asked_table(findings: Findings) -> TextTable:
    """How long searches lasted, and how much policies tell data sets apart."""
    rows = []
    for variant, asked in findings.asked.items():
        is_masked = variant != "hyp-rl"
        rows.append(
            (
                Cell(text=variant),
                NOTHING if is_masked else Cell(text=f"{asked.n_trials.clip(max=10).mean():.1f}"),
                NOTHING if is_masked else Cell(text=f"{(asked.n_trials < 10).mean():.0%}"),
                NOTHING if is_masked else Cell(text=f"{np.median(asked.n_trials):g}"),
                Cell(text=f"{asked.first.mean():.1f}"),
                Cell(text=f"{asked.sequences.mean():.1f}"),
            )
        )
    return TextTable(
        title="What the policies ask for, on the ten data sets of a fold",
        columns=(
            "agent",
            "different configurations in 10 trials",
            "searches that a repeat ended before trial 10",
            "median trials until the first repeat, of 50",
            "different first configurations",
            "different sequences of ten",
        ),
        rows=tuple(rows),
    )


def cost_sentence(findings: Findings) -> str:
    """What trainings took."""
    parts = [
        f"{seconds.size} trainings of {variant} took {np.median(seconds) / 60:.1f} minutes each (median)"
        for variant, seconds in findings.cpu_s.items()
    ]
    return "; ".join(parts)


def share_of_the_tail(findings: Findings) -> str:
    """How much nearer the same policies come when repeats are masked in use."""
    own, masked = findings.searches.get("hyp-rl"), findings.searches.get(MASKED_IN_USE)
    if own is None or masked is None:
        return ""
    lines = []
    for n in (10, 25, 50):
        before, after = own.regrets[:, :, n - 1].mean(), masked.regrets[:, :, n - 1].mean()
        lines.append(f"{before:.3f} to {after:.3f} after {n} trials")
    return ", ".join(lines)
