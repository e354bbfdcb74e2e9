"""An agent plays a board: what `make` writes down, and what submitted weights are held against."""

import json
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.evaluation.agent import AgentBuilder
from hpo_gym.evaluation.episode import Episode, read_episodes
from hpo_gym.evaluation.episode_batch import EpisodeBatch, batch_of_episodes
from hpo_gym.evaluation.errors import RecordError
from hpo_gym.evaluation.evaluate import evaluate_protocol
from hpo_gym.evaluation.plan import contestant_of
from hpo_gym.evaluation.rollout import TRAINING_COST
from leaderboards.board import Board
from leaderboards.errors import LeaderboardError
from leaderboards.replay import configurations
from leaderboards.submission import ReplayOptions


@dataclass(frozen=True, kw_only=True, eq=False)
class Played:
    """Complete episodes on a board, as a submission states them.

    Attributes:
        seeds: of every task's episodes.
        env_kwargs: how the actions are to be understood.
        actions: task -> one array a seed.
        scores: task -> one list a seed of raw scores, or the outcome of a training run.
        training_cost: run equivalents, where the agent says so.
    """

    seeds: tuple[int, ...]
    env_kwargs: ReplayOptions
    actions: dict[str, tuple[NDArray, ...]]
    scores: dict[str, tuple[tuple[float, ...], ...]]
    training_cost: float | None = None

    def as_lines(self) -> str:
        """The file episodes.jsonl."""
        return "".join(
            json.dumps(
                {"task": task, "seed": seed, "actions": own.tolist(), "scores": list(stated)},
                allow_nan=False,
                separators=(",", ":"),
            )
            + "\n"
            for task, episodes in self.actions.items()
            for seed, own, stated in zip(self.seeds, episodes, self.scores[task], strict=True)
        )


def play(
    board: Board, name: str, builder: AgentBuilder, episodes_path: Path, *, workers: int = 1, progress: bool = False
) -> Played:
    """Let an agent play a board under its protocol.

    Args:
        board: what is played.
        name: of the agent, for records and errors.
        builder: makes it from the board's training tasks.
        episodes_path: where its episodes are kept; if they are there already, they are read.
        workers: processes.
        progress: whether a bar is drawn.
    """
    if not episodes_path.exists():
        protocol = board.protocol.model_copy(update={"metrics": ()})
        evaluate_protocol(protocol, name, builder, workers=workers, episodes_path=episodes_path, progress=progress)
    made = contestant_of(name, builder, board.protocol).env_kwargs
    return played_from(board, list(read_episodes(episodes_path)), dict(made))


def played_from(board: Board, episodes: list[Episode], env_kwargs: dict[str, Any]) -> Played:
    """Recorded episodes as a submission states them: searches as rows of the pool, whatever the agent's actions were.

    Args:
        board: that was played.
        episodes: of all tasks and seeds.
        env_kwargs: with which they were played.
    """
    batches = {task: batch_of_episodes(list(own)) for task, own in groupby(episodes, lambda episode: episode.task_id)}
    for task in board.tasks:
        if task not in batches or batches[task].seeds != board.seeds:
            raise LeaderboardError(
                f"the episodes are not those of board {board.id}: task {task!r} lacks some of its seeds"
            )
    first = batches[board.tasks[0]]
    cost = first.outcomes.get(TRAINING_COST, np.array([np.nan]))[0]
    ordered = {task: batches[task] for task in board.tasks}
    return Played(
        seeds=board.seeds,
        env_kwargs=_replay_options(board, env_kwargs),
        actions={task: _actions(board, env_kwargs, batch) for task, batch in ordered.items()},
        scores={task: _scores(board, batch) for task, batch in ordered.items()},
        training_cost=float(cost) if np.isfinite(cost) else None,
    )


def _replay_options(board: Board, env_kwargs: dict[str, Any]) -> ReplayOptions:
    """What of an agent's options matters to its replay."""
    if board.is_search:
        chosen = {key: env_kwargs.get(key) for key in ("fidelity", "repeat")}
        return ReplayOptions(**{key: value for key, value in chosen.items() if value in ("action", "end")})
    action = env_kwargs.get("action", board.default_kind)
    try:
        return ReplayOptions(action=None if action == board.default_kind else action, recipe=env_kwargs.get("recipe"))
    except ValueError as error:
        raise RecordError(f"board {board.id}: {error}") from None


def _actions(board: Board, env_kwargs: dict[str, Any], batch: EpisodeBatch) -> tuple[NDArray, ...]:
    actions = batch.actions
    if board.is_search:
        rows = configurations(board, env_kwargs, batch)
        chooses_level = env_kwargs.get("fidelity") == "action" and actions.ndim == 3
        actions = np.stack([rows, actions[..., -1]], axis=2).astype(np.int64) if chooses_level else rows
    return tuple(own[:n] for own, n in zip(actions, batch.lengths, strict=True))


def _scores(board: Board, batch: EpisodeBatch) -> tuple[tuple[float, ...], ...]:
    if board.is_search:
        return tuple(tuple(row[np.isfinite(row)].tolist()) for row in batch.scores)
    return tuple((value,) for value in batch.outcomes[board.primary_metric].tolist())
