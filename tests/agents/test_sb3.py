import random
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
import torch

import hpo_gym  # noqa: F401 - registers
from agents.sb3 import dqn, maskable_ppo, ppo
from agents.sb3.training import draw_shortlist, reproducible_training
from hpo_gym.evaluation.agent import AgentContext, required_env_kwargs
from hpo_gym.testing import check_agent

MLP = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"
SMALL = {"n_training_steps": 512, "n_envs": 8, "hidden": (16,)}
PPO = ppo.PpoSettings(n_steps=32, **SMALL)
DQN = dqn.DqnSettings(n_rows=256, learning_starts=100, **SMALL)
MASKABLE_PPO = maskable_ppo.MaskablePpoSettings(n_rows=256, n_steps=32, **SMALL)
ALGORITHMS = pytest.mark.parametrize(
    ("module", "settings"), [(ppo, PPO), (dqn, DQN), (maskable_ppo, MASKABLE_PPO)], ids=["ppo", "dqn", "maskable-ppo"]
)


def context_of(builder, **kwargs):
    options = {"budget": 6, **required_env_kwargs(builder), **kwargs}
    return AgentContext(env_id=MLP, env_kwargs=options, train_tasks=("credit-g", "car"), seed=3)


@ALGORITHMS
def test_a_trained_agent_keeps_the_protocol_on_unseen_tasks(module, settings):
    check_agent(
        module.builder(settings), MLP, env_kwargs={"budget": 6, "split": "test"}, train_tasks=("credit-g", "car")
    )


@ALGORITHMS
def test_the_same_context_trains_the_same_agent_and_leaves_the_global_generators_alone(module, settings):
    builder = module.builder(replace(settings, n_training_steps=256))
    context = context_of(builder)
    before = random.getstate(), repr(np.random.get_state()), torch.get_rng_state()  # noqa: NPY002 - SB3 seeds it
    models = [builder(context).model, builder(replace(context)).model]
    after = random.getstate(), repr(np.random.get_state()), torch.get_rng_state()  # noqa: NPY002
    assert before[:2] == after[:2]
    assert torch.equal(before[2], after[2])
    mine, theirs = (model.policy.state_dict() for model in models)
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    other = builder(replace(context, seed=4)).model.policy.state_dict()
    assert not all(torch.equal(mine[name], other[name]) for name in mine)


@ALGORITHMS
def test_only_training_tasks_are_played_in_training(module, settings, monkeypatch):
    seen = []
    original = AgentContext.make_training_env

    def spy(self, num_envs=None, **overrides):
        env = original(self, num_envs, **overrides)
        seen.append(env.unwrapped.task_ids)
        return env

    monkeypatch.setattr(AgentContext, "make_training_env", spy)
    builder = module.builder(replace(settings, n_training_steps=256))
    builder(context_of(builder))
    assert seen == [("credit-g", "car")]


def test_sampled_episodes_depend_on_their_own_seed_only():
    builder = ppo.builder(replace(PPO, n_training_steps=256))
    context = context_of(builder)
    agent = builder(context)
    observation, _ = gym.make_vec(MLP, 3, vectorization_mode="vector_entry_point", **context.env_kwargs).reset(seed=0)
    agent.start_episodes([5, 6, 7])
    together, _ = agent.predict(observation, deterministic=False)
    agent.start_episodes([6])
    alone, _ = agent.predict({name: part[1:2] for name, part in observation.items()}, deterministic=False)
    np.testing.assert_allclose(alone[0], together[1], atol=1e-6)
    assert not np.allclose(together[0], together[1])
    with pytest.raises(ValueError, match="start_episodes was told of 1"):
        agent.predict(observation, deterministic=False)


def test_a_pool_of_thirty_thousand_is_cut_to_a_shortlist_and_nothing_is_tried_twice():
    rows = draw_shortlist(gym.spaces.Discrete(30_000), 2_048, np.random.default_rng(0))
    assert len(np.unique(rows)) == 2_048
    assert draw_shortlist(gym.spaces.Discrete(288), 2_048, np.random.default_rng(0)).tolist() == list(range(288))
    with pytest.raises(ValueError, match="action='index'"):
        draw_shortlist(gym.spaces.Box(0, 1, (2,)), 10, np.random.default_rng(0))


@pytest.mark.parametrize(("module", "settings"), [(dqn, DQN), (maskable_ppo, MASKABLE_PPO)])
def test_choosing_heeds_what_is_available(module, settings):
    builder = module.builder(replace(settings, n_training_steps=256, n_rows=8))
    agent = builder(context_of(builder))
    env = gym.make(MLP, **context_of(builder).env_kwargs)
    observation, _ = env.reset(seed=0)
    chosen = []
    for _ in range(6):
        action, _ = agent.predict(observation, deterministic=True)
        observation, _, _, _, info = env.step(action)
        assert not info["is_repeat"]
        chosen.append(action)
    assert len(set(chosen)) == 6
    assert set(chosen) <= set(agent.rows)


def test_threads_are_given_back_after_training():
    before = torch.get_num_threads()
    with reproducible_training():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
