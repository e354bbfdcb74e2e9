"""Several tables in turn, as one vector environment of Stable-Baselines3."""

import gymnasium as gym
import numpy as np
import pytest
from search_table import ENV_ID, grid, write_table

from agents.folds import training_tasks
from agents.searcher import training_env
from agents.searcher.candidates import N_CANDIDATES
from agents.searcher.table_groups import TableGroups
from agents.searcher.training_env import CandidatesVecEnv, training_tables
from hpo_gym.integrations.stable_baselines3 import make_sb3_vec_env

MLP = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"
XGB = "hpo_gym/ConfigSelection-HPOBenchXGB-v0"
N_MEMBERS = 4


def table_of(folder, tasks, side):
    rng = np.random.default_rng(side)
    return write_table(folder, {task: rng.random(side**2) for task in tasks}, grid(side))


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Two tables of other tasks and sizes."""
    folder = tmp_path_factory.mktemp("two_tables")
    return [table_of(folder / name, tasks, side) for name, tasks, side in (("first", "abcd", 4), ("second", "xyz", 3))]


@pytest.fixture
def env(tables):
    made = [make_sb3_vec_env(ENV_ID, N_MEMBERS, **{**table, "budget": 3}) for table in tables]
    return CandidatesVecEnv([TableGroups(each, group_size=2, n_rows=100) for each in made])


def begin(env, seed):
    env._seeds = [seed] * N_MEMBERS
    return env.reset()


def test_observations_and_actions_are_of_the_spaces(env):
    observation = begin(env, 0)
    for _ in range(3):
        for member in range(N_MEMBERS):
            assert env.observation_space.contains({name: values[member] for name, values in observation.items()})
        observation, rewards, dones, _ = env.step(np.zeros(N_MEMBERS, np.int64))
        assert rewards.dtype == np.float32
    assert env.action_space.n == N_CANDIDATES
    assert dones.all()


def test_the_first_seed_draws_the_table(env):
    played = []
    for seed in range(12):
        begin(env, seed)
        played.append(env.get_attr("task_ids")[0])
        again = begin(env, seed)
        np.testing.assert_array_equal(again["features"], begin(env, seed)["features"])
        assert env.get_attr("task_ids")[0] == played[-1]
    assert set(played) == {tuple("abcd"), tuple("xyz")}


def test_after_the_end_members_stand_still_until_the_next_reset(env):
    begin(env, 1)
    for _ in range(3):
        observation, _, dones, infos = env.step(np.zeros(N_MEMBERS, np.int64))
    assert dones.all()
    for member, info in enumerate(infos):
        np.testing.assert_array_equal(info["terminal_observation"]["trials"], observation["trials"][member])
    for _ in range(2):
        still, rewards, dones, infos = env.step(np.ones(N_MEMBERS, np.int64))
        np.testing.assert_array_equal(still["trials"], observation["trials"])
        assert not rewards.any()
        assert dones.all()
        assert infos == [{}] * N_MEMBERS
    begin(env, 1)
    assert not env.step(np.zeros(N_MEMBERS, np.int64))[2].any()


def test_seeds_are_used_up_by_a_reset(env):
    begin(env, 1)
    assert env._seeds == [None] * N_MEMBERS
    assert env.reset()["features"].shape[0] == N_MEMBERS


def test_attributes_are_of_the_table_that_is_played(env):
    begin(env, 0)
    assert env.get_attr("budget") == [3] * N_MEMBERS
    assert env.env_is_wrapped(gym.Wrapper) == [False] * N_MEMBERS
    env.close()


def test_the_tasks_of_the_tables_after_the_first_are_told(tables):
    venv = make_sb3_vec_env(ENV_ID, 2, **{**tables[0], "budget": 3})
    env = training_tables(venv, [ENV_ID, MLP], group_size=2, n_rows=30)
    assert env.tasks_beside == {MLP: training_tasks(MLP, 0)}
    assert [table.horizon for table in env.tables] == [3, 3]


@pytest.mark.parametrize("fold", [0, 2])
def test_a_table_beside_leaves_out_the_fold_that_the_first_leaves_out(fold):
    tasks = list(training_tasks(MLP, fold))
    try:
        expected = training_tasks(XGB, fold)
    except FileNotFoundError as error:
        pytest.skip(f"the table is not here: {error}")
    venv = make_sb3_vec_env(MLP, 2, tasks=tasks, budget=3)
    env = training_tables(venv, [MLP, XGB], group_size=2, n_rows=30)
    assert env.tasks_beside == {XGB: expected}


def test_a_table_whose_data_is_not_here_is_left_out(tables, monkeypatch):
    def absent(env_id, fold):
        raise FileNotFoundError(env_id)

    venv = make_sb3_vec_env(ENV_ID, 2, **{**tables[0], "budget": 3})
    monkeypatch.setattr(training_env, "training_tasks", absent)
    assert training_tables(venv, [MLP, XGB], group_size=2, n_rows=30).tasks_beside == {}
