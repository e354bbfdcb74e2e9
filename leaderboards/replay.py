"""Submitted actions played again in the board's own environment: the only source of scores."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.evaluation.episode_batch import EpisodeBatch
from hpo_gym.evaluation.rollout import episode_seeds, make_members, rollout_batch
from hpo_gym.evaluation.threads import pinned_threads
from leaderboards.board import Board
from leaderboards.errors import SubmissionError
from leaderboards.submission import Submission


class Script:
    """An agent that does what is written.

    Args:
        episodes: (n_steps, *action shape) of each, in the order in which they will be started.
    """

    def __init__(self, episodes: Sequence[NDArray]) -> None:
        self._left = iter(episodes)
        self._actions = np.zeros((0, 0))
        self._t = 0

    def start_episodes(self, seeds: Sequence[int]) -> None:
        """The next episodes begin, one a seed."""
        now = [next(self._left) for _ in seeds]
        self._actions = np.zeros((len(now), max(map(len, now)), *now[0].shape[1:]), now[0].dtype)
        for row, actions in zip(self._actions, now, strict=True):
            row[: len(actions)] = actions
        self._t = 0

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> tuple[NDArray, Any]:
        """The next actions (n_envs, *action shape); zeros for an episode whose own are used up."""
        if self._t >= self._actions.shape[1]:
            raise SubmissionError("field 'actions': used up before the episode was over")
        self._t += 1
        return self._actions[:, self._t - 1], state


def replay(submissions: Sequence[Submission], seeds: Sequence[int] | None = None) -> Iterator[list[EpisodeBatch]]:
    """The episodes of submissions to one board -> for each submission in turn, one batch a task.

    Those that act in the same environment are played side by side: 10,000 searches take seconds.

    Args:
        submissions: of one board.
        seeds: only these of the board's seeds.

    Raises:
        SubmissionError: an episode has more or fewer actions than the environment takes.
    """
    groups: dict[str, list[Submission]] = {}
    for submission in submissions:
        groups.setdefault(repr(sorted(submission.env_kwargs.items())), []).append(submission)
    played: dict[int, list[EpisodeBatch]] = {id(submission): [] for submission in submissions}
    for group in groups.values():
        for task in group[0].board.tasks:
            for submission, batch in zip(group, _replay_task(group, task, seeds), strict=True):
                played[id(submission)].append(batch)
    yield from (played[id(submission)] for submission in submissions)


def _replay_task(group: Sequence[Submission], task: str, seeds: Sequence[int] | None) -> list[EpisodeBatch]:
    board, env_kwargs = group[0].board, group[0].env_kwargs
    chosen = tuple(board.seeds if seeds is None else seeds)
    positions = [board.seeds.index(seed) for seed in chosen]
    episodes = [submission.actions[task][i] for submission in group for i in positions]
    try:
        with pinned_threads(board.protocol.torch_threads):
            batch = rollout_batch(
                Script(episodes), board.protocol.env_id, env_kwargs, task, [*chosen] * len(group), agent_name="replay"
            )
    except SubmissionError as error:
        raise SubmissionError(f"{group[0].path}, task {task!r}: {error}") from None
    batches = []
    for i, submission in enumerate(group):
        own = _members(batch, slice(i * len(chosen), (i + 1) * len(chosen)), submission.manifest.agent)
        _check_lengths(submission, task, own, [len(submission.actions[task][position]) for position in positions])
        batches.append(own)
    return batches


def _members(batch: EpisodeBatch, members: slice, agent: str) -> EpisodeBatch:
    """Some episodes of a batch."""
    arrays = ("actions", "rewards", "scores", "costs", "lengths", "best_score", "worst_score", "losses")
    return replace(
        batch,
        agent=agent,
        seeds=batch.seeds[members],
        **{name: getattr(batch, name)[members] for name in arrays},
        applied={name: values[members] for name, values in batch.applied.items()},
        outcomes={name: values[members] for name, values in batch.outcomes.items()},
    )


def _check_lengths(submission: Submission, task: str, batch: EpisodeBatch, given: Sequence[int]) -> None:
    for seed, taken, n_actions in zip(batch.seeds, batch.lengths.tolist(), given, strict=True):
        if taken != n_actions:
            raise SubmissionError(
                f"{submission.path}, task {task!r}, seed {seed}: field 'actions' has {n_actions}, but the episode "
                f"{'ended' if taken < n_actions else 'goes on'} after {min(taken, n_actions)}"
            )


def configurations(board: Board, env_kwargs: Mapping[str, Any], batch: EpisodeBatch) -> NDArray[np.int64]:
    """(n_seeds, n_steps) the rows of the pool that a batch of searches tried, however its actions named them."""
    seeds, task = list(batch.seeds), batch.task_id
    env = make_members(board.protocol.env_id, len(seeds), {**env_kwargs, "tasks": [task]})
    try:
        starts = [episode_seeds(seed, task)[0] for seed in seeds]
        env.reset(seed=starts, options={"task_id": task})  # type: ignore[arg-type]  # lists are fine
        rows = np.zeros(batch.actions.shape[:2], np.int64)
        for t in range(batch.actions.shape[1]):
            _, _, _, _, info = env.step(batch.actions[:, t])
            rows[:, t] = info["configuration"]
    finally:
        env.close()
    return rows
