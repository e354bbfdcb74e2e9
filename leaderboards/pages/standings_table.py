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


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rows that stand together below a heading; the ranked ones need none."""

    heading: str
    kind: str
    rows: tuple[Row, ...]


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


def groups_of(board: Board, entries: Sequence[Entry]) -> tuple[Group, ...]:
    """Those with a rank, references, and what is not replayed yet, as far as there are any."""
    rows = rows_of(board, entries)
    groups = (
        Group(heading="", kind="ranked", rows=tuple(row for row in rows if row.entry.rank is not None)),
        Group(
            heading="References: they change the very run that the others control, so they have no rank",
            kind="reference",
            rows=tuple(row for row in rows if row.entry.record and row.entry.rank is None),
        ),
        Group(
            heading="Not replayed yet: no figures, no rank",
            kind="submitted",
            rows=tuple(row for row in rows if row.entry.record is None),
        ),
    )
    return tuple(group for group in groups if group.rows)


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
