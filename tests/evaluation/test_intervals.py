"""Interquartile means and bootstrap intervals against references, and how often they cover the truth."""

import numpy as np
import pytest
from scipy import stats

from hpo_gym.evaluation.intervals import (
    iqm,
    iqm_interval,
    mean_interval,
    percentile_interval,
    resampled_means,
    stratified_bootstrap,
)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("n", [1, 3, 4, 7, 8, 40])
def test_the_iqm_is_scipy_s_trimmed_mean(n):
    values = rng(n).normal(size=n)
    assert float(iqm(values)) == pytest.approx(stats.trim_mean(values, 0.25))


def test_the_iqm_of_eight_numbers_is_the_mean_of_the_middle_four():
    assert float(iqm(np.array([[100.0, 1, 2, 3], [4, 5, 6, -100]]))) == pytest.approx((2 + 3 + 4 + 5) / 4)


def test_another_generator_gives_another_interval_and_the_same_one_the_same():
    values = rng().normal(size=(3, 10))
    assert mean_interval(values, rng(1)) == mean_interval(values, rng(1))
    assert mean_interval(values, rng(1)) != mean_interval(values, rng(2))
    assert iqm_interval(values, rng(1)) != iqm_interval(values, rng(2))


def test_two_seeds_give_the_three_means_that_can_be_drawn_with_their_chances():
    # Drawing 2 of {0, 1} with replacement: mean 0, 1/2, 1 with chances 1/4, 1/2, 1/4.
    means = resampled_means(np.array([[[0.0], [1.0]]]), rng(), 20_000).ravel()
    shares = [(means == value).mean() for value in (0.0, 0.5, 1.0)]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.015)


def test_the_quick_way_to_bootstrap_means_agrees_with_drawing_the_values():
    values = rng(3).exponential(size=(4, 12))
    quick = resampled_means(values[:, :, None], rng(4), 5000).mean(axis=(1, 2))
    plain = stratified_bootstrap(values, lambda drawn: drawn.mean(axis=(1, 2)), rng(5), 5000)
    for a, b in zip(percentile_interval(quick), percentile_interval(plain), strict=True):
        assert float(a) == pytest.approx(float(b), abs=0.03)
    assert quick.std() == pytest.approx(np.sqrt(values.var(axis=1).sum() / 12) / 4, rel=0.05)


def test_seeds_are_drawn_within_their_task():
    values = np.array([[0.0] * 5, [1.0] * 5])
    assert mean_interval(values, rng()) == (0.5, 0.5)


def test_metrics_of_one_seed_stay_together():
    values = rng().normal(size=(2, 9, 1))
    means = resampled_means(np.concatenate([values, 2 * values], axis=2), rng(1), 50)
    assert means[..., 1] == pytest.approx(2 * means[..., 0])


def test_a_nominal_95_percent_interval_of_20_seeds_covers_the_truth_about_that_often():
    draws = rng(7).normal(size=(400, 2, 20))
    covered = []
    for values in draws:
        low, high = mean_interval(values, rng(8), n_resamples=400)
        covered.append(low <= 0.0 <= high)
    assert 0.89 <= np.mean(covered) <= 0.97


def test_resampling_in_pieces_covers_large_evaluations():
    values = rng().normal(size=(50, 1000, 2))
    means = resampled_means(values, rng(1), 100)
    assert means.shape == (100, 50, 2)
    assert means.mean(axis=(0, 1)) == pytest.approx(values.mean(axis=(0, 1)), abs=0.002)
