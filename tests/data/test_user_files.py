"""Tables of one's own, from CSV and parquet."""

import numpy as np
import pytest

from hpo_gym.data.errors import DataError, DataNotFoundError, TableError
from hpo_gym.data.tables import open_table

CSV = """task,lr,units,optimizer,score
a,0.1,8,adam,0.5
a,0.001,32,sgd,0.7
b,0.1,8,adam,0.2
b,0.001,32,sgd,0.9
"""


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Writes a CSV (and a TOML beside it) and opens it."""
    monkeypatch.setenv("HPO_GYM_CACHE", str(tmp_path / "cache"))

    def open_text(text, toml=None, **options):
        (tmp_path / "mine.csv").write_text(text)
        if toml is not None:
            (tmp_path / "mine.toml").write_text(toml)
        return open_table("file", path=tmp_path / "mine.csv", **options)

    return open_text


def test_types_and_bounds_are_inferred_and_equal_pools_are_shared(opened):
    table = opened(CSV)
    assert [(h.name, h.kind) for h in table.hyperparameters] == [
        ("lr", "float"),
        ("units", "integer"),
        ("optimizer", "categorical"),
    ]
    assert (table.hyperparameters[1].lower, table.hyperparameters[1].upper) == (8, 32)
    assert table.name == "mine"
    assert table.has_shared_pool
    assert table.task("a").pool.tolist() == [[1, 0, 0], [0, 1, 1]]
    assert table.task("b").scores.tolist() == [0.2, 0.9]


def test_columns_are_matched_by_name_in_whatever_order_they_come(opened):
    shuffled = "\n".join(",".join(line.split(",")[i] for i in (4, 2, 0, 3, 1)) for line in CSV.splitlines())
    straight = opened(CSV, hyperparameters=["lr", "units", "optimizer"])
    table = opened(shuffled, hyperparameters=["lr", "units", "optimizer"])
    for task_id, task in straight.tasks.items():
        assert np.array_equal(task.pool, table.task(task_id).pool)
        assert np.array_equal(task.scores, table.task(task_id).scores)


def test_permuted_rows_of_a_task_are_aligned_by_configuration(opened):
    lines = CSV.splitlines()
    table = opened("\n".join([*lines[:3], lines[4], lines[3]]))
    assert table.has_shared_pool
    assert table.task("b").scores.tolist() == [0.2, 0.9]


def test_tasks_with_different_grids_each_have_their_own_pool_with_a_note(opened):
    table = opened(CSV + "b,0.01,16,sgd,0.4\n")
    assert not table.has_shared_pool
    assert table.task("b").n_configurations == 3
    assert "mine.csv: tasks have different configurations, so each has its own pool" in table.notes


def test_a_toml_beside_the_file_describes_it_and_options_take_precedence(opened):
    toml = """
name = "described"
score = "score"
direction = "minimise"
score_name = "validation error"
score_unit = "fraction"
licence = "CC0"
[hyperparameters]
lr = {log = true, lower = 1e-4, upper = 1.0}
units = {}
optimizer = {categories = ["sgd", "adam", "lion"]}
[splits]
train = ["a"]
test = ["b"]
"""
    table = opened(CSV, toml)
    assert table.name == "described"
    assert table.task("a").scores.tolist() == [-0.5, -0.7]
    assert table.task("a").pool[0].tolist() == pytest.approx([0.75, 0.0, 0.5])
    assert dict(table.splits) == {"train": ("a",), "test": ("b",)}
    assert any("negated" in note for note in table.notes)
    assert opened(CSV, direction="maximize").task("a").scores.tolist() == [0.5, 0.7]


def test_several_score_columns_are_replicates_or_epochs(opened):
    text = "lr,e1,e3\n0.1,0.2,0.3\n0.2,0.4,\n"
    table = opened(text, score=["e1", "e3"], score_axis="epoch", epochs=[1, 3])
    assert table.epochs == (1, 3)
    assert table.task("mine").scores[0].tolist() == [0.2, 0.3]
    assert table.task("mine").is_evaluated.tolist() == [True, False]
    assert table.notes == ("mine.csv, task mine: 1 configurations lack a score",)


@pytest.mark.parametrize("epochs", [[3, 1], [1, 1], [0, 3]])
def test_epochs_that_do_not_increase_from_above_0_are_refused(opened, epochs):
    with pytest.raises(TableError, match="must be above 0 and increase"):
        opened("lr,e1,e3\n0.1,0.2,0.3\n", score=["e1", "e3"], score_axis="epoch", epochs=epochs)


def test_none_is_a_choice_where_the_categories_list_it(opened):
    text = "penalty,score\nnone,0.1\nl2,0.2\n"
    with pytest.raises(TableError, match="line 2: penalty has no value; if 'none' is a choice, list it in categories"):
        opened(text)
    table = opened(text, hyperparameters={"penalty": {"categories": ["none", "l2"]}})
    assert table.task("mine").pool.tolist() == [[0], [1]]


def test_minus_zero_is_zero(opened):
    table = opened("lr,score\n0.0,0.1\n-0.0,0.1\n1,0.2\n")
    assert table.task("mine").n_configurations == 2


def test_meta_features_belong_to_the_task(opened):
    text = "task,lr,score,n\na,1,0.5,100\na,2,0.6,100\nb,1,0.5,7\nb,2,0.6,7\n"
    table = opened(text, meta_features=["n"])
    assert table.task("b").meta_features.tolist() == [7]
    with pytest.raises(TableError, match="line 3: meta-feature n varies within task a"):
        opened(text.replace("0.6,100", "0.6,101"), meta_features=["n"])


def test_a_constant_column_is_kept_at_zero_with_a_note(opened):
    table = opened("lr,depth,score\n0.1,3,0.5\n0.2,3,0.6\n")
    assert table.task("mine").pool[:, 1].tolist() == [0, 0]
    assert table.notes == ("mine.csv: depth has one value only",)


def test_a_repeated_row_is_dropped_with_a_note_but_not_with_another_score(opened):
    table = opened("lr,score\n0.1,0.5\n0.2,0.6\n0.1,0.5\n")
    assert table.task("mine").n_configurations == 2
    assert "1 rows repeat an earlier one" in table.notes[0]
    with pytest.raises(TableError, match=r"line 4: task mine has this configuration with another score in .*line 2"):
        opened("lr,score\n0.1,0.5\n0.2,0.6\n0.1,0.7\n")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("lr,score\n0.1,0.5\n0.2\n", {}, "line 3: 1 columns where 2 are due"),
        ("lr,score\n0.1,0.5\n0.2,0.6,0.7\n", {}, "line 3: 3 columns where 2 are due"),
        ("lr,score\n0.1,0.5\n,0.6\n", {}, "line 3: lr has no value"),
        ("lr,score\n0.1,0.5\nnan,0.6\n", {}, "line 3: lr has no value"),
        ("lr,score\n0.1,0.5\n0.2,high\n", {}, "line 3: score = 'high' is not a number"),
        ("lr,score\n0.1,0.5\n0.2,inf\n", {}, "line 3: score = 'inf' is infinite"),
        ("lr,score\n0.1,\n0.2,\n", {}, "no configuration has a score"),
        ("lr,lr,score\n0.1,1,0.5\n", {}, "two columns are named 'lr'"),
        ("lr,,score\n0.1,1,0.5\n", {}, "a column has no name"),
        ("", {}, "the file is empty"),
        ("lr,score\n", {}, "there are no rows"),
        ("lr,accuracy\n0.1,1\n", {}, "no column 'score'; there are: lr, accuracy"),
        ("score\n0.1\n", {}, "no column is left for the hyperparameters"),
        ("lr,score\n0.1,1\n", {"hyperparameters": ["score"]}, "'score' cannot be a hyperparameter"),
        ("lr,score\n2.5,1\n", {"hyperparameters": {"lr": {"kind": "integer"}}}, "lr = 2.5 is not an integer"),
        ("lr,score\n2.5,1\n", {"hyperparameters": {"lr": {"lower": 3, "upper": 4}}}, "value 2.5 is outside"),
        ("lr,score\n0.0,1\n1,2\n", {"hyperparameters": {"lr": {"log": True}}}, "log scale needs lower > 0"),
        ("o,score\nx,1\n", {"hyperparameters": {"o": {"categories": ["y"]}}}, "'x' is not one of"),
        ("lr,score\n1,1\n", {"splits": {"train": ["z"]}}, "split 'train' names the task 'z'"),
        ("lr,s1,s2\n1,1,2\n", {"score": ["s1", "s2"]}, "several score columns need score_axis"),
        ('lr,score\n"1,1\n', {}, "not a CSV file"),
    ],
)
def test_a_fault_is_an_error_that_names_file_line_and_value(opened, text, options, message):
    with pytest.raises(TableError, match=message):
        opened(text, **options)


def test_a_misspelt_key_in_the_toml_names_file_and_key(opened):
    with pytest.raises(TableError, match=r"mine\.toml: directon: Extra"):
        opened(CSV, "directon = 'minimise'")
    with pytest.raises(TableError, match=r"mine\.toml: "):
        opened(CSV, "direction = ")


def test_a_changed_file_or_description_is_read_again(opened):
    assert opened(CSV).task("a").scores[0] == 0.5
    assert opened(CSV.replace("0.5", "0.25")).task("a").scores[0] == 0.25
    assert opened(CSV, direction="minimise").task("a").scores[0] == -0.5


def test_parquet_gives_the_same_table_as_csv(opened, tmp_path):
    pandas = pytest.importorskip("pandas")
    from_csv = opened(CSV)
    pandas.read_csv(tmp_path / "mine.csv").to_parquet(tmp_path / "mine.parquet")
    table = open_table("file", path=tmp_path / "mine.parquet")
    assert table.hyperparameters == from_csv.hyperparameters
    for task_id, task in from_csv.tasks.items():
        assert np.array_equal(task.pool, table.task(task_id).pool)
        assert np.array_equal(task.scores, table.task(task_id).scores)
    whole = (tmp_path / "mine.parquet").read_bytes()
    (tmp_path / "mine.parquet").write_bytes(whole[:-100])
    with pytest.raises(TableError, match="not a whole parquet file"):
        open_table("file", path=tmp_path / "mine.parquet")


def test_a_file_must_be_named_and_there(tmp_path):
    with pytest.raises(DataError, match="path="):
        open_table("file")
    with pytest.raises(DataNotFoundError, match="does not exist"):
        open_table("file", path=tmp_path / "no.csv")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(TableError, match=r"ends in \.csv or \.parquet"):
        open_table("file", path=tmp_path / "a.txt")
