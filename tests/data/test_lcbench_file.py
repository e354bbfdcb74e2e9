"""Faults in the LCBench file, on small files of its format."""

import numpy as np
import pytest

from hpo_gym.data.errors import TableError
from hpo_gym.data.tables import open_table
from hpo_gym.data.tables.lcbench import HYPERPARAMETERS

NAMES = [h.name for h in HYPERPARAMETERS]
CONFIGURATIONS = np.array([[h.lower for h in HYPERPARAMETERS], [h.upper for h in HYPERPARAMETERS]])


def arrays(**changed):
    return {
        "task_id": np.array([11, 22]),
        "config": CONFIGURATIONS,
        "config_names": np.array(NAMES),
        "epoch": np.array([1, 2, 4]),
        "val_accuracy": np.arange(12.0).reshape(2, 2, 3),
        **changed,
    }


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Writes the arrays and opens them."""
    monkeypatch.setenv("HPO_GYM_CACHE", str(tmp_path / "cache"))

    def open_arrays(held):
        np.savez(tmp_path / "own.npz", **held)
        return open_table("lcbench", path=tmp_path / "own.npz")

    return open_arrays


def test_a_file_of_ones_own_is_read_with_a_note(opened):
    table = opened(arrays())
    assert table.epochs == (1, 2, 4)
    assert table.task("22").scores.tolist() == [[0.06, 0.07, 0.08], [0.09, 0.1, 0.11]]
    assert table.task("11").pool.tolist() == [[0] * 7, [1] * 7]
    assert "not the published file" in table.notes[-1]


def test_shuffled_columns_are_matched_by_name(opened):
    mixed = CONFIGURATIONS.copy()
    mixed[0, 1] = 1e-2
    straight = opened(arrays(config=mixed)).task("11").pool
    shuffled = opened(arrays(config=mixed[:, ::-1], config_names=np.array(NAMES[::-1]))).task("11").pool
    assert np.array_equal(straight, shuffled)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"val_accuracy": np.zeros((2, 3, 3))}, r"has shape \(2, 3, 3\) where \(2, 2, 3\)"),
        ({"val_accuracy": np.full((2, 2, 3), 101.0)}, "task 11, configuration 0, epoch 1: 101.0 is not a percentage"),
        ({"val_accuracy": np.full((2, 2, 3), np.nan)}, "task 11, configuration 0, epoch 1: nan"),
        ({"task_id": np.array([11, 11])}, "names a task twice"),
        ({"config": CONFIGURATIONS[[0, 0]]}, "holds a configuration twice"),
        ({"config": CONFIGURATIONS * 2}, r"own\.npz: hyperparameter 'batch_size': value 1024.0 is outside"),
        ({"config_names": np.array([*NAMES[:6], "dropout"])}, "'config_names' are batch_size"),
        ({"task_id": np.array([{"a": 1}, 3], dtype=object)}, "not a whole .npz file"),  # would have to be unpickled
    ],
)
def test_a_fault_is_an_error_that_names_array_and_place(opened, changed, message):
    with pytest.raises(TableError, match=message):
        opened(arrays(**changed))


def test_a_file_of_another_kind_is_refused_without_advice_to_unpickle_it(opened, tmp_path):
    path = tmp_path / "other.npz"
    path.write_bytes(b"no archive at all")
    with pytest.raises(TableError, match=r"other\.npz: not a whole \.npz file \(no archive of plain arrays\)"):
        open_table("lcbench", path=path)


def test_an_absent_array_is_named(opened):
    held = arrays()
    del held["epoch"]
    with pytest.raises(TableError, match="lacks the array 'epoch'; it has task_id"):
        opened(held)


def test_a_truncated_or_changed_file_in_the_data_folder_is_refused(data_folder, tmp_path, monkeypatch):
    whole = (data_folder / "tables" / "lcbench-yahpo-samples.npz").read_bytes()
    monkeypatch.setenv("HPO_GYM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HPO_GYM_DATA", str(tmp_path))
    place = tmp_path / "lcbench-yahpo-samples.npz"
    place.write_bytes(whole[:-1000])
    with pytest.raises(TableError, match=r"not a whole \.npz file"):
        open_table("lcbench")
    np.savez(place, **arrays())
    with pytest.raises(TableError, match="not the published file: its sha256 is"):
        open_table("lcbench")
