"""Intervals over training seeds and run seeds."""

import numpy as np
import pytest

from agents.reproduce.bootstrap import mean_estimate, resampled_means, score_difference_estimate, score_estimate


def test_figures_of_the_same_runs_are_drawn_together() -> None:
    cells = np.random.default_rng(0).normal(size=(4, 5))
    drawn = resampled_means(np.stack([cells, 2 * cells + 1]), np.random.default_rng(1))
    np.testing.assert_allclose(drawn[1], 2 * drawn[0] + 1)


def test_a_single_run_has_no_interval_and_a_constant_none_either() -> None:
    alone = mean_estimate(np.array([[3.0]]))
    assert (alone.mean, alone.low, alone.high) == (3.0, 3.0, 3.0)
    constant = mean_estimate(np.full((5, 4), 2.0))
    assert (constant.low, constant.high) == (pytest.approx(2.0), pytest.approx(2.0))


def test_the_luck_that_all_policies_share_is_not_averaged_away_by_many_policies() -> None:
    shared = np.tile(np.random.default_rng(0).normal(size=10), (50, 1))  # 50 policies, the same 10 run seeds
    one = mean_estimate(shared[:1])
    many = mean_estimate(shared)
    assert many.high - many.low == pytest.approx(one.high - one.low, rel=0.1)


def test_both_kinds_of_luck_widen_the_interval() -> None:
    rng = np.random.default_rng(0)
    policies, runs = rng.normal(size=(10, 1)), rng.normal(size=(1, 10))
    width = {}
    for name, cells in {"policies": policies + 0 * runs, "runs": 0 * policies + runs, "both": policies + runs}.items():
        estimate = mean_estimate(cells)
        width[name] = estimate.high - estimate.low
    assert width["both"] == pytest.approx(np.hypot(width["policies"], width["runs"]), rel=0.15)


def test_intervals_of_ten_seeds_cover_the_truth_about_as_often_as_they_say() -> None:
    rng, n = np.random.default_rng(0), 200
    hits = 0
    for _ in range(n):
        cells = rng.normal(size=(10, 1)) + rng.normal(size=(1, 10)) + rng.normal(size=(10, 10))
        estimate = mean_estimate(cells)
        hits += estimate.low <= 0 <= estimate.high
    assert 0.87 <= hits / n <= 0.98


def test_scores_are_nought_without_a_controller_one_at_hand_tuned_and_paired() -> None:
    luck = np.random.default_rng(0).normal(size=(1, 8))
    off, tuned = 2 + luck, 1 + luck
    half = 1.5 + np.tile(luck, (3, 1))
    wide = {"off": np.tile(off, (3, 1)), "tuned": np.tile(tuned, (3, 1))}
    assert score_estimate(off, off, tuned).mean == 0
    assert score_estimate(tuned, off, tuned).mean == 1
    estimate = score_estimate(half, wide["off"], wide["tuned"])
    assert (estimate.low, estimate.mean, estimate.high) == (pytest.approx(0.5), pytest.approx(0.5), pytest.approx(0.5))
    difference = score_difference_estimate(half, wide["tuned"], wide["off"], wide["tuned"])
    assert difference.mean == pytest.approx(-0.5)


def test_there_is_no_score_where_the_references_cannot_be_told_apart() -> None:
    noise = np.random.default_rng(0).normal(size=(2, 1, 6))
    assert score_estimate(noise[0], noise[0], noise[1]) is None
