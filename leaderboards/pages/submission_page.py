"""What a submission's page says: who and how, what was recomputed, its figures, and its episodes drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from leaderboards.board import Board
from leaderboards.pages.board_page import Facts
from leaderboards.pages.drawings import drawing_of
from leaderboards.pages.standings_table import Column, columns_of, interval_text
from leaderboards.pages.wording import EVIDENCE, printed
from leaderboards.record import Record
from leaderboards.standings import Entry


@dataclass(frozen=True, kw_only=True)
class MetricRow:
    """A metric of one submission, as printed."""

    column: Column
    mean: str
    interval: str
    iqm: str


@dataclass(frozen=True, kw_only=True)
class TaskRow:
    """A task and its figures, one a shown metric."""

    task: str
    figures: tuple[str, ...]


def submission_context(board: Board, entry: Entry, n_ranked: int) -> dict[str, Any]:
    """For the template; `n_ranked` entries of the board have a rank."""
    record = entry.record
    columns = columns_of(board)
    return {
        "board": board,
        "entry": entry,
        "n_ranked": n_ranked,
        "facts_of_entry": _facts(board, entry),
        "evidence": EVIDENCE[entry.tier],
        "checks": _checks(board, entry),
        "columns": columns,
        "metrics": _metric_rows(board, record) if record else (),
        "tasks": _task_rows(board, record, columns) if record and board.is_search else (),
        "drawing": drawing_of(board, record) if record else None,
    }


def _facts(board: Board, entry: Entry) -> Facts:
    """Without the link, which the template sets."""
    manifest = entry.manifest
    kind = manifest.env_kwargs.kind or board.default_kind
    facts = [("Authors", ", ".join(manifest.authors)), ("Submitted", manifest.date.isoformat())]
    facts += [("Licence", manifest.licence), ("Training compute", manifest.training_compute)]
    if manifest.training_cost is not None:
        facts += [("Training cost", f"{manifest.training_cost:g} run equivalents")]
    facts += [("External data", manifest.external_data), ("Way of acting", kind)]
    if manifest.env_kwargs.recipe is not None:
        facts += [("Recipe", f"{manifest.env_kwargs.recipe}: a reference, without a rank")]
    return tuple(facts)


def _checks(board: Board, entry: Entry) -> Facts:
    """What makes the evidence checkable."""
    record = entry.record
    checks = [("SHA-256 of the episodes", entry.submission.episodes_sha256)]
    if record and record.policy_sha256:
        checks += [("SHA-256 of the weights’ description", record.policy_sha256)]
    checks += [("SHA-256 of the board", board.sha256)]
    if record:
        replay = "to the bit" if board.tolerance == 0 else f"within {board.tolerance:g} on another machine"
        checks += [("Recomputed", f"all {board.n_episodes} episodes; the same figures {replay}")]
        checks += [("Versions", ", ".join(f"{name} {version}" for name, version in record.versions.items()))]
    return tuple(checks)


def _metric_rows(board: Board, record: Record) -> tuple[MetricRow, ...]:
    """Those of the board's protocol, the shown ones first."""
    names = [*board.shown_metrics, *(name for name in board.protocol.metrics if name not in board.shown_metrics)]
    columns = columns_of(board, [name for name in names if name in record.metrics])
    rows = []
    for column in columns:
        found = record.metrics[column.code]
        rows.append(
            MetricRow(
                column=column,
                mean=printed(column.code, found.mean),
                interval=interval_text(column.code, found.low, found.high),
                iqm=printed(column.code, found.iqm),
            )
        )
    return tuple(rows)


def _task_rows(board: Board, record: Record, columns: Sequence[Column]) -> tuple[TaskRow, ...]:
    return tuple(
        TaskRow(
            task=task,
            figures=tuple(
                printed(column.code, record.per_task[task][column.code])
                if column.code in record.per_task[task]
                else "–"
                for column in columns
            ),
        )
        for task in board.tasks
    )
