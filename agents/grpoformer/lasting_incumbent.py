"""GRPOformer's reward by its other reading: against the best trial of the whole training, not of the episode."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn


class LastingIncumbentVecEnv(VecEnvWrapper):
    """Rewards are clip((score - best) / (1 - best), -1, 1), best = that of all trials of all members before this step.

    The paper says "incumbent before the trial" and not whose. Of one task, and scores that are fractions.

    Args:
        venv: config selection on a single task; its infos have the "score".
    """

    def __init__(self, venv: VecEnv) -> None:
        super().__init__(venv)
        self._best = 0.0

    def reset(self) -> VecEnvObs:
        """As the wrapped environment's; the incumbent stays."""
        return self.venv.reset()

    def step_async(self, actions: NDArray[Any]) -> None:
        """As the wrapped environment's."""
        self.venv.step_async(actions)

    def step_wait(self) -> VecEnvStepReturn:
        """As the wrapped environment's, with this reward."""
        observations, _, dones, infos = self.venv.step_wait()
        scores = np.array([info["score"] for info in infos])
        room = max(1.0 - self._best, 1e-7)
        rewards = np.clip((scores - self._best) / room, -1.0, 1.0)
        self._best = max(self._best, float(scores.max()))
        return observations, rewards.astype(np.float32), dones, infos
