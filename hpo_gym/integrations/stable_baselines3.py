"""Any native Gymnasium vector environment as Stable-Baselines3's own kind, at a few microseconds a step.

SB3 keeps its own `VecEnv` interface and does not take what `gymnasium.make_vec` returns. The adapter here
translates calls and results; training through it gives the same parameters as through SB3's `DummyVecEnv`.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from numpy.typing import NDArray
from stable_baselines3.common.env_util import is_wrapped
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from hpo_gym.integrations.member_infos import member_infos, member_value


class Sb3VecEnv(VecEnv):
    """A `gymnasium.vector.VectorEnv` behind SB3's `VecEnv` interface.

    The environment must restart finished members in the same step (`AutoresetMode.SAME_STEP`), as SB3 does:
    the last observation of an episode is then `infos[i]["terminal_observation"]`, the returned one is the
    first of the next episode, and what that reset reported is `reset_infos[i]`. Observations are handed out
    as copies; where the environment says itself that it copies (its attribute `copy`), they are not copied
    twice.

    A vector environment has one attribute for all members: `get_attr` gives it to each, and `env_method`
    calls a method once and gives each member its row of the result where that has a leading axis of
    `num_envs` (`action_masks()`, say), the whole result otherwise.

    Args:
        env: the vector environment; the adapter closes it.

    Raises:
        TypeError: not a vector environment.
        ValueError: another autoreset mode, or an observation space that SB3 cannot handle.
    """

    def __init__(self, env: VectorEnv) -> None:
        if not isinstance(env, VectorEnv):
            raise TypeError(f"a gymnasium.vector.VectorEnv is needed, got {type(env).__name__}; see gymnasium.make_vec")
        _check_autoreset(env)
        _check_observation_space(env.single_observation_space)
        self.env = env
        self._must_copy = getattr(env.unwrapped, "copy", None) is not True
        self._actions: NDArray[Any] | None = None
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)
        self.metadata = dict(env.metadata)

    def reset(self) -> VecEnvObs:
        """Begin an episode in every member, with the seeds and options that were set since the last reset."""
        observations, infos = self.env.reset(seed=_merge_seeds(self._seeds), options=merge_options(self._options))
        self._reset_seeds()
        self._reset_options()
        self.reset_infos = member_infos(infos, self.num_envs)
        return self._own(observations)

    def step_async(self, actions: NDArray[Any]) -> None:
        """Keep the actions, (num_envs, ...), for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Step all members: observations, rewards (num_envs,) float32, dones (num_envs,) bool, one dict a member."""
        observations, rewards, terminated, truncated, infos = self.env.step(self._actions)
        dones = terminated | truncated
        rows = member_infos(infos, self.num_envs)
        if True in dones.tolist():
            self._end_episodes(np.flatnonzero(dones), rows, infos)
        for row, cut, ended in zip(rows, truncated.tolist(), terminated.tolist(), strict=True):
            row["TimeLimit.truncated"] = cut and not ended
        return self._own(observations), np.array(rewards, np.float32), dones, rows

    def _end_episodes(self, members: NDArray[np.int64], rows: list[dict[str, Any]], infos: Mapping[str, Any]) -> None:
        """Where an episode ended, `rows` holds what the next one's reset reported: swap in the final report."""
        if "final_obs" not in infos:
            raise ValueError(
                f"{self.env} ended an episode without info['final_obs']: make it with "
                "autoreset_mode=AutoresetMode.SAME_STEP"
            )
        final = member_infos(infos.get("final_info", {}), self.num_envs)
        for i in members.tolist():
            self.reset_infos[i] = rows[i]
            rows[i] = {**final[i], "terminal_observation": member_value(infos["final_obs"], i)}

    def _own(self, observations: Any) -> VecEnvObs:
        """Observations that the next step will not overwrite."""
        if isinstance(observations, Mapping):
            if not self._must_copy:
                return dict(observations)
            return {name: np.array(array) for name, array in observations.items()}
        return np.array(observations) if self._must_copy else observations

    def close(self) -> None:
        """Close the vector environment; again is no harm."""
        self.env.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """The attribute of each member; a method comes as a function that gives the member's share."""
        members = self._members(indices)
        if self._has_member_envs:
            values = self.env.get_attr(attr_name)  # type: ignore[attr-defined]
            return [values[i] for i in members]
        value = getattr(self.env, attr_name)
        if callable(value):
            return [partial(self._call_for_member, value, i) for i in members]
        return [value] * len(members)

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set the attribute, for all members at once.

        Raises:
            ValueError: only some members are named; they share their attributes.
        """
        check_shared(attr_name, self._members(indices), self.num_envs)
        if self._has_member_envs:
            self.env.set_attr(attr_name, value)  # type: ignore[attr-defined]
        else:
            setattr(self.env.unwrapped, attr_name, value)

    def env_method(self, method_name: str, *args: Any, indices: VecEnvIndices = None, **kwargs: Any) -> list[Any]:
        """Call the method once; each member's share of what it returns."""
        members = self._members(indices)
        if self._has_member_envs:
            results = self.env.call(method_name, *args, **kwargs)  # type: ignore[attr-defined]
            return [results[i] for i in members]
        result = getattr(self.env, method_name)(*args, **kwargs)
        return [self._share(result, i) for i in members]

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper], indices: VecEnvIndices = None) -> list[bool]:
        """Whether each member has the wrapper; a native environment has members without wrappers of their own."""
        members = self._members(indices)
        envs = getattr(self.env.unwrapped, "envs", None)
        if envs is not None:
            return [is_wrapped(envs[i], wrapper_class) for i in members]
        layer: VectorEnv = self.env
        while isinstance(layer, VectorWrapper) and not isinstance(layer, wrapper_class):
            layer = layer.env
        return [isinstance(layer, wrapper_class)] * len(members)

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """One frame a member."""
        frames: Any = self.env.render()
        return list(frames) if frames is not None else [None] * self.num_envs

    @property
    def _has_member_envs(self) -> bool:
        """Gymnasium's SyncVectorEnv and AsyncVectorEnv hold one environment a member and can be asked for each."""
        return hasattr(self.env, "get_attr") and hasattr(self.env, "call")

    def _members(self, indices: VecEnvIndices) -> list[int]:
        return list(self._get_indices(indices))

    def _share(self, result: Any, i: int) -> Any:
        is_batch = (isinstance(result, np.ndarray) and result.ndim > 0) or isinstance(result, list | tuple)
        if hasattr(result, "_fields"):  # a named tuple is one answer, not one a member
            is_batch = False
        return result[i] if is_batch and len(result) == self.num_envs else result

    def _call_for_member(self, method: Any, i: int, *args: Any, **kwargs: Any) -> Any:
        return self._share(method(*args, **kwargs), i)


def make_sb3_vec_env(env_id: str | EnvSpec, num_envs: int, seed: int | None = None, **kwargs: Any) -> Sb3VecEnv:
    """The environment's native vector version, ready for an SB3 algorithm.

    Args:
        env_id: a registered id, or its spec, with a `vector_entry_point`.
        num_envs: members.
        seed: of the first reset: member i gets `seed + i`, as in SB3's `make_vec_env`. An algorithm that is
            given a seed sets it again.
        **kwargs: the environment's own.

    Example:
        >>> import hpo_gym
        >>> from hpo_gym.integrations.stable_baselines3 import make_sb3_vec_env
        >>> env = make_sb3_vec_env("hpo_gym/ConfigSelection-HPOBenchMLP-v0", 4, seed=0, split="train")
        >>> env.reset()["scores"].shape
        (4, 50)
    """
    env = gym.make_vec(
        env_id,
        num_envs=num_envs,
        vectorization_mode="vector_entry_point",
        autoreset_mode=AutoresetMode.SAME_STEP,
        **kwargs,
    )
    adapter = Sb3VecEnv(env)
    if seed is not None:
        adapter.seed(seed)
    return adapter


def check_shared(attr_name: str, members: Sequence[int], num_envs: int) -> None:
    """See that an attribute is to be set for all members: a native environment has it but once."""
    if len(members) != num_envs:
        raise ValueError(f"the members share the attribute {attr_name!r}: set it for all of them (indices=None)")


def _check_autoreset(env: VectorEnv) -> None:
    mode = env.metadata.get("autoreset_mode")
    if mode != AutoresetMode.SAME_STEP:
        raise ValueError(
            f"{env} has autoreset mode {mode}; SB3 restarts episodes in the step that ends them: make it with "
            "gymnasium.make_vec(..., autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP), or use make_sb3_vec_env"
        )


def _check_observation_space(space: spaces.Space) -> None:
    parts = space.spaces.values() if isinstance(space, spaces.Dict) else [space]
    for part in parts:
        if isinstance(part, spaces.Dict | spaces.Tuple):
            raise ValueError(f"SB3 needs an array or a flat Dict of arrays as observation; got {space}")


def _merge_seeds(seeds: list[int | None]) -> Any:
    """None where none is set, one number where they count upwards from it (as Gymnasium does), else the list."""
    first = seeds[0]
    if first is None:
        return list(seeds) if any(seed is not None for seed in seeds) else None
    return first if seeds == list(range(first, first + len(seeds))) else list(seeds)


def merge_options(options: list[dict[str, Any]]) -> dict[str, Any] | None:
    """One options dict from one a member: what they agree on as it is, the rest as a list over members."""
    first = options[0]
    if all(other == first for other in options):
        return first or None
    if any(other.keys() != first.keys() for other in options):
        raise ValueError(f"reset options must name the same keys for every member, got {options}")
    agreed = {key for key in first if all(other[key] == first[key] for other in options)}
    return {key: first[key] if key in agreed else [other[key] for other in options] for key in first}
