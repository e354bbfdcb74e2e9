"""Pictures and lines of a training run: its loss, what the scales made of the recipe, and the rewards."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.envs.in_run.episodes import RunEpisodes
from hpo_gym.envs.in_run.problem import ControlProblem
from hpo_gym.envs.rendering import FRAME_DPI, FRAME_INCHES, INCUMBENT, INK, PALE, TRIAL, draw_level

Floats = NDArray[np.float64]

LOG_FROM = 20.0
"""Losses that span more than this factor are drawn on a log axis, as the noisy quadratic's do."""

LEARNING_RATE = "learning rate"
LABEL_PLACE = (-0.13, 0.5)  # in line under one another, left of the longest tick label


@dataclass(frozen=True, kw_only=True)
class RunView:
    """What a picture of a run needs; it has had n decisions.

    Attributes:
        problem: the environment's.
        run_seed: of the run.
        updates_done: so far.
        losses: (n + 1,) probe losses, from the start on.
        rewards: (n,).
        lr, wd: (n, 2) as applied at the end of each segment: the matrices', the rest's.
        diverged: whether that ended it.
        floor_nats: loss that no model of the text can get below on average; None where it is not known.
    """

    problem: ControlProblem
    run_seed: int
    updates_done: int
    losses: Floats
    rewards: Floats
    lr: Floats
    wd: Floats
    diverged: bool
    floor_nats: float | None

    @property
    def head(self) -> str:
        """Which run, and how far it is."""
        recipe = "" if self.problem.recipe_name == "base" else f", recipe {self.problem.recipe_name}"
        end = ", diverged" if self.diverged else ""
        return f"run {self.run_seed}{recipe}: {self.updates_done} of {self.problem.n_updates} updates{end}"

    @property
    def updates(self) -> NDArray[np.int64]:
        """(n + 1,) updates done at each decision."""
        return np.minimum(np.arange(len(self.losses)) * self.problem.decision_every, self.problem.n_updates)


def view_run(episodes: RunEpisodes, i: int) -> RunView:
    """Member i's run; the episodes must keep their history."""
    assert episodes.runs is not None  # the environments ask for reset() first
    n, history = int(episodes.n_decided[i]), episodes.history
    floor = episodes.floor_bits_per_byte
    return RunView(
        problem=episodes.problem,
        run_seed=int(episodes.run_seed[i]),
        updates_done=int(episodes.runs.updates_done[i]),
        losses=history["losses"][i, : n + 1].copy(),
        rewards=history["rewards"][i, :n].copy(),
        lr=history["lr"][i, :n].copy(),
        wd=history["wd"][i, :n].copy(),
        diverged=bool(episodes.diverged[i]),
        floor_nats=None if floor is None else floor / episodes.runs.cap_outcome(1.0),
    )


def ansi_line(view: RunView) -> str:
    """One line about the latest segment: probe loss, reward, and lr and wd as applied."""
    loss = f"{view.head}  probe loss {view.losses[-1]:.4f}"
    if not len(view.rewards):
        return f"{loss}  no decision yet"
    applied = " ".join(f"{name} {_values(values[-1], view)}" for name, values in (("lr", view.lr), ("wd", view.wd)))
    return f"{loss}  reward {view.rewards[-1]:+.4f}  {applied}"


def _values(pair: Floats, view: RunView) -> str:
    is_split = view.problem.actions.kind == "per_optimizer"
    return "/".join(f"{value:.2e}" for value in (pair if is_split else pair[:1]))


def draw_run(view: RunView) -> NDArray[np.uint8]:
    """An RGB frame (480, 960, 3): the loss on the left, lr, wd and reward under one another on the right."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=FRAME_INCHES, dpi=FRAME_DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes: dict[str, Any] = figure.subplot_mosaic(
        [["loss", "lr"], ["loss", "wd"], ["loss", "reward"]], width_ratios=(1.1, 1)
    )
    figure.suptitle(view.head, color=INCUMBENT if view.diverged else INK, fontsize=12)
    _draw_loss(axes["loss"], view)
    _draw_applied(axes["lr"], view, view.lr, LEARNING_RATE)
    _draw_applied(axes["wd"], view, view.wd, "weight decay")
    _draw_rewards(axes["reward"], view)
    for part in axes.values():
        part.set_xlim(0, view.problem.n_updates)
        part.grid(color=PALE, linewidth=0.5)
        part.set_axisbelow(True)
        part.spines[["top", "right"]].set_visible(False)
    for name in ("lr", "wd"):
        axes[name].tick_params(labelbottom=False)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _draw_loss(axes: Any, view: RunView) -> None:
    axes.plot(view.updates, view.losses, "o-", color=TRIAL, markersize=4, linewidth=2)
    if view.floor_nats is not None:
        draw_level(axes, view.floor_nats, "floor: the text's entropy rate")
    low, high = min(view.losses.min(), np.inf if view.floor_nats is None else view.floor_nats), view.losses.max()
    if low > 0 and high > LOG_FROM * low:
        axes.set_yscale("log")
    else:
        margin = 0.08 * max(high - low, 0.05 * high, 1e-3)
        axes.set_ylim(low - margin, high + margin)
    axes.set_xlabel("update")
    axes.set_ylabel("probe loss (nats)")


def _draw_applied(axes: Any, view: RunView, applied: Floats, label: str) -> None:
    """A value as applied, a step a segment, on a log axis."""
    is_split = view.problem.actions.kind == "per_optimizer"
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(numticks=4))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel(label, fontsize=9)
    axes.yaxis.set_label_coords(*LABEL_PLACE)
    axes.tick_params(labelsize=8)
    names = (("matrices", INCUMBENT), ("the rest", TRIAL)) if is_split else (("all", INCUMBENT),)
    if len(applied) and applied.min() > 0:
        axes.set_ylim(applied.min() / 2, applied.max() * 2)
    for column, (name, colour) in enumerate(names):
        values = applied[:, column]
        if len(values) and values.min() > 0:
            axes.stairs(values, view.updates, baseline=None, color=colour, linewidth=2, label=name)
    if is_split and len(applied) and label == LEARNING_RATE:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 0.95), ncols=2, frameon=False, fontsize=8)


def _draw_rewards(axes: Any, view: RunView) -> None:
    width = view.problem.decision_every
    axes.axhline(0, color=INK, linewidth=0.8)
    colours = [TRIAL if reward >= 0 else INCUMBENT for reward in view.rewards]
    axes.bar(view.updates[:-1], view.rewards, width=0.9 * width, align="edge", color=colours)
    axes.set_ylabel("reward", fontsize=9)
    axes.yaxis.set_label_coords(*LABEL_PLACE)
    axes.tick_params(labelsize=8)
    axes.set_xlabel("update")


RENDERERS = {"ansi": ansi_line, "rgb_array": draw_run}
