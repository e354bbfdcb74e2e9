"""Stable-Baselines3 trains on in-run control through the adapter."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.vec_env import DummyVecEnv

import hpo_gym  # noqa: F401  registers the environments
from hpo_gym.integrations.stable_baselines3 import make_sb3_vec_env

QUADRATIC = "hpo_gym/InRunControl-NoisyQuadratic-v0"
MICRO = "hpo_gym/InRunControl-Micro-v0"
SHORT = {"n_updates": 12, "decision_every": 4}
PPO_SETTINGS = {"n_steps": 16, "batch_size": 16, "n_epochs": 1, "seed": 5, "policy_kwargs": {"net_arch": [8]}}
DQN_SETTINGS = {"learning_starts": 16, "buffer_size": 2000, "train_freq": 4, "seed": 2}


def same_parameters(one, other):
    pairs = zip(one.policy.state_dict().values(), other.policy.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def both(env_id, n, **kwargs):
    return make_sb3_vec_env(env_id, n, **kwargs), DummyVecEnv([lambda: gym.make(env_id, **kwargs) for _ in range(n)])


@pytest.mark.parametrize("action", ["shared", "per_optimizer"])
def test_ppo_ends_with_the_parameters_it_gets_through_dummy_vec_env(action):
    envs = both(QUADRATIC, 3, n_updates=60, action=action, observation=("progress", "loss"))
    assert same_parameters(*[PPO("MlpPolicy", env, **PPO_SETTINGS).learn(96) for env in envs])


def test_dqn_ends_with_the_parameters_it_gets_through_dummy_vec_env():
    envs = both(QUADRATIC, 3, n_updates=60, action="discrete")
    assert same_parameters(*[DQN("MlpPolicy", env, **DQN_SETTINGS).learn(120) for env in envs])


def test_dqn_learns_to_raise_the_learning_rate_in_a_few_hundred_steps():
    """Two decisions on expected losses: the best of 21 actions has a rate tens of times the base's."""
    kwargs = {"n_updates": 100, "decision_every": 50, "action": "discrete", "noise": "expected"}
    env = make_sb3_vec_env(QUADRATIC, 8, seed=0, **kwargs)
    policy = {"net_arch": [32]}
    settings = {"learning_rate": 3e-3, "learning_starts": 80, "train_freq": 1, "gradient_steps": 4, "gamma": 1.0}
    model = DQN("MlpPolicy", env, **settings, target_update_interval=50, seed=0, policy_kwargs=policy).learn(800)
    single = gym.make(QUADRATIC, **kwargs)
    observation, start = single.reset(seed=0)
    over = False
    while not over:
        observation, _, over, _, info = single.step(int(model.predict(observation, deterministic=True)[0]))
    assert info["final_loss"] < 0.2 * start["probe_loss"]  # controller off leaves 0.87 of it


def test_ppo_gets_better_on_a_vector_of_many_runs():
    env = make_sb3_vec_env(QUADRATIC, 64, seed=0, n_updates=100, decision_every=50)
    settings = {"n_steps": 4, "batch_size": 64, "n_epochs": 4, "learning_rate": 3e-3, "gamma": 1.0, "seed": 0}
    model = PPO("MlpPolicy", env, **settings, policy_kwargs={"net_arch": [16]}).learn(64 * 4 * 12)
    judge = gym.make_vec(QUADRATIC, num_envs=200, n_updates=100, decision_every=50, split="test")
    losses = {}
    for name in ("off", "learned"):
        observations, _ = judge.reset(seed=0)
        for _ in range(2):
            actions = model.predict(observations, deterministic=True)[0]
            observations, *_, infos = judge.step(actions if name == "learned" else np.zeros_like(actions))
        losses[name] = infos["final_loss"].mean()
    assert losses["learned"] < 0.5 * losses["off"]


@pytest.mark.parametrize("algorithm", ["PPO", "DQN"])
def test_both_train_on_a_transformer(algorithm):
    kwargs = {**SHORT, "action": "discrete" if algorithm == "DQN" else "shared"}
    env = make_sb3_vec_env(MICRO, 2, seed=0, **kwargs)
    if algorithm == "PPO":
        model = PPO("MlpPolicy", env, n_steps=3, batch_size=6, n_epochs=1, seed=0).learn(6)
    else:
        model = DQN("MlpPolicy", env, learning_starts=2, buffer_size=100, train_freq=1, seed=0).learn(6)
    assert model.num_timesteps == 6
    assert all(torch.isfinite(p).all() for p in model.policy.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("action", ["shared", "discrete"])
def test_a_group_of_transformers_plays_what_they_play_one_by_one(action):
    kwargs = {"action": action, "observation": ["progress", "loss", "grad_norm"]}
    group = gym.make_vec(MICRO, num_envs=2, autoreset_mode=AutoresetMode.DISABLED, **kwargs)
    group.reset(seed=3)
    group.action_space.seed(0)
    singles = [gym.make(MICRO, **kwargs) for _ in range(2)]
    for i, env in enumerate(singles):
        env.reset(seed=3 + i)
    for _ in range(group.unwrapped.n_decisions):
        actions = group.action_space.sample()
        observations, rewards, *_ = group.step(actions)
        for i, env in enumerate(singles):
            observation, reward, *_ = env.step(actions[i])
            assert reward == rewards[i]
            np.testing.assert_array_equal(observation, observations[i])
