"""The environments that an agent is trained in."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import gymnasium as gym
from stable_baselines3.common.vec_env import VecEnv, VecMonitor

from agents.training.algorithms import parameters_of, plays_groups, wrapper_of
from agents.training.preset import Preset, PresetError
from hpo_gym.evaluation.errors import why_not_made
from hpo_gym.integrations.stable_baselines3 import make_sb3_vec_env

VecEnvMaker = Callable[..., VecEnv]
"""As `make_sb3_vec_env`: of an id, the number of members and options. What an agent is trained to must not
depend on it."""


@contextmanager
def training_env(
    preset: Preset, env_id: str, env_kwargs: Mapping[str, Any], make_vec_env: VecEnvMaker = make_sb3_vec_env
) -> Iterator[tuple[VecEnv, int]]:
    """Environments side by side, and the steps of an episode that does not end early.

    Args:
        preset: what is trained.
        env_id: in what.
        env_kwargs: all options, with the choice of tasks or run seeds.
        make_vec_env: where the environments are.

    Raises:
        PresetError: the environment does not take the options.
    """
    kwargs = dict(env_kwargs)
    has_wrapper = wrapper_of(preset.algorithm, preset.policy) is not None
    if "observe_pool" in kwargs and not has_wrapper:  # acting needs it; buffers would hold a copy of the pool a step
        kwargs["observe_pool"] = False
    single = _made(preset, env_id, kwargs)
    steps_per_episode = int(getattr(single, "n_decisions", 0) or single.budget)
    env = make_vec_env(env_id, _n_envs(preset, getattr(single, "preferred_members", None)), **kwargs)
    if not plays_groups(preset.algorithm):
        env = VecMonitor(env)
    try:
        yield env, steps_per_episode
    finally:
        env.close()


def _made(preset: Preset, env_id: str, kwargs: Mapping[str, Any]) -> Any:
    try:
        env = gym.make(env_id, **kwargs)
    except (TypeError, ValueError, KeyError, gym.error.Error) as error:
        raise PresetError(f"preset {preset.agent!r}, env: {why_not_made(error)}") from error
    env.close()
    return env.unwrapped


def _n_envs(preset: Preset, at_most: int | None) -> int:
    """As the preset says; else one, or GRPO's whole update in as few waves as the environment likes."""
    if not plays_groups(preset.algorithm):
        return preset.n_envs or 1
    settings = {**parameters_of(preset.algorithm), **preset.settings}
    n_episodes = settings["group_size"] * settings["n_groups"]
    divisors = [n for n in range(1, n_episodes + 1) if n_episodes % n == 0]
    if preset.n_envs is None:
        return max(n for n in divisors if n <= (at_most or n_episodes))
    if preset.n_envs not in divisors:
        raise PresetError(
            f"preset {preset.agent!r}: n_envs = {preset.n_envs} is no divisor of the {n_episodes} episodes of an update"
        )
    return preset.n_envs
