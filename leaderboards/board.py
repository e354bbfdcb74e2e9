"""A leaderboard: a frozen protocol, the data that it plays on, and how its submissions are compared."""

import hashlib
import json
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import gymnasium as gym
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hpo_gym.evaluation.errors import did_you_mean
from hpo_gym.evaluation.protocol import Protocol
from hpo_gym.evaluation.validation import first_complaint
from leaderboards.errors import BoardError
from leaderboards.hashes_file import FROZEN_BOARDS, read_hashes

BOARDS = Path(__file__).parent / "boards"
FROZEN = "frozen.json"
LARGEST_BOARD = 2**16
"""Bytes of a board's file."""

HIGHER_IS_BETTER = frozenset(
    {"return", "improvement_over_off", "normalized_score", "beat_random", "median_performance", "mean_performance"}
)
"""Metrics, without their K; of all others the lower is the better."""

Family = Literal["config-selection", "in-run-control"]


class ActionKind(BaseModel):
    """One way of acting: what a submission's actions have to look like, known without the environment.

    Attributes:
        sizes: choices of each number of an action, which is then one whole number (a single size) or a list of them.
        n_numbers: how many numbers from `low` to `high` an action has instead.
        n_steps: actions of an episode.
        may_be_shorter: whether an episode may end before (runs that diverge, searches that buy by the epoch).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    sizes: Annotated[tuple[int, ...], Field(strict=False)] = ()
    n_numbers: Annotated[int, Field(ge=0)] = 0
    low: float = 0.0
    high: float = 1.0
    n_steps: Annotated[int, Field(ge=1)]
    may_be_shorter: bool = False

    @model_validator(mode="after")
    def _is_one_of_two(self) -> "ActionKind":
        if bool(self.sizes) == bool(self.n_numbers) or not self.low < self.high or min(self.sizes, default=1) < 1:
            raise ValueError("either sizes of 1 or more, or n_numbers from low to a higher high")
        return self


class Board(BaseModel):
    """One board at one version.

    Attributes:
        id: NAME-vN, also the name of its file.
        title, description: for people.
        family: of its environment.
        protocol: what is played; names its tasks and metrics, so that nothing of it can move.
        primary_metric: what submissions are ordered by.
        shown_metrics: the columns of its table, the primary one first.
        rivals: agents that are always listed, and with whom metrics such as `rank@K` compare.
        actions: the ways of acting that submissions may choose from, by the options of the environment that choose
            them: "index" (the default of searches), "unit_cube", "fidelity", "until_repeat"; "shared" (the default of
            training runs), "per_optimizer", "discrete".
        recipes: base recipes that references may put in the place of the protocol's.
        data: `data_id` of the environment with the protocol's tasks; "" where there is no data.
        tolerance: by how much an outcome may differ between machines when a training run is replayed, in the unit of
            the primary metric; 0 where scores are looked up in a table.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*-v[1-9][0-9]*$")]
    title: str
    description: str
    family: Family
    protocol: Protocol
    primary_metric: str
    shown_metrics: Annotated[tuple[str, ...], Field(strict=False)]
    rivals: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    actions: dict[str, ActionKind]
    recipes: Annotated[tuple[str, ...], Field(strict=False)] = ()
    data: str
    tolerance: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _agrees(self) -> "Board":
        if self.protocol.n_seeds < 10:
            raise ValueError(f"protocol.n_seeds is {self.protocol.n_seeds}; a board has 10 or more")
        if self.shown_metrics[:1] != (self.primary_metric,):
            raise ValueError("shown_metrics begin with the primary metric")
        for metric in self.shown_metrics:
            if metric not in self.protocol.metrics:
                raise ValueError(f"{metric!r} is shown, but protocol.metrics lacks it")
        if self.default_kind not in self.actions:
            raise ValueError(f"actions lack {self.default_kind!r}, the default of {self.family}")
        if self.is_search and not (self.protocol.tasks and self.protocol.budget):
            raise ValueError("a board of searches names its tasks and its budget in the protocol")
        return self

    @property
    def name(self) -> str:
        """The id without its version."""
        return self.id.rpartition("-v")[0]

    @property
    def version(self) -> int:
        """N of NAME-vN."""
        return int(self.id.rpartition("-v")[2])

    @property
    def is_search(self) -> bool:
        """Whether episodes are searches of a table; else they are training runs."""
        return self.family == "config-selection"

    @property
    def default_kind(self) -> str:
        """The way of acting of a submission that chooses none."""
        return "index" if self.is_search else "shared"

    @property
    def tasks(self) -> tuple[str, ...]:
        """Of every submission; ("",) where the environment has none."""
        return self.protocol.tasks or ("",)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of every task's episodes."""
        return self.protocol.seeds

    @property
    def n_episodes(self) -> int:
        """Of a complete submission."""
        return len(self.tasks) * len(self.seeds)

    @property
    def env_kwargs(self) -> dict[str, Any]:
        """For the environment, with the budget, and without the choice of tasks."""
        budget = {} if self.protocol.budget is None else {"budget": self.protocol.budget}
        return {**self.protocol.env_kwargs, **budget}

    @property
    def run_seeds(self) -> dict[str, str]:
        """The half of the run seeds that is played, as an option of the environment; {} where there are tasks."""
        return {} if self.is_search else {"split": self.protocol.split}

    @cached_property
    def sha256(self) -> str:
        """Of everything that scores depend on, however the file is written; titles and descriptions may be mended."""
        content = self.model_dump(mode="json", exclude={"title", "description", "shown_metrics"})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def is_higher_better(self, metric: str) -> bool:
        """In which direction a metric is good."""
        return metric.partition("@")[0] in HIGHER_IS_BETTER

    def make_env(self, **options: Any) -> gym.Env:
        """The environment of the protocol with all of its tasks."""
        tasks = {"tasks": list(self.protocol.tasks)} if self.protocol.tasks else {}
        return gym.make(self.protocol.env_id, **{**self.env_kwargs, **self.run_seeds, **tasks, **options})

    def check_data(self) -> None:
        """A `BoardError` where this machine has other data than the board was frozen with."""
        env: Any = self.make_env()
        found = env.unwrapped.data_id
        env.close()
        if found != self.data:
            raise BoardError(f"board {self.id}: its data is {self.data!r}; this machine has {found!r}")


def read_board(path: Path) -> Board:
    """One file; a `BoardError` names file and key."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BoardError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    if len(content) > LARGEST_BOARD:
        raise BoardError(f"{path}: larger than {LARGEST_BOARD} bytes")
    try:
        board = Board(**tomllib.loads(content.decode()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BoardError(f"{path}: not TOML: {error}") from None
    except ValidationError as error:
        raise BoardError(f"{path}: {first_complaint(error, Board)}") from None
    if board.id != path.stem:
        raise BoardError(f"{path}: key 'id' is {board.id!r}; the file's name says {path.stem!r}")
    return board


def read_boards(folder: Path = BOARDS) -> dict[str, Board]:
    """All boards of a folder by id, every version.

    Raises:
        BoardError: one is wrong, or not what was frozen.
    """
    boards = {path.stem: read_board(path) for path in sorted(folder.glob("*.toml"))}
    frozen = read_frozen(folder)
    for board_id, board in boards.items():
        if board_id not in frozen:
            raise BoardError(f"{folder / FROZEN}: lacks {board_id!r}: freeze it with `hpo-gym leaderboard freeze`")
        if frozen[board_id] != board.sha256:
            raise BoardError(
                f"{folder / board_id}.toml: the board was frozen and has changed since; undo that, and make version "
                f"{board.version + 1} in a file of its own"
            )
    for board_id in frozen.keys() - boards.keys():
        raise BoardError(f"{folder / board_id}.toml: absent, but the board was frozen: old versions stay readable")
    return boards


def read_frozen(folder: Path) -> dict[str, str]:
    """Board -> SHA-256, of those that may not change any more."""
    return read_hashes(folder / FROZEN, FROZEN_BOARDS)


def latest_boards(boards: dict[str, Board]) -> dict[str, Board]:
    """By name without version: the last version of each."""
    latest: dict[str, Board] = {}
    for board in sorted(boards.values(), key=lambda board: board.version):
        latest[board.name] = board
    return latest


def find_board(name: str, folder: Path = BOARDS) -> Board:
    """A board by its id, or the last version of a name."""
    boards = read_boards(folder)
    found = boards.get(name) or latest_boards(boards).get(name)
    if found is None:
        raise BoardError(f"no board {name!r}{did_you_mean(name, boards)}; there are {', '.join(boards)}")
    return found
