"""Table files of OpenML's evaluations."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib

import gymnasium
import numpy as np
import pandas as pd
import pytest

from hpo_gym.data.errors import OpenMLError
from hpo_gym.data.openml.build import TableRequest, build_table
from hpo_gym.data.tables import open_table
from hpo_gym.testing import check_table


@pytest.fixture
def flow(openml_server):
    """A flow with a seed, a constant, a condition, a component, and 12 setups on two tasks."""
    flow = openml_server.add_flow(name="sklearn.pipeline.Pipeline(svc=sklearn.svm.SVC)", flow_id=42)
    for number in range(12):
        is_poly = number % 3 == 0
        parameters = {
            "sklearn.svm.SVC(3)_C": json.dumps(10.0 ** (number - 6)),
            "sklearn.svm.SVC(3)_kernel": '"poly"' if is_poly else '"rbf"',
            "sklearn.svm.SVC(3)_random_state": str(number),
            "steps": '[["svc", null]]',
        }
        if is_poly:
            parameters["sklearn.svm.SVC(3)_degree"] = str(2 + number % 4)
        openml_server.add_setup(flow, parameters)
    frame = pd.DataFrame({"a": np.arange(4.0), "class": pd.Categorical(list("abab"))})
    for task in (3, 31):
        openml_server.add_task(openml_server.add_dataset(frame, target="class", name=f"data-{task}"), task_id=task)
        openml_server.add_evaluations(task, [(setup, setup / 100 + task / 1000) for setup in range(1, 13)])
    return flow


@pytest.fixture
def made(flow, tmp_path):
    """Builds out.parquet -> (the table as it opens, the parquet file, the TOML)."""

    def build(*, tasks=(3, 31), metric="predictive_accuracy", file="out.parquet", refresh=False, **request):
        path = tmp_path / file
        request = TableRequest(flow_id=flow, task_ids=tasks, metric=metric, **request)
        build_table(request, path, refresh=refresh)
        said = tomllib.loads(path.with_suffix(".toml").read_text())
        return open_table("file", path=path), pd.read_parquet(path), said

    return build


def test_a_flows_evaluations_become_a_table_that_opens_and_can_be_searched(made, tmp_path):
    table, rows, _ = made()
    check_table(table)
    assert [(h.name, h.kind, h.log) for h in table.hyperparameters] == [
        ("C", "float", True),
        ("degree", "integer", False),
        ("kernel", "categorical", False),
    ]
    assert list(table.tasks) == ["3", "31"]
    assert table.has_shared_pool
    assert table.task("31").openml_task_id == 31
    np.testing.assert_allclose(table.task("3").scores, np.arange(1, 13) / 100 + 0.003)
    assert rows["n_runs"].tolist() == [1] * 24
    env = gymnasium.make("hpo_gym/ConfigSelection-Table-v0", path=str(tmp_path / "out.parquet"), budget=3)
    env.reset(seed=0, options={"task_id": "31"})
    assert env.step(4)[4]["score"] == pytest.approx(0.05 + 0.031)
    env.close()


def test_the_toml_says_where_the_table_comes_from(made, openml_server):
    _, _, said = made()
    provenance = said["provenance"]
    assert provenance["server"] == openml_server.url
    assert (provenance["flow_id"], provenance["metric"]) == (42, "predictive_accuracy")
    assert provenance["flow_name"] == "sklearn.pipeline.Pipeline(svc=sklearn.svm.SVC)"
    assert provenance["data_sets"] == {"3": "data-3", "31": "data-31"}
    assert provenance["counts"]["n_evaluations"] == 24
    assert provenance["counts"]["n_setups"] == provenance["counts"]["n_configurations"] == 12
    assert provenance["parameters"]["C"] == "sklearn.svm.SVC(3)_C"
    assert provenance["retrieved_from"] <= provenance["retrieved_to"] == time.strftime("%Y-%m-%d", time.gmtime())
    assert said["licence"] == "not stated by the server"
    assert "networked science" in said["citation"]


def test_evaluations_of_openml_org_bear_its_licence():
    from hpo_gym.data.openml.table_contents import _is_openml_org

    assert _is_openml_org("https://www.openml.org/api/v1/xml")
    assert not _is_openml_org("https://www.openml.org.example.com/api/v1/xml")


def test_what_was_done_is_noted_in_the_table(made):
    table, _, _ = made()
    for words in ("random_state", "steps is", "kernel tells which"):
        assert any(words in note for note in table.notes), table.notes


def test_several_runs_of_a_configuration_are_one_score_their_mean(made, openml_server, flow):
    openml_server.add_evaluations(3, [(5, 0.5), (5, 0.8)])
    same_but_for_its_seed = {**openml_server.setups[6].parameters, "sklearn.svm.SVC(3)_random_state": "99"}
    openml_server.add_evaluations(3, [(openml_server.add_setup(flow, same_but_for_its_seed), 1.0)])
    table, rows, said = made()
    of_task = rows[rows["task"] == "3"]
    assert of_task["n_runs"].tolist() == [1, 1, 1, 1, 3, 2, 1, 1, 1, 1, 1, 1]
    assert table.task("3").scores[4] == pytest.approx((0.053 + 0.5 + 0.8) / 3)
    assert table.task("3").scores[5] == pytest.approx((0.063 + 1.0) / 2)
    assert (said["provenance"]["counts"]["n_setups"], said["provenance"]["counts"]["n_configurations"]) == (13, 12)
    assert said["provenance"]["counts"]["n_rows_of_several_runs"] == 2


def test_failed_runs_are_counted_and_leave_a_missing_score_where_nothing_else_is(made, openml_server, flow):
    parameters = {**openml_server.setups[1].parameters, "sklearn.svm.SVC(3)_C": "0.25"}
    new = openml_server.add_setup(flow, parameters)
    openml_server.add_evaluations(3, [], errors=[2, new, new])
    table, rows, _ = made()
    of_task = rows[rows["task"] == "3"].reset_index()
    assert of_task["n_failed_runs"].tolist() == [0, 1, *[0] * 10, 2]
    assert of_task["n_runs"].tolist() == [*[1] * 12, 0]
    assert np.isnan(of_task["score"][12])
    assert table.task("3").is_evaluated.tolist() == [*[True] * 12, False]


def test_a_metric_of_errors_is_turned_round_when_the_table_is_opened(made, openml_server):
    openml_server.add_evaluations(3, [(1, 0.5), (2, 0.25)], function="mean_absolute_error")
    table, rows, said = made(tasks=(3,), metric="mean_absolute_error")
    assert said["direction"] == "minimise"
    assert rows["score"][:2].tolist() == [0.5, 0.25]
    assert table.task("3").scores[:2].tolist() == [-0.5, -0.25]


def test_tasks_with_different_setups_have_a_pool_each_on_the_same_scales(made, openml_server):
    openml_server.runs = [run for run in openml_server.runs if (run.task_id == 3) == (run.setup_id <= 5)]
    table, _, _ = made()
    assert not table.has_shared_pool
    assert [task.n_configurations for task in table.tasks.values()] == [5, 7]
    assert (table.hyperparameters[0].lower, table.hyperparameters[0].upper) == (1e-6, 1e5)


def test_tasks_with_too_few_configurations_are_left_out_with_a_note(made, openml_server):
    openml_server.add_evaluations(5, [(1, 0.5)])
    table, _, _ = made(tasks=(3, 5, 31))
    assert list(table.tasks) == ["3", "31"]
    assert any("task 5 was left out: 1 of its" in note for note in table.notes)


def test_a_task_whose_setups_are_one_configuration_or_unknown_is_left_out(made, openml_server, flow):
    same_but_for_its_seed = {**openml_server.setups[1].parameters, "sklearn.svm.SVC(3)_random_state": "99"}
    again = openml_server.add_setup(flow, same_but_for_its_seed)
    unknown = [openml_server.add_setup(flow, {}), openml_server.add_setup(flow, {})]
    openml_server.add_evaluations(5, [(1, 0.5), (again, 0.6)])
    openml_server.add_evaluations(6, [(setup, 0.5) for setup in unknown])
    for setup in unknown:
        del openml_server.setups[setup]
    table, _, said = made(tasks=(3, 5, 6))
    assert list(table.tasks) == list(said["openml_task_ids"]) == ["3"]
    for words in ("task 5 was left out: 1 of its", "task 6 was left out: 0 of its"):
        assert any(words in note for note in table.notes)
    with pytest.raises(OpenMLError, match="it knows none of the 2 setups of flow 42"):
        made(tasks=(6,), file="b.parquet")
    assert list(made(tasks=(5, 3), min_configurations=1, file="c.parquet")[0].tasks) == ["5", "3"]


def test_runs_whose_setup_the_server_does_not_know_are_dropped_with_a_note(made, openml_server):
    del openml_server.setups[4]
    table, _, said = made()
    assert said["provenance"]["counts"]["n_runs_of_unknown_setups_dropped"] == 2
    assert any("does not know their setups: 2" in note for note in table.notes)
    assert table.task("3").n_configurations == 11


def test_parameters_to_ignore_can_be_named(made):
    with_seed, _, _ = made(ignore=())
    assert "random_state" in [h.name for h in with_seed.hyperparameters]
    without_kernel, _, _ = made(ignore=("random_state", "kernel", "degree"), file="b.parquet")
    assert [h.name for h in without_kernel.hyperparameters] == ["C"]


def test_a_limit_takes_the_first_evaluations_of_each_task(made):
    _, rows, said = made(limit=5)
    assert rows["task"].tolist() == ["3"] * 5 + ["31"] * 5
    assert said["provenance"]["limit"] == 5


def test_the_same_request_gives_the_same_bytes_from_the_cache_and_from_the_server(made, tmp_path, monkeypatch):
    made()
    monkeypatch.setenv("HPO_GYM_OFFLINE", "1")
    made(file="again.parquet")
    monkeypatch.setenv("HPO_GYM_OFFLINE", "0")
    made(file="anew.parquet", refresh=True)
    for ending in ("parquet", "toml"):
        first, *others = ((tmp_path / f"{name}.{ending}").read_bytes() for name in ("out", "again", "anew"))
        assert all(other == first for other in others)


def test_new_evaluations_are_seen_after_a_refresh_and_setups_are_not_asked_for_again(made, openml_server):
    made()
    openml_server.add_evaluations(3, [(1, 0.9)])
    openml_server.requests.clear()
    assert made()[2]["provenance"]["counts"]["n_evaluations"] == 24
    assert openml_server.requests == []
    assert made(refresh=True)[2]["provenance"]["counts"]["n_evaluations"] == 25
    assert openml_server.paths("setup/") == []


def test_the_key_is_in_nothing_that_is_kept(made, tmp_path, openml_server, monkeypatch):
    monkeypatch.setenv("OPENML_APIKEY", "c0ffee-and-nothing-else")
    made()
    assert openml_server.requests[-1].query == {"api_key": "c0ffee-and-nothing-else"}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert not [path for path in files if b"c0ffee" in path.read_bytes()]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"flow_id": 7, "task_ids": (3,)}, "flow/7"),
        ({"flow_id": 42, "task_ids": (4,)}, "no evaluations of flow 42 on task 4"),
        ({"flow_id": 42, "task_ids": (3,), "metric": "kappa"}, "with the metric 'kappa'"),
        ({"flow_id": 42, "task_ids": (3,), "min_configurations": 13}, "has at most 12"),
        ({"flow_id": 42, "task_ids": (3,), "ignore": ("C", "kernel", "degree", "random_state")}, "one configuration"),
        ({"flow_id": 42, "task_ids": (3,), "ignore": ("kernl",)}, r"no parameter 'kernl'.*did you mean 'kernel'"),
    ],
)
def test_what_cannot_be_built_is_told_and_writes_nothing(flow, tmp_path, request_, words):
    with pytest.raises(OpenMLError, match=words):
        build_table(TableRequest(**{"metric": "predictive_accuracy", **request_}), tmp_path / "out.parquet")
    assert not list(tmp_path.glob("*.parquet"))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"metric": "accuracy"}, "did you mean 'predictive_accuracy'"),
        ({"task_ids": ()}, "at least one"),
        ({"task_ids": (3, 3)}, "each once"),
        ({"metric": "../kappa", "direction": "maximise"}, "no measure's name"),
        ({"limit": 0}, "limit 0"),
        ({"min_configurations": 0}, "min_configurations 0"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_before_anything_is_asked(wrong, words):
    with pytest.raises(OpenMLError, match=words):
        TableRequest(**{"flow_id": 1, "task_ids": (3,), "metric": "predictive_accuracy", **wrong})


@pytest.mark.slow
def test_a_build_that_is_killed_goes_on_where_it_was(made, openml_server, tmp_path):
    openml_server.fail_next("time_out", part="task/31/flow", seconds=60)
    code = (
        "from pathlib import Path; from hpo_gym.data.openml.build import *;"
        "build_table(TableRequest(flow_id=42, task_ids=(3, 31), metric='predictive_accuracy'), Path('out.parquet'))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path)
    while not openml_server.paths("task/31/flow"):
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "out.parquet").exists()
    openml_server.requests.clear()
    assert len(made()[1]) == 24
    assert not openml_server.paths("task/3/flow")
    assert openml_server.paths("task/31/flow")


@pytest.mark.slow
def test_a_hundred_thousand_evaluations_take_bounded_memory_and_little_time_once_they_are_here(
    openml_server, tmp_path, monkeypatch
):
    flow = openml_server.add_flow(name="weka.J48")
    for number in range(20_000):
        openml_server.add_setup(flow, {"C": str(0.001 * (number + 1)), "M": str(number % 97), "R": "", "S": "true"})
    for task in range(1, 6):
        openml_server.add_evaluations(task, [(setup, setup / 20_001) for setup in range(1, 20_001)])
    code = (
        "import re, time; from pathlib import Path; from hpo_gym.data.openml.build import *; import openml;"
        "start = time.process_time();"
        "request = TableRequest(flow_id=1, task_ids=(1, 2, 3, 4, 5), metric='predictive_accuracy');"
        "build_table(request, Path('out.parquet'));"
        "most_kib = re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1];"
        "print(time.process_time() - start, int(most_kib) / 1024)"
    )
    figures = []
    for offline in "01":
        monkeypatch.setenv("HPO_GYM_OFFLINE", offline)
        ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
        figures.append([float(figure) for figure in ran.stdout.split()])
    print(f"cpu_s and MiB: from the server {figures[0]}, from the cache {figures[1]}")
    assert figures[1][0] < 15
    assert max(mib for _, mib in figures) < 600
    assert len(open_table("file", path=tmp_path / "out.parquet").task("5").scores) == 20_000
