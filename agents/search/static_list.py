"""An agent that tries a fixed list of configurations, one after the other, whatever the scores say."""

import hashlib
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from agents.search.searcher import History, PlannedSearcher, SearchEpisode
from agents.search.training_tasks import TrainingTasks


class StaticListSearch(PlannedSearcher, ABC):
    """Learns a list from the training tasks; `order_of` says how.

    Where the observed pool is the one that all training tasks share, the list comes from their scores. Where
    it is not, a model of each training task says what it would have scored on the observed pool
    (`agents.search.pool_models`), and the list comes from those predictions.
    """

    def __init__(self, training: TrainingTasks, *, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self.training = training
        self._lists: dict[tuple[str, int], NDArray[np.int64]] = {}

    @abstractmethod
    def order_of(self, regrets: NDArray[np.float64], ranks: NDArray[np.float64], n_trials: int) -> NDArray[np.int64]:
        """Normalised regrets and ranks (T, n), NaN: unknown -> all n indices in the order of trial.

        An episode has at most `n_trials`; what follows is only needed where entries are unavailable.
        """

    def begin(self, history: History, episode: SearchEpisode) -> NDArray[np.int64]:
        """The list for the observed pool, made once a pool."""
        rows = np.flatnonzero(history.available)
        key = hashlib.sha256(history.pool.tobytes() + rows.tobytes()).hexdigest(), history.n_trials_at_most
        if key not in self._lists:
            self._lists[key] = self._make_list(history.pool, rows, history.n_trials_at_most)
        return self._lists[key]

    def _make_list(self, pool: NDArray[np.float32], rows: NDArray[np.int64], n_trials: int) -> NDArray[np.int64]:
        shared = self.training.shared_pool
        if shared is not None and np.array_equal(shared, pool):
            regrets = np.array(self.training.normalised_regrets)[:, rows]
            ranks = np.array(self.training.ranks)[:, rows]
        else:
            from agents.search.pool_models import predict_losses  # scikit-learn: seconds, and not always needed

            regrets, ranks = predict_losses(self.training, pool[rows])
        return rows[self.order_of(regrets, ranks, n_trials)]


def average_rank_order(ranks: NDArray[np.float64]) -> NDArray[np.int64]:
    """Ranks (T, n), NaN: unknown -> all n indices by mean rank over the tasks that know them."""
    return np.argsort(mean_rank(ranks), kind="stable")


def mean_rank(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks (T, n), NaN: unknown -> (n,) mean rank; infinite where no task knows the configuration."""
    known = np.isfinite(ranks)
    n_known = known.sum(axis=0)
    total = np.where(known, ranks, 0.0).sum(axis=0)
    return np.where(n_known > 0, total / np.maximum(n_known, 1), np.inf)
