"""The tasks of a table laid out for searching: one flat array of rows, one of scores."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.tables.table import Hyperparameter, Table, Task

Replicate = Literal["mean", "random"] | int
Fidelity = int | Literal["action"] | None

N_FIDELITY_LEVELS = 4
FIDELITY_RATIO = 3  # successive halving's usual reduction factor


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchTasks:
    """T tasks whose pools and scores lie one below the other.

    Attributes:
        hyperparameters: d of them, the columns of `rows`.
        task_ids: (T,) in order.
        rows: (N, d) float32, all pools; a pool that the tasks share is held once.
        row_start: (T,) where a task's pool begins in `rows`.
        scores: (S, C) float64; NaN where the table has no score. C = replicates, fidelity levels, or 1.
        score_start: (T,) where a task's scores begin in `scores`.
        n_rows: (T,) size of each task's pool.
        n_configurations: the largest pool of the *table*, so that environments of one table share their spaces.
        is_evaluated: (S,) whether the row can be chosen.
        best, worst: (T, C) of the evaluated rows. With fidelity levels both are those of full fidelity.
        meta_features: (T, m) float32.
        levels: (F,) epochs of the fidelity levels, low to high; empty where the fidelity is no choice.
        designs: per task, the named starting sets.
    """

    hyperparameters: tuple[Hyperparameter, ...]
    task_ids: tuple[str, ...]
    rows: NDArray[np.float32]
    row_start: NDArray[np.int64]
    scores: NDArray[np.float64]
    score_start: NDArray[np.int64]
    n_rows: NDArray[np.int64]
    n_configurations: int
    is_evaluated: NDArray[np.bool_]
    best: NDArray[np.float64]
    worst: NDArray[np.float64]
    meta_features: NDArray[np.float32]
    levels: tuple[int, ...]
    designs: tuple[dict[str, tuple[int, ...]], ...]

    @property
    def n_dims(self) -> int:
        """d, the number of hyperparameters."""
        return self.rows.shape[1]

    @cached_property
    def data_id(self) -> str:
        """SHA-256 of task ids, hyperparameters' names and scores: what results of searches depend on.

        Scores count in single precision: means over replicates may differ in the last digit between machines.
        """
        digest = hashlib.sha256(json.dumps([self.task_ids, [h.name for h in self.hyperparameters]]).encode())
        digest.update(np.ascontiguousarray(self.scores, "<f4").tobytes())
        return f"sha256:{digest.hexdigest()}"

    @cached_property
    def reward_worst(self) -> NDArray[np.float64]:
        """(T, C) `worst`, or 1 below `best` where all scores are the same, so that best - worst is never 0."""
        return np.where(self.best > self.worst, self.worst, self.best - 1.0)

    def pool(self, task: int) -> NDArray[np.float32]:
        """(n_t, d) the pool of the task at that position."""
        start = self.row_start[task]
        return self.rows[start : start + self.n_rows[task]]

    def task_scores(self, task: int) -> NDArray[np.float64]:
        """(n_t, C) the scores of the task at that position."""
        start = self.score_start[task]
        return self.scores[start : start + self.n_rows[task]]

    def available(self, task: int) -> NDArray[np.int8]:
        """(n_configurations,) 1 where the pool has a row with a score: what can be tried at the start."""
        mask = np.zeros(self.n_configurations, np.int8)
        start, n = self.score_start[task], self.n_rows[task]
        mask[:n] = self.is_evaluated[start : start + n]
        return mask


def prepare_tasks(
    table: Table, task_ids: Sequence[str], replicate: Replicate = "mean", fidelity: Fidelity = None
) -> SearchTasks:
    """Lay out the named tasks of a table for searching.

    Raises:
        ValueError: a replicate or fidelity that the table does not have.
    """
    tasks = [table.task(task_id) for task_id in task_ids]
    levels = _fidelity_levels(table, fidelity)
    columns = [_score_columns(table, task, replicate, fidelity, levels) for task in tasks]
    evaluated = [np.isfinite(c).all(axis=1) for c in columns]
    n_rows = np.array([task.n_configurations for task in tasks])
    starts = np.concatenate([[0], np.cumsum(n_rows)[:-1]])
    best = np.stack([c[e].max(axis=0) for c, e in zip(columns, evaluated, strict=True)])
    worst = np.stack([c[e].min(axis=0) for c, e in zip(columns, evaluated, strict=True)])
    if levels:
        best[:], worst[:] = best[:, -1:], worst[:, -1:]
    shared = all(task.pool is tasks[0].pool or np.array_equal(task.pool, tasks[0].pool) for task in tasks)
    return SearchTasks(
        hyperparameters=table.hyperparameters,
        task_ids=tuple(task_ids),
        rows=np.array(tasks[0].pool) if shared else np.concatenate([task.pool for task in tasks]),
        row_start=np.zeros_like(starts) if shared else starts,
        scores=np.concatenate(columns),
        score_start=starts,
        n_rows=n_rows,
        n_configurations=max(task.n_configurations for task in table.tasks.values()),
        is_evaluated=np.concatenate(evaluated),
        best=best,
        worst=worst,
        meta_features=np.stack([task.meta_features for task in tasks]).astype(np.float32),
        levels=levels,
        designs=tuple(dict(task.initial_designs) for task in tasks),
    )


def _fidelity_levels(table: Table, fidelity: Fidelity) -> tuple[int, ...]:
    """Epochs of the choosable levels: the last epoch, and those nearest to thirds of it, ninths, and so on."""
    if fidelity is None:
        return ()
    if table.score_axis != "epoch":
        raise ValueError(
            f"fidelity={fidelity!r}: table {table.name!r} has no epochs; leave fidelity=None "
            "(hpo_gym/ConfigSelection-LCBench-v0 has training epochs)"
        )
    if fidelity == "action":
        epochs = np.array(table.epochs)
        wanted = epochs[-1] / FIDELITY_RATIO ** np.arange(N_FIDELITY_LEVELS)[::-1]
        return tuple(sorted({int(epochs[np.abs(epochs - w).argmin()]) for w in wanted}))
    if isinstance(fidelity, bool) or fidelity not in table.epochs:
        raise ValueError(
            f"fidelity={fidelity!r} is not an epoch of table {table.name!r}; use one of "
            f"{table.epochs[0]} ... {table.epochs[-1]}, 'action' or None"
        )
    return ()


def _score_columns(
    table: Table, task: Task, replicate: Replicate, fidelity: Fidelity, levels: tuple[int, ...]
) -> NDArray[np.float64]:
    """(n, C) the scores that a search of this task can see."""
    scores = task.scores.reshape(task.n_configurations, -1)
    if table.score_axis == "epoch":
        if replicate != "mean":
            raise ValueError(f"replicate={replicate!r}: table {table.name!r} has no replicates; leave replicate='mean'")
        wanted = levels or (table.epochs[-1] if fidelity is None else int(fidelity),)
        return np.ascontiguousarray(scores[:, [table.epochs.index(epoch) for epoch in wanted]])
    if replicate == "mean":
        return scores.mean(axis=1, keepdims=True)
    if replicate == "random":
        return np.ascontiguousarray(scores)
    is_number = isinstance(replicate, int | np.integer) and not isinstance(replicate, bool)
    if not is_number or not 0 <= replicate < scores.shape[1]:
        raise ValueError(
            f"replicate={replicate!r}: table {table.name!r} has replicates 0 to {scores.shape[1] - 1}; "
            "or use 'mean' or 'random'"
        )
    return np.ascontiguousarray(scores[:, replicate : replicate + 1])
