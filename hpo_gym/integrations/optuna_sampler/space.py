"""A search space of Optuna as a unit cube, one axis a parameter, as the tables of evaluations are.

A configuration is kept twice: its *values*, Optuna's own numbers for it (of a categorical the index of the choice), by
which trials are recognised, and its *point* in the cube, by which the models compare.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

Values = NDArray[np.float64]
Points = NDArray[np.float32]
_SLACK = 1e-6  # of a range: tables are in single precision


@dataclass(frozen=True)
class Axis:
    """One parameter.

    Floats and integers lie between their bounds in proportion (of the logarithm where `log`), the i-th of k choices at
    i / (k - 1): choices that are next to each other count as similar, so order them where there is an order.
    """

    distribution: BaseDistribution

    @cached_property
    def n_values(self) -> int | None:
        """How many values there are; None of a float without step."""
        d = self.distribution
        if isinstance(d, CategoricalDistribution):
            return len(d.choices)
        if isinstance(d, IntDistribution):
            return (d.high - d.low) // (1 if d.log else d.step) + 1
        return None if d.step is None else int(np.floor((d.high - d.low) / d.step + 1e-8)) + 1

    def values(self, unit: Values) -> Values:
        """Positions (n,) in [0, 1) -> values (n,), each of a finite number with the same share (in its scale)."""
        d, n = self.distribution, self.n_values
        if isinstance(d, IntDistribution) and d.log:
            low, high = np.log(d.low - 0.5), np.log(d.high + 0.5)
            return np.clip(np.rint(np.exp(low + unit * (high - low))), d.low, d.high)
        if n is not None:
            return self.nth_values(np.minimum(np.floor(unit * n), n - 1))
        if d.log:
            low, high = np.log(d.low), np.log(d.high)
            return np.clip(np.exp(low + unit * (high - low)), d.low, d.high)
        return np.clip(d.low * (1 - unit) + d.high * unit, d.low, d.high)

    def nth_values(self, index: Values) -> Values:
        """The values of a finite number, by their numbers (n,) from 0."""
        d = self.distribution
        if isinstance(d, CategoricalDistribution):
            return index
        step = 1 if isinstance(d, IntDistribution) and d.log else d.step
        return np.minimum(d.low + index * step, d.high)

    def positions(self, values: Values) -> Values:
        """Values (n,) -> positions (n,), in [0, 1] if they are within the bounds; NaN where there is none."""
        d = self.distribution
        low, high = (0.0, len(d.choices) - 1.0) if isinstance(d, CategoricalDistribution) else (d.low, d.high)
        if low == high:
            return np.where(values == low, 0.0, np.nan)
        if getattr(d, "log", False):
            with np.errstate(invalid="ignore", divide="ignore"):
                return np.log(values / low) / np.log(high / low)
        return (values / 2 - low / 2) / (high / 2 - low / 2)  # halves: a range may be all floats

    def nearest_values(self, column: NDArray[Any]) -> Values:
        """What others tried (n,), in the user's terms -> the nearest values (n,); NaN where it is out of bounds.

        Choices may be named by their text.
        """
        d = self.distribution
        if isinstance(d, CategoricalDistribution):
            index = {str(choice): i for i, choice in enumerate(d.choices)}
            return np.array([index.get(str(value), np.nan) for value in column], np.float64)
        values = np.array([np.nan if value is None else float(value) for value in column.tolist()])
        position = self.positions(values)
        values = np.where((position > -_SLACK) & (position < 1 + _SLACK), np.clip(values, d.low, d.high), np.nan)
        if self.n_values is None:
            return values
        step = 1 if getattr(d, "log", False) else d.step
        return np.minimum(d.low + np.rint((values - d.low) / step) * step, d.high)

    def contains(self, value: Any) -> bool:
        """Whether a parameter's value, as the user knows it, can be suggested."""
        try:
            return bool(self.distribution._contains(self.distribution.to_internal_repr(value)))
        except (ValueError, TypeError):
            return False


@dataclass(frozen=True)
class UnitSpace:
    """d parameters.

    Attributes:
        distributions: by name; their order is that of the axes.
    """

    distributions: Mapping[str, BaseDistribution]

    @cached_property
    def axes(self) -> dict[str, Axis]:
        """By name."""
        return {name: Axis(distribution) for name, distribution in self.distributions.items()}

    @property
    def n_dims(self) -> int:
        """d."""
        return len(self.distributions)

    @cached_property
    def n_configurations(self) -> float:
        """How many there are, infinity where an axis is continuous."""
        n: float = 1
        for axis in self.axes.values():
            n *= axis.n_values or np.inf
        return n

    def values(self, unit: Values) -> Values:
        """Points (n, d) in [0, 1)^d -> values (n, d)."""
        columns = [axis.values(unit[:, i]) for i, axis in enumerate(self.axes.values())]
        return np.stack(columns, axis=1) + 0.0  # -0 becomes 0: rows are compared by their bytes

    def all_values(self) -> Values:
        """(n_configurations, d) all of a finite number."""
        each = [axis.nth_values(np.arange(axis.n_values or 0, dtype=np.float64)) for axis in self.axes.values()]
        return np.stack(np.meshgrid(*each, indexing="ij"), axis=-1).reshape(-1, self.n_dims) + 0.0

    def points(self, values: Values) -> Points:
        """Values (n, d) -> points (n, d) in [0, 1]^d."""
        columns = [axis.positions(values[:, i]) for i, axis in enumerate(self.axes.values())]
        return np.clip(np.stack(columns, axis=1), 0.0, 1.0).astype(np.float32)

    def values_of(self, params: Mapping[str, Any]) -> Values | None:
        """A trial's values (d,); None where it lacks a parameter, or has one that cannot be suggested."""
        if any(name not in params or not axis.contains(params[name]) for name, axis in self.axes.items()):
            return None
        internal = (d.to_internal_repr(params[name]) for name, d in self.distributions.items())
        return np.fromiter(internal, np.float64, self.n_dims) + 0.0

    def params(self, values: Values) -> dict[str, Any]:
        """Values (d,) -> parameters as the user knows them: Python's numbers, or choices."""
        named = zip(self.distributions.items(), values.tolist(), strict=True)
        return {name: distribution.to_external_repr(value) for (name, distribution), value in named}
