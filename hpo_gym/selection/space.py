"""Search spaces: a table's hyperparameters as ConfigSpace objects, and unit-cube rows in their own units."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.tables.table import Hyperparameter

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace


def configuration_space(hyperparameters: Sequence[Hyperparameter], name: str | None = None) -> "ConfigurationSpace":
    """The same space for ConfigSpace: names, types, bounds, log flags, categories; constants where a bound is one."""
    import ConfigSpace  # loads scipy.stats, which nobody should wait for who only steps an environment

    space = ConfigSpace.ConfigurationSpace(name=name)
    for h in hyperparameters:
        if h.kind == "categorical":
            space.add(ConfigSpace.CategoricalHyperparameter(h.name, list(h.categories)))
        elif h.lower == h.upper:
            space.add(ConfigSpace.Constant(h.name, h.lower))
        elif h.kind == "integer":
            space.add(ConfigSpace.UniformIntegerHyperparameter(h.name, int(h.lower), int(h.upper), log=h.log))
        else:
            space.add(ConfigSpace.UniformFloatHyperparameter(h.name, h.lower, h.upper, log=h.log))
    return space


def describe_configuration(hyperparameters: Sequence[Hyperparameter], row: NDArray) -> dict[str, Any]:
    """A unit-cube row (d,) as {name: value in the hyperparameter's own units}."""
    return {h.name: h.from_unit(row[i : i + 1])[0].item() for i, h in enumerate(hyperparameters)}


def nearest_row(pool: NDArray, point: NDArray, available: NDArray) -> int:
    """The available row of the pool (n, d) nearest to a point (d,); the lowest index where several are.

    Computed a point at a time, so that it does not depend on what else is searched in the same batch.
    """
    difference = pool - point
    squared_distance = np.einsum("nd,nd->n", difference, difference)
    return int(np.argmin(np.where(available, squared_distance, np.inf)))
