import random

import gymnasium as gym
import numpy as np
import pytest
import torch

import hpo_gym  # noqa: F401 - registers
from agents.pretrained.loading import load_policy
from agents.pretrained.weights import read_weights
from agents.sb3.actions import draw_shortlist
from agents.sb3.models import make_model
from agents.sb3.training import reproducible_training
from agents.training.preset import read_preset
from agents.training.train import POLICY, train
from hpo_gym.evaluation.agent import AgentContext
from hpo_gym.integrations.stable_baselines3 import make_sb3_vec_env
from hpo_gym.testing import check_agent

MLP = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"
QUADRATIC = "hpo_gym/InRunControl-NoisyQuadratic-v0"
TRAIN_TASKS = ("credit-g", "car")
SMALL = {
    "sb3-ppo": {"algorithm.n_steps": 32, "algorithm.n_epochs": 1},
    "sb3-dqn": {"n_rows": 8, "algorithm.learning_starts": 100, "algorithm.buffer_size": 500},
    "sb3-maskable-ppo": {"n_rows": 8, "algorithm.n_steps": 32, "algorithm.n_epochs": 1},
}
CHOOSERS = pytest.mark.parametrize("agent", ["sb3-dqn", "sb3-maskable-ppo"])


def small_preset(agent, env_id=MLP):
    overrides = {"env.budget": 6, **SMALL[agent]} if env_id == MLP else {}
    return read_preset(agent, env_id, {"n_episodes": 40, "n_envs": 8, **overrides})


def trained(agent, folder):
    preset = small_preset(agent)
    train(preset, MLP, out=folder, task_choice={"tasks": list(TRAIN_TASKS)}, progress=False)
    context = AgentContext(env_id=MLP, env_kwargs=preset.env, train_tasks=TRAIN_TASKS)
    return load_policy(read_weights(folder / POLICY), context, agent), preset


@pytest.mark.parametrize("agent", SMALL)
def test_what_a_preset_trains_on_some_tasks_keeps_the_protocol_on_unseen_ones(agent, tmp_path):
    policy, preset = trained(agent, tmp_path / "run")
    kwargs = {**preset.env, "split": "test"}
    check_agent(lambda context: policy, MLP, env_kwargs=kwargs, train_tasks=TRAIN_TASKS)


@CHOOSERS
def test_choosing_heeds_what_is_available(agent, tmp_path):
    policy, preset = trained(agent, tmp_path / "run")
    env = gym.make(MLP, **preset.env)
    observation, _ = env.reset(seed=0)
    chosen = []
    for _ in range(6):
        action, _ = policy.predict(observation, deterministic=True)
        observation, _, _, _, info = env.step(action)
        assert not info["is_repeat"]
        chosen.append(int(action))
    assert len(set(chosen)) == 6
    assert set(chosen) <= set(policy.rows.tolist())


def test_a_policy_of_points_starts_in_the_middle_of_the_cube():
    model = make_model(small_preset("sb3-ppo"), make_sb3_vec_env(MLP, 8, action="unit_cube"), seed=0)
    observations, _ = model.policy.obs_to_tensor(model.env.reset())
    gaussian = model.policy.get_distribution(observations).distribution
    np.testing.assert_allclose(gaussian.mean.detach(), 0.5, atol=0.05)
    assert gaussian.stddev.max() < 0.5


def test_a_policy_of_scales_starts_at_the_recipe_as_it_is():
    model = make_model(small_preset("sb3-ppo", QUADRATIC), make_sb3_vec_env(QUADRATIC, 8), seed=0)
    observations, _ = model.policy.obs_to_tensor(model.env.reset())
    np.testing.assert_allclose(model.policy.get_distribution(observations).distribution.mean.detach(), 0.0, atol=0.05)


@CHOOSERS
def test_a_shortlist_is_what_the_model_chooses_from_and_its_masks_are_those_of_the_rows(agent):
    env = make_sb3_vec_env(MLP, 2, action="index")
    model = make_model(small_preset(agent), env, seed=3)
    assert model.action_space.n == 8
    model.env.reset()
    model.env.step(np.array([0, 5]))
    masks = model.env.env_method("action_masks")
    assert [mask.tolist() for mask in masks] == [[i != 0 for i in range(8)], [i != 5 for i in range(8)]]


def test_a_pool_of_thirty_thousand_is_cut_to_a_shortlist_and_a_small_one_is_kept_whole():
    rows = draw_shortlist(gym.spaces.Discrete(30_000), 2_048, np.random.default_rng(0))
    assert len(np.unique(rows)) == 2_048
    assert draw_shortlist(gym.spaces.Discrete(288), 2_048, np.random.default_rng(0)).tolist() == list(range(288))
    with pytest.raises(ValueError, match="action='index'"):
        draw_shortlist(gym.spaces.Box(0, 1, (2,)), 10, np.random.default_rng(0))


def test_training_leaves_the_global_generators_and_threads_as_they_were():
    before = random.getstate(), repr(np.random.get_state()), torch.get_rng_state()  # noqa: NPY002 - SB3 seeds it
    n_threads = torch.get_num_threads()
    with reproducible_training():
        assert torch.get_num_threads() == 1
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002
        torch.manual_seed(1)
    after = random.getstate(), repr(np.random.get_state()), torch.get_rng_state()  # noqa: NPY002
    assert before[:2] == after[:2]
    assert torch.equal(before[2], after[2])
    assert torch.get_num_threads() == n_threads
