"""Which rows each update of a run sees: a function of run seed and update, so that resuming needs no state."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Batches:
    """The order in which a run goes through `n_rows` rows, `batch_size` an update: a permutation each epoch.

    Attributes:
        n_rows: rows of the part.
        batch_size: rows an update.
        run_seed: any in [0, 2**63); it decides the order together with `stream`.
        stream: another number gives an order of its own for the same run seed (0 for training, 1 for probes).
    """

    n_rows: int
    batch_size: int
    run_seed: int
    stream: int = 0

    def __post_init__(self) -> None:
        for name in ("n_rows", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}; it must be at least 1")

    def rows(self, update: int, n_updates: int = 1) -> NDArray[np.int64]:
        """(n_updates * batch_size,) row numbers of so many updates from `update` on.

        >>> order = Batches(n_rows=5, batch_size=2, run_seed=7)
        >>> sorted(int(row) for row in order.rows(0, n_updates=5))
        [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
        >>> bool((order.rows(1, n_updates=2) == order.rows(0, n_updates=3)[2:]).all())
        True
        """
        place, stop = update * self.batch_size, (update + n_updates) * self.batch_size
        pieces = []
        while place < stop:
            epoch, start = divmod(place, self.n_rows)
            n = min(stop - place, self.n_rows - start)
            pieces.append(_epoch_order(self.n_rows, self.run_seed, self.stream, epoch)[start : start + n])
            place += n
        return np.concatenate(pieces).astype(np.int64) if pieces else np.empty(0, np.int64)


def evenly_spaced_rows(n_rows: int, n: int) -> NDArray[np.int64]:
    """(n,) rows, all if there are only so many, spread over the whole part: the same for every run.

    >>> evenly_spaced_rows(10, 4).tolist()
    [0, 2, 5, 7]
    """
    n = min(n, n_rows)
    return np.arange(n, dtype=np.int64) * n_rows // n


@lru_cache(maxsize=64)
def _epoch_order(n_rows: int, run_seed: int, stream: int, epoch: int) -> NDArray[np.uint32]:
    order = np.random.default_rng([run_seed, stream, epoch]).permutation(n_rows).astype(np.uint32)
    order.flags.writeable = False
    return order
