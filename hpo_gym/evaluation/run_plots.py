"""The figures of controlled training runs: losses, schedules as they were applied, and what the runs came to."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hpo_gym.evaluation.compare import Comparison
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
from hpo_gym.evaluation.result import EvaluationResult
from hpo_gym.evaluation.rollout import FLOOR
from hpo_gym.evaluation.run_tables import OUTCOMES_IN_WORDS

Floats = NDArray[np.float64]


def losses_of(result: EvaluationResult) -> tuple[Floats, Floats]:
    """(n_points,) updates done and (n_runs, n_points) probe loss; a run that diverged stays at its last loss."""
    curves = [curve for runs in result.loss_curves.values() for curve in runs]
    longest = max(len(curve) for curve in curves)
    losses = np.array([curve + [curve[-1]] * (longest - len(curve)) for curve in curves])
    return np.concatenate([[0.0], _updates(result)]), losses


def applied_of(result: EvaluationResult, name: str) -> tuple[Floats, Floats]:
    """(n_steps,) updates done and (n_runs, n_steps) of what was applied, NaN after a run's end."""
    updates = _updates(result)
    rows = np.full((sum(len(runs[name]) for runs in result.applied.values()), len(updates)), np.nan)
    for row, values in zip(rows, (v for runs in result.applied.values() for v in runs[name]), strict=True):
        row[: len(values)] = values
    return updates, rows


def _updates(result: EvaluationResult) -> Floats:
    """(n_steps,) updates done after each step of the longest run."""
    return np.array(max((row for runs in result.applied.values() for row in runs["n_updates"]), key=len))


def _last_update(comparison: Comparison) -> float:
    """How far the longest run of all agents came: the runs of one of them may all have diverged."""
    return max(float(_updates(result)[-1]) for result in comparison.results)


def loss_over_updates(comparison: Comparison, theme: Theme = LIGHT) -> Figure:
    """Mean probe loss over the run, with bands; the noisy quadratic's, of several orders, on a log axis."""
    is_text = comparison.outcome_name == "validation_bpb"
    title = "Loss on the fixed probe batches of training text" if is_text else "Loss over the run"
    figure, axes = new_axes(theme, title=title)
    styles, ends = agent_styles(comparison.agents, theme), {}
    for agent, result in zip(comparison.agents, comparison.results, strict=True):
        updates, losses = losses_of(result)
        resampled = resampled_means(losses[None], np.random.default_rng(BOOTSTRAP_SEED), n_resamples=1000)[:, 0]
        low, high = percentile_interval(resampled)
        style, mean = styles[agent], losses.mean(axis=0)
        axes.fill_between(updates, low, high, color=style.color, alpha=0.16, linewidth=0)
        axes.plot(updates, mean, color=style.color, linestyle=style.linestyle, linewidth=2)
        ends[agent] = float(mean[-1])
    if not is_text:
        axes.set_yscale("log")
        _write_plainly(axes)
    axes.set_xlim(0, _last_update(comparison))
    label_axes(axes, theme, "updates", "mean probe loss, nats" if is_text else "mean loss (log scale)")
    label_line_ends(axes, ends, styles, theme)
    return figure


def schedules_as_applied(comparison: Comparison, theme: Theme = LIGHT) -> Figure:
    """Learning rate and weight decay in the last update of each segment, averaged over runs (geometric mean)."""
    figure, axes = new_axes(theme, title="Learning rate at the end of each segment", height=5.6, n_rows=2)
    styles = agent_styles(comparison.agents, theme)
    for row, (name, words) in enumerate((("lr", "learning rate"), ("wd", "weight decay"))):
        ends = {}
        for agent, result in zip(comparison.agents, comparison.results, strict=True):
            updates, values = applied_of(result, name)
            with np.errstate(divide="ignore"):
                mean = np.exp(np.nanmean(np.log(values), axis=0))
            style = styles[agent]
            axes[row].step(
                np.concatenate([[0.0], updates]),
                np.concatenate([mean[:1], mean]),
                where="pre",
                color=style.color,
                linestyle=style.linestyle,
                linewidth=2,
            )
            ends[agent] = float(mean[-1])
        if any((line.get_ydata() > 0).any() for line in axes[row].lines):
            axes[row].set_yscale("log")
        axes[row].set_xlim(0, _last_update(comparison))
        label_axes(axes[row], theme, "updates" if row else "", f"{words} (log scale)")
        label_line_ends(axes[row], ends, styles, theme)
    axes[1].set_title(
        "Weight decay at the end of each segment", loc="left", fontsize=FONT_SIZE + 1.5, color=theme.ink, pad=12
    )
    return figure


def outcomes_with_intervals(comparison: Comparison, theme: Theme = LIGHT) -> Figure:
    """What the runs came to, best at the top: a dot with its interval, the single runs faint beside it."""
    words = OUTCOMES_IN_WORDS[comparison.outcome_name]
    estimates = comparison.final_outcomes()
    order = sorted(range(len(estimates)), key=lambda i: -estimates[i].mean)
    figure, axes = new_axes(theme, title=f"What the runs came to: {words}", height=1.4 + 0.36 * len(order))
    styles = agent_styles(comparison.agents, theme)
    for place, i in enumerate(order):
        agent, e = comparison.agents[i], estimates[i]
        color = styles[agent].color
        runs = comparison.outcomes[i].ravel()
        axes.plot(runs, np.full(len(runs), place), "|", color=color, alpha=0.45, markersize=9)
        axes.plot([e.low, e.high], [place, place], color=color, linewidth=3, solid_capstyle="round")
        face = theme.background if comparison.is_reference[i] else color
        axes.plot([e.mean], [place], "o", color=color, markerfacecolor=face, markersize=8, zorder=4)
    names = [f"{comparison.agents[i]} (ref.)" if comparison.is_reference[i] else comparison.agents[i] for i in order]
    axes.set_yticks(range(len(order)), names)
    axes.tick_params(axis="y", colors=theme.ink, labelsize=FONT_SIZE)
    axes.set_ylim(-0.6, len(order) - 0.4)
    low, high = comparison.outcomes.min(), comparison.outcomes.max()
    if low > 0 and high / low > 5:
        axes.set_xscale("log")
        _write_plainly(axes, axis="x")
    floor = floor_of(comparison)
    if floor is not None and floor > low - 1.5 * (high - low):
        axes.axvline(floor, color=theme.muted, linewidth=1.2, linestyle=(0, (2, 2)))
        axes.annotate(
            " entropy of the text",
            (floor, 0.02),
            xycoords=("data", "axes fraction"),
            color=theme.muted,
            fontsize=FONT_SIZE - 1,
            va="bottom",
        )
    label_axes(axes, theme, f"{words} (lower is better)", "")
    return figure


def floor_of(comparison: Comparison) -> float | None:
    """What no model of the text can go below, in the outcome's unit; None where it is not known."""
    found = [v for result in comparison.results for o in result.outcomes.values() for v in o.get(FLOOR, ())]
    return found[0] if found and comparison.outcome_name == "validation_bpb" else None


def _write_plainly(axes: Any, axis: str = "y") -> None:
    """2.5, 0.02 rather than powers of ten."""
    chosen = axes.yaxis if axis == "y" else axes.xaxis
    chosen.set_major_formatter(lambda value, _: f"{value:g}")
    chosen.set_minor_formatter(lambda value, _: f"{value:g}" if str(f"{value:e}")[0] in "235" else "")
    axes.tick_params(axis=axis, which="minor", labelsize=FONT_SIZE - 1)


def _describe_losses(comparison: Comparison) -> str:
    ends = ", ".join(
        f"{agent} {losses_of(result)[1][:, -1].mean():.3f}"
        for agent, result in zip(comparison.agents, comparison.results, strict=True)
    )
    return f"Line chart of mean probe loss over the run. At the end: {ends}."


def _describe_schedules(comparison: Comparison) -> str:
    ranges = ", ".join(
        f"{agent} {np.nanmin(lr):.2g} to {np.nanmax(lr):.2g}"
        for agent, lr in zip(
            comparison.agents, (applied_of(result, "lr")[1] for result in comparison.results), strict=True
        )
    )
    return f"Line charts of learning rate and weight decay as applied. Learning rates: {ranges}."


def _describe_outcomes(comparison: Comparison) -> str:
    ends = ", ".join(
        f"{agent} {e.mean:.4f}" for agent, e in zip(comparison.agents, comparison.final_outcomes(), strict=True)
    )
    return f"Dots with intervals of the {OUTCOMES_IN_WORDS[comparison.outcome_name]}: {ends}."


RUN_FIGURES: Mapping[str, FigureKind] = MappingProxyType(
    {
        "loss": FigureKind(
            draw=loss_over_updates,
            caption="Probe loss: of a language model the mean over fixed batches of training text, in nats. Lines are "
            "means over run seeds, bands 95 % bootstrap intervals. Lower is better.",
            describe=_describe_losses,
        ),
        "schedules": FigureKind(
            draw=schedules_as_applied,
            caption="What the runs were trained with: the recipe's own schedule times the controller's scales, in the "
            "last update of each segment; averages over run seeds. Where two optimizers share a run, the matrices'.",
            describe=_describe_schedules,
        ),
        "outcomes": FigureKind(
            draw=outcomes_with_intervals,
            caption="Dots are means over run seeds, bars their 95 % bootstrap intervals, strokes single runs. A hollow "
            "dot is a reference: it changes the run itself. Further to the left is better.",
            describe=_describe_outcomes,
        ),
    }
)
"""By the name of the file that `hpo-gym plot` writes."""
