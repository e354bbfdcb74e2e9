"""The static site: every board, every submission, without a build step and without a request to anywhere."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

import hpo_gym
from leaderboards.board import Board
from leaderboards.pages.board_page import board_context
from leaderboards.pages.figures import draw_figures
from leaderboards.pages.paths import INDEX, board_folder, entry_page
from leaderboards.pages.site_folder import replaced_folder
from leaderboards.pages.standings_table import columns_of, rows_of
from leaderboards.pages.submission_page import submission_context
from leaderboards.pages.wording import EVIDENCE
from leaderboards.standings import Entry, standings
from leaderboards.store import Store

ASSETS = ("style.css", "site.js")
FIGURES = "figures"

_FAMILIES = (
    ("Searches", "An agent chooses which configurations of a table to try, one after another.", True),
    ("Training runs", "An agent sets learning rate and weight decay while a model trains.", False),
)

Standings = Mapping[str, tuple[Entry, ...]]
"""By the id of a board."""


def render_site(store: Store, out: Path, *, tell: Callable[[str], None] = lambda line: None) -> tuple[Path, ...]:
    """Write the pages of all boards; what was in `out` before is gone, unless something fails.

    Args:
        store: what is shown.
        out: the folder.
        tell: takes a line about each submission that is left out or stands without its figures, see `standings`.

    Returns:
        The HTML files, the first one the entrance.

    Raises:
        LeaderboardError: a board or record is not in order, or `out` holds what is no site of ours.
    """
    entries = {board_id: standings(store, board, tell=tell) for board_id, board in store.boards.items()}
    return write_site(store.boards, entries, out)


def write_site(boards: Mapping[str, Board], entries: Standings, out: Path) -> tuple[Path, ...]:
    """`render_site` of standings that are known already."""
    with replaced_folder(out) as folder:
        site = _Site(folder=folder, boards=boards)
        site.write_assets()
        pages = [site.write_index(entries)]
        for board_id, board in boards.items():
            pages += site.write_board(board, entries[board_id])
    return tuple(out / page for page in pages)


@dataclass(kw_only=True)
class _Site:
    """A site being written; pages are named relative to its folder."""

    folder: Path
    boards: Mapping[str, Board]

    def __post_init__(self) -> None:
        self.templates = Environment(
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            loader=PackageLoader("leaderboards.pages"),
        )
        self.templates.globals.update(
            version=hpo_gym.__version__, evidence_of=EVIDENCE, board_folder=board_folder, entry_page=entry_page
        )

    def write_assets(self) -> None:
        """Style and script; `.nojekyll` lets GitHub Pages serve everything as it is."""
        (self.folder / ".nojekyll").touch()
        (self.folder / "assets").mkdir()
        source = resources.files("leaderboards.pages") / "assets"
        for name in ASSETS:
            (self.folder / "assets" / name).write_bytes((source / name).read_bytes())

    def write_index(self, entries: Standings) -> Path:
        """All boards, by family."""
        latest = [board for board in self.boards.values() if board is self._versions(board)[0]]
        return self._write(
            Path(INDEX),
            "index.html.jinja",
            root="",
            families=[
                (
                    title,
                    text,
                    [self._listed(board, entries[board.id]) for board in latest if board.is_search == is_search],
                )
                for title, text, is_search in _FAMILIES
            ],
        )

    def _listed(self, board: Board, entries: tuple[Entry, ...]) -> dict[str, Any]:
        """A board on the index."""
        return {
            "board": board,
            "older": self._versions(board)[1:],
            "n_submissions": len(entries),
            "primary": columns_of(board)[0],
            "leaders": [row for row in rows_of(board, entries) if row.entry.rank is not None][:3],
        }

    def write_board(self, board: Board, entries: tuple[Entry, ...]) -> list[Path]:
        """Its page, its figures, and a page for each submission."""
        folder = Path(board_folder(board))
        (self.folder / folder).mkdir()
        context, comparison = board_context(board, entries)
        figures = draw_figures(comparison, self.folder / folder / FIGURES) if comparison else ()
        versions = self._versions(board)
        pages = [
            self._write(
                folder / INDEX,
                "board.html.jinja",
                root="../",
                figures=figures,
                newest=versions[0],
                versions=versions,
                **context,
            )
        ]
        n_ranked = sum(entry.rank is not None for entry in entries)
        for entry in entries:
            page = folder / entry_page(entry)
            pages.append(
                self._write(page, "submission.html.jinja", root="../", **submission_context(board, entry, n_ranked))
            )
        return pages

    def _versions(self, board: Board) -> list[Board]:
        """Of this board, the newest first."""
        same = [other for other in self.boards.values() if other.name == board.name]
        return sorted(same, key=lambda other: -other.version)

    def _write(self, page: Path, template: str, **context: Any) -> Path:
        (self.folder / page).write_text(self.templates.get_template(template).render(**context), encoding="utf-8")
        return page
