"""Freezing a board: from then on nothing that scores depend on may change in its file."""

import json
from pathlib import Path
from typing import Any

from gymnasium import spaces

from hpo_gym.evaluation.atomic_file import atomic_writer
from leaderboards.board import FROZEN, ActionKind, Board, read_board, read_boards, read_frozen
from leaderboards.errors import BoardError

_OPTIONS: dict[str, dict[str, Any]] = {"fidelity": {"fidelity": "action"}, "until_repeat": {"repeat": "end"}}
"""The ways of acting that are not chosen by the environment's option `action`."""


def freeze(folder: Path) -> tuple[str, ...]:
    """Freeze the boards that are not frozen yet -> their ids.

    A board that is wrong would be wrong for ever, so each is held against its environment and data first.

    Args:
        folder: of the boards; its file of frozen ones is written anew, and the lines that it has stay as they are.

    Raises:
        BoardError: a board is no board, is not what its environment and data are, or was frozen and has changed.
    """
    frozen = read_frozen(folder)
    boards = {path.stem: read_board(path) for path in sorted(folder.glob("*.toml"))}
    new = tuple(board_id for board_id in boards if board_id not in frozen)
    for board_id in new:
        boards[board_id].check_data()
        _check_actions(boards[board_id])
    if new:
        added = {board_id: boards[board_id].sha256 for board_id in new}
        with atomic_writer(folder / FROZEN) as file:
            file.write(json.dumps({**frozen, **added}, indent=1, sort_keys=True) + "\n")
    read_boards(folder)  # tells of those that have changed
    return new


def _check_actions(board: Board) -> None:
    """A `BoardError` where an action is not what the environment says that it looks like."""
    for name, kind in board.actions.items():
        default: dict[str, Any] = {} if name == board.default_kind else {"action": name}
        env = board.make_env(**_OPTIONS.get(name, default))
        space = env.action_space
        env.close()
        if not _is_like(kind, space):
            raise BoardError(f"board {board.id}: key 'actions.{name}' is not what its environment takes: {space}")


def _is_like(kind: ActionKind, space: spaces.Space) -> bool:
    if isinstance(space, spaces.Discrete):
        return kind.sizes == (int(space.n),)
    if isinstance(space, spaces.MultiDiscrete):
        return kind.sizes == tuple(space.nvec.tolist())
    if not isinstance(space, spaces.Box) or kind.sizes or space.shape != (kind.n_numbers,):
        return False
    return bool((space.low == kind.low).all() and (space.high == kind.high).all())
