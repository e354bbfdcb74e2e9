"""Hand-worked ranks, probabilities, corrections and cliques; scipy and published tables as references."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hpo_gym.evaluation.significance import (
    cliques,
    friedman_p,
    holm,
    improvement_intervals,
    probability_of_improvement,
    probability_of_improvement_interval,
    ranks_over_tasks,
    significance,
    wilcoxon_p,
)

# Demsar 2006, table 6: AUC of C4.5 and three variants on 14 data sets (higher is better there).
DEMSAR_AUC = np.array(
    [
        [0.763, 0.599, 0.954, 0.628, 0.882, 0.936, 0.661, 0.583, 0.775, 1.000, 0.940, 0.619, 0.972, 0.957],
        [0.768, 0.591, 0.971, 0.661, 0.888, 0.931, 0.668, 0.583, 0.838, 1.000, 0.962, 0.666, 0.981, 0.978],
        [0.771, 0.590, 0.968, 0.654, 0.886, 0.916, 0.609, 0.563, 0.866, 1.000, 0.965, 0.614, 0.9751, 0.946],
        [0.798, 0.569, 0.967, 0.657, 0.898, 0.931, 0.685, 0.625, 0.875, 1.000, 0.962, 0.669, 0.975, 0.970],
    ]
)


def test_tied_agents_share_the_mean_of_their_ranks() -> None:
    values = np.array([[0.1, 0.2], [0.1, 0.3], [0.4, 0.1]])
    np.testing.assert_allclose(ranks_over_tasks(values), [(1.5 + 2) / 2, (1.5 + 3) / 2, (3 + 1) / 2])


def test_average_ranks_are_those_of_demsars_table() -> None:
    np.testing.assert_allclose(ranks_over_tasks(-DEMSAR_AUC), [3.143, 2.000, 2.893, 1.964], atol=5e-4)


def test_friedman_statistic_is_that_of_demsars_example() -> None:
    # The paper's 9.28 leaves ties uncorrected: one block of four ties (4^3 - 4 = 60) and three pairs
    # (2^3 - 2 = 6 each), of 14 * (4^3 - 4).
    statistic = stats.chi2.isf(friedman_p(-DEMSAR_AUC), df=3)
    assert statistic == pytest.approx(9.28 / (1 - (60 + 3 * 6) / (14 * 60)), abs=0.01)


def test_friedman_does_not_apply_to_two_agents_and_is_one_when_all_are_tied() -> None:
    assert np.isnan(friedman_p(np.array([[1.0, 2.0], [2.0, 1.0]])))
    assert np.isnan(friedman_p(np.array([[1.0], [2.0], [3.0]])))
    assert friedman_p(np.tile([1.0, 2.0, 3.0], (3, 1))) == 1.0


def test_probability_of_improvement_counts_pairs_within_tasks() -> None:
    ours = np.array([[0.1, 0.3], [0.5, 0.5]])
    theirs = np.array([[0.2, 0.2], [0.5, 0.6]])
    # task 1: 0.1 beats both, 0.3 neither: 1/2; task 2: ties 0.5 twice (1/2 each), wins twice: 3/4
    assert probability_of_improvement(ours, theirs) == pytest.approx((0.5 + 0.75) / 2)


@given(st.integers(0, 2**32 - 1))
def test_probabilities_of_improvement_of_a_pair_add_up_to_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 4, (2, 3, 5))
    assert probability_of_improvement(a, b) + probability_of_improvement(b, a) == pytest.approx(1.0)


def test_probability_interval_matches_a_plain_loop_and_follows_its_generator() -> None:
    data = np.random.default_rng(1)
    ours, theirs = data.normal(0.0, 1, (4, 8)), data.normal(0.4, 1, (4, 8))
    low, high = probability_of_improvement_interval(ours, theirs, rng=np.random.default_rng(2))

    loop = np.random.default_rng(3)
    draws = [
        probability_of_improvement(
            np.stack([row[loop.integers(0, 8, 8)] for row in ours]),
            np.stack([row[loop.integers(0, 8, 8)] for row in theirs]),
        )
        for _ in range(1500)
    ]
    np.testing.assert_allclose([low, high], np.quantile(draws, [0.025, 0.975]), atol=0.02)
    assert low < probability_of_improvement(ours, theirs) < high
    assert (low, high) != probability_of_improvement_interval(ours, theirs, rng=np.random.default_rng(4))
    assert (low, high) == probability_of_improvement_interval(ours, theirs, rng=np.random.default_rng(2))


def test_certain_improvement_has_an_interval_of_no_width() -> None:
    ours, theirs = np.zeros((3, 4)), np.ones((3, 4))
    assert probability_of_improvement_interval(ours, theirs, rng=np.random.default_rng(0)) == (1.0, 1.0)


def test_intervals_of_all_pairs_are_those_of_each_pair() -> None:
    values = np.random.default_rng(5).integers(0, 4, (3, 2, 6))
    low, high = improvement_intervals(values, rng=np.random.default_rng(0))
    for i, j in [(0, 1), (2, 1), (1, 1)]:
        pair = probability_of_improvement_interval(values[i], values[j], rng=np.random.default_rng(0))
        np.testing.assert_allclose([low[i, j], high[i, j]], pair)


def test_holm_steps_down_and_never_reorders() -> None:
    # Sorted .01 .02 .03 .04 times 4 3 2 1 = .04 .06 .06 .04, then the running maximum.
    np.testing.assert_allclose(holm(np.array([0.04, 0.01, 0.03, 0.02])), [0.06, 0.04, 0.06, 0.06])
    np.testing.assert_allclose(holm(np.array([0.9, 0.6])), [1.0, 1.0])


def test_wilcoxon_uses_the_exact_distribution() -> None:
    # All five differences have one sign: 2 of 2^5 sign patterns are as extreme.
    values = np.array([[1.0, 2.0, 3.0, 4.0, 5.0], [1.1, 2.2, 3.3, 4.4, 5.5]])
    assert wilcoxon_p(values)[0, 1] == pytest.approx(2 / 2**5)


@pytest.mark.parametrize("n_blocks", [3, 6, 9, 14])
def test_wilcoxon_with_ties_and_zeros_is_scipys(n_blocks: int) -> None:
    values = np.random.default_rng(n_blocks).integers(0, 4, (2, n_blocks)).astype(np.float64)
    expected = stats.wilcoxon(values[0] - values[1], zero_method="zsplit").pvalue
    assert wilcoxon_p(values)[0, 1] == pytest.approx(expected, abs=1e-12)


def test_wilcoxon_of_identical_agents_is_one() -> None:
    np.testing.assert_array_equal(wilcoxon_p(np.ones((3, 6))), np.ones((3, 3)))


def test_cliques_are_the_longest_runs_of_neighbours_without_a_difference() -> None:
    p = np.ones((4, 4))
    for i, j in [(0, 2), (0, 3), (1, 3)]:
        p[i, j] = p[j, i] = 0.01
    assert cliques([1.0, 2.0, 3.0, 4.0], p) == ((0, 1), (1, 2), (2, 3))


def test_a_clique_within_another_is_left_out() -> None:
    p = np.ones((4, 4))
    p[0, 3] = p[3, 0] = 0.01
    assert cliques([1.0, 2.0, 3.0, 4.0], p) == ((0, 1, 2), (1, 2, 3))
    assert cliques([4.0, 3.0, 2.0, 1.0], np.ones((4, 4))) == ((3, 2, 1, 0),)


def test_agents_that_all_differ_form_no_clique() -> None:
    assert cliques([1.0, 2.0], np.array([[1.0, 0.0], [0.0, 1.0]])) == ()


def test_pairs_are_told_apart_only_after_friedman() -> None:
    rng = np.random.default_rng(0)
    alike = significance(rng.normal(size=(3, 12)))
    assert alike.friedman > 0.05
    assert len(alike.cliques) == 1
    assert len(alike.cliques[0]) == 3

    apart = significance(rng.normal(size=(3, 12)) * 0.1 + np.array([[0.0], [1.0], [2.0]]))
    assert apart.friedman < 0.001
    assert apart.cliques == ()
    np.testing.assert_allclose(apart.pairwise, apart.pairwise.T)
    np.testing.assert_allclose(apart.pairwise[0, 1], 3 * 2.0**-11)


@pytest.mark.parametrize(("n_tasks", "expected"), [(3, False), (8, False), (9, True), (50, True)])
def test_too_few_tasks_are_owned_up_to(n_tasks: int, expected: bool) -> None:
    # Five agents have 10 pairs: 10 * 2^(1-n) < 0.05 from n = 9 on.
    values = np.arange(5.0)[:, None] + np.zeros((1, n_tasks))
    assert significance(values).can_tell_pairs_apart is expected
