"""The searches that Hyp-RL learns from: data set after data set, in turn."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

SEEN = ("configurations", "scores", "valid", "meta_features")
TRIED = "indices"


class RoundRobinVecEnv(VecEnvWrapper):
    """Environments whose next episode, in whichever of them one ends, is on the next task in the table's order.

    It shows what Hyp-RL looks at and no more, so that a replay buffer stays small, and where repeats are masked also
    the rows of the pool that were tried: "indices", (H,) each, -1 where there is none. `reset` begins with the first
    task.

    Args:
        venv: config-selection environments that take rows of a pool: a native vector environment
            (`make_sb3_vec_env`), or any of one member.

    Raises:
        ValueError: environments of another kind.
    """

    def __init__(self, venv: VecEnv) -> None:
        if not isinstance(venv.action_space, spaces.Discrete) or not isinstance(venv.observation_space, spaces.Dict):
            raise ValueError(f"Hyp-RL chooses rows of a pool: it needs action='index', actions are {venv.action_space}")
        self.task_ids: tuple[str, ...] = tuple(venv.get_attr("task_ids")[0])
        self.masks_repeats = venv.get_attr("spec")[0].kwargs.get("repeat", "mask") == "mask"
        shown = {name: venv.observation_space[name] for name in SEEN if name in venv.observation_space.spaces}
        (horizon,) = shown["scores"].shape or ()
        if self.masks_repeats:
            shown[TRIED] = spaces.Box(-1, venv.action_space.n - 1, (horizon,), np.int64)
        super().__init__(venv, observation_space=spaces.Dict(shown))
        self._rows = np.full((self.num_envs, horizon), -1, np.int64)
        self._n_trials = np.zeros(self.num_envs, np.int64)
        self._n_begun = 0

    def reset(self) -> VecEnvObs:
        """Begin with the first tasks."""
        self._n_begun = 0
        self.venv.set_options([{"task_id": task_id} for task_id in self._next_tasks(self.num_envs)])
        observations = self.venv.reset()
        self.reset_infos = list(self.venv.unwrapped.reset_infos)  # which monitors do not hand on
        self._forget(np.arange(self.num_envs))
        return self._shown(observations)

    def step_wait(self) -> VecEnvStepReturn:
        """As the wrapped environments', but for the tasks of new episodes."""
        observations, rewards, dones, infos = self.venv.step_wait()
        if self.masks_repeats:  # where they are not, a step may be no trial
            self._rows[np.arange(self.num_envs), self._n_trials] = [info["configuration"] for info in infos]
            self._n_trials += 1
        over = np.flatnonzero(dones)
        for i in over:
            last = infos[i]["terminal_observation"]
            infos[i]["terminal_observation"] = self._shown(last, self._rows[i])
        if len(over):
            observations = self._begin(over)
        return self._shown(observations), rewards, dones, infos

    def _begin(self, members: NDArray[np.int64]) -> Any:
        """Replace the episodes that these members have just begun by ones on the next tasks."""
        venv = self.venv.unwrapped  # a monitor around it would forget the other members' episodes
        task_ids = [""] * self.num_envs
        for i, task_id in zip(members, self._next_tasks(len(members)), strict=True):
            task_ids[i] = task_id
        if self.num_envs == 1:
            venv.set_options({"task_id": task_ids[0]})
        else:
            mask = np.isin(np.arange(self.num_envs), members)
            venv.set_options({"task_id": task_ids, "reset_mask": mask})
        observations = venv.reset()
        for i in members:
            self.reset_infos[i] = venv.reset_infos[i]
        self._forget(members)
        return observations

    def _next_tasks(self, n: int) -> list[str]:
        positions = range(self._n_begun, self._n_begun + n)
        self._n_begun += n
        return [self.task_ids[position % len(self.task_ids)] for position in positions]

    def _forget(self, members: NDArray[np.int64]) -> None:
        self._rows[members] = -1
        self._n_trials[members] = 0

    def _shown(self, observations: Any, rows: NDArray[np.int64] | None = None) -> dict[str, NDArray[Any]]:
        assert isinstance(observations, Mapping)
        shown = {name: observations[name] for name in SEEN if name in observations}
        return {**shown, TRIED: (self._rows if rows is None else rows).copy()} if self.masks_repeats else shown
