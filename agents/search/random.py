"""Random search without replacement: the yardstick of every search method."""

import numpy as np
from numpy.typing import NDArray

from agents.builder import agent_builder
from agents.search.searcher import POOL_OBSERVED, History, PlannedSearcher, SearchEpisode
from hpo_gym.evaluation.agent import AgentContext


class RandomSearch(PlannedSearcher):
    """Draws uniformly among the configurations that are available.

    The plan is drawn without replacement from the whole pool; skipping what is missing makes it uniform over
    the rest. It is four budgets long, and later draws are made among the rest itself.
    """

    def begin(self, history: History, episode: SearchEpisode) -> NDArray[np.int64]:
        """Distinct uniform draws (at most 4 H,) from the pool."""
        n = len(history.pool)
        return episode.rng.choice(n, size=min(n, 4 * history.n_trials_at_most), replace=False)


@agent_builder(env_kwargs=POOL_OBSERVED, is_fitted_on_tasks=False)
def build(context: AgentContext) -> RandomSearch:
    """Random search; it learns nothing from the training tasks."""
    return RandomSearch(seed=context.seed)
