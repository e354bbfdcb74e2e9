"""What the policy sees: a shortlist without repeats of what may still be tried, in numbers that are always finite."""

import numpy as np
import pytest
import torch
from made_tasks import made_pool, made_tasks, posterior_of, prior_of, training_tasks_of

from agents.searcher.candidates import (
    GREEDY,
    N_CANDIDATES,
    N_CONTEXT,
    N_FEATURES,
    N_TRIAL_FEATURES,
    SLOTS,
    candidates_of,
)
from agents.searcher.prior import pool_prior

HORIZON = 10
POOL = made_pool(60)


def chosen_rows(seen, episode=0):
    """The rows that an episode may choose."""
    return seen.rows[episode][seen.mask[episode]].tolist()


def assert_finite(seen):
    for name in ("features", "context", "trials", "distances"):
        assert vars(seen)[name].isfinite().all(), name


def test_shapes_are_the_same_for_every_table():
    posterior = posterior_of([prior_of(made_tasks(POOL, 3))], [[(0, 0.1)], [(1, 0.2)]])
    seen = candidates_of(posterior, HORIZON)
    assert seen.features.shape == (2, N_CANDIDATES, N_FEATURES)
    assert seen.context.shape == (2, N_CONTEXT)
    assert seen.trials.shape == (2, HORIZON, N_TRIAL_FEATURES)
    assert seen.distances.shape == (2, N_CANDIDATES, HORIZON)
    assert seen.rows.shape == seen.mask.shape == (2, N_CANDIDATES)


def test_candidates_are_distinct_exist_and_were_not_tried():
    exists = np.ones(60, bool)
    exists[[2, 11, 40]] = False
    prior = pool_prior(made_tasks(POOL, 3), POOL, exists)
    tried = [5, 20, 33, 50]
    posterior = posterior_of([prior], [[]])
    for row in tried:
        seen = chosen_rows(candidates_of(posterior, HORIZON))
        assert len(seen) == len(set(seen)) >= SLOTS["improvement"]
        assert not {2, 11, 40} & set(seen)
        assert posterior.available[0][seen].all()
        posterior.add(torch.tensor([row]), torch.tensor([row / 60]))
    assert not set(tried) & set(chosen_rows(candidates_of(posterior, HORIZON)))


def test_the_first_candidate_is_the_one_of_the_greatest_expected_improvement():
    posterior = posterior_of([prior_of(made_tasks(POOL, 8))], [[(3, -0.4), (17, 0.1), (8, -0.2)]])
    seen = candidates_of(posterior, HORIZON)
    improvement = torch.where(posterior.available, posterior.beliefs().improvement, -1)
    assert seen.rows[0, 0] == improvement.argmax()
    assert seen.mask[0, 0]
    assert seen.features[0, :, GREEDY].max() == seen.features[0, 0, GREEDY] == 0


@pytest.mark.parametrize("n_tasks", [1, 30])
@pytest.mark.parametrize("n", [3, 7, 300, pytest.param(30_000, marks=pytest.mark.slow)])
def test_features_are_finite_for_pools_of_any_size_and_any_number_of_tasks(n, n_tasks):
    pool = made_pool(n)
    posterior = posterior_of([prior_of(made_tasks(pool, n_tasks))], [[]])
    for trial in range(min(n, 5)):
        seen = candidates_of(posterior, HORIZON)
        assert_finite(seen)
        assert len(set(chosen_rows(seen))) == len(chosen_rows(seen)) >= min(n - trial, SLOTS["improvement"])
        posterior.add(seen.rows[:, 0], torch.tensor([float(trial % 3)]))


CONSTANT = np.full(60, 0.5)
RISING = np.linspace(0, 1, 60)
WITHOUT = np.where(np.arange(60) % 7 == 0, np.nan, RISING)


@pytest.mark.parametrize(
    "scores",
    [
        pytest.param((CONSTANT, CONSTANT, CONSTANT), id="constant tasks"),
        pytest.param((CONSTANT,), id="one constant task"),
        pytest.param((RISING, RISING, RISING), id="tasks that agree to the last digit"),
        pytest.param((RISING.round(), RISING.round(1)), id="ties"),
        pytest.param((WITHOUT, RISING, CONSTANT), id="scores that are lacking"),
        pytest.param((WITHOUT, WITHOUT), id="configurations that nobody tried"),
        pytest.param((RISING * 1e6, RISING * 1e-6), id="scales far apart"),
        pytest.param((RISING + 1e6, RISING - 1e6), id="locations far apart"),
    ],
)
@pytest.mark.parametrize(
    "found",
    [(0.5, 0.5, 0.5), (0.0, 1.0, 0.3), (1e4, -1e4, 0.0), (-1e30, 1e30, 0.5)],
    ids=["the same", "usual", "unheard of", "astray"],
)
def test_features_are_finite_whatever_the_scores(scores, found):
    posterior = posterior_of([prior_of(training_tasks_of(POOL, scores))], [[]])
    for score in found:
        seen = candidates_of(posterior, HORIZON)
        assert_finite(seen)
        posterior.add(seen.rows[:, 1], torch.tensor([score]))
    assert_finite(candidates_of(posterior, HORIZON))


def test_of_a_pool_with_fewer_rows_than_slots_all_that_is_left_are_candidates():
    posterior = posterior_of([prior_of(made_tasks(POOL[:3], 2))], [[]])
    for left in (3, 2, 1):
        seen = candidates_of(posterior, HORIZON)
        assert len(chosen_rows(seen)) == left
        posterior.add(torch.tensor([chosen_rows(seen)[0]]), torch.tensor([0.1]))


def test_what_is_seen_does_not_depend_on_the_unit_of_the_scores():
    training = made_tasks(POOL, 6)
    other = training_tasks_of(POOL, tuple(1000 * scores - 7 for scores in training.scores))
    trials = [(3, 0.1), (40, -0.3), (12, 0.4)]
    ours = candidates_of(posterior_of([prior_of(training)], [trials]), HORIZON)
    theirs = candidates_of(
        posterior_of([prior_of(other)], [[(row, 1000 * score - 7) for row, score in trials]]), HORIZON
    )
    assert torch.equal(ours.rows, theirs.rows)
    for name in ("features", "context", "trials"):
        np.testing.assert_allclose(vars(ours)[name], vars(theirs)[name], atol=5e-3, err_msg=name)


def test_trials_are_shown_in_their_order_beside_the_incumbent():
    posterior = posterior_of([prior_of(made_tasks(POOL, 4))], [[(3, -0.4), (17, 0.1)]])
    shown = candidates_of(posterior, HORIZON).trials[0]
    assert shown[:, 0].tolist() == [1, 1, *[0] * 8]
    assert shown[0, 1] < 0 == shown[1, 1]
    assert (shown[2:] == 0).all()


def test_distances_are_diagonals_of_the_unit_cube():
    posterior = posterior_of([prior_of(made_tasks(POOL, 4))], [[(3, -0.4)]])
    seen = candidates_of(posterior, HORIZON)
    expected = np.linalg.norm(POOL[seen.rows[0]] - POOL[3], axis=1) / np.sqrt(3)
    np.testing.assert_allclose(seen.distances[0, :, 0], expected, atol=1e-5)
    assert (seen.distances[..., 1:] == 0).all()
