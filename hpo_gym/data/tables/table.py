"""What every table of evaluations looks like, whatever file format it came from.

A `Table` holds `Task`s (data sets); a task holds a pool of configurations and the score of each.
Scores are always "higher is better"; a missing evaluation is NaN, never a shifted row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.errors import TableError

Kind = Literal["float", "integer", "categorical"]
ScoreAxis = Literal["replicate", "epoch"]


@dataclass(frozen=True, kw_only=True)
class Hyperparameter:
    """One dimension of the search space, and how its values map to [0, 1].

    Floats and integers map affinely from [lower, upper] (after log where `log`); the i-th of k
    categories maps to i / (k - 1).
    """

    name: str
    kind: Kind = "float"
    lower: float = 0.0
    upper: float = 1.0
    log: bool = False
    categories: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind == "categorical":
            if not self.categories:
                raise TableError(f"hyperparameter {self.name!r} is categorical but has no categories")
        elif not (np.isfinite(self.lower) and np.isfinite(self.upper) and self.lower <= self.upper):
            raise TableError(
                f"hyperparameter {self.name!r}: bounds [{self.lower}, {self.upper}] are not finite, ordered"
            )
        elif self.log and self.lower <= 0:
            raise TableError(f"hyperparameter {self.name!r}: a log scale needs lower > 0, got {self.lower}")

    def to_unit(self, values: NDArray) -> NDArray[np.float64]:
        """Values in their own units (n,) -> positions in [0, 1] (n,); outside the bounds: `TableError`."""
        if self.kind == "categorical":
            index = {category: i for i, category in enumerate(self.categories)}
            unknown = sorted({str(v) for v in values} - index.keys())
            if unknown:
                raise TableError(f"hyperparameter {self.name!r}: {unknown[0]!r} is not one of {self.categories}")
            return np.array([index[str(v)] for v in values], np.float64) / max(len(self.categories) - 1, 1)
        x = np.asarray(values, np.float64)
        span = self.upper - self.lower
        slack = 1e-9 * max(abs(self.lower), abs(self.upper), span)
        outside = ~((x >= self.lower - slack) & (x <= self.upper + slack))
        if outside.any():
            raise TableError(
                f"hyperparameter {self.name!r}: value {x[outside][0]} is outside [{self.lower}, {self.upper}]"
            )
        if span == 0:
            return np.zeros_like(x)
        unit = np.log(x / self.lower) / np.log(self.upper / self.lower) if self.log else (x - self.lower) / span
        return np.clip(unit, 0.0, 1.0)

    def from_unit(self, unit: NDArray) -> NDArray:
        """Positions in [0, 1] (n,) -> values in their own units (n,), integers and categories rounded."""
        u = np.asarray(unit, np.float64)
        if self.kind == "categorical":
            return np.array(self.categories)[np.rint(u * max(len(self.categories) - 1, 1)).astype(int)]
        x = self.lower * (self.upper / self.lower) ** u if self.log else self.lower + u * (self.upper - self.lower)
        return np.rint(x).astype(np.int64) if self.kind == "integer" else x


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """One data set: a pool of configurations and their scores.

    Attributes:
        task_id: unique within its table.
        pool: (n, d) float32 in [0, 1], one row a configuration.
        scores: (n,), or (n, n_replicates), or (n, n_epochs); float64, higher is better; NaN: not evaluated.
        meta_features: (m,) float32 that describe the data set; m may be 0.
        openml_task_id: the task's number on OpenML, where it is known.
        initial_designs: named starting sets of pool indices (HPO-B's "test0" ... "test4").
    """

    task_id: str
    pool: NDArray[np.float32]
    scores: NDArray[np.float64]
    meta_features: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    openml_task_id: int | None = None
    initial_designs: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def n_configurations(self) -> int:
        """Rows of the pool, evaluated or not."""
        return len(self.pool)

    @cached_property
    def is_evaluated(self) -> NDArray[np.bool_]:
        """(n,) whether the configuration has a score (all of its replicates or epochs)."""
        finite = np.isfinite(self.scores)
        return np.asarray(finite if finite.ndim == 1 else finite.all(axis=1))


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """Evaluations of one search space on several tasks.

    Attributes:
        name: the catalogue's name ("tst-svm") or the user's file name.
        hyperparameters: d of them, in the order of the pool's columns.
        tasks: by task id, in the table's own order.
        score_name, score_unit: what the scores measure ("validation accuracy", "fraction").
        score_axis: what a second axis of the scores means; None where there is none.
        epochs: (n_epochs,) training epochs of the columns where score_axis == "epoch".
        splits: named lists of task ids that the authors published (HPO-B's "train", "validation", "test").
        licence, citation, source: of the data as published.
        notes: treatments that the loader applied, one sentence each.
    """

    name: str
    hyperparameters: tuple[Hyperparameter, ...]
    tasks: Mapping[str, Task]
    score_name: str
    score_unit: str
    score_axis: ScoreAxis | None = None
    epochs: tuple[int, ...] = ()
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    licence: str = ""
    citation: str = ""
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.tasks:
            raise TableError(f"table {self.name!r} has no tasks")
        for key, task in self.tasks.items():
            self._check_task(key, task)

    def _check_task(self, key: str, task: Task) -> None:
        where = f"table {self.name!r}, task {task.task_id!r}"
        if key != task.task_id:
            raise TableError(f"{where}: filed under {key!r}")
        n, d = task.pool.shape
        if d != len(self.hyperparameters):
            raise TableError(f"{where}: pool has {d} columns for {len(self.hyperparameters)} hyperparameters")
        if task.scores.shape[:1] != (n,) or task.scores.ndim != (1 if self.score_axis is None else 2):
            raise TableError(f"{where}: scores of shape {task.scores.shape} do not fit a pool of {n}")
        if self.score_axis == "epoch" and task.scores.shape[1] != len(self.epochs):
            raise TableError(f"{where}: {task.scores.shape[1]} score columns for {len(self.epochs)} epochs")
        # The first row nearly always has a score: looking at all of them would read the whole file at opening.
        has_first = len(task.scores) > 0 and bool(np.isfinite(task.scores[0]).all())
        if not has_first and not task.is_evaluated.any():
            raise TableError(f"{where}: no configuration has a score")

    @property
    def n_dims(self) -> int:
        """d, the number of hyperparameters."""
        return len(self.hyperparameters)

    @cached_property
    def has_shared_pool(self) -> bool:
        """Whether all tasks score the same configurations in the same order."""
        first, *rest = (task.pool for task in self.tasks.values())
        return all(pool is first or np.array_equal(pool, first) for pool in rest)

    def task(self, task_id: str) -> Task:
        """The task of that id; an unknown one is a `KeyError` that lists what there is."""
        try:
            return self.tasks[task_id]
        except KeyError:
            raise KeyError(f"table {self.name!r} has no task {task_id!r}; it has {', '.join(self.tasks)}") from None
