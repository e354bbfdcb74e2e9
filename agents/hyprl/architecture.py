"""The shape of Hyp-RL's weights, and the agent that comes of them."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Literal

import torch
from gymnasium import spaces
from pydantic import Field

from agents.pretrained.architecture import Architecture, Layout, Size, Tensors
from hpo_gym.evaluation.agent import Agent, AgentContext


class HypRLArchitecture(Architecture):
    """An LSTM over the trials of a search, dense layers with tanh, and one value for each row of a shared pool.

    Attributes:
        name: "hyp-rl".
        n_dims: hyperparameters.
        n_meta_features: 0 where data sets have none.
        lstm: its width.
        dense: widths of the layers between it and the values.
        n_actions: rows of the pool.
        masks_repeats: whether what was tried is never chosen again.
    """

    name: Literal["hyp-rl"]
    n_dims: Size
    n_meta_features: int = Field(ge=0, le=65_536)
    lstm: Size
    dense: tuple[Size, ...] = Field(max_length=16, strict=False)
    n_actions: Size
    masks_repeats: bool

    def tensors(self) -> Layout:
        """The LSTM, what starts it, and the layers."""
        m, gates = self.n_meta_features, 4 * self.lstm
        shapes: dict[str, tuple[int, ...]] = {
            "history.lstm.weight_ih_l0": (gates, self.n_dims + 1),
            "history.lstm.weight_hh_l0": (gates, self.lstm),
            "history.lstm.bias_ih_l0": (gates,),
            "history.lstm.bias_hh_l0": (gates,),
        }
        if m:
            shapes |= {"history.initial.weight": (self.lstm, m), "history.meta_mean": (m,), "history.meta_std": (m,)}
        for i, (n_in, n_out) in enumerate(pairwise((self.lstm, *self.dense, self.n_actions))):
            shapes |= {f"layers.{i}.weight": (n_out, n_in), f"layers.{i}.bias": (n_out,)}
        return {name: (shape, torch.float32) for name, shape in shapes.items()}

    def misfit(self, observation_space: spaces.Space, action_space: spaces.Space) -> str:
        """The pool, the hyperparameters and the meta-features must be as many; a search may be of any length."""
        parts: Mapping[str, spaces.Space] = getattr(observation_space, "spaces", {})
        if "configurations" not in parts or "scores" not in parts:
            return "it reads the trials of a search, the environment shows none"
        if not isinstance(action_space, spaces.Discrete) or action_space.n != self.n_actions:
            return f"it values {self.n_actions} configurations of a pool, actions are {action_space}"
        horizon = _size(parts["scores"])
        n_dims, n_meta_features = _size(parts["configurations"]) // horizon, _size(parts.get("meta_features"))
        if n_dims != self.n_dims:
            return f"it reads {self.n_dims} hyperparameters, the environment has {n_dims}"
        if n_meta_features != self.n_meta_features:
            return f"it reads {self.n_meta_features} meta-features, the environment has {n_meta_features}"
        if self.masks_repeats and "available" not in parts:
            return "it needs to see what was tried: observe_pool=True"
        return ""

    def flaw(self, tensors: Tensors) -> str:
        """Meta-features are divided by their deviations."""
        if self.n_meta_features and (tensors["history.meta_std"] <= 0).any():
            return "tensor 'history.meta_std' has deviations that are not positive"
        return ""

    def agent(self, tensors: Tensors, *, context: AgentContext, training_cost: float | None) -> Agent:
        """One that takes the configuration of the greatest value."""
        from agents.hyprl.agent import HypRLAgent

        return HypRLAgent(self, tensors)


def _size(space: Any) -> int:
    return 0 if space is None else int(space.shape[0])
