"""Which available configuration is nearest to one that cannot be tried: looked up, not computed anew."""

import numpy as np
from numpy.typing import NDArray

from hpo_gym.selection.search_tasks import SearchTasks


class Neighbours:
    """Each configuration's nearest ones in its own pool, found on first need and kept.

    An episode of H trials blocks at most H rows besides those without a score, so that many neighbours
    suffice. Ties go to the lower index.
    """

    def __init__(self, tasks: SearchTasks, n_trials: int) -> None:
        """Room for every row of the pools; `n_trials` is the most that an episode can have (H)."""
        n_missing = max(int(n - tasks.available(t).sum()) for t, n in enumerate(tasks.n_rows))
        self._tasks = tasks
        self._n_kept = min(n_trials + n_missing + 1, int(tasks.n_rows.max()))
        self._order = np.zeros((len(tasks.rows), self._n_kept), np.int32)
        self._is_known = np.zeros(len(tasks.rows), bool)

    def nearest_available(
        self,
        task: NDArray[np.int64],
        rows: NDArray[np.int64],
        members: NDArray[np.int64],
        available: NDArray[np.int8],
    ) -> NDArray[np.int64]:
        """(k,) the rows nearest to rows (k,) of tasks (k,) that are available (G, n) to members (k,)."""
        flat = self._tasks.row_start.take(task) + rows
        is_known = self._is_known.take(flat)
        if np.count_nonzero(is_known) < len(flat):
            for i in np.flatnonzero(~is_known):
                self._find(int(task[i]), int(rows[i]), int(flat[i]))
        order = self._order.take(flat, axis=0)  # (k, n_kept)
        cells = (members * available.shape[1])[:, None] + order
        first = available.take(cells).argmax(axis=1)
        return order[np.arange(len(rows)), first].astype(np.int64)

    def _find(self, task: int, row: int, flat: int) -> None:
        pool = self._tasks.pool(task)
        difference = pool - pool[row]
        squared_distance = np.einsum("nd,nd->n", difference, difference)
        nearest = np.argsort(squared_distance, kind="stable")[: self._n_kept]
        self._order[flat, : len(nearest)] = nearest
        self._order[flat, len(nearest) :] = nearest[-1]  # where other tasks' pools are larger
        self._is_known[flat] = True
