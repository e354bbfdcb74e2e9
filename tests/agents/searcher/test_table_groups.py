"""Groups of searches on a table that is small enough to work out by hand."""

import numpy as np
import pytest
import torch
from search_table import ENV_ID, grid, write_table

from agents.searcher.candidates import N_CANDIDATES
from agents.searcher.table_groups import TableGroups
from hpo_gym.integrations.stable_baselines3 import make_sb3_vec_env

POOL = grid(2)
SCORES = {"a": [0, 0.25, 0.5, 1], "b": [1, 0.5, 0.25, 0], "c": [0, 1, 0.5, 0.25]}
UNIT = [0.75, 2 / 3]  # each searched in the order of the other two's means: .75 .75, .5 .5, 1 .75


def groups_of(table, n_members=4, *, group_size=2, n_rows=100, **options):
    env = make_sb3_vec_env(ENV_ID, n_members, **{**table, "budget": 2, **options})
    return TableGroups(env, group_size=group_size, n_rows=n_rows)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("by_hand") / "table"
    return write_table(folder, {task: np.array(values) for task, values in SCORES.items()}, POOL)


def tasks_of(groups):
    return [info["task_id"] for info in groups.env.reset_infos]


def seed_of(task, groups):
    """A seed with which a group searches the task."""
    for seed in range(100):
        groups.begin([seed] * 4)
        if tasks_of(groups)[0] == task:
            return seed
    raise AssertionError(task)


def slot_of(row, seen):
    """The first slot of a row, in every member."""
    return (seen.rows == row).int().argmax(1).numpy()


def test_differences_are_measured_by_what_a_fixed_order_leaves(table):
    np.testing.assert_allclose(groups_of(table).regret_unit, UNIT)


def test_gains_are_by_how_much_a_candidate_would_lower_the_regret(table):
    groups = groups_of(table)
    seed = seed_of("a", groups)
    seen = groups.begin([seed] * 4)
    by_row = torch.tensor([0, 0.25, 0.5, 1.0]) / UNIT[0]
    np.testing.assert_allclose(groups.gains(), by_row[seen.rows], rtol=1e-5)
    groups.advance(slot_of(2, seen))
    by_row = torch.tensor([0, 0, 0, 0.5]) / UNIT[1]
    np.testing.assert_allclose(groups.gains(), by_row[groups.candidates().rows], rtol=1e-5)


def test_a_gain_is_never_more_than_the_largest(tmp_path):
    scores = {task: np.array([0, 0.9999, 1, 0.9999]) for task in SCORES}
    groups = groups_of(write_table(tmp_path / "table", scores, POOL))
    groups.begin([0] * 4)
    assert groups.regret_unit.tolist() == [0.002, 0.002]  # the others' best is the best here
    assert groups.gains().max() == 10


def test_rewards_sum_to_the_regret_that_is_left_beside_the_fixed_orders(table):
    groups = groups_of(table)
    seen = groups.begin([seed_of("a", groups)] * 4)
    first, dones, infos = groups.advance(slot_of(1, seen))
    np.testing.assert_allclose(first, -0.75 / UNIT[0] / 2)
    assert not dones.any()
    assert {info["score"] for info in infos} == {0.25}
    second, dones, _ = groups.advance(slot_of(3, groups.candidates()))
    np.testing.assert_allclose(second, 0)
    assert dones.all()
    assert groups.is_over


def test_the_best_configuration_is_worth_nothing_less_and_a_worse_one_leaves_the_incumbent(table):
    groups = groups_of(table)
    seen = groups.begin([seed_of("b", groups)] * 4)
    groups.advance(slot_of(1, seen))
    rewards, _, _ = groups.advance(slot_of(3, groups.candidates()))
    np.testing.assert_allclose(rewards, -0.5 / UNIT[1] / 2, rtol=1e-6)


def test_a_group_shares_its_task_and_what_it_knows_of_it(table):
    groups = groups_of(table, n_members=6)
    shared = set()
    for seed in range(10):
        seen = groups.begin([seed, seed, seed + 50, seed + 50, seed + 90, seed + 90])
        tasks = tasks_of(groups)
        assert tasks[::2] == tasks[1::2]
        for values in vars(seen).values():
            assert torch.equal(values[::2], values[1::2])
        shared.add(len(set(tasks)))
    assert max(shared) > 1


def test_the_prior_of_a_group_is_of_other_tasks(table):
    groups = groups_of(table)
    seed = seed_of("a", groups)
    seen = groups.begin([seed] * 4)
    means = groups._posterior.priors.mean[0]
    np.testing.assert_allclose(means, [0.5, 0.75, 0.375, 0.125])  # of b and c
    assert seen.rows[0, 0] == 1


def test_seeds_say_everything(tmp_path):
    rng = np.random.default_rng(0)
    table = write_table(tmp_path / "table", {task: rng.random(100) for task in "abcdefgh"}, grid(10))
    groups = groups_of(table, n_rows=20)
    seeds = [4, 4, 9, 9]
    first, again, other = groups.begin(seeds), groups.begin(seeds), groups.begin([5, 5, 8, 8])
    assert all(torch.equal(vars(first)[name], vars(again)[name]) for name in vars(first))
    assert not torch.equal(first.features, other.features)


def test_of_a_great_pool_each_group_searches_a_part_and_hears_of_a_part_of_the_other_tasks(tmp_path):
    rng = np.random.default_rng(0)
    table = write_table(tmp_path / "table", {task: rng.random(100) for task in "abcdefgh"}, grid(10))
    groups = groups_of(table, n_rows=20)
    groups.begin([1, 1, 2, 2])
    assert groups._rows.shape == (2, 20)
    assert groups._posterior.priors.is_task.sum(1).tolist() == [6, 6]  # 80 % of 7
    assert groups._rows[0].tolist() != groups._rows[1].tolist()
    seen = groups.candidates()
    _, _, infos = groups.advance(np.zeros(4, np.int64))
    tried = [info["configuration"] for info in infos]
    assert tried == groups._rows[[0, 0, 1, 1], seen.rows[:, 0]].tolist()


def test_a_slot_that_cannot_be_chosen_still_tries_a_configuration(table):
    groups = groups_of(table)
    groups.begin([3] * 4)
    _, _, infos = groups.advance(np.full(4, N_CANDIDATES - 1))
    assert all(0 <= info["configuration"] < 4 for info in infos)


def test_members_that_are_no_whole_groups_are_refused(table):
    with pytest.raises(ValueError, match="5 environments are no whole groups of 2: take a multiple"):
        groups_of(table, n_members=5)


def test_a_budget_that_a_task_has_not_the_configurations_for_is_refused(table):
    with pytest.raises(ValueError, match="budget 6: there is a task with 4 configurations; lower the budget"):
        groups_of(table, budget=6)
