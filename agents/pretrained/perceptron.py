"""Multilayer perceptrons as weights: what SB3's usual policies and JEL's controller come to."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import torch
from gymnasium import spaces
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from agents.pretrained.architecture import Architecture, Layout, Size, Tensors, misfit_of_parts
from hpo_gym.evaluation.agent import Agent, AgentContext

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh, "relu": F.relu}
LOG_STD_RANGE = (-5.0, 2.0)
"""JEL's bounds on log standard deviations (its Table 2)."""


class Perceptron(Architecture):
    """A multilayer perceptron over a flat observation, and how its outputs become actions.

    Attributes:
        name: "jel-policy": outputs means and log standard deviations of a Gaussian, the action is its tanh, stretched
            from [-1, 1] to the bounds. "gaussian-policy": outputs means, with a tensor `log_std`, the action is cut to
            the bounds. "categorical-policy": outputs logits. "q-network": outputs values; the greatest is taken.
        inputs: numbers in each part of the observation, in the order in which they are put together; one part named
            "" where the observation is a single array.
        hidden: widths.
        activation: after each hidden layer.
        n_actions: dimensions of the action, or choices.
        bounds: of every dimension of the action; None for choices.
        has_rows: whether choices stand for rows of a pool, which a tensor `rows` lists.
    """

    name: Literal["jel-policy", "gaussian-policy", "categorical-policy", "q-network"]
    inputs: dict[str, Size] = Field(min_length=1, max_length=32)
    hidden: tuple[Size, ...] = Field(max_length=16, strict=False)
    activation: Literal["tanh", "relu"]
    n_actions: Size
    bounds: tuple[float, float] | None = Field(default=None, strict=False)
    has_rows: bool = False

    @property
    def is_continuous(self) -> bool:
        """Whether actions are points of a box."""
        return self.name in ("jel-policy", "gaussian-policy")

    def tensors(self) -> Layout:
        """Layers, `log_std` and `rows`, as far as the name and `has_rows` ask for them."""
        n_outputs = 2 * self.n_actions if self.name == "jel-policy" else self.n_actions
        widths = [sum(self.inputs.values()), *self.hidden, n_outputs]
        expected: Layout = {}
        for i, (n_in, n_out) in enumerate(pairwise(widths)):
            expected[f"layers.{i}.weight"] = ((n_out, n_in), torch.float32)
            expected[f"layers.{i}.bias"] = ((n_out,), torch.float32)
        if self.name == "gaussian-policy":
            expected["log_std"] = ((self.n_actions,), torch.float32)
        if self.has_rows:
            expected["rows"] = ((self.n_actions,), torch.int64)
        return expected

    def flaw(self, tensors: Tensors) -> str:
        """Rows of a pool are not negative."""
        return "tensor 'rows' has negative rows" if self.has_rows and (tensors["rows"] < 0).any() else ""

    def misfit(self, observation_space: spaces.Space, action_space: spaces.Space) -> str:
        """Parts of the observation and dimensions of the action are counted; a shortlist may leave rows out."""
        unseen = misfit_of_parts(self.inputs, observation_space)
        if unseen:
            return unseen
        if self.is_continuous != isinstance(action_space, spaces.Box):
            return f"it chooses {'points' if self.is_continuous else 'numbers'}, actions are {action_space}"
        found = int(np.prod(action_space.shape or ())) if self.is_continuous else int(getattr(action_space, "n", 0))
        if found < self.n_actions or (found > self.n_actions and not self.has_rows):
            kind = "dimensions" if self.is_continuous else "choices"
            return f"its action has {self.n_actions} {kind}, the environment's {found}"
        return ""

    def agent(self, tensors: Tensors, *, context: AgentContext, training_cost: float | None) -> Agent:
        """A `TrainedPolicy`."""
        from agents.pretrained.policy import TrainedPolicy

        return TrainedPolicy(self, tensors, training_cost=training_cost)


class Network(nn.Module):
    """The forward pass of a perceptron with its weights.

    Args:
        architecture: sizes.
        tensors: exactly those of `architecture.tensors()`.
    """

    def __init__(self, architecture: Perceptron, tensors: Tensors) -> None:
        super().__init__()
        self.architecture = architecture
        self.activation = ACTIVATIONS[architecture.activation]
        n_layers = len(architecture.hidden) + 1
        self.layers = [(tensors[f"layers.{i}.weight"], tensors[f"layers.{i}.bias"]) for i in range(n_layers)]
        self.log_std = tensors.get("log_std")

    def flat(self, observation: Any) -> Tensor:
        """Observations (n, ...), or a dict of such with at least the parts of the architecture -> (n, n_inputs)."""
        inputs = self.architecture.inputs
        parts = [observation] if "" in inputs else [observation[name] for name in inputs]
        tensors = [torch.as_tensor(part, dtype=torch.float32) for part in parts]
        return torch.cat([tensor.reshape(len(tensor), -1) for tensor in tensors], dim=1)

    @torch.no_grad()
    def forward(self, observation: Any) -> Tensor:
        """The last layer's outputs (n, n_outputs)."""
        values = self.flat(observation)
        *hidden, last = self.layers
        for weight, bias in hidden:
            values = self.activation(F.linear(values, weight, bias))
        return F.linear(values, *last)

    def gaussian(self, observation: Any) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation (n, n_actions) of a continuous policy, before tanh or the bounds."""
        outputs = self(observation)
        if self.log_std is not None:
            return outputs, self.log_std.exp().expand_as(outputs)
        mean, log_std = outputs.chunk(2, dim=1)
        return mean, log_std.clamp(*LOG_STD_RANGE).exp()
