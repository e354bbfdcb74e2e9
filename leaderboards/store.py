"""Where a set of leaderboards keeps its boards, submissions and records."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from leaderboards.board import Board, latest_boards, read_boards
from leaderboards.hashes_file import BASELINES, read_hashes

PACKAGE = Path(__file__).parent


@dataclass(frozen=True)
class Store:
    """A folder with `boards/`, `submissions/BOARD/SUBMISSION/` and `records/BOARD/SUBMISSION.json`.

    Attributes:
        folder: the package's own by default.
    """

    folder: Path = PACKAGE

    @cached_property
    def boards(self) -> dict[str, Board]:
        """Every version of every board, by id."""
        return read_boards(self.folder / "boards")

    @property
    def latest(self) -> tuple[Board, ...]:
        """The last version of each board, in the order of their ids."""
        return tuple(latest_boards(self.boards).values())

    @cached_property
    def baselines(self) -> dict[str, dict[str, str]]:
        """Board -> submission -> SHA-256 of its episodes: those that may bear the names of this project's agents."""
        return read_hashes(self.baselines_path, BASELINES)

    @property
    def baselines_path(self) -> Path:
        """Where `baselines` are written down."""
        return self.folder / "submissions" / "baselines.json"

    def submissions_of(self, board: Board) -> tuple[Path, ...]:
        """The folders of a board's submissions, oldest first."""
        return tuple(self.submission_path(board, name) for name in sorted(self.names_of(board)))

    def names_of(self, board: Board) -> tuple[str, ...]:
        """Of those folders, in any order; hidden ones are being made, or a desktop's."""
        folder = self.folder / "submissions" / board.id
        names = os.listdir(folder) if folder.is_dir() else ()
        return tuple(name for name in names if not name.startswith("."))

    def submission_path(self, board: Board, name: str) -> Path:
        """Of one submission."""
        return self.folder / "submissions" / board.id / name

    def record_path(self, board: Board, name: str) -> Path:
        """Where what was found of a submission is kept."""
        return self.folder / "records" / board.id / f"{name}.json"
