"""What a submission is: who, what and how, and the actions of every episode. Scores in it count for nothing."""

import datetime
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from leaderboards.board import ActionKind, Board
from leaderboards.plain_text import https_address, plain

MANIFEST = "submission.toml"
EPISODES = "episodes.jsonl"
POLICY_FILES = ("policy.json", "policy.safetensors")
FILES = (MANIFEST, EPISODES, *POLICY_FILES)
"""All that a submission's folder may hold."""

_AGENT_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,46}[a-z0-9])?")
_LICENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,48}")


def _agent_name(name: str) -> str:
    if not _AGENT_NAME.fullmatch(name):
        raise ValueError("must be 1 to 48 lower-case letters, digits, dots and hyphens, the last two within only")
    if ".." in name:
        raise ValueError("has two dots in a row")
    return name


def _licence(name: str) -> str:
    if not _LICENCE.fullmatch(name):
        raise ValueError("must be an SPDX identifier, such as MIT or Apache-2.0")
    return name


AgentName = Annotated[str, AfterValidator(_agent_name)]
Words = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(plain)]
Sentences = Annotated[str, Field(min_length=1, max_length=600), AfterValidator(plain)]


def agent_of(folder_name: str) -> str:
    """DATE-AGENT -> AGENT."""
    return folder_name[len("2026-01-31-") :]


class ReplayOptions(BaseModel):
    """How the actions are to be understood: the only options of the environment that a submission may set.

    Attributes:
        action: of the environment, where it is not its default.
        fidelity: "action" where actions choose epochs too.
        repeat: "end" where asking for a configuration that was tried ends the search, as in Hyp-RL.
        recipe: another base recipe of the training run; a submission with one is a reference, listed without a rank.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    action: Literal["unit_cube", "per_optimizer", "discrete"] | None = None
    fidelity: Literal["action"] | None = None
    repeat: Literal["end"] | None = None
    recipe: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,40}$")] | None = None

    @property
    def kind(self) -> str | None:
        """The way of acting that it chooses, as `Board.actions` names it; None for the board's default."""
        return "until_repeat" if self.repeat else "fidelity" if self.fidelity else self.action

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

    format: Annotated[int, Field(ge=1, le=1)] = 1  # not a Literal: to that, true and 1.0 are 1 too
    board: Annotated[str, Field(max_length=80)]
    agent: AgentName
    authors: Annotated[tuple[Words, ...], Field(min_length=1, max_length=30, strict=False)]
    date: datetime.date
    licence: Annotated[str, AfterValidator(_licence)]
    code: Annotated[str, Field(max_length=300), AfterValidator(https_address)] | None = None
    training_compute: Sentences
    training_cost: Annotated[float, Field(ge=0, le=1e9)] | None = None
    external_data: Sentences
    description: Annotated[str, Field(max_length=600), AfterValidator(plain)] = ""
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
        policy_sha256: of policy.json, which has that of the weights in it; "" where no weights lie beside it.
    """

    path: Path
    manifest: Manifest
    board: Board
    actions: dict[str, tuple[NDArray, ...]]
    stated: dict[str, tuple[tuple[float, ...] | None, ...]]
    episodes_sha256: str
    policy_sha256: str

    @property
    def has_policy(self) -> bool:
        """Whether weights lie beside it."""
        return bool(self.policy_sha256)

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
