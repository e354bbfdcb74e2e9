import json

import numpy as np
import pytest
from two_task_table import ENV_ID, write_table

from agents.grpo.algorithm import GRPO
from agents.grpoformer.architecture import GrpoformerArchitecture
from agents.grpoformer.lasting_incumbent import LastingIncumbentVecEnv
from agents.pretrained.loading import policy_builder
from agents.pretrained.shipped import SHIPPED
from agents.pretrained.weights import read_weights
from agents.training.preset import read_preset
from agents.training.train import train
from hpo_gym.evaluation.agent import AgentContext
from hpo_gym.integrations.stable_baselines3 import make_sb3_vec_env
from hpo_gym.testing import check_agent

SMALL = {
    "n_episodes": 8,
    "algorithm.policy_kwargs.dim": 16,
    "algorithm.policy_kwargs.n_layers": 1,
    "algorithm.policy_kwargs.n_heads": 2,
}


@pytest.fixture(name="table")
def _table(tmp_path):
    return write_table(tmp_path / "table")


@pytest.fixture(name="trained")
def _trained(table, tmp_path):
    preset = read_preset("grpoformer-scratch", ENV_ID, {**SMALL, "env.path": table["path"], "env.budget": 4})
    return train(preset, ENV_ID, out=tmp_path / "trained", progress=False, task_choice={"tasks": ["a"]})


def test_what_was_trained_acts_from_its_files_for_longer_than_it_was_trained(trained, table):
    builder = policy_builder(trained)
    context = AgentContext(
        env_id=ENV_ID, env_kwargs={"path": table["path"], "budget": 9, "action": "unit_cube"}, train_tasks=("a",)
    )
    agent = builder(context)
    env = make_sb3_vec_env(ENV_ID, 3, path=table["path"], budget=9, action="unit_cube", tasks=["b"])
    observation, tried = env.reset(), []
    agent.start_episodes([1, 2, 1])
    for _ in range(8):
        actions, _ = agent.predict(observation)
        observation, _, _, infos = env.step(actions)
        tried.append([info["configuration"] for info in infos])
    tried = np.array(tried).T
    assert all(len(set(row)) == 8 for row in tried.tolist())
    assert tried[0].tolist() == tried[2].tolist() != tried[1].tolist()  # each episode by its own seed


def test_it_passes_the_agent_checks(trained, table):
    check_agent(policy_builder(trained), ENV_ID, env_kwargs={"path": table["path"], "budget": 4})


def test_weights_of_other_sizes_are_told_from_what_the_environment_is(trained, table):
    layout = json.loads((trained / "policy.json").read_text())["architecture"]
    fits = GrpoformerArchitecture(**layout)
    env = make_sb3_vec_env(ENV_ID, 1, path=table["path"], action="unit_cube")
    spaces = env.observation_space, env.action_space
    assert fits.misfit(*spaces) == ""
    assert "3 hyperparameters" in GrpoformerArchitecture(**{**layout, "n_choices": (0, 0, 0)}).misfit(*spaces)
    assert "2 meta-features" in GrpoformerArchitecture(**{**layout, "n_meta_features": 2}).misfit(*spaces)
    assert "4 trials" in GrpoformerArchitecture(**{**layout, "encoder": "mlp"}).misfit(*spaces)
    rows = make_sb3_vec_env(ENV_ID, 1, path=table["path"])
    assert "unit cube" in fits.misfit(rows.observation_space, rows.action_space)


def test_a_width_that_heads_do_not_divide_is_refused():
    with pytest.raises(ValueError, match="no multiple"):
        GrpoformerArchitecture(
            n_choices=(0,), n_meta_features=0, encoder="transformer", dim=6, n_layers=1, n_heads=4, horizon=5
        )


def test_the_incumbent_of_a_training_lasts_over_its_episodes(table):
    env = LastingIncumbentVecEnv(
        make_sb3_vec_env(ENV_ID, 2, **{**table, "action": "index", "budget": 2, "tasks": ["a"]})
    )
    best, rewards, expected = 0.0, [], []
    env.reset()
    for row in range(4):
        _, reward, _, infos = env.step(np.array([row, row]))
        scores = np.array([info["score"] for info in infos])
        rewards.append(reward)
        expected.append(np.clip((scores - best) / (1 - best), -1, 1))
        best = max(best, scores.max())
    np.testing.assert_allclose(rewards, expected, rtol=1e-5)


def test_grpo_takes_the_policy_by_its_name():
    assert GRPO.policy_aliases["GrpoformerPolicy"].__name__ == "GrpoformerPolicy"


@pytest.mark.parametrize("table", ["hpobench-xgb", "lcbench"])
def test_weights_that_ship_say_what_they_were_trained_on_and_act(table):
    weights = read_weights(SHIPPED / f"grpoformer-{table}")
    described = weights.description
    assert described.provenance.agent == "grpoformer"
    assert described.provenance.train_tasks
    assert described.env_kwargs.action == "unit_cube"
    agent = described.architecture.agent(weights.tensors, context=AgentContext(env_id=ENV_ID), training_cost=None)
    d, horizon = len(described.architecture.n_choices), 3
    nothing_yet = {
        "configurations": np.zeros(horizon * d, np.float32),
        "scores": np.zeros(horizon, np.float32),
        "valid": np.zeros(horizon, np.int8),
    }
    point, _ = agent.predict(nothing_yet)
    assert point.shape == (d,)
    assert ((point >= 0) & (point <= 1)).all()
