"""The command line: what it prints, what it writes, how it fails."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hpo_gym.cli import app
from hpo_gym.evaluation.result import EvaluationResult

TABLE_ENV = "hpo_gym/ConfigSelection-Table-v0"
MLP_ENV = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"

STUB = '''
"""An agent that counts upwards; one that fails; something that is no builder."""
import numpy as np

class Counting:
    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return observation["valid"].sum(axis=-1).astype(np.int64), state

def build(context):
    return Counting()

build.is_fitted_on_tasks = False

def build_broken(context):
    raise RuntimeError("no luck\\ntoday")

build_broken.is_fitted_on_tasks = False
'''


class Outcome:
    """What one command did."""

    def __init__(self, *arguments: str) -> None:
        result = CliRunner().invoke(app, list(arguments), prog_name="hpo-gym")
        self.code, self.out, self.err = result.exit_code, result.stdout, result.stderr

    def fails(self, code: int, *words: str) -> None:
        """Exit code, one line on stderr with the words, nothing on stdout."""
        assert self.code == code, (self.out, self.err)
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("hpo-gym: ")
        assert all(word in self.err for word in words), self.err
        assert self.out == ""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a small table of 3 tasks x 12 configurations, and a module of stub agents."""
    rows = ["task,lr,depth,score"]
    for task in range(3):
        rows += [f"t{task},{0.1 * (i + 1):.1f},{i % 4},{((7 * i + 5 * task) % 12) / 12:.4f}" for i in range(12)]
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "stub_agents.py").write_text(STUB)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HPO_GYM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "stub_agents", raising=False)
    return tmp_path


ON_TABLE = ("--env", "path=table.csv", "--split", "all", "--seeds", "3", "--budget", "6")


@pytest.fixture
def results(folder: Path) -> list[str]:
    """Two results on the small table."""
    for agent, file in [("random", "a.json"), ("stub_agents:build", "b.json")]:
        assert Outcome("evaluate", agent, TABLE_ENV, *ON_TABLE, "--json", file).code == 0
    return ["a.json", "b.json"]


def test_no_arguments_print_the_help() -> None:
    outcome = Outcome()
    assert outcome.code == 0
    assert "evaluate" in outcome.out


@pytest.mark.parametrize(
    "command",
    [
        "list",
        "describe",
        "evaluate",
        "export",
        "compare",
        "plot",
        "demo",
        "data list",
        "data get",
        "data verify",
        "table check",
    ],
)
def test_every_command_has_a_help(command: str) -> None:
    outcome = Outcome(*command.split(), "--help")
    assert outcome.code == 0
    assert f"Usage: hpo-gym {command}" in outcome.out


def test_the_version_is_printed() -> None:
    from hpo_gym import __version__

    assert Outcome("--version").out == f"hpo-gym {__version__}\n"


def test_misspelt_commands_and_options_are_wrong_usage() -> None:
    Outcome("evaluat").fails(2, "No such command 'evaluat'")
    Outcome("list", "--jsn").fails(2, "--jsn")
    Outcome("evaluate").fails(2, "AGENT", "hpo-gym evaluate --help")


def test_list_tells_of_every_environment_whether_its_data_is_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from hpo_gym import DECLARATIONS

    monkeypatch.setenv("HPO_GYM_DATA", str(tmp_path))
    rows = {row["id"]: row for row in json.loads(Outcome("list", "--json").out)}
    assert rows.keys() == DECLARATIONS.keys()
    assert rows[MLP_ENV]["data"] == {"state": "present", "get": ""}
    assert rows["hpo_gym/ConfigSelection-TSTSVM-v0"]["data"] == {"state": "absent", "get": "hpo-gym data get tst-svm"}
    assert rows[TABLE_ENV]["data"]["state"] == "yours"
    assert "hpo-gym data get tst-svm" in Outcome("list").out


def test_describe_names_spaces_options_tasks_and_splits(folder: Path) -> None:
    outcome = Outcome("describe", TABLE_ENV, "--env", "path=table.csv", "--env", "budget=7", "--json")
    facts = json.loads(outcome.out)
    assert facts["action_space"] == "Discrete(12)"
    assert facts["observation_space"]["scores"].endswith("(7,), float32)")
    assert facts["options"]["budget"] == 7
    assert facts["options"]["repeat"] == "mask"
    assert facts["tasks"] == ["t0", "t1", "t2"]
    told = Outcome("describe", MLP_ENV).out
    assert "test (3)" in told
    assert "kc1, phoneme, blood-transfusion" in told


def test_unknown_environments_agents_and_tasks_get_a_suggestion() -> None:
    Outcome("describe", "hpo_gym/ConfigSelection-HPOBenchMPL-v0").fails(2, f"did you mean '{MLP_ENV}'?")
    Outcome("evaluate", "randm", MLP_ENV).fails(2, "did you mean 'random'?")
    Outcome("evaluate", "random", MLP_ENV, "--tasks", "kc2").fails(2, "did you mean 'kc1'?")
    Outcome("evaluate", "random", MLP_ENV, "--tasks", "car").fails(2, "it is a train task")
    Outcome("evaluate", "random", MLP_ENV, "--tasks", "").fails(2, "names no task")
    Outcome("evaluate", "random", MLP_ENV, "--against", "tpee").fails(2, "did you mean 'tpe'?")
    Outcome("evaluate", "no_such_module:build", MLP_ENV).fails(2, "no_such_module")
    Outcome("evaluate", ".relative:build", MLP_ENV).fails(2, "no agent named '.relative:build'")


def test_wrong_options_of_the_environment_are_wrong_usage() -> None:
    Outcome("evaluate", "random", MLP_ENV, "--env", "reward").fails(2, "KEY=VALUE")
    Outcome("evaluate", "random", MLP_ENV, "--env", "reward=gold").fails(2, "reward='gold'")
    Outcome("evaluate", "random", MLP_ENV, "--env", "a=1", "--env", "a=2").fails(2, "twice")
    Outcome("evaluate", "random", MLP_ENV, "--env", "budget=3").fails(2, "use --budget")
    Outcome("evaluate", "random", MLP_ENV, "--env", "colour=3").fails(2, "'colour'")
    Outcome("evaluate", "random", TABLE_ENV).fails(2, "path=")


def test_absent_data_fails_with_the_command_that_gets_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HPO_GYM_DATA", str(tmp_path))
    Outcome("evaluate", "random", "hpo_gym/ConfigSelection-TSTSVM-v0").fails(1, "hpo-gym data get tst-svm")


def test_evaluate_prints_metrics_and_writes_result_and_episodes(folder: Path) -> None:
    outcome = Outcome(
        "evaluate",
        "stub_agents:build",
        TABLE_ENV,
        *ON_TABLE,
        "--tasks",
        "t0,t2",
        "--json",
        "out/r.json",
        "--episodes",
        "e.jsonl",
    )
    assert outcome.code == 0, outcome.err
    assert "normalized_regret" in outcome.out
    assert "@6" in outcome.out
    result = EvaluationResult.read(folder / "out" / "r.json")
    assert list(result.per_task) == ["t0", "t2"]
    assert (result.agent, result.n_seeds, result.budget) == ("stub_agents:build", 3, 6)
    assert result.reference_agents == ["random"]
    assert len((folder / "e.jsonl").read_text().splitlines()) == 6


def test_nobody_needs_to_be_compared_with(folder: Path) -> None:
    assert Outcome("evaluate", "random", TABLE_ENV, *ON_TABLE, "--against", "", "--json", "r.json").code == 0
    assert EvaluationResult.read("r.json").reference_agents == []


def test_an_agent_that_fails_is_told_on_one_line(folder: Path) -> None:
    Outcome("evaluate", "stub_agents:build_broken", TABLE_ENV, *ON_TABLE).fails(
        1, "RuntimeError: no luck today", "while building agent 'stub_agents:build_broken'"
    )
    (folder / "broken_module.py").write_text("raise RuntimeError('too early')\n")
    Outcome("evaluate", "broken_module:build", TABLE_ENV, *ON_TABLE).fails(
        1, "RuntimeError: too early", "while importing agent 'broken_module:build'"
    )


def test_output_places_are_checked_before_the_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Outcome("evaluate", "random", TABLE_ENV, *ON_TABLE, "--json", ".").fails(2, "is a folder")
    Outcome("evaluate", "random", TABLE_ENV, *ON_TABLE, "--json", "table.csv/x.json").fails(2, "is not a folder")
    Outcome("evaluate", "random", TABLE_ENV, *ON_TABLE, "--json", "x", "--episodes", "x").fails(2, "two files")
    monkeypatch.setattr("os.access", lambda *_: False)
    Outcome("evaluate", "random", TABLE_ENV, *ON_TABLE, "--json", "x.json").fails(1, "may not be written to")


def test_compare_prints_tables_for_people_and_for_pages(results: list[str]) -> None:
    told = Outcome("compare", *results)
    assert told.code == 0, told.err
    assert "Probability that the row beats the column after 6 trials" in told.out
    page = Outcome("compare", *results, "--markdown", "--at", "1,3", "--html", "page.html")
    assert "| agent | after 1 trial | after 3 trials |" in page.out
    assert Path("page.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_compare_can_show_any_metric_of_the_files(results: list[str]) -> None:
    assert (
        "| agent | return | beat_random@5 |"
        in Outcome("compare", *results, "--metrics", "return,beat_random@5", "--markdown").out
    )
    Outcome("compare", *results, "--metrics", "profit").fails(2, "profit", "normalized_regret@5")


def test_compare_refuses_what_does_not_belong_together(results: list[str]) -> None:
    assert Outcome("evaluate", "random", TABLE_ENV, *ON_TABLE, "--budget", "4", "--json", "c.json").code == 0
    Outcome("compare", *results, "c.json").fails(1, "budget differs")
    Outcome("compare", *results, "--at", "7").fails(2, "1 to 6")
    Outcome("compare", *results, "--at", "soon").fails(2, "whole numbers")
    Outcome("compare", "nowhere.json").fails(1, "nowhere.json: no such file")
    Path("broken.json").write_text("{}")
    Outcome("compare", "broken.json").fails(1, "broken.json", "'agent' is missing")


def test_plot_writes_the_figures(results: list[str]) -> None:
    outcome = Outcome("plot", *results, "--out", "plots", "--format", "svg")
    assert outcome.code == 0, outcome.err
    names = ["critical_difference.svg", "profile.svg", "rank.svg", "regret.svg"]
    assert sorted(path.name for path in Path("plots").iterdir()) == names
    Outcome("plot", *results, "--out", "plots", "--format", "gif").fails(2, "png, svg")
    Outcome("plot", *results, "--out", "a.json").fails(2, "is a file")


def test_table_check_says_what_was_understood(folder: Path) -> None:
    outcome = Outcome("table", "check", "table.csv")
    assert outcome.code == 0, outcome.err
    assert "3 tasks, 12 configurations (the same for all tasks)" in outcome.out
    assert "depth" in outcome.out
    Outcome("table", "check", "nowhere.csv").fails(1, "nowhere.csv")
    Outcome("table", "check", "table.csv", "--set", "score=accuracy").fails(1, "accuracy")


def test_data_commands_name_what_there_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HPO_GYM_DATA", str(tmp_path))
    monkeypatch.setenv("HPO_GYM_OFFLINE", "1")
    rows = {row["name"]: row for row in json.loads(Outcome("data", "list", "--json").out)}
    assert rows["hpobench-mlp"]["state"] == "present"
    assert rows["tst-svm"]["state"] == "absent"
    assert "tst-svm" in Outcome("data", "list").out
    Outcome("data", "get", "tst-smv").fails(2, "did you mean 'tst-svm'?")
    Outcome("data", "get", "tst-svm").fails(1, "HPO_GYM_OFFLINE")
    Outcome("data", "verify", "tst-svm").fails(1, "hpo-gym data get tst-svm")
    assert "hpobench-mlp is in" in Outcome("data", "get", "hpobench-mlp").out
    assert "as published" in Outcome("data", "verify", "hpobench-mlp").out


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["data", "list"]])
def test_quick_commands_load_no_heavy_library(arguments: list[str]) -> None:
    heavy = {
        "torch",
        "pandas",
        "matplotlib",
        "scipy",
        "sklearn",
        "optuna",
        "ConfigSpace",
        "pyarrow",
        "stable_baselines3",
    }
    program = (
        "import sys, atexit\n"
        f"atexit.register(lambda: print('loaded:', sorted({heavy!r} & set(sys.modules)), file=sys.stderr))\n"
        f"from hpo_gym.cli import main\nmain({arguments!r})\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "loaded: []" in ended.stderr
