"""Pickles are read without running what is in them."""

import os
import pickle

import numpy as np
import pytest

from hpo_gym.data.errors import TableError
from hpo_gym.data.tables import hpobench_mlp, hpobench_xgb, open_table
from hpo_gym.data.tables.unpickle import NUMBER_ARRAYS, PLAIN, unpickle


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("admitted", [PLAIN, NUMBER_ARRAYS])
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_malicious_pickle_is_refused_and_runs_nothing(admitted, protocol, tmp_path):
    content = pickle.dumps({"domain": Malicious(tmp_path / "owned")}, protocol=protocol)
    with pytest.raises(TableError, match=r"evil\.pkl: refused as a pickle: it names posix\.mkdir"):
        unpickle(content, where="evil.pkl", admitted=admitted)
    assert not (tmp_path / "owned").exists()


def test_a_malicious_pickle_in_the_place_of_a_table_runs_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("HPO_GYM_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "HPO_data"
    folder.mkdir()
    (folder / "hpobenchXGB_0_eq.pkl").write_bytes(pickle.dumps(Malicious(tmp_path / "owned")))
    with pytest.raises(TableError, match=r"hpobenchXGB_0_eq\.pkl: refused"):
        open_table("hpobench-xgb", path=folder)
    assert not (tmp_path / "owned").exists()


def test_arrays_of_objects_are_refused():
    content = pickle.dumps(np.array([{"a": 1}], dtype=object))
    with pytest.raises(TableError, match="only plain numbers"):
        unpickle(content, where="x", admitted=NUMBER_ARRAYS)


def test_an_array_over_chosen_addresses_is_refused():
    """numpy.ndarray((1,), "O", eight bytes) reads an object wherever the bytes point to."""
    content = b"\x80\x04cnumpy\nndarray\n(K\x01\x85X\x01\x00\x00\x00OC\x08" + b"\x01" * 8 + b"tR."
    with pytest.raises(TableError, match="x: refused"):
        unpickle(content, where="x", admitted=NUMBER_ARRAYS)


@pytest.mark.parametrize(
    "state",
    [
        b"(K\x01K\x09\x85h\x00\x89C\x08" + bytes(8) + b"t",  # nine numbers, eight bytes
        b"(K\x01J\xff\xff\xff\xffJ\xf8\xff\xff\xff\x86h\x00\x89C\x08" + bytes(8) + b"t",  # -1 x -8 numbers
        b"(K\x01K\x01\x85h\x00\x89](NNNNNNNNet",  # a list for bytes
        b"(K\x01K\x01\x85N\x89C\x08" + bytes(8) + b"t",  # no dtype
    ],
)
def test_an_array_that_its_bytes_do_not_make_is_refused(state):
    int8 = b"cnumpy\ndtype\n(X\x02\x00\x00\x00i1tRq\x000"  # memoised, to be fetched by h\x00
    empty = b"cnumpy._core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR"
    whole = b"(K\x01K\x08\x85h\x00\x89C\x08" + bytes(8) + b"t"
    read = unpickle(b"\x80\x04" + int8 + empty + whole + b"b.", where="x", admitted=NUMBER_ARRAYS)
    assert read.tolist() == [0] * 8
    with pytest.raises(TableError, match="x: refused"):
        unpickle(b"\x80\x04" + int8 + empty + state + b"b.", where="x", admitted=NUMBER_ARRAYS)


@pytest.mark.parametrize("dtype", ["<f8", ">f4", "<i2", "bool"])
def test_arrays_come_back_as_they_were_dumped(dtype):
    dumped = np.asfortranarray(np.arange(6).reshape(2, 3).astype(dtype))
    read = unpickle(pickle.dumps(dumped, protocol=4), where="x", admitted=NUMBER_ARRAYS)
    assert read.dtype == dumped.dtype.newbyteorder("=")  # numpy, too, swaps the bytes as it reads
    assert np.array_equal(read, dumped)


def test_arrays_are_admitted_only_where_they_are_due():
    content = pickle.dumps(np.arange(3.0))
    assert unpickle(content, where="x", admitted=NUMBER_ARRAYS).tolist() == [0, 1, 2]
    with pytest.raises(TableError, match="which is not admitted"):
        unpickle(content, where="x")


@pytest.mark.parametrize("content", [b"", b"\x80\x04", pickle.dumps({"a": [1.0] * 50})[:-20], b"garbage"])
def test_a_damaged_pickle_is_a_table_error(content):
    with pytest.raises(TableError, match="x: refused"):
        unpickle(content, where="x")


DOMAIN = np.array([[0.5, 0.5, 0.1, 1.0, 0.1, 0.1], [0.6, 0.5, 0.1, 1.0, 0.1, 0.1]])


def xgb(tmp_path, monkeypatch, held):
    monkeypatch.setenv("HPO_GYM_CACHE", str(tmp_path / "cache"))
    (tmp_path / "hpobenchXGB_3_eq.pkl").write_bytes(pickle.dumps(held))
    return open_table("hpobench-xgb", path=tmp_path)


def test_an_xgb_file_of_ones_own_is_read_with_notes_on_what_departs(tmp_path, monkeypatch):
    table = xgb(tmp_path, monkeypatch, {"domain": DOMAIN, "accs": np.array([0.25, 0.5])})
    assert table.task("3").scores.tolist() == [0.75, 0.5]
    assert any("'hpobenchXGB_3_eq.pkl' is not the published file" in note for note in table.notes)


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ([1, 2], "holds a list instead"),
        ({"domain": DOMAIN}, r"holds a dict of \['domain'\]"),
        ({"domain": DOMAIN[:, :5], "accs": np.zeros(2)}, r"shape \(2, 5\)"),
        ({"domain": DOMAIN, "accs": np.zeros(3)}, r"'accs' of shape \(3,\)"),
        ({"domain": DOMAIN, "accs": np.array([0.1, np.nan])}, "'accs' of configuration 1 is nan"),
        ({"domain": DOMAIN[[0, 0]], "accs": np.zeros(2)}, "configurations 0 and 1 are the same"),
        ({"domain": DOMAIN * 100, "accs": np.zeros(2)}, r"hpobenchXGB_3_eq\.pkl: hyperparameter 'colsample_bylevel'"),
        ({"domain": DOMAIN.tolist(), "accs": np.zeros(2)}, "'domain' is a list"),
    ],
)
def test_a_fault_in_an_xgb_file_is_an_error_that_names_it(held, message, tmp_path, monkeypatch):
    with pytest.raises(TableError, match=message):
        xgb(tmp_path, monkeypatch, held)


def test_a_fault_in_an_mlp_file_is_an_error_that_names_it():
    with pytest.raises(TableError, match=r"car\.pkl: holds 1 configurations where a dict of 30000"):
        hpobench_mlp._scores(pickle.dumps({"00000": {"val_acc": [0.5] * 5}}), "car.pkl")
    with pytest.raises(TableError, match=r"car\.pkl: holds a list"):
        hpobench_mlp._scores(pickle.dumps([]), "car.pkl")


def test_the_package_is_found_without_importing_it():
    assert len(hpobench_mlp.files_in(hpobench_mlp.package_folder())) == 8
    assert hpobench_xgb.VERSION
