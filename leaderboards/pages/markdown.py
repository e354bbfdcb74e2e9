"""The boards as Markdown tables, which the repository shows without a page being built."""

from collections.abc import Sequence
from pathlib import Path

from hpo_gym.evaluation.atomic_file import atomic_writer
from hpo_gym.evaluation.comparison_tables import Cell, TextTable
from leaderboards.board import Board
from leaderboards.pages.standings_table import Row, columns_of, groups_of
from leaderboards.standings import Entry, standings
from leaderboards.store import Store

COMMAND = "hpo-gym leaderboard render"
PAGE = "README.md"

_HEAD = f"""# Leaderboards

Every figure was recomputed from a submission's actions; the scores that it states count for nothing. Evidence:
*re-run* = the agent's weights chose the very same actions again; *replayed* = its actions were played again;
*submitted* = only checked, no figures yet. In brackets 95 % bootstrap intervals over seeds; the best of those with a
rank is marked. References change the very run that the others control, so they stand below, without a rank.

Written by `{COMMAND}`; CONTRIBUTING.md says how to submit.
"""


def render_markdown(store: Store) -> str:
    """One table a board, its latest version."""
    return "\n".join([_HEAD, *(board_section(board, standings(store, board)) for board in store.latest)])


def board_section(board: Board, entries: Sequence[Entry]) -> str:
    """Heading, what is played, and the table."""
    lines = [f"## {board.title} (`{board.id}`)", "", board.description, ""]
    if not entries:
        return "\n".join([*lines, "No submissions yet.", ""])
    rows = [row for group in groups_of(board, entries) for row in group.rows]
    return "\n".join([*lines, _table(board, rows).markdown()])


def write_markdown(store: Store) -> Path:
    """Write `render_markdown` to where the repository shows it, whole or not at all."""
    path = store.folder / PAGE
    page = render_markdown(store)
    with atomic_writer(path) as file:
        file.write(page)
    return path


def _table(board: Board, rows: Sequence[Row]) -> TextTable:
    columns = columns_of(board)
    n_tasks = f"{len(board.tasks)} tasks × " if board.is_search else ""
    trials = f", {board.protocol.budget} trials a search" if board.is_search else ""
    primary = f"{columns[0].heading}, {'higher' if columns[0].is_higher_better else 'lower'} is better"
    return TextTable(
        title=f"{n_tasks}{len(board.seeds)} seeds{trials}; by {primary[0].lower()}{primary[1:]}",
        columns=("agent", "rank", *(column.heading for column in columns), "evidence", "date"),
        rows=tuple(_cells(board, row) for row in rows),
    )


def _cells(board: Board, row: Row) -> tuple[Cell, ...]:
    entry = row.entry
    rank = "reference" if entry.manifest.is_reference else "" if entry.rank is None else str(entry.rank)
    figures = (
        Cell(text=figure.text, interval=figure.interval, is_best=figure.is_best) if figure else Cell(text="–")
        for figure in row.figures
    )
    return (
        Cell(text=f"[{entry.manifest.agent}](submissions/{board.id}/{entry.name})"),
        Cell(text=rank),
        *figures,
        Cell(text=entry.tier),
        Cell(text=entry.manifest.date.isoformat()),
    )
