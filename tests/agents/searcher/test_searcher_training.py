"""Training of the searcher: hindsight first, GRPO after, resumable, and weights that act elsewhere."""

import json

import numpy as np
import pytest
import torch
from search_table import ENV_ID, grid, write_table
from stable_baselines3.common.logger import configure
from typer.testing import CliRunner

from agents.catalogue import resolve
from agents.pretrained.loading import policy_builder
from agents.pretrained.weights import WeightsError, read_weights
from agents.searcher.algorithm import SearcherGRPO
from agents.searcher.table_groups import TableGroups
from agents.searcher.training_env import CandidatesVecEnv
from agents.training import legs
from agents.training.log import read_log
from agents.training.preset import read_preset
from agents.training.train import train
from hpo_gym.cli.application import app
from hpo_gym.evaluation.agent import AgentContext
from hpo_gym.evaluation.evaluate import evaluate
from hpo_gym.integrations.stable_baselines3 import make_sb3_vec_env

TASKS = tuple("abcdef")
SMALL = {
    "n_episodes": 32,
    "n_envs": 4,
    "env.budget": 4,
    "algorithm.beside": [],
    "algorithm.group_size": 4,
    "algorithm.n_groups": 2,
    "algorithm.n_imitation_updates": 2,
    "algorithm.policy_kwargs": {"width": 8, "margin": 1.0, "margins": {"elsewhere": 3.0}},
}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Six tasks on 36 configurations."""
    rng = np.random.default_rng(0)
    scores = {task: 0.9 - ((grid(6) - rng.random(2)) ** 2).sum(axis=1) for task in TASKS}
    return write_table(tmp_path_factory.mktemp("training") / "table", scores, grid(6))


def small_preset(table, **changes):
    return read_preset("searcher", ENV_ID, {**SMALL, "env.path": table["path"], **changes})


def short_training(table, out, **changes):
    """On all tasks but "f"."""
    return train(
        small_preset(table, **changes),
        ENV_ID,
        out=out,
        progress=False,
        resume=True,
        task_choice={"tasks": list(TASKS[:-1])},
    )


@pytest.fixture(scope="module", name="trained")
def _trained(table, tmp_path_factory):
    return short_training(table, tmp_path_factory.mktemp("trained") / "searcher")


def model_on(table, **settings):
    """An untrained model that has played the episodes of an update."""
    env = make_sb3_vec_env(ENV_ID, 8, **{**table, "budget": 4})
    tables = CandidatesVecEnv([TableGroups(env, group_size=4, n_rows=100)])
    options = {"group_size": 4, "n_groups": 2, "batch_size": 16, "policy_kwargs": {"width": 8}, "seed": 0}
    model = SearcherGRPO("PointerPolicy", tables, **{**options, **settings})
    model.set_logger(configure(None, []))
    _, callback = model._setup_learn(1)
    model.collect_rollouts(tables, callback)
    return model


def hindsight(model):
    """How much the policy gains on average, and the probability of the candidate that gains most."""
    samples = model._episodes.samples(model.device)
    with torch.no_grad():
        probabilities = torch.softmax(model.policy.logits(samples.observations), 1)
    gains = samples.observations["gains"]
    best = torch.where(samples.observations["mask"] > 0, gains, -1).argmax(1, keepdim=True)
    return float((probabilities * gains).sum(1).mean()), float(probabilities.gather(1, best).mean())


def test_imitation_raises_the_gain_and_the_probability_of_the_candidate_that_was_best(table):
    model = model_on(table, n_imitation_updates=100, imitation_learning_rate=2e-2, imitation_kl_coef=0.0)
    gain, probability = hindsight(model)
    for _ in range(5):
        model.train()
    assert hindsight(model)[0] > 1.2 * gain
    assert hindsight(model)[1] > 1.2 * probability


def test_a_heavy_divergence_keeps_the_policy_near_its_start(table):
    moved = []
    for coefficient in (0.0, 30.0):
        model = model_on(table, n_imitation_updates=100, imitation_learning_rate=1e-2, imitation_kl_coef=coefficient)
        observations = model._episodes.samples(model.device).observations
        for _ in range(2):
            model.train()
        with torch.no_grad():
            now, start = model.policy.logits(observations), model.policy.start_logits(observations)
        moved.append(float((torch.softmax(now, 1) - torch.softmax(start, 1)).abs().mean()))
    assert moved[1] < 0.3 * moved[0]


def test_a_new_policy_is_the_search_that_it_starts_from(table):
    model = model_on(table)
    observations = model._episodes.samples(model.device).observations
    with torch.no_grad():
        assert torch.equal(model.policy.logits(observations), model.policy.start_logits(observations))


def test_what_cannot_be_chosen_never_is(table):
    samples = model_on(table)._episodes.samples("cpu")
    assert (samples.observations["mask"].gather(1, samples.actions.long()[:, None]) == 1).all()


def test_imitation_comes_first_and_then_grpo_with_its_own_learning_rate(trained):
    lines = read_log(trained)
    assert ["train/gain" in line for line in lines] == [True, True, False, False]
    assert ["train/approx_kl" in line for line in lines] == [False, False, True, True]


def test_a_training_that_was_stopped_ends_with_the_same_weights(table, trained, tmp_path, monkeypatch):
    own = legs.Legs._on_step

    def on_step(self):
        if self.n_done > 2:
            raise KeyboardInterrupt
        return own(self)

    with monkeypatch.context() as patched:
        patched.setattr(legs, "CHECKPOINT_EVERY_S", 0.0)
        patched.setattr(legs.Legs, "_on_step", on_step)
        with pytest.raises(KeyboardInterrupt):
            short_training(table, tmp_path)
    again = short_training(table, tmp_path)
    assert (again / "policy.safetensors").read_bytes() == (trained / "policy.safetensors").read_bytes()


def test_the_weights_say_what_they_are_and_where_they_came_from(trained):
    description = read_weights(trained / "policy").description
    sizes = {"name": "searcher", "width": 8, "n_heads": 2, "n_layers": 1}
    found = description.architecture.model_dump()
    assert {name: found[name] for name in sizes} == sizes
    assert found["margin"] == 1
    assert found["margins"]["elsewhere"] == 3
    assert description.provenance.train_tasks == TASKS[:-1]
    assert description.provenance.tasks_beside == {}
    assert description.env_kwargs.as_kwargs() == {"action": "index", "observe_pool": True}


@pytest.mark.parametrize(("size", "value"), [("width", 16), ("n_layers", 2), ("n_heads", 4), ("n_layers", 10**6)])
def test_weights_that_lie_about_their_sizes_are_refused(trained, tmp_path, size, value):
    content = json.loads((trained / "policy.json").read_text())
    content["architecture"][size] = value
    (tmp_path / "policy.json").write_text(json.dumps(content))
    (tmp_path / "policy.safetensors").write_bytes((trained / "policy.safetensors").read_bytes())
    with pytest.raises(WeightsError):
        read_weights(tmp_path / "policy")


def test_the_agent_of_a_folder_is_the_policy_that_was_trained(trained, table):
    weights = read_weights(trained / "policy")
    env_kwargs = {"path": table["path"], "budget": 9, "observe_pool": True}
    agent = policy_builder(trained)(AgentContext(env_id=ENV_ID, env_kwargs=env_kwargs, train_tasks=TASKS[:-1]))
    state = agent.network.state_dict()
    assert all(torch.equal(state[name], values) for name, values in weights.tensors.items())
    assert agent.training.task_ids == TASKS[:-1]


def test_a_folder_is_judged_task_by_task_with_the_others_as_its_prior(trained, table):
    resolved = resolve(str(trained))
    result = evaluate(
        str(trained),
        resolved.build,
        ENV_ID,
        env_kwargs={"path": table["path"]},
        split="all",
        tasks=["f", "a"],
        n_seeds=2,
        budget=8,
        progress=False,
    )
    for curves in result.score_curves.values():
        assert len(curves[0]) == 8
        assert curves[0] == curves[1]  # it draws nothing


def test_the_command_line_evaluates_a_folder(trained, table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ("--split", "all", "--tasks", "f", "--seeds", "1", "--budget", "3", "--against", "", "--json", "r.json")
    result = CliRunner().invoke(app, ["evaluate", str(trained), ENV_ID, "--env", f"path={table['path']}", *options])
    assert result.exit_code == 0, result.stderr
    assert len(json.loads((tmp_path / "r.json").read_text())["score_curves"]["f"][0]) == 3
