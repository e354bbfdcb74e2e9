"""Search with a Gaussian process whose prior comes from other data sets: the transfer rival of learned policies."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from agents.builder import agent_builder
from agents.search.empirical_prior import EmpiricalPosterior, EmpiricalPrior, ScoreRange
from agents.search.expected_improvement import best_available
from agents.search.searcher import POOL_OBSERVED, History, SearchEpisode, Searcher
from agents.search.training_tasks import TrainingTasks, read_training_tasks
from hpo_gym.evaluation.agent import AgentContext


class EmpiricalPriorSearch(Searcher):
    """Expected improvement under the prior of `agents.search.empirical_prior`; it draws no random numbers.

    On the pool that all training tasks share the prior comes from their scores. On another pool a model of
    each training task says what it would have scored there (`agents.search.pool_models`).

    An episode's memory is its posterior. What is chosen depends on the history alone: the posterior is made
    anew where it does not continue the history.
    """

    def __init__(self, training: TrainingTasks, *, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self.training = training
        self._priors: dict[str, EmpiricalPrior] = {}

    def choose(self, history: History, episode: SearchEpisode) -> int:
        """The available configuration of the highest expected improvement, the lowest index among equals."""
        posterior = episode.memory
        if posterior is None or not _is_continued_by(posterior, history):
            posterior = episode.memory = self._new_posterior(history)
        n_seen = len(posterior.indices)
        for index, score in zip(history.indices[n_seen:], history.scores[n_seen:], strict=True):
            posterior.add(int(index), float(score))
        return best_available(posterior.expected_improvement(), history.available)

    def _new_posterior(self, history: History) -> EmpiricalPosterior:
        exists = history.available.copy()
        exists[history.indices] = True
        key = hashlib.sha256(history.pool.tobytes() + exists.tobytes()).hexdigest()
        if key not in self._priors:
            self._priors[key] = self._make_prior(history.pool, exists)
        return EmpiricalPosterior(prior=self._priors[key], n_trials_at_most=history.n_trials_at_most)

    def _make_prior(self, pool: NDArray[np.float32], exists: NDArray[np.bool_]) -> EmpiricalPrior:
        """The prior for a pool (n, d); rows that do not exist (n,) get the mean of the others' scores."""
        shared = self.training.shared_pool
        if shared is not None and np.array_equal(shared, pool):
            regrets = np.array(self.training.normalised_regrets)
        else:
            from agents.search.pool_models import predict_losses  # scikit-learn: seconds, and not always needed

            regrets = np.full((len(self.training.pools), len(pool)), np.nan)
            regrets[:, exists] = predict_losses(self.training, pool[exists])[0]
        worst, best = (np.array([f(scores) for scores in self.training.scores]) for f in (np.nanmin, np.nanmax))
        score_range = ScoreRange.of_tasks(worst, best)
        return EmpiricalPrior.of_scores(pool.astype(np.float64), 1.0 - regrets, score_range)


def _is_continued_by(posterior: EmpiricalPosterior, history: History) -> bool:
    """Whether the posterior's trials are the first of the history's."""
    n_seen = len(posterior.indices)
    return (
        n_seen <= history.n_trials
        and posterior.indices == history.indices[:n_seen].tolist()
        and posterior.scores == history.scores[:n_seen].tolist()
    )


@agent_builder(env_kwargs=POOL_OBSERVED)
def build(context: AgentContext) -> EmpiricalPriorSearch:
    """The empirical prior of the context's training tasks."""
    return EmpiricalPriorSearch(read_training_tasks(context), seed=context.seed)
