"""Takes a submission in: everything that can be told of a stranger's folder without an environment.

Nothing in the folder is executed, nothing outside of it is followed, nothing is written; sizes are bounded before
anything is read.
"""

import hashlib
import os
from pathlib import Path

from hpo_gym.evaluation.brief import brief
from hpo_gym.evaluation.errors import did_you_mean
from leaderboards.board import Board
from leaderboards.episodes_file import largest_file, parse_episodes
from leaderboards.errors import SubmissionError
from leaderboards.folder import StrangersFolder, open_folder, shown
from leaderboards.manifest_file import LARGEST_MANIFEST, parse_manifest
from leaderboards.names import check_name
from leaderboards.policy_files import LARGEST_DESCRIPTION, LARGEST_TENSORS, check_policy
from leaderboards.store import Store
from leaderboards.submission import EPISODES, FILES, MANIFEST, POLICY_FILES, Manifest, Submission


def read_submission(path: Path, store: Store) -> Submission:
    """Read and check the folder of a submission.

    Args:
        path: DATE-AGENT, in the store or anywhere else.
        store: with the boards, and with the submissions whose names are taken.

    Raises:
        SubmissionError: one line: the file, the line, the field, what was found and what is allowed.
    """
    path = Path(os.path.abspath(path))
    is_in_store = path.is_relative_to(os.path.abspath(store.folder))
    with open_folder(path, needed=(MANIFEST, EPISODES), allowed=FILES, may_be_linked=is_in_store) as folder:
        manifest = parse_manifest(folder.read(MANIFEST, LARGEST_MANIFEST), folder.where(MANIFEST))
        _check_place(folder, manifest, store)
        board = _board(folder, manifest, store)
        kind = _kind(folder, manifest, board)
        content = folder.read(EPISODES, largest_file(board, kind))
        actions, stated = parse_episodes(content, folder.where(EPISODES), board, kind)
        sha256 = hashlib.sha256(content).hexdigest()
        where = folder.where(MANIFEST)
        check_name(manifest, board, store, where=where, episodes_sha256=sha256, is_own=folder.is_at)
        policy_sha256 = _policy_sha256(folder)
    return Submission(
        path=path,
        manifest=manifest,
        board=board,
        actions=actions,
        stated=stated,
        episodes_sha256=sha256,
        policy_sha256=policy_sha256,
    )


def _check_place(folder: StrangersFolder, manifest: Manifest, store: Store) -> None:
    """The folder is called what the manifest says, and in the store it lies with its board."""
    path = folder.path
    if path.name != manifest.folder_name:
        raise SubmissionError(
            f"{folder.where(MANIFEST)}: fields 'date' and 'agent' make {manifest.folder_name!r}, the folder's name is "
            f"{brief(path.name)}"
        )
    among = path.parent
    if among.parent == Path(os.path.abspath(store.folder)) / "submissions" and among.name != manifest.board:
        raise SubmissionError(
            f"{folder.where(MANIFEST)}: field 'board' is {brief(manifest.board)}; it lies among the submissions "
            f"to {among.name!r}"
        )


def _board(folder: StrangersFolder, manifest: Manifest, store: Store) -> Board:
    board = store.boards.get(manifest.board)
    if board is None:
        hint = did_you_mean(manifest.board, store.boards)
        raise SubmissionError(
            f"{folder.where(MANIFEST)}: field 'board' is {brief(manifest.board)}{hint}; there are "
            f"{', '.join(store.boards)}"
        )
    return board


def _kind(folder: StrangersFolder, manifest: Manifest, board: Board) -> str:
    """The submission's way of acting, if the board has it."""
    where, options = folder.where(MANIFEST), manifest.env_kwargs
    kind = options.kind or board.default_kind
    chosen = [name for name in ("action", "fidelity", "repeat") if getattr(options, name) is not None]
    if len(chosen) > 1:
        raise SubmissionError(
            f"{where}: fields 'env_kwargs.{chosen[0]}' and 'env_kwargs.{chosen[1]}' exclude each other"
        )
    if kind not in board.actions:
        kinds = ", ".join(board.actions)
        raise SubmissionError(f"{where}: field 'env_kwargs.{chosen[0]}' makes actions {kind!r}; {board.id} has {kinds}")
    if options.recipe is not None and options.recipe not in board.recipes:
        hint = did_you_mean(options.recipe, board.recipes)
        allowed = f"{board.id} has {', '.join(board.recipes)}" if board.recipes else f"{board.id} has none"
        raise SubmissionError(f"{where}: field 'env_kwargs.recipe' is {options.recipe!r}{hint}; {allowed}")
    return kind


def _policy_sha256(folder: StrangersFolder) -> str:
    """Of the description of weights, of which all that can be told at once is in order; "" where there are none."""
    found = [name for name in POLICY_FILES if name in folder.names]
    if not found:
        return ""
    if len(found) < len(POLICY_FILES):
        raise SubmissionError(f"{shown(folder.path)}: has {found[0]} alone; {' and '.join(POLICY_FILES)} go together")
    description, tensors = POLICY_FILES
    content = folder.read(description, LARGEST_DESCRIPTION)
    check_policy(
        content,
        folder.read(tensors, LARGEST_TENSORS),
        (folder.where(description), folder.where(tensors)),
    )
    return hashlib.sha256(content).hexdigest()
