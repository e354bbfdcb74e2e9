"""Every metric against a sum done by hand, and the properties that it must have whatever the scores."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hpo_gym.evaluation import metrics as m

NAN = np.nan
finite = st.floats(-1e6, 1e6, allow_nan=False, width=32)


def test_the_incumbent_is_the_best_score_so_far():
    assert m.incumbents(np.array([0.2, 0.1, 0.5, 0.4])).tolist() == [0.2, 0.2, 0.5, 0.5]


def test_a_missing_score_never_becomes_the_incumbent():
    assert m.incumbents(np.array([0.2, NAN, 0.1])).tolist() == [0.2, 0.2, 0.2]


def test_regret_is_the_distance_to_the_best_as_a_share_of_the_range():
    # best 0.9, worst 0.1: (0.9 - 0.5) / 0.8 = 0.5
    regret = m.normalized_regret(np.array([[0.1, 0.5, 0.9]]), np.array([0.9]), np.array([0.1]))
    assert regret == pytest.approx(np.array([[1.0, 0.5, 0.0]]))


def test_scores_outside_the_task_s_range_are_clipped():
    assert m.normalized_regret(np.array([-3.0, 2.0]), np.array(1.0), np.array(0.0)).tolist() == [1.0, 0.0]


def test_a_task_whose_scores_are_all_the_same_has_no_regret():
    assert m.normalized_regret(np.array([0.3]), np.array(0.3), np.array(0.3)).tolist() == [0.0]


def test_regret_at_k_and_the_area_under_it_are_read_off_the_curve():
    curves = np.array([[1.0, 0.5, 0.3, 0.2], [0.4, 0.4, 0.0, 0.0]])
    assert m.normalized_regret_at(curves, 3).tolist() == [0.3, 0.0]
    assert m.area_under_regret(curves, 4) == pytest.approx([0.5, 0.2])
    assert m.area_under_regret(curves, 2) == pytest.approx([0.75, 0.4])


def test_costs_of_whole_trials_give_the_plain_incumbent_and_it_stays_after_the_last_trial():
    scores = np.array([[0.2, 0.5, NAN], [0.3, 0.1, 0.4]])
    costs = np.array([[1.0, 2.0, NAN], [1.0, 2.0, 3.0]])
    curve = m.incumbents_on_grid(scores, costs, 4, np.zeros(2))
    assert curve.tolist() == [[0.2, 0.5, 0.5, 0.5], [0.3, 0.3, 0.4, 0.4]]


def test_cheap_trials_count_once_their_cumulative_cost_fits():
    # At cost 1: nothing but the trial at 0.5 and the one that ends at exactly 1 (three thirds and rounding).
    scores, costs = np.array([[0.2, 0.6, 0.1, 0.9]]), np.array([[0.5, 0.9999999999999999, 1.75, 2.5]])
    assert m.incumbents_on_grid(scores, costs, 3, np.zeros(1)).tolist() == [[0.6, 0.6, 0.9]]


def test_before_the_first_finished_trial_stands_what_the_caller_says():
    curve = m.incumbents_on_grid(np.array([[0.7]]), np.array([[2.0]]), 3, np.array([0.1]))
    assert curve.tolist() == [[0.1, 0.7, 0.7]]


def test_tied_agents_share_the_mean_of_their_ranks():
    performance = np.array([[0.9, 0.5], [0.9, 0.7], [0.1, 0.6]])  # (3 agents, 2 tasks)
    assert m.average_ranks(performance).tolist() == [[1.5, 3.0], [1.5, 1.0], [3.0, 2.0]]


def test_a_tie_counts_as_half_a_win():
    wins = m.beats(np.array([0.9, 0.5, 0.2, 0.8]), np.array([0.8, 0.5, 0.3, 0.1]))
    assert wins.tolist() == [1.0, 0.5, 0.0, 1.0]


def test_median_and_mean_performance_are_taken_over_the_tasks_means():
    cells = np.array([0.3, 0.8, 0.5])
    assert m.median_performance(cells) == 0.5
    assert m.mean_performance(cells) == pytest.approx(1.6 / 3)


@pytest.mark.parametrize("scores", [[0.0, 1.0], [0.3, 0.1, 0.9, 0.5], [2.0, 2.0, -1.0, 0.5, 1.0]])
def test_the_closed_form_of_random_search_is_the_mean_over_all_orders(scores):
    orders = np.array(list(permutations(scores)))
    regret = m.normalized_regret(m.incumbents(orders), np.array(max(scores)), np.array(min(scores)))
    assert m.expected_random_regret(np.array(scores), len(scores)) == pytest.approx(regret.mean(axis=0))


def test_the_closed_form_leaves_missing_scores_out_and_stays_at_its_end():
    with_gap, without = np.array([0.1, NAN, 0.9, 0.4]), np.array([0.1, 0.9, 0.4])
    curve = m.expected_random_regret(with_gap, 6)
    assert curve[:3] == pytest.approx(m.expected_random_regret(without, 3))
    assert curve[3:] == pytest.approx(np.zeros(3))


@given(arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 6)), elements=finite))
def test_regret_lies_between_0_and_1_and_never_rises(scores):
    regret = m.normalized_regret(m.incumbents(scores), scores.max(axis=1), scores.min(axis=1))
    assert ((regret >= 0) & (regret <= 1)).all()
    assert (np.diff(regret, axis=1) <= 0).all()
    assert (regret[:, -1] == 0).all()


@given(arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.integers(0, 3)))
def test_ranks_sum_to_the_same_whatever_the_ties(performance):
    n = len(performance)
    assert m.average_ranks(performance).sum(axis=0) == pytest.approx(np.full(performance.shape[1], n * (n + 1) / 2))


@given(arrays(np.float64, st.integers(1, 30), elements=finite), st.integers(1, 40))
def test_expected_random_regret_lies_between_0_and_1_and_never_rises(scores, n_trials):
    curve = m.expected_random_regret(scores, n_trials)
    assert ((curve >= -1e-9) & (curve <= 1 + 1e-9)).all()
    assert (np.diff(curve) <= 1e-9).all()
