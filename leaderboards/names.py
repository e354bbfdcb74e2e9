"""Who may be called what on a board: nobody passes for another."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

from agents.catalogue import names, pretrained_names
from leaderboards.board import Board
from leaderboards.errors import SubmissionError
from leaderboards.folder import open_folder
from leaderboards.manifest_file import LARGEST_MANIFEST, parse_manifest
from leaderboards.store import Store
from leaderboards.submission import FILES, MANIFEST, Manifest, agent_of

_ALIKE = {"-": "", ".": "", "0": "o", "1": "l", "rn": "m"}


@lru_cache(maxsize=2**16)
def sounded(name: str) -> str:
    """What is left of a name where neither hyphens and dots nor characters that look alike make a difference.

    Example:
        >>> sounded("hyp-rl") == sounded("hypr1"), sounded("random") == sounded("randorn-")
        (True, True)
    """
    for seen, meant in _ALIKE.items():
        name = name.replace(seen, meant)
    return name


def check_name(
    manifest: Manifest,
    board: Board,
    store: Store,
    *,
    where: str,
    episodes_sha256: str = "",
    is_own: Callable[[Path], bool] = lambda path: False,
) -> None:
    """Refuse a name that means another.

    Of two that clash the one that has a record keeps the name; the other is refused.

    Args:
        manifest: claims the name.
        board: that it is claimed on.
        store: with the board's other submissions, and the list of episodes that may bear this project's own names.
        where: it is claimed, for the message.
        episodes_sha256: of its episodes; "" where there are none yet.
        is_own: whether a folder in the store is the submission's own, which is not its rival.

    Raises:
        SubmissionError: the name is reserved, or another's.
    """
    own = {sounded(name): name for name in (*board.rivals, *names(), *pretrained_names())}
    reserved = own.get(sounded(manifest.agent))
    if reserved and store.baselines.get(board.id, {}).get(manifest.folder_name) != episodes_sha256:
        raise SubmissionError(
            f"{where}: field 'agent' is {manifest.agent!r}; {reserved!r} is reserved for this project's own episodes: "
            "choose a name that cannot be taken for it"
        )
    for path in _namesakes(manifest, board, store):
        if not is_own(path) and _authors(path) != set(manifest.authors):
            raise SubmissionError(
                f"{where}: field 'agent' is {manifest.agent!r}, which cannot be told from {path.name!r} on this board, "
                "by other authors (field 'authors'): choose another name"
            )


def _namesakes(manifest: Manifest, board: Board, store: Store) -> Iterator[Path]:
    """The board's submissions of such a name; those that came later are no concern of one that has a record.

    What came later is told by the records, which maintainers write, and not by dates, which anybody may choose.
    """
    name = sounded(manifest.agent)
    is_recorded = store.record_path(board, manifest.folder_name).exists()
    for other in sorted(other for other in store.names_of(board) if sounded(agent_of(other)) == name):
        if not is_recorded or store.record_path(board, other).exists():
            yield store.submission_path(board, other)


def _authors(path: Path) -> set[str] | None:
    """Of a submission in the store; None if it cannot be read."""
    try:
        with open_folder(path, needed=(MANIFEST,), allowed=FILES, may_be_linked=True) as folder:
            return set(parse_manifest(folder.read(MANIFEST, LARGEST_MANIFEST), folder.where(MANIFEST)).authors)
    except SubmissionError:
        return None
