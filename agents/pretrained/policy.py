"""A perceptron as an agent: SB3's `predict` from plain tensors, each episode drawing from its own seed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.pretrained.architecture import Tensors
from agents.pretrained.perceptron import Network, Perceptron


class TrainedPolicy:
    """Acts by a network: its best action, or a sample of it where `deterministic` is false.

    Args:
        architecture, tensors: the network.
        training_cost: run equivalents that the training paid; None where that has no meaning.
    """

    def __init__(self, architecture: Perceptron, tensors: Tensors, *, training_cost: float | None = None) -> None:
        self.architecture = architecture
        self.network = Network(architecture, tensors)
        self.rows: NDArray[np.int64] | None = tensors["rows"].numpy() if architecture.has_rows else None
        self.training_cost = training_cost
        self._rngs: list[np.random.Generator] = []

    def start_episodes(self, seeds: Sequence[int]) -> None:
        """A batch of episodes begins, one seed each."""
        self._rngs = [np.random.default_rng(seed) for seed in seeds]

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> tuple[Any, Any]:
        """Actions (n_envs, ...) for a batch of observations, or one for a single one; the state is not used."""
        batch, is_single = self._as_batch(observation)
        act = self._points if self.architecture.is_continuous else self._choices
        actions: Any = act(batch, deterministic)
        return (actions[0] if is_single else actions), state

    def _as_batch(self, observation: Any) -> tuple[Any, bool]:
        """With a leading axis, and whether it had none. A part of one number may come as a number."""
        if isinstance(observation, Mapping):
            is_single = np.ndim(observation[next(iter(self.architecture.inputs))]) < 2
            return {k: np.asarray(v)[None] if is_single else v for k, v in observation.items()}, is_single
        is_single = np.ndim(observation) < 2
        return (np.asarray(observation)[None] if is_single else observation), is_single

    def _points(self, observation: Any, deterministic: bool) -> NDArray[np.float32]:
        """(n, n_actions) within the bounds."""
        mean, std = (values.numpy() for values in self.network.gaussian(observation))
        if not deterministic:
            noise = np.stack([rng.standard_normal(mean.shape[1], np.float32) for rng in self._generators(len(mean))])
            mean = mean + std * noise
        assert self.architecture.bounds is not None
        low, high = self.architecture.bounds
        if self.architecture.name == "jel-policy":
            return (low + 0.5 * (np.tanh(mean) + 1.0) * (high - low)).astype(np.float32)
        return np.clip(mean, low, high).astype(np.float32)

    def _choices(self, observation: Any, deterministic: bool) -> NDArray[np.int64]:
        """(n,) choices, or the rows that they stand for; never one that "available" excludes."""
        preferences = self.network(observation).numpy().astype(np.float64)
        if not deterministic and self.architecture.name == "categorical-policy":
            # the arg max of logits plus Gumbel noise is a draw from their softmax
            rngs = self._generators(len(preferences))
            preferences += np.stack([rng.gumbel(size=preferences.shape[1]) for rng in rngs])
        rows = np.arange(preferences.shape[1]) if self.rows is None else self.rows
        available = observation.get("available") if isinstance(observation, Mapping) else None
        if available is None:
            return rows[preferences.argmax(axis=1)]
        preferences[available[:, rows] == 0] = -np.inf
        is_spent = np.isneginf(preferences).all(axis=1)  # the whole shortlist is tried: any other row, then
        return np.where(is_spent, available.argmax(axis=1), rows[preferences.argmax(axis=1)])

    def _generators(self, n_envs: int) -> list[np.random.Generator]:
        """One a member; a caller that never heard of `start_episodes` gets fresh ones."""
        if not self._rngs:
            self._rngs = [np.random.default_rng() for _ in range(n_envs)]
        if len(self._rngs) != n_envs:
            raise ValueError(
                f"{n_envs} observations, but start_episodes was told of {len(self._rngs)} episodes; call it again"
            )
        return self._rngs
