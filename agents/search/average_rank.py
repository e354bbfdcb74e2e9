"""The average-rank list: the configurations that did well on other data sets, in that order."""

import numpy as np
from numpy.typing import NDArray

from agents.builder import agent_builder
from agents.search.searcher import POOL_OBSERVED
from agents.search.static_list import StaticListSearch, average_rank_order
from agents.search.training_tasks import read_training_tasks
from hpo_gym.evaluation.agent import AgentContext


class AverageRankSearch(StaticListSearch):
    """Tries configurations by their mean rank over the training tasks (ties share their mean rank)."""

    def order_of(self, regrets: NDArray[np.float64], ranks: NDArray[np.float64], n_trials: int) -> NDArray[np.int64]:
        """By mean rank."""
        return average_rank_order(ranks)


@agent_builder(env_kwargs=POOL_OBSERVED)
def build(context: AgentContext) -> AverageRankSearch:
    """The list of the context's training tasks."""
    return AverageRankSearch(read_training_tasks(context), seed=context.seed)
