"""Who stands where on a board: its submissions in the order of the primary metric, with their evidence."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from leaderboards.board import Board
from leaderboards.errors import SubmissionError
from leaderboards.intake import read_submission
from leaderboards.record import Record, Tier, read_record
from leaderboards.store import Store
from leaderboards.submission import Manifest, Submission


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One submission on a board.

    Attributes:
        rank: 1 is best, ties share the better one; None for references and for what was not replayed yet.
        submission: as it was handed in.
        record: what was recomputed; None where nothing was yet.
        is_rival: whether the board always lists it.
    """

    rank: int | None
    submission: Submission
    record: Record | None
    is_rival: bool

    @property
    def manifest(self) -> Manifest:
        """Who, what and how."""
        return self.submission.manifest

    @property
    def name(self) -> str:
        """DATE-AGENT."""
        return self.submission.name

    @property
    def tier(self) -> Tier:
        """How good the evidence is."""
        return self.record.tier if self.record else "submitted"


def standings(store: Store, board: Board, *, tell: Callable[[str], None] = lambda line: None) -> tuple[Entry, ...]:
    """The entries of a board: by the primary metric, then those without a record by date.

    One submission that is not in order takes nobody else's place: it is left out.

    Args:
        store: with submissions and records.
        board: which one.
        tell: takes a line about each submission that is left out, or that has changed since it was recorded and so
            stands without figures.

    Raises:
        LeaderboardError: a record is no record.
    """
    found = []
    for path in store.submissions_of(board):
        try:
            found.append(_entry(store, board, path, tell))
        except SubmissionError as error:
            tell(f"left out: {error}")
    scored = sorted((e for e in found if e.record), key=lambda entry: (_place(board, entry), entry.name))
    ranked = []
    competing = [_place(board, entry) for entry in scored if not entry.manifest.is_reference]
    for entry in scored:
        rank = None if entry.manifest.is_reference else competing.index(_place(board, entry)) + 1
        ranked.append(Entry(rank=rank, submission=entry.submission, record=entry.record, is_rival=entry.is_rival))
    return (*ranked, *(entry for entry in found if not entry.record))


def _entry(store: Store, board: Board, path: Path, tell: Callable[[str], None]) -> Entry:
    submission = read_submission(path, store)
    kept = store.record_path(board, submission.name)
    record = read_record(kept) if kept.exists() else None
    if record and not record.is_of(submission):
        tell(f"without figures: {path} has changed since {kept} was written: verify it again")
        record = None
    return Entry(rank=None, submission=submission, record=record, is_rival=submission.manifest.agent in board.rivals)


def _place(board: Board, entry: Entry) -> float:
    """Lower is better."""
    assert entry.record
    mean = entry.record.metrics[board.primary_metric].mean
    return -mean if board.is_higher_better(board.primary_metric) else mean
