"""What training any SB3 algorithm on the training tasks has in common."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from hpo_gym.evaluation.agent import AgentContext
from hpo_gym.integrations.stable_baselines3 import Sb3VecEnv


def make_training_vec_env(context: AgentContext, n_envs: int) -> VecEnv:
    """The training tasks behind SB3's interface, a random one each episode.

    The pool is left out of the observation: replay and rollout buffers would hold a copy of it a step.
    """
    return Sb3VecEnv(context.make_training_env(n_envs, autoreset_mode=AutoresetMode.SAME_STEP, observe_pool=False))


@contextmanager
def reproducible_training() -> Iterator[None]:
    """One torch thread, and the global generators left as they were.

    SB3's `seed=` seeds Python's, numpy's and torch's global generators; with another number of threads the
    same seed gives another policy (sums are added up in another order). Small networks gain nothing by a second.
    """
    n_threads = torch.get_num_threads()
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 - SB3 seeds this one
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])


def draw_shortlist(action_space: Any, n_rows: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """(k,) pool rows, ascending, that a `Discrete` head chooses from: all, or a uniform draw of n_rows.

    A head with one output a configuration neither fits nor learns on a pool of tens of thousands, most of
    which training never visits; a few thousand rows cover the space as well.

    Raises:
        ValueError: the environment's actions are not rows of a pool.
    """
    if not isinstance(action_space, spaces.Discrete):
        raise ValueError(f"this agent chooses rows: it needs action='index' without fidelity, got {action_space}")
    n = int(action_space.n)
    return np.arange(n) if n <= n_rows else np.sort(rng.choice(n, n_rows, replace=False))


class ShortlistVecEnv(VecEnvWrapper):
    """Actions 0 ... k - 1 stand for the rows of a shortlist.

    Args:
        venv: with a `Discrete(n)` action space.
        rows: (k,) rows of the pool.
    """

    def __init__(self, venv: VecEnv, rows: NDArray[np.int64]) -> None:
        self.rows = rows
        super().__init__(venv, action_space=spaces.Discrete(len(rows)))

    def reset(self) -> VecEnvObs:
        """As the wrapped environment's."""
        return self.venv.reset()

    def step_async(self, actions: NDArray[np.int64]) -> None:
        """Take the rows that the actions stand for."""
        self.venv.step_async(self.rows[actions])

    def step_wait(self) -> VecEnvStepReturn:
        """As the wrapped environment's."""
        return self.venv.step_wait()

    def env_method(self, method_name: str, *args: Any, indices: VecEnvIndices = None, **kwargs: Any) -> list[Any]:
        """As the wrapped environment's; action masks are those of the shortlist."""
        results = self.venv.env_method(method_name, *args, indices=indices, **kwargs)
        return [mask[self.rows] for mask in results] if method_name == "action_masks" else results
