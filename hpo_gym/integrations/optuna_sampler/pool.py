"""The configurations that are chosen from: quasi-random ones, the past's best, and whatever was tried."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hpo_gym.integrations.optuna_sampler.space import Points, UnitSpace, Values


@dataclass(frozen=True, kw_only=True, eq=False)
class Pool:
    """n configurations, each once.

    Attributes:
        space: of them.
        values: (n, d), the quasi-random ones first.
    """

    space: UnitSpace
    values: Values

    @classmethod
    def spread(cls, space: UnitSpace, n_candidates: int, seed: int) -> "Pool":
        """Of a scrambled Sobol sequence; of a space with no more configurations than that, all of them."""
        from scipy.stats import qmc  # half a second

        sequence = qmc.Sobol(space.n_dims, scramble=True, seed=seed)
        unit = sequence.random_base2(int(np.ceil(np.log2(n_candidates))))[:n_candidates]
        values = space.values(unit)
        if space.n_configurations <= n_candidates:
            values = np.concatenate([values, space.all_values()])
        return cls(space=space, values=_each_once(values))

    def extended(self, values: Iterable[Values]) -> "Pool":
        """With further configurations (d,) at the end; itself where it has them all."""
        strange = [row for row in values if row.tobytes() not in self._rows]
        if not strange:
            return self
        return Pool(space=self.space, values=_each_once(np.concatenate([self.values, np.stack(strange)])))

    def row(self, values: Values) -> int:
        """Of a configuration (d,) that is there; `KeyError` else."""
        return self._rows[values.tobytes()]

    @cached_property
    def points(self) -> Points:
        """(n, d) in the unit cube."""
        return self.space.points(self.values)

    @cached_property
    def _rows(self) -> dict[bytes, int]:
        return {row.tobytes(): i for i, row in enumerate(self.values)}

    def __len__(self) -> int:
        return len(self.values)


def _each_once(values: Values) -> Values:
    """(n, d) -> (m, d), repetitions left out, the order kept."""
    first: NDArray[np.int64] = np.unique(values, axis=0, return_index=True)[1]
    return np.ascontiguousarray(values[np.sort(first)])
