"""HPO-B in its authors' JSON, on small files of that format."""

import json

import numpy as np
import pytest

from hpo_gym.data.errors import DataError, DataNotFoundError, TableError
from hpo_gym.data.tables import hpob, open_table


def dataset(n, seed, d=2):
    rng = np.random.default_rng(seed)
    return {"X": rng.random((n, d)).round(6).tolist(), "y": rng.random((n, 1)).round(6).tolist()}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The five files with two search spaces, and a third in the augmented training file alone."""
    monkeypatch.setenv("HPO_GYM_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "hpob"
    root.mkdir()
    train = {"5860": {"3": dataset(6, 1), "31": dataset(7, 2)}, "4796": {"3": dataset(5, 3, 3)}}
    write(root, "meta-train-dataset.json", train)
    write(root, "meta-train-dataset-augmented.json", {**train, "151": {"9": dataset(4, 4, 1)}})
    write(root, "meta-validation-dataset.json", {"5860": {"37": dataset(8, 5)}, "4796": {"10": dataset(5, 6, 3)}})
    write(root, "meta-test-dataset.json", {"5860": {"14951": dataset(9, 7)}, "4796": {"23": dataset(5, 8, 3)}})
    designs = {f"test{i}": [i, i + 1, i + 2, i + 3, 8 - i] for i in range(4)}
    write(root, "bo-initializations.json", {"5860": {"14951": designs}})
    return root


def write(root, file, content):
    (root / file).write_text(json.dumps(content))


def test_version_3_has_the_authors_splits_and_fixed_initialisations(folder):
    table = open_table("hpob", path=folder, search_space="5860", version="v3")
    assert dict(table.splits) == {"train": ("3", "31"), "validation": ("37",), "test": ("14951",)}
    assert {task_id: task.n_configurations for task_id, task in table.tasks.items()} == {
        "3": 6,
        "31": 7,
        "37": 8,
        "14951": 9,
    }
    assert table.task("14951").initial_designs["test3"] == (3, 4, 5, 6, 5)
    assert table.task("3").initial_designs == {}
    assert table.task("14951").openml_task_id == 14951
    assert not table.has_shared_pool
    published = json.loads((folder / "meta-test-dataset.json").read_text())["5860"]["14951"]
    assert np.array_equal(table.task("14951").pool, np.array(published["X"], np.float32))
    assert table.task("14951").scores.tolist() == [y[0] for y in published["y"]]


@pytest.mark.parametrize(
    ("version", "space", "task_ids"),
    [
        ("v1", "151", ["9"]),
        ("v1", "5860", ["3", "31", "37", "14951"]),
        ("v2", "5860", ["3", "31", "37", "14951"]),
        ("v3-test", "5860", ["14951"]),
        ("v3-train-augmented", "151", ["9"]),
    ],
)
def test_the_other_versions_hold_what_the_authors_reader_puts_into_them(folder, version, space, task_ids):
    table = open_table("hpob", path=folder, search_space=space, version=version)
    assert list(table.tasks) == task_ids
    assert bool(table.splits) == version.startswith("v3")


def test_the_rarer_spaces_are_in_version_1_alone(folder):
    with pytest.raises(DataError, match="no search space 151; there are: 4796, 5860"):
        open_table("hpob", path=folder, search_space=151, version="v2")


def test_an_unknown_version_or_none_of_the_spaces_is_answered_with_what_there_is(folder):
    with pytest.raises(DataError, match="v1, v2, v3"):
        open_table("hpob", path=folder, search_space="5860", version="v4")
    with pytest.raises(DataError, match=r"say search_space=\.\.\.; there are: 4796, 5860"):
        open_table("hpob", path=folder)


def test_each_file_is_parsed_once_for_all_of_its_spaces(folder, monkeypatch):
    open_table("hpob", path=folder, search_space="5860")
    monkeypatch.setattr(hpob, "parse_spaces", lambda file: pytest.fail(f"{file} is parsed again"))
    assert open_table("hpob", path=folder, search_space="4796").n_dims == 3
    assert open_table("hpob", path=folder, search_space="5860", version="v2").n_dims == 2


def test_a_damaged_store_of_one_space_is_made_again(folder, tmp_path):
    open_table("hpob", path=folder, search_space="5860")
    (victim,) = (tmp_path / "cache" / "tables").glob("hpob-meta-test-*/5860/scores.npy")
    victim.write_bytes(b"")
    assert open_table("hpob", path=folder, search_space="5860").task("14951").n_configurations == 9
    assert victim.stat().st_size > 0


def test_the_descriptors_name_the_hyperparameters_where_they_are_there(folder):
    assert [h.name for h in open_table("hpob", path=folder, search_space="5860").hyperparameters] == ["x1", "x2"]
    write(folder, "meta-dataset-descriptors.json", {"5860": {"variables_order": ["alpha", "lambda"]}})
    named = open_table("hpob", path=folder, search_space="5860")
    assert [h.name for h in named.hyperparameters] == ["alpha", "lambda"]


def test_missing_scores_duplicates_and_rounding_are_told_and_move_no_row(folder):
    content = {"X": [[0.5, 1.001], [0.5, 0.5], [0.5, 0.5]], "y": [[0.1], [float("nan")], [0.3]]}
    write(folder, "meta-test-dataset.json", {"5860": {"77": content}})
    write(folder, "bo-initializations.json", {})
    table = open_table("hpob", path=folder, search_space="5860", version="v3-test")
    assert table.task("77").pool.tolist() == [[0.5, 1.0], [0.5, 0.5], [0.5, 0.5]]
    assert np.isnan(table.task("77").scores).tolist() == [False, True, False]
    where = "meta-test-dataset.json, space 5860, data set 77: 1 "
    assert [note.removeprefix(where).split()[0:2] for note in table.notes] == [
        ["positions", "a"],
        ["configurations", "have"],
        ["configurations", "repeat"],
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"X": [[0.5, 7.0]], "y": [[0.5]]}, r"X\[0\]\[1\] = 7.0 is not in"),
        ({"X": [[0.5, 0.1]], "y": [[0.5], [0.6]]}, r"X of shape \(1, 2\) does not fit y of shape \(2,\)"),
        ({"X": [[0.5], [0.1, 0.2]], "y": [[0.5], [0.6]]}, "not the lists X and y"),
        ({"X": [[0.5, "a"]], "y": [[0.5]]}, "not the lists X and y"),
        ({"X": [[0.5, 0.5]], "y": [[float("inf")]]}, r"y\[0\] is infinite"),
        ({"x": [[0.5, 0.5]]}, "not the lists X and y"),
    ],
)
def test_a_fault_is_an_error_that_names_file_space_data_set_and_value(folder, content, message):
    write(folder, "meta-test-dataset.json", {"5860": {"77": content}})
    with pytest.raises(TableError, match=f"meta-test-dataset.json, space 5860, data set 77: .*{message}"):
        open_table("hpob", path=folder, search_space="5860")


def test_a_cut_short_file_and_a_wrong_initialisation_are_errors(folder):
    whole = (folder / "meta-test-dataset.json").read_text()
    (folder / "meta-test-dataset.json").write_text(whole[:-40])
    with pytest.raises(TableError, match=r"meta-test-dataset\.json: not whole JSON"):
        open_table("hpob", path=folder, search_space="5860")
    (folder / "meta-test-dataset.json").write_text(whole)
    write(folder, "bo-initializations.json", {"5860": {"14951": {"test0": [0, 9]}}})
    with pytest.raises(TableError, match="data set 14951: test0 names configuration 9 of 9"):
        open_table("hpob", path=folder, search_space="5860")


@pytest.mark.parametrize("space", ["../../victim", "/victim", ""])
def test_a_space_that_would_be_stored_elsewhere_is_refused(folder, tmp_path, space):
    """The cache keeps a folder a space, and replaces what is there."""
    victim = tmp_path / "cache" / "victim"
    victim.mkdir(parents=True)
    (victim / "file").touch()
    write(folder, "meta-test-dataset.json", {space: {"77": dataset(3, 1)}})
    with pytest.raises(TableError, match=r"meta-test-dataset\.json: .* is not a search space's number"):
        open_table("hpob", path=folder, search_space="5860", version="v3-test")
    assert (victim / "file").exists()


def test_an_unknown_option_is_answered_with_what_there_is(folder):
    with pytest.raises(DataError, match="no option 'serch_space'; it has path, search_space, version"):
        open_table("hpob", path=folder, serch_space="5860")


def test_a_data_set_in_two_splits_is_an_error(folder):
    write(folder, "meta-validation-dataset.json", {"5860": {"3": dataset(4, 1)}})
    with pytest.raises(TableError, match="data set 3 is in two files"):
        open_table("hpob", path=folder, search_space="5860")


def test_an_absent_file_is_answered_with_the_command_that_gets_it(folder):
    (folder / "meta-validation-dataset.json").unlink()
    with pytest.raises(DataNotFoundError, match="hpo-gym data get hpob"):
        open_table("hpob", path=folder, search_space="5860")
