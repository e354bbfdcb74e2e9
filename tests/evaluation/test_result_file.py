"""The file of an evaluation's result."""

import json

import pytest
from pydantic import ValidationError

from hpo_gym.evaluation.errors import RecordError
from hpo_gym.evaluation.result import EvaluationResult, MetricSummary


def result(**changes):
    values = {
        "agent": "random",
        "env_id": "Toy/Search-v0",
        "env_kwargs": {"budget": 2},
        "split": "test",
        "n_seeds": 1,
        "seeds": [0],
        "budget": 2,
        "metrics": {"return": {"mean": 0.1, "iqm": 0.1, "low": 0.0, "high": 0.30000000000000004}},
        "per_task": {"a": {"return": 0.1}},
        "regret_curves": {"a": [[1.0, 0.5]]},
        "score_curves": {"a": [[0.0, 0.5]]},
        "reference_agents": ["random"],
        "wall_s": 0.5,
        "versions": {"numpy": "2"},
    }
    return EvaluationResult(**{**values, **changes})


def test_a_result_comes_back_as_it_was_written(tmp_path):
    result().write(tmp_path / "r.json")
    assert EvaluationResult.read(tmp_path / "r.json") == result()


def test_the_file_has_the_keys_that_the_command_line_promises(tmp_path):
    result().write(tmp_path / "r.json")
    content = json.loads((tmp_path / "r.json").read_text())
    promised = {"agent", "env_id", "env_kwargs", "n_seeds", "metrics", "per_task", "wall_s", "versions"}
    assert promised <= content.keys()
    assert content["metrics"]["return"] == {"mean": 0.1, "iqm": 0.1, "low": 0.0, "high": 0.30000000000000004}


def test_a_figure_that_is_not_finite_is_refused():
    with pytest.raises(ValidationError):
        MetricSummary(mean=float("nan"), iqm=0.0, low=0.0, high=0.0)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "not the result of an evaluation: Invalid JSON"),
        ("{}", "key 'agent' is missing"),
        ('{"agnet": 1}', "key 'agent' is missing"),
    ],
)
def test_another_file_is_refused_in_one_line(tmp_path, content, complaint):
    path = tmp_path / "r.json"
    path.write_text(content)
    with pytest.raises(RecordError) as error:
        EvaluationResult.read(path)
    assert str(error.value).startswith(str(path))
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_key_or_another_version_is_refused(tmp_path):
    path = tmp_path / "r.json"
    result(schema_version=2).write(path)
    with pytest.raises(RecordError, match="schema_version is 2; this version reads 1"):
        EvaluationResult.read(path)
    path.write_text(path.read_text().replace('"split"', '"slpit": "x", "split"'))
    with pytest.raises(RecordError, match="unknown key 'slpit'"):
        EvaluationResult.read(path)
