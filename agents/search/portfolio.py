"""Greedy portfolios: static lists whose entries make up for each other's bad tasks (Wistuba et al. 2015)."""

import numpy as np
from numpy.typing import NDArray

from agents.builder import agent_builder
from agents.search.searcher import POOL_OBSERVED
from agents.search.static_list import StaticListSearch, mean_rank
from agents.search.training_tasks import read_training_tasks
from hpo_gym.evaluation.agent import AgentContext

_TIE = 1e-12  # sums of the same numbers in another order must still tie


def greedy_portfolio(losses: NDArray[np.float64], tie_break: NDArray[np.float64], n_greedy: int) -> NDArray[np.int64]:
    """Order configurations so that each lowers the tasks' mean incumbent loss most.

    Before the first entry every task's incumbent is its worst configuration, so a missing loss (NaN) is one
    that improves nothing. Ties, all that is left once every task has its best configuration, go to the lowest
    `tie_break`, then to the lowest index. Only the first `n_greedy` entries are chosen so; the
    rest follow by `tie_break`.

    Args:
        losses: (T, n), lower is better.
        tie_break: (n,), lower is better.
        n_greedy: entries to choose greedily.

    Returns:
        (n,) all configurations in the order of trial.

    Example:
        >>> losses = np.array([[0.0, 1.0, 0.4], [1.0, 0.0, 0.4]])
        >>> greedy_portfolio(losses, np.zeros(3), 3).tolist()
        [2, 0, 1]
    """
    n = losses.shape[1]
    worst = np.nanmax(losses, axis=1)
    by_configuration = np.ascontiguousarray(np.where(np.isnan(losses), worst[:, None], losses).T)  # (n, T)
    incumbent = worst
    is_used = np.zeros(n, bool)
    order = []
    for _ in range(min(n_greedy, n)):
        mean_loss = np.minimum(by_configuration, incumbent).mean(axis=1)
        mean_loss[is_used] = np.inf
        tied = np.flatnonzero(mean_loss <= mean_loss.min() + _TIE)
        chosen = tied[np.argmin(tie_break[tied])]
        is_used[chosen] = True
        order.append(chosen)
        incumbent = np.minimum(incumbent, by_configuration[chosen])
    rest = np.argsort(tie_break, kind="stable")
    return np.concatenate([np.array(order, np.int64), rest[~is_used[rest]]])


class GreedyRegretSearch(StaticListSearch):
    """The greedy portfolio of normalised regrets; ties go to the lower average rank."""

    def order_of(self, regrets: NDArray[np.float64], ranks: NDArray[np.float64], n_trials: int) -> NDArray[np.int64]:
        """Greedy on regrets."""
        return greedy_portfolio(regrets, mean_rank(ranks), n_trials)


class GreedyRankSearch(StaticListSearch):
    """The greedy portfolio of ranks; ties go to the lower average rank."""

    def order_of(self, regrets: NDArray[np.float64], ranks: NDArray[np.float64], n_trials: int) -> NDArray[np.int64]:
        """Greedy on ranks."""
        return greedy_portfolio(ranks, mean_rank(ranks), n_trials)


@agent_builder(env_kwargs=POOL_OBSERVED)
def build_greedy_regret(context: AgentContext) -> GreedyRegretSearch:
    """The greedy-regret portfolio of the context's training tasks."""
    return GreedyRegretSearch(read_training_tasks(context), seed=context.seed)


@agent_builder(env_kwargs=POOL_OBSERVED)
def build_greedy_rank(context: AgentContext) -> GreedyRankSearch:
    """The greedy-rank portfolio of the context's training tasks."""
    return GreedyRankSearch(read_training_tasks(context), seed=context.seed)
