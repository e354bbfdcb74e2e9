"""Five folds of a table's tasks, so that for every task there are weights that were trained without it.

Fold 0 is the declared test split; its weights are those of the declared training split. The other tasks are dealt to
four nearly equal folds, so that on nnMeta there are Hyp-RL's 5 folds of 40 to train on and 10 to be judged by.
"""

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np

import hpo_gym  # noqa: F401 - registers the environments
from hpo_gym.evaluation.errors import EvaluationError

N_FOLDS = 5
Folds = tuple[tuple[str, ...], ...]


class FoldError(EvaluationError, ValueError):
    """There is no such fold; names the environment and what there is."""


def folds(task_ids: Sequence[str], test: Sequence[str]) -> Folds:
    """The folds of tasks, each in the order of the table.

    Args:
        task_ids: all tasks, in the order of the table.
        test: fold 0.

    Returns:
        Five folds, disjoint, all tasks together.

    Raises:
        FoldError: test tasks that are not there, or fewer than four others.

    Example:
        >>> folds(["a", "b", "c", "d", "e", "f"], ["b"])
        (('b',), ('d', 'f'), ('e',), ('a',), ('c',))
    """
    strange = [task for task in test if task not in task_ids]
    if strange:
        raise FoldError(f"test task {strange[0]!r} is none of the {len(task_ids)} tasks")
    others = [task for task in task_ids if task not in test]
    if not test or len(others) < N_FOLDS - 1:
        raise FoldError(
            f"{len(test)} test tasks and {len(others)} others: {N_FOLDS} folds need one and {N_FOLDS - 1} at least"
        )
    order = np.random.default_rng(0).permutation(len(others))
    dealt = [sorted(part.tolist()) for part in np.array_split(order, N_FOLDS - 1)]
    return (
        tuple(task for task in task_ids if task in test),
        *(tuple(others[position] for position in part) for part in dealt),
    )


def folds_of(env_id: str) -> Folds:
    """The folds of an environment that declares its training and its test tasks.

    Raises:
        FoldError: it declares none.
    """
    return folds(*_tasks_of(env_id))


def training_tasks(env_id: str, fold: int) -> tuple[str, ...]:
    """The tasks outside a fold, in the order of the table: what the weights of that fold are trained on.

    Raises:
        FoldError: no such fold.

    Example:
        >>> len(training_tasks("hpo_gym/ConfigSelection-HPOBenchMLP-v0", 1))
        6
    """
    task_ids, test = _tasks_of(env_id)
    if not 0 <= fold < N_FOLDS:
        raise FoldError(f"fold {fold} of {env_id}: there are 0 to {N_FOLDS - 1}")
    left_out = folds(task_ids, test)[fold]
    return tuple(task for task in task_ids if task not in left_out)


def task_choice(env_id: str, fold: int) -> dict[str, Any]:
    """The same as options of the environment; for fold 0 the declared split, which is the same tasks.

    Raises:
        FoldError: no such fold.
    """
    tasks = training_tasks(env_id, fold)
    return {"tasks": list(tasks)} if fold else {"split": "train"}


def _tasks_of(env_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All tasks of an environment, in the order of its table, and the test tasks that it declares."""
    env: Any = gym.make(env_id).unwrapped
    try:
        test = getattr(env, "splits", {}).get("test", ())
        if not getattr(env, "task_ids", ()) or not test:
            raise FoldError(f"{env_id} declares no test tasks, so it has no folds; name the tasks to train on instead")
        return env.task_ids, test
    finally:
        env.close()
