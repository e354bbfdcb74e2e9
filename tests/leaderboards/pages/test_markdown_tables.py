"""The repository's tables: from the same standings as the pages, and never older than the records."""

from pathlib import Path

import pytest

from benchmarks.made_up_leaderboard import OLD_SEARCH, RUN, SEARCH
from leaderboards.pages.markdown import COMMAND, PAGE, board_section, render_markdown, write_markdown
from leaderboards.standings import standings
from leaderboards.store import Store


def rows_of(section: str) -> list[list[str]]:
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_tables_of_the_repository_are_those_of_its_records() -> None:
    store = Store()
    kept = store.folder / PAGE
    written = kept.read_text(encoding="utf-8") if kept.exists() else ""
    is_fresh = written == render_markdown(store)
    assert is_fresh, f"leaderboards/{PAGE} is not what the records say: run `{COMMAND}` and commit it"


def test_each_board_has_one_table_of_its_latest_version(store: Store) -> None:
    page = render_markdown(store)
    assert page.count("\n## ") == 2
    assert f"(`{SEARCH}`)" in page
    assert f"(`{RUN}`)" in page
    assert OLD_SEARCH not in page


def test_a_table_has_ranks_intervals_evidence_and_the_best_in_bold(store: Store) -> None:
    board = store.boards[RUN]
    entries = standings(store, board)
    heading, rule, *rows = rows_of(board_section(board, entries))
    assert heading == [
        *("agent", "rank", "Validation bits per byte", "Below controller-off", "Normalised score"),
        *("evidence", "date"),
    ]
    assert rule[0] == "---"
    assert [row[1] for row in rows] == ["1", "2", "3", "reference", ""]
    assert rows[-1][2:6] == ["–", "–", "–", "submitted"]
    best = entries[0].record
    assert best
    found = best.metrics["validation_bpb"]
    assert f"**{found.mean:.4f}** [{found.low:.4f}, {found.high:.4f}]" in next(row for row in rows if row[1] == "1")[2]
    assert sum("**" in row[2] for row in rows) == 1


def test_agents_link_to_their_submissions(store: Store) -> None:
    board = store.boards[SEARCH]
    links = [row[0] for row in rows_of(board_section(board, standings(store, board)))[2:]]
    names = [link.partition("(")[2].rstrip(")") for link in links]
    assert all((store.folder / name).is_dir() for name in names)


def test_a_board_without_submissions_says_so(store: Store) -> None:
    assert "No submissions yet." in board_section(store.boards[RUN], ())


def test_it_is_written_where_the_repository_shows_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "boards").symlink_to(store.folder / "boards")
    path = write_markdown(Store(tmp_path))
    assert path == tmp_path / "README.md"
    assert path.read_text(encoding="utf-8").startswith("# Leaderboards\n")
