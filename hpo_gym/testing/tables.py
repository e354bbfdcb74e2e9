"""Is a table what the environments take it for?"""

import numpy as np

from hpo_gym.data.tables.table import Table, Task
from hpo_gym.testing.comparison import checking, require

ROUND_TRIP_TOLERANCE = 1e-5  # pools are float32


def check_table(table: Table, *, may_have_duplicates: bool = False) -> None:
    """Every task of a table: shapes, types, bounds, missing scores, duplicates, initial designs, splits.

    Args:
        table: of any loader.
        may_have_duplicates: whether a pool may hold a configuration twice (HPO-B's do; its notes say so).

    Raises:
        AssertionError: what is wrong, in which task, and what to do.
    """
    where = f"table {table.name!r}"
    names = [h.name for h in table.hyperparameters]
    require(len(set(names)) == len(names), f"{where}: hyperparameter names {names} repeat. Give each its own")
    require(table.score_name and table.score_unit, f"{where}: score_name or score_unit is empty. State both")
    epochs = np.array(table.epochs)
    require((np.diff(epochs) > 0).all(), f"{where}: epochs {table.epochs} do not increase. Sort the columns by epoch")
    widths = {task.meta_features.shape for task in table.tasks.values()}
    require(len(widths) == 1, f"{where}: meta-features of shapes {sorted(widths)}. Every task needs the same ones")
    for task in table.tasks.values():
        here = f"{where}, task {task.task_id!r}"
        _check_pool(here, table, task, may_have_duplicates)
        _check_scores(here, table, task)
        _check_designs(here, task)
    _check_splits(where, table)


def _check_pool(where: str, table: Table, task: Task, may_have_duplicates: bool) -> None:
    pool = task.pool
    require(
        pool.shape == (len(pool), table.n_dims) and pool.dtype == np.float32,
        f"{where}: pool is {pool.dtype} of shape {pool.shape}. Give (n, {table.n_dims}) float32",
    )
    bad = np.flatnonzero(~(np.isfinite(pool) & (pool >= 0) & (pool <= 1)).all(axis=1))
    require(
        not bad.size,
        f"{where}: configuration {bad[:1]} is {pool[bad[:1]]}, not in the unit cube. Scale with Hyperparameter.to_unit",
    )
    if not may_have_duplicates:
        _, first, counts = np.unique(pool, axis=0, return_index=True, return_counts=True)
        twice = first[counts > 1]
        require(
            not twice.size,
            f"{where}: configuration {twice[:1]} and {int((counts - 1).sum())} others repeat. Keep one of each, or "
            "say may_have_duplicates=True",
        )
    for column, parameter in enumerate(table.hyperparameters):
        with checking(f"{where}, hyperparameter {parameter.name!r}", "to_unit and from_unit must undo each other"):
            values = parameter.from_unit(pool[:, column])
            again = parameter.to_unit(values)
        if parameter.kind != "integer":  # an integer's position is where the table has it, its value is rounded
            gap = np.abs(again - pool[:, column]).max()
            require(
                gap <= ROUND_TRIP_TOLERANCE,
                f"{where}, hyperparameter {parameter.name!r}: its positions move by {gap:.2g} when turned into values "
                "and back. The pool was scaled with other bounds or categories",
            )


def _check_scores(where: str, table: Table, task: Task) -> None:
    scores = task.scores
    n_dims = 1 if table.score_axis is None else 2
    require(
        scores.dtype == np.float64 and scores.ndim == n_dims and len(scores) == len(task.pool),
        f"{where}: scores are {scores.dtype} of shape {scores.shape}. Give float64, one row a configuration"
        + ("" if n_dims == 1 else f" and one column a {table.score_axis}"),
    )
    require(not np.isinf(scores).any(), f"{where}: a score is infinite. A missing or failed evaluation is NaN")
    require(task.is_evaluated.any(), f"{where}: no configuration has a score. Leave the task out")
    if table.score_unit == "fraction":
        low, high = np.nanmin(scores), np.nanmax(scores)
        require(low >= 0 and high <= 1, f"{where}: fractions from {low} to {high}. Divide percent by 100")
    require(np.isfinite(task.meta_features).all(), f"{where}: a meta-feature is not finite. Leave it out or fill it")


def _check_designs(where: str, task: Task) -> None:
    for name, rows in task.initial_designs.items():
        inside = all(0 <= row < len(task.pool) for row in rows)
        require(inside, f"{where}: initial design {name!r} names rows beyond the pool of {len(task.pool)}")
        missing = [row for row in rows if not task.is_evaluated[row]]
        require(not missing, f"{where}: initial design {name!r} names row {missing[:1]}, which has no score")


def _check_splits(where: str, table: Table) -> None:
    for name, task_ids in table.splits.items():
        unknown = sorted(set(task_ids) - set(table.tasks))
        require(not unknown, f"{where}: split {name!r} names {unknown[:3]}, which the table does not have")
    both = sorted(set(table.splits.get("train", ())) & set(table.splits.get("test", ())))
    require(not both, f"{where}: {both[:3]} are in both train and test. A split must keep them apart")
