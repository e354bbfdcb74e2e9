"""What all commands of `hpo-gym leaderboard` take: the store, a board of it, and whether the board's data is here."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpo_gym.cli.environments import data_state
from hpo_gym.cli.failures import WrongUsage

if TYPE_CHECKING:
    from leaderboards.board import Board
    from leaderboards.store import Store

StoreFolder = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="FOLDER",
        help="A folder with boards, submissions and records of its own, instead of the package's.",
    ),
]
BoardName = Annotated[
    str, typer.Argument(metavar="BOARD", help="As `hpo-gym leaderboard list` names it; without -vN its last version.")
]


def open_store(folder: Path | None) -> "Store":
    """The package's own store, or another one."""
    from leaderboards.store import PACKAGE, Store

    if folder is not None and not (folder / "boards").is_dir():
        raise WrongUsage(f"--store {folder}: has no folder 'boards' in it")
    return Store(PACKAGE if folder is None else folder)


def board_named(store: "Store", name: str) -> "Board":
    """A board of the store; an unknown one is wrong usage."""
    from leaderboards.board import find_board
    from leaderboards.errors import BoardError

    if name in store.boards:  # read here, where a board that is wrong is an error of its own
        return store.boards[name]
    try:
        return find_board(name, store.folder / "boards")
    except BoardError as error:
        raise WrongUsage(str(error)) from None


def boards_named(store: "Store", names: list[str] | None) -> tuple["Board", ...]:
    """These boards, or the last version of each."""
    return tuple(board_named(store, name) for name in names) if names is not None else store.latest


def board_data(board: "Board") -> dict[str, str]:
    """{"state": "present" or "absent", "get": the command that gets it}; looks at the disk only."""
    from hpo_gym import DECLARATIONS

    declaration = DECLARATIONS.get(board.protocol.env_id)
    if declaration is None:
        return {"state": "absent", "get": "unknown environment"}
    own = board.env_kwargs.get("path")
    if own is None:
        return data_state(declaration)
    is_here = Path(own).exists()
    return {"state": "present" if is_here else "absent", "get": "" if is_here else f"put the table's file at {own}"}
