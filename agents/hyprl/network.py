"""Hyp-RL's reading of a search: an LSTM over the trials, started from the data set's meta-features."""

from collections.abc import Mapping

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

LSTM_WIDTH = 32
DENSE_WIDTHS = (32, 128)
"""Of the layers between the LSTM and the values; tanh follows each."""


class HistoryNetwork(nn.Module):
    """h_0 = W meta-features, then an LSTM over [configuration, score] of each trial (the paper's section 4 and 5).

    Meta-features are standardised by the mean and deviation of the training tasks, which are part of the weights;
    scores are taken as they are.

    Args:
        n_dims: d hyperparameters.
        n_meta_features: m; with 0 of them h_0 is 0.
        width: of the LSTM.
    """

    meta_mean: Tensor
    meta_std: Tensor

    def __init__(self, n_dims: int, n_meta_features: int, width: int = LSTM_WIDTH) -> None:
        super().__init__()
        self.n_dims, self.n_meta_features, self.width = n_dims, n_meta_features, width
        self.lstm = nn.LSTM(n_dims + 1, width, batch_first=True)
        if n_meta_features:
            self.initial = nn.Linear(n_meta_features, width, bias=False)
            self.register_buffer("meta_mean", torch.zeros(n_meta_features))
            self.register_buffer("meta_std", torch.ones(n_meta_features))

    def standardise_by(self, meta_features: Tensor) -> None:
        """Take mean and deviation from those of the training tasks, (T, m)."""
        deviation = meta_features.std(dim=0, correction=0)
        self.meta_mean.copy_(meta_features.mean(dim=0))
        self.meta_std.copy_(torch.where(deviation > 0, deviation, 1.0))

    def forward(self, observation: Mapping[str, Tensor]) -> Tensor:
        """Flat histories of H places at most, a batch of n -> (n, width): the LSTM's output after the last trial."""
        return at_trial(self.states(observation), n_trials_of(observation))

    def states(self, observation: Mapping[str, Tensor]) -> Tensor:
        """(n, 1 + t, width): h_0, and the output after each trial up to those of the longest history."""
        start = self._start(observation)  # (n, width)
        longest = int(n_trials_of(observation).max())
        if longest == 0:
            return start[:, None]
        configurations = observation["configurations"].reshape(len(start), -1, self.n_dims)[:, :longest]  # (n, t, d)
        trials = torch.cat([configurations, observation["scores"][:, :longest, None]], dim=2)  # (n, t, d + 1)
        outputs, _ = self.lstm(trials, (start[None], torch.zeros_like(start)[None]))
        return torch.cat([start[:, None], outputs], dim=1)

    def _start(self, observation: Mapping[str, Tensor]) -> Tensor:
        if not self.n_meta_features:
            return torch.zeros(len(observation["valid"]), self.width, device=observation["valid"].device)
        return self.initial((observation["meta_features"] - self.meta_mean) / self.meta_std)


class HistoryExtractor(BaseFeaturesExtractor):
    """The same as Stable-Baselines3 takes it, for the observations of a config-selection environment."""

    def __init__(self, observation_space: spaces.Dict, width: int = LSTM_WIDTH) -> None:
        super().__init__(observation_space, width)
        sizes = {name: (space.shape or (0,))[0] for name, space in observation_space.spaces.items()}
        n_dims = sizes["configurations"] // sizes["scores"]
        self.history = HistoryNetwork(n_dims, sizes.get("meta_features", 0), width)

    def forward(self, observations: Mapping[str, Tensor]) -> Tensor:
        """(n, width) of a batch of observations."""
        return self.history(observations)


def n_trials_of(observation: Mapping[str, Tensor]) -> Tensor:
    """(n,) int64 lengths of a batch of histories."""
    return observation["valid"].sum(dim=1).long()


def at_trial(states: Tensor, n_trials: Tensor) -> Tensor:
    """States (n, 1 + t, width) after 0 ... t trials -> (n, width) after n_trials (n,) each."""
    return states[torch.arange(len(states)), n_trials]


def without_tried(values: Tensor, indices: Tensor) -> Tensor:
    """Values (n, k) of a pool's rows, and the rows tried (n, H), -1 for none -> values, -inf at what was tried."""
    n, k = values.shape
    rows = torch.where(indices < 0, k, indices.long())  # a spare column takes the places without a trial
    padded = torch.cat([values, values.new_zeros(n, 1)], dim=1)
    return padded.scatter(1, rows, -torch.inf)[:, :k]
