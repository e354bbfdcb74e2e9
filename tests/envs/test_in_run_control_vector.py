import pickle

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import hpo_gym  # noqa: F401  registers the environments
from hpo_gym.envs.in_run.observations import FIELDS
from hpo_gym.envs.in_run_control import InRunControlEnv
from hpo_gym.envs.in_run_control_vector import InRunControlVectorEnv

TINY = {
    "simulator": "noisy-quadratic",
    "n_updates": 35,
    "decision_every": 10,
    "n_dimensions": 4,
    "recipes": {"base": {"lr": 0.01, "weight_decay": 0.01, "warmdown_fraction": 0.4}},
    "loss_cap": 50.0,
}
SOMETIMES_DIVERGES = {"lr": 0.2, "weight_decay": 0.0}
VARIANTS = [
    {},
    {"observation": FIELDS, "action": "per_optimizer", "gradient_penalty": 0.1, "smoothness_penalty": 0.2},
    {"observation": FIELDS, "recipe": SOMETIMES_DIVERGES, "gradient_penalty": 0.1, "smoothness_penalty": 0.2},
    {"observation": FIELDS, "recipe": SOMETIMES_DIVERGES, "action": "discrete"},
    {"noise": "expected"},
]


def assert_same(one, other, where=""):
    """The same nested dicts of arrays, to the bit and the type; of seconds only their presence."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), (where, one.keys() ^ other.keys())
        for key in one.keys() - {"wall_s"}:
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
    """With runs that diverge the members fall out of step, and their segments differ in length."""
    options = {**TINY, **options}
    native = InRunControlVectorEnv(3, autoreset_mode=mode, **options)
    reference = SyncVectorEnv([lambda: InRunControlEnv(**options)] * 3, autoreset_mode=mode)
    native.action_space.seed(0)
    assert native.observation_space == reference.observation_space
    assert native.action_space == reference.action_space
    assert_same(dict(enumerate(native.reset(seed=5))), dict(enumerate(reference.reset(seed=5))))
    for step in range(40):
        actions = native.action_space.sample()
        assert_same(dict(enumerate(native.step(actions))), dict(enumerate(reference.step(actions))), f"step {step}")


def test_a_member_that_diverges_ends_and_its_neighbours_train_on():
    env = InRunControlVectorEnv(2, autoreset_mode="Disabled", **{**TINY, "recipe": {"lr": 1.0, "weight_decay": 0.0}})
    env.reset(seed=0)
    wild_and_tame = np.array([[1.0, 0.0], [-1.0, 0.0]])
    _, rewards, terminated, _, infos = env.step(wild_and_tame)
    assert terminated.tolist() == infos["diverged"].tolist() == infos["_final_loss"].tolist() == [True, False]
    assert infos["probe_loss"][0] == infos["final_loss"][0] == 50.0
    assert np.isfinite(rewards).all()
    observations, rewards, terminated, _, infos = env.step(wild_and_tame)
    assert terminated.tolist() == [True, False]
    assert rewards[0] == 0
    assert infos["_probe_loss"].tolist() == [False, True]
    for _ in range(2):
        *_, terminated, _, infos = env.step(wild_and_tame)
    assert terminated.tolist() == [True, True]
    assert infos["_final_loss"].tolist() == infos["_wall_s"].tolist() == [False, True]
    assert env.step(wild_and_tame)[4] == {}
    observations, infos = env.reset(options={"reset_mask": np.array([True, False])})
    assert infos["_run_seed"].tolist() == [True, False]
    assert observations[:, 0].tolist() == [0.0, 1.0]
    assert env.step(wild_and_tame)[4]["_probe_loss"].tolist() == [True, False]


def test_members_can_share_a_start_or_each_have_their_own():
    env = InRunControlVectorEnv(3, **TINY)
    _, infos = env.reset(seed=[3, 1, 2], options={"run_seed": 7})
    assert infos["run_seed"].tolist() == [7] * 3
    assert len(set(infos["probe_loss"].tolist())) == 1
    _, infos = env.reset(options={"run_seed": np.array([7, 8, 2**31 - 1])})
    assert infos["run_seed"].tolist() == [7, 8, 2**31 - 1]
    assert len(set(infos["probe_loss"].tolist())) == 3


def test_a_run_seed_that_does_not_fit_leaves_every_run_as_it_was():
    env, untouched = (InRunControlVectorEnv(2, **TINY) for _ in range(2))
    for each in (env, untouched):
        each.reset(seed=0)
    for wrong in ([5, -1], 2**31, [1, 2, 3]):
        with pytest.raises(ValueError, match="run_seed"):
            env.reset(options={"run_seed": wrong})
    actions = np.zeros((2, 2))
    assert_same(dict(enumerate(env.step(actions))), dict(enumerate(untouched.step(actions))))


def test_snapshots_of_members_can_be_put_into_other_members_of_other_groups():
    env, other = InRunControlVectorEnv(3, **TINY), InRunControlVectorEnv(2, **TINY)
    env.reset(seed=0)
    other.reset(seed=9)
    env.step(np.full((3, 2), 0.3))
    kept = env.snapshot(np.array([2, 0]))
    expected = env.step(np.full((3, 2), -0.5))
    other.restore(kept, np.array([0, 1]))
    observations, rewards, *_ = other.step(np.full((2, 2), -0.5))
    np.testing.assert_array_equal(rewards, expected[1][[2, 0]])
    np.testing.assert_array_equal(observations, expected[0][[2, 0]])
    with pytest.raises(ValueError, match="a snapshot of 2 members does not fit into 3"):
        env.restore(kept)
    whole = env.snapshot()
    fresh = InRunControlVectorEnv(3, **TINY)
    fresh.restore(whole)
    for _ in range(6):  # over the next resets, whose run seeds are drawn
        one, two = env.step(np.full((3, 2), 0.1)), fresh.step(np.full((3, 2), 0.1))
        assert_same(dict(enumerate(one)), dict(enumerate(two)))


def test_after_an_interrupted_step_some_members_restored_do_not_make_up_for_the_others(monkeypatch):
    env = InRunControlVectorEnv(2, **TINY)
    env.reset(seed=0)
    kept, whole = env.snapshot(np.array([0])), env.snapshot()

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(env._episodes.runs, "probe", stop)
        with pytest.raises(KeyboardInterrupt):
            env.step(np.zeros((2, 2)))
    env.restore(kept, np.array([1]))
    with pytest.raises(gym.error.ResetNeeded, match="interrupted"):
        env.step(np.zeros((2, 2)))
    env.restore(whole)
    assert env.step(np.zeros((2, 2)))[4]["n_updates"].tolist() == [10, 10]


def test_a_pickled_group_goes_on_as_the_original_does():
    env = InRunControlVectorEnv(3, **{**TINY, "recipe": SOMETIMES_DIVERGES})
    env.reset(seed=5)
    env.action_space.seed(0)
    env.step(env.action_space.sample())
    twin = pickle.loads(pickle.dumps(env))
    for _ in range(12):
        actions = env.action_space.sample()
        assert_same(dict(enumerate(env.step(actions))), dict(enumerate(twin.step(actions))))


def test_observations_that_were_handed_out_stay_as_they_were_and_live_ones_hold_the_same():
    env, live = InRunControlVectorEnv(2, **TINY), InRunControlVectorEnv(2, copy=False, **TINY)
    first, _ = env.reset(seed=0)
    live.reset(seed=0)
    for _ in range(6):
        np.testing.assert_array_equal(env.step(np.zeros((2, 2)))[0], live.step(np.zeros((2, 2)))[0])
    assert first.tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda env: env.reset(seed=[1]), "1 seeds for 2 members"),
        (lambda env: env.reset(options={"reset_mask": np.array([True, False])}), "must reset every member"),
        (lambda env: (env.reset(), env.step(np.zeros((1, 2)))), r"2 points of shape \(2,\)"),
        (lambda env: (env.reset(), env.step(np.array([[0, 0], [0, 1.1]]))), r"action \[0.0, 1.1\]"),
        (lambda _: InRunControlVectorEnv(2, max_episode_steps=3, **TINY), "use n_updates="),
        (lambda _: InRunControlVectorEnv(0, **TINY), "num_envs=0"),
    ],
)
def test_bad_calls_name_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call(InRunControlVectorEnv(2, **TINY))


def test_stepping_before_reset_asks_for_it():
    with pytest.raises(gym.error.ResetNeeded):
        InRunControlVectorEnv(2, **TINY).step(np.zeros((2, 2)))
    with pytest.raises(gym.error.ResetNeeded):
        InRunControlVectorEnv(2, render_mode="ansi", **TINY).render()
