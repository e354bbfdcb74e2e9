import json

import pytest
import safetensors.torch
import torch

import hpo_gym  # noqa: F401  registers the environments
from agents.pretrained.weights import read_weights
from agents.training.preset import PresetError, read_preset
from agents.training.train import train

NOISY_QUADRATIC = "hpo_gym/InRunControl-NoisyQuadratic-v0"
AFTER_ANOTHER = {"n_episodes": 16, "first.env_id": NOISY_QUADRATIC, "first.n_episodes": 24}


def read(overrides):
    return read_preset("jel", NOISY_QUADRATIC, overrides)


def tensors_of(folder):
    return safetensors.torch.load_file(folder / "policy.safetensors")


def assert_same(ours, theirs):
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_training_goes_on_from_the_first_ones_weights(tmp_path):
    folder = train(read(AFTER_ANOTHER), NOISY_QUADRATIC, out=tmp_path / "run", progress=False)
    alone = train(read({"n_episodes": 24}), NOISY_QUADRATIC, out=tmp_path / "alone", progress=False)
    assert_same(tensors_of(folder / "first"), tensors_of(alone))
    from_nothing = train(read({"n_episodes": 16}), NOISY_QUADRATIC, out=tmp_path / "nothing", progress=False)
    assert not torch.equal(tensors_of(folder)["layers.2.bias"], tensors_of(from_nothing)["layers.2.bias"])


def test_its_end_is_the_same_whether_or_not_the_first_was_trained_in_the_same_go(tmp_path):
    folder = train(read(AFTER_ANOTHER), NOISY_QUADRATIC, out=tmp_path, progress=False)
    before = tensors_of(folder)
    for name in ("policy.json", "policy.safetensors", "training.jsonl"):
        (folder / name).unlink()
    torch.rand(7)  # whatever this process drew before
    train(read(AFTER_ANOTHER), NOISY_QUADRATIC, out=tmp_path, resume=True, progress=False)
    assert_same(before, tensors_of(folder))


def test_what_the_first_took_counts_in_the_seconds_and_in_the_cost(tmp_path):
    folder = train(read(AFTER_ANOTHER), NOISY_QUADRATIC, out=tmp_path, progress=False)
    lines, first_lines = (
        [json.loads(line) for line in (path / "training.jsonl").read_text().splitlines()]
        for path in (folder, folder / "first")
    )
    assert lines[0]["cpu_s"] > first_lines[-1]["cpu_s"]
    assert lines[-1]["n_episodes"] == 16
    assert read_weights(folder / "policy").description.provenance.training_cost > 16


def test_no_episodes_on_the_first_environment_is_no_first_training():
    assert read({"first.env_id": NOISY_QUADRATIC, "first.n_episodes": 0}).first is None


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"first.env_id": NOISY_QUADRATIC}, "first.n_episodes.*missing"),
        ({"first": 3}, "a table is needed"),
        ({"first.env_id": NOISY_QUADRATIC, "first.n_episodes": -1}, "0 or more"),
        ({"first.env_id": "hpo_gym/InRunControl-Mikro-v0", "first.n_episodes": 8}, "no environment .*Micro"),
        ({"first.env_id": NOISY_QUADRATIC, "first.n_episodes": 8, "first.seed": 1}, "unknown key 'first.seed'"),
    ],
)
def test_a_mistake_in_the_first_training_is_named(overrides, message):
    with pytest.raises(PresetError, match=message):
        read(overrides)
