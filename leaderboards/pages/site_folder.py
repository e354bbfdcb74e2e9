"""A folder of pages that is either the old one or the whole new one, and is never somebody else's."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leaderboards.errors import LeaderboardError

MARKER = ".hpo-gym-leaderboards"
"""A file that says whose folder it is."""


@contextmanager
def replaced_folder(out: Path) -> Iterator[Path]:
    """An empty folder beside `out` that takes its place on leaving the block without an error.

    Raises:
        LeaderboardError: `out` is a file or a link, or holds what is not ours.
    """
    out = Path(os.path.abspath(out))
    _check_is_ours(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished, outdated = (out.with_name(f".{out.name}.{os.getpid()}.{what}") for what in ("new", "old"))
    try:
        unfinished.mkdir()
        (unfinished / MARKER).touch()
        yield unfinished
        _take_place(unfinished, out, outdated)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _take_place(new: Path, out: Path, outdated: Path) -> None:
    """What was there is gone only when the new one stands there."""
    if not out.exists():
        new.rename(out)
        return
    out.rename(outdated)
    try:
        new.rename(out)
    except BaseException:
        outdated.rename(out)
        raise
    shutil.rmtree(outdated, ignore_errors=True)


def _check_is_ours(out: Path) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise LeaderboardError(f"{out}: not a folder: pages need a folder of their own")
    if out.is_dir() and any(out.iterdir()) and not (out / MARKER).is_file():
        raise LeaderboardError(
            f"{out}: holds files that are no pages of a leaderboard (it lacks {MARKER}): give a new or an empty folder"
        )
