"""`hpo-gym table build`: what it writes, says and refuses."""

import json

import pytest
from test_cli import Outcome


@pytest.fixture
def flow(openml_server, tmp_path, monkeypatch):
    """A flow with 6 setups on tasks 3 and 31; the current folder is empty."""
    monkeypatch.chdir(tmp_path)
    flow = openml_server.add_flow(name="weka.J48", flow_id=42)
    for number in range(6):
        openml_server.add_setup(flow, {"C": json.dumps(0.1 * (number + 1)), "U": "true" if number % 2 else "false"})
    for task in (3, 31):
        openml_server.add_evaluations(task, [(setup, setup / 10) for setup in range(1, 7)])
    return flow


BUILD = ("table", "build", "--flow", "42", "--tasks", "3,31")


def test_a_table_is_built_described_and_checked(flow, tmp_path):
    made = Outcome(*BUILD, "--out", "trees.parquet")
    assert made.code == 0, made.err
    assert made.out.startswith("trees.parquet: 2 tasks, 6 configurations of 2 hyperparameters, 12 evaluations of weka")
    assert made.err == ""
    assert (tmp_path / "trees.toml").exists()
    checked = Outcome("table", "check", "trees.parquet")
    assert checked.code == 0, checked.err
    assert "2 tasks, 6 configurations (the same for all tasks)" in checked.out


def test_without_a_name_the_file_has_the_flows_and_the_metrics(flow, tmp_path):
    assert Outcome(*BUILD).code == 0
    assert (tmp_path / "openml-flow-42-predictive_accuracy.parquet").exists()


def test_files_that_are_there_are_not_written_over_unasked(flow, tmp_path):
    (tmp_path / "trees.toml").write_text("mine")
    Outcome(*BUILD, "--out", "trees.parquet").fails(2, "trees.toml is there already", "--replace")
    assert (tmp_path / "trees.toml").read_text() == "mine"
    assert Outcome(*BUILD, "--out", "trees.parquet", "--replace").code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--tasks", "3"), ["--flow ID"]),
        (("--flow", "42", "--live", "rf", "--tasks", "3"), ["either --flow ID", "or --live"]),
        (("--flow", "42", "--tasks", "3", "--workers", "2"), ["--workers goes with --live only"]),
        (("--live", "rf", "--tasks", "3", "--metric", "kappa"), ["--metric goes with --flow only"]),
        (("--live", "rf"), ["--tasks ID,ID"]),
        (("--live", "rf", "--tasks", "0"), ["tasks [0]"]),
        (("--live", "rf", "--tasks", "3", "--n-configurations", "2000000"), ["from 1 to 1048576"]),
        (("--flow", "42"), ["--tasks ID,ID"]),
        (("--flow", "42", "--tasks", "3,x"), ["whole numbers"]),
        (("--flow", "42", "--tasks", "3,3"), ["each once"]),
        (("--flow", "42", "--tasks", "3", "--metric", "accuracy"), ["predictive_accuracy", "direction"]),
        (("--flow", "42", "--tasks", "3", "--limit", "0"), ["--limit"]),
        (("--flow", "0", "--tasks", "3"), ["flow"]),
        (("--flow", "42", "--tasks", "3", "--out", "trees.csv"), ["ends in .parquet"]),
        (("--flow", "42", "--tasks", "3", "--server", "openml"), ["'openml'", "https://www.openml.org"]),
    ],
)
def test_what_makes_no_sense_is_wrong_usage_and_nothing_is_asked(flow, openml_server, arguments, words):
    Outcome("table", "build", *arguments).fails(2, *words)
    assert openml_server.requests == []


def test_what_the_server_does_not_give_is_one_line_and_exit_code_1(flow, openml_server, tmp_path):
    Outcome("table", "build", "--flow", "7", "--tasks", "3").fails(1, f"{openml_server.url}/flow/7", "check the number")
    Outcome("table", "build", "--flow", "42", "--tasks", "4,5").fails(1, "no evaluations of flow 42 on tasks 4, 5")
    openml_server.fail_next("status", part="run/list", status=503, times=5)
    Outcome(*BUILD).fails(1, "the server is busy (status 503), 5 times")
    assert list(tmp_path.glob("*.parquet")) == []


def test_stopped_by_hand_it_goes_on_from_there(flow, openml_server, monkeypatch):
    from hpo_gym.data.openml import build

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(build, "load_setups", interrupted)
        Outcome(*BUILD).fails(1, "interrupted")
    openml_server.requests.clear()
    assert Outcome(*BUILD).code == 0
    assert openml_server.paths("evaluation") == []


def test_an_unknown_metric_is_taken_with_its_direction(flow, openml_server):
    openml_server.add_evaluations(3, [(1, 2.5), (2, 0.5)], function="my_measure")
    made = Outcome(*BUILD, "--metric", "my_measure", "--direction", "minimise")
    assert made.code == 0, made.err
    assert "task 31 was left out" in made.out
