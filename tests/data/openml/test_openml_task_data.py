"""Tasks of OpenML as a learner gets them."""

import numpy as np
import pandas as pd
import pytest

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
