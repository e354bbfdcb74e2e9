"""GRPOformer as an agent: proposals drawn from its distributions, each episode by its own seed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from agents.grpoformer.network import GrpoformerNetwork


class GrpoformerAgent:
    """Searches by a trained network.

    Proposals are drawn, as in training, whether or not `deterministic` is asked for: the distribution is the search
    strategy, and its mode would try the neighbours of one point. What is drawn belongs to the episode's seed.

    Args:
        network: trained.
        seed: of episodes that nobody seeded.
    """

    def __init__(self, network: GrpoformerNetwork, *, seed: int = 0) -> None:
        self.network = network.eval()
        self.seed = seed
        self._rngs: list[np.random.Generator] = []

    def start_episodes(self, seeds: Sequence[int]) -> None:
        """A batch of episodes begins, one seed each."""
        self._rngs = [np.random.default_rng(seed) for seed in seeds]

    def predict(
        self,
        observation: Mapping[str, Any],
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[Any, Any]:
        """Points of the unit cube (n_envs, d) for a batch of observations, (d,) for one; the state is not used."""
        is_single = np.ndim(observation["valid"]) == 1
        batch = {name: np.asarray(part)[None] for name, part in observation.items()} if is_single else observation
        rngs = self._generators(len(batch["valid"]))
        shares = np.stack([rng.random(len(self.network.n_choices), np.float32) for rng in rngs])
        with torch.no_grad():
            points = self.network(batch).at(torch.from_numpy(shares)).numpy()
        return (points[0] if is_single else points), state

    def _generators(self, n_envs: int) -> list[np.random.Generator]:
        """One a member; a caller that never heard of `start_episodes` gets some that follow from `seed`."""
        if not self._rngs:
            self._rngs = [np.random.default_rng([self.seed, i]) for i in range(n_envs)]
        if len(self._rngs) != n_envs:
            raise ValueError(
                f"{n_envs} observations, but start_episodes was told of {len(self._rngs)} episodes; call it again"
            )
        return self._rngs
