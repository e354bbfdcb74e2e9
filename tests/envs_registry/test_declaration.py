import dataclasses
import inspect
import json

import gymnasium as gym
import pytest

import hpo_gym
from envs_registry.declaration import OPTIONS, RECIPE_KEYS, SIMULATORS, DeclarationError, read_declarations
from hpo_gym.data.tables import TABLE_OPTIONS
from hpo_gym.data.tables.file_description import FileDescription
from hpo_gym.envs.in_run.problem import build_problem as build_control_problem
from hpo_gym.envs.live_selection_problem import build_live_problem
from hpo_gym.envs.selection_problem import build_problem
from hpo_gym.pretraining import noisy_quadratic_model, recipe
from hpo_gym.pretraining.make_runs import SETTINGS

GOOD = """
id = "hpo_gym/ConfigSelection-Mine-v0"
family = "config-selection"
title = "Mine"
description = "A table."
[kwargs]
table = "file"
[splits]
train = ["a"]
test = ["b"]
"""


GOOD_RUN = """
id = "hpo_gym/InRunControl-Mine-v0"
family = "in-run-control"
title = "Mine"
description = "A run."
[kwargs]
simulator = "noisy-quadratic"
n_updates = 100
decision_every = 10
[kwargs.recipes]
base = { lr = 0.1, weight_decay = 0.0 }
"""


def read(folder):
    return read_declarations({"file": ("path",)}, folder)


def test_a_declaration_becomes_an_environment_id(tmp_path):
    (tmp_path / "mine.toml").write_text(GOOD)
    declarations = read(tmp_path)
    assert list(declarations) == ["hpo_gym/ConfigSelection-Mine-v0"]
    assert declarations["hpo_gym/ConfigSelection-Mine-v0"].splits == {"train": ("a",), "test": ("b",)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("title =", "titel ="), "mine.toml: unknown key 'titel'; allowed are description, family"),
        (('title = "Mine"\n', ""), "mine.toml: key 'title' is missing"),
        (('"file"', '"fiel"'), "mine.toml: key 'kwargs.table': 'fiel' is not one of file"),
        (('"config-selection"', '"selection"'), "mine.toml: key 'family': 'selection' is not one of"),
        (('"file"', '"file"\nbudgett = 5'), "mine.toml: unknown key 'kwargs.budgett'; allowed are table, split"),
        (("[kwargs]", "reward_threshold = true\n[kwargs]"), "mine.toml: key 'reward_threshold' has the wrong type"),
        (("-v0", ""), "mine.toml: key 'id': .* is not of the form"),
        (("ConfigSelection-Mine-v0", "0"), "mine.toml: key 'id': .* is not of the form"),
        (("ConfigSelection-Mine-v0", "Mine-v0"), "mine.toml: key 'id': .* is not of the form"),
        (('["b"]', '["a"]'), "mine.toml: key 'splits.test': 'a' stands in 'train' too"),
        (('["b"]', "[]"), "mine.toml: key 'splits.test': a list"),
        (("[kwargs]", "[kwargs"), "mine.toml: not TOML"),
        (("[kwargs]", 'reward_threshold = "high"\n[kwargs]'), "mine.toml: key 'reward_threshold' has the wrong type"),
    ],
)
def test_a_mistake_in_a_declaration_names_file_and_key(tmp_path, change, message):
    (tmp_path / "mine.toml").write_text(GOOD.replace(*change))
    with pytest.raises(DeclarationError, match=message):
        read(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("simulator =", "simulater ="), "mine.toml: key 'kwargs.simulator' is missing"),
        (('"noisy-quadratic"', '"noisy"'), "mine.toml: key 'kwargs.simulator': 'noisy' is not one of noisy-quadratic"),
        (("decision_every", "decide_every"), "mine.toml: key 'kwargs.decision_every' is missing"),
        (
            ("n_updates = 100", "n_updates = 100\ndepth = 2"),
            "mine.toml: unknown key 'kwargs.depth'; allowed are simulator",
        ),
        (("base =", "best ="), "mine.toml: key 'kwargs.recipes': a table of recipes is needed, one named 'base'"),
        (("lr =", "rate ="), "mine.toml: unknown key 'rate' in 'kwargs.recipes.base'; allowed are lr, weight_decay"),
        (("[kwargs.recipes]\nbase = { lr = 0.1, weight_decay = 0.0 }", "recipes = 3"), "a table of recipes is needed"),
    ],
)
def test_a_mistake_in_a_runs_declaration_names_file_and_key(tmp_path, change, message):
    (tmp_path / "mine.toml").write_text(GOOD_RUN)
    assert list(read(tmp_path)) == ["hpo_gym/InRunControl-Mine-v0"]
    (tmp_path / "mine.toml").write_text(GOOD_RUN.replace(*change))
    with pytest.raises(DeclarationError, match=message):
        read(tmp_path)


def test_the_options_a_runs_declaration_may_set_are_those_that_environment_and_simulators_take():
    taken = list(inspect.signature(build_control_problem).parameters)
    assert set(OPTIONS["in-run-control"]) == set(taken) - {"settings"}
    assert {name: set(options) for name, options in SIMULATORS.items()} == {k: set(v) for k, v in SETTINGS.items()}
    assert set(RECIPE_KEYS["noisy-quadratic"]) == set(noisy_quadratic_model.RECIPE_KEYS)
    assert set(RECIPE_KEYS["transformer"]) == {field.name for field in dataclasses.fields(recipe.Recipe)}


@pytest.mark.parametrize("env_id", [i for i in hpo_gym.DECLARATIONS if "/InRunControl-" in i])
def test_every_declared_run_can_be_described_with_each_of_its_recipes(env_id):
    for name in hpo_gym.DECLARATIONS[env_id].kwargs["recipes"]:
        env = gym.make(env_id, recipe=name).unwrapped
        assert json.loads(json.dumps(dict(env.facts)))["n_decisions"] == env.n_decisions
        assert env.n_decisions > 1


def test_the_options_a_declaration_may_set_are_those_that_the_environment_and_the_tables_take():
    taken = list(inspect.signature(build_problem).parameters)
    assert set(OPTIONS["config-selection"]) == set(taken) - {"splits", "table_options"}
    assert set(TABLE_OPTIONS["file"]) == {"path", *FileDescription.model_fields}


def test_an_id_that_is_declared_twice_names_both_files(tmp_path):
    (tmp_path / "mine.toml").write_text(GOOD)
    (tmp_path / "other.toml").write_text(GOOD)
    with pytest.raises(DeclarationError, match=r"other.toml: key 'id': .* declared by mine.toml too"):
        read(tmp_path)


def test_every_declared_environment_is_registered_with_a_spec_that_is_json():
    ids = {i for i in gym.registry if i.startswith("hpo_gym/")}
    assert ids == set(hpo_gym.DECLARATIONS)
    for env_id in ids:
        spec = gym.spec(env_id)
        assert gym.envs.registration.EnvSpec.from_json(spec.to_json()) == spec
        json.dumps(spec.kwargs)


def test_an_id_can_be_made_without_an_import_line():
    env = gym.make("hpo_gym:hpo_gym/ConfigSelection-HPOBenchMLP-v0", split="test")
    assert env.unwrapped.task_ids == hpo_gym.DECLARATIONS[env.spec.id].splits["test"]


def test_the_options_a_live_declaration_may_set_are_those_that_the_environment_takes():
    taken = list(inspect.signature(build_live_problem).parameters)
    assert set(OPTIONS["live-selection"]) == set(taken) - {"splits", "unknown"}
