"""The algorithms that presets name, and what of them training has to know."""

import importlib
import inspect
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

ALGORITHMS = MappingProxyType(
    {
        "grpo": "agents.grpo.algorithm:GRPO",
        "ppo": "stable_baselines3:PPO",
        "dqn": "stable_baselines3:DQN",
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
