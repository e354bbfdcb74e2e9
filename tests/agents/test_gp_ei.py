"""GP-EI: its model against a closed form, its acquisition against sampling, its searches."""

import numpy as np
import pytest
from search_table import context, grid, search, write_table

from agents.catalogue import resolve
from agents.search.expected_improvement import best_available, expected_improvement
from agents.search.gp_ei import GPEISearch, fit_gaussian_process, standardised
from agents.search.random import RandomSearch
from agents.search.searcher import History

POOL = grid(15)
SMOOTH = -((POOL - np.array([0.7, 0.3])) ** 2).sum(axis=1)


@pytest.fixture(scope="module")
def smooth(tmp_path_factory):
    return write_table(tmp_path_factory.mktemp("smooth"), {"bowl": SMOOTH}, POOL) | {"budget": 15}


def ard_matern52(a, b, length_scales):
    r = np.sqrt(5 * (((a[:, None] - b[None]) / length_scales) ** 2).sum(axis=-1))
    return (1 + r + r**2 / 3) * np.exp(-r)


def test_the_model_predicts_what_the_closed_form_of_its_hyperparameters_gives():
    rng = np.random.default_rng(0)
    inputs, queries = rng.random((8, 3)), rng.random((5, 3))
    targets = standardised(inputs.sum(axis=1).astype(np.float32))
    model = fit_gaussian_process(inputs, targets)
    amplitude, *length_scales, noise = np.exp(model.kernel_.theta)
    k = amplitude * ard_matern52(queries, inputs, np.array(length_scales))
    inverse = np.linalg.inv(amplitude * ard_matern52(inputs, inputs, np.array(length_scales)) + noise * np.eye(8))
    variance = amplitude + noise - np.einsum("qt,ts,qs->q", k, inverse, k)
    mean, sd = model.predict(queries, return_std=True)
    np.testing.assert_allclose(mean, k @ inverse @ targets, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(sd**2, variance, rtol=1e-4, atol=1e-7)


def test_a_dimension_that_does_not_matter_gets_the_longer_length_scale():
    rng = np.random.default_rng(1)
    inputs = rng.random((25, 2))
    model = fit_gaussian_process(inputs, standardised(np.sin(6 * inputs[:, 0]).astype(np.float32)))
    _, first, second, _ = np.exp(model.kernel_.theta)
    assert second > 2 * first


def test_expected_improvement_agrees_with_sampling():
    rng = np.random.default_rng(0)
    mean, sd = np.array([0.0, 0.5, 2.0, -1.0]), np.array([1.0, 0.2, 0.5, 2.0])
    samples = mean + sd * rng.standard_normal((200_000, 4))
    sampled = np.maximum(samples - 0.6, 0).mean(axis=0)
    np.testing.assert_allclose(expected_improvement(mean, sd, 0.6), sampled, rtol=0.02)


def test_expected_improvement_without_doubt_is_the_improvement():
    gains = expected_improvement(np.array([3.0, 1.0]), np.array([1e-9, 1e-9]), 2.0)
    np.testing.assert_allclose(gains, [1.0, 0.0], atol=1e-8)


def test_the_best_available_is_the_lowest_index_among_equals():
    assert best_available(np.array([9.0, 1.0, 5.0, 5.0]), np.array([False, True, True, True])) == 2


def test_gp_ei_finds_more_than_random_search_on_a_smooth_table(smooth):
    kwargs = smooth | {"budget": 10}
    gp = [max(search(GPEISearch(), kwargs, "bowl", seed)[1]) for seed in range(2)]
    random = [max(search(RandomSearch(), kwargs, "bowl", seed)[1]) for seed in range(20)]
    assert np.mean(gp) > np.mean(random)
    assert max(gp) > np.quantile(SMOOTH, 0.97)


def test_the_same_seed_gives_the_same_search_and_another_seed_another(smooth):
    kwargs = smooth | {"budget": 6}
    assert search(GPEISearch(), kwargs, "bowl", 3) == search(GPEISearch(), kwargs, "bowl", 3)
    assert search(GPEISearch(), kwargs, "bowl", 3) != search(GPEISearch(), kwargs, "bowl", 4)


def test_gp_ei_never_tries_a_configuration_twice(smooth):
    tried, _ = search(GPEISearch(), smooth | {"budget": 10}, "bowl")
    assert len(set(tried)) == len(tried)


def test_scores_that_are_all_the_same_are_searched_without_complaint(tmp_path):
    flat = np.zeros(len(POOL))
    flat[0] = 1.0
    kwargs = write_table(tmp_path / "flat", {"flat": flat}, POOL) | {"budget": 6}
    tried, _ = search(GPEISearch(), kwargs, "flat", 1)
    assert len(set(tried)) == 6


def test_members_of_a_batch_search_as_they_would_alone(smooth):
    kwargs = smooth | {"budget": 6}
    agent = GPEISearch()
    alone = [search(agent, kwargs, "bowl", seed)[0] for seed in (5, 6)]
    assert batched_search(agent, kwargs, "bowl", (5, 6)) == alone


def test_a_rescaled_score_does_not_change_the_search(tmp_path, smooth):
    rescaled = write_table(tmp_path / "rescaled", {"bowl": 8 * SMOOTH}, POOL) | {"budget": 10}
    assert search(GPEISearch(), smooth | {"budget": 10}, "bowl", 2)[0] == search(GPEISearch(), rescaled, "bowl", 2)[0]


def test_a_pool_of_thirty_thousand_configurations_is_searched():
    rng = np.random.default_rng(0)
    pool = rng.random((30_000, 5), dtype=np.float32)
    tried = np.arange(10)
    history = History(
        configurations=pool[tried], scores=pool[tried].sum(axis=1), indices=tried, pool=pool,
        available=np.arange(30_000) >= 10, remaining=0.5, n_trials_at_most=20,
        meta_features=np.zeros(0, np.float32), fidelities=np.zeros(0, np.float32),
    )  # fmt: skip
    agent = GPEISearch()
    agent.start_episodes([0])
    chosen = agent.choose(history, agent._episodes[0])
    assert pool[chosen].sum() > np.sort(pool[tried].sum(axis=1))[-1]


def test_the_catalogue_builds_it_without_training_tasks(smooth):
    builder = resolve("gp-ei").build
    assert isinstance(builder(context(smooth, ())), GPEISearch)
    assert builder.is_fitted_on_tasks is False


def batched_search(agent, env_kwargs, task_id, seeds):
    """The configurations that each member of one vector environment tried."""
    import gymnasium as gym
    from search_table import ENV_ID

    env = gym.make_vec(
        ENV_ID, num_envs=len(seeds), vectorization_mode="vector_entry_point", observe_pool=True, **env_kwargs
    )
    observation, _ = env.reset(seed=0, options={"task_id": task_id})
    agent.start_episodes(seeds)
    tried, state = [], None
    for _ in range(env_kwargs["budget"]):
        actions, state = agent.predict(observation, state)
        observation, *_ = env.step(actions)
        tried.append(actions.tolist())
    env.close()
    return [list(member) for member in zip(*tried, strict=True)]
