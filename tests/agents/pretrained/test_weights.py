"""Weights are read strictly: what a stranger's files claim is checked, and nothing in them is executed."""

import hashlib
import json

import numpy as np
import pytest
import safetensors.torch
import torch

from agents.pretrained import weights as weights_module
from agents.pretrained.perceptron import Perceptron
from agents.pretrained.policy import TrainedPolicy
from agents.pretrained.weights import (
    ActingOptions,
    Provenance,
    WeightsError,
    json_path,
    read_weights,
    tensors_path,
    write_weights,
)

JEL = Perceptron(name="jel-policy", inputs={"": 2}, hidden=(3,), activation="tanh", n_actions=1, bounds=(-1.0, 1.0))
PROVENANCE = Provenance(
    agent="jel", preset={}, seed=0, n_episodes=8, training_cost=8.0, wall_s=1.0, versions={"torch": "2"}
)


def tensors_of(architecture, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(shape, generator=generator) if dtype.is_floating_point else torch.arange(*shape)
        for name, (shape, dtype) in architecture.tensors().items()
    }


def write(stem, architecture=JEL, tensors=None):
    write_weights(
        stem,
        architecture=architecture,
        tensors=tensors_of(architecture) if tensors is None else tensors,
        env_id="hpo_gym/InRunControl-Nano-v0",
        env_kwargs=ActingOptions(action="shared", observation=("progress", "loss")),
        provenance=PROVENANCE,
    )


@pytest.fixture
def stem(tmp_path):
    write(tmp_path / "jel-v0.1")
    return tmp_path / "jel-v0.1"


def change(stem, **changes):
    """Changes keys of the JSON file; dots lead into tables."""
    content = json.loads(json_path(stem).read_text())
    for key, value in changes.items():
        *path, last = key.split("__")
        table = content
        for part in path:
            table = table[part]
        table[last] = value
    json_path(stem).write_text(json.dumps(content))


def replace_tensors(stem, content):
    """Another file of tensors, which the JSON file vouches for."""
    tensors_path(stem).write_bytes(content)
    change(stem, sha256=hashlib.sha256(content).hexdigest())


def test_what_was_written_is_read_again(stem):
    read = read_weights(stem)
    assert read.description.architecture == JEL
    assert read.description.provenance == PROVENANCE
    assert read.description.env_kwargs.as_kwargs() == {"action": "shared", "observation": ["progress", "loss"]}
    for name, tensor in tensors_of(JEL).items():
        assert torch.equal(read.tensors[name], tensor)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "key 'format'"),
        ({"surprise": 1}, "unknown key 'surprise'"),
        ({"architecture__name": "pickle"}, "architecture.name"),
        ({"architecture__hidden": [3, 3]}, "tensor 'layers.2.bias' is missing; jel-policy has layers.0.weight"),
        ({"architecture__hidden": [2**40]}, "architecture.hidden"),
        ({"architecture__n_actions": 2}, r"tensor 'layers.1.weight' is torch.float32 \(2, 3\); .* \(4, 3\)"),
        ({"architecture__name": "gaussian-policy"}, "tensor 'log_std' is missing"),
        ({"env_kwargs": {"path": "/etc/passwd"}}, "env_kwargs.path"),
        ({"provenance__seed": "none"}, "provenance.seed"),
        ({"sha256": "0" * 64}, "its SHA-256 is another"),
    ],
)
def test_a_description_that_lies_is_refused(stem, changes, message):
    change(stem, **changes)
    with pytest.raises(WeightsError, match=message) as caught:
        read_weights(stem)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no safetensors file"),
        (b"\x80\x04\x95not a pickle, please", "no safetensors file"),
        ((2**62).to_bytes(8, "little") + b"{}", "no safetensors file"),
        (safetensors.torch.save(tensors_of(JEL))[:-4], "no safetensors file"),
        (safetensors.torch.save({**tensors_of(JEL), "extra": torch.zeros(1)}), "tensor 'extra' does not belong there"),
        (
            safetensors.torch.save({**tensors_of(JEL), "layers.0.bias": torch.zeros(3, dtype=torch.float64)}),
            "tensor 'layers.0.bias' is torch.float64",
        ),
        (
            safetensors.torch.save({**tensors_of(JEL), "layers.0.bias": torch.full((3,), torch.nan)}),
            "numbers that are not finite",
        ),
    ],
    ids=["empty", "pickle", "lying header", "cut short", "too many", "dtype", "nan"],
)
def test_tensors_that_are_not_those_of_the_architecture_are_refused(stem, content, message):
    replace_tensors(stem, content)
    with pytest.raises(WeightsError, match=message):
        read_weights(stem)


def test_a_file_that_is_too_large_is_not_read_to_its_end(stem, monkeypatch):
    monkeypatch.setattr(weights_module, "LARGEST_TENSORS", 10)
    with pytest.raises(WeightsError, match="larger than 10 bytes"):
        read_weights(stem)


def test_absent_files_are_named(tmp_path):
    with pytest.raises(WeightsError, match=r"nobody.json: no such file"):
        read_weights(tmp_path / "nobody")


def test_what_is_not_finite_is_not_even_written(tmp_path):
    with pytest.raises(WeightsError, match="not finite"):
        write(tmp_path / "bad", tensors={**tensors_of(JEL), "layers.1.bias": torch.tensor([0.0, torch.inf])})


def test_jels_action_is_the_tanh_of_the_mean_and_the_noise_of_an_episode_its_own():
    tensors = {name: torch.zeros(shape) for name, (shape, _) in JEL.tensors().items()}
    tensors["layers.1.bias"] = torch.tensor([0.5, np.log(0.1)], dtype=torch.float32)
    policy = TrainedPolicy(JEL, tensors)
    observations = np.zeros((2, 2), np.float32)
    best, state = policy.predict(observations, state="kept", deterministic=True)
    np.testing.assert_allclose(best, np.tanh([[0.5], [0.5]]), rtol=1e-6)
    assert (best.dtype, state) == (np.float32, "kept")
    policy.start_episodes([5, 6])
    together, _ = policy.predict(observations)
    policy.start_episodes([6])
    alone, _ = policy.predict(observations[:1])
    np.testing.assert_allclose(alone[0], together[1], rtol=1e-6)
    noise = np.random.default_rng(6).standard_normal(1, np.float32)
    np.testing.assert_allclose(np.arctanh(alone[0]), 0.5 + 0.1 * noise, rtol=1e-4)
    with pytest.raises(ValueError, match="start_episodes was told of 1"):
        policy.predict(observations)
    single, _ = policy.predict(observations[0], deterministic=True)
    assert single.shape == (1,)


def test_a_q_network_takes_the_best_row_that_is_available():
    rows = Perceptron(name="q-network", inputs={"scores": 1}, hidden=(), activation="relu", n_actions=3, has_rows=True)
    tensors = {
        "layers.0.weight": torch.zeros(3, 1),
        "layers.0.bias": torch.tensor([0.0, 2.0, 1.0]),
        "rows": torch.tensor([4, 7, 9]),
    }
    policy = TrainedPolicy(rows, tensors)
    available = np.ones((3, 10), np.int8)
    available[1, 7] = 0
    available[2, [4, 7, 9, 0]] = 0
    observation = {"scores": np.zeros((3, 1), np.float32), "available": available, "other": np.zeros((3, 5))}
    assert policy.predict(observation, deterministic=True)[0].tolist() == [7, 9, 1]
