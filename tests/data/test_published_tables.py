"""The loaders on the archives as published."""

import numpy as np
import pytest

from hpo_gym.data.errors import DataError, DataNotFoundError
from hpo_gym.data.tables import TABLE_OPTIONS, open_table

SHAPES = {
    "tst-svm": (50, 288, 6),
    "hyprl-nn": (50, 2916, 13),
    "hpobench-xgb": (48, 1000, 6),
    "lcbench": (34, 2000, 7),
    "hpobench-mlp": (8, 30000, 5),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_published_table_has_its_tasks_and_configurations_in_the_unit_cube(name, data_folder):
    table = open_table(name)
    n_tasks, n_configurations, n_dims = SHAPES[name]
    assert len(table.tasks) == n_tasks
    assert table.n_dims == n_dims
    assert max(task.n_configurations for task in table.tasks.values()) == n_configurations
    for task in table.tasks.values():
        assert task.pool.dtype == np.float32
        assert task.scores.dtype == np.float64
        assert task.pool.min() >= 0
        assert task.pool.max() <= 1
        assert not task.pool.flags.writeable
    assert table.has_shared_pool == (name != "hpobench-xgb")
    assert table.citation
    assert table.licence


def test_tst_svm_keeps_the_first_line_of_a9a(data_folder):
    task = open_table("tst-svm").task("A9A")
    assert task.scores[:3].tolist() == [0.757908, 0.781759, 0.834988]
    # kernel indicators 1 0 0, smallest C, smallest gamma, no degree
    assert task.pool[0].tolist() == [1, 0, 0, 0, 0, 0]
    assert task.meta_features.shape == (22,)
    assert task.meta_features[0] == np.float32(0.13193208595081896)


def test_the_housing_line_without_a_response_is_a_missing_score_and_shifts_nothing(data_folder):
    table = open_table("hyprl-nn")
    housing = table.task("housing")
    assert np.flatnonzero(np.isnan(housing.scores)).tolist() == [1712]
    assert housing.scores[1711] == 0.925858
    assert housing.scores[1713] == 0.901675
    assert any("housing, line 1713" in note for note in table.notes)
    assert sum(np.isnan(task.scores).sum() for task in table.tasks.values()) == 1
    assert table.task("slice-localization").scores.max() == pytest.approx(1.144162)


def test_xgb_scores_are_one_minus_the_published_errors(data_folder):
    table = open_table("hpobench-xgb")
    assert list(table.tasks) == [str(i) for i in range(48)]
    assert table.task("0").scores.max() == 1 - 0.12537037037037035
    assert table.task("33").scores.min() == 1 - 0.847457627118644
    assert table.task("47").n_configurations == 897
    assert any("most likely" in note for note in table.notes)


def test_lcbench_curves_are_fractions_by_epoch_and_openml_task(data_folder):
    table = open_table("lcbench")
    with np.load(data_folder / "tables" / "lcbench-yahpo-samples.npz") as published:
        percent = published["val_accuracy"][1, 7, 51]
        batch_size = published["config"][7, 0]
    assert table.score_axis == "epoch"
    assert table.epochs == tuple(range(1, 53))
    assert table.task("7593").openml_task_id == 7593
    assert table.task("7593").scores[7, 51] == float(percent) / 100
    assert table.hyperparameters[0].from_unit(table.task("7593").pool[7:8, 0]) == batch_size


def test_hpobench_mlp_keeps_its_keys_grid_positions():
    table = open_table("hpobench-mlp")
    car = table.task("car")
    assert car.scores.shape == (30000, 5)
    assert car.scores[0, 0] == 0.4440058479532164  # key 00000
    assert {t.task_id: t.openml_task_id for t in table.tasks.values()}["segment"] == 146822
    # key 31209: alpha, batch size, depth, learning rate, width
    row = np.ravel_multi_index((3, 1, 2, 0, 9), (10, 10, 3, 10, 10))
    values = [h.from_unit(car.pool[row : row + 1, j])[0] for j, h in enumerate(table.hyperparameters)]
    assert values == pytest.approx([4.641589e-6, 6, 3, 1e-5, 1024], rel=1e-5)


def test_an_unknown_table_or_option_is_answered_with_what_there_is():
    with pytest.raises(DataError, match=", ".join(TABLE_OPTIONS)):
        open_table("tst-swm")
    with pytest.raises(DataError, match="no option 'budget'"):
        open_table("tst-svm", budget=3)


def test_absent_data_is_answered_with_the_command_that_gets_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HPO_GYM_DATA", str(tmp_path))
    for name in ("tst-svm", "hyprl-nn", "hpobench-xgb", "lcbench"):
        with pytest.raises(DataNotFoundError, match=f"hpo-gym data get {name}"):
            open_table(name)
    with pytest.raises(DataNotFoundError, match="hpo-gym data get hpob"):
        open_table("hpob", search_space="5860")


def test_an_unknown_option_is_an_error_that_lists_those_of_the_table():
    with pytest.raises(DataError, match="'file' has no option 'scores'; it has path, name, task, score"):
        open_table("file", scores="accuracy")
