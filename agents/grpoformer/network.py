"""The network of a GRPOformer: from searches to distributions over the next configuration."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from agents.grpoformer.distribution import ConfigurationDistribution, n_outputs
from agents.grpoformer.encoders import EncoderName, make_encoder
from agents.grpoformer.trajectories import n_features, read_trajectories

HEAD_SCALE = 0.01
"""Of the heads' weights at the start, as of Stable-Baselines3's policies: the middle of the range, with deviation 0.1.
"""


class GrpoformerNetwork(nn.Module):
    """A token for the search space and the task, one for each trial, an encoder, and heads for each hyperparameter.

    One space is searched with one network, so what its token says of the space is learned, and what it says of the task
    comes from its meta-features, where there are any. Where a trial stands in the search is told by its step.

    Args:
        n_choices: categories of each hyperparameter, 0 for a number.
        n_meta_features: of a task.
        encoder: the paper's is "transformer".
        dim, n_layers, n_heads: of the encoder; the paper has 256, 4 and 4.
        horizon: trials at most; only "mlp" needs to know.
    """

    def __init__(
        self,
        n_choices: tuple[int, ...],
        n_meta_features: int = 0,
        *,
        encoder: EncoderName = "transformer",
        dim: int = 256,
        n_layers: int = 4,
        n_heads: int = 4,
        horizon: int = 50,
    ) -> None:
        super().__init__()
        self.n_choices = n_choices
        self.space = nn.Linear(n_meta_features, dim) if n_meta_features else None
        self.start = nn.Parameter(0.02 * torch.randn(dim))
        self.trial = nn.Linear(n_features(n_choices), dim)
        self.encoder = make_encoder(encoder, dim=dim, n_layers=n_layers, n_heads=n_heads, n_positions=horizon + 1)
        self.heads = nn.Linear(dim, n_outputs(n_choices))
        with torch.no_grad():
            self.heads.weight.mul_(HEAD_SCALE)
            self.heads.bias.zero_()

    def features(self, observation: Mapping[str, Any]) -> Tensor:
        """Observations of n states -> (n, dim) what the encoder makes of each."""
        read = read_trajectories(observation, self.n_choices)
        first = self.start.expand(len(read.tokens), -1)
        if self.space is not None:
            first = first + self.space(read.meta_features)
        tokens = torch.cat([first[:, None], self.trial(read.tokens)], dim=1)  # (k, 1 + T, dim)
        return self.encoder(tokens)[read.search, read.n_seen]

    def forward(self, observation: Mapping[str, Any]) -> ConfigurationDistribution:
        """Observations of n states -> the distributions of their next configurations."""
        return ConfigurationDistribution(n_choices=self.n_choices, outputs=self.heads(self.features(observation)))
