"""Hyp-RL's searches go through the tasks in turn, and tell what was tried where repeats are masked."""

import gymnasium as gym
import numpy as np
import pytest
from search_table import ENV_ID, grid, write_table
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor

from agents.hyprl.rounds import RoundRobinVecEnv
from hpo_gym.integrations.stable_baselines3 import make_sb3_vec_env

TASKS = ("a", "b", "c")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    scores = {task: np.arange(16) + 100.0 * i for i, task in enumerate(TASKS)}
    return {**write_table(tmp_path_factory.mktemp("rounds"), scores, grid(4)), "budget": 3}


def rounds(table, n_envs=1, **options):
    return RoundRobinVecEnv(VecMonitor(make_sb3_vec_env(ENV_ID, n_envs, **{**table, **options})))


def play(env, actions):
    """Observations, and infos, of one action after the other."""
    return zip(*[(obs, infos[0]) for obs, _, _, infos in (env.step(np.array([a])) for a in actions)], strict=True)


def test_every_episode_is_on_the_next_task(table):
    env = rounds(table)
    env.reset()
    tasks = []
    for action in range(12):
        tasks.append(env.reset_infos[0]["task_id"])
        env.step(np.array([action]))
    assert tasks == [task for task in "abca" for _ in range(3)]
    env.reset()
    assert env.reset_infos[0]["task_id"] == "a"


def test_a_repeat_ends_the_search_where_that_is_the_rule_and_nothing_tells_what_was_tried(table):
    env = rounds(table, repeat="end")
    assert "indices" not in env.reset()
    observations, infos = play(env, [5, 5])
    assert observations[0]["scores"][0].tolist() == [5.0, 0.0, 0.0]
    assert infos[1]["terminal_observation"]["scores"].tolist() == [5.0, 0.0, 0.0]
    assert observations[1]["valid"].sum() == 0
    assert (infos[1]["episode"]["l"], env.reset_infos[0]["task_id"]) == (2, "b")


def test_where_repeats_are_masked_the_rows_tried_are_shown(table):
    env = rounds(table, repeat="mask")
    assert env.reset()["indices"].tolist() == [[-1, -1, -1]]
    observations, infos = play(env, [5, 9, 2])
    assert [obs["indices"][0].tolist() for obs in observations] == [[5, -1, -1], [5, 9, -1], [-1, -1, -1]]
    assert infos[2]["terminal_observation"]["indices"].tolist() == [5, 9, 2]
    assert all(env.observation_space.contains({n: part[0] for n, part in obs.items()}) for obs in observations)


def test_the_pool_is_kept_out_of_the_buffer(table):
    env = rounds(table, observe_pool=True)
    assert set(env.reset()) == set(env.observation_space.spaces) == {"configurations", "scores", "valid", "indices"}


def test_a_single_environment_of_gymnasium_will_do(table):
    env = RoundRobinVecEnv(DummyVecEnv([lambda: gym.make(ENV_ID, repeat="end", **table)]))
    env.reset()
    for action in range(3):
        env.step(np.array([action]))
    assert env.reset_infos[0]["task_id"] == "b"


def test_several_environments_take_the_next_task_each_as_their_episodes_end(table):
    env = rounds(table, 3, repeat="end")
    env.reset()
    assert [info["task_id"] for info in env.reset_infos] == ["a", "b", "c"]
    env.step(np.array([1, 2, 3]))
    observations, _, dones, infos = env.step(np.array([1, 7, 3]))
    assert dones.tolist() == [True, False, True]
    assert [info["task_id"] for info in env.reset_infos] == ["a", "b", "b"]
    assert observations["scores"].tolist() == [[0.0] * 3, [102.0, 107.0, 0.0], [0.0] * 3]
    observations, _, dones, infos = env.step(np.array([4, 8, 6]))
    assert observations["scores"].tolist() == [[4.0, 0.0, 0.0], [0.0] * 3, [106.0, 0.0, 0.0]]
    assert infos[1]["terminal_observation"]["scores"].tolist() == [102.0, 107.0, 108.0]
    assert (infos[1]["episode"]["l"], infos[1]["episode"]["r"]) == (3, 2.0 / 15 + 5.0 / 15 + 1.0 / 15)


def test_actions_other_than_rows_are_refused(table):
    with pytest.raises(ValueError, match="it needs action='index'"):
        rounds(table, action="unit_cube")
