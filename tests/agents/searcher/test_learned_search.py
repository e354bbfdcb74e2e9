"""The trained network as an agent: whatever the batch, its order, its pool and its budget."""

import numpy as np
import pytest
import torch
from search_table import ENV_ID, context, grid, search, write_table

from agents.search.training_tasks import read_training_tasks
from agents.searcher.agent import LearnedSearch
from agents.searcher.architecture import SearcherArchitecture
from agents.searcher.candidates import GREEDY
from agents.searcher.network import PointerNetwork
from hpo_gym.integrations.stable_baselines3 import make_sb3_vec_env
from hpo_gym.testing import check_agent

TASKS = ("a", "b", "c", "d", "e")


def bowls(pool, seed=0):
    """Scores of five tasks on a pool."""
    rng = np.random.default_rng(seed)
    return {task: 0.9 - rng.uniform(0.2, 0.6) * ((pool - rng.random(2)) ** 2).sum(axis=1) for task in TASKS}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """25 configurations, the same of all tasks."""
    return write_table(tmp_path_factory.mktemp("searched") / "table", bowls(grid(5)), grid(5))


def agent_on(env_kwargs, train_tasks=("a", "b", "c"), seed=0, margin=0.5):
    """With a network that is not what training begins with."""
    torch.manual_seed(1)
    network = PointerNetwork(width=16)
    torch.nn.init.normal_(network.score.weight)
    return LearnedSearch(network, read_training_tasks(context(env_kwargs, train_tasks)), margin=margin, seed=seed)


def vector_env(env_kwargs, tasks, **options):
    """A member a task, at its start, and the first observation."""
    env = make_sb3_vec_env(ENV_ID, len(tasks), **{**env_kwargs, "observe_pool": True, **options})
    env.set_options([{"task_id": task} for task in tasks])
    return env, env.reset()


def rows_of(observation, order):
    return {name: values[order] for name, values in observation.items()}


def play(agent, env, observation, n_trials):
    """(members, n_trials) what is tried, and the observations before each trial."""
    agent.start_episodes(range(env.num_envs))
    observations, tried = [], []
    for _ in range(n_trials):
        observations.append({name: values.copy() for name, values in observation.items()})
        actions, _ = agent.predict(observation)
        observation, _, _, infos = env.step(actions)
        tried.append([info["configuration"] for info in infos])
    return np.array(tried).T, observations


def test_a_member_of_a_batch_tries_what_it_would_try_alone(table):
    tasks = ["d", "e", "d", "a"]
    tried, _ = play(agent_on(table), *vector_env(table, tasks), 5)
    for member, task in enumerate(tasks):
        assert search(agent_on(table), table, task, seed=member)[0][:5] == tried[member].tolist()
    assert len({tuple(row) for row in tried.tolist()}) > 1


def test_the_order_of_the_members_and_where_they_begin_do_not_matter(table):
    agent = agent_on(table)
    tried, observations = play(agent, *vector_env(table, ["d", "e", "a"]), 5)
    for t in (4, 2):
        for order in ([2, 0, 1], [1, 1, 0], [2]):
            anew, _ = agent_on(table).predict(rows_of(observations[t], order))
            again, _ = agent.predict(rows_of(observations[t], order))  # which knows other episodes
            assert anew.tolist() == again.tolist() == tried[order, t].tolist()


def test_members_that_are_at_different_trials_are_each_served(table):
    agent = agent_on(table)
    tried, observations = play(agent, *vector_env(table, ["d", "e"]), 5)
    mixed = {name: np.stack([observations[1][name][0], observations[4][name][1]]) for name in observations[0]}
    assert agent_on(table).predict(mixed)[0].tolist() == [tried[0, 1], tried[1, 4]]


def test_the_same_rows_with_other_scores_are_another_search(table):
    _, observations = play(agent_on(table), *vector_env(table, ["d"]), 3)
    other = {**observations[2], "scores": 1 - observations[2]["scores"]}
    agent = agent_on(table)
    agent.predict(observations[2])
    assert agent.predict(other)[0].tolist() == agent_on(table).predict(other)[0].tolist()


def test_the_margin_says_how_far_from_the_greatest_expected_improvement_it_may_go(table):
    _, observations = play(agent_on(table), *vector_env(table, ["d", "e", "a"]), 4)
    behind = []
    for margin in (0.0, 0.3, 100.0):
        agent = agent_on(table, margin=margin)
        agent.network = lambda features, *_: -features[..., GREEDY]  # it wants what seems worst
        chosen = agent.predict(observations[3])[0]
        posterior = agent._episodes[0].memory[0]
        improvement = torch.where(posterior.available, posterior.beliefs().improvement, 0)
        logs = improvement.log() - improvement.max(1, keepdim=True)[0].log()
        behind.append(-float(logs.gather(1, torch.as_tensor(chosen)[:, None]).min()))
    assert behind[0] == 0
    assert behind[1] <= 0.3001
    assert behind[2] > 0.3001


def test_a_table_may_have_a_margin_of_its_own(table):
    sizes = {"name": "searcher", "width": 16, "n_heads": 2, "n_layers": 1}
    searcher = SearcherArchitecture(**sizes, margin=0.5, margins={ENV_ID: 2.0})
    tensors = PointerNetwork(width=16).state_dict()
    there = context(table, ("a", "b"))
    assert searcher.agent(tensors, context=there, training_cost=None).margin == 2
    elsewhere = SearcherArchitecture(**sizes, margin=0.5, margins={"elsewhere": 2.0})
    assert elsewhere.agent(tensors, context=there, training_cost=None).margin == 0.5
    with pytest.raises(ValueError, match="margin"):
        SearcherArchitecture(**sizes, margin=-0.1)


def test_seeds_do_not_matter(table):
    first, second = (search(agent_on(table, seed=seed), table, "d", seed=seed)[0] for seed in (0, 7))
    assert first == second


def test_the_whole_pool_is_searched_without_a_repeat_in_a_budget_longer_than_any_it_was_trained_for(table):
    tried, _ = search(agent_on(table), {**table, "budget": 40}, "e")
    assert sorted(tried) == list(range(25))


def test_a_pool_smaller_than_the_number_of_candidates_is_searched_to_its_end(tmp_path):
    pool = grid(2)
    table = write_table(tmp_path / "table", bowls(pool), pool)
    tried, _ = search(agent_on(table), table, "e")
    assert sorted(tried) == [0, 1, 2, 3]


@pytest.mark.slow
def test_tasks_with_pools_of_their_own_are_searched(tmp_path):
    rng = np.random.default_rng(0)
    pools = [rng.random((n, 2)) for n in (9, 12, 10, 15, 14)]
    scores = {task: bowls(pool)[task] for task, pool in zip(TASKS, pools, strict=True)}
    table = write_table(tmp_path / "table", scores, pools)
    agent = agent_on(table, train_tasks=("a", "b"))
    tried, _ = play(agent, *vector_env(table, ["d", "e", "d"]), 5)
    assert all(len(set(row)) == 5 for row in tried.tolist())
    assert tried[0].tolist() == tried[2].tolist() == search(agent, table, "d")[0][:5]


def test_a_score_that_went_astray_does_not_end_the_search(table):
    _, observations = play(agent_on(table), *vector_env(table, ["d"]), 4)
    scores = observations[3]["scores"].copy()
    scores[0, :3] = [-1e30, 0.4, 1e30]
    chosen = agent_on(table).predict({**observations[3], "scores": scores})[0]
    assert observations[3]["available"][0, chosen[0]]


def test_it_passes_the_agent_checks(table):
    check_agent(agent_on(table), ENV_ID, env_kwargs={**table, "observe_pool": True})


def test_the_weights_fit_every_pool_that_is_seen_and_nothing_else(table):
    sizes = SearcherArchitecture(name="searcher", width=16, n_heads=2, n_layers=1)
    env, _ = vector_env(table, ["a"])
    assert sizes.misfit(env.observation_space, env.action_space) == ""
    env = make_sb3_vec_env(ENV_ID, 1, **table)
    assert "observe_pool=True" in sizes.misfit(env.observation_space, env.action_space)
    env = make_sb3_vec_env(ENV_ID, 1, **table, observe_pool=True, action="unit_cube")
    assert "rows of a pool" in sizes.misfit(env.observation_space, env.action_space)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="width 10 is no multiple of n_heads 4"):
        SearcherArchitecture(name="searcher", width=10, n_heads=4, n_layers=1)


def test_of_weights_of_other_tables_the_declared_splits_come_first():
    names = dict.fromkeys(["searcher-tables-fold-1", "searcher-tables", "searcher-tables-fold-2"])
    assert SearcherArchitecture.nearest(names, context({}, ())) == "searcher-tables"
    assert SearcherArchitecture.nearest({}, context({}, ())) is None
