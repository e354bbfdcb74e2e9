"""The pictures of docs/results/grpoformer.md: means over training seeds, bands their 95 % bootstrap intervals."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.figure import Figure

from agents.reproduce.grpoformer_findings import Floats, SearchFindings, Training
from agents.reproduce.pictures import Band, trailing_means
from hpo_gym.evaluation.plot_style import LIGHT, Theme, agent_styles, label_axes, label_line_ends, new_axes

UPDATES = "update (80 evaluations each)"
WINDOW = 5
"""Updates over which curves are averaged; eight episodes each are noisy."""


def learning_curves(findings: SearchFindings, variants: Sequence[str], title: str, theme: Theme = LIGHT) -> Figure:
    """What an episode finds, update by update."""
    return _curves(
        findings, variants, lambda t: trailing_means(t.curve, WINDOW), title, "regret of what an episode finds", theme
    )


def churn_curves(findings: SearchFindings, variants: Sequence[str], title: str, theme: Theme = LIGHT) -> Figure:
    """How far each update moves the policy, in powers of ten: a few updates move it a hundred times as far."""
    figure, axes = new_axes(theme, title=title)
    axes.set_yscale("log")
    _draw(findings, variants, lambda t: np.log10(trailing_means(t.arrays["churn"], WINDOW)), axes, theme, is_log=True)
    label_axes(axes, theme, UPDATES, "KL(new || old), nats")
    return figure


def regret_by_trial(findings: SearchFindings, variants: Sequence[str], title: str, theme: Theme = LIGHT) -> Figure:
    """How good each trial of an episode is by itself, at the end of training."""
    figure, axes = new_axes(theme, title=title)
    _draw(findings, variants, lambda t: t.late_by_trial, axes, theme)
    label_axes(axes, theme, "trial of the episode", "normalised regret")
    return figure


def _curves(
    findings: SearchFindings,
    variants: Sequence[str],
    curve: Callable[[Training], Floats],
    title: str,
    y: str,
    theme: Theme,
) -> Figure:
    figure, axes = new_axes(theme, title=title)
    _draw(findings, variants, curve, axes, theme)
    label_axes(axes, theme, UPDATES, y)
    return figure


def _draw(
    findings: SearchFindings,
    variants: Sequence[str],
    curve: Callable[[Training], Floats],
    axes: object,
    theme: Theme,
    *,
    is_log: bool = False,
) -> None:
    """Each seed's curve is its mean over the cells of the ablations."""
    trained = findings.complete("ablations")
    names = [name for name in variants if name in trained]
    styles, ends = agent_styles(names, theme), {}
    for name in names:
        values = np.mean([[curve(t) for t in trainings] for trainings in trained[name].values()], axis=0)
        band = Band(x=np.arange(1, values.shape[1] + 1, dtype=float), values=values)
        ends[name] = band.draw(axes, styles[name], is_log=is_log)
    label_line_ends(axes, ends, styles, theme)
