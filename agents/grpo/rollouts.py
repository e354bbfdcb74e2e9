"""Whole episodes, side by side: what a group-relative policy gradient learns from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor

from agents.grpo.advantages import Floats, Mask


@dataclass(frozen=True, kw_only=True, eq=False)
class Episodes:
    """Episodes that were played to their end.

    Attributes:
        rewards: (n_episodes, n_steps), 0 after an episode's end.
        mask: (n_episodes, n_steps) which steps were taken.
        observations: (n_episodes, n_steps, ...), or a dict of such.
        actions: (n_episodes, n_steps, ...) as sampled.
        log_probs: (n_episodes, n_steps) of these actions when they were taken.
    """

    rewards: Floats
    mask: Mask
    observations: Any
    actions: NDArray[Any]
    log_probs: NDArray[np.float32]

    @property
    def returns(self) -> Floats:
        """(n_episodes,) undiscounted."""
        return self.rewards.sum(1)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(n_episodes,) steps."""
        return self.mask.sum(1)

    def samples(self, device: torch.device) -> "Samples":
        """Their steps, episode by episode, without what lies behind an episode's end."""
        taken = self.mask
        return Samples(
            observations=_each(lambda values: torch.as_tensor(values[taken], device=device), self.observations),
            actions=torch.as_tensor(self.actions[taken], device=device),
            log_probs=torch.as_tensor(self.log_probs[taken], device=device),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """Steps (n, ...) on the policy's device, in no need of their order."""

    observations: Any
    actions: Tensor
    log_probs: Tensor

    def __len__(self) -> int:
        return len(self.log_probs)

    def observations_at(self, rows: Tensor) -> Any:
        """The observations of some rows."""
        return _each(lambda values: values[rows], self.observations)


@dataclass(kw_only=True, eq=False)
class EpisodeRecorder:
    """Collects the steps of members that all began at once, until each has ended.

    A member that ends early is begun anew by its environment; what it does then is not recorded.

    Args:
        n_members: episodes side by side.
    """

    n_members: int
    _steps: list[tuple[Any, NDArray[Any], NDArray[np.float32], Floats]] = field(default_factory=list)
    _moving: list[Mask] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.is_moving = np.ones(self.n_members, bool)

    def add(
        self, observations: Any, actions: NDArray[Any], log_probs: NDArray[Any], rewards: Any, dones: NDArray[Any]
    ) -> None:
        """A step of all members, (n_members, ...) each."""
        self._steps.append((_each(np.array, observations), actions, log_probs, np.array(rewards, np.float64)))
        self._moving.append(self.is_moving)
        self.is_moving = self.is_moving & ~np.asarray(dones, bool)

    def episodes(self) -> Episodes:
        """What was recorded."""
        observations, actions, log_probs, rewards = zip(*self._steps, strict=True)
        mask = np.stack(self._moving, 1)
        return Episodes(
            rewards=np.where(mask, np.stack(rewards, 1), 0.0),
            mask=mask,
            observations=_stacked(observations),
            actions=np.stack(actions, 1),
            log_probs=np.stack(log_probs, 1),
        )


def joined(waves: Sequence[Episodes]) -> Episodes:
    """Waves of episodes as one; shorter ones are filled up with steps that were not taken."""
    if len(waves) == 1:
        return waves[0]
    n_steps = max(wave.mask.shape[1] for wave in waves)

    def together(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate([_lengthened(values, n_steps) for values in arrays])

    first = waves[0].observations
    return Episodes(
        rewards=together([wave.rewards for wave in waves]),
        mask=together([wave.mask for wave in waves]),
        observations={name: together([wave.observations[name] for wave in waves]) for name in first}
        if isinstance(first, dict)
        else together([wave.observations for wave in waves]),
        actions=together([wave.actions for wave in waves]),
        log_probs=together([wave.log_probs for wave in waves]),
    )


def seed_members(env: VecEnv, seeds: Sequence[int | None]) -> None:
    """Give each member its own seed at the next reset; SB3's `seed` can only count upwards from one."""
    env.unwrapped._seeds = list(seeds)  # read by `reset` of every VecEnv


def _lengthened(values: NDArray[Any], n_steps: int) -> NDArray[Any]:
    missing = n_steps - values.shape[1]
    return np.pad(values, [(0, 0), (0, missing), *[(0, 0)] * (values.ndim - 2)])


def _stacked(steps: Sequence[Any]) -> Any:
    if isinstance(steps[0], dict):
        return {name: np.stack([step[name] for step in steps], 1) for name in steps[0]}
    return np.stack(steps, 1)


def _each(function: Any, observations: Any) -> Any:
    if isinstance(observations, dict):
        return {name: function(values) for name, values in observations.items()}
    return function(observations)
