"""Some members of a vector environment in an actor of Ray, and how they are brought back when it dies.

They are brought back by doing again what was asked of them since their last reset with seeds: environments give the
same episodes for the same seeds, to the bit. A snapshot of an environment would have to be sent away after each step
to be as good, where most steps of most trainings are followed by no death; and not every environment has one. What is
done again is at most the episodes since then: GRPO and its kin seed each.
"""

import logging
import os
import pickle
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cloudpickle
from threadpoolctl import threadpool_limits

from hpo_gym.engines.errors import WorkerDiedError, sendable_errors
from hpo_gym.engines.ray import result_of
from hpo_gym.engines.ray_parcels import Parcel

if TYPE_CHECKING:  # an actor begins sooner without it
    from hpo_gym.integrations.stable_baselines3 import Sb3VecEnv

NOTICE_S = 60.0
"""Waiting for a cluster to begin an actor is told after so long."""
MAX_DEATHS = 3
"""How often the same call may find its actor dead before it is given up."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A method of `Members`, and what it is given."""

    method: str
    arguments: tuple[Any, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether it may change what later calls give."""
        return self.method in ("reset", "step", "set_attr", "env_method")

    @property
    def begins_anew(self) -> bool:
        """Whether nothing that was done before matters after it, but attributes that were set."""
        if self.method != "reset":
            return False
        seeds, options = self.arguments
        return None not in seeds and not any("reset_mask" in own for own in options)


class Members:
    """The actor. It has one thread, so that its numbers are those of a training with one thread."""

    env: "Sb3VecEnv"

    def open(self, make_env: Parcel, num_envs: int) -> bytes:
        """Make the environment: its observation space, action space and metadata."""
        os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))
        with sendable_errors():
            self.env = make_env.open()(num_envs)
        _use_one_thread()
        return cloudpickle.dumps((self.env.observation_space, self.env.action_space, self.env.metadata))

    def perform(self, calls: list[Call]) -> bytes:
        """Do all calls; the result of the last, pickled: unlike Ray's own arrays, those can be written to."""
        for call in calls[:-1]:
            with suppress(Exception):  # it was raised when this was first done, and left things as they were
                self._result(call)
        with sendable_errors():
            return cloudpickle.dumps(self._result(calls[-1]))

    def _result(self, call: Call) -> Any:
        return getattr(self, f"_{call.method}")(*call.arguments)

    def _reset(self, seeds: list[int | None], options: list[dict[str, Any]]) -> Any:
        self.env._seeds, self.env._options = seeds, options
        observations = self.env.reset()
        return observations, self.env.reset_infos

    def _step(self, actions: Any) -> Any:
        observations, rewards, dones, infos = self.env.step(actions)
        begun = {i: self.env.reset_infos[i] for i, done in enumerate(dones) if done}
        return observations, rewards, dones, infos, begun

    def _get_attr(self, name: str, members: list[int]) -> list[Any]:
        """Methods are only named: see `METHOD`."""
        return [METHOD if callable(value) else value for value in self.env.get_attr(name, members)]

    def _set_attr(self, name: str, value: Any) -> None:
        self.env.set_attr(name, value)

    def _env_method(self, name: str, members: list[int], args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        return self.env.env_method(name, *args, indices=members, **kwargs)

    def _env_is_wrapped(self, wrapper_class: type, members: list[int]) -> list[bool]:
        return self.env.env_is_wrapped(wrapper_class, members)

    def _get_images(self) -> list[Any]:
        return list(self.env.get_images())


METHOD = "a method, which stays where it is"
"""What `get_attr` gives for a method."""


class RemoteMembers:
    """Members of a vector environment that live in an actor; calls are begun, and then finished.

    Args:
        ray: the library, which is connected.
        make_env: packed; makes an environment of so many members.
        num_envs: members.
    """

    def __init__(self, ray: Any, make_env: Parcel, num_envs: int) -> None:
        self._ray, self._make_env, self.num_envs = ray, make_env, num_envs
        self._done: list[Call] = []  # what has to be done again when the actor dies
        self._call: Call | None = None
        self._start()

    def _start(self) -> None:
        # Without num_cpus an actor is begun where a processor is free, and does not keep it from others: one that is
        # to take a dead one's place needs no room that is not there.
        place = {"scheduling_strategy": "SPREAD", "max_restarts": 0, "max_task_retries": 0}
        self._actor = self._ray.remote(Members).options(**place).remote()
        self._reference = self._actor.open.remote(self._make_env, self.num_envs)

    def opened(self) -> Any:
        """What `Members.open` says, once the actor is there; another is begun where it was sent to a dead machine.

        Raises:
            WorkerDiedError: actors die of it.
        """
        for _ in range(MAX_DEATHS):
            try:
                return self._first_words()
            except WorkerDiedError:
                self.close()
                self._start()
        return self._first_words()

    def _first_words(self) -> Any:
        ready, _ = self._ray.wait([self._reference], timeout=NOTICE_S)
        if not ready:
            _log.warning("waiting for a worker of the Ray cluster; `ray status` says what it is busy with")
        return pickle.loads(result_of(self._reference))

    def begin(self, method: str, *arguments: Any) -> None:
        """Begin a call."""
        self._call = Call(method=method, arguments=arguments)
        self._reference = self._actor.perform.remote([self._call])

    def finish(self) -> Any:
        """What the call gives; where its actor died, another does everything again.

        Raises:
            WorkerDiedError: actors die of it.
        """
        assert self._call is not None, "begin() comes before finish()"
        call, self._call = self._call, None
        try:
            for _ in range(MAX_DEATHS):
                try:
                    return pickle.loads(result_of(self._reference))
                except WorkerDiedError:
                    self._bring_back(call)
            return pickle.loads(result_of(self._reference))
        finally:
            if call.begins_anew:
                self._done = [earlier for earlier in self._done if earlier.method == "set_attr"]
            if call.changes:
                self._done.append(call)

    def _bring_back(self, call: Call) -> None:
        again = [*self._done, call]
        _log.warning("a Ray worker with %d members died; another one does its %d calls", self.num_envs, len(again))
        self.close()
        self._start()
        with suppress(WorkerDiedError):  # which is found at the call, too
            self._first_words()
        self._reference = self._actor.perform.remote(again)

    def close(self) -> None:
        """End the actor; again is no harm."""
        with suppress(Exception):  # whatever there is about one that is gone
            self._ray.kill(self._actor)


def _use_one_thread() -> None:
    threadpool_limits(limits=1)
    torch = sys.modules.get("torch")  # never imported for this
    if torch is not None:
        torch.set_num_threads(1)
