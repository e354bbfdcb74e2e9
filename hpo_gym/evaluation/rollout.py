"""Runs an agent on one task, all seeds side by side, and records what happened.

Everything is recorded per step for all members at once; episodes are cut apart at the end.
"""

import importlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from hpo_gym.evaluation.action_check import check_actions
from hpo_gym.evaluation.agent import Agent, start_episodes
from hpo_gym.evaluation.episode import Episode
from hpo_gym.evaluation.episode_batch import EpisodeBatch, concatenated
from hpo_gym.evaluation.errors import EvaluationError

OUTCOMES = ("validation_bpb", "final_loss", "diverged")
"""Keys of the last step's info that are kept as an episode's outcomes, and metrics of the same name."""

FLOOR = "floor_bits_per_byte"
"""Key of the reset's info: what no model of the text can go below. Kept among the outcomes."""

TRAINING_COST = "training_cost"
"""Attribute of agents that were tuned or trained on training runs, in run equivalents. Kept among the outcomes."""

APPLIED = (
    *("n_updates", "lr", "wd", "lr_rest", "wd_rest"),
    *("lr_scale", "wd_scale", "lr_scale_rest", "wd_scale_rest"),
)
"""Keys of a step's info that say what a training run went on with."""


def episode_seeds(seed: int, task_id: str) -> tuple[int, int]:
    """The seeds that an episode's environment and its agent get: other ones on every task.

    With the same seed on all tasks, an agent that draws an order of a shared pool would draw the same order
    everywhere; a lucky seed would be lucky on all tasks at once, and an interval that takes tasks for
    independent would be too narrow. With the same seed for both, the agent's first draws would be the
    environment's: on a replicate drawn high it would try rows drawn high. Without tasks the environment's is
    the seed itself.
    """
    agent, environment = np.random.SeedSequence((seed, zlib.crc32(task_id.encode()))).generate_state(2).tolist()
    return (environment if task_id else seed), agent


_MAX_OBSERVATION_BYTES = 256 * 2**20  # of one batch; more seeds than fit are run in turn


def rollout(
    agent: Agent,
    env_id: str,
    env_kwargs: Mapping[str, Any],
    task_id: str,
    seeds: Sequence[int],
    *,
    agent_name: str = "",
    deterministic: bool = True,
) -> list[Episode]:
    """One episode a seed, on one task ("" where the environment has none).

    Args:
        agent: `start_episodes` is called first, if it has it, then `predict` with batched observations.
        env_id: anything `gym.make` takes.
        env_kwargs: for the environment, without its task choice.
        task_id: passed as `tasks=[task_id]` and as the reset option `task_id`.
        seeds: one an episode, made different for each task by `episode_seeds`. An episode depends on its own
            seed alone, if the agent keeps to that.
        agent_name: for the records and errors; the class's name if empty.
        deterministic: passed on to `predict`.

    Raises:
        AgentError: the agent's actions do not fit the action space.
        EvaluationError: the environment started another task than it was asked for.
    """
    return rollout_batch(
        agent, env_id, env_kwargs, task_id, seeds, agent_name=agent_name, deterministic=deterministic
    ).episodes()


def rollout_batch(
    agent: Agent,
    env_id: str,
    env_kwargs: Mapping[str, Any],
    task_id: str,
    seeds: Sequence[int],
    *,
    agent_name: str = "",
    deterministic: bool = True,
) -> EpisodeBatch:
    """As `rollout`, but the episodes stay arrays."""
    name = agent_name or type(agent).__name__
    kwargs = {**env_kwargs, **({"tasks": [task_id]} if task_id else {})}
    batches: list[EpisodeBatch] = []
    left = list(seeds)
    while left:
        env = make_members(env_id, min(len(left), _n_members(env_id, kwargs, left)), kwargs)
        try:
            now, left = left[: env.num_envs], left[env.num_envs :]
            batches.append(_Recording(agent, env, env_id, task_id, now, name, deterministic).run())
        finally:
            env.close()
    return concatenated(batches)


def make_members(env_id: str, n_members: int, kwargs: Mapping[str, Any]) -> VectorEnv:
    """A vector env without autoreset: the environment's own if it has one that can do that, else Gymnasium's.

    A native vector env must leave finished members as they are when they are stepped without autoreset.
    """
    if _has_native_vector_env(env_id):
        try:
            return gym.make_vec(
                env_id,
                num_envs=n_members,
                vectorization_mode="vector_entry_point",
                autoreset_mode=AutoresetMode.DISABLED,
                **kwargs,
            )
        except TypeError as error:
            if "autoreset_mode" not in str(error):
                raise
    return gym.make_vec(
        env_id,
        num_envs=n_members,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": AutoresetMode.DISABLED},
        **kwargs,
    )


def _has_native_vector_env(env_id: str) -> bool:
    module, _, name = env_id.rpartition(":")
    if module:
        importlib.import_module(module)
    return gym.spec(name).vector_entry_point is not None


def _n_members(env_id: str, kwargs: Mapping[str, Any], seeds: Sequence[int]) -> int:
    if len(seeds) == 1:
        return 1
    probe = gym.make(env_id, **kwargs)
    n_bytes = sum(_n_bytes(space) for space in _leaves(probe.observation_space))
    preferred = getattr(probe.unwrapped, "preferred_members", None) or len(seeds)
    probe.close()
    return max(1, min(preferred, _MAX_OBSERVATION_BYTES // max(n_bytes, 1)))


def _leaves(space: spaces.Space) -> Iterator[spaces.Space]:
    if isinstance(space, spaces.Dict | spaces.Tuple):
        children = space.spaces.values() if isinstance(space, spaces.Dict) else space.spaces
        for child in children:
            yield from _leaves(child)
    else:
        yield space


def _n_bytes(space: spaces.Space) -> int:
    return int(np.prod(space.shape)) * np.dtype(space.dtype).itemsize if space.shape is not None else 0


class _Recording:
    """One batch of episodes while it runs."""

    def __init__(
        self,
        agent: Agent,
        env: VectorEnv,
        env_id: str,
        task_id: str,
        seeds: Sequence[int],
        agent_name: str,
        deterministic: bool,
    ) -> None:
        self.agent, self.env, self.deterministic = agent, env, deterministic
        self.env_id, self.task_id, self.seeds, self.agent_name = env_id, task_id, list(seeds), agent_name
        self.is_sync = isinstance(env.unwrapped, gym.vector.SyncVectorEnv)
        n = len(self.seeds)
        self.is_done = np.zeros(n, np.bool_)
        self.lengths = np.zeros(n, np.int64)
        self.outcomes: dict[str, NDArray[np.float64]] = {}
        self.actions: list[NDArray] = []
        self.rewards: list[NDArray[np.float64]] = []
        self.scores: list[NDArray[np.float64]] = []
        self.costs: list[NDArray[np.float64]] = []
        self.losses: list[NDArray[np.float64]] = []
        self.applied: dict[str, list[NDArray[np.float64]]] = {}

    def run(self) -> EpisodeBatch:
        """Step until every member is done."""
        options = {"task_id": self.task_id} if self.task_id else None
        env_seeds, agent_seeds = zip(*(episode_seeds(seed, self.task_id) for seed in self.seeds), strict=True)
        observation, info = self.env.reset(seed=list(env_seeds), options=options)  # type: ignore[arg-type]  # lists are fine
        self._check_task(info)
        best, worst = _values(info, "best_score", self.is_done), _values(info, "worst_score", self.is_done)
        self.losses.append(_values(info, "probe_loss", self.is_done))
        self._keep_outcome(FLOOR, info, ~self.is_done)
        start_episodes(self.agent, agent_seeds)
        state, episode_start = None, np.ones(len(self.seeds), np.bool_)
        while not self.is_done.all():
            actions, state = self._predict(observation, state, episode_start)
            was_done = self.is_done.copy()
            observation, reward, terminated, truncated, info = self.env.step(actions)
            self._record(actions, reward, info, was_done)
            self.is_done |= terminated | truncated
            just_done = self.is_done & ~was_done
            for name in OUTCOMES:
                self._keep_outcome(name, info, just_done)
            episode_start = np.zeros_like(episode_start)
            if self.is_sync and not self.is_done.all():
                # SyncVectorEnv refuses to step a finished member: start it again, unrecorded.
                finished = terminated | truncated
                if finished.any():
                    observation, _ = self.env.reset(options={**(options or {}), "reset_mask": finished})
                    episode_start = finished
        return self._batch(best, worst)

    def _predict(self, observation: Any, state: Any, episode_start: NDArray[np.bool_]) -> tuple[NDArray, Any]:
        where = f"agent {self.agent_name!r}, task {self.task_id!r}, trial {len(self.actions) + 1}"
        try:
            actions, state = self.agent.predict(
                observation, state=state, episode_start=episode_start, deterministic=self.deterministic
            )
        except Exception as error:
            error.add_note(f"while predicting: {where}")
            raise
        checked = check_actions(actions, self.env.single_action_space, ~self.is_done, self.seeds, where)
        return checked, state

    def _record(self, actions: NDArray, reward: Any, info: dict[str, Any], was_done: NDArray[np.bool_]) -> None:
        self.lengths += ~was_done
        self.actions.append(actions.copy())  # agents and environments may reuse their buffers
        self.rewards.append(np.where(was_done, 0.0, np.asarray(reward, np.float64)))
        self.scores.append(_values(info, "score", was_done))
        self.costs.append(_values(info, "cost", was_done))
        self.losses.append(_values(info, "probe_loss", was_done))
        for name in APPLIED:
            if name in info and np.ndim(info[name]) == 1:
                self.applied.setdefault(name, []).append(_values(info, name, was_done))

    def _keep_outcome(self, name: str, info: dict[str, Any], members: NDArray[np.bool_]) -> None:
        if name in info and members.any():
            kept = self.outcomes.setdefault(name, np.full(len(self.seeds), np.nan))
            kept[members] = _values(info, name, ~members)[members]

    def _check_task(self, info: dict[str, Any]) -> None:
        if not self.task_id or "task_id" not in info:
            return
        for seed, started in zip(self.seeds, info["task_id"], strict=True):
            if started != self.task_id:
                raise EvaluationError(
                    f"{self.env_id} started task {started!r} instead of {self.task_id!r} (seed {seed})"
                )

    def _batch(self, best: NDArray[np.float64], worst: NDArray[np.float64]) -> EpisodeBatch:
        cost = getattr(self.agent, TRAINING_COST, None)
        if cost is not None:
            self.outcomes[TRAINING_COST] = np.full(len(self.seeds), float(cost))
        scores = np.stack(self.scores, axis=1)
        costs = np.stack(self.costs, axis=1)
        is_trial = np.isfinite(scores)
        # Who reports no costs pays one full evaluation a trial.
        costs = np.where(np.isnan(costs) & is_trial, np.cumsum(is_trial, axis=1), costs)
        return EpisodeBatch(
            agent=self.agent_name,
            env_id=self.env_id,
            task_id=self.task_id,
            seeds=tuple(int(seed) for seed in self.seeds),
            actions=np.stack(self.actions, axis=1),
            rewards=np.stack(self.rewards, axis=1),
            scores=scores,
            costs=np.where(is_trial, costs, np.nan),
            lengths=self.lengths,
            best_score=best,
            worst_score=worst,
            losses=np.stack(self.losses, axis=1),
            applied={
                name: np.stack(values, axis=1)
                for name, values in self.applied.items()
                if len(values) == len(self.actions)
            },
            outcomes=self.outcomes,
        )


def _values(info: dict[str, Any], key: str, is_left_out: NDArray[np.bool_]) -> NDArray[np.float64]:
    """A vector info's numbers (n_members,), NaN where a member has none or is left out."""
    if key not in info:
        return np.full(len(is_left_out), np.nan)
    has_value = info.get(f"_{key}", np.ones(len(is_left_out), np.bool_))
    return np.where(has_value & ~is_left_out, np.asarray(info[key], np.float64), np.nan)
