"""Policies without a critic: SB3's usual networks, and the state-dependent squashed Gaussian of JEL."""

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.distributions import Distribution
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.preprocessing import get_action_dim
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, CombinedExtractor, NatureCNN
from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
from torch import Tensor, nn
from torch.distributions import Normal


class ActorPolicy(ActorCriticPolicy):
    """The actor of SB3's `ActorCriticPolicy`, for any action space that it knows, without value network.

    An action has two forms: as sampled, which its log-probability is of, and as executed, which the environment gets
    (`executed`). For a box the second is the first cut to the bounds, elsewhere they are the same.

    Args:
        observation_space, action_space, lr_schedule: as SB3 gives them.
        net_arch: widths of the hidden layers.
        **kwargs: of `ActorCriticPolicy` (activation_fn, log_std_init, features_extractor_class, ...).
    """

    churn_scale = 1.0
    """What log-probabilities are multiplied with where GRPOformer's regulariser takes a density for a probability."""

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        lr_schedule: Schedule,
        net_arch: Sequence[int] | Mapping[str, Sequence[int]] = (64, 64),
        **kwargs: Any,
    ) -> None:
        widths = net_arch["pi"] if isinstance(net_arch, Mapping) else net_arch  # as saved, or as given
        super().__init__(observation_space, action_space, lr_schedule, {"pi": list(widths), "vf": []}, **kwargs)

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        del self.value_net
        self._build_optimizer(lr_schedule)

    def _build_optimizer(self, lr_schedule: Schedule) -> None:
        settings: dict[str, Any] = self.optimizer_kwargs
        self.optimizer = self.optimizer_class(self.parameters(), lr=lr_schedule(1), **settings)  # type: ignore[call-arg]

    def get_distribution(self, obs: PyTorchObs) -> Distribution:
        """The distribution of actions as sampled; SB3's is one object that the next call overwrites, this is not."""
        return copy(super().get_distribution(obs))

    def forward(self, obs: PyTorchObs, deterministic: bool = False) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Observations (n, ...) -> actions as sampled (n, ...) and their log-probabilities (n,)."""
        distribution = self.get_distribution(obs)
        actions = distribution.get_actions(deterministic=deterministic)
        return actions, distribution.log_prob(actions)

    def perturbed(self, obs: PyTorchObs, noise: Tensor) -> tuple[Tensor, Tensor]:
        """What `forward` gives, with given standard normal noise (n, d) in place of drawn one; in a box only."""
        distribution = self.get_distribution(obs)
        gaussian: Normal = distribution.distribution  # type: ignore[assignment]
        actions = gaussian.mean + gaussian.stddev * noise
        return actions, distribution.log_prob(actions)

    def evaluate_actions(self, obs: PyTorchObs, actions: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Log-probabilities (n,) of actions as sampled, and the entropies (n,) of their distributions, in nats."""
        distribution = self.get_distribution(obs)
        entropy = distribution.entropy()
        assert entropy is not None, "all distributions of an actor have an entropy in closed form"
        return distribution.log_prob(actions), entropy

    def executed(self, actions: NDArray[Any]) -> NDArray[Any]:
        """Actions as sampled (n, ...) -> as the environment takes them."""
        space = self.action_space
        return np.clip(actions, space.low, space.high) if isinstance(space, spaces.Box) else actions

    @property
    def n_action_dims(self) -> int:
        """Dimensions that the entropy is summed over."""
        return get_action_dim(self.action_space)


class ActorCnnPolicy(ActorPolicy):
    """The same for images."""

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        lr_schedule: Schedule,
        net_arch: Sequence[int] | Mapping[str, Sequence[int]] = (),
        features_extractor_class: type[BaseFeaturesExtractor] = NatureCNN,
        **kwargs: Any,
    ) -> None:
        kwargs["features_extractor_class"] = features_extractor_class
        super().__init__(observation_space, action_space, lr_schedule, net_arch, **kwargs)


class ActorMultiInputPolicy(ActorPolicy):
    """The same for observations in a flat Dict."""

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        lr_schedule: Schedule,
        net_arch: Sequence[int] | Mapping[str, Sequence[int]] = (64, 64),
        features_extractor_class: type[BaseFeaturesExtractor] = CombinedExtractor,
        **kwargs: Any,
    ) -> None:
        kwargs["features_extractor_class"] = features_extractor_class
        super().__init__(observation_space, action_space, lr_schedule, net_arch, **kwargs)


class JelPolicy(ActorPolicy):
    """JEL's controller (its Table 2): a Gaussian whose mean and deviation depend on the observation, through tanh.

    n_fields -> Linear 64 -> tanh -> Linear 64 -> tanh -> Linear 2 d: d means and d log standard deviations, the latter
    kept in [-5, 2], their bias -0.5 at the start. Layers start as PyTorch's do, on which the paper is silent. An action
    as sampled is the Gaussian's; executed is its tanh, stretched to the bounds. The log-probability is the Gaussian's:
    the tanh is the same under the old and the new policy and leaves their ratio. So is the entropy, which the paper
    reports between 0.3 and 0.5.

    Raises:
        ValueError: an action space other than a bounded box.
    """

    LOG_STD_RANGE = (-5.0, 2.0)

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        lr_schedule: Schedule,
        net_arch: Sequence[int] | Mapping[str, Sequence[int]] = (64, 64),
        log_std_init: float = -0.5,
        **kwargs: Any,
    ) -> None:
        if not isinstance(action_space, spaces.Box) or not action_space.is_bounded():
            raise ValueError(f"JelPolicy acts in a bounded Box; got {action_space}")
        kwargs.setdefault("ortho_init", False)
        super().__init__(observation_space, action_space, lr_schedule, net_arch, log_std_init=log_std_init, **kwargs)
        self._squash_output = True

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        del self.log_std
        n = self.n_action_dims
        self.action_net = nn.Linear(self.mlp_extractor.latent_dim_pi, 2 * n)
        with torch.no_grad():
            self.action_net.bias[n:] = self.log_std_init
        self._build_optimizer(lr_schedule)

    def _get_action_dist_from_latent(self, latent_pi: Tensor) -> Distribution:
        mean, log_std = self.action_net(latent_pi).chunk(2, dim=-1)  # (n, d) each
        return self.action_dist.proba_distribution(mean, log_std.clamp(*self.LOG_STD_RANGE))

    def _predict(self, observation: PyTorchObs, deterministic: bool = False) -> Tensor:
        return torch.tanh(super()._predict(observation, deterministic))  # which SB3's `predict` stretches to the bounds

    def executed(self, actions: NDArray[Any]) -> NDArray[Any]:
        """Gaussian actions (n, d) -> within the bounds."""
        return self.unscale_action(np.tanh(actions))
