"""Hyp-RL's network reads the trials of a search in their order, from the data set's meta-features on."""

import numpy as np
import torch
from gymnasium import spaces

from agents.hyprl.network import HistoryExtractor, HistoryNetwork, without_tried


def observation_of(histories, n_places=4, meta_features=None):
    """Two hyperparameters; histories are lists of (x, y, score)."""
    n = len(histories)
    configurations, scores, valid = torch.zeros(n, n_places, 2), torch.zeros(n, n_places), torch.zeros(n, n_places)
    for i, history in enumerate(histories):
        for t, (x, y, score) in enumerate(history):
            configurations[i, t], scores[i, t], valid[i, t] = torch.tensor([x, y]), score, 1
    observation = {"configurations": configurations.reshape(n, -1), "scores": scores, "valid": valid}
    return observation if meta_features is None else {**observation, "meta_features": torch.tensor(meta_features)}


A, B = (0.1, 0.9, 0.5), (0.7, 0.2, 0.8)


def test_before_any_trial_the_state_is_a_linear_map_of_the_standardised_meta_features():
    network = HistoryNetwork(2, 3)
    network.standardise_by(torch.tensor([[0.0, 1.0, 5.0], [2.0, 1.0, 9.0]]))
    state = network(observation_of([[], []], meta_features=[[2.0, 1.0, 7.0], [1.0, 2.0, 7.0]]))
    expected = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]) @ network.initial.weight.T  # a constant counts as it is
    torch.testing.assert_close(state, expected)


def test_without_meta_features_every_search_begins_alike():
    assert HistoryNetwork(2, 0)(observation_of([[]])).tolist() == [[0.0] * 32]


def test_a_history_counts_to_its_last_trial_whatever_lies_beside_and_behind_it():
    network = HistoryNetwork(2, 0)
    alone = network(observation_of([[A, B]], n_places=2))
    beside = network(observation_of([[A], [A, B], [A, B, A]], n_places=9))
    torch.testing.assert_close(beside[1], alone[0])
    dirty = observation_of([[A, B]])
    dirty["scores"][0, 3] = 7.0
    torch.testing.assert_close(network(dirty), alone)


def test_the_order_of_trials_and_their_scores_matter():
    states = HistoryNetwork(2, 0)(observation_of([[A, B], [B, A], [A, (*B[:2], 0.1)]]))
    assert len({tuple(row.tolist()) for row in states}) == 3


def test_the_states_of_a_history_are_those_of_its_beginnings():
    network = HistoryNetwork(2, 1)
    states = network.states(observation_of([[A, B]], meta_features=[[0.3]]))
    for t in range(3):
        torch.testing.assert_close(states[:, t], network(observation_of([[A, B][:t]], meta_features=[[0.3]])))


def test_the_extractor_finds_its_sizes_in_the_observation_space():
    space = spaces.Dict(
        {
            "configurations": spaces.Box(0, 1, (20,)),
            "scores": spaces.Box(-1, 1, (10,)),
            "valid": spaces.MultiBinary(10),
            "meta_features": spaces.Box(-1, 1, (16,)),
        }
    )
    extractor = HistoryExtractor(space)
    assert (extractor.history.n_dims, extractor.history.n_meta_features, extractor.features_dim) == (2, 16, 32)
    sample = {name: torch.as_tensor(np.array(part))[None].float() for name, part in space.sample().items()}
    assert extractor(sample).shape == (1, 32)


def test_what_was_tried_is_worth_nothing_and_the_rest_what_it_was():
    values = torch.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    masked = without_tried(values, torch.tensor([[2, 0, -1], [-1, -1, -1]]))
    assert masked.tolist() == [[-np.inf, 2.0, -np.inf], [1.0, 2.0, 3.0]]
