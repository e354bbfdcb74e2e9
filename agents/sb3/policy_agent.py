"""A trained SB3 model as an agent whose episodes depend on their own seeds, and that tries no row twice."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm


class PolicyAgent:
    """Acts by the policy of a model: its best action, or a sample of it where `deterministic` is false.

    SB3 samples with torch's global generator, so that an episode depends on what ran before it and beside
    it. Here every episode draws from a generator of its own, made from its seed.

    Args:
        model: trained on a box of actions or on a `Discrete` head; the observation may have more keys than
            it was trained with, they are dropped.
        rows: (k,) the pool row that each output of a `Discrete` head stands for. Where the observation has
            "available" (`observe_pool=True`), nothing else is chosen.
    """

    def __init__(self, model: BaseAlgorithm, *, rows: NDArray[np.int64] | None = None) -> None:
        self.model = model
        self.rows = rows
        self._rngs: list[np.random.Generator] = []

    def start_episodes(self, seeds: Sequence[int]) -> None:
        """A batch of episodes begins, one seed each."""
        self._rngs = [np.random.default_rng(seed) for seed in seeds]

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> tuple[Any, Any]:
        """Actions (n_envs, ...) for a batch of observations, or one for a single one; the state is not used."""
        space: Any = self.model.observation_space
        tensors, is_batch = self.model.policy.obs_to_tensor({name: observation[name] for name in space.spaces})
        actions: NDArray[Any]
        with torch.no_grad():
            if self.rows is None:
                actions = self._points(tensors, deterministic)
            else:
                available = observation.get("available")
                preferences = self._preferences(tensors, deterministic)
                if available is not None:
                    preferences[np.atleast_2d(available)[:, self.rows] == 0] = -np.inf
                actions = self.rows[preferences.argmax(axis=1)]
                if available is not None:
                    # Where the whole shortlist is tried, any available row is better than a repeat.
                    is_spent = np.isneginf(preferences).all(axis=1)
                    actions = np.where(is_spent, np.atleast_2d(available).argmax(axis=1), actions)
        return (actions if is_batch else actions[0]), state

    def _points(self, tensors: Any, deterministic: bool) -> NDArray[np.float32]:
        """(n_envs, d) points of the action box."""
        policy: Any = self.model.policy
        gaussian = policy.get_distribution(tensors).distribution
        points = gaussian.mean.cpu().numpy()
        if not deterministic:
            noise = np.stack([rng.standard_normal(points.shape[1]) for rng in self._generators(len(points))])
            points = points + gaussian.stddev.cpu().numpy() * noise
        box: Any = self.model.action_space
        return np.clip(points, box.low, box.high).astype(np.float32)

    def _preferences(self, tensors: Any, deterministic: bool) -> NDArray[np.float64]:
        """(n_envs, k): the greatest is chosen. Values of a Q-network; logits of a policy, noisy if sampled."""
        policy: Any = self.model.policy
        if hasattr(policy, "q_net"):
            return policy.q_net(tensors).cpu().numpy().astype(np.float64)
        logits = policy.get_distribution(tensors).distribution.logits.cpu().numpy().astype(np.float64)
        if not deterministic:  # the arg max of logits plus Gumbel noise is a draw from their softmax
            logits += np.stack([rng.gumbel(size=logits.shape[1]) for rng in self._generators(len(logits))])
        return logits

    def _generators(self, n_envs: int) -> list[np.random.Generator]:
        """One a member; a caller that never heard of `start_episodes` gets fresh ones."""
        if not self._rngs:
            self._rngs = [np.random.default_rng() for _ in range(n_envs)]
        if len(self._rngs) != n_envs:
            raise ValueError(
                f"{n_envs} observations, but start_episodes was told of {len(self._rngs)} episodes; call it again"
            )
        return self._rngs
