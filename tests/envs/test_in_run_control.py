import pickle
import re
import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as sb3_check_env

import hpo_gym  # noqa: F401  registers the environments
from hpo_gym.envs.in_run.observations import FIELDS
from hpo_gym.envs.in_run_control import InRunControlEnv

ID = "hpo_gym/InRunControl-NoisyQuadratic-v0"
TINY = {
    "simulator": "noisy-quadratic",
    "n_updates": 45,  # the last segment is shorter
    "decision_every": 10,
    "n_dimensions": 4,
    "recipes": {"base": {"lr": 0.01, "weight_decay": 0.01}, "fast": {"lr": 0.3, "weight_decay": 0.0}},
    "loss_cap": 50.0,
}
WILD = {**TINY, "recipe": {"lr": 1.0, "weight_decay": 0.0}}  # an action of 1 makes it diverge at once


def play(env, actions):
    return [env.step(np.asarray(action)) for action in actions]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"action": "per_optimizer", "observation": FIELDS},
        {"action": "discrete", "observation": ("loss", "last_action")},
        {"noise": "expected"},
        {"recipe": WILD["recipe"], "observation": FIELDS, "gradient_penalty": 0.1},
        {"render_mode": "rgb_array"},
    ],
)
@pytest.mark.filterwarnings("ignore:.*Not able to test alternative render modes.*")  # only gym.make gives a spec
def test_both_env_checkers_pass_without_a_warning(options):
    options = {**TINY, **options}
    check_env(InRunControlEnv(**options), skip_render_check="render_mode" not in options)
    sb3_check_env(InRunControlEnv(**options))


def test_rewards_add_up_to_the_probe_loss_at_the_start_minus_that_at_the_end():
    env = gym.make(ID)
    _, info = env.reset(seed=0)
    steps = play(env, np.random.default_rng(0).uniform(-1, 1, (12, 2)))
    assert [step[2] for step in steps] == [False] * 11 + [True]
    assert not any(step[3] for step in steps)
    assert sum(step[1] for step in steps) == pytest.approx(info["probe_loss"] - steps[-1][4]["probe_loss"])
    assert steps[-1][4]["final_loss"] == steps[-1][4]["probe_loss"]


def test_an_action_multiplies_the_recipe_by_a_hundred_to_its_power():
    env = InRunControlEnv(**TINY)
    env.reset(seed=0)
    for action in ([0.0, 0.0], [1.0, -1.0], [0.5, -0.25]):
        info = env.step(np.array(action))[4]
        assert (info["lr_scale"], info["wd_scale"]) == pytest.approx((100 ** action[0], 100 ** action[1]))
        assert (info["lr"], info["wd"]) == pytest.approx((0.01 * info["lr_scale"], 0.01 * info["wd_scale"]))
    assert (info["n_updates"], info["n_tokens"], info["diverged"]) == (30, 0, False)


def test_per_optimizer_the_matrices_and_the_rest_are_scaled_apart():
    env = InRunControlEnv(**TINY, action="per_optimizer")
    env.reset(seed=0)
    info = env.step(np.array([1.0, 0.5, -1.0, -0.5]))[4]
    names = ("lr_scale", "wd_scale", "lr_scale_rest", "wd_scale_rest")
    assert [info[name] for name in names] == pytest.approx([100, 10, 0.01, 0.1])
    assert (info["lr"], info["lr_rest"], info["wd_rest"]) == pytest.approx((1.0, 1e-4, 1e-3))


def test_discrete_actions_are_listed_and_the_nearest_to_given_scales_is_found():
    env = InRunControlEnv(**TINY, action="discrete")
    scales = env.action_scales()
    assert env.action_space.n == len(scales) == 21
    assert scales[env.neutral_action].tolist() == [1, 1]
    np.testing.assert_array_equal(env.nearest_action(scales[:, 0], scales[:, 1]), np.arange(21))
    env.reset(seed=0)
    info = env.step(int(env.nearest_action(30.0, 2.0)))[4]
    assert (info["lr_scale"], info["wd_scale"]) == pytest.approx((100 ** (2 / 3), 1.0))
    continuous = InRunControlEnv(**TINY)
    assert continuous.nearest_action(10.0, 1e-9).tolist() == pytest.approx([0.5, -1])
    assert InRunControlEnv(**TINY, action="per_optimizer").nearest_action([1, 100], [1, 1]).tolist() == [
        [0, 0, 0, 0],
        [1, 0, 1, 0],
    ]
    with pytest.raises(ValueError, match="no list of scales"):
        continuous.action_scales()


def test_every_field_shows_what_it_says_on_its_scale():
    env = InRunControlEnv(**TINY, observation=FIELDS)
    unit = env.facts["loss_at_start"]
    observation, start = env.reset(seed=0)
    assert observation == pytest.approx([0, start["probe_loss"] / unit, 0, -1, -1, 0, 0])
    observation, reward, _, _, info = env.step(np.array([0.25, -0.5]))
    norm = np.log10(info["grad_norm"]) / 4
    expected = [10 / 45, info["probe_loss"] / unit, -reward / unit, norm, norm, 0.25, -0.5]
    assert observation == pytest.approx(expected, rel=1e-6)
    assert env.observation_space.high[1] == pytest.approx(50 / unit)


def test_a_run_that_diverges_ends_with_the_cap_as_its_loss_and_a_finite_reward():
    env = InRunControlEnv(**WILD, observation=FIELDS, gradient_penalty=1.0, smoothness_penalty=1.0)
    _, start = env.reset(seed=0)
    observation, reward, terminated, truncated, info = env.step(np.ones(2))
    assert (terminated, truncated, info["diverged"]) == (True, False, True)
    assert info["probe_loss"] == info["final_loss"] == 50.0
    assert reward == pytest.approx(start["probe_loss"] - 50.0)
    assert env.observation_space.contains(observation)
    with pytest.raises(gym.error.ResetNeeded):
        env.step(np.ones(2))
    env.reset()
    assert not env.step(-np.ones(2))[4]["diverged"]


def test_the_ends_of_the_action_box_can_be_held_for_a_whole_run():
    for end in (-1.0, 1.0):
        env = gym.make(ID)
        env.reset(seed=1)
        assert [step[2] for step in play(env, np.full((12, 2), end))][-1]


def test_the_penalties_are_taken_off():
    plain, penalised = (InRunControlEnv(**TINY, **more) for more in ({}, {"gradient_penalty": 2.0}))
    smooth = InRunControlEnv(**TINY, smoothness_penalty=3.0)
    for env in (plain, penalised, smooth):
        env.reset(seed=0)
    for t, action in enumerate(([0.5, 0.0], [0.0, 1.0])):
        (_, reward, *_, info), other = plain.step(np.array(action)), penalised.step(np.array(action))
        assert other[1] == pytest.approx(reward - 2.0 * info["grad_norm"])
        assert smooth.step(np.array(action))[1] == pytest.approx(reward - (3.0 * 1.25 if t else 0.0))


def test_run_seeds_come_from_the_splits_half_and_can_be_pinned():
    for split, seeds in InRunControlEnv(**TINY).splits.items():
        env = InRunControlEnv(**TINY, split=split)
        drawn = [env.reset(seed=s)[1]["run_seed"] for s in range(200)]
        assert all(seed in seeds for seed in drawn)
        assert len(set(drawn)) == 200
    starts = {env.reset(seed=s, options={"run_seed": 5})[1]["probe_loss"] for s in range(3)}
    assert len(starts) == 1
    assert env.reset(options={"run_seed": None})[1]["run_seed"] != 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "all"}, "split='all' is not one of train, test"),
        ({"action": "both"}, "action='both' is not one of shared, per_optimizer, discrete"),
        ({"observation": ("progress", "accuracy")}, "different ones of progress, loss, loss_change"),
        ({"observation": ()}, "different ones of progress"),
        ({"n_updates": 0}, "n_updates=0: a whole number"),
        ({"decision_every": 2.5}, "decision_every=2.5: a whole number"),
        ({"gradient_penalty": -1.0}, "gradient_penalty=-1.0: a finite number, 0 or more"),
        ({"loss_cap": 0.1}, "loss_cap=0.1: a finite number, 1.3"),
        ({"recipe": "slow"}, "recipe='slow' is not one of base, fast; or give the recipe itself"),
        ({"recipe": {"lr": 0.1, "decay": 1}}, "lr and weight_decay are needed, of lr, weight_decay, warmup_fraction"),
        ({"simulator": "quadratic"}, "simulator='quadratic' is not one of noisy-quadratic"),
        ({"render_mode": "human"}, "render_mode='human' is not one of"),
        ({"noise": "loud"}, "noise='loud' is not one of sampled, expected"),
    ],
)
def test_an_option_that_does_not_fit_names_itself_and_what_is_allowed(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        InRunControlEnv(**{**TINY, **options})


def test_a_misspelt_option_is_told_with_those_that_there_are():
    with pytest.raises(TypeError, match=r"no option 'decide_every'; there are n_updates, decision_every.*n_dimensions"):
        gym.make(ID, decide_every=10)


@pytest.mark.parametrize(
    ("kind", "action", "message"),
    [
        ("shared", [0.0, np.nan], r"action \[0.0, nan\]: 2 finite numbers in \[-1, 1\]"),
        ("shared", [1.5, 0.0], r"action \[1.5, 0.0\]"),
        ("shared", [0.0], r"1 points of shape \(2,\) are needed"),
        ("per_optimizer", [0.0, 0.0], r"points of shape \(4,\)"),
        ("discrete", 21, r"action 21: an entry of action_scales\(\), 0 to 20"),
        ("discrete", 1.5, "whole numbers are needed"),
    ],
)
def test_an_action_outside_the_space_is_refused_and_nothing_happens(kind, action, message):
    env, untouched = (InRunControlEnv(**TINY, action=kind) for _ in range(2))
    for each in (env, untouched):
        each.reset(seed=0)
    with pytest.raises(ValueError, match=message):
        env.step(np.array(action))
    assert env.step(env.neutral_action)[1] == untouched.step(env.neutral_action)[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 3}, "reset option 'seed' is unknown; 'run_seed' is an option"),
        ({"run_seed": -1}, "a whole number, 0 to 2147483647"),
        ({"run_seed": 2**31}, "a whole number, 0 to 2147483647"),
        ({"run_seed": 1.5}, "a whole number"),
    ],
)
def test_a_reset_option_that_does_not_fit_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        InRunControlEnv(**TINY).reset(options=options)


def test_a_snapshot_goes_on_as_the_run_did_random_numbers_too():
    env, other = InRunControlEnv(**TINY, observation=FIELDS), InRunControlEnv(**TINY, observation=FIELDS)
    env.reset(seed=4)
    other.reset(seed=9)
    play(env, [[0.3, 0.1]])
    kept = env.snapshot()

    def rest(each):
        steps = play(each, [[0.5, 0.5], [-1, 0.2], [0, 0], [1, 1]])
        steps[-1][4].pop("wall_s")
        return [(o.tolist(), *more) for o, *more in steps], each.reset()[1]

    expected = rest(env)
    for each in (env, other, pickle.loads(pickle.dumps(env))):
        each.restore(kept)
        assert rest(each) == expected


def test_a_pickled_run_goes_on_as_the_original_does():
    env = gym.make(ID)
    env.reset(seed=5)
    env.step(np.zeros(2, np.float32))
    twin = pickle.loads(pickle.dumps(env))
    for _ in range(4):
        (o, *rest), (p, *other) = (each.step(np.full(2, 0.5, np.float32)) for each in (env, twin))
        assert (o.tolist(), rest) == (p.tolist(), other)
    assert env.reset()[1] == twin.reset()[1]


def test_a_step_that_was_interrupted_asks_for_a_reset(monkeypatch):
    env = InRunControlEnv(**TINY)
    env.reset(seed=0)

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(env._episodes.runs, "probe", stop)
        with pytest.raises(KeyboardInterrupt):
            env.step(np.zeros(2))
    with pytest.raises(gym.error.ResetNeeded, match="interrupted"):
        env.step(np.zeros(2))
    env.reset(seed=0)
    assert env.step(np.zeros(2))[4]["n_updates"] == 10


def test_the_optimal_actions_have_the_least_expected_loss_and_sampled_runs_average_to_it():
    env = InRunControlEnv(**TINY)
    best = env.optimal_actions()
    least = env.expected_final_loss(best)
    assert best.shape == (5, 2)
    rng = np.random.default_rng(0)
    assert all(env.expected_final_loss(rng.uniform(-1, 1, (5, 2))) > least for _ in range(100))
    expected = InRunControlEnv(**TINY, noise="expected")
    expected.reset(seed=0)
    assert play(expected, best)[-1][4]["final_loss"] == pytest.approx(least, rel=1e-12)
    split = InRunControlEnv(**TINY, action="per_optimizer")
    assert split.expected_final_loss(split.optimal_actions()) < least
    discrete = InRunControlEnv(**TINY, action="discrete")
    points = discrete.optimal_actions()
    nearest = discrete.nearest_action(*(100**points.T))
    assert discrete.expected_final_loss(points) == least < discrete.expected_final_loss(nearest)


def test_stepping_or_rendering_without_a_run_asks_for_reset():
    with pytest.raises(gym.error.ResetNeeded):
        InRunControlEnv(**TINY).step(np.zeros(2))
    with pytest.raises(gym.error.ResetNeeded):
        InRunControlEnv(**TINY).snapshot()
    with pytest.raises(gym.error.ResetNeeded):
        InRunControlEnv(**TINY, render_mode="ansi").render()
    with pytest.raises(gym.error.Error, match="render_mode"):
        gym.make(ID).unwrapped.render()


def test_making_a_transformers_environment_loads_neither_torch_nor_text():
    script = """
import sys, gymnasium, hpo_gym
env = gymnasium.make("hpo_gym/InRunControl-JEL73M-v0").unwrapped
heavy = {"torch", "tokenizers"} & set(sys.modules)
print(env.facts["n_parameters"], env.facts["n_decisions"], env.preferred_members, *heavy)
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["73531692", "12", "8"]


EPISODE = f"""
import gymnasium as gym, hashlib, hpo_gym
env = gym.make("{ID}", observation=("loss", "grad_norm"))
env.action_space.seed(1)
digest = hashlib.sha256()
for seed in (11, None):
    observation, _ = env.reset(seed=seed)
    over = False
    while not over:
        observation, reward, over, _, info = env.step(env.action_space.sample())
        info.pop("wall_s", None)
        digest.update(repr((reward, info)).encode() + observation.tobytes())
print(digest.hexdigest())
"""


def test_the_same_seed_gives_the_same_runs_in_another_process_with_another_hash_seed():
    digests = {
        subprocess.run(
            [sys.executable, "-c", EPISODE], env={**__import__("os").environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(digests) == 1
