"""A study's space as a unit cube, and the pool of its configurations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from hpo_gym.integrations.optuna_sampler.pool import Pool
from hpo_gym.integrations.optuna_sampler.space import UnitSpace

DISTRIBUTIONS = [
    FloatDistribution(-3.0, 5.0),
    FloatDistribution(-1.7e308, 1.7e308),
    FloatDistribution(1e-7, 10.0, log=True),
    FloatDistribution(-10.2, 10.2, step=0.1),
    IntDistribution(-4, 9),
    IntDistribution(3, 9, step=2),
    IntDistribution(1, 1000, log=True),
    CategoricalDistribution(["a", None, 3, 0.5, True]),
]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
@settings(max_examples=25)
@given(unit=st.floats(0, 1, exclude_max=True))
def test_any_place_in_the_cube_is_a_value_that_can_be_suggested(distribution, unit):
    space = UnitSpace({"x": distribution})
    values = space.values(np.array([[unit]]))
    params = space.params(values[0])
    assert distribution._contains(distribution.to_internal_repr(params["x"]))
    assert space.values_of(params).tobytes() == values[0].tobytes()
    assert 0 <= space.points(values)[0, 0] <= 1


def test_bounds_lie_at_the_ends_and_choices_at_equal_distances():
    space = UnitSpace({"lr": FloatDistribution(1e-4, 1.0, log=True), "kind": CategoricalDistribution(["a", "b", "c"])})
    values = np.stack([space.values_of({"lr": lr, "kind": kind}) for lr, kind in ((1e-4, "a"), (1e-2, "b"), (1, "c"))])
    np.testing.assert_allclose(space.points(values), [[0, 0], [0.5, 0.5], [1, 1]], atol=1e-6)


def test_what_others_tried_is_the_nearest_value_or_nothing():
    space = UnitSpace(
        {
            "x": FloatDistribution(0.0, 1.0),
            "n": IntDistribution(2, 8, step=3),
            "kind": CategoricalDistribution(["a", 2]),
        }
    )
    x, n, kind = space.axes.values()
    np.testing.assert_array_equal(
        x.nearest_values(np.array([0.5, 1.0 + 1e-9, 1.5, None], object)), [0.5, 1, np.nan, np.nan]
    )
    np.testing.assert_array_equal(n.nearest_values(np.array([2, 4, 8, 9])), [2, 5, 8, np.nan])
    np.testing.assert_array_equal(kind.nearest_values(np.array(["2", "a", "b"])), [1, 0, np.nan])


def test_a_trial_without_a_parameter_or_out_of_bounds_has_no_place():
    space = UnitSpace({"x": FloatDistribution(0.0, 1.0), "kind": CategoricalDistribution(["a"])})
    assert space.values_of({"x": 0.5}) is None
    assert space.values_of({"x": 1.5, "kind": "a"}) is None
    assert space.values_of({"x": 0.5, "kind": "b"}) is None


def test_a_small_finite_space_is_all_in_the_pool_and_each_once():
    space = UnitSpace({"n": IntDistribution(0, 4), "kind": CategoricalDistribution(["a", "b"])})
    pool = Pool.spread(space, 64, seed=0)
    assert len(pool) == 10
    assert len({row.tobytes() for row in pool.values}) == 10


def test_a_continuous_pool_is_spread_evenly_and_grows_at_its_end():
    space = UnitSpace({"x": FloatDistribution(0, 1), "y": FloatDistribution(0, 1)})
    pool = Pool.spread(space, 256, seed=0)
    counts = np.histogram2d(*pool.values.T, bins=8, range=[[0, 1], [0, 1]])[0]
    assert counts.min() == counts.max() == 4
    grown = pool.extended([np.array([0.1, 0.2]), pool.values[3]])
    assert len(grown) == 257
    assert grown.row(np.array([0.1, 0.2])) == 256
    assert pool.extended([pool.values[3]]) is pool
