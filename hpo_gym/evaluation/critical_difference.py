"""The critical-difference diagram (Demsar 2006, figure 1), with groups from Wilcoxon's test and Holm's correction."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from hpo_gym.evaluation.compare import Comparison
from hpo_gym.evaluation.plot_style import FONT_SIZE, LIGHT, AgentStyle, Theme, agent_styles, new_axes
from hpo_gym.evaluation.significance import Significance

ROW = 0.34  # inches a line of names
CLIQUE_ROW = 0.17  # inches a bar


def critical_difference(comparison: Comparison, theme: Theme = LIGHT) -> Figure:
    """Agents on a line of average ranks after the last trial; a bar joins those that are not told apart."""
    comparison.need_curves()
    found = comparison.significance(comparison.budget)
    n_agents = len(comparison.agents)
    cliques = found.cliques if found.can_tell_pairs_apart else ()
    rows_below = (n_agents + 1) // 2
    depth = CLIQUE_ROW * (len(cliques) + 1) + ROW * rows_below
    note = _note(found, len(comparison.tasks))
    figure, axes = new_axes(
        theme,
        title=f"Average rank over {len(comparison.tasks)} tasks after {comparison.budget} trials",
        height=1.55 + depth + (0.3 if note else 0.0),
    )
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    margin = 0.42 * (n_agents - 1)
    axes.set_xlim(1 - margin, n_agents + margin)
    axes.set_ylim(-depth - (0.35 if note else 0.05), 0.45)
    axes.set_xticks([])
    axes.set_yticks([])
    _draw_scale(axes, n_agents, theme)
    _draw_cliques(axes, cliques, found.ranks, theme)
    styles = agent_styles(comparison.agents, theme)
    _draw_agents(axes, comparison.agents, found.ranks, CLIQUE_ROW * (len(cliques) + 1), styles, theme)
    if note:
        axes.text((1 + n_agents) / 2, -depth - 0.25, note, ha="center", color=theme.muted, fontsize=FONT_SIZE - 1)
    return figure


def _note(found: Significance, n_tasks: int) -> str:
    if not found.can_tell_pairs_apart:
        return f"{n_tasks} task{'s are' if n_tasks > 1 else ' is'} too few for any pair to differ significantly"
    return ""


def _draw_scale(axes: Any, n_agents: int, theme: Theme) -> None:
    axes.plot([1, n_agents], [0, 0], color=theme.ink, linewidth=1.2)
    for rank in range(1, n_agents + 1):
        axes.plot([rank, rank], [0, 0.08], color=theme.ink, linewidth=1.2)
        axes.text(rank, 0.13, str(rank), ha="center", va="bottom", color=theme.ink, fontsize=FONT_SIZE)
    axes.text(1, 0.36, "best", ha="center", va="bottom", color=theme.muted, fontsize=FONT_SIZE - 1)


def _draw_cliques(axes: Any, cliques: Sequence[tuple[int, ...]], ranks: np.ndarray, theme: Theme) -> None:
    for row, clique in enumerate(cliques):
        y = -CLIQUE_ROW * (row + 0.9)
        ends = [ranks[clique[0]] - 0.03, ranks[clique[-1]] + 0.03]
        axes.plot(ends, [y, y], color=theme.ink, linewidth=4, solid_capstyle="round", zorder=3)


def _draw_agents(
    axes: Any,
    agents: Sequence[str],
    ranks: np.ndarray,
    names_below: float,
    styles: dict[str, AgentStyle],
    theme: Theme,
) -> None:
    """The better half is named at the left, best at the top; the other half at the right, worst at the top."""
    n_agents = len(agents)
    order = np.argsort(ranks, kind="stable")
    n_left = (n_agents + 1) // 2
    left_x, right_x = 1 - 0.04 * n_agents, n_agents + 0.04 * n_agents
    for position, agent in enumerate(order):
        is_left = position < n_left
        row = position if is_left else n_agents - 1 - position
        y = -names_below - ROW * (row + 0.5)
        x, rank, name = (left_x if is_left else right_x), ranks[agent], agents[agent]
        axes.plot([rank, rank, x], [0, y, y], color=styles[name].color, linewidth=1.8, solid_joinstyle="round")
        axes.plot([rank], [0], "o", color=styles[name].color, markersize=6, zorder=4)
        axes.text(
            x - 0.02 * n_agents if is_left else x + 0.02 * n_agents,
            y,
            f"{name}  {rank:.2f}" if is_left else f"{rank:.2f}  {name}",
            ha="right" if is_left else "left",
            va="center",
            color=theme.ink,
            fontsize=FONT_SIZE,
        )
