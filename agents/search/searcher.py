"""The agent class behind every search method: it turns observations into histories, and keeps episodes apart.

A search method says which configuration comes next, given one episode's history. `Searcher` makes an agent
of it (Stable-Baselines3's `predict`, single and batched), and `PlannedSearcher` one whose proposals are known
when the episode starts (random search, static lists), which decides for a thousand members at once.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

POOL_OBSERVED = {"observe_pool": True}
"""The environment option that every searcher needs."""

Observation = Mapping[str, NDArray]


@dataclass(frozen=True, kw_only=True)
class History:
    """What one episode has shown so far: t trials over a pool of n configurations in d dimensions.

    Attributes:
        configurations: (t, d) float32 in [0, 1], what was tried.
        scores: (t,) float32 raw scores in the table's unit, higher is better.
        indices: (t,) int64 pool index of each trial.
        pool: (n, d) float32; rows that do not exist on this task are zeros and never available.
        available: (n,) bool: exists, evaluated, not tried yet.
        remaining: fraction of the budget that is left.
        n_trials_at_most: the length that the history can reach.
        meta_features: (m,) float32; m may be 0.
        fidelities: (t,) float32 in (0, 1]; empty where the environment has no choice of fidelity.
    """

    configurations: NDArray[np.float32]
    scores: NDArray[np.float32]
    indices: NDArray[np.int64]
    pool: NDArray[np.float32]
    available: NDArray[np.bool_]
    remaining: float
    n_trials_at_most: int
    meta_features: NDArray[np.float32]
    fidelities: NDArray[np.float32]

    @property
    def n_trials(self) -> int:
        """t, the trials so far."""
        return len(self.scores)


@dataclass(kw_only=True)
class SearchEpisode:
    """One episode of one member: its own random numbers, and what the method remembers of it.

    Attributes:
        seed: what `rng` was made from.
        rng: the only source of randomness of this episode.
        memory: whatever the method's `begin` returned; None until the first decision.
        has_begun: whether a decision was asked for yet.
    """

    seed: tuple[int, ...]
    rng: np.random.Generator = field(init=False)
    memory: Any = None
    has_begun: bool = False

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)


class Searcher(ABC):
    """An agent that searches a pool it observes; subclasses say what comes next in one episode.

    The environment needs `observe_pool=True` and the index action. An episode starts where `episode_start`
    says so or, where that is not given, at an observation without trials. Seeds come from `start_episodes`;
    without it the n-th episode of this agent is seeded with (seed, n).
    """

    action_shape: tuple[int, ...] = ()
    """(), a pool index alone, or (2,) where an action is [index, fidelity level]."""

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed
        self._n_unseeded = 0
        self._episodes: list[SearchEpisode] = []

    # What a method fills in --------------------------------------------------------------------

    @abstractmethod
    def choose(self, history: History, episode: SearchEpisode) -> int | tuple[int, ...]:
        """The next action of one episode: an available pool index (with its fidelity level, if any)."""

    def begin(self, history: History, episode: SearchEpisode) -> Any:
        """What `episode.memory` holds from the first decision on; it must depend on the episode alone."""
        return None

    def choose_all(
        self, observation: Observation, episodes: Sequence[SearchEpisode], members: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """The next actions (k, *action_shape) of the members (k,) that still search.

        Override it to decide for all at once. `observation` has a leading axis of all members, and
        `episodes` one entry each.
        """
        chosen = [self._choose_if_any(history_of(observation, int(m)), episodes[m]) for m in members]
        return np.array(chosen, np.int64).reshape(len(members), *self.action_shape)

    def _choose_if_any(self, history: History, episode: SearchEpisode) -> int | tuple[int, ...]:
        """Action 0 where nothing is left to try: the environment decides what that means."""
        if not history.available.any():
            return (0,) * self.action_shape[0] if self.action_shape else 0
        return self.choose(history, episode)

    # Stable-Baselines3's side ------------------------------------------------------------------

    def start_episodes(self, seeds: Sequence[int]) -> None:
        """A batch of episodes begins: the i-th member's next episode draws from `seeds[i]` alone."""
        self._episodes = [SearchEpisode(seed=(int(seed),)) for seed in seeds]

    def predict(
        self,
        observation: Observation,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[Any, list[SearchEpisode]]:
        """Observations, single or with a leading axis of B members -> (actions of that shape, episodes).

        The state is the list of B episodes; it may be handed back or left out. Members whose episode is over
        (no budget, or nothing left to try) get action 0. `deterministic` changes nothing: the randomness of a
        search method belongs to its episode's seed.

        Raises:
            ValueError: the observation lacks the pool, or `start_episodes` named another number of members.
        """
        if "pool" not in observation:
            raise ValueError("search agents need the pool in the observation: make the env with observe_pool=True")
        is_single = np.ndim(observation["valid"]) == 1
        batch = {k: np.asarray(v)[None] for k, v in observation.items()} if is_single else observation
        n_trials = np.count_nonzero(batch["valid"], axis=1)
        episodes = self._current_episodes(state, episode_start, n_trials)
        members = np.flatnonzero(batch["remaining"].reshape(len(n_trials), -1)[:, 0] > 0)
        for m in members:
            if not episodes[m].has_begun:
                episodes[m].has_begun = True
                episodes[m].memory = self.begin(history_of(batch, int(m)), episodes[m])
        actions = np.zeros((len(n_trials), *self.action_shape), np.int64)
        actions[members] = self.choose_all(batch, episodes, members)
        return (actions[0] if is_single else actions), episodes

    def _current_episodes(self, state: Any, episode_start: Any, n_trials: NDArray[np.intp]) -> list[SearchEpisode]:
        """The members' episodes, begun ones replaced where a new episode starts."""
        n = len(n_trials)
        episodes = self._episodes if state is None else state
        if len(episodes) != n:
            if state is not None or any(not episode.has_begun for episode in episodes):
                raise ValueError(f"{len(episodes)} episodes were started, the observations are of {n}")
            episodes = [self._unseeded_episode() for _ in range(n)]
        starts = n_trials == 0 if episode_start is None else np.broadcast_to(np.asarray(episode_start, bool), n)
        for m in np.flatnonzero(starts):
            if episodes[m].has_begun:
                episodes[m] = self._unseeded_episode()
        self._episodes = episodes
        return episodes

    def _unseeded_episode(self) -> SearchEpisode:
        self._n_unseeded += 1
        return SearchEpisode(seed=(self.seed, self._n_unseeded))


class PlannedSearcher(Searcher):
    """A searcher whose proposals are fixed when an episode starts: the first one that is available is tried.

    `begin` returns the plan: (length,) pool indices, at least one a trial, repeats allowed.
    """

    @abstractmethod
    def begin(self, history: History, episode: SearchEpisode) -> NDArray[np.int64]:
        """The order (length,) of pool indices in which this episode proposes."""

    def choose(self, history: History, episode: SearchEpisode) -> int:
        """The plan's first available configuration; one drawn uniformly where the plan has run out."""
        # After t trials the first t proposals are all tried or unavailable, so the walk may start there.
        rest = episode.memory[history.n_trials :]
        is_available = history.available[rest]
        if is_available.any():
            return int(rest[is_available.argmax()])
        return int(episode.rng.choice(np.flatnonzero(history.available)))

    def choose_all(
        self, observation: Observation, episodes: Sequence[SearchEpisode], members: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Every member's t-th proposal; the few that find it tried or missing walk on one by one."""
        n_trials = np.count_nonzero(observation["valid"], axis=1)
        plans = [episodes[m].memory for m in members]
        last = [len(plan) - 1 for plan in plans]
        steps = np.minimum(n_trials[members], last)
        chosen = np.fromiter((plan[t] for plan, t in zip(plans, steps, strict=True)), np.int64, len(plans))
        for k in np.flatnonzero(observation["available"][members, chosen] == 0):
            m = members[k]
            chosen[k] = self._choose_if_any(history_of(observation, int(m)), episodes[m])
        return chosen


def history_of(observation: Observation, member: int) -> History:
    """One member's history out of a batched observation (views where the dtype allows)."""
    t = int(np.count_nonzero(observation["valid"][member]))
    none = np.zeros(0, np.float32)
    return History(
        configurations=observation["configurations"][member].reshape(observation["valid"].shape[1], -1)[:t],
        scores=observation["scores"][member][:t],
        indices=observation["indices"][member][:t],
        pool=observation["pool"][member].reshape(observation["available"].shape[1], -1),
        available=np.asarray(observation["available"][member]).astype(bool),
        remaining=float(np.ravel(observation["remaining"][member])[0]),
        n_trials_at_most=observation["valid"].shape[1],
        meta_features=observation["meta_features"][member] if "meta_features" in observation else none,
        fidelities=observation["fidelities"][member][:t] if "fidelities" in observation else none,
    )
