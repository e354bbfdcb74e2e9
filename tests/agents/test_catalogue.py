"""The catalogue names every agent once, loads nothing before it is asked, and helps with spelling."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from agents import catalogue
from hpo_gym.evaluation.agent import AgentContext

MODULES = sorted({entry.builder.partition(":")[0] for entry in catalogue.CATALOGUE.values()})


def test_the_catalogue_has_the_published_names():
    presets = sorted(path.stem for path in (Path(catalogue.__file__).parent / "presets").glob("*.toml"))
    assert catalogue.names() == (
        "random", "average-rank", "greedy-regret", "greedy-rank", "gp-ei", "empirical-prior-gp", "tpe",
        "successive-halving",
        "controller-off", "hand-tuned", "schedule-free", "schedule-free-uniform", "schedule-free-warmdown", "constant",
        "cosine", "linear", "oracle", "random-sweep", "asha-sweep",
        *presets,
    )  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
def test_each_builder_is_in_a_module_that_exists(module):
    assert importlib.util.find_spec(module) is not None


@pytest.mark.parametrize(
    "name", [e.name for e in catalogue.CATALOGUE.values() if e.builder.startswith("agents.search")]
)
def test_search_agents_ask_for_the_pool(name):
    build = catalogue.resolve(name).build
    assert build.env_kwargs["observe_pool"] is True
    assert isinstance(build.is_fitted_on_tasks, bool)


def test_an_unknown_name_gets_the_nearest_one_and_the_list():
    with pytest.raises(
        catalogue.UnknownAgentError, match=r"did you mean 'greedy-rank'\?.*there are random, .*oracle.*sb3-dqn"
    ):
        catalogue.resolve("greedy-rnak")


def test_the_users_own_builder_is_found_by_module_and_function(tmp_path, monkeypatch):
    (tmp_path / "my_own_agents.py").write_text("def make(context):\n    return context.seed\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    entry = catalogue.resolve("my_own_agents:make")
    assert entry.family == "user"
    assert entry.build(AgentContext(env_id="any", seed=7)) == 7


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_module:make", "cannot import 'no_such_module'"),
        ("json:dupms", r"no callable 'dupms' \(did you mean 'dumps'"),
    ],
)
def test_a_misspelt_builder_of_the_users_own_is_named(name, message, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(catalogue.UnknownAgentError, match=message):
        catalogue.resolve(name)


def test_importing_the_catalogue_loads_no_learning_library():
    heavy = "('torch', 'optuna', 'sklearn', 'scipy', 'pandas')"
    code = f"import sys, agents.catalogue; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_agents_of_presets_are_told_by_their_files():
    entry = catalogue.CATALOGUE["jel"]
    assert (entry.plays, entry.description) == ("in-run-control", "JEL's controller, exactly as its paper trains it")
    assert catalogue.CATALOGUE["sb3-dqn"].plays == ""
    needed = catalogue.resolve("sb3-dqn").build.env_kwargs
    assert needed("hpo_gym/InRunControl-Nano-v0")["action"] == "discrete"
    assert needed("hpo_gym/ConfigSelection-HPOBenchMLP-v0")["action"] == "index"
