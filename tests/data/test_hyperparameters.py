"""Values and their positions in the unit cube."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo_gym.data.errors import TableError
from hpo_gym.data.tables.table import Hyperparameter, Table, Task

positive = st.floats(1e-6, 1e6)


@given(lower=positive, factor=st.floats(1.001, 1e6), units=st.lists(st.floats(0, 1), min_size=1), log=st.booleans())
def test_floats_survive_the_way_to_values_and_back(lower, factor, units, log):
    h = Hyperparameter(name="h", lower=lower, upper=lower * factor, log=log)
    values = h.from_unit(np.array(units))
    assert h.to_unit(values) == pytest.approx(np.array(units), abs=1e-6)


@given(lower=st.integers(1, 1000), width=st.integers(0, 1000), log=st.booleans(), data=st.data())
def test_integers_survive_the_way_to_the_unit_cube_and_back(lower, width, log, data):
    h = Hyperparameter(name="h", kind="integer", lower=lower, upper=lower + width, log=log)
    values = np.array(data.draw(st.lists(st.integers(lower, lower + width), min_size=1)))
    units = h.to_unit(values)
    assert ((units >= 0) & (units <= 1)).all()
    assert h.from_unit(units).tolist() == values.tolist()
    # the pool is kept in single precision
    assert h.from_unit(units.astype(np.float32)).tolist() == values.tolist()


@given(n=st.integers(1, 30), data=st.data())
def test_categories_survive_the_way_to_the_unit_cube_and_back(n, data):
    h = Hyperparameter(name="h", kind="categorical", categories=tuple(f"c{i}" for i in range(n)))
    values = np.array(data.draw(st.lists(st.sampled_from(h.categories), min_size=1)))
    assert h.from_unit(h.to_unit(values)).tolist() == values.tolist()


@given(lower=positive, factor=st.floats(1.001, 1e6), log=st.booleans())
def test_bounds_are_the_ends_of_the_unit_interval(lower, factor, log):
    h = Hyperparameter(name="h", lower=lower, upper=lower * factor, log=log)
    assert h.to_unit(np.array([h.lower, h.upper])).tolist() == pytest.approx([0, 1])


def test_a_value_outside_the_bounds_or_categories_is_named():
    with pytest.raises(TableError, match=r"'lr': value 2.0 is outside \[0.0, 1.0\]"):
        Hyperparameter(name="lr").to_unit(np.array([0.5, 2.0]))
    with pytest.raises(TableError, match="value nan is outside"):
        Hyperparameter(name="lr").to_unit(np.array([np.nan]))
    with pytest.raises(TableError, match="'x' is not one of"):
        Hyperparameter(name="o", kind="categorical", categories=("y",)).to_unit(np.array(["x"]))


def test_nonsensical_bounds_are_refused():
    for wrong in ({"lower": 2.0}, {"upper": np.inf}, {"log": True}, {"kind": "categorical"}):
        with pytest.raises(TableError, match="'h'"):
            Hyperparameter(name="h", **wrong)


def table(pool, scores, **fields):
    task = Task(task_id="a", pool=np.array(pool, np.float32), scores=np.array(scores, float))
    plain = {"name": "t", "hyperparameters": (Hyperparameter(name="h"),), "score_name": "s", "score_unit": ""}
    return Table(**{**plain, "tasks": {"a": task}, **fields})


def test_a_table_that_does_not_fit_together_is_refused():
    assert table([[0.5], [1]], [0.5, np.nan]).task("a").is_evaluated.tolist() == [True, False]
    with pytest.raises(TableError, match="pool has 2 columns for 1 hyperparameters"):
        table([[0.5, 0.1]], [0.5])
    with pytest.raises(TableError, match="do not fit a pool of 2"):
        table([[0.5], [1]], [0.5])
    with pytest.raises(TableError, match="no configuration has a score"):
        table([[0.5]], [np.nan])
    with pytest.raises(TableError, match="2 score columns for 1 epochs"):
        table([[0.5]], [[0.5, 0.6]], score_axis="epoch", epochs=(1,))
    with pytest.raises(TableError, match="has no tasks"):
        table([[0.5]], [0.5], tasks={})
    with pytest.raises(KeyError, match="it has a"):
        table([[0.5]], [0.5]).task("b")
