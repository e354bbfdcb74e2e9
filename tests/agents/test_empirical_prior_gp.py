"""The empirical-prior GP: its posterior against brute force, what it may see, its searches."""

import numpy as np
import pytest
from search_table import context, grid, search, write_table

from agents.catalogue import resolve
from agents.search.empirical_prior import EmpiricalPosterior, EmpiricalPrior, ScoreRange, matern52
from agents.search.empirical_prior_gp import EmpiricalPriorSearch
from agents.search.random import RandomSearch
from agents.search.training_tasks import TrainingTasks

POOL = grid(12)


def bowls(n_tasks, rng, pool=POOL):
    """Tasks whose optima lie in one corner region, each with its own location and scale."""
    centres = np.array([0.75, 0.25]) + rng.uniform(-0.12, 0.12, (n_tasks, 2))
    scales, shifts = rng.uniform(0.2, 0.6, n_tasks), rng.uniform(0.0, 0.3, n_tasks)
    distances = ((pool[None] - centres[:, None]) ** 2).sum(axis=2)
    return shifts[:, None] + scales[:, None] * np.exp(-3 * distances)


def prior_of(scores, pool=POOL):
    worst, best = np.nanmin(scores, axis=1), np.nanmax(scores, axis=1)
    normalised = (scores - worst[:, None]) / (best - worst)[:, None]
    return EmpiricalPrior.of_scores(pool, normalised, ScoreRange.of_tasks(worst, best))


def training_of(scores, pool=POOL):
    return TrainingTasks(
        task_ids=tuple(map(str, range(len(scores)))),
        pools=(pool.astype(np.float32),) * len(scores),
        scores=tuple(scores),
        meta_features=np.zeros((len(scores), 0), np.float32),
    )


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    scores = bowls(9, np.random.default_rng(0))
    named = {f"task{i}": row for i, row in enumerate(scores)}
    return write_table(tmp_path_factory.mktemp("shared"), named, POOL) | {"budget": 8}


TRAIN = tuple(f"task{i}" for i in range(8))


def build(env_kwargs, train_tasks=TRAIN):
    return resolve("empirical-prior-gp").build(context(env_kwargs, train_tasks))


def test_the_posterior_is_that_of_the_joint_gaussian_at_every_scale():
    prior = prior_of(bowls(5, np.random.default_rng(1)))
    tried, scores = [3, 70, 20, 141], np.array([0.31, 0.62, 0.4, 0.2])
    posterior = EmpiricalPosterior(prior=prior, n_trials_at_most=4)
    for index, score in zip(tried, scores, strict=True):
        posterior.add(index, score)
    joint = np.stack([prior.covariance_with(i) for i in range(len(POOL))])
    noisy = joint[np.ix_(tried, tried)] + prior.noise_variance * np.eye(4)
    gain = joint[:, tried] @ np.linalg.inv(noisy)
    for scale in (0.1, 0.5, 3.0):
        normalised = (scores - prior.score_range.location) / scale
        mean, sd = posterior.predict(scale)
        np.testing.assert_allclose(mean, prior.mean + gain @ (normalised - prior.mean[tried]), atol=1e-8)
        np.testing.assert_allclose(sd**2, np.diag(joint - gain @ joint[tried]), atol=1e-8)


def test_the_scales_are_weighed_by_their_marginal_likelihood():
    prior = prior_of(bowls(5, np.random.default_rng(1)))
    tried, scores = [3, 70, 20], np.array([0.31, 0.62, 0.4])
    posterior = EmpiricalPosterior(prior=prior, n_trials_at_most=3)
    for index, score in zip(tried, scores, strict=True):
        posterior.add(index, score)
    noisy = np.stack([prior.covariance_with(i)[tried] for i in tried]) + prior.noise_variance * np.eye(3)
    expected = prior.score_range
    scales, weights = posterior.scale_weights()
    log_density = []
    for scale in scales:
        residual = scores - expected.location - scale * prior.mean[tried]
        log_likelihood = -0.5 * residual @ np.linalg.solve(scale**2 * noisy, residual)
        log_likelihood -= 0.5 * np.linalg.slogdet(scale**2 * noisy)[1]
        deviation = (np.log(scale) - expected.log_scale) / expected.log_scale_sd
        log_density.append(log_likelihood - 0.5 * deviation**2)
    density = np.exp(np.array(log_density) - max(log_density))
    np.testing.assert_allclose(weights, density / density.sum(), rtol=1e-8)


def test_the_prior_covariance_is_that_of_the_tasks_and_a_residual():
    scores = bowls(6, np.random.default_rng(2))
    prior = prior_of(scores)
    normalised = (scores - scores.min(axis=1)[:, None]) / np.ptp(scores, axis=1)[:, None]
    empirical = np.cov(normalised, rowvar=False) * (1 + 1 / 6)
    kernel = np.stack([matern52(POOL, x, 1.0) for x in POOL])
    between = 0.85 * empirical + 0.15 * np.diag(empirical).mean() * kernel
    expected = between + prior.score_range.relative_location_variance
    np.testing.assert_allclose(np.stack([prior.covariance_with(i) for i in range(len(POOL))]), expected, atol=1e-10)
    np.testing.assert_allclose(prior.variance(), np.diag(expected), atol=1e-10)


def test_the_first_trial_is_the_best_on_average_and_later_ones_learn(table):
    agent = build(table)
    prior = prior_of(np.array(agent.training.scores))
    tried, scores = search(agent, table, "task8")
    assert tried[0] == prior.mean.argmax()
    assert max(scores) > scores[0]


def test_it_finds_more_than_random_search_where_tasks_share_their_structure(table):
    own = max(search(build(table), table, "task8")[1])
    random = [max(search(RandomSearch(), table, "task8", seed)[1]) for seed in range(20)]
    assert own > np.quantile(random, 0.9)


def test_the_search_is_the_same_whatever_the_seed(table):
    assert search(build(table), table, "task8", 1) == search(build(table), table, "task8", 2)


def test_scores_that_were_not_observed_change_nothing(tmp_path, table):
    scores = bowls(9, np.random.default_rng(0))
    tried, _ = search(build(table), table, "task8")
    poisoned = scores.copy()
    unseen = np.setdiff1d(np.arange(len(POOL)), tried)
    poisoned[8, unseen] = np.random.default_rng(5).uniform(-50, 50, len(unseen))
    kwargs = write_table(tmp_path / "poisoned", {f"task{i}": row for i, row in enumerate(poisoned)}, POOL)
    assert search(build(kwargs | {"budget": 8}), kwargs | {"budget": 8}, "task8")[0] == tried


def test_scores_of_all_tasks_in_another_unit_change_nothing(tmp_path, table):
    scores = 64 * bowls(9, np.random.default_rng(0)) - 32
    kwargs = write_table(tmp_path / "units", {f"task{i}": row for i, row in enumerate(scores)}, POOL) | {"budget": 8}
    assert search(build(kwargs), kwargs, "task8")[0] == search(build(table), table, "task8")[0]


def test_the_posterior_made_anew_continues_as_the_one_that_grew(table):
    import gymnasium as gym
    from search_table import ENV_ID

    agent = build(table)
    tried, _ = search(agent, table, "task8")
    env = gym.make(ENV_ID, observe_pool=True, **table)
    observation, _ = env.reset(options={"task_id": "task8"})
    for index in tried:
        fresh = EmpiricalPriorSearch(agent.training)
        assert fresh.predict(observation)[0] == index
        observation, *_ = env.step(index)
    env.close()


def test_members_of_a_batch_search_as_they_would_alone(table):
    import gymnasium as gym
    from search_table import ENV_ID

    agent = build(table, TRAIN[:4])
    tasks = ["task8", "task7", "task6"]
    alone = [search(agent, table, task)[0] for task in tasks]
    env = gym.make_vec(ENV_ID, num_envs=3, vectorization_mode="vector_entry_point", observe_pool=True, **table)
    observation, _ = env.reset(options={"task_id": tasks})
    agent.start_episodes([0, 1, 2])
    together, state = [], None
    for _ in range(table["budget"]):
        actions, state = agent.predict(observation, state)
        observation, *_ = env.step(actions)
        together.append(actions.tolist())
    env.close()
    assert [list(member) for member in zip(*together, strict=True)] == alone


def test_a_missing_training_score_is_taken_as_the_other_tasks_mean():
    scores = bowls(5, np.random.default_rng(3))
    scores[2, 40] = np.nan
    prior = prior_of(scores)
    worst, best = np.nanmin(scores, axis=1), np.nanmax(scores, axis=1)
    others = np.delete((scores[:, 40] - worst) / (best - worst), 2)
    assert prior.mean[40] == pytest.approx(others.mean())
    assert prior.factor[2, 40] == 0.0
    assert np.isfinite(prior.factor).all()


@pytest.mark.parametrize("scores", [bowls(1, np.random.default_rng(4)), np.ones((3, len(POOL)))], ids=["one", "flat"])
def test_one_training_task_or_flat_ones_still_give_a_search(table, scores):
    tried, _ = search(EmpiricalPriorSearch(training_of(scores)), table, "task8")
    assert len(set(tried)) == 8


def test_pools_that_differ_go_through_fitted_models(tmp_path):
    rng = np.random.default_rng(6)
    pools = [rng.random((120, 2)) for _ in range(4)]
    centres = ((0.7, 0.3), (0.75, 0.25), (0.8, 0.3), (0.75, 0.3))
    scores = {
        f"task{i}": np.exp(-4 * ((pool - np.array(centre)) ** 2).sum(axis=1))
        for i, (pool, centre) in enumerate(zip(pools, centres, strict=True))
    }
    kwargs = write_table(tmp_path / "own", scores, pools) | {"budget": 6}
    _, found = search(build(kwargs, ("task0", "task1", "task2")), kwargs, "task3")
    assert max(found) >= np.quantile(scores["task3"], 0.98)
