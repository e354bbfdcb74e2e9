import pickle

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from hypothesis import given, settings
from hypothesis import strategies as st

import hpo_gym  # noqa: F401  registers the environments
from hpo_gym.envs.config_selection import ConfigSelectionEnv
from hpo_gym.envs.config_selection_vector import ConfigSelectionVectorEnv

VARIANTS = [
    {"table": "tiny"},
    {"table": "tiny", "observe_pool": True, "repeat": "end", "reward": "hyprl_released"},
    {"table": "tiny", "repeat": "allow", "reward": "grpoformer"},
    {"table": "tiny", "action": "unit_cube", "reward": "regret"},
    {"table": "tiny-missing", "observe_pool": True},
    {"table": "tiny-own-pools", "observe_pool": True},
    {"table": "tiny-replicates", "replicate": "random"},
    {"table": "tiny-epochs", "fidelity": "action", "observe_pool": True, "reward": "score"},
    {"table": "tiny-epochs", "fidelity": "action", "repeat": "end"},
]


def assert_same(one, other, where=""):
    """The same nested dicts of arrays, to the bit and the type."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), (where, one.keys() ^ other.keys())
        for key in one:
            assert_same(one[key], other[key], f"{where}/{key}")
    elif isinstance(one, np.ndarray) and one.dtype == object:
        assert one.shape == other.shape
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_same(a, b, f"{where}[{i}]")
    else:
        assert np.asarray(one).dtype == np.asarray(other).dtype, (where, one, other)
        np.testing.assert_array_equal(one, other, err_msg=where)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_the_vector_env_gives_what_single_envs_side_by_side_give(options, mode):
    options = {"budget": 4, **options}
    native = ConfigSelectionVectorEnv(3, autoreset_mode=mode, **options)
    reference = SyncVectorEnv([lambda: ConfigSelectionEnv(**options)] * 3, autoreset_mode=mode)
    native.action_space.seed(0)
    assert native.observation_space == reference.observation_space
    assert native.action_space == reference.action_space
    assert_same(dict(enumerate(native.reset(seed=5))), dict(enumerate(reference.reset(seed=5))))
    for step in range(40):
        actions = native.action_space.sample()
        assert_same(dict(enumerate(native.step(actions))), dict(enumerate(reference.step(actions))), f"step {step}")


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(0, 2**32 - 1), st.lists(st.integers(0, 11), min_size=1, max_size=30))
def test_no_member_depends_on_its_neighbours(n, seed, rows):
    options = {"table": "tiny", "budget": 5, "repeat": "end"}
    group = ConfigSelectionVectorEnv(n, **options)
    alone = ConfigSelectionVectorEnv(1, **options)
    group.reset(seed=seed)
    alone.reset(seed=seed + n - 1)
    for t, row in enumerate(rows):
        actions = [(row + i * t) % 12 for i in range(n)]
        observations, rewards, *_ = group.step(np.array(actions))
        own, reward, *_ = alone.step(np.array(actions[-1:]))
        assert rewards[-1] == reward[0]
        assert all(np.array_equal(observations[name][-1], own[name][0]) for name in own)


def test_a_disabled_autoreset_leaves_finished_members_standing_until_the_mask_resets_them():
    env = ConfigSelectionVectorEnv(2, "tiny", budget=3, repeat="end", autoreset_mode="Disabled")
    env.reset(seed=0)
    env.step(np.array([4, 4]))
    observations, _, terminated, _, _ = env.step(np.array([4, 5]))
    assert terminated.tolist() == [True, False]
    before = observations["scores"][0].copy()
    observations, rewards, terminated, _, infos = env.step(np.array([7, 6]))
    assert terminated.tolist() == [True, True]
    np.testing.assert_array_equal(observations["scores"][0], before)
    assert rewards[0] == 0
    assert infos["_score"].tolist() == [False, True]
    _, infos = env.reset(options={"reset_mask": np.array([True, False])})
    assert infos["_task_id"].tolist() == [True, False]
    observations, _, terminated, _, _ = env.step(np.array([1, 2]))
    assert terminated.tolist() == [False, True]
    assert observations["valid"].sum(axis=1).tolist() == [1, 3]


def test_observations_that_were_handed_out_stay_as_they_were():
    env = ConfigSelectionVectorEnv(2, "tiny", budget=3, observe_pool=True)
    first, _ = env.reset(seed=0)
    kept = {name: array.copy() for name, array in first.items()}
    for _ in range(5):
        env.step(np.array([1, 2]))
    assert_same(first, kept)


@pytest.mark.parametrize("table", ["tiny", "tiny-own-pools"])
def test_a_pickled_group_goes_on_as_the_original_does(table):
    env = ConfigSelectionVectorEnv(3, table, budget=4, observe_pool=True)
    env.reset(seed=5)
    env.step([0, 1, 2])
    twin = pickle.loads(pickle.dumps(env))
    for row in range(12):
        one, other = env.step([row % 5] * 3), twin.step([row % 5] * 3)
        assert_same(dict(enumerate(one)), dict(enumerate(other)))
        assert not one[0]["pool"].flags.writeable
        assert not other[0]["pool"].flags.writeable


def test_live_buffers_hold_what_copies_hold():
    copies = ConfigSelectionVectorEnv(2, "tiny", budget=3, observe_pool=True)
    live = ConfigSelectionVectorEnv(2, "tiny", budget=3, observe_pool=True, copy=False)
    assert_same(copies.reset(seed=0)[0], live.reset(seed=0)[0])
    for row in range(8):
        assert_same(copies.step(np.array([row, 3]))[0], live.step(np.array([row, 3]))[0])


def test_each_member_can_be_given_its_own_seed_and_task():
    env = ConfigSelectionVectorEnv(3, "tiny")
    _, infos = env.reset(seed=[3, 1, 2], options={"task_id": ["c", "a", "b"]})
    assert infos["task_id"].tolist() == ["c", "a", "b"]
    _, infos = env.reset(options={"task_id": "b"})
    assert infos["task_id"].tolist() == ["b", "b", "b"]


def test_an_unknown_task_leaves_every_search_as_it_was():
    env, untouched = (ConfigSelectionVectorEnv(2, "tiny-own-pools", budget=4) for _ in range(2))
    for each in (env, untouched):
        each.reset(seed=0, options={"task_id": ["a", "b"]})
    for wrong in (["c", "z"], 31):
        with pytest.raises(KeyError, match="is not in this environment; there are a, b, c"):
            env.reset(options={"task_id": wrong})
    for row in range(4):
        assert_same(dict(enumerate(env.step([row, row]))), dict(enumerate(untouched.step([row, row]))))
    assert env.task_ids == untouched.task_ids


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda env: env.reset(seed=[1]), "1 seeds for 2 members"),
        (lambda env: env.reset(options={"task_id": ["a"]}), "1 entries for 2 members"),
        (lambda env: env.reset(options={"reset_mask": [True, False]}), "boolean array of shape"),
        (lambda env: env.reset(options={"reset_mask": np.array([True, False])}), "must reset every member"),
        (lambda env: (env.reset(), env.step([0])), "2 whole numbers are needed"),
        (lambda env: (env.reset(), env.step([0.0, 1.5])), "2 whole numbers are needed"),
        (lambda _: ConfigSelectionVectorEnv(2, "tiny", max_episode_steps=3), "use budget="),
        (lambda env: (env.reset(), env.step([0, 12])), "action 12.*0 to 11"),
    ],
)
def test_bad_calls_name_what_is_wrong(call, message):
    env = ConfigSelectionVectorEnv(2, "tiny")
    with pytest.raises(ValueError, match=message):
        call(env)


def test_stepping_before_reset_asks_for_it():
    with pytest.raises(gym.error.ResetNeeded):
        ConfigSelectionVectorEnv(2, "tiny").step([0, 1])


def test_make_vec_gives_the_native_env_with_any_autoreset_mode():
    for mode in AutoresetMode:
        env = gym.make_vec("hpo_gym/ConfigSelection-HPOBenchMLP-v0", num_envs=2, autoreset_mode=mode)
        assert isinstance(env, ConfigSelectionVectorEnv)
        assert env.metadata["autoreset_mode"] is mode
        env.close()
        env.close()


def test_every_member_is_drawn(tiny_tables):
    env = ConfigSelectionVectorEnv(2, "tiny", budget=3, render_mode="ansi")
    env.reset(seed=0)
    env.step(np.array([1, 2]))
    lines = env.render()
    assert len(lines) == 2
    single = ConfigSelectionEnv("tiny", budget=3, render_mode="ansi")
    for i in range(2):  # an incumbent that is the best leaves a regret of 0, not of -0
        _, info = single.reset(seed=i)
        best = int(tiny_tables["tiny"].task(info["task_id"]).scores.argmax())
        single.step(best)
        env.reset(seed=0)
        env.step(np.array([best, best]))
        assert env.render()[i] == single.render()
    assert all("1 of 3 evaluations" in line for line in lines)
