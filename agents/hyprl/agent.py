"""Hyp-RL's weights as an agent."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agents.hyprl.architecture import HypRLArchitecture
from agents.hyprl.network import HistoryNetwork


class HypRLAgent:
    """Tries the configuration of the greatest value; of those not tried yet, where the architecture masks repeats.

    Nothing is drawn and nothing remembered: the observation holds the whole history.

    Args:
        architecture, tensors: the network.
    """

    def __init__(self, architecture: HypRLArchitecture, tensors: Mapping[str, Tensor]) -> None:
        self.architecture = architecture
        self.history = HistoryNetwork(architecture.n_dims, architecture.n_meta_features, architecture.lstm)
        prefix = "history."
        own = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
        self.history.load_state_dict(own)
        n_layers = len(architecture.dense) + 1
        self.layers = [(tensors[f"layers.{i}.weight"], tensors[f"layers.{i}.bias"]) for i in range(n_layers)]

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> tuple[Any, Any]:
        """Rows of the pool (n_envs,) for a batch of observations, or one for a single one; the state is not used."""
        is_single = np.ndim(observation["valid"]) == 1
        batch = {name: np.asarray(part)[None] if is_single else part for name, part in observation.items()}
        values = self.values(batch)
        if self.architecture.masks_repeats:
            values[np.asarray(batch["available"]) == 0] = -np.inf
        actions: Any = values.argmax(axis=1)
        return (actions[0] if is_single else actions), state

    @torch.no_grad()
    def values(self, observation: Mapping[str, Any]) -> NDArray[np.float32]:
        """(n, n_actions) of a batch of observations."""
        names = ("configurations", "scores", "valid", "meta_features")
        parts = {name: torch.as_tensor(observation[name]).float() for name in names if name in observation}
        values = self.history(parts)
        *dense, last = self.layers
        for weight, bias in dense:
            values = torch.tanh(nn.functional.linear(values, weight, bias))
        return nn.functional.linear(values, *last).numpy()
