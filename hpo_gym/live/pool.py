"""The configurations that a live search chooses from: points of a quasi-random sequence."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.tables.table import Hyperparameter

MOST_CONFIGURATIONS = 2**20


def check_n_configurations(n: int) -> None:
    """Raise a `ValueError` that names the bounds."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or not 1 <= n <= MOST_CONFIGURATIONS:
        raise ValueError(f"n_configurations={n!r}: a whole number from 1 to {MOST_CONFIGURATIONS} is needed")


def sobol_pool(hyperparameters: Sequence[Hyperparameter], n: int, seed: int) -> NDArray[np.float32]:
    """(n, d) float32 in [0, 1]: the first n points of a scrambled Sobol sequence, integers on their own positions.

    A larger pool of the same seed begins with the smaller one's rows, whose trials may be in the cache.
    """
    from scipy.stats import qmc

    check_n_configurations(n)
    sequence = qmc.Sobol(len(hyperparameters), scramble=True, seed=np.random.default_rng(seed))
    points = sequence.random_base2(int(n - 1).bit_length())[:n]  # other numbers than powers of 2 would be warned of
    columns = [h.to_unit(h.from_unit(points[:, i])) for i, h in enumerate(hyperparameters)]
    return np.stack(columns, axis=1).astype(np.float32)
