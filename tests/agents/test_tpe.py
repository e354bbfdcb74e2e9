"""TPE through the agent protocol."""

import logging

import numpy as np
import pytest
from search_table import context, grid, search, write_table

from agents.catalogue import resolve
from agents.search.random import RandomSearch
from agents.search.searcher import History
from agents.search.tpe import TPESearch, nearest_available

POOL = grid(20)
SMOOTH = -((POOL - np.array([0.7, 0.3])) ** 2).sum(axis=1)


@pytest.fixture(scope="module")
def smooth(tmp_path_factory):
    return write_table(tmp_path_factory.mktemp("smooth"), {"bowl": SMOOTH}, POOL) | {"budget": 25}


def test_tpe_finds_more_than_random_search_on_a_smooth_table(smooth):
    tpe = [max(search(TPESearch(), smooth, "bowl", seed)[1]) for seed in range(4)]
    random = [max(search(RandomSearch(), smooth, "bowl", seed)[1]) for seed in range(20)]
    assert np.mean(tpe) > np.mean(random)


def test_the_same_seed_gives_the_same_search_and_another_seed_another(smooth):
    kwargs = smooth | {"budget": 14}
    assert search(TPESearch(), kwargs, "bowl", 3) == search(TPESearch(), kwargs, "bowl", 3)
    assert search(TPESearch(), kwargs, "bowl", 3) != search(TPESearch(), kwargs, "bowl", 4)


def test_tpe_never_tries_a_configuration_twice(smooth):
    tried, _ = search(TPESearch(), smooth, "bowl")
    assert len(set(tried)) == len(tried)


def test_tpe_does_not_touch_the_users_log_level(smooth, caplog):
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.enable_propagation()
    try:
        with caplog.at_level(logging.INFO):
            search(TPESearch(), smooth | {"budget": 3}, "bowl")
    finally:
        optuna.logging.disable_propagation()
    assert optuna.logging.get_verbosity() == before
    assert not caplog.records


def test_the_nearest_available_configuration_is_not_one_that_was_tried():
    pool = np.array([[0.5, 0.5], [0.6, 0.5], [0.0, 0.0]], np.float32)
    none = np.zeros(0, np.float32)
    history = History(
        configurations=pool[:1], scores=none, indices=np.array([0]), pool=pool,
        available=np.array([False, True, True]), remaining=0.5, n_trials_at_most=2, meta_features=none, fidelities=none,
    )  # fmt: skip
    assert nearest_available(history, np.array([0.5, 0.5])) == 1


def test_the_builder_fits_nothing(smooth):
    assert isinstance(resolve("tpe").build(context(smooth, ())), TPESearch)
