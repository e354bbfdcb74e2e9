"""A board as a table before it is set in type: for its page and for Markdown alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboards.board import Board
from leaderboards.pages.wording import printed, wording_of
from leaderboards.standings import Entry


@dataclass(frozen=True, kw_only=True)
class Column:
    """A metric; `code` is its name in files and on the command line."""

    code: str
    heading: str
    meaning: str
    is_higher_better: bool


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A value with its 95 % interval, both as printed."""

    value: float
    text: str
    interval: str
    is_best: bool


@dataclass(frozen=True, kw_only=True)
class Row:
    """An entry and its figures, one a column; None where it has none."""

    entry: Entry
    figures: tuple[Figure | None, ...]


def columns_of(board: Board, metrics: Sequence[str] = ()) -> tuple[Column, ...]:
    """Those that the board shows, or others of its protocol."""
    return tuple(
        Column(
            code=metric,
            heading=wording_of(metric).heading,
            meaning=wording_of(metric).meaning,
            is_higher_better=board.is_higher_better(metric),
        )
        for metric in metrics or board.shown_metrics
    )


def rows_of(board: Board, entries: Sequence[Entry]) -> tuple[Row, ...]:
    """In the order given; the best of those with a rank is marked in each column, as it is printed."""
    columns = columns_of(board)
    best = [_best(column, entries) for column in columns]
    return tuple(
        Row(
            entry=entry,
            figures=tuple(_figure(column.code, entry, mark) for column, mark in zip(columns, best, strict=True)),
        )
        for entry in entries
    )


def _best(column: Column, entries: Sequence[Entry]) -> str:
    competing = [
        entry.record.metrics[column.code].mean
        for entry in entries
        if entry.rank is not None and entry.record and column.code in entry.record.metrics
    ]
    if len(competing) < 2:
        return ""
    return printed(column.code, max(competing) if column.is_higher_better else min(competing))


def _figure(metric: str, entry: Entry, best: str) -> Figure | None:
    if entry.record is None or metric not in entry.record.metrics:
        return None
    found = entry.record.metrics[metric]
    text = printed(metric, found.mean)
    return Figure(
        value=found.mean,
        text=text,
        interval=interval_text(metric, found.low, found.high),
        is_best=entry.rank is not None and text == best,
    )


def interval_text(metric: str, low: float, high: float) -> str:
    """[low, high]."""
    return f"[{printed(metric, low)}, {printed(metric, high)}]"
