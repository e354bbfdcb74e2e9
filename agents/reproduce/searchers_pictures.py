"""The picture of the searcher's page: regret over trials, a panel a table; bands are over training seeds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from agents.reproduce.pictures import Band, log_axis
from agents.reproduce.searchers_findings import MAIN, RANDOM, STATIC, Curves, SearchersFindings
from hpo_gym.evaluation.plot_style import FONT_SIZE, LIGHT, AgentStyle, Theme, agent_styles, style_axes

N_COLUMNS = 2
LOWEST = 1e-4
"""Regrets below this are drawn here: the axis is logarithmic, and a search that finds the best leaves none."""
BEST_LIST = "best static list"
DRAWN = (MAIN, "empirical-prior-gp", "gp-ei", "tpe", BEST_LIST, RANDOM)


def regret_curves(findings: SearchersFindings, theme: Theme = LIGHT) -> Figure:
    """Small multiples, and a legend in the place after the last."""
    tables = findings.judged_tables
    n_rows = -(-(len(tables) + 1) // N_COLUMNS)
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12)
    figure = Figure(figsize=(9.2, 3.3 * n_rows), facecolor=theme.background, layout=layout)
    styles = agent_styles(DRAWN, theme)
    for place, table in enumerate(tables):
        axes = figure.add_subplot(n_rows, N_COLUMNS, place + 1)
        style_axes(axes, theme)
        agents = {**findings.rivals[table], MAIN: findings.variants[MAIN][table]}
        _draw(axes, {**agents, **_best_list(agents)}, styles)
        n_tasks, n_seeds = len(agents[MAIN].tasks), len(agents[MAIN].seeds)
        title = f"{table}: {n_tasks} tasks, {n_seeds} training seed{'s' if n_seeds > 1 else ''}"
        axes.set_title(title, loc="left", fontsize=FONT_SIZE, color=theme.ink)
        if place % N_COLUMNS == 0:
            axes.set_ylabel("normalised regret (log scale)", color=theme.ink, fontsize=FONT_SIZE - 1)
        if place + N_COLUMNS >= len(tables):
            axes.set_xlabel("trials", color=theme.ink, fontsize=FONT_SIZE)
    _legend(figure.add_subplot(n_rows, N_COLUMNS, len(tables) + 1), styles, theme)
    return figure


def _draw(axes: Any, agents: Mapping[str, Curves], styles: Mapping[str, AgentStyle]) -> None:
    for agent in reversed([name for name in styles if name in agents]):  # ours on top
        by_seed = np.maximum(agents[agent].regrets.mean(axis=1), LOWEST)  # (S, budget)
        Band(x=np.arange(1.0, by_seed.shape[1] + 1), values=by_seed).draw(axes, styles[agent])
    log_axis(axes, "y")
    axes.margins(x=0)


def _best_list(agents: Mapping[str, Curves]) -> dict[str, Curves]:
    """After each trial, the list that is best then: what no single list is. Nothing where there are no lists."""
    lists = [agents[agent] for agent in STATIC if agent in agents]
    if not lists:
        return {}
    best = np.min([curves.regrets.mean(axis=(0, 1)) for curves in lists], axis=0)
    return {BEST_LIST: Curves(tasks=("all",), seeds=(0,), regrets=best[None, None])}


def _legend(axes: Any, styles: Mapping[str, AgentStyle], theme: Theme) -> None:
    axes.set_axis_off()
    lines = [axes.plot([], [], color=s.color, linestyle=s.linestyle, linewidth=2)[0] for s in styles.values()]
    names: Sequence[str] = list(styles)
    axes.legend(lines, names, loc="center left", frameon=False, fontsize=FONT_SIZE, labelcolor=theme.ink)
