"""Environments in Ray's actors are those of one process, to the bit, also after an actor's death."""

import numpy as np
import pytest
from engine_cluster import kill_actor
from gymnasium.wrappers.vector import RecordEpisodeStatistics

import hpo_gym  # noqa: F401 - registers
from hpo_gym.engines import EngineError
from hpo_gym.integrations.ray_vec_env import make_ray_vec_env
from hpo_gym.integrations.stable_baselines3 import make_sb3_vec_env

QUADRATIC = "hpo_gym/InRunControl-NoisyQuadratic-v0"
MLP = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"
SEARCH = {"split": "train", "budget": 4, "action": "index"}


@pytest.fixture(scope="module", name="searches")
def _searches(cluster):
    """Three searches here, and the same three in two actors."""
    here, there = make_sb3_vec_env(MLP, 3, **SEARCH), make_ray_vec_env(MLP, 3, workers=2, **SEARCH)
    yield here, there
    here.close()
    there.close()


def same(one, other):
    """The same numbers in the same places; what a clock says is left out."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        return all(same(one[key], other[key]) for key in one if key != "wall_s")
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return type(one) is type(other) and one == other


def play(env, n_steps, rng):
    """What the steps of an agent that draws its actions give."""
    seen = []
    for _ in range(n_steps):
        free = np.stack(env.env_method("action_masks"))
        actions = np.array([rng.choice(np.flatnonzero(mask)) for mask in free])
        seen.append((env.step(actions), list(env.reset_infos)))
    return seen


def begun(env, seed=None, options=None):
    """What a reset gives."""
    if seed is not None:
        env.seed(seed)
    if options is not None:
        env.set_options(options)
    return env.reset(), env.reset_infos


@pytest.mark.slow
def test_spaces_attributes_and_methods_are_those_of_one_environment(searches):
    here, there = searches
    assert there.num_envs == 3
    assert there.observation_space == here.observation_space
    assert there.action_space == here.action_space
    assert there.metadata == here.metadata
    assert there.render_mode == here.render_mode
    assert there.get_attr("task_ids") == here.get_attr("task_ids")
    assert there.get_attr("budget", [2, 0]) == here.get_attr("budget", [2, 0]) == [4, 4]
    assert not there.has_attr("n_decisions")
    task = here.get_attr("task_ids")[0][0]
    assert same(*[env.get_attr("evaluations", [1])[0](task).scores for env in searches])
    assert same(*[env.env_method("evaluations", task, indices=2)[0].pool for env in searches])
    assert there.env_is_wrapped(RecordEpisodeStatistics) == [False] * 3


@pytest.mark.slow
def test_episodes_are_those_of_one_environment_with_seeds_options_and_masks(searches):
    here, there = searches
    tasks = here.get_attr("task_ids")[0]
    each = [{"task_id": tasks[i]} for i in (1, 0, 2)]
    mask = np.array([False, True, False])
    for seed, options in [(5, None), (None, None), (None, each), (7, {"task_id": list(tasks[:3])})]:
        assert same(begun(here, seed, options), begun(there, seed, options))
        assert same(play(here, 6, np.random.default_rng(0)), play(there, 6, np.random.default_rng(0)))
    again = {"task_id": list(tasks[:3]), "reset_mask": mask}
    assert same(begun(here, None, again), begun(there, None, again))
    assert same(play(here, 5, np.random.default_rng(1)), play(there, 5, np.random.default_rng(1)))


@pytest.mark.slow
def test_what_does_not_fit_is_the_same_error(searches):
    for env in searches:
        begun(env, 0)
        with pytest.raises(ValueError, match="the members share the attribute 'x'"):
            env.set_attr("x", 1, [0])
        env.set_options({"task_id": ["a", "b"]})
        with pytest.raises(ValueError, match=r"options\['task_id'\] has 2 entries for 3 members"):
            env.reset()
        with pytest.raises(AttributeError, match="no_such_method"):
            env.env_method("no_such_method")
        env.set_options({})
        env.reset()


@pytest.mark.slow
def test_a_dead_actor_is_brought_back_to_where_it_was(searches, caplog):
    here, there = searches
    assert same(begun(here, 3), begun(there, 3))
    assert same(play(here, 5, np.random.default_rng(2)), play(there, 5, np.random.default_rng(2)))
    kill_actor(there, 0)
    assert same(play(here, 5, np.random.default_rng(3)), play(there, 5, np.random.default_rng(3)))
    assert "a Ray worker with 2 members died" in caplog.text
    assert same(begun(here), begun(there))  # the random numbers go on, too


def test_no_workers_are_refused():
    with pytest.raises(EngineError, match="workers=0: one or more is needed"):
        make_ray_vec_env(QUADRATIC, 2, workers=0)
