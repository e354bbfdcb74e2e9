"""Hyp-RL learns by double Q-learning, and never tries again what it must not."""

from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pytest
import torch
from search_table import ENV_ID, grid, write_table

from agents.hyprl.algorithm import HypRL
from hpo_gym.data.errors import DataError
from hpo_gym.integrations.stable_baselines3 import make_sb3_vec_env

QUICK = {"buffer_size": 500, "learning_starts": 20, "train_freq": 4, "target_update_interval": 20}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """One configuration, (0, 0.25), is best of 25 on both tasks."""
    scores = np.full(25, 0.1)
    scores[1] = 0.9
    return {**write_table(tmp_path_factory.mktemp("learner"), {"a": scores, "b": scores}, grid(5)), "budget": 4}


def model_of(table, n_envs=1, repeat="mask", **settings):
    env = make_sb3_vec_env(ENV_ID, n_envs, repeat=repeat, **table)
    return HypRL("HypRLPolicy", env, seed=0, **{**QUICK, **settings})


def test_the_network_chooses_and_the_target_network_values():
    network = SimpleNamespace(best_of=lambda features, tried: torch.tensor([2, 0]))
    target = SimpleNamespace(
        history=lambda observation: None,
        values_of=lambda features, actions: torch.tensor([[5.0, 6.0, 7.0], [8.0, 9.0, 1.0]])[[0, 1], actions],
    )
    model = SimpleNamespace(policy=SimpleNamespace(q_net=network, q_net_target=target), gamma=0.5)
    batch = SimpleNamespace(
        rewards=torch.tensor([[1.0], [2.0]]), dones=torch.tensor([[0.0], [1.0]]), discounts=None, next_observations={}
    )
    assert HypRL._targets(model, batch, torch.zeros(2, 32)).tolist() == [1 + 0.5 * 7, 2.0]


def test_the_loss_is_that_of_separate_passes_over_both_observations(table):
    model = model_of(table, 2)
    model.learn(60)
    batch = model.replay_buffer.sample(16)
    network, target = model.q_net, model.q_net_target
    values = network(batch.observations).gather(1, batch.actions)[:, 0]
    with torch.no_grad():
        actions = network.best_actions(batch.next_observations)[:, None]
        after = target(batch.next_observations).gather(1, actions)[:, 0]
    goals = batch.rewards[:, 0] + (1 - batch.dones[:, 0]) * 0.99 * after
    torch.testing.assert_close(model._loss(batch), torch.nn.functional.smooth_l1_loss(values, goals))


@pytest.mark.parametrize("exploration", [1.0, 0.0])
def test_what_was_tried_is_not_tried_again_neither_exploring_nor_greedily(exploration, table):
    model = model_of(table, 3, exploration_initial_eps=exploration, exploration_final_eps=exploration)
    model.learn(90)
    buffer = model.replay_buffer
    n = buffer.pos
    tried = buffer.observations["indices"][:n].reshape(-1, 4)
    assert not (tried == buffer.actions[:n].reshape(-1, 1)).any()
    rows = buffer.next_observations["indices"][:n].reshape(-1, 4)
    assert all(len(set(row[row >= 0])) == (row >= 0).sum() for row in rows)


def test_where_repeats_end_a_search_they_happen(table):
    model = model_of(table, repeat="end", exploration_initial_eps=1.0, exploration_final_eps=1.0, train_freq=100)
    model.learn(200)
    assert "indices" not in model.replay_buffer.observations
    assert 0 < model.replay_buffer.dones[:200].sum() - 200 // 4 < 60


def test_it_finds_the_best_configuration_of_a_small_table(table):
    model = model_of(table, 4, train_freq=1, exploration_fraction=0.5)
    model.learn(320)
    actions, _ = model.predict(model.env.reset(), deterministic=True)
    assert actions.tolist() == [1, 1, 1, 1]


def test_meta_features_are_standardised_by_the_training_tasks_in_both_networks():
    task_ids = ("A9A", "W8A", "automobile")
    try:
        env = gym.make("hpo_gym/ConfigSelection-TSTSVM-v0", tasks=task_ids, repeat="end", budget=3)
    except DataError as error:
        pytest.skip(f"needs a table that has meta-features: {error}")
    rows = np.stack([env.unwrapped.evaluations(task_id).meta_features for task_id in task_ids])
    model = HypRL("HypRLPolicy", env, seed=0, **QUICK)
    for network in (model.q_net, model.q_net_target):
        np.testing.assert_allclose(network.history.meta_mean, rows.mean(axis=0), rtol=1e-5)


def test_the_same_seed_gives_the_same_weights(table):
    first, second = (model_of(table, 2).learn(80).policy.state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
