"""The searcher keeps episodes apart, whatever runs beside them and however it is called."""

import gymnasium as gym
import numpy as np
import pytest
from search_table import ENV_ID, context, grid, search, write_table

from agents.catalogue import resolve
from agents.search.random import RandomSearch
from agents.search.searcher import Searcher

TASKS = ("a", "b", "c")


@pytest.fixture(scope="module")
def env_kwargs(tmp_path_factory):
    rng = np.random.default_rng(5)
    return write_table(tmp_path_factory.mktemp("three"), {task: rng.random(25) for task in TASKS}, grid(5))


class FirstAvailable(Searcher):
    """Tries the lowest index that is left, and remembers how often it was asked."""

    def begin(self, history, episode):
        return []

    def choose(self, history, episode):
        episode.memory.append(history.n_trials)
        return int(history.available.argmax())


def observation_of(n_members=1, n=5, n_trials=0):
    available = np.ones((n_members, n), np.int8)
    available[:, :n_trials] = 0
    return {
        "configurations": np.zeros((n_members, 4, 2), np.float32),
        "scores": np.zeros((n_members, 4), np.float32),
        "valid": np.tile(np.arange(4) < n_trials, (n_members, 1)).astype(np.int8),
        "remaining": np.full((n_members, 1), 1 - n_trials / 4, np.float32),
        "pool": np.zeros((n_members, n, 2), np.float32),
        "available": available,
        "indices": np.tile(np.where(np.arange(4) < n_trials, np.arange(4), -1), (n_members, 1)),
    }


def single(observation):
    return {key: value[0] for key, value in observation.items()}


@pytest.mark.parametrize("name", ["random", "tpe", "average-rank", "greedy-regret"])
def test_an_episode_depends_on_its_own_seed_alone(name, env_kwargs):
    build = resolve(name).build
    together = gym.make_vec(
        ENV_ID, num_envs=3, vectorization_mode="vector_entry_point", observe_pool=True, **env_kwargs
    )
    observation, _ = together.reset(seed=0, options={"task_id": list(TASKS)})
    agent = build(context(env_kwargs, ("a", "b")))
    agent.start_episodes([11, 12, 13])
    state, tried = None, []
    for _ in range(env_kwargs["budget"]):
        actions, state = agent.predict(observation, state)
        tried.append(actions)
        observation, *_ = together.step(actions)
    together.close()
    alone, _ = search(build(context(env_kwargs, ("a", "b"))), env_kwargs, "c", seed=13)
    assert np.array(tried)[:, 2].tolist() == alone


def test_handing_the_state_back_or_not_makes_no_difference():
    kept, forgotten = RandomSearch(), RandomSearch()
    kept.start_episodes([3, 4])
    forgotten.start_episodes([3, 4])
    state = None
    for t in range(4):
        with_state, state = kept.predict(observation_of(2, 50, t), state)
        without, _ = forgotten.predict(observation_of(2, 50, t))
        assert with_state.tolist() == without.tolist()


def test_an_episode_without_a_given_seed_is_reproducible_and_unlike_the_next():
    first, again = RandomSearch(seed=1), RandomSearch(seed=1)
    start = single(observation_of(n=10_000))
    episodes = [first.predict(start)[0] for _ in range(3)]
    assert episodes == [again.predict(start)[0] for _ in range(3)]
    assert len(set(episodes)) == 3


def test_a_member_that_starts_anew_forgets_and_its_neighbour_does_not():
    agent = FirstAvailable()
    agent.start_episodes([0, 1])
    _, state = agent.predict(observation_of(2))
    _, state = agent.predict(observation_of(2, n_trials=1), state, episode_start=np.array([True, False]))
    assert [episode.memory for episode in state] == [[1], [0, 1]]


def test_a_first_observation_starts_an_episode_where_nothing_else_says_so():
    agent = FirstAvailable()
    for n_trials in (0, 1, 0):
        _, state = agent.predict(single(observation_of(n_trials=n_trials)))
    assert state[0].memory == [0]


def test_an_agent_may_join_a_search_that_has_begun():
    action, _ = FirstAvailable().predict(single(observation_of(n_trials=2)))
    assert action == 2
    assert np.ndim(action) == 0


def test_a_finished_or_exhausted_search_is_not_thought_about():
    agent = FirstAvailable()
    over, exhausted = observation_of(n_trials=4), observation_of()
    exhausted["available"][:] = 0
    for observation in (over, exhausted):
        action, state = agent.predict(single(observation))
        assert action == 0
        assert not state[0].memory


def test_an_observation_without_the_pool_says_which_option_is_missing():
    observation = observation_of()
    del observation["pool"]
    with pytest.raises(ValueError, match="observe_pool=True"):
        RandomSearch().predict(observation)


def test_another_number_of_members_than_was_started_is_an_error():
    agent = RandomSearch()
    agent.start_episodes([1, 2, 3])
    with pytest.raises(ValueError, match="3 episodes were started, the observations are of 2"):
        agent.predict(observation_of(2))


def test_random_search_is_uniform_over_what_is_available():
    agent = RandomSearch()
    observation = observation_of(4000, n=8)
    observation["available"][:, ::2] = 0
    agent.start_episodes(range(4000))
    actions, _ = agent.predict(observation)
    counts = np.bincount(actions, minlength=8)
    assert counts[::2].sum() == 0
    assert (abs(counts[1::2] - 1000) < 5 * np.sqrt(4000 * 0.25 * 0.75)).all()


def test_random_search_tries_every_configuration_once():
    agent = RandomSearch()
    observation = observation_of(1, n=4)
    agent.start_episodes([0])
    tried, state = [], None
    for t in range(4):
        observation["valid"][:, :t] = 1
        action, state = agent.predict(observation, state)
        tried.append(int(action[0]))
        observation["available"][0, action] = 0
    assert sorted(tried) == [0, 1, 2, 3]
