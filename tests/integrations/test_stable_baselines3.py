import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from random_walk import WalkEnv, WalkVectorEnv
from sb3_contrib import MaskablePPO
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor

import hpo_gym  # noqa: F401 - registers
from hpo_gym.integrations.stable_baselines3 import Sb3VecEnv, make_sb3_vec_env

MLP = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"
G = 3


def both(dict_observation=False, num_envs=G):
    native = Sb3VecEnv(WalkVectorEnv(num_envs, dict_observation))
    dummy = DummyVecEnv([lambda: WalkEnv(dict_observation) for _ in range(num_envs)])
    return native, dummy


def assert_same(a, b):
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, list):
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    else:
        assert a == b


def same_parameters(model, other):
    mine, theirs = model.policy.state_dict(), other.policy.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)


@pytest.mark.parametrize("dict_observation", [False, True])
def test_every_step_is_what_dummy_vec_env_gives(dict_observation):
    native, dummy = both(dict_observation)
    native.seed(7)
    dummy.seed(7)
    assert_same(native.reset(), {**dummy.reset()} if dict_observation else dummy.reset())
    assert_same(native.reset_infos, dummy.reset_infos)
    rng = np.random.default_rng(0)
    n_ends = {"terminated": 0, "truncated": 0}
    for _ in range(60):
        actions = rng.integers(3, size=G)
        observations, rewards, dones, infos = native.step(actions)
        others, other_rewards, other_dones, other_infos = dummy.step(actions)
        assert_same(
            [observations, rewards, dones, infos],
            [type(observations)(others) if dict_observation else others, other_rewards, other_dones, other_infos],
        )
        assert_same(native.reset_infos, dummy.reset_infos)
        assert_same(native.env_method("action_masks"), dummy.env_method("action_masks"))
        for info in np.array(infos)[dones]:
            n_ends["truncated" if info["TimeLimit.truncated"] else "terminated"] += 1
    assert min(n_ends.values()) > 0


def test_a_seed_and_options_count_for_one_reset_only():
    env, _ = both()
    env.seed(3)
    env.set_options([{"position": 0}, {"position": 1}, {"position": 2}])
    env.reset()
    assert [info["start"] for info in env.reset_infos] == [0, 1, 2]
    env.set_options({"position": 2})
    assert env.reset()[:, 2].all()
    starts = {tuple(info["start"] for info in env.reset_infos) for _ in range(20) if env.reset() is not None}
    assert len(starts) > 1


def test_options_that_differ_in_their_keys_are_refused():
    env, _ = both()
    env.set_options([{"position": 0}, {}, {}])
    with pytest.raises(ValueError, match="same keys"):
        env.reset()


def test_nothing_handed_out_changes_with_later_steps():
    env, _ = both(dict_observation=True)
    handed = [env.reset()]
    kept = [{k: v.copy() for k, v in handed[0].items()}]
    terminal = []
    for _ in range(12):
        observations, _, _, infos = env.step(np.full(G, 2))
        handed.append(observations)
        kept.append({k: v.copy() for k, v in observations.items()})
        terminal += [info["terminal_observation"] for info in infos if "terminal_observation" in info]
    assert_same(handed, kept)
    assert all(last["cell"].sum() == 1 and last["cell"][-1] == 1 for last in terminal)
    assert terminal


def test_infos_and_observations_of_config_selection_share_no_memory_with_the_environment():
    env = make_sb3_vec_env(MLP, 2, seed=0, budget=2)
    first = env.reset()
    before = first["configurations"].copy()
    env.step(np.array([5, 6]))
    _, _, dones, infos = env.step(np.array([7, 8]))
    assert dones.all()
    np.testing.assert_array_equal(first["configurations"], before)
    live = [buffer for buffer in vars(env.env.unwrapped).values() if isinstance(buffer, np.ndarray)]
    live += list(env.env.unwrapped._history.values())
    for info in infos:
        assert info["terminal_observation"]["valid"].tolist() == [1, 1]
        assert not any(np.shares_memory(part, b) for part in info["terminal_observation"].values() for b in live)
    env.close()
    env.close()


@pytest.mark.parametrize("dict_observation", [False, True])
def test_ppo_ends_with_the_parameters_it_gets_through_dummy_vec_env(dict_observation):
    models = [
        PPO(
            "MultiInputPolicy" if dict_observation else "MlpPolicy", env, n_steps=16, batch_size=24, n_epochs=2, seed=5
        ).learn(96)
        for env in both(dict_observation)
    ]
    assert same_parameters(*models)


@pytest.mark.parametrize("action", ["unit_cube", "index"])
def test_ppo_on_config_selection_ends_with_the_parameters_it_gets_through_dummy_vec_env(action):
    kwargs = {"budget": 6, "action": action, "split": "train"}
    if action == "index":
        kwargs["reward"] = "score"
    dummy = DummyVecEnv([lambda: gym.make(MLP, **kwargs) for _ in range(G)])
    envs = [make_sb3_vec_env(MLP, G, **kwargs), dummy]
    models = [
        PPO(
            "MultiInputPolicy", env, n_steps=16, batch_size=24, n_epochs=1, seed=5, policy_kwargs={"net_arch": [8]}
        ).learn(48)
        for env in envs
    ]
    assert same_parameters(*models)


def test_off_policy_training_is_the_same_too():
    settings = {"learning_starts": 30, "buffer_size": 200, "train_freq": 4, "seed": 2}
    assert same_parameters(*[DQN("MlpPolicy", env, **settings).learn(120) for env in both()])


def test_maskable_ppo_finds_each_members_mask():
    settings = {"n_steps": 16, "batch_size": 24, "n_epochs": 1}
    models = [MaskablePPO("MlpPolicy", env, seed=5, **settings).learn(48) for env in both()]
    assert same_parameters(*models)
    assert not same_parameters(models[0], MaskablePPO("MlpPolicy", both()[0], seed=6, **settings).learn(48))


def test_attributes_and_methods_are_handed_out_by_member():
    env, _ = both()
    env.set_options([{"position": 0}, {"position": 1}, {"position": 2}])
    env.reset()
    assert env.has_attr("action_masks")
    assert not env.has_attr("no_such_attribute")
    assert [row.tolist() for row in env.env_method("action_masks", indices=[0, 2])] == [[False, True, True], [True] * 3]
    assert env.get_attr("action_masks", indices=0)[0]().tolist() == [False, True, True]
    assert env.get_attr("has_dict_observation") == [False] * G
    env.set_attr("has_dict_observation", True)
    assert env.get_attr("has_dict_observation", indices=1) == [True]
    with pytest.raises(ValueError, match="share"):
        env.set_attr("has_dict_observation", False, indices=[0])
    assert env.env_is_wrapped(Monitor) == [False] * G


def test_another_autoreset_mode_is_refused_with_the_way_out():
    with pytest.raises(ValueError, match="SAME_STEP"):
        Sb3VecEnv(WalkVectorEnv(2, autoreset_mode=AutoresetMode.NEXT_STEP))
    with pytest.raises(TypeError, match="make_vec"):
        Sb3VecEnv(WalkEnv())


def test_gymnasiums_own_sync_vector_env_fits_too():
    sync = Sb3VecEnv(SyncVectorEnv([lambda: Monitor(WalkEnv())] * G, autoreset_mode=AutoresetMode.SAME_STEP))
    _, dummy = both()
    sync.seed(1)
    dummy.seed(1)
    assert_same(sync.reset(), dummy.reset())
    for _ in range(15):
        result, other = sync.step(np.full(G, 2)), dummy.step(np.full(G, 2))
        assert_same(list(result[:3]), list(other[:3]))
    assert sync.env_is_wrapped(Monitor) == [True] * G
    assert [mask.shape for mask in sync.env_method("action_masks")] == [(3,)] * G


def test_wrappers_and_evaluation_of_sb3_work_on_it():
    env = VecMonitor(make_sb3_vec_env(MLP, 2, seed=0, budget=4, action="unit_cube"))
    model = PPO("MultiInputPolicy", env, n_steps=8, batch_size=8, n_epochs=1, policy_kwargs={"net_arch": [8]})
    returns, lengths = evaluate_policy(model, env, n_eval_episodes=4, return_episode_rewards=True)
    assert lengths == [4] * 4
    assert all(0 <= r <= 1 + 1e-6 for r in returns)


def test_frames_of_the_members_are_tiled():
    env = make_sb3_vec_env(MLP, 2, seed=0, budget=4, render_mode="rgb_array")
    env.reset()
    assert env.render("rgb_array").ndim == 3
