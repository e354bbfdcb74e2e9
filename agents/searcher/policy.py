"""The searcher's network as a policy of Stable-Baselines3, an actor without critic."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gymnasium import spaces
from stable_baselines3.common.distributions import CategoricalDistribution, Distribution
from stable_baselines3.common.torch_layers import CombinedExtractor
from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor

from agents.grpo.policy import ActorPolicy
from agents.searcher.architecture import SearcherArchitecture
from agents.searcher.candidates import N_CANDIDATES, N_FEATURES, N_TRIAL_FEATURES
from agents.searcher.network import PointerNetwork, start_logits

if TYPE_CHECKING:
    from agents.training.preset import Preset


class PointerPolicy(ActorPolicy):
    """Chooses one of the candidates that `agents.searcher.training_env.CandidatesVecEnv` shows.

    Args:
        observation_space, action_space, lr_schedule: as SB3 gives them.
        net_arch: not used.
        width, n_heads, n_layers: of `PointerNetwork`.
        margin, margins: of `SearcherArchitecture`; they count where the weights act, not in training, which explores.
        **kwargs: of `ActorPolicy` (optimizer_kwargs, ...).
    """

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        lr_schedule: Schedule,
        net_arch: Sequence[int] | Mapping[str, Sequence[int]] = (),
        width: int = 32,
        n_heads: int = 2,
        n_layers: int = 1,
        margin: float = 0.5,
        margins: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        self.architecture = SearcherArchitecture(
            name="searcher",
            width=width,
            n_heads=n_heads,
            n_layers=n_layers,
            margin=margin,
            margins=dict(margins or {}),
        )
        kwargs["features_extractor_class"] = CombinedExtractor
        super().__init__(observation_space, action_space, lr_schedule, net_arch, **kwargs)

    def _build(self, lr_schedule: Schedule) -> None:
        sizes = self.architecture
        self.network = PointerNetwork(width=sizes.width, n_heads=sizes.n_heads, n_layers=sizes.n_layers)
        self._build_optimizer(lr_schedule)

    def logits(self, obs: PyTorchObs) -> Tensor:
        """(n, N_CANDIDATES); those that cannot be chosen are far below the others."""
        assert isinstance(obs, Mapping)
        n = len(obs["context"])
        return self.network(
            obs["features"].view(n, N_CANDIDATES, N_FEATURES),
            obs["context"],
            obs["trials"].view(n, -1, N_TRIAL_FEATURES),
            obs["distances"].view(n, N_CANDIDATES, -1),
            obs["mask"] > 0,
        )

    def start_logits(self, obs: PyTorchObs) -> Tensor:
        """(n, N_CANDIDATES) what the logits were before any training."""
        assert isinstance(obs, Mapping)
        features = obs["features"].view(-1, N_CANDIDATES, N_FEATURES)
        return start_logits(features, obs["mask"] > 0)

    def get_distribution(self, obs: PyTorchObs) -> Distribution:
        """Over the candidates."""
        return CategoricalDistribution(N_CANDIDATES).proba_distribution(self.logits(obs))

    def _predict(self, observation: PyTorchObs, deterministic: bool = False) -> Tensor:
        return self.get_distribution(observation).get_actions(deterministic=deterministic)

    def export(self) -> tuple[SearcherArchitecture, dict[str, Tensor]]:
        """What the weights' file holds."""
        return self.architecture, dict(self.network.state_dict())

    @staticmethod
    def wrap(venv: VecEnv, preset: "Preset") -> VecEnv:
        """The tables that a preset names, seen as candidates."""
        from agents.searcher.training_env import training_tables
        from agents.training.algorithms import parameters_of

        if not venv.has_attr("evaluations"):
            raise ValueError(f"the searcher is trained on environments of config selection, got {venv}")
        settings = {**parameters_of(preset.algorithm), **preset.settings}
        return training_tables(
            venv, settings["beside"] or (), group_size=settings["group_size"], n_rows=settings["n_rows"]
        )
