"""The recorded evaluations of the training tasks, as the methods that learn from other data sets read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.evaluation.agent import AgentContext
from hpo_gym.evaluation.errors import EvaluationError


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingTasks:
    """T training tasks.

    Attributes:
        task_ids: (T,).
        pools: T arrays (n_t, d) float32 in [0, 1].
        scores: T arrays (n_t,) float64, higher is better, NaN where there is none; at full fidelity, and the
            mean of replicates.
        meta_features: (T, m) float32.
    """

    task_ids: tuple[str, ...]
    pools: tuple[NDArray[np.float32], ...]
    scores: tuple[NDArray[np.float64], ...]
    meta_features: NDArray[np.float32]

    @cached_property
    def shared_pool(self) -> NDArray[np.float32] | None:
        """(n, d) the pool of all tasks; None where they differ."""
        first, *rest = self.pools
        return first if all(np.array_equal(first, pool) for pool in rest) else None

    @cached_property
    def normalised_regrets(self) -> tuple[NDArray[np.float64], ...]:
        """T arrays (n_t,): 0 = best of the task, 1 = worst, NaN where there is no score."""
        return tuple(normalised_regret(scores) for scores in self.scores)

    @cached_property
    def ranks(self) -> tuple[NDArray[np.float64], ...]:
        """T arrays (n_t,): 1 = best of the task, ties share their mean rank, NaN where there is no score."""
        return tuple(rank_of_scores(scores) for scores in self.scores)


def read_training_tasks(context: AgentContext) -> TrainingTasks:
    """All evaluations of the context's training tasks, and of no other.

    Raises:
        EvaluationError: there is no training task.
    """
    if not context.train_tasks:
        raise EvaluationError(f"this agent learns from training tasks, and {context.env_id} was given none")
    env = context.make_training_env()
    try:
        return recorded_tasks(env.unwrapped, context.train_tasks, context.env_kwargs.get("fidelity") == "action")
    finally:
        env.close()


def recorded_tasks(env: Any, task_ids: Sequence[str], is_by_fidelity: bool = False) -> TrainingTasks:
    """All evaluations of some tasks of an environment, or vector environment, that is open.

    Args:
        env: with `evaluations(task_id)`.
        task_ids: of that environment.
        is_by_fidelity: whether a row's scores are by fidelity, the last the full one, or else by replicate.
    """
    records = [env.evaluations(task_id) for task_id in task_ids]
    return TrainingTasks(
        task_ids=tuple(task_ids),
        pools=tuple(np.array(record.pool) for record in records),
        scores=tuple(_one_score_each(record.scores, is_by_fidelity) for record in records),
        meta_features=np.stack([record.meta_features for record in records]),
    )


def normalised_regret(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores (n,) -> (n,) 0 for the best and 1 for the worst; all 0 where they are the same."""
    best, worst = np.nanmax(scores), np.nanmin(scores)
    return (best - scores) / (best - worst if best > worst else 1.0)


def rank_of_scores(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores (n,) -> ranks (n,), 1 for the best, the mean rank for ties, NaN kept."""
    known = np.isfinite(scores)
    _, group, group_sizes = np.unique(-scores[known], return_inverse=True, return_counts=True)
    worst_rank = np.cumsum(group_sizes)
    ranks = np.full(len(scores), np.nan)
    ranks[known] = (worst_rank - (group_sizes - 1) / 2)[group]
    return ranks


def _one_score_each(scores: NDArray[np.float64], is_by_fidelity: bool) -> NDArray[np.float64]:
    if scores.ndim == 1:
        return np.array(scores, np.float64)
    return np.array(scores[:, -1] if is_by_fidelity else scores.mean(axis=1), np.float64)
