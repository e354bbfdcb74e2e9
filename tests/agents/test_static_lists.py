"""Lists learned from training tasks: worked by hand, blind to the evaluated task, and skipping what is missing."""

from dataclasses import replace

import numpy as np
import pytest
from search_table import context, grid, search, write_table

from agents.catalogue import resolve
from agents.search.portfolio import greedy_portfolio
from agents.search.static_list import average_rank_order, mean_rank
from agents.search.training_tasks import normalised_regret, rank_of_scores, read_training_tasks
from hpo_gym.evaluation.agent import AgentContext
from hpo_gym.evaluation.errors import EvaluationError

LISTS = ["average-rank", "greedy-regret", "greedy-rank"]
POOL = grid(2)
SCORES = {
    "a": np.array([0.9, 0.1, 0.7, 0.5]),
    "b": np.array([0.2, 1.0, 0.6, 0.4]),
    "c": np.array([0.8, 0.0, 0.7, 0.9]),
}


def test_ranks_of_ties_are_shared_and_missing_scores_have_none():
    ranks = rank_of_scores(np.array([0.5, 0.9, np.nan, 0.5, 0.1]))
    assert ranks.tolist()[:2] == [2.5, 1.0]
    assert np.isnan(ranks[2])
    assert ranks.tolist()[3:] == [2.5, 4.0]


def test_normalised_regret_of_equal_scores_is_zero():
    assert normalised_regret(np.array([0.4, 0.4])).tolist() == [0.0, 0.0]


def test_the_average_rank_list_of_three_tasks_is_as_worked_by_hand():
    # ranks: a 1 4 2 3, b 4 1 2 3, c 2 4 3 1; sums 7 9 7 7: ties keep the pool's order
    ranks = np.array([rank_of_scores(scores) for scores in SCORES.values()])
    assert average_rank_order(ranks).tolist() == [0, 2, 3, 1]


def test_a_configuration_that_no_task_knows_comes_last():
    ranks = np.array([[np.nan, 2.0, 1.0], [np.nan, np.nan, 2.0]])
    assert mean_rank(ranks).tolist() == [np.inf, 2.0, 1.5]
    assert average_rank_order(ranks).tolist() == [2, 1, 0]


def test_the_greedy_portfolio_of_three_tasks_is_as_worked_by_hand():
    # regrets: a 0 1 1/4 1/2, b 1 0 1/2 3/4, c 1/9 1 2/9 0. Sums 1.11, 2, .97, 1.25: first 2.
    # With 2: 0 leaves 0 + 1/2 + 1/9 = .611, 1 leaves 1/4 + 0 + 2/9 = .472, 3 leaves 1/4 + 1/2: then 1.
    # With 2, 1: 0 leaves 1/9, 3 leaves 1/4: then 0, then 3.
    regrets = np.array([normalised_regret(scores) for scores in SCORES.values()])
    assert greedy_portfolio(regrets, np.zeros(4), 4).tolist() == [2, 1, 0, 3]


def test_when_every_task_is_solved_the_portfolio_goes_on_by_the_tie_break():
    losses = np.array([[0.0, 1.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0]])
    assert greedy_portfolio(losses, np.array([9.0, 3.0, 1.0, 2.0]), 4).tolist() == [0, 2, 3, 1]


def test_what_follows_the_greedy_entries_is_ordered_by_the_tie_break():
    losses = np.array([[0.0, 0.1, 0.2, 0.3]])
    assert greedy_portfolio(losses, np.array([0.0, 3.0, 2.0, 1.0]), 1).tolist() == [0, 3, 2, 1]


def test_a_missing_loss_improves_nothing():
    losses = np.array([[0.5, np.nan, 1.0], [0.5, 0.0, 1.0]])
    assert greedy_portfolio(losses, np.zeros(3), 3).tolist()[0] == 0  # (.5 + .5) ties (1 + 0): lower index


@pytest.mark.parametrize("name", LISTS)
def test_lists_do_not_see_the_scores_of_the_evaluated_task(name, tmp_path):
    lists = []
    for i, poisoned in enumerate((SCORES["c"], np.array([0.3, 0.9, 0.1, 0.2]))):
        kwargs = write_table(tmp_path / str(i), {**SCORES, "c": poisoned}, POOL) | {"budget": 4}
        agent = resolve(name).build(context(kwargs, ("a", "b")))
        lists.append(search(agent, kwargs, "c")[0])
    assert lists[0] == lists[1]


@pytest.mark.parametrize("name", LISTS)
def test_lists_skip_what_the_task_has_no_score_for(name, tmp_path):
    kwargs = write_table(tmp_path, SCORES | {"c": np.array([0.8, np.nan, 0.7, 0.9])}, POOL) | {"budget": 3}
    tried, _ = search(resolve(name).build(context(kwargs, ("a", "b"))), kwargs, "c")
    assert sorted(tried) == [0, 2, 3]


@pytest.mark.parametrize("name", LISTS)
def test_lists_reach_a_pool_of_its_own_through_a_model(name, tmp_path):
    rng = np.random.default_rng(0)
    pools = [rng.random((80, 2)) for _ in range(3)]
    kwargs = write_table(tmp_path, {t: -abs(p - 0.7).sum(1) for t, p in zip("abc", pools, strict=True)}, pools)
    tried, scores = search(resolve(name).build(context(kwargs, ("a", "b"))), kwargs, "c")
    assert len(set(tried)) == kwargs["budget"]
    assert max(scores) >= np.sort(-abs(pools[2] - 0.7).sum(1))[-8]


def test_a_list_without_training_tasks_is_an_error(tmp_path):
    kwargs = write_table(tmp_path, SCORES, POOL)
    with pytest.raises(EvaluationError, match="learns from training tasks"):
        read_training_tasks(context(kwargs, ()))


def test_drawn_replicates_are_averaged_for_fitting():
    embedded = AgentContext(
        env_id="hpo_gym/ConfigSelection-HPOBenchMLP-v0", train_tasks=("car",), env_kwargs={"replicate": "random"}
    )
    drawn = read_training_tasks(embedded).scores[0]
    averaged = read_training_tasks(replace(embedded, env_kwargs={})).scores[0]
    np.testing.assert_allclose(drawn, averaged)
