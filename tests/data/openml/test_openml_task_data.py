"""Tasks of OpenML as a learner gets them."""

import sys

import numpy as np
import pandas as pd
import pytest

from hpo_gym.data.errors import OpenMLError
from hpo_gym.data.openml.settings import find_settings
from hpo_gym.data.openml.task_data import load_task_data


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"row": np.arange(30), "width": rng.normal(size=30), "count": rng.integers(0, 9, 30)})
    table["colour"] = pd.Categorical(rng.choice(["red", "light blue"], 30))
    table["is_new"] = pd.Categorical(rng.choice(["TRUE", "FALSE"], 30))
    table["class"] = pd.Categorical(rng.choice(["no", "yes"], 30))
    table.loc[3, "width"] = np.nan
    table.loc[4, "colour"] = np.nan
    return table


def test_a_task_has_the_columns_classes_and_official_splits_of_the_server(openml_server, frame):
    dataset = openml_server.add_dataset(frame, target="class", row_id="row", name="shop")
    folds = [[[0, 5, 7], [*range(1, 5), 6, *range(8, 30)]], [[*range(15)], [*range(15, 30)]]]
    task = openml_server.add_task(dataset, folds=folds)
    data = load_task_data(task, repeat=1, fold=1)
    assert (data.name, data.licence, data.n_repeats, data.n_folds) == ("shop", "CC-BY", 2, 2)
    assert list(data.X.columns) == ["width", "count", "colour", "is_new"]
    assert data.is_categorical == (False, False, True, True)
    assert np.isnan(data.X["width"][3])
    assert data.X["colour"].isna().tolist() == [row == 4 for row in range(30)]
    assert set(data.X["is_new"]) == {"True", "False"}
    assert data.y.tolist() == frame["class"].tolist()
    assert [rows.tolist() for rows in data.splits] == [[*range(15)], [*range(15, 30)]]
    assert load_task_data(task).splits[1].tolist() == [0, 5, 7]


def test_arff_and_parquet_give_the_same_task(openml_server, frame):
    first, second = (
        load_task_data(openml_server.add_task(openml_server.add_dataset(frame, target="class", parquet=parquet)))
        for parquet in (True, False)
    )
    assert openml_server.paths(".pq")
    assert openml_server.paths(".arff")
    pd.testing.assert_frame_equal(first.X, second.X)
    assert first.y.tolist() == second.y.tolist()


@pytest.fixture
def task(openml_server, frame):
    return openml_server.add_task(openml_server.add_dataset(frame, target="class"))


def test_what_was_had_once_is_not_asked_for_again_and_not_even_the_client_is_needed(openml_server, task, monkeypatch):
    first = load_task_data(task)
    n_requests = len(openml_server.requests)
    monkeypatch.setenv("HPO_GYM_OFFLINE", "1")
    monkeypatch.setitem(sys.modules, "openml", None)
    second = load_task_data(task, fold=1)
    assert len(openml_server.requests) == n_requests
    pd.testing.assert_frame_equal(first.X, second.X)
    assert first.splits[1].tolist() != second.splits[1].tolist()


def test_offline_a_task_that_is_not_here_is_an_error(task, monkeypatch):
    monkeypatch.setenv("HPO_GYM_OFFLINE", "1")
    with pytest.raises(OpenMLError, match=r"HPO_GYM_OFFLINE is set, so http://.*/task/1 is not asked for"):
        load_task_data(task)


@pytest.mark.parametrize("file", ["X.parquet", "y.npy", "rows.npy", "task.json"])
def test_a_damaged_file_in_the_cache_is_replaced(openml_server, task, tmp_path, file):
    first = load_task_data(task)
    (path,) = tmp_path.rglob(file)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    second = load_task_data(task)
    pd.testing.assert_frame_equal(first.X, second.X)
    assert len(openml_server.paths("task/")) == 2


@pytest.mark.parametrize(
    ("failure", "answer"), [("half", {}), ("damage", {}), ("status", {"status": 404}), ("status", {"status": 503})]
)
def test_where_the_parquet_file_cannot_be_had_the_arff_is_taken(openml_server, task, frame, failure, answer):
    openml_server.fail_next(failure, part=".pq", times=99, **answer)
    data = load_task_data(task, settings=find_settings(first_wait_s=0.001))
    assert openml_server.paths(".arff")
    assert data.y.tolist() == frame["class"].tolist()


def test_an_arff_with_a_wrong_checksum_is_asked_for_once_more_and_then_refused(openml_server, frame, tmp_path):
    task = openml_server.add_task(openml_server.add_dataset(frame, target="class", parquet=False))
    openml_server.fail_next("damage", part="data.arff")
    assert load_task_data(task).y.tolist() == frame["class"].tolist()
    other = openml_server.add_task(openml_server.add_dataset(frame, target="class", parquet=False))
    openml_server.fail_next("damage", part="data.arff", times=9)
    with pytest.raises(OpenMLError, match=r"data\.arff: what came has another checksum than OpenML announces"):
        load_task_data(other)
    assert [path.name for path in (tmp_path / "cache" / "openml").rglob("task-*")] == [f"task-{task}"]


@pytest.mark.parametrize("failure", ["damage", "empty"])
def test_damaged_splits_are_refused_and_leave_nothing_behind(openml_server, task, tmp_path, failure):
    openml_server.fail_next(failure, part="splits.arff", times=9)
    with pytest.raises(OpenMLError, match=r"splits\.arff: the answer is not understood"):
        load_task_data(task)
    assert [*(tmp_path / "cache" / "openml").glob("*/*")] == []


@pytest.mark.parametrize("folds", [[[[0, 1], []]], [[[0, 30], [1]]], [[[*range(30)], [1]]]])
def test_splits_that_do_not_split_the_rows_are_refused(openml_server, frame, folds):
    dataset = openml_server.add_dataset(frame, target="class")
    task = openml_server.add_task(dataset, folds=folds)
    with pytest.raises(OpenMLError, match="task 1"):
        load_task_data(task)


def test_a_fold_that_is_not_there_is_told_with_those_that_are(task):
    with pytest.raises(OpenMLError, match="task 1 has repeats 0 to 0 and folds 0 to 2, not 0 and 3"):
        load_task_data(task, fold=3)


def test_a_regression_has_numbers_to_predict(openml_server, frame):
    frame["price"] = np.arange(30) / 7
    dataset = openml_server.add_dataset(frame, target="price")
    data = load_task_data(openml_server.add_task(dataset, is_classification=False))
    assert not data.is_classification
    np.testing.assert_allclose(data.y, np.arange(30) / 7)


def test_rows_without_a_target_are_refused(openml_server, frame):
    frame.loc[3, "class"] = np.nan
    task = openml_server.add_task(openml_server.add_dataset(frame, target="class"))
    with pytest.raises(OpenMLError, match="task 1: 1 rows have no value of the target"):
        load_task_data(task)


def test_columns_of_a_sparse_data_set_become_plain_numbers():
    from hpo_gym.data.openml.task_data import _plain_columns

    table = pd.DataFrame({"a": pd.arrays.SparseArray([0.0, 2.0, 0.0]), "b": ["x", None, "y"]})
    plain = _plain_columns(table)
    assert plain["a"].tolist() == [0.0, 2.0, 0.0]
    assert plain["a"].dtype == np.float64
    assert plain["b"].isna().tolist() == [False, True, False]
