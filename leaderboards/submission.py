"""What a submission is: who, what and how, and the actions of every episode. Scores in it count for nothing."""

import datetime
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from leaderboards.board import ActionKind, Board

MANIFEST = "submission.toml"
EPISODES = "episodes.jsonl"
POLICY_FILES = ("policy.json", "policy.safetensors")
FILES = (MANIFEST, EPISODES, *POLICY_FILES)
"""All that a submission's folder may hold."""

AGENT_NAME = r"^[a-z0-9](?:[a-z0-9.-]{0,46}[a-z0-9])?$"
_FORBIDDEN_CATEGORIES = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _plain(text: str) -> str:
    """Text that cannot pass for anything else on a page or in a terminal."""
    for character in text:
        if unicodedata.category(character) in _FORBIDDEN_CATEGORIES:
            raise ValueError(f"has the character U+{ord(character):04X}; printable text on one line is needed")
        if character in "<>":
            raise ValueError("has an angle bracket; plain text without markup is needed")
    if text != text.strip():
        raise ValueError("begins or ends with a space")
    return text


def _https(text: str) -> str:
    """A link that opens a page and nothing else."""
    _plain(text)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"is no address ({error})") from None
    is_plain = text.isascii() and not set(text) & set(" \"'`\\{}|^") and "@" not in parts.netloc
    if parts.scheme != "https" or not parts.hostname or port is not None or not is_plain:
        raise ValueError("must be a plain https:// address")
    return text


def _no_dots(name: str) -> str:
    if ".." in name:
        raise ValueError("has two dots in a row")
    return name


AgentName = Annotated[str, Field(pattern=AGENT_NAME), AfterValidator(_no_dots)]
Words = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_plain)]
Sentences = Annotated[str, Field(min_length=1, max_length=600), AfterValidator(_plain)]


class ReplayOptions(BaseModel):
    """How the actions are to be understood: the only options of the environment that a submission may set.

    Attributes:
        action: of the environment, where it is not its default.
        fidelity: "action" where actions choose epochs too.
        recipe: another base recipe of the training run; a submission with one is a reference, listed without a rank.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    action: Literal["unit_cube", "per_optimizer", "discrete"] | None = None
    fidelity: Literal["action"] | None = None
    recipe: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,40}$")] | None = None

    @property
    def kind(self) -> str | None:
        """The way of acting that it chooses, as `Board.actions` names it; None for the board's default."""
        return "fidelity" if self.fidelity else self.action

    def as_kwargs(self) -> dict[str, Any]:
        """For `gymnasium.make`."""
        return self.model_dump(exclude_none=True)


class Manifest(BaseModel):
    """The file submission.toml.

    Attributes:
        format: 1.
        board: id of the board, with its version.
        agent: its name on the board: lower-case letters, digits, hyphens and dots.
        authors: their names.
        date: of the submission; the folder is named DATE-AGENT.
        licence: of submission and code, as an SPDX identifier.
        code: https address where the agent can be had.
        training_compute: what training and tuning cost, in words ("none", "2 h of one GPU").
        training_cost: the same of in-run agents in run equivalents, where it is known.
        external_data: what was learned from besides the board's training tasks; "none".
        description: one or two sentences about the method.
        env_kwargs: see `ReplayOptions`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    format: Literal[1] = 1
    board: Annotated[str, Field(max_length=80)]
    agent: AgentName
    authors: Annotated[tuple[Words, ...], Field(min_length=1, max_length=30, strict=False)]
    date: datetime.date
    licence: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+-]{0,48}$")]
    code: Annotated[str, Field(max_length=300), AfterValidator(_https)] | None = None
    training_compute: Sentences
    training_cost: Annotated[float, Field(ge=0, le=1e9, strict=False)] | None = None
    external_data: Sentences
    description: Annotated[str, Field(max_length=600), AfterValidator(_plain)] = ""
    env_kwargs: ReplayOptions = ReplayOptions()

    @property
    def folder_name(self) -> str:
        """DATE-AGENT, which no path can be smuggled into."""
        return f"{self.date.isoformat()}-{self.agent}"

    @property
    def is_reference(self) -> bool:
        """Whether it changes the very run that the others control."""
        return self.env_kwargs.recipe is not None


@dataclass(frozen=True, kw_only=True, eq=False)
class Submission:
    """A submission that has passed `check`: complete, and every action within its space.

    Attributes:
        path: its folder.
        manifest: submission.toml.
        board: that it is for.
        actions: task -> one array a seed of the board, each (n_steps, *action shape); int64 or float64.
        stated: task -> one list a seed of the raw scores that the submission states, None where it states none.
        episodes_sha256: of episodes.jsonl.
        has_policy: whether weights lie beside it.
    """

    path: Path
    manifest: Manifest
    board: Board
    actions: dict[str, tuple[NDArray, ...]]
    stated: dict[str, tuple[tuple[float, ...] | None, ...]]
    episodes_sha256: str
    has_policy: bool

    @property
    def name(self) -> str:
        """DATE-AGENT."""
        return self.manifest.folder_name

    @property
    def env_kwargs(self) -> dict[str, Any]:
        """For the environment that its actions are replayed in."""
        return {**self.board.env_kwargs, **self.board.run_seeds, **self.manifest.env_kwargs.as_kwargs()}

    @property
    def action_kind(self) -> ActionKind:
        """What its actions look like."""
        return self.board.actions[self.manifest.env_kwargs.kind or self.board.default_kind]

    @property
    def n_trials(self) -> int:
        """Steps of all episodes."""
        return int(np.sum([len(actions) for episodes in self.actions.values() for actions in episodes]))
