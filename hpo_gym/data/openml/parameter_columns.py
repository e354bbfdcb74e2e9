"""From parameters as OpenML has them to hyperparameters of a search space; nothing is left out unsaid.

The rule, for each parameter over all setups:

- One value everywhere, and everywhere there: it is dropped, with a note.
- Choices only (texts, booleans, null, lists): a categorical column. A setup that lacks the parameter has the choice
  "(not set)". A single number among choices is a choice too.
- Numbers only: an integer column if all are written as integers, else a float column.
- Numbers and something else (choices, or setups that lack it): a column of numbers, which has the median of the
  numbers where there is none, and a categorical column NAME.is with the choices and "(number)". The second one is
  left out where another categorical column tells the same (a kernel's name tells whether its degree is set).

A column of numbers has a logarithmic scale if all are positive, the largest is at least ten times the smallest, and
the median of the different values lies nearer to the middle of the range on that scale than on the linear one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.openml.parameter_values import NOT_SET, meaning
from hpo_gym.data.openml.setups import Parameter
from hpo_gym.data.tables.table import Hyperparameter

NUMBER = "(number)"
"""The choice of a setup that has a number."""

_LOG_RATIO = 10.0
_LONGEST_SHOWN = 60
_MANY_CHOICES = 50


@dataclass(frozen=True, kw_only=True, eq=False)
class Column:
    """A hyperparameter and its value in every setup: (n_setups,) float64, or of a categorical one int32 codes."""

    hyperparameter: Hyperparameter
    values: NDArray

    @property
    def unit(self) -> NDArray[np.float32]:
        """(n_setups,) the positions in [0, 1] that a table gives these values."""
        if self.hyperparameter.kind == "categorical":
            positions = self.values / max(len(self.hyperparameter.categories) - 1, 1)
        else:
            positions = self.hyperparameter.to_unit(self.values)
        return positions.astype(np.float32) + np.float32(0)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Reading:
    """What a parameter's texts mean: (n_setups,) numbers, NaN where there is none, and choices."""

    name: str
    numbers: NDArray[np.float64]
    are_integers: bool
    choices: tuple[str, ...]
    choice_codes: NDArray[np.int32]

    @property
    def is_mixed(self) -> bool:
        return self.n_numbers > 0 and len(self.choices) > 1

    @property
    def n_numbers(self) -> int:
        return len(np.unique(self.numbers[~np.isnan(self.numbers)]))


def columns_of(parameters: Sequence[Parameter], names: Sequence[str]) -> tuple[list[Column], list[str]]:
    """Parameters -> (columns in the order of their names, notes)."""
    readings = [_read(parameter, name) for parameter, name in zip(parameters, names, strict=True)]
    notes: list[str] = []
    columns: list[Column] = []
    for reading in sorted(readings, key=lambda r: (r.n_numbers > 0, r.name)):  # choices first: they may tell the rest
        if reading.n_numbers + len(reading.choices) - (reading.n_numbers > 0) == 1:
            notes.append(f"{reading.name} is {_only_value(reading)} in all setups, so it is no dimension of the search")
            continue
        columns += _columns(reading, columns, notes)
    return sorted(columns, key=lambda column: column.hyperparameter.name), notes


def _read(parameter: Parameter, name: str) -> _Reading:
    meanings = [meaning(text) for text in parameter.texts] + [NOT_SET]  # code -1 is the last
    numbers = [m for m in meanings if not isinstance(m, str)]
    if len(set(numbers)) == 1:
        meanings = [m if isinstance(m, str) else f"{m:.12g}" for m in meanings]
        numbers = []
    labels = [m if isinstance(m, str) else NUMBER for m in meanings]
    used = sorted({labels[code] for code in np.unique(parameter.codes)})
    index = {label: i for i, label in enumerate(used)}
    codes = np.array([index.get(label, -1) for label in labels], np.int32)
    values = np.array([np.nan if isinstance(m, str) else m for m in meanings], np.float64)
    return _Reading(
        name=name,
        numbers=values[parameter.codes],
        are_integers=all(isinstance(m, int) for m in numbers),
        choices=tuple(used),
        choice_codes=codes[parameter.codes],
    )


def _only_value(reading: _Reading) -> str:
    value = f"{reading.numbers[0]:g}" if reading.n_numbers else reading.choices[0]
    return value if len(value) <= _LONGEST_SHOWN else f"{value[:_LONGEST_SHOWN]}..."


def _columns(reading: _Reading, others: Sequence[Column], notes: list[str]) -> Iterator[Column]:
    if not reading.n_numbers:
        if len(reading.choices) > _MANY_CHOICES:
            notes.append(f"{reading.name} has {len(reading.choices)} different choices; it can be ignored by name")
        yield _categorical(reading.name, reading)
        return
    yield _numerical(reading)
    if not reading.is_mixed:
        return
    rest = ", ".join(choice for choice in reading.choices if choice != NUMBER)
    neutral = f"{_neutral(reading.numbers):g}"
    tells = next((c for c in others if _is_told(reading.choice_codes, c)), None)
    if tells is None:
        state = f"{reading.name}.is"
        notes.append(f"{reading.name} is a number or one of {rest}: {state} says which, and it is then {neutral}")
        yield _categorical(state, reading)
    else:
        by = tells.hyperparameter.name
        notes.append(f"{reading.name} is a number or one of {rest}: {by} tells which, and it is then {neutral}")


def _categorical(name: str, reading: _Reading) -> Column:
    hyperparameter = Hyperparameter(name=name, kind="categorical", categories=reading.choices)
    return Column(hyperparameter=hyperparameter, values=reading.choice_codes)


def _numerical(reading: _Reading) -> Column:
    values = np.where(np.isnan(reading.numbers), _neutral(reading.numbers), reading.numbers)
    hyperparameter = Hyperparameter(
        name=reading.name,
        kind="integer" if reading.are_integers else "float",
        lower=float(values.min()),
        upper=float(values.max()),
        log=is_log_scale(values),
    )
    return Column(hyperparameter=hyperparameter, values=values)


def _neutral(numbers: NDArray[np.float64]) -> float:
    """The lower median of the numbers that there are: a value that some setup really has."""
    return float(np.nanquantile(numbers, 0.5, method="lower"))


def is_log_scale(values: NDArray[np.float64]) -> bool:
    """The rule for a logarithmic scale; see the module's text."""
    different = np.unique(values)
    lower, upper = different[0], different[-1]
    if lower <= 0 or upper / lower < _LOG_RATIO:
        return False
    median = np.median(different)
    linear = (median - lower) / (upper - lower)
    logarithmic = np.log(median / lower) / np.log(upper / lower)
    return bool(abs(logarithmic - 0.5) < abs(linear - 0.5))


def _is_told(codes: NDArray[np.int32], column: Column) -> bool:
    """Whether each choice of a categorical column goes with one of these codes only."""
    if column.hyperparameter.kind != "categorical":
        return False
    pairs = np.unique(np.stack([column.values, codes]), axis=1)
    return bool(len(np.unique(pairs[0])) == pairs.shape[1])
