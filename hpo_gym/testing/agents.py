"""Does an agent keep the protocol: SB3's `predict`, one episode's actions from its own seed alone?"""

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from hpo_gym.evaluation.agent import Agent, AgentBuilder, AgentContext, required_env_kwargs, start_episodes
from hpo_gym.evaluation.episode import Episode
from hpo_gym.evaluation.rollout import rollout
from hpo_gym.testing.comparison import checking, difference, require

SEEDS = (0, 1, 2)
ROUNDING = 1e-4  # a network's output depends on its batch in the last digits


def check_agent(
    agent: Agent | AgentBuilder,
    env_id: str,
    *,
    env_kwargs: Mapping[str, Any] | None = None,
    train_tasks: Sequence[str] | None = None,
    may_repeat: bool = False,
    seed: int = 0,
) -> None:
    """Whole episodes with the agent, compared with each other.

    `predict(observation, state, episode_start, deterministic)` takes a batch and a single observation, gives
    actions of the action space and leaves the observation as it was; actions do not ask for what was already
    tried; the same seeds give the same episodes; an episode alone is the same as in a batch of others.

    Args:
        agent: an agent, or a builder, which is called with the environment's training tasks.
        env_id: anything `gymnasium.make` takes.
        env_kwargs: for the environment; a builder's own `env_kwargs` come on top.
        train_tasks: for a builder; by default the split "train", or all tasks where there is none.
        may_repeat: whether the agent may ask for what was tried (the environment then says what happens).
        seed: for a builder.

    Raises:
        AssertionError: what is wrong, where, and what to do.
    """
    is_builder = not hasattr(agent, "predict")
    require(not is_builder or callable(agent), f"{agent!r} has no predict() and is no builder. See AgentBuilder")
    kwargs = {**(env_kwargs or {}), **(required_env_kwargs(agent, env_id) if is_builder else {})}  # type: ignore[arg-type]
    probe = gym.make(env_id, **kwargs)
    tasks = tuple(getattr(probe.unwrapped, "task_ids", ("",)))
    if is_builder:
        chosen = train_tasks or _training_tasks(probe.unwrapped, tasks)
        context = AgentContext(env_id=env_id, env_kwargs=kwargs, train_tasks=tuple(chosen), seed=seed)
        with checking("building the agent", "A builder takes an AgentContext and returns an Agent"):
            agent = agent(context)  # type: ignore[operator]
    name = type(agent).__name__
    try:
        check_predict(agent, probe, name)  # type: ignore[arg-type]
        check_episodes(agent, env_id, kwargs, tasks[0], name)  # type: ignore[arg-type]
        if not may_repeat:
            check_no_repeats(agent, probe, tasks[0], name)  # type: ignore[arg-type]
    finally:
        probe.close()


def check_predict(agent: Agent, env: gym.Env, name: str) -> None:
    """A single observation and a batch of one give actions of the space; neither is written to."""
    start_episodes(agent, SEEDS[:1])
    observation, _ = env.reset(seed=0)
    untouched = _stack([observation])
    advice = "predict(observation, state=None, episode_start=None, deterministic=False) returns (actions, state)"
    with checking(f"{name}: predict on one observation", advice):
        action, _ = agent.predict(observation, deterministic=True)
    _require_in_space(action, env.action_space, f"{name}, one observation without a leading axis")
    start_episodes(agent, SEEDS[:1])
    with checking(f"{name}: predict on a batch of one", advice):
        actions, _ = agent.predict(_stack([observation]), None, np.ones(1, bool), True)
    require(len(np.asarray(actions)) == 1, f"{name}: {np.shape(actions)} actions for a batch of one. Keep the axis")
    _require_in_space(np.asarray(actions)[0], env.action_space, f"{name}, batch of one")
    found = difference(_stack([observation]), untouched, "observation")
    require(not found, f"{name}: predict changed its input, {found}. Copy before writing")


def check_episodes(agent: Agent, env_id: str, kwargs: Mapping[str, Any], task_id: str, name: str) -> None:
    """The same seeds twice, and each seed alone."""

    def play(seeds: Sequence[int]) -> list[Episode]:
        with checking(f"{name} on {env_id}", "See hpo_gym.evaluation.agent.Agent"):
            return rollout(agent, env_id, kwargs, task_id, seeds, agent_name=name)

    together, again = play(SEEDS), play(SEEDS)
    for one, other in zip(together, again, strict=True):
        found = difference(one.actions, other.actions, "actions")
        require(
            not found,
            f"{name}, seed {one.seed}: the same episode twice differs at {found}. Draw from generators that "
            "start_episodes(seeds) makes",
        )
    alone = play(SEEDS[-1:])[0]
    in_batch = together[-1]
    same = len(alone.actions) == len(in_batch.actions) and np.allclose(alone.actions, in_batch.actions, atol=ROUNDING)
    require(
        same,
        f"{name}, seed {alone.seed}: the episode alone is not that beside others: "
        f"{difference(in_batch.actions, alone.actions, 'actions')}. Keep one generator and one state an episode",
    )


def check_no_repeats(agent: Agent, env: gym.Env, task_id: str, name: str) -> None:
    """Through an episode no action asks for what was already tried, as far as the infos tell."""
    start_episodes(agent, SEEDS[:1])
    observation, _ = env.reset(seed=0, options={"task_id": task_id} if task_id else None)
    state, is_over, trial = None, False, 0
    while not is_over:
        actions, state = agent.predict(_stack([observation]), state, np.array([trial == 0]), True)
        observation, _, terminated, truncated, info = env.step(np.asarray(actions)[0])
        require(
            not info.get("is_repeat", False),
            f"{name}, task {task_id!r}, trial {trial}: action {np.asarray(actions)[0]} was already tried. Heed "
            "observation['available'] (observe_pool=True) or the history, or pass may_repeat=True",
        )
        is_over, trial = terminated or truncated, trial + 1


def _training_tasks(env: Any, tasks: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(getattr(env, "splits", {}).get("train", tasks)) if hasattr(env, "task_ids") else ()


def _require_in_space(action: Any, space: gym.Space, where: str) -> None:
    array = np.asarray(action)
    inside = array.shape == (space.shape or ()) and space.contains(array.astype(space.dtype))
    require(inside, f"{where}: action {action!r} is not in {space}. Return an action of the environment's space")


def _stack(observations: Sequence[Any]) -> Any:
    if isinstance(observations[0], Mapping):
        return {name: np.stack([o[name] for o in observations]) for name in observations[0]}
    return np.stack(observations)
