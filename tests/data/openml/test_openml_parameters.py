"""From what OpenML writes of parameters to the dimensions of a search."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo_gym.data.openml.parameter_columns import columns_of, is_log_scale
from hpo_gym.data.openml.parameter_names import NOT_TUNED, is_named, short_names
from hpo_gym.data.openml.parameter_values import meaning
from hpo_gym.data.openml.setups import Parameter

ABSENT = object()


def parameter(name, values, *, component="weka.J48", full_name=None):
    """A parameter with these texts, one a setup."""
    texts = list(dict.fromkeys(value for value in values if value is not ABSENT))
    return Parameter(
        full_name=full_name or f"{component}(1)_{name}",
        component=component,
        name=name,
        texts=tuple(texts),
        codes=np.array([-1 if value is ABSENT else texts.index(value) for value in values], np.int32),
    )


def columns(**values):
    """Columns by name, each as its values in own units, and the notes."""
    found, notes = columns_of([parameter(name, texts) for name, texts in values.items()], list(values))
    return {c.hyperparameter.name: c for c in found}, notes


def shown(column):
    """A column's values as they will stand in the table."""
    if column.hyperparameter.kind == "categorical":
        return [column.hyperparameter.categories[code] for code in column.values]
    return column.values.tolist()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("100", 100),
        ("-3", -3),
        ("0.10", 0.1),
        ("1e-05", 1e-05),
        (".5", 0.5),
        ('"sqrt"', "sqrt"),
        ("sqrt", "sqrt"),
        ("true", "true"),
        ("TRUE", "true"),
        ("False", "false"),
        ("null", "null"),
        ('"0.5"', "0.5"),
        ("[100,  50]", "[100, 50]"),
        ('{"b": 1, "a": [2]}', '{"a": [2], "b": 1}'),
        ("NaN", "NaN"),
        ("Inf", "Inf"),
        ("1e999", "1e999"),
        ("1_000", "1_000"),
        ("weka.core.Euclidean -R first", "weka.core.Euclidean -R first"),
        ("", "(empty)"),
        ('""', "(empty)"),
        (None, "(empty)"),
    ],
)
def test_a_text_is_a_number_or_a_choice(text, value):
    assert meaning(text) == value
    assert type(meaning(text)) is type(value)


@settings(max_examples=50)
@given(st.one_of(st.text(), st.none(), st.integers().map(str), st.floats().map(repr), st.text().map(json.dumps)))
def test_any_text_has_a_meaning(text):
    value = meaning(text)
    assert isinstance(value, str) or np.isfinite(value)


def test_integers_floats_and_choices_are_told_apart():
    found, notes = columns(depth=["3", "5", "9"], C=["1", "0.5", "2"], kernel=['"rbf"', '"poly"', '"rbf"'])
    assert {name: c.hyperparameter.kind for name, c in found.items()} == {
        "C": "float",
        "depth": "integer",
        "kernel": "categorical",
    }
    assert shown(found["kernel"]) == ["rbf", "poly", "rbf"]
    assert notes == []


def test_a_parameter_with_one_value_is_dropped_with_a_note():
    found, notes = columns(tol=["0.001"] * 3, shrink=["true"] * 3, C=["1", "2", "1"], gone=["1.0", "1", "1e0"])
    assert list(found) == ["C"]
    assert [note.partition(" in all")[0] for note in notes] == ["gone is 1", "shrink is true", "tol is 0.001"]


def test_a_choice_that_some_setups_lack_gets_a_choice_for_it():
    found, _ = columns(criterion=['"gini"', ABSENT, '"entropy"'])
    assert shown(found["criterion"]) == ["gini", "(not set)", "entropy"]


def test_a_number_that_some_setups_lack_is_neutral_there_and_a_second_column_says_so():
    found, notes = columns(depth=["2", "4", ABSENT, "9"])
    assert shown(found["depth"]) == [2, 4, 4, 9]
    assert shown(found["depth.is"]) == ["(number)", "(number)", "(not set)", "(number)"]
    assert notes == ["depth is a number or one of (not set): depth.is says which, and it is then 4"]


def test_a_condition_that_another_choice_tells_needs_no_second_column():
    found, notes = columns(degree=[ABSENT, "2", "4", ABSENT], kernel=["rbf", "poly", "poly", "linear"])
    assert list(found) == ["degree", "kernel"]
    assert shown(found["degree"]) == [2, 2, 4, 2]
    assert notes == ["degree is a number or one of (not set): kernel tells which, and it is then 2"]


def test_two_parameters_under_the_same_condition_share_the_column_that_says_so():
    found, _ = columns(a=["1", "2", ABSENT, "3"], b=["0.1", "0.2", ABSENT, "0.4"])
    assert list(found) == ["a", "a.is", "b"]


def test_numbers_and_choices_in_one_parameter_become_two_columns():
    found, _ = columns(max_features=["0.1", '"sqrt"', "null", "0.5", "0.9"])
    assert shown(found["max_features"]) == [0.1, 0.5, 0.5, 0.5, 0.9]
    assert shown(found["max_features.is"]) == ["(number)", "sqrt", "null", "(number)", "(number)"]


def test_a_single_number_among_choices_is_a_choice():
    found, _ = columns(max_depth=["null", "10", ABSENT])
    assert shown(found["max_depth"]) == ["null", "10", "(not set)"]


def test_a_parameter_with_very_many_choices_is_noted():
    _, notes = columns(filter=[f"weka.Filter{number}" for number in range(60)])
    assert notes == ["filter has 60 different choices; it can be ignored by name"]


def test_no_two_setups_that_differ_become_the_same_configuration():
    texts = ["1", "2", '"auto"', "null", ABSENT, "[1, 2]", "true", ""]
    found, _ = columns(p=texts)
    rows = {tuple(np.stack([c.unit for c in found.values()], axis=1)[i]) for i in range(len(texts))}
    assert len(rows) == len(texts)


@pytest.mark.parametrize(
    ("values", "is_log"),
    [
        (np.geomspace(1e-4, 1e2, 9), True),
        ([1, 10, 100], True),
        (np.linspace(1, 500, 50), False),
        ([0.0, 0.1, 10.0], False),
        ([-1.0, 1.0, 100.0], False),
        ([1.0, 2.0, 4.0, 8.0], False),
        ([5.0, 5.0], False),
    ],
)
def test_numbers_over_decades_have_a_logarithmic_scale(values, is_log):
    assert is_log_scale(np.array(values, float)) == is_log


def test_names_are_as_short_as_they_can_be():
    parameters = [
        parameter("C", ["1"], component="sklearn.svm.classes.SVC"),
        parameter("alpha", ["1"], component="sklearn.linear_model.Ridge"),
        parameter("alpha", ["1"], component="sklearn.linear_model.Lasso"),
        parameter("strategy", ["1"], component="a.Imputer", full_name="a.Imputer(1)_strategy"),
        parameter("strategy", ["1"], component="b.Imputer", full_name="b.Imputer(2)_strategy"),
        parameter("steps", ["1"], component="sklearn.pipeline.Pipeline(a=x.A,b=y.B)"),
        parameter("score", ["1"], component="weka.Rank"),
    ]
    assert short_names(parameters) == [
        "C",
        "Ridge.alpha",
        "Lasso.alpha",
        "a.Imputer(1)_strategy",
        "b.Imputer(2)_strategy",
        "steps",
        "Rank.score",
    ]


def test_seeds_are_not_tuned_whichever_component_they_belong_to():
    seed = parameter("random_state", ["1", "2"], component="sklearn.ensemble.Forest")
    assert is_named(seed, "Forest.random_state", NOT_TUNED)
    assert is_named(seed, "Forest.random_state", ["Forest.random_state"])
    assert not is_named(seed, "Forest.random_state", ["C"])
