import numpy as np
import pytest

from hpo_gym.data.tables.table import Hyperparameter
from hpo_gym.selection.space import configuration_space, describe_configuration, nearest_row

HYPERPARAMETERS = (
    Hyperparameter(name="learning_rate", lower=1e-4, upper=1.0, log=True),
    Hyperparameter(name="depth", kind="integer", lower=1, upper=5),
    Hyperparameter(name="activation", kind="categorical", categories=("relu", "tanh")),
    Hyperparameter(name="seed", lower=7.0, upper=7.0),
)


def test_the_space_for_configspace_has_the_same_names_types_bounds_and_log_flags():
    space = configuration_space(HYPERPARAMETERS, name="tiny")
    assert list(space) == ["activation", "depth", "learning_rate", "seed"]
    assert space["learning_rate"].log
    assert (space["depth"].lower, space["depth"].upper) == (1, 5)
    assert tuple(space["activation"].choices) == ("relu", "tanh")
    assert space["seed"].value == 7.0


def test_a_row_is_told_in_its_own_units():
    values = describe_configuration(HYPERPARAMETERS, np.float32([0.5, 1.0, 1.0, 0.0]))
    assert values == {"learning_rate": pytest.approx(0.01), "depth": 5, "activation": "tanh", "seed": 7.0}


def test_the_nearest_row_is_the_first_of_the_available_ones_that_are_equally_near():
    pool = np.float32([[0, 0], [1, 0], [0, 1], [1, 1]])
    assert nearest_row(pool, np.float32([0.5, 0.0]), np.array([1, 1, 1, 1])) == 0
    assert nearest_row(pool, np.float32([0.5, 0.0]), np.array([0, 1, 1, 1])) == 1
    assert nearest_row(pool, np.float32([0.0, 0.1]), np.array([0, 1, 1, 1])) == 2
