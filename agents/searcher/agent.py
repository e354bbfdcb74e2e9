"""The trained policy as a search agent: posteriors of its episodes, batched by pool, and the best of the candidates."""

import hashlib
import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from agents.search.searcher import History, Observation, SearchEpisode, Searcher, history_of
from agents.search.training_tasks import TrainingTasks
from agents.searcher.candidates import behind_best, candidates_of
from agents.searcher.network import PointerNetwork
from agents.searcher.posterior import Posterior
from agents.searcher.prior import Priors, pool_prior


class LearnedSearch(Searcher):
    """Chooses the candidate of the greatest logit; it draws no random numbers.

    An episode's memory is its posterior, which is made anew where it does not continue the history.

    Args:
        network: trained.
        training: tasks whose evaluations the prior comes from.
        margin: see `agents.searcher.architecture.SearcherArchitecture`.
        seed: as every searcher's.
    """

    def __init__(self, network: PointerNetwork, training: TrainingTasks, *, margin: float, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self.network, self.training, self.margin = network.eval(), training, margin
        self._priors: dict[str, Priors] = {}

    def choose(self, history: History, episode: SearchEpisode) -> int:
        """The best of the candidates of one episode."""
        return int(self._choose([history], [episode])[0])

    def choose_all(
        self, observation: Observation, episodes: Sequence[SearchEpisode], members: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Of all members; those that search the same pool and have made as many trials share a pass."""
        histories = {int(m): history_of(observation, int(m)) for m in members}
        alike: dict[tuple[str, int], list[int]] = defaultdict(list)
        for m, history in histories.items():
            if history.available.any():
                alike[_key(history), history.n_trials].append(m)
        chosen = np.zeros(len(observation["valid"]), np.int64)
        for together in alike.values():
            chosen[together] = self._choose([histories[m] for m in together], [episodes[m] for m in together])
        return chosen[members]

    def _choose(self, histories: Sequence[History], episodes: Sequence[SearchEpisode]) -> NDArray[np.int64]:
        horizon = histories[0].n_trials_at_most
        posterior = self._posterior(histories, episodes)
        with torch.no_grad():
            seen = candidates_of(posterior, horizon)
            logits = self.network(seen.features, seen.context, seen.trials, seen.distances, seen.mask)
        logits = logits.masked_fill(behind_best(seen) > self.margin, -math.inf)
        return seen.rows.gather(1, logits.argmax(1, keepdim=True))[:, 0].numpy()

    def _posterior(self, histories: Sequence[History], episodes: Sequence[SearchEpisode]) -> Posterior:
        """Of episodes on one pool that have made as many trials; the one that they share, where they go on together."""
        memories = [episode.memory for episode in episodes]
        first = memories[0]
        shared = first[0] if first else None
        continues = (
            shared is not None
            and len(shared.of) == len(episodes)
            and all(memory and memory[0] is shared and memory[1] == place for place, memory in enumerate(memories))
            and all(_continues(shared, place, history) for place, history in enumerate(histories))
        )
        if not continues or shared is None:
            shared = Posterior(self._prior(histories[0]), len(histories), histories[0].n_trials_at_most)
            for place, episode in enumerate(episodes):
                episode.memory = (shared, place)
        for t in range(shared.n_trials, histories[0].n_trials):
            rows = torch.as_tensor([int(history.indices[t]) for history in histories])
            shared.add(rows, torch.tensor([float(history.scores[t]) for history in histories]))
        return shared

    def _prior(self, history: History) -> Priors:
        key = _key(history)
        if key not in self._priors:
            self._priors[key] = Priors.of([pool_prior(self.training, history.pool, _exists(history))])
        return self._priors[key]


def _exists(history: History) -> NDArray[np.bool_]:
    exists = history.available.copy()
    exists[history.indices] = True
    return exists


def _key(history: History) -> str:
    return hashlib.sha256(history.pool.tobytes() + _exists(history).tobytes()).hexdigest()


def _continues(posterior: Posterior, place: int, history: History) -> bool:
    """Whether the posterior's trials are the first of the history's."""
    n = posterior.n_trials
    if not n <= history.n_trials <= posterior.rows.shape[1]:
        return False
    rows, scores = posterior.rows[place, :n].numpy(), posterior.raw_scores[place, :n].numpy()
    return np.array_equal(rows, history.indices[:n]) and np.array_equal(scores, history.scores[:n])
