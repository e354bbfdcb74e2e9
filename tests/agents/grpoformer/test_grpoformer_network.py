import numpy as np
import pytest
import torch

from agents.grpoformer.network import GrpoformerNetwork

D, HORIZON = 3, 5


def network(encoder, seed=0, **changes):
    torch.manual_seed(seed)
    sizes = {"encoder": encoder, "dim": 16, "n_layers": 2, "n_heads": 2, "horizon": HORIZON} | changes
    made = GrpoformerNetwork((0, 2, 0), **sizes)
    with torch.no_grad():
        made.heads.weight.mul_(100.0)  # so that there is something to see
    return made


def states(n_seen, rng):
    valid = np.arange(HORIZON) < np.asarray(n_seen)[:, None]
    configurations = np.rint(rng.random((1, HORIZON, D)) * 4) / 4
    return {
        "configurations": np.where(valid[:, :, None], configurations, 0).reshape(len(valid), -1).astype(np.float32),
        "scores": np.where(valid, rng.random((1, HORIZON)), 0).astype(np.float32),
        "valid": valid.astype(np.int8),
    }


def test_at_the_start_every_hyperparameter_is_a_normal_in_the_middle_of_its_range():
    made = GrpoformerNetwork((0, 0), dim=16, n_layers=1, n_heads=2)
    numbers = made(states_of_two_numbers())._numbers
    torch.testing.assert_close(numbers.mean, torch.full((1, 2), 0.5), atol=0.02, rtol=0)
    torch.testing.assert_close(numbers.std, torch.full((1, 2), 0.1), atol=0.01, rtol=0)


def states_of_two_numbers():
    return {
        "configurations": np.zeros((1, 6), np.float32),
        "scores": np.zeros((1, 3), np.float32),
        "valid": np.zeros((1, 3), np.int8),
    }


@pytest.mark.parametrize("encoder", ["transformer", "lstm", "mlp"])
def test_a_state_is_answered_alike_alone_and_beside_later_states_of_its_search(encoder):
    made, rng = network(encoder), np.random.default_rng(0)
    together = states([0, 2, 5, 3], rng)
    outputs = made(together).outputs
    for i in range(4):
        alone = made({name: part[i : i + 1] for name, part in together.items()}).outputs
        torch.testing.assert_close(alone[0], outputs[i], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("encoder", ["transformer", "lstm", "mlp"])
def test_what_was_seen_first_still_counts_at_the_end(encoder):
    made, rng = network(encoder), np.random.default_rng(0)
    seen = states([5], rng)
    other = {**seen, "scores": seen["scores"].copy()}
    other["scores"][0, 0] += 1.0
    assert (made(seen).outputs - made(other).outputs).abs().max() > 1e-4


def test_meta_features_of_the_task_reach_the_heads():
    made = network("transformer", n_meta_features=2)
    seen = states([1, 1], np.random.default_rng(0)) | {"meta_features": np.array([[0, 0], [5, -900.0]], np.float32)}
    outputs = made(seen).outputs
    assert (outputs[0] - outputs[1]).abs().max() > 1e-4


def test_a_transformer_searches_longer_than_it_was_trained():
    made = network("transformer", horizon=2)
    assert made(states([5], np.random.default_rng(0))).outputs.isfinite().all()
