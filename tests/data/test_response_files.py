"""Faults in the text files of TST and Hyp-RL, and in the archives that hold them."""

import io
import tarfile

import numpy as np
import pytest

from hpo_gym.data.errors import TableError
from hpo_gym.data.tables import open_table
from hpo_gym.data.tables.response_files import read_response_files

GOOD = b"0.5 1 0 9 8\n0.6 0 1 9 8\n0.7 1 1 9 8\n"


def read(**members):
    return read_response_files(members, n_hyperparameters=2, n_meta_features=2)


def test_columns_are_response_configuration_and_meta_features():
    files = read(a=GOOD)
    assert files.grid.tolist() == [[1, 0], [0, 1], [1, 1]]
    assert files.responses["a"].tolist() == [0.5, 0.6, 0.7]
    assert files.meta_features["a"].tolist() == [9, 8]
    assert files.notes == ()


def test_a_line_that_lacks_only_its_response_becomes_a_missing_score_with_a_note():
    files = read(a=GOOD, b=b"0.5 1 0 3 4\n0 1 3 4\n0.7 1 1 3 4\n")
    assert np.isnan(files.responses["b"][1])
    assert files.responses["b"][[0, 2]].tolist() == [0.5, 0.7]
    assert files.notes == ("b, line 2: the response is missing; that configuration has no score",)


def test_permuted_rows_are_aligned_by_configuration_with_a_note():
    files = read(a=GOOD, b=b"0.2 1 1 3 4\n0.1 1 0 3 4\n0.3 0 1 3 4\n")
    assert files.responses["b"].tolist() == [0.1, 0.3, 0.2]
    assert "aligned" in files.notes[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"0.5 1 0 9 8\n0.6 0 1 9\n0.7 1 1 9 8\n", "a, line 2"),  # lacks its last column, not its response
        (b"0.5 1 0 9 8\n0.6 0 1 9 8 7\n0.7 1 1 9 8\n", "a, line 2: 6 columns where 5 are due"),
        (b"0.5 1 0 9 8\n0.6\n", "a, line 2: 1 columns"),
        (b"0.5 1 0 9 8\n0.6 0 x 9 8\n", "a, line 2, column 3: 'x' is not a number"),
        (b"0.5 1 0 9 8\n0.6 0 nan 9 8\n", "a, line 2, column 3: 'nan' is not a finite"),
        (b"0.5 1 0 9 8\ninf 0 1 9 8\n", "a, line 2, column 1: 'inf' is not a finite"),
        (b"0.5 1 0 9 8\n0.6 1 0 9 8\n", "lines 1 and 2 hold the same configuration"),
        (b"0.5 1 0 9 8\n0.6 0 1 9 7\n", "a, line 2: meta-feature 2 is 7.0"),
        (b"", "a: the file is empty"),
        (b"\xff\xfe\x00", "a: not a text file"),
    ],
)
def test_any_other_fault_is_an_error_that_names_file_line_and_value(content, message):
    with pytest.raises(TableError, match=message):
        read(a=content)


def test_a_file_with_another_grid_is_an_error_that_names_the_configuration():
    with pytest.raises(TableError, match=r"b, line 3: \[2.0, 2.0\] is not a configuration"):
        read(a=GOOD, b=b"0.5 1 0 3 4\n0.6 0 1 3 4\n0.7 2 2 3 4\n")
    with pytest.raises(TableError, match=r"b: the grid's configuration \[1.0, 1.0\] is missing"):
        read(a=GOOD, b=b"0.5 1 0 3 4\n0.6 0 1 3 4\n")


def tar_of(members, mode="w"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def published_members(data_folder):
    with tarfile.open(data_folder / "tables" / "tst-svm.tar.xz", "r|*") as tar:
        return {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}


@pytest.fixture
def svm_members(published_members):
    return dict(published_members)


@pytest.fixture
def lone_data(tmp_path, monkeypatch):
    """A data and a cache folder of this test's own."""
    monkeypatch.setenv("HPO_GYM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HPO_GYM_CACHE", str(tmp_path / "cache"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def test_a_truncated_archive_is_refused_and_named(data_folder, lone_data):
    whole = (data_folder / "tables" / "tst-svm.tar.xz").read_bytes()
    (lone_data / "tst-svm.tar.xz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TableError, match=r"tst-svm\.tar\.xz: not a whole tar archive"):
        open_table("tst-svm")


def test_something_else_under_the_archives_name_is_refused(lone_data):
    (lone_data / "tst-svm.tar.xz").write_bytes(b"<html>404: not found</html>")
    with pytest.raises(TableError, match="not a whole tar archive"):
        open_table("tst-svm")


def test_another_data_sets_archive_under_the_name_is_refused(data_folder, lone_data):
    (lone_data / "tst-svm.tar.xz").symlink_to(data_folder / "tables" / "hyprl-nnmeta.tar.xz")
    with pytest.raises(TableError, match=r"tst-svm\.tar\.xz: holds none of the files"):
        open_table("tst-svm")


def test_swapped_files_inside_an_archive_are_told_apart(svm_members, lone_data):
    svm_members["svm/banana"], svm_members["svm/bands"] = svm_members["svm/bands"], svm_members["svm/banana"]
    (lone_data / "tst-svm.tar.xz").write_bytes(tar_of(svm_members))
    with pytest.raises(TableError, match="'banana' is not the published file: it is 'bands' under that name"):
        open_table("tst-svm")


def test_an_archive_that_unpacks_to_absurdly_much_is_refused(svm_members, lone_data, monkeypatch):
    monkeypatch.setattr("hpo_gym.data.tables.archive.MAX_TOTAL_BYTES", sum(map(len, svm_members.values())) - 1)
    (lone_data / "tst-svm.tar.xz").write_bytes(tar_of(svm_members))
    with pytest.raises(TableError, match="no published data set is that large"):
        open_table("tst-svm")


def test_a_missing_file_inside_an_archive_is_named(svm_members, lone_data):
    del svm_members["svm/wine"]
    (lone_data / "tst-svm.tar.xz").write_bytes(tar_of(svm_members))
    with pytest.raises(TableError, match="'wine' is missing"):
        open_table("tst-svm")


def test_an_archive_named_by_its_path_may_depart_from_the_published_one_with_notes(svm_members, lone_data):
    svm_members["svm/wine"] = svm_members["svm/wine"].replace(b"0.", b"1.", 0)
    del svm_members["svm/yeast"]
    (lone_data / "own.tar").write_bytes(tar_of(svm_members))
    table = open_table("tst-svm", path=lone_data / "own.tar")
    assert len(table.tasks) == 49
    assert table.notes == ("'yeast' is missing",)


def test_an_accuracy_outside_the_unit_interval_is_an_error(svm_members, lone_data):
    svm_members["svm/wine"] = b"7" + svm_members["svm/wine"]
    (lone_data / "own.tar").write_bytes(tar_of(svm_members))
    with pytest.raises(TableError, match=r"own\.tar, wine: accuracy 7\d*\.\d* is not in"):
        open_table("tst-svm", path=lone_data / "own.tar")


def test_a_fault_inside_an_archive_names_archive_file_and_line(svm_members, lone_data):
    first, _, rest = svm_members["svm/wine"].partition(b"\n")
    svm_members["svm/wine"] = first + b" 1.0\n" + rest
    (lone_data / "tst-svm.tar.xz").write_bytes(tar_of(svm_members))
    with pytest.raises(TableError, match=r"tst-svm\.tar\.xz: wine, line 1: 30 columns where 29 are due"):
        open_table("tst-svm")


def test_a_folder_of_the_files_serves_like_the_archive(svm_members, lone_data, data_folder, monkeypatch):
    (lone_data / "tables" / "tst-svm").mkdir(parents=True)
    for name, content in svm_members.items():
        (lone_data / "tables" / "tst-svm" / name.split("/")[1]).write_bytes(content)
    from_folder = open_table("tst-svm")
    monkeypatch.setenv("HPO_GYM_DATA", str(data_folder))
    from_archive = open_table("tst-svm")
    for task_id, task in from_archive.tasks.items():
        assert np.array_equal(from_folder.task(task_id).scores, task.scores)
