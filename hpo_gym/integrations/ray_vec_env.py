"""A Stable-Baselines3 `VecEnv` whose members are spread over actors of Ray, a group of them in each.

Training through it gives the same parameters as through one `Sb3VecEnv` of all members, to the bit. It is worth its
cost, milliseconds a step, where a step takes long: training runs, and trials that really train.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from hpo_gym.engines.errors import EngineError
from hpo_gym.engines.ray_cluster import connected
from hpo_gym.engines.ray_parcels import Parcel
from hpo_gym.integrations.ray_members import METHOD, RemoteMembers
from hpo_gym.integrations.stable_baselines3 import Sb3VecEnv, check_shared, make_sb3_vec_env, merge_options

_log = logging.getLogger(__name__)


class RayVecEnv(VecEnv):
    """Members in actors, which step side by side; what an actor held is brought back where it dies.

    Observations, rewards, infos, seeds and options are those of one environment of all members. `env_method` hands its
    arguments to every actor as they are: a method that wants a row a member gets the rows of all.

    Args:
        make_env: an environment of so many members, as `make_sb3_vec_env` makes them; it is sent to the actors.
        num_envs: members in all.
        workers: actors; the first ones hold a member more where they cannot all hold as many.
        address: see `hpo_gym.engines.ray_cluster.connected`.

    Raises:
        EngineError: Ray or its cluster is not there.
    """

    def __init__(
        self, make_env: Callable[[int], Sb3VecEnv], num_envs: int, *, workers: int, address: str | None = None
    ) -> None:
        if workers < 1:
            raise EngineError(f"workers={workers}: one or more is needed")
        n_actors = min(workers, num_envs)
        self._closing = ExitStack()
        with ExitStack() as until_open:
            until_open.callback(self._closing.close)
            ray = self._closing.enter_context(connected(address, n_actors))
            if ray.cluster_resources().get("CPU", 0) < n_actors:
                _log.warning("the Ray cluster has fewer processors than the %d workers: they share them", n_actors)
            packed = Parcel.of(make_env)
            shares = np.array_split(np.arange(num_envs), n_actors)
            self._members = [share.tolist() for share in shares]
            self._actors: list[RemoteMembers] = []
            for share in self._members:
                self._actors.append(RemoteMembers(ray, packed, len(share)))
                self._closing.callback(self._actors[-1].close)
            opened = [actor.opened() for actor in self._actors]
            observation_space, action_space, metadata = opened[0]
            self._actor_of = {i: a for a, share in enumerate(self._members) for i in share}
            self._seen: list[Any] = [None] * n_actors  # each one's latest observations
            self._has_seed = [False] * num_envs
            super().__init__(num_envs, observation_space, action_space)
            self.metadata = metadata
            until_open.pop_all()

    def reset(self) -> VecEnvObs:
        """Begin an episode in every member, or in those of the option "reset_mask"; see `Sb3VecEnv`."""
        seeds, options = self._drawn_seeds(), _options_of(self._options, self._members)
        resetting = [a for a, own in enumerate(options) if self._seen[a] is None or np.any(own.get("reset_mask", True))]
        for a in resetting:
            share = self._members[a]
            self._actors[a].begin("reset", [seeds[i] for i in share], [options[a]] * len(share))
        results = self._finished(resetting)
        self._reset_seeds()
        self._reset_options()
        self.reset_infos = [{} for _ in range(self.num_envs)]
        for a, (observations, infos) in zip(resetting, results, strict=True):
            self._seen[a] = observations
            for i, info in zip(self._members[a], infos, strict=True):
                self.reset_infos[i] = info
        return together(self._seen)

    def _drawn_seeds(self) -> list[int | None]:
        """A member that never had a seed is given one, so that what it plays can be played again."""
        seeds = list(self._seeds)
        for i, seed in enumerate(seeds):
            if seed is None and not self._has_seed[i]:
                seeds[i] = int(np.random.SeedSequence().generate_state(1)[0])
            self._has_seed[i] = True
        return seeds

    def step_async(self, actions: NDArray[Any]) -> None:
        """Begin a step of all members with the actions (num_envs, ...)."""
        for actor, share in zip(self._actors, self._members, strict=True):
            actor.begin("step", np.asarray(actions)[share])

    def step_wait(self) -> VecEnvStepReturn:
        """See `Sb3VecEnv.step_wait`."""
        observations, rewards, dones, infos, begun = zip(*self._finished(range(len(self._actors))), strict=True)
        self._seen = list(observations)
        for share, reported in zip(self._members, begun, strict=True):
            for i, info in reported.items():
                self.reset_infos[share[i]] = info
        rows = [info for own in infos for info in own]
        return together(self._seen), np.concatenate(rewards), np.concatenate(dones), rows

    def _finished(self, actors: Sequence[int]) -> list[Any]:
        """What these actors' calls give; where one raises something, it is raised when all are done."""
        results, errors = [], []
        for a in actors:
            try:
                results.append(self._actors[a].finish())
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return results

    def close(self) -> None:
        """End the actors, and an instance of Ray that was begun for them; again is no harm."""
        self._closing.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """The attribute of each member; a method comes as a function that calls it for the member."""
        members = list(self._get_indices(indices))
        values = self._ask("get_attr", attr_name, members=members)
        return [
            partial(self._call_for_member, attr_name, i) if isinstance(value, str) and value == METHOD else value
            for i, value in zip(members, values, strict=True)
        ]

    def _call_for_member(self, method_name: str, i: int, *args: Any, **kwargs: Any) -> Any:
        return self.env_method(method_name, *args, indices=[i], **kwargs)[0]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set the attribute, for all members at once; see `Sb3VecEnv.set_attr`."""
        check_shared(attr_name, list(self._get_indices(indices)), self.num_envs)
        for actor in self._actors:
            actor.begin("set_attr", attr_name, value)
        self._finished(range(len(self._actors)))

    def env_method(self, method_name: str, *args: Any, indices: VecEnvIndices = None, **kwargs: Any) -> list[Any]:
        """Call the method once an actor; each member's share of what it returns."""
        return self._ask("env_method", method_name, args, kwargs, members=list(self._get_indices(indices)))

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper], indices: VecEnvIndices = None) -> list[bool]:
        """See `Sb3VecEnv.env_is_wrapped`."""
        return self._ask("env_is_wrapped", wrapper_class, members=list(self._get_indices(indices)))

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """One frame a member."""
        for actor in self._actors:
            actor.begin("get_images")
        return [frame for own in self._finished(range(len(self._actors))) for frame in own]

    def _ask(self, method: str, name: Any, *arguments: Any, members: Sequence[int]) -> list[Any]:
        """Ask the actors of some members; an answer a member."""
        asked = {
            a: [i for i in members if self._actor_of[i] == a] for a in sorted({self._actor_of[i] for i in members})
        }
        for a, own in asked.items():
            first = self._members[a][0]
            self._actors[a].begin(method, name, [i - first for i in own], *arguments)
        answers: dict[int, Any] = {}
        for own, found in zip(asked.values(), self._finished(list(asked)), strict=True):
            answers |= dict(zip(own, found, strict=True))
        return [answers[i] for i in members]


def together(parts: Sequence[VecEnvObs]) -> VecEnvObs:
    """The observations of all actors' members as one batch, (num_envs, ...) or a dict of such."""
    first = parts[0]
    if isinstance(first, Mapping):
        return {name: np.concatenate([part[name] for part in parts]) for name in first}  # type: ignore[call-overload]
    return np.concatenate(parts)  # type: ignore[arg-type]


def _options_of(options: list[dict[str, Any]], shares: Sequence[Sequence[int]]) -> list[dict[str, Any]]:
    """The reset options of each actor: values that are listed a member are cut up, as environments read them."""
    merged = merge_options(options) or {}
    num_envs = sum(len(share) for share in shares)
    listed = {name for name, value in merged.items() if hasattr(value, "__len__") and not isinstance(value, str)}
    for name in listed:
        if len(merged[name]) != num_envs:
            raise ValueError(f"options[{name!r}] has {len(merged[name])} entries for {num_envs} members")
    return [
        {name: value[share[0] : share[-1] + 1] if name in listed else value for name, value in merged.items()}
        for share in shares
    ]


def make_ray_vec_env(
    env_id: str, num_envs: int, seed: int | None = None, *, workers: int, address: str | None = None, **kwargs: Any
) -> RayVecEnv:
    """As `make_sb3_vec_env`, with the members in `workers` actors.

    Example:
        >>> import hpo_gym
        >>> from hpo_gym.integrations.ray_vec_env import make_ray_vec_env
        >>> env = make_ray_vec_env("hpo_gym/InRunControl-NoisyQuadratic-v0", 8, seed=0, workers=2)  # doctest: +SKIP
        >>> env.reset().shape  # doctest: +SKIP
        (8, 1)
    """
    spec = gym.spec(env_id)  # as it is registered here, whatever is registered there
    env = RayVecEnv(partial(_make_share, spec, kwargs), num_envs, workers=workers, address=address)
    if seed is not None:
        env.seed(seed)
    return env


def _make_share(spec: EnvSpec, kwargs: Mapping[str, Any], num_envs: int) -> Sb3VecEnv:
    return make_sb3_vec_env(spec, num_envs, **kwargs)
