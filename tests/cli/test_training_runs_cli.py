"""The command line on environments of training runs."""

import json
from pathlib import Path

import pytest
from test_cli import Outcome

from hpo_gym.evaluation.result import EvaluationResult

QUADRATIC = "hpo_gym/InRunControl-NoisyQuadratic-v0"


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    for agent in ("controller-off", "hand-tuned", "oracle"):
        assert Outcome("evaluate", agent, QUADRATIC, "--seeds", "3", "--json", f"{agent}.json").code == 0
    return ["controller-off.json", "hand-tuned.json", "oracle.json"]


def test_list_and_describe_tell_of_the_run() -> None:
    rows = {row["id"]: row for row in json.loads(Outcome("list", "--json").out)}
    assert rows[QUADRATIC]["data"]["state"] == rows["hpo_gym/InRunControl-Nano-v0"]["data"]["state"] == "present"
    assert rows["hpo_gym/InRunControl-JEL73M-v0"]["corpus"] == "fineweb-edu"
    facts = json.loads(Outcome("describe", "hpo_gym/InRunControl-JEL73M-v0", "--json").out)
    assert (facts["n_parameters"], facts["n_updates"], facts["tokens_per_update"]) == (73_531_692, 561, 4096)
    assert facts["splits"] == {
        "train": "run seeds 0 to 1073741823",
        "test": "run seeds 1073741824 to 2147483647",
    }
    assert facts["options"]["action"] == "shared"
    assert "tokens_per_update" in Outcome("describe", "hpo_gym/InRunControl-Nano-v0").out


def test_agents_are_judged_against_the_two_references(results: list[str]) -> None:
    oracle = EvaluationResult.read("oracle.json")
    assert oracle.reference_agents == ["controller-off", "hand-tuned"]
    assert oracle.metrics["improvement_over_off"].mean > 0.9
    told = Outcome("compare", *results)
    assert "hand-tuned (reference)" in told.out
    assert "normalised score" in told.out
    assert Outcome("compare", *results, "--metrics", "return", "--markdown", "--html", "p.html").code == 0
    Outcome("compare", *results, "--at", "10").fails(2, "--at is for searches")
    assert Outcome("plot", *results, "--out", "plots").code == 0
    assert sorted(path.name for path in Path("plots").iterdir()) == ["loss.png", "outcomes.png", "schedules.png"]


def test_choices_that_make_no_sense_for_runs_are_wrong_usage() -> None:
    Outcome("evaluate", "random", QUADRATIC).fails(2, "is for config-selection", "controller-off, hand-tuned")
    Outcome("evaluate", "oracle", "hpo_gym/ConfigSelection-HPOBenchMLP-v0").fails(2, "is for in-run-control")
    Outcome("evaluate", "oracle", QUADRATIC, "--against", "random").fails(2, "agent 'random' is for config-selection")
    Outcome("evaluate", "oracle", QUADRATIC, "--split", "all").fails(2, "none can be left out")
    Outcome("evaluate", "oracle", QUADRATIC, "--tasks", "a").fails(2, "has no tasks to choose from")
    Outcome("evaluate", "schedule-free", QUADRATIC).fails(2, "recipe='schedule-free' is not one of base, hand-tuned")
    Outcome("evaluate", "linear", QUADRATIC, "--env", "observation=loss").fails(1, "add 'progress'")
