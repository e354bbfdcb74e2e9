"""GRPOformer's network as policies of Stable-Baselines3: an actor alone, and one with a critic for PPO."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from gymnasium import spaces
from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor, nn

from agents.grpo.policy import ActorPolicy
from agents.grpoformer.architecture import GrpoformerArchitecture
from agents.grpoformer.distribution import ConfigurationDistribution
from agents.grpoformer.encoders import EncoderName
from agents.grpoformer.search_space import SearchSpaceVecEnv, choices_of, sizes_of


class GrpoformerPolicy(ActorPolicy):
    """Proposes points of the unit cube that config selection searches (`action="unit_cube"`).

    Args:
        observation_space, action_space, lr_schedule: as SB3 gives them.
        net_arch: not used.
        encoder, dim, n_layers, n_heads: of `GrpoformerNetwork`; the defaults are the paper's.
        churn: what the regulariser `churn="grpoformer"` takes for the probability of an action, of which only a density
            is there: "each", its geometric mean over the hyperparameters, or "joint", that of all of them together,
            which grows with their number (in 7 dimensions to some ten thousand) until nothing else is learned.
        **kwargs: of `ActorPolicy` (optimizer_kwargs, ...).

    Raises:
        ValueError: another kind of action or observation.
    """

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        lr_schedule: Schedule,
        net_arch: Sequence[int] | Mapping[str, Sequence[int]] = (),
        encoder: EncoderName = "transformer",
        dim: int = 256,
        n_layers: int = 4,
        n_heads: int = 4,
        churn: Literal["each", "joint"] = "each",
        **kwargs: Any,
    ) -> None:
        n_choices = choices_of(action_space)
        horizon, n_meta_features = sizes_of(observation_space, len(n_choices))
        self.architecture = GrpoformerArchitecture(
            n_choices=n_choices,
            n_meta_features=n_meta_features,
            encoder=encoder,
            dim=dim,
            n_layers=n_layers,
            n_heads=n_heads,
            horizon=horizon,
        )
        if churn not in ("each", "joint"):
            raise ValueError(f"churn={churn!r} is not one of each, joint")
        self.churn = churn
        self.churn_scale = 1.0 / len(n_choices) if churn == "each" else 1.0
        super().__init__(observation_space, action_space, lr_schedule, net_arch, **kwargs)

    @staticmethod
    def wrap(venv: VecEnv, preset: Any = None) -> VecEnv:
        """The environment as the policy has to see it to know categories from numbers."""
        return SearchSpaceVecEnv(venv)

    def _build(self, lr_schedule: Schedule) -> None:
        self.network = self.architecture.network()
        self._build_optimizer(lr_schedule)

    def get_distribution(self, obs: PyTorchObs) -> ConfigurationDistribution:  # type: ignore[override]
        """The distributions of the next configurations."""
        return self.network(obs)

    def perturbed(self, obs: PyTorchObs, noise: Tensor) -> tuple[Tensor, Tensor]:
        """What `forward` gives, with given standard normal noise (n, d) in place of drawn one."""
        distribution = self.get_distribution(obs)
        points = distribution.at(torch.special.ndtr(noise))
        return points, distribution.log_prob(points)

    def export(self) -> tuple[GrpoformerArchitecture, dict[str, Tensor]]:
        """What the format of weights keeps."""
        return self.architecture, {name: t.detach().clone() for name, t in self.network.state_dict().items()}

    def _get_constructor_parameters(self) -> dict[str, Any]:
        own = self.architecture.model_dump(include={"encoder", "dim", "n_layers", "n_heads"})
        return {**super()._get_constructor_parameters(), **own, "churn": self.churn}


class GrpoformerActorCritic(GrpoformerPolicy):
    """The same with a value for each state, from the encoder that the heads share: what PPO needs."""

    def _build(self, lr_schedule: Schedule) -> None:
        self.network = self.architecture.network()
        self.value_net = nn.Linear(self.architecture.dim, 1)
        self._build_optimizer(lr_schedule)

    def forward(self, obs: PyTorchObs, deterministic: bool = False) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]
        """Observations (n, ...) -> actions (n, d), values (n, 1), log-probabilities (n,)."""
        distribution, values = self._both(obs)
        actions = distribution.get_actions(deterministic)
        return actions, values, distribution.log_prob(actions)

    def evaluate_actions(self, obs: PyTorchObs, actions: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]
        """Values (n, 1), log-probabilities (n,), entropies (n,)."""
        distribution, values = self._both(obs)
        return values, distribution.log_prob(actions), distribution.entropy()

    def predict_values(self, obs: PyTorchObs) -> Tensor:
        """(n, 1)."""
        return self._both(obs)[1]

    def _both(self, obs: PyTorchObs) -> tuple[ConfigurationDistribution, Tensor]:
        features = self.network.features(obs)  # type: ignore[arg-type]
        outputs = self.network.heads(features)
        return (
            ConfigurationDistribution(n_choices=self.architecture.n_choices, outputs=outputs),
            self.value_net(features),
        )
