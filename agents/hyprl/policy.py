"""Hyp-RL's values: one for each configuration of the grid, through the LSTM and two dense layers."""

from collections.abc import Mapping
from typing import Any

from gymnasium import spaces
from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import Tensor, nn
from torch.nn import functional

from agents.hyprl.architecture import HypRLArchitecture
from agents.hyprl.network import DENSE_WIDTHS, HistoryExtractor, HistoryNetwork, without_tried
from agents.hyprl.rmsprop import RowwiseRMSprop
from agents.hyprl.rounds import TRIED


class HypRLQNetwork(QNetwork):
    """Values whose greatest is never that of a tried configuration, where the observation says which were tried."""

    def _predict(self, observation: PyTorchObs, deterministic: bool = True) -> Tensor:
        assert isinstance(observation, dict)
        return self.best_actions(observation)

    def best_actions(self, observation: Mapping[str, Tensor]) -> Tensor:
        """(n,) rows of the pool."""
        return self.best_of(self.history(observation), observation.get(TRIED))

    @property
    def history(self) -> HistoryNetwork:
        """What reads the trials."""
        extractor = self.features_extractor
        assert isinstance(extractor, HistoryExtractor)
        return extractor.history

    def best_of(self, features: Tensor, tried: Tensor | None) -> Tensor:
        """Features (n, width), and the rows (n, H) that were tried, if they are not to be tried again -> (n,) rows."""
        values = self.q_net(features)  # (n, k)
        return (values if tried is None else without_tried(values, tried)).argmax(dim=1)

    def values_of(self, features: Tensor, actions: Tensor) -> Tensor:
        """Values (n,) of one action (n,) each; the last layer's gradient is sparse, of these actions' rows alone."""
        hidden = self.q_net[:-1](features)  # (n, last width)
        last = self.q_net[-1]
        assert isinstance(last, nn.Linear)
        rows = functional.embedding(actions, last.weight, sparse=True)  # (n, last width)
        return (hidden * rows).sum(dim=1) + last.bias[actions]


class HypRLPolicy(DQNPolicy):
    """The network of the paper, and its RMSProp.

    RMSProp's decay and epsilon are not in the paper; they are PyTorch's unless `optimizer_kwargs` says otherwise.

    Args:
        observation_space, action_space, lr_schedule: as SB3 gives them.
        net_arch: widths of the dense layers.
        **kwargs: of `DQNPolicy`.
    """

    q_net: HypRLQNetwork
    q_net_target: HypRLQNetwork

    def __init__(
        self,
        observation_space: spaces.Dict,
        action_space: spaces.Discrete,
        lr_schedule: Schedule,
        net_arch: list[int] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("features_extractor_class", HistoryExtractor)
        kwargs.setdefault("activation_fn", nn.Tanh)
        kwargs.setdefault("optimizer_class", RowwiseRMSprop)
        super().__init__(observation_space, action_space, lr_schedule, net_arch or list(DENSE_WIDTHS), **kwargs)

    def make_q_net(self) -> HypRLQNetwork:
        """A network; SB3 makes two, the second as target."""
        return HypRLQNetwork(**self._update_features_extractor(self.net_args, features_extractor=None)).to(self.device)

    def standardise_by(self, meta_features: Tensor) -> None:
        """Tell both networks the meta-features (T, m) of the training tasks."""
        for network in (self.q_net, self.q_net_target):
            network.history.standardise_by(meta_features)

    def export(self) -> tuple[HypRLArchitecture, dict[str, Tensor]]:
        """What acting needs: sizes, and copies of the weights."""
        history = self.q_net.history
        architecture = HypRLArchitecture(
            name="hyp-rl",
            n_dims=history.n_dims,
            n_meta_features=history.n_meta_features,
            lstm=history.width,
            dense=tuple(self.net_arch),
            n_actions=int(self.q_net.action_space.n),
            masks_repeats=TRIED in getattr(self.observation_space, "spaces", {}),
        )
        layers = [layer for layer in self.q_net.q_net if isinstance(layer, nn.Linear)]
        tensors = {f"history.{name}": tensor for name, tensor in history.state_dict().items()}
        for i, layer in enumerate(layers):
            tensors |= {f"layers.{i}.weight": layer.weight, f"layers.{i}.bias": layer.bias}
        return architecture, {name: tensor.detach().clone() for name, tensor in tensors.items()}
