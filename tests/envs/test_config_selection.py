import pickle
import re
import subprocess
import sys
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as sb3_check_env

import hpo_gym  # noqa: F401  registers the environments
from hpo_gym.envs.config_selection import ConfigSelectionEnv

ID = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"


def play(env, actions):
    return [env.step(action) for action in actions]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"observe_pool": True},
        {"action": "unit_cube"},
        {"repeat": "end"},
        {"repeat": "allow"},
        {"table": "tiny-missing", "observe_pool": True},
        {"table": "tiny-replicates", "replicate": "random"},
        {"table": "tiny-epochs"},
        {"table": "tiny-epochs", "fidelity": "action", "observe_pool": True},
        {"table": "tiny-own-pools", "observe_pool": True},
        {"render_mode": "rgb_array"},
    ],
)
@pytest.mark.filterwarnings("ignore:.*Not able to test alternative render modes.*")  # only gym.make gives a spec
@pytest.mark.filterwarnings("ignore:We recommend you to use a symmetric:UserWarning")  # the unit cube is not
def test_both_env_checkers_pass_without_a_warning(options):
    options = {"table": "tiny", "budget": 6, **options}
    env = ConfigSelectionEnv(**options)
    check_env(env, skip_render_check="render_mode" not in options)
    sb3_check_env(ConfigSelectionEnv(**options))


def test_gym_make_builds_the_embedded_environment_and_plays_an_episode():
    env = gym.make(ID, budget=4)
    _, info = env.reset(seed=0)
    steps = play(env, [0, 1, 2, 3])
    assert [terminated for _, _, terminated, _, _ in steps] == [False, False, False, True]
    assert not any(truncated for _, _, _, truncated, _ in steps)
    assert info["task_id"] in env.unwrapped.task_ids


def test_the_observation_holds_the_trials_in_order_and_zeros_beyond(tiny_tables):
    env = ConfigSelectionEnv("tiny", budget=4, observe_pool=True)
    env.reset(options={"task_id": "b"})
    task = tiny_tables["tiny"].task("b")
    play(env, [7])
    observation, _, _, _, info = env.step(2)
    assert observation["indices"].tolist() == [7, 2, -1, -1]
    configurations = observation["configurations"].reshape(4, 3)
    np.testing.assert_array_equal(configurations[:2], task.pool[[7, 2]])
    np.testing.assert_array_equal(configurations[2:], 0)
    np.testing.assert_array_equal(observation["pool"].reshape(12, 3), task.pool)
    np.testing.assert_array_equal(observation["scores"], np.float32([task.scores[7], task.scores[2], 0, 0]))
    np.testing.assert_array_equal(observation["valid"], [1, 1, 0, 0])
    np.testing.assert_array_equal(observation["meta_features"], task.meta_features)
    assert observation["remaining"] == [0.5]
    assert np.flatnonzero(observation["available"] == 0).tolist() == [2, 7]
    assert info["incumbent"] == max(task.scores[[7, 2]])
    assert info["cost"] == 2


def test_scores_that_were_not_seen_change_nothing_that_an_agent_observes(tiny_tables, monkeypatch):
    """Two tables that differ only in scores nobody looked at give the same observations."""
    seen = [1, 5, 8]
    first = ConfigSelectionEnv("tiny", budget=5, observe_pool=True, reward="score")
    table = tiny_tables["tiny"]
    changed = table.task("a").scores.copy()
    changed[[i for i in range(12) if i not in seen]] *= 1e3
    poisoned = dict(table.tasks) | {
        "a": type(table.task("a"))(
            task_id="a", pool=table.task("a").pool, scores=changed, meta_features=table.task("a").meta_features
        )
    }
    monkeypatch.setattr("hpo_gym.envs.selection_problem.open_table", lambda name: replace(table, tasks=poisoned))
    second = ConfigSelectionEnv("tiny", budget=5, observe_pool=True, reward="score")
    streams = []
    for env in (first, second):
        observations = [env.reset(seed=0, options={"task_id": "a"})[0]]
        observations += [step[0] for step in play(env, seen)]
        streams.append(observations)
    for one, other in zip(*streams, strict=True):
        assert all(np.array_equal(one[name], other[name]) for name in one)


def test_improvement_rewards_add_up_to_one_minus_normalised_regret():
    env = ConfigSelectionEnv("tiny", budget=5)
    _, info = env.reset(seed=3)
    steps = play(env, [3, 1, 4, 9, 5])
    incumbent = steps[-1][4]["incumbent"]
    regret = (info["best_score"] - incumbent) / (info["best_score"] - info["worst_score"])
    assert sum(step[1] for step in steps) == pytest.approx(1 - regret)


def test_a_masked_repeat_tries_the_nearest_configuration_that_is_left(tiny_tables):
    env = ConfigSelectionEnv("tiny", budget=6)
    env.reset(seed=0)
    env.step(4)
    _, _, _, _, info = env.step(4)
    pool = tiny_tables["tiny"].task("a").pool
    distance = ((pool - pool[4]) ** 2).sum(axis=1)
    distance[4] = np.inf
    assert info["is_repeat"]
    assert info["configuration"] == distance.argmin()
    assert not env.action_masks()[[4, info["configuration"]]].any()


def test_repeating_ends_the_episode_where_the_rule_says_so():
    env = ConfigSelectionEnv("tiny", budget=6, repeat="end")
    env.reset(seed=0)
    env.step(4)
    observation, reward, terminated, truncated, info = env.step(4)
    assert terminated
    assert not truncated
    assert reward == 0.0
    assert info["cost"] == 1
    assert observation["valid"].sum() == 1


def test_repeating_spends_a_trial_where_that_is_allowed():
    env = ConfigSelectionEnv("tiny", budget=3, repeat="allow")
    env.reset(seed=0)
    steps = play(env, [4, 4, 4])
    assert [step[2] for step in steps] == [False, False, True]
    assert steps[-1][0]["valid"].tolist() == [1, 1, 1]
    assert len({step[4]["score"] for step in steps}) == 1


def test_a_unit_cube_action_tries_the_nearest_untried_configuration(tiny_tables):
    env = ConfigSelectionEnv("tiny", budget=3, action="unit_cube")
    env.reset(seed=0)
    pool = tiny_tables["tiny"].task("a").pool
    assert env.step(pool[6])[4]["configuration"] == 6
    assert env.step(pool[6])[4]["configuration"] != 6


def test_a_configuration_without_a_score_is_never_tried():
    env = ConfigSelectionEnv("tiny-missing", budget=12)
    env.reset(seed=0)
    assert not env.action_masks()[[3, 7]].any()
    steps = play(env, [3, 7, *range(8)])
    tried = [step[4]["configuration"] for step in steps]
    assert len(set(tried)) == 10
    assert not {3, 7} & set(tried)
    assert steps[-1][2], "the episode ends when nothing is left to try"


def test_tasks_with_smaller_pools_share_the_spaces_and_count_indices_modulo_their_size():
    env = ConfigSelectionEnv("tiny-own-pools", budget=3, observe_pool=True)
    assert env.action_space.n == 12
    observation, _ = env.reset(options={"task_id": "c"})
    assert observation["available"].tolist() == [1] * 5 + [0] * 7
    assert observation["pool"].reshape(12, 3)[5:].max() == 0
    _, _, _, _, info = env.step(11)
    assert info["configuration"] == 1
    assert not info["is_repeat"]


def test_a_replicate_is_played_for_a_whole_episode(tiny_tables):
    task = tiny_tables["tiny-replicates"].task("a")
    env = ConfigSelectionEnv("tiny-replicates", replicate="random", budget=3)
    columns = set()
    for seed in range(20):
        env.reset(seed=seed, options={"task_id": "a"})
        scores = [step[4]["score"] for step in play(env, [0, 1, 2])]
        matches = [c for c in range(3) if scores == task.scores[:3, c].tolist()]
        assert len(matches) == 1
        columns |= set(matches)
    assert columns == {0, 1, 2}
    fixed = ConfigSelectionEnv("tiny-replicates", replicate=2)
    fixed.reset(options={"task_id": "a"})
    assert fixed.step(5)[4]["score"] == task.scores[5, 2]
    mean = ConfigSelectionEnv("tiny-replicates")
    mean.reset(options={"task_id": "a"})
    assert mean.step(5)[4]["score"] == task.scores[5].mean()


def test_levels_of_training_are_paid_once_and_continued(tiny_tables):
    """Epochs 1, 3, 9, 27: a configuration trained to 3 pays only the other 6 on its way to 9."""
    task = tiny_tables["tiny-epochs"].task("a")
    env = ConfigSelectionEnv("tiny-epochs", fidelity="action", budget=2)
    env.reset(options={"task_id": "a"})
    infos = [env.step(action)[4] for action in ([0, 1], [0, 2], [1, 0], [0, 3])]
    assert [info["cost"] * 27 for info in infos] == pytest.approx([3, 9, 10, 28])
    assert [info["score"] for info in infos] == task.scores[[0, 0, 1, 0], [1, 2, 0, 3]].tolist()
    assert infos[-1]["configuration"] == 0


def test_a_level_that_is_too_dear_is_lowered_and_a_search_ends_when_nothing_can_be_paid():
    env = ConfigSelectionEnv("tiny-epochs", fidelity="action", budget=1)
    env.reset(seed=0)
    assert env.step([0, 2])[4]["cost"] * 27 == pytest.approx(9)
    observation, _, terminated, _, info = env.step([1, 3])  # 27 epochs are wanted, 18 are left: 9 are trained
    assert info["cost"] * 27 == pytest.approx(18)
    assert not terminated
    assert observation["fidelities"][:2] == pytest.approx([9 / 27, 9 / 27])
    while not terminated:
        _, _, terminated, _, info = env.step([1, 3])
    assert info["cost"] * 27 == pytest.approx(27)


def test_a_history_has_room_for_as_many_trials_as_the_budget_can_pay(tiny_tables, monkeypatch):
    """With epochs 5, 6, 7 a configuration's second level costs less than its first."""
    table = tiny_tables["tiny-epochs"]
    tasks = {k: replace(task, scores=task.scores[:, :3]) for k, task in table.tasks.items()}
    monkeypatch.setitem(tiny_tables, "tiny-late", replace(table, tasks=tasks, epochs=(5, 6, 7)))
    env = ConfigSelectionEnv("tiny-late", fidelity="action", budget=3)
    observation, _ = env.reset(seed=0)
    played = play(env, [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)])
    assert len(observation["scores"]) == len(played) == 6
    assert [step[2] for step in played] == [False] * 5 + [True]


def test_a_level_of_an_index_beyond_a_smaller_pool_counts_as_a_repeat_of_the_row_it_stands_for(
    tiny_tables, monkeypatch
):
    table = tiny_tables["tiny-own-pools"]
    tasks = {k: replace(task, scores=np.stack([task.scores] * 2, axis=1)) for k, task in table.tasks.items()}
    monkeypatch.setitem(tiny_tables, "tiny-own-epochs", replace(table, tasks=tasks, score_axis="epoch", epochs=(1, 3)))
    env = ConfigSelectionEnv("tiny-own-epochs", fidelity="action", repeat="end")
    env.reset(options={"task_id": "c"})  # 5 rows
    assert env.step((1, 1))[4]["configuration"] == 1
    *_, terminated, _, info = env.step((6, 1))
    assert (terminated, info["configuration"], info["is_repeat"]) == (True, 1, True)


def test_one_epoch_can_be_chosen_for_all_trials(tiny_tables):
    env = ConfigSelectionEnv("tiny-epochs", fidelity=3)
    env.reset(options={"task_id": "a"})
    assert env.step(5)[4]["score"] == tiny_tables["tiny-epochs"].task("a").scores[5, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"action": "grid"}, "action='grid' is not one of index, unit_cube"),
        ({"reward": "reward"}, "reward='reward' is not one of improvement"),
        ({"budget": 0}, "budget=0: a whole number"),
        ({"budget": 2.5}, "budget=2.5: a whole number"),
        ({"split": "validation"}, "there are all, train, test"),
        ({"tasks": []}, "at least one task id"),
        ({"tasks": "a"}, "tasks='a': a list of at least one task id"),
        ({"tasks": ["z"]}, "no task 'z'; it has a, b, c"),
        ({"splits": {"mine": "a"}, "split": "mine"}, "splits['mine']='a': a list"),
        ({"splits": {"mine": []}, "split": "mine"}, "split='mine': a list of at least one"),
        ({"fidelity": "action"}, "has no epochs"),
        ({"replicate": 1}, "has replicates 0 to 0"),
        ({"initial_design": "test0"}, "task 'a' has none"),
        ({"render_mode": "human"}, "render_mode='human' is not one of"),
    ],
)
def test_an_option_that_does_not_fit_names_itself_and_what_is_allowed(options, message):
    with pytest.raises((ValueError, KeyError), match=re.escape(message)):
        ConfigSelectionEnv("tiny", **options)


def test_tasks_may_be_named_by_an_array():
    assert ConfigSelectionEnv("tiny", tasks=np.array(["c", "a"])).task_ids == ("c", "a")


@pytest.mark.parametrize("action", [-1, 12, 10**6])
def test_a_row_that_is_not_in_the_pool_is_refused(action):
    env = ConfigSelectionEnv("tiny")
    env.reset(seed=0)
    with pytest.raises(ValueError, match=f"action {action}.*0 to 11"):
        env.step(action)


@pytest.mark.parametrize("action", [1.7, np.float32(2), np.array([1, 2]), float("nan")])
def test_an_action_that_is_no_whole_number_is_refused(action):
    env = ConfigSelectionEnv("tiny")
    env.reset(seed=0)
    with pytest.raises(ValueError, match="whole numbers are needed"):
        env.step(action)


def test_rendering_without_a_search_asks_for_reset():
    with pytest.raises(gym.error.ResetNeeded):
        ConfigSelectionEnv("tiny", render_mode="ansi").render()


def test_a_misspelt_option_is_told_with_those_that_there_are():
    with pytest.raises(TypeError, match=r"no option 'rewrad'; there are split, tasks, .*reward.*path"):
        gym.make(ID, rewrad="score")


def test_points_that_are_not_numbers_are_refused():
    env = ConfigSelectionEnv("tiny", action="unit_cube")
    env.reset(seed=0)
    with pytest.raises(ValueError, match="finite point of shape"):
        env.step(np.array([0.1, np.nan, 0.2]))


def test_stepping_without_a_search_asks_for_reset():
    env = ConfigSelectionEnv("tiny", budget=1)
    with pytest.raises(gym.error.ResetNeeded):
        env.step(0)
    env.reset(seed=0)
    env.step(0)
    with pytest.raises(gym.error.ResetNeeded):
        env.step(1)


def test_an_unknown_task_or_reset_option_is_refused():
    env = ConfigSelectionEnv("tiny", split="train")
    with pytest.raises(KeyError, match="'c' is not in this environment; there are a, b"):
        env.reset(options={"task_id": "c"})
    with pytest.raises(ValueError, match="'task' is unknown"):
        env.reset(options={"task": "a"})


def test_recorded_evaluations_are_given_of_own_tasks_only(tiny_tables):
    env = ConfigSelectionEnv("tiny", split="train")
    np.testing.assert_array_equal(env.evaluations("a").scores, tiny_tables["tiny"].task("a").scores)
    with pytest.raises(KeyError, match="'c' is not in this environment"):
        env.evaluations("c")


@pytest.mark.parametrize(("table", "options"), [("tiny", {}), ("tiny-epochs", {"fidelity": "action"})])
def test_recorded_evaluations_cannot_be_changed(table, options):
    """They are what the environment itself plays, after pickling as well."""
    env = ConfigSelectionEnv(table, **options)
    for each in (env, pickle.loads(pickle.dumps(env))):
        for array in each.evaluations("a"):
            with pytest.raises(ValueError, match="read-only"):
                array[:] = 0


def test_a_pickled_search_goes_on_as_the_original_does():
    env = ConfigSelectionEnv("tiny", budget=8, observe_pool=True)
    env.reset(seed=5)
    env.step(3)
    twin = pickle.loads(pickle.dumps(env))
    for action in (3, 3, 1, 0):
        (o, *rest), (p, *other) = env.step(action), twin.step(action)
        assert rest == other
        assert all(np.array_equal(o[name], p[name]) for name in o)
    assert env.reset()[1] == twin.reset()[1]


def test_a_fixed_initial_design_comes_first_whatever_the_actions(tmp_path, monkeypatch, tiny_tables):
    table = tiny_tables["tiny"]
    tasks = {k: replace(t, initial_designs={"test0": (9, 2)}) for k, t in table.tasks.items()}
    monkeypatch.setattr("hpo_gym.envs.selection_problem.open_table", lambda name: replace(table, tasks=tasks))
    env = ConfigSelectionEnv("tiny", budget=4, initial_design="test0")
    env.reset(seed=0)
    assert [step[4]["configuration"] for step in play(env, [0, 0, 0, 5])] == [9, 2, 0, 5]


def test_a_fixed_initial_design_without_a_score_is_refused(monkeypatch, tiny_tables):
    table = tiny_tables["tiny-missing"]
    tasks = {k: replace(t, initial_designs={"test0": (9, 3)}) for k, t in table.tasks.items()}
    monkeypatch.setattr("hpo_gym.envs.selection_problem.open_table", lambda name: replace(table, tasks=tasks))
    with pytest.raises(ValueError, match="initial_design='test0': task 'a' has no score of its row 3"):
        ConfigSelectionEnv("tiny-missing", initial_design="test0")


EPISODE = f"""
import gymnasium as gym, hashlib, hpo_gym
env = gym.make("{ID}", action="unit_cube", replicate="random", budget=6)
env.action_space.seed(1)
digest = hashlib.sha256()
for _ in range(3):
    observation, _ = env.reset(seed=11 if _ == 0 else None)
    over = False
    while not over:
        observation, reward, over, _, info = env.step(env.action_space.sample())
        digest.update(repr((reward, info)).encode() + observation["scores"].tobytes())
print(digest.hexdigest())
"""


def test_the_same_seed_gives_the_same_episodes_in_another_process_with_another_hash_seed():
    digests = {
        subprocess.run(
            [sys.executable, "-c", EPISODE], env={**__import__("os").environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(digests) == 1


def test_record_video_writes_a_film_of_a_search(tmp_path):
    pytest.importorskip("moviepy")
    env = gym.wrappers.RecordVideo(
        gym.make(ID, render_mode="rgb_array", budget=2), str(tmp_path / "film"), disable_logger=True
    )
    env.reset(seed=0)
    env.step(0)
    env.step(1)
    env.close()
    assert [p.suffix for p in (tmp_path / "film").iterdir()] == [".mp4"]


def test_closing_twice_is_fine():
    env = gym.make(ID)
    env.close()
    env.close()
