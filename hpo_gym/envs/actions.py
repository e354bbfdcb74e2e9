"""What an action of config selection stands for: the row of the pool, and the fidelity level, that are tried."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.envs.selection_problem import SelectionProblem
from hpo_gym.selection.space import nearest_row
from hpo_gym.selection.trials import resolve_fidelity


def resolve_action(
    problem: SelectionProblem,
    action: Any,
    *,
    task: int,
    n_trials: int,
    available: NDArray[np.int8],
    paid_epochs: NDArray[np.int64],
    epochs_left: int,
) -> tuple[int, int, bool]:
    """The (row, level) that one episode's next trial runs, and whether the action asked for a repeat.

    Args:
        problem: the environment's.
        action: as the action space has it.
        task: position of the episode's task.
        n_trials: trials so far; the first ones may be those of a fixed initial design.
        available: (n,) what can be tried.
        paid_epochs: (n,) what each row was trained for; only looked at with fidelity levels.
        epochs_left: of the budget; only looked at with fidelity levels.

    Raises:
        ValueError: the action is not in the action space.
    """
    design = problem.design(task)
    if n_trials < len(design):
        return design[n_trials], max(len(problem.tasks.levels) - 1, 0), False
    if problem.tasks.levels:
        return _row_and_level(problem, action, task, available, paid_epochs, epochs_left)
    if problem.action == "unit_cube":
        return _row_near(problem, action, task, available), 0, False
    return _row(problem, action, task, available)


def _row(problem: SelectionProblem, action: Any, task: int, available: NDArray[np.int8]) -> tuple[int, int, bool]:
    asked = row_numbers(np.atleast_1d(np.asarray(action)), 1)
    check_rows(asked, len(available))
    rows, is_repeat = replace_rows(problem, np.array([task]), asked, np.zeros(1, np.int64), available[None])
    return int(rows[0]), 0, bool(is_repeat[0])


def row_numbers(actions: NDArray[Any], n: int) -> NDArray[np.int64]:
    """Actions as (n,) whole numbers; anything else is a `ValueError`, for 1.7 is no row."""
    if actions.shape != (n,) or actions.dtype.kind not in "iu":
        raise ValueError(f"actions {actions!r}: {n} whole numbers are needed, each a row of the pool")
    return actions.astype(np.int64)


def check_rows(rows: NDArray[np.int64], n_configurations: int) -> None:
    """Raise a `ValueError` if one of the rows is not of the pool."""
    if rows.view(np.uint64).max() >= n_configurations:  # negative ones are huge when read as unsigned
        wrong = rows[(rows < 0) | (rows >= n_configurations)][0]
        raise ValueError(f"action {wrong}: a row of the pool, 0 to {n_configurations - 1}, is needed")


def replace_rows(
    problem: SelectionProblem,
    task: NDArray[np.int64],
    rows: NDArray[np.int64],
    members: NDArray[np.int64],
    available: NDArray[np.int8],
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """What is tried where members (k,) asked for rows (k,) of tasks (k,); and which of them are repeats.

    `available` (G, n) tells what each of the G members, of whom these are k, can try.
    """
    tasks = problem.tasks
    rows = rows % tasks.n_rows.take(task)
    is_free = available[members, rows] == 1
    is_repeat = tasks.is_evaluated.take(tasks.score_start.take(task) + rows) & ~is_free
    replaced = ~is_free if problem.repeat == "mask" else ~is_free & ~is_repeat
    n_replaced = np.count_nonzero(replaced)
    which: Any = slice(None) if n_replaced == len(rows) else np.flatnonzero(replaced)
    if n_replaced:
        rows[which] = problem.neighbours.nearest_available(task[which], rows[which], members[which], available)
    return rows, is_repeat


def _row_near(problem: SelectionProblem, action: Any, task: int, available: NDArray[np.int8]) -> int:
    point = np.asarray(action, np.float32)
    if point.shape != (problem.tasks.n_dims,) or not np.isfinite(point).all():
        raise ValueError(f"action {action!r}: a finite point of shape ({problem.tasks.n_dims},) in [0, 1] is needed")
    pool = problem.tasks.pool(task)
    return nearest_row(pool, np.clip(point, 0.0, 1.0), available[: len(pool)])


def _row_and_level(
    problem: SelectionProblem,
    action: Any,
    task: int,
    available: NDArray[np.int8],
    paid_epochs: NDArray[np.int64],
    epochs_left: int,
) -> tuple[int, int, bool]:
    row, level = (int(part) for part in np.asarray(action))
    levels = problem.tasks.levels
    if not (0 <= row < len(available) and 0 <= level < len(levels)):
        raise ValueError(f"action {action!r}: a row, 0 to {len(available) - 1}, and a level, 0 to {len(levels) - 1}")
    row %= int(problem.tasks.n_rows[task])
    is_repeat = bool(levels[level] <= paid_epochs[row])
    if is_repeat and problem.repeat == "end":
        return row, level, True
    row, level = resolve_fidelity(problem.tasks, task, available, paid_epochs, epochs_left, row, level)
    return row, level, is_repeat
