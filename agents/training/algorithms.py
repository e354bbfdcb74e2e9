"""The algorithms that presets name, and what of them training has to know."""

import importlib
import inspect
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

    from agents.training.preset import Preset

ALGORITHMS = MappingProxyType(
    {
        "grpo": "agents.grpo.algorithm:GRPO",
        "ppo": "stable_baselines3:PPO",
        "grpoformer-ppo": "agents.grpoformer.ppo:GrpoformerPPO",
        "dqn": "stable_baselines3:DQN",
        "hyp-rl": "agents.hyprl.algorithm:HypRL",
        "searcher": "agents.searcher.algorithm:SearcherGRPO",
        "maskable-ppo": "sb3_contrib:MaskablePPO",
    }
)
"""Name -> class, imported when it is first asked for."""

_OURS = frozenset(
    {"self", "policy", "env", "tensorboard_log", "verbose", "seed", "device", "stats_window_size", "_init_setup_model"}
)
"""What training itself sets."""


def algorithm_class(name: str) -> Any:
    """The class."""
    module, _, attribute = ALGORITHMS[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


@cache
def parameters_of(name: str) -> Mapping[str, Any]:
    """What a preset may set, and its default."""
    parameters = inspect.signature(algorithm_class(name)).parameters
    return MappingProxyType({key: p.default for key, p in parameters.items() if key not in _OURS})


def wrapper_of(algorithm: str, policy: str) -> "Callable[[VecEnv, Preset], VecEnv] | None":
    """What an agent sees its environments through in training: `wrap` of its policy's class or of its algorithm's.

    `wrap(venv, preset)` is a static method that gives a `VecEnvWrapper` of the environments. It gets them with the very
    options of the preset, `observe_pool` too, and decides itself what a buffer holds. It keeps no state over a reset,
    as trainings that go on from a checkpoint begin there.

    Args:
        algorithm: a name of `ALGORITHMS`.
        policy: as the algorithm names it.
    """
    algorithm_cls = algorithm_class(algorithm)
    policy_cls = algorithm_cls.policy_aliases.get(policy)
    found: Callable[[VecEnv, Preset], VecEnv] | None = getattr(policy_cls, "wrap", None)
    return found or getattr(algorithm_cls, "wrap", None)


@cache
def plays_groups(algorithm: str) -> bool:
    """Whether it is GRPO or made of it: it plays whole episodes, and sees their ends by itself."""
    return "group_size" in parameters_of(algorithm)
