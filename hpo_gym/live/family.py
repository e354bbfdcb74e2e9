"""What a family of models is: its search space, what a cheaper trial has less of, and how a model is made."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpo_gym.data.errors import did_you_mean
from hpo_gym.data.tables.table import Hyperparameter
from hpo_gym.live.errors import LiveError
from hpo_gym.selection.search_tasks import FIDELITY_RATIO, N_FIDELITY_LEVELS

Configuration = Mapping[str, Any]
"""Hyperparameters by name, in their own units."""


@dataclass(frozen=True, kw_only=True)
class Fidelity:
    """How much of a full training one trial is.

    Attributes:
        n_iterations: epochs or trees; None: as many as the family's full training, or the family has none.
        subsample: share of the training rows that the model is fitted on, in (0, 1].
    """

    n_iterations: int | None = None
    subsample: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.subsample <= 1:
            raise ValueError(
                f"subsample={self.subsample}: a share of the training rows, above 0 and at most 1, is needed"
            )


@dataclass(frozen=True, kw_only=True)
class FidelityAxis:
    """What the levels of a family count.

    Attributes:
        name: "trees", "epochs" or "percent of the training rows".
        lowest, full: levels.
        counts_rows: whether a level is a percentage of the training rows, else it is a number of iterations.
    """

    name: str
    lowest: int
    full: int
    counts_rows: bool = False

    @property
    def levels_to_choose(self) -> tuple[int, ...]:
        """The full level, a third of it, a ninth and a 27th, low to high, as far as the axis goes."""
        wanted = (round(self.full / FIDELITY_RATIO**k) for k in reversed(range(N_FIDELITY_LEVELS)))
        return tuple(level for level in wanted if level >= self.lowest)


MakeModel = Callable[[Configuration, int, int, int], Any]
"""(configuration, n_iterations, n_features, seed) -> an unfitted scikit-learn classifier that uses one thread."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """A family of models.

    Attributes:
        name: as options and caches have it.
        title: for people.
        hyperparameters: the search space.
        axis: of the fidelity.
        is_scaled: whether its models need numeric columns of mean 0 and variance 1.
        make_model: see `MakeModel`; of what is not searched it decides itself.
        modules: that `make_model` imports.
        packages: distributions whose versions a score depends on.
        extra: of this project, that brings the module of the same name; "" where nothing more is needed.
        version: raised whenever `make_model` would give other scores.
    """

    name: str
    title: str
    hyperparameters: tuple[Hyperparameter, ...]
    axis: FidelityAxis
    is_scaled: bool
    make_model: MakeModel
    modules: tuple[str, ...] = ()
    packages: tuple[str, ...] = ("numpy", "scikit-learn", "scipy")
    extra: str = ""
    version: int = 1

    def check_installed(self) -> None:
        """Raise a `LiveError` with the command that installs what is missing."""
        if self.extra and importlib.util.find_spec(self.extra) is None:
            raise LiveError(f'family {self.name!r} needs the package {self.extra}: pip install "hpo_gym[{self.extra}]"')

    def load(self) -> None:
        """Import what its models need, before the first one's time runs."""
        for module in self.modules:
            importlib.import_module(module)

    def fidelity(self, level: int | None = None, subsample: float = 1.0) -> Fidelity:
        """A level of the axis (None: the full one) and a share of the rows, as a trial needs them.

        Raises:
            ValueError: the level is not of the axis, or both name a share of the rows.
        """
        axis = self.axis
        if level is None:
            return Fidelity(n_iterations=None if axis.counts_rows else axis.full, subsample=subsample)
        if isinstance(level, bool) or not isinstance(level, int) or not axis.lowest <= level <= axis.full:
            raise ValueError(
                f"fidelity={level!r}: family {self.name!r} takes {axis.lowest} to {axis.full} {axis.name}, or None"
            )
        if not axis.counts_rows:
            return Fidelity(n_iterations=level, subsample=subsample)
        if subsample != 1:
            raise ValueError(f"subsample={subsample!r}: the fidelity of family {self.name!r} is the share of the rows")
        return Fidelity(subsample=level / 100)


def find_family(name: str) -> Family:
    """A family of this package by name, or any other as "module:attribute", of the current folder too.

    Raises:
        LiveError: there is none of that name.
    """
    from hpo_gym.live.families import FAMILIES

    module_name, _, attribute = name.partition(":")
    if not attribute:
        if name not in FAMILIES:
            near = did_you_mean(name, FAMILIES) or f"; there are {', '.join(FAMILIES)}, or your own as module:attribute"
            raise LiveError(f"there is no family {name!r}{near}")
        return FAMILIES[name]
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise LiveError(f"family {name!r}: {error}") from None
    if not isinstance(found, Family):
        raise LiveError(f"family {name!r} is a {type(found).__name__}; a hpo_gym.live.family.Family is needed")
    return found
