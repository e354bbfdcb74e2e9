"""The picture of Hyp-RL's reproduction: distance to the minimum, trial by trial, beside the published points."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from agents.reproduce.hyprl_findings import Findings
from agents.reproduce.hyprl_tables import PAPER
from agents.reproduce.pictures import Band
from hpo_gym.evaluation.plot_style import FONT_SIZE, LIGHT, Theme, agent_styles, label_axes, label_line_ends, new_axes

N_TRIALS = 10
PAPER_COUNTS = (1, 2, 5, 10)
PUBLISHED = ("Hyp-RL", "F-MLP", "GP")


def distance_over_trials(findings: Findings, agents: Sequence[str], theme: Theme = LIGHT) -> Figure:
    """Lines are means over data sets, bands 95 % over training seeds, crosses what was published."""
    figure, axes = new_axes(theme, title="Distance to the minimum on nnMeta, unseen data sets")
    shown = [agent for agent in agents if agent in findings.searches]
    styles, ends = agent_styles(shown, theme), {}
    x = np.arange(1, N_TRIALS + 1)
    for agent in shown:
        by_seed = findings.searches[agent].regrets[:, :, :N_TRIALS].mean(axis=1)  # (n_seeds, N_TRIALS)
        ends[agent] = Band(x=x.astype(float), values=by_seed).draw(axes, styles[agent])
    for name, marker in zip(PUBLISHED, "x+1", strict=True):
        axes.plot(PAPER_COUNTS, PAPER[name], marker, color=theme.ink, markersize=8, label=f"the paper's {name}")
    axes.legend(frameon=False, fontsize=FONT_SIZE - 1, labelcolor=theme.ink, loc="upper right")
    axes.set_ylim(bottom=0)
    axes.set_xticks(x)
    label_axes(axes, theme, "trials", "average distance to the minimum")
    axes.margins(x=0.01)
    label_line_ends(axes, ends, styles, theme)
    return figure
