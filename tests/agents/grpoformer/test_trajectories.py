import numpy as np

from agents.grpoformer.trajectories import n_features, read_trajectories, trial_features, whole_searches


def observation(configurations, scores, n_seen, **others):
    horizon = scores.shape[1]
    valid = np.arange(horizon) < np.asarray(n_seen)[:, None]
    return {
        "configurations": np.where(valid[:, :, None], configurations, 0).reshape(len(scores), -1).astype(np.float32),
        "scores": np.where(valid, scores, 0).astype(np.float32),
        "valid": valid.astype(np.int8),
        **others,
    }


def test_states_of_one_search_are_read_off_a_single_pass_over_it():
    rng = np.random.default_rng(0)
    searches, scores = rng.random((2, 4, 3)), rng.random((2, 4))
    which, n_seen = np.array([0, 1, 0, 1, 0]), np.array([1, 3, 2, 0, 0])
    read = read_trajectories(observation(searches[which], scores[which], n_seen), (0, 0, 0))
    assert read.tokens.shape == (2, 3, n_features((0, 0, 0)))
    assert read.n_seen.tolist() == n_seen.tolist()
    kept = read.search.tolist()
    assert kept[0] == kept[2] != kept[1]
    assert kept[3] == kept[4] in kept[:2]  # a search without trials is the start of any


def test_searches_on_other_tasks_are_never_taken_for_the_same():
    trials = np.ones((2, 3, 2), np.float32)
    meta = np.array([[0.0], [1.0]], np.float32)
    rows, search = whole_searches(trials, meta, np.array([2, 1]))
    assert rows.tolist() == [0, 1]
    assert search.tolist() == [0, 1]


def test_a_token_tells_configuration_score_incumbent_standing_and_step():
    configurations = np.array([[[0.25, 1.0], [0.5, 0.5]]], np.float32)
    tokens = trial_features(configurations, np.array([[0.5, 0.25]], np.float32), (0, 3))
    assert tokens.shape == (1, 2, 1 + 3 + 4)
    np.testing.assert_allclose(tokens[0, :, :4], [[0.25, 0, 0, 1], [0.5, 0, 1, 0]])
    np.testing.assert_allclose(tokens[0, :, 4], np.arcsinh([0.5, 0.25]), rtol=1e-6)
    np.testing.assert_allclose(tokens[0, :, 5], np.arcsinh([0.5, 0.5]), rtol=1e-6)
    np.testing.assert_allclose(tokens[0, :, 6:], [[0, np.log(2)], [-1, np.log(3)]], rtol=1e-6)


def test_a_token_depends_on_no_later_trial_and_on_no_unit_of_the_score():
    rng = np.random.default_rng(0)
    configurations, scores = rng.random((1, 6, 2)).astype(np.float32), rng.random((1, 6)).astype(np.float32)
    whole = trial_features(configurations, scores, (0, 0))
    np.testing.assert_array_equal(trial_features(configurations[:, :4], scores[:, :4], (0, 0)), whole[:, :4])
    standing = trial_features(configurations, 1000 * scores - 7, (0, 0))[:, :, 4]
    np.testing.assert_allclose(standing, whole[:, :, 4], atol=1e-3)
