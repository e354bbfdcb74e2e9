"""The batched models say what their single counterpart says, alone and side by side."""

import numpy as np
import pytest
import torch
from made_tasks import made_pool, made_tasks, posterior_of, prior_of, training_tasks_of

from agents.search import empirical_prior
from agents.search.empirical_prior import EmpiricalPosterior, EmpiricalPrior, ScoreRange
from agents.searcher.posterior import Posterior, expected_improvement
from agents.searcher.prior import N_SCALES, Priors, pool_prior

POOL = made_pool(40)
TRIALS = [(3, -0.4), (17, 0.1), (8, -0.2), (30, 0.3)]


@pytest.fixture
def same_scales(monkeypatch):
    """The single model integrates over the batched one's few scales."""
    monkeypatch.setattr(empirical_prior, "_SCALE_NODES", np.linspace(-2.0, 2.0, N_SCALES))
    monkeypatch.setattr(empirical_prior, "_NEGLIGIBLE_WEIGHT", 0.0)


def single_of(training, trials):
    """`agents.search.empirical_prior`'s posterior."""
    worst, best = (np.array([f(scores) for scores in training.scores]) for f in (np.nanmin, np.nanmax))
    prior = EmpiricalPrior.of_scores(
        training.pools[0].astype(np.float64),
        1 - np.array(training.normalised_regrets),
        ScoreRange.of_tasks(worst, best),
    )
    single = EmpiricalPosterior(prior=prior, n_trials_at_most=10)
    for row, score in trials:
        single.add(row, score)
    return single


@pytest.mark.usefixtures("same_scales")
@pytest.mark.parametrize("n_trials", [0, 1, 4])
@pytest.mark.parametrize("n_tasks", [1, 2, 12])
def test_means_variances_and_expected_improvement_are_those_of_the_single_model(n_tasks, n_trials):
    training = made_tasks(POOL, n_tasks)
    single = single_of(training, TRIALS[:n_trials])
    posterior = posterior_of([prior_of(training)], [TRIALS[:n_trials]])
    unit = np.exp(single.prior.score_range.log_scale)
    for scale in (0.7, 1.0, 2.0):
        mean, sd = single.predict(scale * unit)
        np.testing.assert_allclose(posterior.transfer.mean(torch.tensor([[scale]]))[0], mean, atol=2e-4)
        np.testing.assert_allclose(posterior.transfer.sd[0], sd, rtol=2e-3)
    ours = posterior.beliefs().improvement[0].numpy()
    theirs = single.expected_improvement() / (unit if n_trials else 1)
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


@pytest.mark.usefixtures("same_scales")
def test_a_score_that_a_task_lacks_is_filled_alike():
    whole = made_tasks(POOL, 5)
    scores = [values.copy() for values in whole.scores]
    scores[2][[1, 8, 20]] = np.nan
    training = training_tasks_of(POOL, tuple(scores))
    single, posterior = single_of(training, TRIALS), posterior_of([prior_of(training)], [TRIALS])
    np.testing.assert_allclose(
        posterior.transfer.mean(torch.ones(1, 1))[0],
        single.predict(np.exp(single.prior.score_range.log_scale))[0],
        atol=2e-4,
    )


def test_the_weights_of_scales_are_those_of_the_single_model(same_scales):
    training = made_tasks(POOL, 6)
    posterior = posterior_of([prior_of(training)], [TRIALS])
    np.testing.assert_allclose(
        posterior.beliefs().scale_weights[0], single_of(training, TRIALS).scale_weights()[1], atol=1e-4
    )


def test_episodes_side_by_side_are_each_as_it_is_alone():
    priors = [prior_of(made_tasks(POOL, 4, seed=1)), prior_of(made_tasks(POOL, 7, seed=2))]  # filled up to 7 tasks
    trials = [
        [(int(r), float(s)) for r, s in zip(rows, rows / 40, strict=True)] for rows in np.arange(20).reshape(4, 5)
    ]
    together = posterior_of(priors, trials).beliefs()
    for episode in range(4):
        alone = posterior_of([priors[episode // 2]], [trials[episode]]).beliefs()
        for name, values in vars(alone).items():
            np.testing.assert_allclose(vars(together)[name][episode], values[0], rtol=2e-3, atol=2e-5, err_msg=name)


def test_the_expected_improvement_of_a_normal_variable_is_its_closed_form():
    gain, sd = torch.tensor([0.0, 1.0, -1.0, -40.0]), torch.ones(4)
    expected = [0.398942, 1.083316, 0.083316, 0.0]
    np.testing.assert_allclose(expected_improvement(gain, sd), expected, atol=1e-5)


def test_the_portfolio_says_by_how_much_the_other_tasks_incumbents_would_rise():
    scores = (np.array([0.0, 0.5, 1.0]), np.array([1.0, 0.0, 0.75]))
    posterior = posterior_of([prior_of(training_tasks_of(POOL[:3], scores))], [[]])
    np.testing.assert_allclose(posterior.beliefs().portfolio[0], [0.5, 0.25, 0.875], atol=1e-6)
    posterior.add(torch.tensor([1]), torch.tensor([0.5]))
    np.testing.assert_allclose(posterior.beliefs().portfolio[0], [0.5, 0.0, 0.625], atol=1e-6)


def test_the_task_that_explains_the_trials_is_believed():
    training = made_tasks(POOL, 5)
    trials = [(row, float(training.scores[3][row])) for row in (0, 9, 21, 33)]
    beliefs = posterior_of([prior_of(training)], [trials]).beliefs()
    there = 1 - training.normalised_regrets[3]
    assert np.corrcoef(beliefs.mixture_mean[0], there)[0, 1] > 0.99


def test_without_another_task_there_is_no_prior():
    with pytest.raises(ValueError, match="one other task at least"):
        pool_prior(made_tasks(POOL, 1), POOL, np.ones(40, bool), without=0)


def test_a_task_that_is_left_out_of_the_prior_leaves_no_trace():
    training = made_tasks(POOL, 4)
    changed = training_tasks_of(POOL, (training.scores[0] * -7 + 3, *training.scores[1:]))
    first, second = (pool_prior(tasks, POOL, np.ones(40, bool), without=0) for tasks in (training, changed))
    assert np.array_equal(first.scores, second.scores)
    assert vars(first.score_range) == vars(second.score_range)


def test_what_was_tried_is_not_available_and_the_incumbent_is_the_best_so_far():
    posterior = posterior_of([prior_of(made_tasks(POOL, 3))], [TRIALS])
    assert np.flatnonzero(~posterior.available[0]).tolist() == [3, 8, 17, 30]
    assert posterior.incumbent_row.tolist() == [30]
    assert posterior.n_since_improved.tolist() == [0]
    posterior.add(torch.tensor([0]), torch.tensor([0.2]))
    assert posterior.incumbent_row.tolist() == [30]
    assert posterior.n_since_improved.tolist() == [1]


def test_pools_side_by_side_know_their_own_rows():
    small, large = prior_of(made_tasks(POOL[:10], 3)), prior_of(made_tasks(POOL, 3))
    posterior = Posterior(Priors.of([small, large]), 2, 10)
    assert posterior.available.sum(1).tolist() == [10, 10, 40, 40]
