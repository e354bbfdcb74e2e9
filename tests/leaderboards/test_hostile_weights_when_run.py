"""Weights that pass for such at first sight, and turn out to be something else when they are run."""

import hashlib
import json
import sys

import numpy as np
import pytest
from hostile import MARK
from safetensors.numpy import load, save
from small_board import RUN, small_store, write_submission

from agents.pretrained.shipped import SHIPPED
from leaderboards.errors import SubmissionError
from leaderboards.intake import read_submission
from leaderboards.verify import check_policy

SHIPPED_AS = "jel-noisy-quadratic"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return small_store(tmp_path_factory.mktemp("store"))


@pytest.fixture
def refusal(store, tmp_path):
    """Why a valid policy is refused when it is run, after a change of its description or its tensors."""

    def find(change):
        description = json.loads((SHIPPED / f"{SHIPPED_AS}.json").read_text("utf-8"))
        tensors = load((SHIPPED / f"{SHIPPED_AS}.safetensors").read_bytes())
        change(description, tensors)
        content = save(tensors)
        description["sha256"] = hashlib.sha256(content).hexdigest()
        folder = write_submission(tmp_path, store.boards[RUN])
        (folder / "policy.json").write_text(json.dumps(description), encoding="utf-8")
        (folder / "policy.safetensors").write_bytes(content)
        submission = read_submission(folder, store)
        with pytest.raises(SubmissionError) as caught:
            check_policy(submission)
        message = str(caught.value)
        assert message.isprintable()
        assert str(folder) in message
        return message

    return find


def described(key, value):
    """Dots lead into tables."""

    def change(description, tensors):
        *path, last = key.split(".")
        for part in path:
            description = description[part]
        description[last] = value

    return change


def tensor(name, value):
    return lambda description, tensors: tensors.update({name: value})


def _without_a_tensor(description, tensors):
    del tensors["layers.0.bias"]


def _never_written(description, tensors):
    del description["provenance"]


LAYER = np.zeros((64, 1), np.float32)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("'format'", described("format", 2)),
        ("'pickle'", described("pickle", "gASVKQ==")),
        ("'provenance'", _never_written),
        ("'architecture.inputs'", described("architecture.inputs", {})),
        ("'architecture.hidden", described("architecture.hidden", [10**9])),
        ("'architecture.hidden", described("architecture.hidden", [64] * 10_000)),
        ("'architecture.hidden", described("architecture.hidden", [-64, 64])),
        ("'architecture.activation'", described("architecture.activation", "os.system")),
        ("'architecture.n_actions'", described("architecture.n_actions", 2**40)),
        ("'architecture.bounds", described("architecture.bounds", ["a", "b"])),
        ("'architecture.forward'", described("architecture.forward", "lambda x: x")),
        ("'env_kwargs.path'", described("env_kwargs.path", "/etc/passwd")),
        ("'env_kwargs.action'", described("env_kwargs.action", "unit_tube")),
        ("'env_kwargs.observation", described("env_kwargs.observation", [7])),
        ("'provenance.training_cost'", described("provenance.training_cost", "free")),
        ("'provenance.versions", described("provenance.versions", ["2"])),
        ("'layers.1.weight'", described("architecture.hidden", [64, 32])),
        ("'layers.0.weight'", described("architecture.inputs", {"": 3})),
        ("'layers.0.bias'", _without_a_tensor),
        ("'layers.9.weight'", tensor("layers.9.weight", LAYER)),
        ("'__reduce__'", tensor("__reduce__", LAYER)),
        ("'layers.0.weight'", tensor("layers.0.weight", LAYER.astype(np.float64))),
        ("'layers.0.weight'", tensor("layers.0.weight", LAYER.T)),
        ("'layers.0.weight'", tensor("layers.0.weight", LAYER * np.nan)),
        ("'layers.0.weight'", tensor("layers.0.weight", LAYER + np.inf)),
        ("policy.json", described("env_kwargs.observation", ["progress", "loss"])),
        ("policy.json", described("env_kwargs.action", "per_optimizer")),
        ("policy.json", described("env_kwargs.action", "index")),
        ("policy.json", described("env_kwargs.observe_pool", True)),
        ("policy.json", described("env_kwargs.observation", ["no-such-field"])),
        ("policy.json", described("architecture.name", "gaussian-policy")),
        ("policy.json", described("architecture.name", "hyp-rl")),
        ("policy.json", described("architecture.name", "grpoformer")),
        ("policy.json", described("architecture.name", "searcher")),
        ("'actions'", described("architecture.bounds", [-0.5, 0.5])),
        ("'actions'", described("provenance.training_cost", 0.0)),
    ],
)
def test_it_is_refused_by_file_and_field(refusal, field, change):
    message = refusal(change)
    assert "policy." in message
    assert field in message


def test_the_environment_that_weights_name_is_not_imported(refusal, tmp_path, monkeypatch):
    (tmp_path / "evil_module.py").write_text(f"open({str(tmp_path / MARK)!r}, 'w')\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.chdir(tmp_path)
    refusal(described("env_id", "evil_module:hpo_gym/InRunControl-NoisyQuadratic-v0"))
    assert not (tmp_path / MARK).exists()
