"""Table files that programs write."""

import tomllib

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo_gym.data.tables import open_table
from hpo_gym.data.tables.file_writing import as_toml, write_table_file

PLAIN = st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False))
TEXTS = st.text(max_size=8)
INNER = st.dictionaries(TEXTS, st.one_of(PLAIN, TEXTS), max_size=3)
CONTENTS = st.dictionaries(
    TEXTS,
    st.one_of(PLAIN, TEXTS, st.lists(TEXTS, max_size=3), INNER, st.dictionaries(TEXTS, INNER, max_size=2)),
    max_size=5,
)


@settings(max_examples=50)
@given(CONTENTS)
def test_what_is_written_is_read_again_the_same(content):
    assert tomllib.loads(as_toml(content)) == content


def test_a_table_opens_with_what_was_said_of_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HPO_GYM_CACHE", str(tmp_path / "cache"))
    columns = {"task": ["1", "1"], "C (log)": [0.1, 10.0], "kernel": ["null", "a\x7fb"], "score": [0.5, float("nan")]}
    said = {
        "hyperparameters": {
            "C (log)": {"lower": 0.1, "upper": 10.0, "log": True},
            "kernel": {"categories": ["null", "a\x7fb"]},
        },
        "openml_task_ids": {"1": 1},
        "notes": ["made by hand"],
        "provenance": {"server": "none", "counts": {"n_rows": 2}},
    }
    write_table_file(tmp_path / "mine.parquet", pyarrow.table(columns), said)
    table = open_table("file", path=tmp_path / "mine.parquet")
    assert [h.log for h in table.hyperparameters] == [True, False]
    assert table.hyperparameters[1].categories == ("null", "a\x7fb")
    assert table.task("1").openml_task_id == 1
    assert table.notes[0] == "made by hand"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "mine.parquet", "mine.toml"]


def test_a_description_that_could_not_be_read_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="direction"):
        write_table_file(tmp_path / "mine.parquet", pyarrow.table({"score": [1.0]}), {"direction": "up"})
    assert list(tmp_path.iterdir()) == []
