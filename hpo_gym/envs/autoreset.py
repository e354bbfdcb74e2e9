"""What every native vector environment does alike: seeds, reset masks, options a member, and the autoreset modes."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Space
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

Infos = dict[str, Any]
Observations = Any  # NDArray, or dict of them
MemberOptions = dict[int, dict[str, Any]]


class AutoresetVectorEnv(VectorEnv):
    """A vector environment whose members begin and end episodes one by one.

    A family says how episodes begin (`_begin`), go on (`_advance`), and are seen (`_observations`, `_reset_infos`);
    it keeps `_is_over`, (num_envs,), whose episode has ended. Member i seeded with s + i (or with its own seed of a
    list) plays what the single environment with that seed plays.
    """

    def __init__(
        self,
        num_envs: int,
        *,
        render_mode: str | None,
        autoreset_mode: AutoresetMode | str,
        max_episode_steps: int | None,
        horizon_option: str,
    ) -> None:
        if max_episode_steps is not None:
            raise ValueError(
                f"max_episode_steps={max_episode_steps}: episodes end by themselves; use {horizon_option}="
            )
        if isinstance(num_envs, bool) or not isinstance(num_envs, int | np.integer) or num_envs < 1:
            raise ValueError(f"num_envs={num_envs}: one member or more is needed")
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(f"render_mode={render_mode!r} is not one of {self.metadata['render_modes']}")
        self.num_envs = int(num_envs)
        self.render_mode = render_mode
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {**type(self).metadata, "autoreset_mode": self.autoreset_mode}
        self._everyone = np.ones(self.num_envs, bool)
        self._rngs: list[Any] = [None] * self.num_envs  # generators, from the first reset on
        self._has_begun = False
        self._is_over = np.ones(self.num_envs, bool)

    @cached_property
    def observation_space(self) -> Space:  # type: ignore[override]  # gymnasium declares an attribute
        """The members' spaces together; made when asked for, since Gymnasium repeats every bound for every member."""
        return batch_space(self.single_observation_space, self.num_envs)

    @cached_property
    def action_space(self) -> Space:  # type: ignore[override]
        """The members' action spaces together."""
        return batch_space(self.single_action_space, self.num_envs)

    def _begin(self, members: NDArray[np.int64], options: MemberOptions | None = None) -> None:
        """Start new episodes in these members; an option that does not fit must leave every episode as it was."""
        raise NotImplementedError

    def _advance(self, actions: Any, moving: NDArray[np.bool_] | None) -> tuple[NDArray[np.float64], Infos]:
        """A step of every member that moves (None: all do): (num_envs,) rewards, and what to report."""
        raise NotImplementedError

    def _observations(self) -> Observations:
        """Of all members, to hand out."""
        raise NotImplementedError

    def _reset_infos(self, mask: NDArray[np.bool_]) -> Infos:
        """What the members of the mask report of their new episodes."""
        raise NotImplementedError

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, Infos]:
        """Begin an episode in every member, or in those of `options["reset_mask"]`."""
        options = dict(options or {})
        mask = self._reset_mask(options.pop("reset_mask", None))
        seeds = self._member_seeds(seed)
        members = np.flatnonzero(mask)
        of_members = self._member_options(options, members)
        for i in members.tolist():
            if seeds[i] is not None or self._rngs[i] is None:
                self._rngs[i], _ = seeding.np_random(seeds[i])
        self._begin(members, of_members)
        self._has_begun = True
        return self._observations(), self._reset_infos(mask)

    def _reset_mask(self, mask: Any) -> NDArray[np.bool_]:
        if mask is None:
            return self._everyone
        if not isinstance(mask, np.ndarray) or mask.shape != (self.num_envs,) or mask.dtype != bool or not mask.any():
            raise ValueError(
                f"options['reset_mask'] must be a boolean array of shape ({self.num_envs},) with a True in it, "
                f"got {mask!r}"
            )
        if not self._has_begun and not mask.all():
            raise ValueError("the first reset() must reset every member: leave options['reset_mask'] out")
        return mask

    def _member_seeds(self, seed: int | Sequence[int | None] | None) -> Sequence[int | None]:
        if seed is None:
            return [None] * self.num_envs
        if isinstance(seed, int | np.integer):
            return [int(seed) + i for i in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise ValueError(f"seed: {len(seed)} seeds for {self.num_envs} members")
        return seed

    def _member_options(self, options: dict[str, Any], members: NDArray[np.int64]) -> MemberOptions | None:
        """Each member's own: an option is one value for all, or a sequence of one a member."""
        if not options:
            return None
        listed = {name for name, value in options.items() if hasattr(value, "__len__") and not isinstance(value, str)}
        for name in listed:
            if len(options[name]) != self.num_envs:
                raise ValueError(f"options[{name!r}] has {len(options[name])} entries for {self.num_envs} members")
        return {
            i: {name: value[i] if name in listed else value for name, value in options.items()}
            for i in members.tolist()
        }

    def step(
        self, actions: Any
    ) -> tuple[Observations, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], Infos]:
        """One step of every member that is not over; what happens to the others is the autoreset mode."""
        if not self._has_begun:
            raise gym.error.ResetNeeded("no episode has begun: call reset() before step()")
        standing = self._is_over.copy()
        rewards, infos = self._advance(actions, None if not np.count_nonzero(standing) else ~standing)
        truncated = np.zeros(self.num_envs, bool)
        if self.autoreset_mode == AutoresetMode.DISABLED:
            return self._observations(), rewards, self._is_over.copy(), truncated, infos
        if self.autoreset_mode == AutoresetMode.NEXT_STEP:
            terminated = self._is_over & ~standing
            if standing.any():
                self._begin(np.flatnonzero(standing))
                infos = merge_infos(infos, self._reset_infos(standing))
            return self._observations(), rewards, terminated, truncated, infos
        terminated = self._is_over.copy()
        if terminated.any():
            infos = self._restart_at_once(terminated, infos)
        return self._observations(), rewards, terminated, truncated, infos

    def _restart_at_once(self, terminated: NDArray[np.bool_], infos: Infos) -> Infos:
        """SAME_STEP: hand out the last observations as final_obs and begin the next episodes."""
        members = np.flatnonzero(terminated)
        last = self._observations()
        final_obs = np.full(self.num_envs, None, object)
        if isinstance(last, dict):
            for i in members.tolist():
                final_obs[i] = {name: array[i].copy() for name, array in last.items()}
        else:
            copies = last[members]
            for i, row in zip(members.tolist(), copies, strict=True):
                final_obs[i] = row
        final_info: Infos = {}
        step_infos: Infos = {}
        for name in [key for key in infos if not key.startswith("_")]:
            ending = terminated & infos[f"_{name}"]
            if ending.any():
                final_info |= masked({name: infos[name]}, ending)
            going_on = ~terminated & infos[f"_{name}"]
            if going_on.any():
                step_infos |= masked({name: infos[name]}, going_on)
        self._begin(members)
        return {
            "final_obs": final_obs,
            "_final_obs": terminated.copy(),
            "final_info": final_info,
            "_final_info": terminated.copy(),
            **merge_infos(step_infos, self._reset_infos(terminated)),
        }


def masked(values: Infos, mask: NDArray[np.bool_]) -> Infos:
    """The values where the mask holds, zeros (or None) elsewhere, and the masks, as Gymnasium itself reports them."""
    mask = mask.copy()  # it is handed out
    if mask.all():
        return values | {f"_{name}": mask for name in values}
    kept = {name: np.where(mask, array, _nothing(array.dtype)) for name, array in values.items()}
    return kept | {f"_{name}": mask for name in values}


def _nothing(dtype: np.dtype) -> NDArray[Any]:
    return np.array(None) if dtype.kind == "O" else np.zeros((), dtype)


def merge_infos(infos: Infos, others: Infos) -> Infos:
    """The reports of two sets of members that have none in common, some of the same names."""
    merged = infos | others
    for name in infos.keys() & others.keys():
        if name.startswith("_"):
            merged[name] = infos[name] | others[name]
        else:
            merged[name] = np.where(others[f"_{name}"], others[name], infos[name])
    return merged
