"""The example of a cluster is what Ray's launcher takes; none can be begun here."""

import shlex
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from hpo_gym.cli import app

FILE = Path(__file__).parents[2] / "examples" / "ray_cluster.yaml"


@pytest.fixture(name="prepared")
def _prepared(tmp_path, monkeypatch):
    """As `ray up` reads it: with Ray's defaults filled in, and held against its schema."""
    pytest.importorskip("ray")
    util = pytest.importorskip("ray.autoscaler._private.util")
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))  # the launcher keeps the state of such clusters there
    config = util.prepare_config(yaml.safe_load(FILE.read_text(encoding="utf-8")))
    util.validate_config(config)
    return config


def test_the_launcher_s_own_schema_takes_the_example(prepared):
    assert prepared["max_workers"] == 2
    assert sum(node["min_workers"] for node in prepared["available_node_types"].values()) == 2


def test_a_misspelt_key_would_be_found(prepared):
    jsonschema = pytest.importorskip("jsonschema")
    util = pytest.importorskip("ray.autoscaler._private.util")
    with pytest.raises(jsonschema.ValidationError, match="max_worker"):
        util.validate_config({**prepared, "max_worker": 3})


def test_the_command_in_its_comment_has_only_options_that_there_are():
    (line,) = [line for line in FILE.read_text().splitlines() if "hpo-gym evaluate" in line]
    options = [word for word in shlex.split(line.strip("# ")) if word.startswith("--")]
    told = CliRunner().invoke(app, ["evaluate", "--help"], env={"COLUMNS": "200"}).stdout
    assert options
    assert all(option in told for option in options)
