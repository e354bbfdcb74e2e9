"""What a policy has to know of the space it acts in: which axes of the unit cube are categories, and of how many."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn


class ConfigurationCube(spaces.Box):
    """The unit cube of config selection, with the number of categories on each axis.

    Args:
        n_choices: (d,) 0 for a number.
    """

    def __init__(self, n_choices: Sequence[int]) -> None:
        self.n_choices = tuple(n_choices)
        super().__init__(0.0, 1.0, (len(self.n_choices),), np.float32)


class SearchSpaceVecEnv(VecEnvWrapper):
    """The same environment, its action space a `ConfigurationCube`.

    Args:
        venv: config selection with `action="unit_cube"`; its attribute `hyperparameters` says what the axes are.
    """

    def __init__(self, venv: VecEnv) -> None:
        hyperparameters = venv.get_attr("hyperparameters")[0]
        n_choices = [len(h.categories) if h.kind == "categorical" else 0 for h in hyperparameters]
        super().__init__(venv, action_space=ConfigurationCube(n_choices))

    def reset(self) -> VecEnvObs:
        """As the wrapped environment's."""
        return self.venv.reset()

    def step_async(self, actions: NDArray[Any]) -> None:
        """As the wrapped environment's."""
        self.venv.step_async(actions)

    def step_wait(self) -> VecEnvStepReturn:
        """As the wrapped environment's."""
        return self.venv.step_wait()


def choices_of(action_space: spaces.Space) -> tuple[int, ...]:
    """(d,) categories of each axis; a plain box has numbers alone.

    Raises:
        ValueError: no unit cube.
    """
    if isinstance(action_space, ConfigurationCube):
        return action_space.n_choices
    if not is_unit_cube(action_space):
        raise ValueError(
            f"GRPOformer proposes points of the unit cube: make the env with action='unit_cube', got {action_space}"
        )
    return (0,) * action_space.shape[0]  # type: ignore[index]


def is_unit_cube(space: Any) -> bool:
    """Whether the space is [0, 1]^d."""
    return (
        isinstance(space, spaces.Box)
        and len(space.shape) == 1
        and bool((space.low == 0).all() and (space.high == 1).all())
    )


def sizes_of(observation_space: Any, n_dims: int) -> tuple[int, int]:
    """(trials at most, meta-features) of config selection's observations.

    Raises:
        ValueError: they are something else, or of another number of hyperparameters.
    """
    parts = getattr(observation_space, "spaces", None) or {}
    for name in ("configurations", "scores", "valid"):
        if name not in parts:
            raise ValueError(f"GRPOformer reads config selection's observations; {observation_space} has no {name!r}")
    horizon = parts["scores"].shape[0]
    if parts["configurations"].shape != (horizon * n_dims,):
        found = parts["configurations"].shape[0] / horizon
        raise ValueError(f"configurations have {found:g} hyperparameters, actions have {n_dims}")
    return horizon, parts["meta_features"].shape[0] if "meta_features" in parts else 0
