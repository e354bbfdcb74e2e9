"""Pictures and lines of a search: the incumbent's curve beside the explored space."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.envs.selection_problem import SelectionProblem
from hpo_gym.selection.space import describe_configuration

Trials = Sequence[tuple[int, float]]  # (row of the pool, score), oldest first

INK, PALE, TRIAL, INCUMBENT = "#222222", "#c9ced6", "#3b6fb6", "#d1495b"
FRAME_INCHES, FRAME_DPI = (9.6, 4.8), 100
N_BACKGROUND_ROWS = 150


@dataclass(frozen=True, kw_only=True)
class SearchView:
    """What a picture of a search needs.

    Attributes:
        problem: the environment's.
        task: position of the episode's task in it.
        trials: so far.
        best, worst: scores of the task.
        spent: of the budget, in full evaluations.
    """

    problem: SelectionProblem
    task: int
    trials: Trials
    best: float
    worst: float
    spent: float

    @property
    def head(self) -> str:
        """What is searched, and how far the search is."""
        task_id = self.problem.tasks.task_ids[self.task]
        return f"task {task_id}: {self.spent:g} of {self.problem.budget} evaluations"

    @property
    def pool(self) -> NDArray[np.float32]:
        """(n, d) of the task."""
        return self.problem.tasks.pool(self.task)


def ansi_line(view: SearchView) -> str:
    """One line about the latest trial: score, incumbent, regret and configuration."""
    if not view.trials:
        return f"{view.head}  no trial yet"
    row, score = view.trials[-1]
    incumbent = max(s for _, s in view.trials)
    regret = (view.best - incumbent) / ((view.best - view.worst) or 1.0)
    configuration = describe_configuration(view.problem.tasks.hyperparameters, view.pool[row])
    values = " ".join(f"{name}={_short(value)}" for name, value in configuration.items())
    return f"{view.head}  score {score:.4f}  incumbent {incumbent:.4f}  regret {regret:.4f}  {values}"


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def draw_search(view: SearchView) -> NDArray[np.uint8]:
    """An RGB frame (480, 960, 3): incumbent and trials on the left, configurations as lines on the right."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=FRAME_INCHES, dpi=FRAME_DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    curve, explored = figure.subplots(1, 2, width_ratios=(1, 1.35))
    figure.suptitle(view.head, color=INK, fontsize=12)
    _draw_curve(curve, view)
    _draw_explored(explored, view)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def draw_level(axes: Any, level: float, words: str) -> None:
    """A dashed line across, and what it means at its right end."""
    axes.axhline(level, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.annotate(
        words,
        (1, level),
        (0, 3),
        textcoords="offset points",
        ha="right",
        fontsize=8,
        xycoords=("axes fraction", "data"),
        color=INK,
    )


def _draw_curve(axes: Any, view: SearchView) -> None:
    scores = np.array([score for _, score in view.trials])
    number = np.arange(1, len(scores) + 1)
    draw_level(axes, view.best, view.problem.best_is)
    axes.plot(number, scores, "o", color=TRIAL, markersize=4, alpha=0.7, label="trial")
    if len(scores):
        axes.step(
            number,
            np.maximum.accumulate(scores),
            where="post",
            color=INCUMBENT,
            linewidth=2,
            label="incumbent",
        )
    last = max(view.problem.budget, len(scores))
    axes.set_xlim(0.5, last + 0.5)
    low = min(scores.min(), view.best) if len(scores) else view.worst
    margin = 0.08 * ((view.best - low) or 1.0)
    axes.set_ylim(low - margin, view.best + 1.6 * margin)
    axes.set_xlabel("trial")
    axes.set_ylabel(view.problem.score_name)
    axes.grid(color=PALE, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    if len(scores):
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=8)


def _draw_explored(axes: Any, view: SearchView) -> None:
    """Parallel coordinates: a line a configuration; darker is better, the incumbent is thick."""
    from matplotlib import colormaps
    from matplotlib.collections import LineCollection

    d = view.pool.shape[1]
    position = np.arange(d)
    # Drawn, not every k-th: on a grid a stride would show the same few values again and again.
    background = np.random.default_rng(0).permutation(view.pool)[:N_BACKGROUND_ROWS]
    axes.add_collection(LineCollection(_polylines(position, background), colors=PALE, linewidths=0.4, alpha=0.6))
    if view.trials:
        rows = np.array([row for row, _ in view.trials])
        scores = np.array([score for _, score in view.trials])
        rank = scores.argsort().argsort() / max(len(scores) - 1, 1)
        lines = _polylines(position, view.pool[rows])
        order = rank.argsort()
        colours = colormaps["viridis_r"](0.1 + 0.85 * rank[order])
        axes.add_collection(LineCollection([lines[i] for i in order], colors=colours, linewidths=1.1, alpha=0.85))
        axes.add_collection(LineCollection([lines[scores.argmax()]], colors=INCUMBENT, linewidths=2.5))
        axes.plot(position, view.pool[rows[-1]], "o", color=INK, markersize=4)
    axes.set_xlim(-0.15, d - 0.85)
    axes.set_ylim(-0.04, 1.04)
    axes.set_xticks(
        position,
        [_axis_label(h.name) for h in view.problem.tasks.hyperparameters],
        rotation=35,
        ha="right",
        fontsize=8,
    )
    axes.set_yticks([0, 1], ["low", "high"], fontsize=8)
    axes.set_title("explored: darker is better, red is the incumbent, dots the latest", fontsize=9, color=INK)
    for x in position:
        axes.axvline(x, color=INK, linewidth=0.5, alpha=0.5)
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)


def _polylines(position: NDArray, rows: NDArray) -> list[NDArray]:
    """k configurations' lines, (d, 2) points each."""
    return list(np.stack([np.broadcast_to(position, rows.shape), rows], axis=-1))


def _axis_label(name: str, most: int = 18) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


RENDERERS = {"ansi": ansi_line, "rgb_array": draw_search}
