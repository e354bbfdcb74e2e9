"""Rollouts record what really happened, on native vector environments and on any other."""

import gymnasium as gym
import numpy as np
import pytest
from toy_search import ENV_ID, InOrder, Seeded

import hpo_gym  # noqa: F401 - registers the environments
from hpo_gym.evaluation import rollout as rollout_module
from hpo_gym.evaluation.action_check import check_actions
from hpo_gym.evaluation.episode_batch import batch_of_episodes
from hpo_gym.evaluation.errors import AgentError, EvaluationError
from hpo_gym.evaluation.rollout import episode_seeds, make_members, rollout, rollout_batch

EMBEDDED = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"


class Uniform:
    """Draws actions of any space from the episodes' own seeds."""

    def __init__(self, space):
        self.space = space

    def start_episodes(self, seeds):
        self.rngs = [np.random.default_rng(seed) for seed in seeds]

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        if isinstance(self.space, gym.spaces.Discrete):
            return np.array([rng.integers(self.space.n) for rng in self.rngs]), None
        return np.array([rng.random(self.space.shape, np.float32) for rng in self.rngs]), None


class Constant:
    def __init__(self, action):
        self.action = action

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return self.action, state


def test_an_episode_records_actions_scores_rewards_costs_and_bounds():
    first, second = rollout(InOrder(), ENV_ID, {"budget": 3}, "a", [7, 8], agent_name="in-order")
    assert (first.agent, first.env_id, first.task_id, first.seed) == ("in-order", ENV_ID, "a", 7)
    assert first.actions == (0, 1, 2)
    assert first.scores == first.rewards == (0.1, 0.5, 0.3)
    assert first.costs == (1.0, 2.0, 3.0)
    assert (first.best_score, first.worst_score) == (0.9, 0.1)
    assert second.seed == 8


def test_a_member_that_ends_early_stands_still_until_the_others_are_done():
    class OneEarly(InOrder):
        def predict(self, observation, state=None, episode_start=None, deterministic=False):
            self.t += 1
            return np.array([3, self.t]), state

    early, late = rollout(OneEarly(), ENV_ID, {"ends_at_best": True, "budget": 3}, "a", [0, 1])
    assert early.scores == (0.9,)
    assert early.actions == (3,)
    assert late.scores == (0.1, 0.5, 0.3)


def test_an_episode_does_not_depend_on_which_others_run_beside_it():
    together = rollout(Seeded(), ENV_ID, {}, "b", [0, 1, 2])
    assert rollout(Seeded(), ENV_ID, {}, "b", [2]) == together[2:]


def test_seeds_that_do_not_fit_into_memory_at_once_run_in_turn_with_the_same_outcome(monkeypatch):
    together = rollout(Seeded(), ENV_ID, {}, "b", range(5))
    monkeypatch.setattr(rollout_module, "_MAX_OBSERVATION_BYTES", 8)  # two members of one float32
    assert rollout(Seeded(), ENV_ID, {}, "b", range(5)) == together


def test_the_same_seed_is_another_one_on_another_task_and_the_environment_s_itself_without_tasks():
    for first, second in [((0, "a"), (0, "b")), ((0, "a"), (1, "a"))]:
        assert not set(episode_seeds(*first)) & set(episode_seeds(*second))
    assert episode_seeds(5, "")[0] == 5


@pytest.mark.parametrize("task_id", ["", "a"])
def test_agent_and_environment_do_not_share_their_draws(task_id):
    for_environment, for_agent = np.array([episode_seeds(seed, task_id) for seed in range(300)]).T
    draws = [[np.random.default_rng(seed).random() for seed in seeds] for seeds in (for_environment, for_agent)]
    assert abs(np.corrcoef(draws)[0, 1]) < 0.2


def test_arrays_and_records_hold_the_same_episodes():
    batch = rollout_batch(Seeded(), ENV_ID, {"trial_cost": 0.5}, "c", range(3))
    back = batch_of_episodes(batch.episodes())
    assert back.incumbents(4).tolist() == batch.incumbents(4).tolist()
    assert back.returns.tolist() == batch.returns.tolist()


@pytest.mark.parametrize(
    ("action", "complaint"),
    [
        (np.array([0]), r"actions of shape \(1,\) for 2 episodes of Discrete\(5\); expected \(2,\)"),
        (np.array([0, 5]), r"seed 11: action 5 is not in Discrete\(5\)"),
        (np.array([-1, 0]), r"seed 10: action -1 is not in Discrete\(5\)"),
        (np.array([0.0, np.nan]), r"actions of dtype float64 for Discrete\(5\); expected integers"),
        (None, r"actions of shape \(\)"),
        (["x", "y"], "actions of dtype <U1"),
    ],
)
def test_a_wrong_action_names_agent_task_trial_and_what_is_allowed(action, complaint):
    with pytest.raises(AgentError, match=rf"agent 'wrong', task 'a', trial 1.*{complaint}"):
        rollout(Constant(action), ENV_ID, {}, "a", [10, 11], agent_name="wrong")


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1.5, -0.1])
def test_a_point_outside_the_box_is_a_wrong_action(bad):
    space = gym.spaces.Box(0.0, 1.0, (2,), np.float32)
    actions = np.array([[0.5, 0.5], [0.5, bad]])
    with pytest.raises(AgentError, match=r"here, seed 1: action \[0.5, .*\] is not in Box"):
        check_actions(actions, space, np.array([True, True]), [0, 1], "here")
    check_actions(actions, space, np.array([True, False]), [0, 1], "here")  # a finished member may do anything


def test_a_level_that_does_not_exist_is_a_wrong_action():
    space = gym.spaces.MultiDiscrete([5, 3])
    with pytest.raises(AgentError, match=r"action \[4, 3\] is not in MultiDiscrete"):
        check_actions(np.array([[4, 2], [4, 3]]), space, np.array([True, True]), [0, 1], "here")


def test_an_agent_s_own_error_says_where_it_happened():
    class Broken:
        def predict(self, observation, state=None, episode_start=None, deterministic=False):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as error:
        rollout(Broken(), ENV_ID, {}, "a", [0], agent_name="broken")
    assert error.value.__notes__ == ["while predicting: agent 'broken', task 'a', trial 1"]


def test_an_environment_that_starts_another_task_is_caught(monkeypatch):
    monkeypatch.setattr("toy_search.ToySearchEnv.reset", _reset_to_d)
    with pytest.raises(EvaluationError, match="started task 'd' instead of 'a'"):
        rollout(InOrder(), ENV_ID, {}, "a", [0])


def _reset_to_d(self, *, seed=None, options=None):
    gym.Env.reset(self, seed=seed)
    return np.zeros(1, np.float32), {"task_id": "d"}


def test_any_gymnasium_environment_can_be_played():
    class Left(Constant):
        def predict(self, observation, state=None, episode_start=None, deterministic=False):
            return np.zeros(len(observation), np.int64), state

    episodes = rollout(Left(None), "CartPole-v1", {}, "", [0, 1, 2])
    for episode in episodes:
        env = gym.make("CartPole-v1")
        env.reset(seed=episode.seed)
        outcomes = [env.step(0) for _ in episode.actions]
        assert [o[2] for o in outcomes] == [False] * (len(outcomes) - 1) + [True]
        assert episode.rewards == (1.0,) * len(outcomes)
        assert episode.scores == ()


@pytest.mark.parametrize("options", [{}, {"action": "unit_cube"}, {"repeat": "end"}, {"replicate": "random"}])
def test_the_embedded_table_gives_what_its_single_environment_gives_for_the_recorded_actions(options):
    kwargs = {"budget": 6, **options}
    env = gym.make(EMBEDDED, tasks=["vehicle"], **kwargs)
    for episode in rollout(Uniform(env.action_space), EMBEDDED, kwargs, "vehicle", [0, 1, 2]):
        _, info = env.reset(seed=episode_seeds(episode.seed, "vehicle")[0], options={"task_id": "vehicle"})
        assert info["best_score"] == episode.best_score
        for action, score, reward in zip(episode.actions, episode.scores, episode.rewards, strict=True):
            taken = np.asarray(action, env.action_space.dtype) if isinstance(action, list) else action
            _, r, terminated, _, info = env.step(taken)
            assert (info["score"], r) == (score, reward)
        assert terminated


def test_the_embedded_table_is_played_on_its_native_vector_environment():
    env = make_members(EMBEDDED, 3, {"budget": 2})
    assert type(env.unwrapped).__name__ == "ConfigSelectionVectorEnv"
    env.close()
