import numpy as np
import pytest

from hpo_gym.pretraining.counter_normals import normals, stream_keys


def test_the_numbers_are_standard_normal_and_share_nothing():
    keys = stream_keys(np.arange(2000))
    draws = normals(keys, np.zeros(2000, np.int64), 16).astype(float)
    n = draws.size
    assert draws.mean() == pytest.approx(0, abs=4 / n**0.5)
    assert draws.var() == pytest.approx(1, abs=4 * (2 / n) ** 0.5)
    assert (draws**4).mean() == pytest.approx(3, abs=4 * (96 / n) ** 0.5)
    correlation = np.corrcoef(draws)
    assert np.abs(correlation - np.eye(16)).max() < 5 / 2000**0.5
    assert len(np.unique(draws)) > 0.99 * n


def test_a_streams_numbers_follow_from_seed_and_counter_whoever_is_beside_it():
    keys, counters = stream_keys(np.array([7, 8, 2**31 - 1])), np.array([0, 5, 99])
    together = normals(keys, counters, 6)
    for i in range(3):
        np.testing.assert_array_equal(normals(keys[i : i + 1], counters[i : i + 1], 6)[:, 0], together[:, i])


def test_places_half_a_row_apart_share_no_number():
    key = np.repeat(stream_keys(np.array([3])), 2)
    one, next_one = normals(key, np.array([0, 4]), 8).T
    assert not set(one) & set(next_one)
