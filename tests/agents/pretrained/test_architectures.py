"""A kind of network in a room of its own is written, read and refused as those that the format knows itself."""

import importlib
import json

import pytest
import torch
from toy_network import ToyAgent, ToyNetwork, register

import hpo_gym  # noqa: F401 - registers
from agents.pretrained.architecture import Architecture
from agents.pretrained.architectures import ARCHITECTURES, architecture_class
from agents.pretrained.loading import policy_builder
from agents.pretrained.weights import ActingOptions, Provenance, WeightsError, read_weights, write_weights
from hpo_gym.evaluation.agent import AgentContext

MLP = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"
PROVENANCE = Provenance(agent="toy", preset={}, seed=0, n_episodes=8, training_cost=8.0, wall_s=1.0, versions={})


def write(folder, n_rows=30_000, value=1.0):
    write_weights(
        folder / "policy",
        architecture=ToyNetwork(n_rows=n_rows),
        tensors={"preferences": torch.full((n_rows,), value)},
        env_id=MLP,
        env_kwargs=ActingOptions(action="index", observe_pool=True, repeat="end"),
        provenance=PROVENANCE,
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    register(monkeypatch)
    write(tmp_path)
    return tmp_path


def test_its_weights_are_read_as_its_own_class_and_act_as_its_own_agent(folder):
    assert read_weights(folder / "policy").description.architecture == ToyNetwork(n_rows=30_000)
    build = policy_builder(folder)
    assert build.is_fitted_on_tasks
    assert build.env_kwargs == {"action": "index", "observe_pool": True, "repeat": "end"}
    context = AgentContext(env_id=MLP, train_tasks=("car",), env_kwargs=build.env_kwargs)
    agent = build(context)
    assert isinstance(agent, ToyAgent)
    assert agent.context is context


def test_what_it_says_against_spaces_and_tensors_is_heard(folder, tmp_path):
    with pytest.raises(WeightsError, match="a preference is negative"):
        write(tmp_path, value=-1.0)
    write(tmp_path, n_rows=7)
    with pytest.raises(WeightsError, match="it sees 7 numbers of 'available', the environment shows 30000"):
        policy_builder(tmp_path)(AgentContext(env_id=MLP, env_kwargs={"observe_pool": True}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_rows": "many"}, "key 'architecture.n_rows': Input should be a valid integer"),
        ({"surprise": 1}, "unknown key 'architecture.surprise'"),
        ({"name": "os:system"}, "key 'architecture.name': there are jel-policy, .*toy, got 'os:system'"),
        ({"name": 3}, "key 'architecture.name': Input should be a valid string"),
    ],
)
def test_a_mistake_is_told_by_its_place(folder, change, message):
    path = folder / "policy.json"
    content = json.loads(path.read_text())
    content["architecture"] |= change
    path.write_text(json.dumps(content))
    with pytest.raises(WeightsError, match=message):
        read_weights(folder / "policy")


@pytest.mark.parametrize("content", ["", "[]", "null", '{"architecture": "toy"}', "[" * 100_000])
def test_what_names_no_architecture_is_refused(folder, content):
    (folder / "policy.json").write_text(content)
    with pytest.raises(WeightsError, match=r"policy\.json: "):
        read_weights(folder / "policy")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_kind_is_where_its_name_says(name):
    kind = architecture_class(name)
    assert issubclass(kind, Architecture)
    assert kind.model_config["extra"] == "forbid"
    assert importlib.import_module(ARCHITECTURES[name].partition(":")[0]).__doc__
