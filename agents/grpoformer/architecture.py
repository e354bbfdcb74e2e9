"""GRPOformer's network in the format of weights: its sizes, its tensors, and the agent that acts by them."""

from typing import TYPE_CHECKING, Annotated, Literal

import torch
from gymnasium import spaces
from pydantic import Field, model_validator

from agents.grpoformer.search_space import is_unit_cube, sizes_of
from agents.pretrained.architecture import Architecture, Layout, Tensors
from hpo_gym.evaluation.agent import Agent, AgentContext

if TYPE_CHECKING:
    from agents.grpoformer.network import GrpoformerNetwork


class GrpoformerArchitecture(Architecture):
    """A `GrpoformerNetwork`; the fields are its arguments."""

    name: Literal["grpoformer"] = "grpoformer"
    n_choices: tuple[Annotated[int, Field(ge=0, le=1000)], ...] = Field(min_length=1, max_length=256, strict=False)
    n_meta_features: int = Field(ge=0, le=1000)
    encoder: Literal["transformer", "lstm", "mlp"]
    dim: int = Field(ge=1, le=1024)
    n_layers: int = Field(ge=1, le=16)
    n_heads: int = Field(ge=1, le=64)
    horizon: int = Field(ge=1, le=1000)

    @model_validator(mode="after")
    def _is_divided_by_heads(self) -> "GrpoformerArchitecture":
        if self.encoder == "transformer" and self.dim % self.n_heads:
            raise ValueError(f"dim={self.dim} is no multiple of n_heads={self.n_heads}")
        return self

    def network(self) -> "GrpoformerNetwork":
        """One of these sizes, its weights random."""
        from agents.grpoformer.network import GrpoformerNetwork

        return GrpoformerNetwork(
            self.n_choices,
            self.n_meta_features,
            encoder=self.encoder,
            dim=self.dim,
            n_layers=self.n_layers,
            n_heads=self.n_heads,
            horizon=self.horizon,
        )

    def tensors(self) -> Layout:
        """Those of the network's state, which only the network itself knows."""
        with torch.device("meta"):  # shapes without numbers
            state = self.network().state_dict()
        return {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in state.items()}

    def misfit(self, observation_space: spaces.Space, action_space: spaces.Space) -> str:
        """Searches of any length fit, as the step is told on no scale of its own; an MLP has an end."""
        d = len(self.n_choices)
        if not is_unit_cube(action_space):
            return f"it proposes points of a unit cube, actions are {action_space}"
        if action_space.shape != (d,):
            return f"it searches {d} hyperparameters, the environment has {action_space.shape}"
        try:
            horizon, n_meta_features = sizes_of(observation_space, d)
        except ValueError as error:
            return str(error)
        if n_meta_features != self.n_meta_features:
            return f"it sees {self.n_meta_features} meta-features, the environment shows {n_meta_features}"
        if self.encoder == "mlp" and horizon > self.horizon:
            return f"it sees {self.horizon} trials, the environment shows {horizon}"
        return ""

    def agent(self, tensors: Tensors, *, context: AgentContext, training_cost: float | None) -> Agent:
        """Draws its proposals from the network's distributions."""
        from agents.grpoformer.agent import GrpoformerAgent

        network = self.network()
        network.load_state_dict(dict(tensors))
        return GrpoformerAgent(network, seed=context.seed)
