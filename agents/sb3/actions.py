"""What makes actions easy to learn: a policy that starts in the middle of a box, a shortlist of a great pool."""

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn


def draw_shortlist(action_space: Any, n_rows: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """(k,) pool rows, ascending, that a `Discrete` head chooses from: all, or a uniform draw of n_rows.

    A head with one output a configuration neither fits nor learns on a pool of tens of thousands, most of
    which training never visits; a few hundred rows cover the space as well.

    Raises:
        ValueError: the environment's actions are not rows of a pool.
    """
    if not isinstance(action_space, spaces.Discrete):
        raise ValueError(f"this agent chooses rows: it needs action='index' without fidelity, got {action_space}")
    n = int(action_space.n)
    return np.arange(n) if n <= n_rows else np.sort(rng.choice(n, n_rows, replace=False))


def start_in_the_middle(model: BaseAlgorithm) -> None:
    """Move a new Gaussian policy's means to the middle of the box of actions; SB3's start at 0, wherever that is.

    In the unit cube that is a corner: three of four points in two dimensions would be cut off at a face.
    """
    policy, box = model.policy, model.action_space
    has_means = isinstance(policy, ActorCriticPolicy) and hasattr(policy, "action_net")
    if isinstance(box, spaces.Box) and has_means and not policy.squash_output:
        means: Any = policy.action_net
        with torch.no_grad():
            means.bias.copy_(torch.as_tensor((box.low + box.high) / 2))


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
