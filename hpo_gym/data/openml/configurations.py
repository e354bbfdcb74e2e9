"""Setups and runs joined: the configurations, and the mean score of each on each task."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.openml.evaluations import TaskRuns
from hpo_gym.data.openml.parameter_columns import Column


@dataclass(frozen=True, kw_only=True, eq=False)
class TaskScores:
    """The configurations of one task, in the order of their first setups' numbers.

    Attributes:
        task_id: on OpenML.
        setup_rows: (n,) of each configuration, the row of its first setup in the columns.
        means: (n,) of its scores; NaN where all its runs failed.
        n_runs: (n,) runs with a score.
        n_failed_runs: (n,) runs without one.
    """

    task_id: int
    setup_rows: NDArray[np.int64]
    means: NDArray[np.float64]
    n_runs: NDArray[np.int64]
    n_failed_runs: NDArray[np.int64]


def first_rows(columns: Sequence[Column]) -> NDArray[np.int64]:
    """(n_setups,) of each setup, the first one that is the same configuration; setups may differ in a seed alone.

    Configurations are compared as tables compare them: by their float32 positions in the unit cube.
    """
    positions = np.ascontiguousarray(np.stack([column.unit for column in columns], axis=1))
    rows = positions.view(np.dtype((np.void, positions.dtype.itemsize * positions.shape[1]))).ravel()
    _, first, inverse = np.unique(rows, return_index=True, return_inverse=True)
    return first[inverse.ravel()]


def score(runs: TaskRuns, setup_ids: NDArray[np.int64], first_row: NDArray[np.int64]) -> TaskScores:
    """Mean scores of one task.

    Args:
        runs: the task's.
        setup_ids: (n_setups,) ascending; runs of any other setup are left out.
        first_row: (n_setups,) see `first_rows`.
    """
    rows = np.searchsorted(setup_ids, runs.setup_ids)
    is_known = (rows < len(setup_ids)) & (setup_ids[np.minimum(rows, len(setup_ids) - 1)] == runs.setup_ids)
    found, index = np.unique(first_row[rows[is_known]], return_inverse=True)
    scores = runs.scores[is_known]
    has_score = np.isfinite(scores)
    n_runs = np.bincount(index[has_score], minlength=len(found))
    sums = np.bincount(index[has_score], weights=scores[has_score], minlength=len(found))
    return TaskScores(
        task_id=runs.task_id,
        setup_rows=found,
        means=np.where(n_runs > 0, sums / np.maximum(n_runs, 1), np.nan),
        n_runs=n_runs,
        n_failed_runs=np.bincount(index[~has_score], minlength=len(found)),
    )
