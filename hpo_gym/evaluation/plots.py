"""The figures of a comparison: regret and rank over trials, performance profiles, critical differences."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator
from numpy.typing import NDArray

from hpo_gym.evaluation.compare import Comparison
from hpo_gym.evaluation.critical_difference import critical_difference
from hpo_gym.evaluation.figure_kind import FigureKind
from hpo_gym.evaluation.intervals import BOOTSTRAP_SEED, percentile_interval, resampled_means
from hpo_gym.evaluation.plot_style import (
    FONT_SIZE,
    LIGHT,
    Theme,
    agent_styles,
    label_axes,
    label_line_ends,
    new_axes,
)
from hpo_gym.evaluation.run_plots import RUN_FIGURES
from hpo_gym.evaluation.significance import ranks_over_tasks

SMALLEST_REGRET = 1e-4
"""Where log axes end: an agent that found the best configuration everywhere has no logarithm."""


def mean_and_band(values: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """(n_tasks, n_seeds, n_points) -> mean, low and high (n_points,) of the 95 % stratified bootstrap."""
    resampled = resampled_means(values, np.random.default_rng(BOOTSTRAP_SEED), n_resamples=1000).mean(axis=1)
    low, high = percentile_interval(resampled)
    return values.mean(axis=(0, 1)), low, high


def regret_over_trials(comparison: Comparison, theme: Theme = LIGHT) -> Figure:
    """Mean normalised regret of the incumbent after each trial, with bands, on a log axis."""
    comparison.need_curves()
    figure, axes = new_axes(theme, title="Distance of the incumbent from the best configuration")
    trials = np.arange(1, comparison.budget + 1)
    styles = agent_styles(comparison.agents, theme)
    lowest, ends = 1.0, {}
    for agent, values in zip(comparison.agents, comparison.regret, strict=True):
        mean, low, high = (np.maximum(curve, SMALLEST_REGRET / 10) for curve in mean_and_band(values))
        style = styles[agent]
        axes.fill_between(trials, low, high, color=style.color, alpha=0.16, linewidth=0)
        axes.plot(trials, mean, color=style.color, linestyle=style.linestyle, linewidth=2)
        lowest, ends[agent] = min(lowest, low.min()), mean[-1]
    axes.set_yscale("log")
    top = 1.15 * max(mean_and_band(values)[2].max() for values in comparison.regret)
    axes.set_ylim(max(SMALLEST_REGRET, 0.8 * lowest), max(top, 10 * SMALLEST_REGRET))
    _write_plain_decades(axes)
    _trials_axis(axes, comparison.budget)
    label_axes(axes, theme, "trials", "mean normalised regret (log scale)")
    label_line_ends(axes, ends, styles, theme)
    return figure


def _write_plain_decades(axes: Any) -> None:
    """0.1, 0.01 rather than powers of ten; 2 and 5 between them."""
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0), numticks=12))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}" if value >= 1e-3 else f"{value:.4f}".rstrip("0"))
    axes.yaxis.set_minor_formatter(lambda *_: "")


def _trials_axis(axes: Any, budget: int) -> None:
    axes.set_xlim(1 if budget > 1 else 0.5, budget if budget > 1 else 1.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    ticks = [1, *(tick for tick in axes.get_xticks() if 2 <= tick <= budget)]
    axes.set_xticks(ticks)


def rank_over_trials(comparison: Comparison, theme: Theme = LIGHT) -> Figure:
    """Each agent's rank on a task (by its mean regret over seeds) after each trial, averaged over tasks."""
    comparison.need_curves()
    figure, axes = new_axes(theme, title="Who is ahead: average rank over the tasks")
    means = np.stack([comparison.task_means(k) for k in range(1, comparison.budget + 1)], axis=-1)
    ranks = ranks_over_tasks(means)  # (n_agents, budget)
    styles = agent_styles(comparison.agents, theme)
    for agent, line in zip(comparison.agents, ranks, strict=True):
        style = styles[agent]
        axes.plot(np.arange(1, comparison.budget + 1), line, color=style.color, linestyle=style.linestyle, linewidth=2)
    n_agents = len(comparison.agents)
    axes.set_ylim(n_agents + 0.15, 0.85)
    axes.set_yticks(range(1, n_agents + 1))
    _trials_axis(axes, comparison.budget)
    label_axes(axes, theme, "trials", "average rank (1 is best, at the top)")
    label_line_ends(axes, dict(zip(comparison.agents, ranks[:, -1], strict=True)), styles, theme)
    return figure


def performance_profile(comparison: Comparison, theme: Theme = LIGHT) -> Figure:
    """Share of runs (tasks x seeds) whose final normalised regret is at most tau, with bands.

    Agarwal et al. 2021, section 4.1. A curve further to the upper left is better.
    """
    comparison.need_curves()
    figure, axes = new_axes(theme, title=f"Share of searches within tau of the best after {comparison.budget} trials")
    final = comparison.regret[..., -1]  # (n_agents, n_tasks, n_seeds)
    smallest = max(SMALLEST_REGRET, final[final > 0].min(initial=1.0) / 2)
    thresholds = np.geomspace(smallest, 1.0, 240)
    for (agent, style), values in zip(agent_styles(comparison.agents, theme).items(), final, strict=True):
        mean, low, high = mean_and_band((values[..., None] <= thresholds).astype(np.float64))
        axes.fill_between(thresholds, low, high, color=style.color, alpha=0.14, linewidth=0)
        axes.plot(thresholds, mean, color=style.color, linestyle=style.linestyle, linewidth=2, label=agent)
    axes.set_xscale("log")
    axes.set_xlim(smallest, min(1.0, max(2 * final.max(), 10 * smallest)))
    axes.set_ylim(-0.02, 1.02)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    label_axes(axes, theme, "tau, normalised regret (log scale)", "share of searches")
    legend = axes.legend(
        loc="upper left", bbox_to_anchor=(1.02, 1.0), frameon=False, fontsize=FONT_SIZE, borderaxespad=0
    )
    for text in legend.get_texts():
        text.set_color(theme.ink)
    return figure


def _describe_regret(comparison: Comparison) -> str:
    ends = ", ".join(
        f"{agent} {estimate.mean:.4f}"
        for agent, estimate in zip(comparison.agents, comparison.regret_at(comparison.budget), strict=True)
    )
    return f"Line chart of mean normalised regret over {comparison.budget} trials. At the end: {ends}."


def _describe_ranks(comparison: Comparison) -> str:
    ranks = ranks_over_tasks(comparison.task_means(comparison.budget))
    ends = ", ".join(f"{agent} {rank:.2f}" for agent, rank in zip(comparison.agents, ranks, strict=True))
    return f"average rank after {comparison.budget} trials, 1 is best: {ends}."


def _describe_profile(comparison: Comparison) -> str:
    shares = (comparison.regret[..., -1] <= 0.01).mean(axis=(1, 2))
    within = ", ".join(f"{agent} {share:.0%}" for agent, share in zip(comparison.agents, shares, strict=True))
    return f"Performance profiles. Share of searches that end within 0.01 of the best: {within}."


FIGURES: Mapping[str, FigureKind] = {
    "regret": FigureKind(
        draw=regret_over_trials,
        caption="Normalised regret of the incumbent: 0 is the best configuration of the table, 1 the worst. "
        "Lines are means over tasks and seeds, bands 95 % bootstrap intervals over seeds; an agent without a band "
        "searches alike with every seed. Lower is better.",
        describe=_describe_regret,
    ),
    "rank": FigureKind(
        draw=rank_over_trials,
        caption="On each task agents are ranked by their mean regret so far; the lines are means over tasks. "
        "Higher in the picture is better.",
        describe=lambda comparison: f"Line chart; {_describe_ranks(comparison)}",
    ),
    "profile": FigureKind(
        draw=performance_profile,
        caption="The share of all searches that end within tau of the best configuration. "
        "Further to the upper left is better; a curve above another everywhere is better for any goal.",
        describe=_describe_profile,
    ),
    "critical_difference": FigureKind(
        draw=critical_difference,
        caption="Average ranks over tasks after the last trial; agents under one bar are not told apart by "
        "Wilcoxon signed-rank tests with Holm's correction (after Friedman's test).",
        describe=lambda comparison: f"Critical-difference diagram; {_describe_ranks(comparison)}",
    ),
}
"""Of searches, by the name of the file that `hpo-gym plot` writes."""


def figures_of(comparison: Comparison) -> Mapping[str, FigureKind]:
    """The figures that make sense, by name: of training runs, or of searches, where ranks take at least two agents.

    Raises:
        ComparisonError: there is nothing to draw.
    """
    if comparison.has_runs:
        return RUN_FIGURES
    comparison.need_curves()
    wanted = tuple(FIGURES) if len(comparison.agents) > 1 else ("regret", "profile")
    return {name: FIGURES[name] for name in wanted}
