"""Schedules: played as they are at each point of a run, tuned on training runs, searched by beams, swept."""

import gymnasium as gym
import numpy as np
import pytest

import hpo_gym  # noqa: F401 - registers the environments
from agents.catalogue import CATALOGUE, IN_RUN, resolve
from agents.schedules.beam_search import BeamSettings, Branch, Thicket, beam_search
from agents.schedules.oracle import search
from agents.schedules.playing import Runs, draw_run_seeds, play
from agents.schedules.presets import Preset, preset_for, read_presets, write_preset
from agents.schedules.random_then_local import RandomThenLocal
from agents.schedules.schedule import ScheduleAgent, make_env, points_of, scales_of
from agents.schedules.shapes import SHAPES
from agents.schedules.sweeps import SweepSettings, sweep
from agents.schedules.tuning import TuningSettings, tune
from hpo_gym.evaluation.agent import AgentContext
from hpo_gym.evaluation.errors import EvaluationError
from hpo_gym.evaluation.evaluate import evaluate
from hpo_gym.testing import check_agent

ENV_ID = "hpo_gym/InRunControl-NoisyQuadratic-v0"
QUICK = TuningSettings(n_random=16, n_local=16, n_run_seeds=16)


def context(**env_kwargs) -> AgentContext:
    return AgentContext(env_id=ENV_ID, env_kwargs=env_kwargs, has_run_seeds=True)


def expected_loss(env, scales) -> float:
    return env.expected_final_loss(env.nearest_action(scales[:, 0], scales[:, 1]))


@pytest.mark.parametrize("action", ["shared", "per_optimizer", "discrete"])
def test_a_schedule_is_applied_as_it_is_written(action):
    env = make_env(context(action=action))
    scales = scales_of(np.stack([np.linspace(1, -1, 12).round() / 3, np.tile([0.0, 1.0], 6)], axis=1))
    agent, run = ScheduleAgent(env, scales), gym.make(ENV_ID, action=action)
    observation, _ = run.reset(seed=0)
    for due in scales:
        observation, _, _, _, info = run.step(agent.predict(observation)[0])
        assert (info["lr_scale"], info["wd_scale"]) == pytest.approx(tuple(due), rel=1e-4)


def test_progress_is_found_wherever_it_stands_in_the_observation():
    options = {"observation": ("last_action", "loss", "progress")}
    agent = ScheduleAgent(make_env(context(**options)), SHAPES["linear"](np.array([1.0, 0.0]), 12))
    check_agent(agent, ENV_ID, env_kwargs=options, may_repeat=True)


def test_what_cannot_be_followed_is_said():
    with pytest.raises(EvaluationError, match="shows loss; add 'progress'"):
        ScheduleAgent(make_env(context(observation=("loss",))), np.ones((12, 2)))
    with pytest.raises(EvaluationError, match=r"\(3, 2\) for runs of 12 decisions"):
        ScheduleAgent(make_env(context()), np.ones((3, 2)))
    with pytest.raises(EvaluationError, match="has none of"):
        make_env(AgentContext(env_id="hpo_gym/ConfigSelection-HPOBenchMLP-v0"))


def test_shapes_run_from_their_peak_to_their_floor():
    point = points_of([10.0, 0.5])
    assert SHAPES["constant"](point, 3) == pytest.approx(np.tile([10.0, 0.5], (3, 1)))
    assert SHAPES["cosine"](point, 5)[:, 0] == pytest.approx([10.0, 8.68198, 5.5, 2.31802, 1.0])
    assert SHAPES["linear"](point, 5)[:, 0] == pytest.approx([10.0, 7.75, 5.5, 3.25, 1.0])
    assert SHAPES["linear"](point, 1)[:, 0] == pytest.approx([10.0])


def test_runs_are_those_of_the_single_environment():
    actions = np.random.default_rng(0).uniform(-0.5, 0.5, (3, 12, 2)).astype(np.float32)
    played = play(Runs(env_id=ENV_ID, actions=actions, run_seeds=np.array([5, 6, 5])))
    env = gym.make(ENV_ID)
    for i, run_seed in enumerate((5, 6, 5)):
        env.reset(options={"run_seed": run_seed})
        for action in actions[i]:
            info = env.step(action)[4]
        assert (played.loss[i], played.outcome[i]) == (info["probe_loss"], info["final_loss"])
    assert played.cost.tolist() == [1.0] * 3


def test_random_points_come_first_then_ones_around_the_best():
    rng, found = np.random.default_rng(0), RandomThenLocal(n_dims=2, n_random=8)
    target = np.array([0.6, -0.4])
    for _ in range(6):
        points = found.ask(8, rng)
        found.tell(points, np.square(points - target).sum(axis=1))
    assert found.points[0].tolist() == [0.0, 0.0]
    assert found.best == pytest.approx(target, abs=0.1)


def test_tuning_finds_about_the_best_constant_scales_and_counts_what_it_paid():
    tuned, env = tune("constant", context(), QUICK), make_env(context())
    grid = [expected_loss(env, SHAPES["constant"](np.array([lr, 0.0]), 12)) for lr in np.linspace(-1, 1, 41)]
    assert expected_loss(env, tuned.scales) < 1.2 * min(grid)
    assert (tuned.cost, tuned.n_runs) == (32 * 16, 32 * 16)


def test_run_seeds_of_searches_are_training_ones():
    env = make_env(context())
    assert draw_run_seeds(env, 1000, np.random.default_rng(0)).max() < 2**30


def test_beam_search_never_gets_worse_and_comes_near_the_optimum():
    env, start = make_env(context()), np.full((12, 2), 10.0)
    found = search(context(), env, start, BeamSettings(n_run_seeds=48, steps=(0.4, 0.2, 0.1), n_beams=2))
    assert all(later <= earlier for earlier, later in zip(found.history, found.history[1:], strict=False))
    assert expected_loss(env, found.scales) < 1.25 * env.expected_final_loss(env.optimal_actions())


def test_a_branch_is_the_run_of_its_whole_schedule_with_and_without_a_snapshot():
    seeds = np.array([3, 4])
    thicket = Thicket(ENV_ID, {"split": "train"}, seeds)
    points = np.random.default_rng(1).uniform(-0.6, 0.6, (12, 2))
    actions = np.repeat(thicket.env.unwrapped.nearest_action(*scales_of(points).T)[None], 2, axis=0)
    whole = play(Runs(env_id=ENV_ID, actions=actions, run_seeds=seeds)).loss.mean()
    snapshot = None
    for t in range(12):
        branch = {"past": points[:t], "point": points[t], "tail": points[t + 1 :]}
        with_one, anew = thicket.grow([Branch(snapshot=snapshot, **branch), Branch(snapshot=None, **branch)])
        assert with_one.loss == anew.loss == whole
        assert with_one.cost == pytest.approx(2 * (561 - 50 * t) / 561)
        snapshot = with_one.snapshot
    thicket.close()


def test_beams_keep_different_beginnings():
    seen = []

    def grow(branches):
        seen.append({tuple(np.concatenate([b.past.ravel(), b.point]).round(3)) for b in branches})
        losses = [float(np.square(branch.points - 0.3).sum()) for branch in branches]
        return [type("Grown", (), {"snapshot": None, "loss": loss, "cost": 0.0})() for loss in losses]

    found = beam_search(grow, np.ones((3, 2)), BeamSettings(n_beams=2, steps=(0.3, 0.3)))
    assert [len(branches) for branches in seen] == [5, 10, 10] * 2
    assert points_of(found.scales) == pytest.approx(np.full((3, 2), 0.3))  # a pass moves one number a decision


@pytest.mark.parametrize("is_halving", [True, False])
def test_a_sweep_stays_within_its_purse_but_for_the_runs_that_have_begun(is_halving):
    swept = sweep(context(), make_env(context()), is_halving=is_halving, settings=SweepSettings(budget=10, n_members=4))
    assert 10 <= swept.cost < 14
    assert swept.n_candidates >= (16 if is_halving else 10)


def test_the_oracle_of_the_noisy_quadratic_is_its_optimum_also_per_optimizer():
    for action in ("shared", "per_optimizer"):
        agent, env = resolve("oracle").build(context(action=action)), make_env(context(action=action))
        assert env.expected_final_loss(agent.actions) == pytest.approx(env.expected_final_loss(env.optimal_actions()))


def test_schedules_come_out_in_the_order_that_they_must():
    names = ("controller-off", "constant", "linear", "oracle")
    losses = [
        evaluate(n, resolve(n).build, ENV_ID, n_seeds=200, progress=False).metrics["final_loss"].mean for n in names
    ]
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("name", [entry.name for entry in CATALOGUE.values() if entry.plays == IN_RUN])
def test_every_schedule_of_the_catalogue_can_be_resolved(name):
    build = resolve(name).build
    assert getattr(build, "is_reference", False) == (name.startswith(("hand-tuned", "schedule-free")))


def preset(**changes) -> Preset:
    scales = np.stack([np.linspace(10, 1, 12), np.full(12, 0.5)], axis=1)
    values = {"env_id": ENV_ID, "agent": "linear", "n_updates": 561, "decision_every": 50, "scales": scales}
    return Preset(**{**values, "training_cost": 64.0, "loss": 0.02, "provenance": "by hand", **changes})


def test_a_preset_comes_back_as_it_was_written_and_replaces_an_older_one(tmp_path):
    path = tmp_path / "presets.toml"
    write_preset(preset(loss=0.5), path)
    write_preset(preset(agent="oracle"), path)
    write_preset(preset(), path)
    linear, oracle = read_presets(path)
    assert (linear.agent, linear.loss, oracle.agent) == ("linear", 0.02, "oracle")
    np.testing.assert_allclose(linear.scales, preset().scales, rtol=1e-5)


def test_a_preset_stands_for_the_environment_as_it_is_declared(tmp_path):
    path, env = tmp_path / "presets.toml", make_env(context())
    write_preset(preset(), path)
    assert preset_for("linear", context(), env, path) is not None
    assert preset_for("linear", context(action="discrete"), env, path) is not None
    assert preset_for("linear", context(recipe={"lr": 0.1, "weight_decay": 0.0}), env, path) is None
    assert preset_for("cosine", context(), env, path) is None
    write_preset(preset(n_updates=600), path)
    assert preset_for("linear", context(), env, path) is None
