"""The pictures of a reproduction: entropy over updates, gain against cost, learning curves, schedules as applied.

Lines are means over training seeds, bands 95 % bootstrap intervals over them; where there is one seed, none.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure

from agents.reproduce.records import CPU, ENTROPY, OUTCOME, Findings, Floats, Judged, Training
from hpo_gym.evaluation.intervals import BOOTSTRAP_SEED, percentile_interval, resampled_means
from hpo_gym.evaluation.plot_style import (
    FONT_SIZE,
    LIGHT,
    AgentStyle,
    Theme,
    agent_styles,
    label_axes,
    label_line_ends,
    new_axes,
)
from hpo_gym.evaluation.run_metrics import OFF, TUNED, normalized_score
from hpo_gym.evaluation.run_plots import applied_of
from hpo_gym.evaluation.run_tables import OUTCOMES_IN_WORDS

N_POINTS = 100
WINDOW = 5
"""Updates over which outcomes are averaged: the last ones."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Band:
    """Curves of several training seeds on one grid.

    Attributes:
        x: (n,).
        values: (n_seeds, n).
    """

    x: Floats
    values: Floats

    def draw(self, axes: Any, style: AgentStyle, *, is_log: bool = False) -> float:
        """A line, and its band where there are several seeds -> the line's last value. Powers of ten if `is_log`."""
        show: Callable[[Floats], Floats] = (lambda values: 10.0**values) if is_log else (lambda values: values)
        mean = show(self.values.mean(axis=0))
        if len(self.values) > 1:
            drawn = resampled_means(self.values[None], np.random.default_rng(BOOTSTRAP_SEED), n_resamples=500)[:, 0]
            low, high = percentile_interval(drawn)
            axes.fill_between(self.x, show(low), show(high), color=style.color, alpha=0.16, linewidth=0)
        axes.plot(self.x, mean, color=style.color, linestyle=style.linestyle, linewidth=2)
        return float(mean[-1])


def band_of(trainings: Sequence[Training], x: str, y: str, *, window: int = 1) -> Band | None:
    """The figure y of a training's log over its figure x, on the stretch that all seeds have; None without any."""
    curves = [training.curve(x, y) for training in trainings]
    curves = [(xs, trailing_means(ys, window)) for xs, ys in curves if len(xs) > 1]
    if not curves:
        return None
    low, high = max(xs[0] for xs, _ in curves), min(xs[-1] for xs, _ in curves)
    if high <= low:
        return None
    grid = np.linspace(low, high, N_POINTS)
    return Band(x=grid, values=np.stack([np.interp(grid, xs, ys) for xs, ys in curves]))


def trailing_means(values: Floats, window: int) -> Floats:
    """(n,): the mean of the last `window` values up to each, of fewer at the beginning."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)


def entropy_over_updates(findings: Findings, testbed: str, variants: Sequence[str], theme: Theme = LIGHT) -> Figure:
    """Entropy a dimension of the policy, update by update."""
    figure, axes = new_axes(theme, title=f"Entropy of the policy, {testbed}")
    styles, ends = agent_styles(variants, theme), {}
    for name in variants:
        band = band_of(findings.trainings[testbed].get(name, ()), "train/n_updates", ENTROPY)
        if band is not None:
            ends[name] = band.draw(axes, styles[name])
    axes.axhspan(0.3, 0.5, color=theme.muted, alpha=0.15, linewidth=0)
    label_axes(axes, theme, "updates of the policy", "nats a dimension (the paper's JEL: grey)")
    axes.margins(x=0)
    label_line_ends(axes, ends, styles, theme)
    return figure


def gain_against_cost(findings: Findings, testbed: str, variants: Sequence[str], theme: Theme = LIGHT) -> Figure:
    """Normalised score of the training runs over how many of them were paid."""
    figure, axes = new_axes(theme, title=f"Gain against cost, {testbed}")
    styles, ends = agent_styles(variants, theme), {}
    score = training_scores(findings.judged[testbed])
    for name in variants:
        band = band_of(findings.trainings[testbed].get(name, ()), "n_episodes", OUTCOME, window=WINDOW)
        if band is not None and score is not None:
            ends[name] = Band(x=band.x, values=score(band.values)).draw(axes, styles[name])
    axes.axhline(1.0, color=theme.muted, linewidth=1.2, linestyle=(0, (2, 2)))
    log_axis(axes, "x")
    label_axes(axes, theme, "training runs (log scale)", "score: 0 = controller off, 1 = hand-tuned")
    axes.margins(x=0)
    label_line_ends(axes, ends, styles, theme)
    return figure


def training_scores(judged: Mapping[str, Judged]) -> Callable[[Floats], Floats] | None:
    """What makes mean outcomes normalised scores; None where a reference is missing."""
    if not {OFF, TUNED} <= judged.keys():
        return None
    off, tuned = (judged[name].outcomes.mean() for name in (OFF, TUNED))
    return lambda outcomes: normalized_score(outcomes, off, tuned)


def learning_curves(findings: Findings, testbed: str, variants: Sequence[str], theme: Theme = LIGHT) -> Figure:
    """What training runs came to, over environment steps and over seconds."""
    figure, rows = new_axes(theme, title=f"What training runs came to, {testbed}", height=6.2, n_rows=2)
    styles = agent_styles(variants, theme)
    outcome = next(iter(findings.judged[testbed].values())).outcome
    for axes, x, words in (
        (rows[0], "time/total_timesteps", "environment steps"),
        (rows[1], CPU, "seconds of a processor (log scale)"),
    ):
        ends = {}
        for name in variants:
            band = band_of(findings.trainings[testbed].get(name, ()), x, OUTCOME, window=WINDOW)
            if band is not None:
                ends[name] = band.draw(axes, styles[name])
        if x == CPU:
            log_axis(axes, "x")
        if outcome == "final_loss":
            log_axis(axes, "y")
        label_axes(axes, theme, words, OUTCOMES_IN_WORDS[outcome])
        axes.margins(x=0)
        label_line_ends(axes, ends, styles, theme)
    return figure


def controllers(findings: Findings, testbed: str, agents: Sequence[str], theme: Theme = LIGHT) -> Figure:
    """The scales that controllers apply over a run, averaged over training seeds on the log axis.

    Of control by optimizer the matrices' are drawn, and below the name with "rest" those of the other parameters.
    """
    figure, rows = new_axes(theme, title=f"Scale of the learning rate, {testbed}", height=5.6, n_rows=2)
    judged = findings.judged[testbed]
    by_optimizer = [a for a in agents if a in judged and "lr_scale_rest" in judged[a].results[0].applied[""]]
    lines = [(agent, agent, "") for agent in agents if agent in judged]
    lines += [(f"{agent}: rest", agent, "_rest") for agent in by_optimizer]
    styles = agent_styles([words for words, _, _ in lines], theme)
    for axes, name in zip(rows, ("lr_scale", "wd_scale"), strict=True):
        ends = {
            words: applied_logs(judged[agent], name + suffix).draw(axes, styles[words], is_log=True)
            for words, agent, suffix in lines
        }
        log_axis(axes, "y")
        label_axes(axes, theme, "updates" if name == "wd_scale" else "", "scale (log scale)")
        axes.margins(x=0)
        label_line_ends(axes, ends, styles, theme)
    rows[1].set_title("Scale of the weight decay", loc="left", fontsize=FONT_SIZE + 1.5, color=theme.ink, pad=12)
    return figure


def applied_logs(judged: Judged, name: str) -> Band:
    """log10 of what each policy applied, averaged over its run seeds, in steps from a segment's start to its end."""
    rows = [applied_of(result, name) for result in judged.results]
    ends = rows[0][0]
    starts = np.concatenate([[0.0], ends[:-1]])
    logs = np.stack([np.nanmean(np.log10(values), axis=0) for _, values in rows])
    return Band(x=np.stack([starts, ends], axis=1).ravel(), values=np.repeat(logs, 2, axis=1))


def log_axis(axes: Any, name: Literal["x", "y"]) -> None:
    """A log axis with plain numbers, 20 and 0.05 rather than powers of ten."""
    getattr(axes, f"set_{name}scale")("log")
    axis = getattr(axes, f"{name}axis")
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "235" else "")
    axes.tick_params(axis=name, which="minor", labelsize=FONT_SIZE - 1)
