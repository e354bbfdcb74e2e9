"""Tables that are grids, as search spaces that a person would write: categories, and integers along the grid.

Every suggestion is then a row of the table, for every sampler.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

from hpo_gym.integrations.optuna_sampler import Past
from hpo_gym.integrations.optuna_sampler.past import PastTask

Pool = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """Attributes:
    space: what a study suggests.
    row: of a configuration.
    """

    space: Mapping[str, BaseDistribution]
    row: Callable[[Mapping[str, Any]], int]

    def past(self, scores: Mapping[str, NDArray[np.float64]]) -> Past:
        """Of tasks' scores on the rows, by task: all configurations of the space, each with its row's score."""
        tasks = [PastTask(name=name, columns=self._columns, scores=own[self._rows]) for name, own in scores.items()]
        return Past(tasks=tuple(tasks), search_space=self.space)

    @cached_property
    def _configurations(self) -> list[dict[str, Any]]:
        each = [
            d.choices if isinstance(d, CategoricalDistribution) else range(d.low, d.high + 1)
            for d in self.space.values()
        ]
        return [dict(zip(self.space, values, strict=True)) for values in itertools.product(*each)]

    @cached_property
    def _columns(self) -> dict[str, NDArray[Any]]:
        return {name: np.array([c[name] for c in self._configurations]) for name in self.space}

    @cached_property
    def _rows(self) -> NDArray[np.int64]:
        return np.array([self.row(configuration) for configuration in self._configurations])


def svm_grid(pool: Pool) -> Grid:
    """TST SVM's 288 rows: C with each kernel, gamma with the radial one, degree with the polynomial."""
    c = np.unique(pool[:, 3])
    gammas, degrees = np.unique(pool[pool[:, 0] == 1, 4]), np.unique(pool[pool[:, 1] == 1, 5])
    rows = {tuple(row.tolist()): i for i, row in enumerate(pool)}
    unused = {kernel: pool[pool[:, axis] == 1][0, 3:] for axis, kernel in enumerate(("rbf", "polynomial", "linear"))}

    def row(p: Mapping[str, Any]) -> int:
        kernel = p["kernel"]
        kind = tuple(float(kernel == name) for name in unused)
        g = gammas[p["gamma"]] if kernel == "rbf" else unused[kernel][1]
        d = degrees[p["degree"]] if kernel == "polynomial" else unused[kernel][2]
        return rows[(*kind, float(c[p["c"]]), float(g), float(d))]

    space = {
        "kernel": CategoricalDistribution(list(unused)),
        "c": IntDistribution(0, len(c) - 1),
        "gamma": IntDistribution(0, len(gammas) - 1),
        "degree": IntDistribution(0, len(degrees) - 1),
    }
    return Grid(space=space, row=row)


def ordered_grid(*groups: tuple[int, ...]) -> Callable[[Pool], Grid]:
    """Axes of the table, each by itself (an integer) or several that are the indicators of a category."""

    def grid(pool: Pool) -> Grid:
        space: dict[str, BaseDistribution] = {}
        codes = []
        for group in groups:
            values, code = np.unique(pool[:, list(group)], axis=0, return_inverse=True)
            name = "x" + "_".join(map(str, group))
            space[name] = (
                IntDistribution(0, len(values) - 1)
                if len(group) == 1
                else CategoricalDistribution(list(range(len(values))))
            )
            codes.append(code.ravel())
        rows = {tuple(row): i for i, row in enumerate(np.stack(codes, axis=1).tolist())}
        return Grid(space=space, row=lambda p: rows[tuple(p[name] for name in space)])

    return grid


SPACES: dict[str, Callable[[Pool], Grid]] = {
    "TSTSVM": svm_grid,
    "HypRLNN": ordered_grid((0,), (1, 2, 3), (4,), (5, 6), (7,), (8, 9, 10), (11,), (12,)),
    "HPOBenchMLP": ordered_grid((0,), (1,), (2,), (3,), (4,)),
}
"""XGBoost's pools are no grids: there a suggestion counts as the nearest row."""
