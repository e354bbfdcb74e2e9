"""Live searches: the conventions of config selection, with trials that are really fitted."""

import re

import gymnasium as gym
import numpy as np
import pytest
from live_tasks import made_frame, made_task

import hpo_gym  # noqa: F401  registers the environments
from hpo_gym.data.errors import DataError
from hpo_gym.engines import LocalEngine
from hpo_gym.live.errors import LiveError
from hpo_gym.live.grid import GridRequest, build_grid
from hpo_gym.testing.environments import check_determinism, check_pickling, check_rendering, check_with_checkers
from hpo_gym.testing.observed_scores import check_observed_scores
from hpo_gym.testing.vectorization import check_vector_env

ENV = "hpo_gym/ConfigSelection-OpenMLLive-v0"
SMALL = {"openml_tasks": [1, 2], "n_configurations": 12, "budget": 5}
QUICK_LEVELS = {"family": "lr", "fidelity": 10}


def made(**options):
    return gym.make(ENV, **{**SMALL, **options}).unwrapped


def played(env, actions=(3, 1, 4, 0, 5), **reset):
    """Everything that an episode reports."""
    reports = [env.reset(seed=0, **reset)]
    reports += [env.step(action) for action in actions]
    return reports


def the_same(one, other):
    for a, b in zip(one, other, strict=True):
        assert a[1:] == b[1:]  # rewards, flags and infos, wall times included
        assert all(np.array_equal(a[0][name], b[0][name]) for name in a[0])


@pytest.mark.parametrize(
    "options", [{"observe_pool": True}, pytest.param({"action": "unit_cube"}, marks=pytest.mark.slow)]
)
def test_both_env_checkers_pass_without_a_warning(at_once, options):
    check_with_checkers(ENV, **SMALL, **options)


def test_single_and_vector_environments_play_the_same_episodes_and_copies_go_on(at_once):
    check_vector_env(ENV, seed=0, n_steps=7, **SMALL, observe_pool=True)
    check_determinism(ENV, seed=0, n_steps=7, **SMALL)
    check_pickling(ENV, seed=0, n_steps=7, **SMALL)
    check_observed_scores(ENV, seed=0, **SMALL)


def test_levels_of_fidelity_are_chosen_and_paid(at_once):
    options = SMALL | {"fidelity": "action", "budget": 2}
    env = gym.make(ENV, **options).unwrapped
    assert env.action_space == gym.spaces.MultiDiscrete([12, 3])
    env.reset(seed=0)
    _, _, over, _, info = env.step([4, 0])
    assert info["cost"] == 0.11
    assert [trial.fidelity.subsample for trial in at_once] == [0.11]
    *_, info = env.step([4, 2])
    assert (info["cost"], at_once[-1].fidelity.subsample, over) == (1.0, 1.0, False)
    check_vector_env(ENV, seed=0, n_steps=3, **options)


def test_rewards_add_up_to_one_minus_the_distance_to_perfect(at_once):
    env = made()
    observation, info = env.reset(seed=0)
    assert (info["best_score"], info["worst_score"]) == (1.0, 1 / 3)  # a constant predictor of three classes
    reports = [env.step(action) for action in range(5)]
    incumbent = max(report[4]["score"] for report in reports)
    assert sum(report[1] for report in reports) == pytest.approx((incumbent - 1 / 3) / (2 / 3))
    assert observation["scores"].tolist() == [0.0] * 5


def test_the_test_score_is_told_in_info_and_decides_nothing(at_once, monkeypatch):
    before = played(made(), options={"task_id": "1"})
    assert {"test_score", "status", "reason", "wall_s"} <= before[1][4].keys()
    assert before[1][4]["test_score"] != before[1][4]["score"]
    task = made_task(1, seed=1)
    task.X.iloc[task.splits[1], 0] *= -1
    monkeypatch.setattr("hpo_gym.data.openml.task_data.load_task_data", lambda task_id, **_: task)
    after, told = played(made(), options={"task_id": "1"}), []
    for (observation, reward, *_, info), (other, others_reward, *_, others_info) in zip(
        before[1:], after[1:], strict=True
    ):
        assert reward == others_reward
        assert all(np.array_equal(observation[name], other[name]) for name in observation)
        told.append(info["test_score"] != others_info["test_score"])
    assert any(told)


def test_an_episode_is_replayed_from_the_cache_to_the_bit_without_a_fit(at_once):
    first = played(made())
    assert len(at_once) == 5
    again = played(made())
    the_same(first, again)
    assert len(at_once) == 5
    played(made(cache=False))
    assert len(at_once) == 10


def test_failed_trials_are_tried_again_where_that_is_asked_for(at_once, monkeypatch):
    from hpo_gym.live.trial import failed
    from hpo_gym.live.trial_process import TrialProcess

    fit = TrialProcess.run
    monkeypatch.setattr(TrialProcess, "run", lambda _, data, trial, limits: failed(data, "timeout", "slow", 60.0))
    first = played(made())
    assert {report[4]["status"] for report in first[1:]} == {"timeout"}
    assert {report[1] for report in first[1:]} == {0.0}
    monkeypatch.setattr(TrialProcess, "run", fit)
    the_same(first, played(made()))
    assert {report[4]["status"] for report in played(made(retry_failures=True))[1:]} == {"ok"}


def test_a_model_that_fails_scores_a_constant_predictors_and_the_search_goes_on(at_once):
    env = made(family="misbehaving_families:RAISES")
    env.reset(seed=0)
    for action in range(5):
        _, reward, over, _, info = env.step(action)
        assert (info["status"], info["score"], reward) == ("error", 1 / 3, 0.0)
    assert over


def test_a_grid_is_a_table_on_which_the_same_episodes_are_played(at_once, tmp_path):
    path = tmp_path / "grid.parquet"
    request = GridRequest(family="svm", task_ids=(1, 2), n_configurations=12)
    assert build_grid(request, path, engine=LocalEngine()) == {"ok": 24}
    n_fitted = len(at_once)
    table = gym.make("hpo_gym/ConfigSelection-Table-v0", path=str(path), budget=5, observe_pool=True).unwrapped
    live = made(observe_pool=True)
    assert table.hyperparameters == live.hyperparameters
    for task_id in ("1", "2"):
        for one, other in zip(
            played(live, options={"task_id": task_id}), played(table, options={"task_id": task_id}), strict=True
        ):
            assert all(np.array_equal(one[0][name], other[0][name]) for name in one[0])
    assert len(at_once) == n_fitted  # all of it came from the cache
    assert live.problem.data_id != made(trial_seed=1).problem.data_id


def test_a_grid_that_was_stopped_goes_on_and_has_a_column_a_level(at_once, tmp_path):
    request = GridRequest(family="svm", task_ids=(1,), n_configurations=4, has_levels=True)

    def stop(what, done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_grid(request, tmp_path / "grid.parquet", engine=LocalEngine(), on_progress=stop)
    assert len(at_once) == 9
    build_grid(request, tmp_path / "grid.parquet", engine=LocalEngine())
    assert len(at_once) == 12
    env = gym.make(
        "hpo_gym/ConfigSelection-Table-v0", path=str(tmp_path / "grid.parquet"), fidelity="action", budget=2
    ).unwrapped
    assert env.problem.tasks.levels == (11, 33, 100)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "svn"}, "no family 'svn'"),
        ({"openml_tasks": ["x"]}, "numbers of OpenML tasks are needed"),
        ({"openml_tasks": [1, 1]}, "each once"),
        ({"tasks": ["9"]}, r"task '9' is not one of 1, 2; name others with openml_tasks"),
        ({"split": "test"}, "split='test' is not declared"),
        ({"n_configurations": 0}, "n_configurations=0"),
        ({"fidelity": 5}, "family 'svm' takes 10 to 100 percent"),
        ({"subsample": 0.0}, r"subsample=0.0: a share"),
        ({"time_limit_s": 0}, "time_limit_s=0"),
        ({"time_limit_s": float("inf")}, "time_limit_s=inf: .* at most 1,000,000 seconds"),
        ({"memory_limit_mb": 0}, "memory_limit_mb=0"),
        ({"memory_limit_mb": 2e3}, "memory_limit_mb=2000.0: a whole number"),
        ({"workers": 0}, "workers=0"),
        ({"workers": "2"}, "workers='2': a whole number"),
        ({"trial_seed": -1}, "trial_seed=-1"),
        ({"replicate": "mean"}, "there is no option 'replicate'; there are family, openml_tasks"),
        ({"action": "unit_cube", "fidelity": "action"}, "fidelity='action' goes with action='index'"),
    ],
)
def test_an_option_that_does_not_fit_names_itself_and_what_is_allowed(options, message):
    with pytest.raises((ValueError, KeyError, TypeError, DataError), match=message):
        made(**options)


def test_agents_are_fitted_on_what_a_build_has_run_and_on_nothing_less(at_once, tmp_path):
    played(made(), options={"task_id": "1"})
    command = "hpo-gym table build --live svm --tasks 1 --n-configurations 12"
    with pytest.raises(LiveError, match=f"7 of 12 trials of the pool on task 1 were not run, .*: {command}"):
        made().evaluations("1")
    build_grid(
        GridRequest(family="svm", task_ids=(1,), n_configurations=12), tmp_path / "g.parquet", engine=LocalEngine()
    )
    recorded = made().evaluations("1")
    assert recorded.pool.shape == (12, 2)
    env = made()
    env.reset(options={"task_id": "1"})
    assert env.step(7)[4]["score"] == recorded.scores[7]


def test_making_it_downloads_nothing_and_a_task_that_cannot_be_had_leaves_the_searches_as_they_were(
    at_once, monkeypatch
):
    env = gym.make_vec(ENV, num_envs=2, vectorization_mode="vector_entry_point", **SMALL)
    env.reset(seed=0, options={"task_id": "1"})
    observation, *_ = env.step(np.array([0, 1]))

    def absent(task_id, **_):
        raise LiveError("no such task")

    monkeypatch.setattr("hpo_gym.data.openml.task_data.load_task_data", absent)
    made()
    with pytest.raises(LiveError, match="no such task"):
        env.reset(seed=1, options={"task_id": "2"})
    after, *_ = env.step(np.array([2, 3]))
    assert after["scores"][:, 0].tolist() == observation["scores"][:, 0].tolist()
    env.close()


@pytest.mark.slow
def test_it_draws_itself(at_once):
    check_rendering(ENV, seed=0, **SMALL)


def test_a_line_tells_of_the_latest_trial(at_once):
    env = made(render_mode="ansi")
    env.reset(seed=0)
    env.step(0)
    assert re.search(r"score 0\.\d+ .* C=.* gamma=", env.render())


def test_a_task_of_an_openml_server_is_searched_with_real_fits_in_one_worker_that_closing_ends(openml_server):
    for seed in (0, 1):
        openml_server.add_task(openml_server.add_dataset(made_frame(seed), target="class"))
    env = gym.make_vec(ENV, num_envs=2, vectorization_mode="vector_entry_point", **SMALL)
    unwrapped = env.unwrapped
    (process,) = unwrapped.problem.live.runner.processes
    assert openml_server.requests == []
    env.reset(seed=0, options={"task_id": ["1", "2"]})
    assert process.pid is None
    *_, infos = env.step(np.array([5, 5]))
    assert infos["status"].tolist() == ["ok", "ok"]
    assert infos["score"][0] != infos["score"][1]
    pid = process.pid
    env.step(np.array([6, 7]))
    assert process.pid == pid
    assert unwrapped.problem.live.runner.n_fitted == 4
    env.close()
    env.close()
    assert process.pid is None
