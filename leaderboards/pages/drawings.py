"""A submission's episodes drawn: its searches, one chart a task, or the schedules of its training runs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leaderboards.board import Board
from leaderboards.pages.chart import Axis, Chart, Line, axis_for
from leaderboards.record import Course, Record

Floats = NDArray[np.float64]

SMALLEST_REGRET = 1e-4
"""Where the log axis ends: who found the best configuration has no logarithm."""

_APPLIED = (
    ("lr_scale", "Learning-rate scale"),
    ("wd_scale", "Weight-decay scale"),
    ("lr_scale_rest", "Learning-rate scale, other parameters"),
    ("wd_scale_rest", "Weight-decay scale, other parameters"),
    ("lr", "Learning rate as applied"),
    ("wd", "Weight decay as applied"),
    ("lr_rest", "Learning rate as applied, other parameters"),
    ("wd_rest", "Weight decay as applied, other parameters"),
)


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """Charts that belong together."""

    heading: str
    note: str
    charts: tuple[Chart, ...]


def drawing_of(board: Board, record: Record) -> Drawing:
    """Of all episodes of a record."""
    return _searches(board, record) if board.is_search else _runs(board, record)


def _searches(board: Board, record: Record) -> Drawing:
    budget = board.protocol.budget or 0
    regrets = {task: record.courses[task].regret(budget) for task in board.tasks}
    largest = max(float(regret.max()) for regret in regrets.values())
    smallest = min(float(regret.min()) for regret in regrets.values())
    y = Axis(
        label="regret",
        low=max(SMALLEST_REGRET, 0.8 * smallest),
        high=max(1.1 * largest, 10 * SMALLEST_REGRET),
        is_log=True,
    )
    x = Axis(label="trials", low=1.0, high=float(max(budget, 2)))
    charts = (_search_chart(f"task-{i}", task, regret, x, y) for i, (task, regret) in enumerate(regrets.items()))
    return Drawing(
        heading="Its searches",
        note="Normalised regret of the best configuration found so far: 0 is the best of the task, 1 the worst. "
        f"Thin lines are single seeds, the bold one is their mean; the axes are the same for all tasks, and end at "
        f"{SMALLEST_REGRET:g}. Lower is better.",
        charts=tuple(charts),
    )


def _search_chart(chart_id: str, task: str, regret: Floats, x: Axis, y: Axis) -> Chart:
    trials = np.arange(1.0, regret.shape[1] + 1)
    mean = regret.mean(axis=0)
    half = (len(trials) + 1) // 2
    return Chart(
        id=chart_id,
        title=task,
        description=f"Line chart of normalised regret over {len(trials)} trials on task {task}. Mean of {len(regret)} "
        f"seeds: {mean[0]:.4f} after 1 trial, {mean[half - 1]:.4f} after {half}, {mean[-1]:.4f} at the end; "
        f"the seeds end between {regret[:, -1].min():.4f} and {regret[:, -1].max():.4f}.",
        summary=_search_in_words(regret),
        x=x,
        y=y,
        lines=(
            *(Line(xs=trials, ys=row, kind="seed") for row in regret),
            Line(xs=trials, ys=mean, kind="mean"),
        ),
    )


def _runs(board: Board, record: Record) -> Drawing:
    courses = tuple(record.courses[task] for task in board.tasks)
    updates = [np.array(row) for course in courses for row in course.applied.get("n_updates", ())]
    last = max((float(row[-1]) for row in updates if len(row)), default=1.0)
    x = Axis(label="updates", low=0.0, high=last)
    charts = [
        _applied_chart(name, words, updates, rows, x)
        for name, words in _APPLIED
        if (rows := _rows(courses, name)) and len(rows) == len(updates)
    ]
    losses = [np.array(row) for course in courses for row in course.losses]
    if len(losses) == len(updates) and losses:
        charts.append(_loss_chart(updates, losses, x))
    return Drawing(
        heading="Its schedule",
        note="What the controller did with each training run: thin lines are single run seeds, the bold one is their "
        "mean. A scale multiplies the recipe's own schedule, and 1 leaves it as it is; applied is what the last update "
        "of a segment was made with.",
        charts=tuple(charts),
    )


def _rows(courses: Sequence[Course], name: str) -> list[Floats]:
    return [np.array(row) for course in courses for row in course.applied.get(name, ())]


def _applied_chart(name: str, words: str, updates: Sequence[Floats], rows: Sequence[Floats], x: Axis) -> Chart:
    """A step a segment: from the update before it to its last."""
    y = axis_for("", rows, is_log=True)
    mean = _mean(rows, is_geometric=y.is_log)
    longest = max(updates, key=len)
    lines = [
        Line(xs=np.append(0.0, ends), ys=np.append(values, values[-1:]), kind="seed")
        for ends, values in zip(updates, rows, strict=True)
        if len(values) == len(ends) and len(values)
    ]
    lines.append(Line(xs=np.append(0.0, longest), ys=np.append(mean, mean[-1:]), kind="mean"))
    return Chart(
        id=name,
        title=words,
        description=f"Line chart of the {words[0].lower()}{words[1:]} over {x.high:g} updates. Mean of {len(rows)} run "
        f"seeds: {mean[0]:.3g} at the beginning, between {np.nanmin(mean):.3g} and {np.nanmax(mean):.3g} on the way, "
        f"{mean[-1]:.3g} at the end.",
        summary=_course_in_words(mean),
        x=x,
        y=y,
        lines=tuple(lines),
    )


def _loss_chart(updates: Sequence[Floats], losses: Sequence[Floats], x: Axis) -> Chart:
    y = axis_for("", losses, is_log=_spans_much(losses))
    mean = _mean(losses, is_geometric=False)
    longest = np.append(0.0, max(updates, key=len))
    lines = [
        Line(xs=np.append(0.0, ends)[: len(values)], ys=values, kind="seed", is_step=False)
        for ends, values in zip(updates, losses, strict=True)
    ]
    lines.append(Line(xs=longest[: len(mean)], ys=mean, kind="mean", is_step=False))
    return Chart(
        id="loss",
        title="Loss",
        description=f"Line chart of the probe loss over {x.high:g} updates. Mean of {len(losses)} run seeds: "
        f"{mean[0]:.4g} before the first update, {mean[-1]:.4g} at the end.",
        summary=f"Mean {mean[0]:.4g} → {mean[-1]:.4g}.",
        x=x,
        y=y,
        lines=tuple(lines),
    )


def _search_in_words(regret: Floats) -> str:
    start, end = regret.mean(axis=0)[[0, -1]]
    if (regret == regret[0]).all():
        return f"Every seed alike: {_regret(start)} → {_regret(end)}."
    return (
        f"Mean {_regret(start)} → {_regret(end)}; seeds end at {_regret(regret[:, -1].min())} to "
        f"{_regret(regret[:, -1].max())}."
    )


def _regret(value: float) -> str:
    return "0" if value == 0 else f"{value:.4f}"


def _course_in_words(mean: Floats) -> str:
    first, last, low, high = (f"{value:.3g}" for value in (mean[0], mean[-1], np.nanmin(mean), np.nanmax(mean)))
    if low == high:
        return f"Mean {low} throughout."
    return f"Mean {first} → {last}" + ("." if {first, last} == {low, high} else f", between {low} and {high}.")


def _spans_much(rows: Sequence[Floats]) -> bool:
    values = np.concatenate(rows)
    return bool(values.max() > 5 * values.min() > 0)


def _mean(rows: Sequence[Floats], *, is_geometric: bool) -> Floats:
    """(n_points,) of the rows that come that far."""
    padded = np.full((len(rows), max(map(len, rows))), np.nan)
    for target, row in zip(padded, rows, strict=True):
        target[: len(row)] = row
    return np.asarray(np.exp(np.nanmean(np.log(padded), axis=0)) if is_geometric else np.nanmean(padded, axis=0))
