"""What an agent sees of a search: its own trials, what is left, and what describes the task beforehand."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from hpo_gym.selection.search_tasks import SearchTasks

BOUND = np.float32(1e30)
"""Of what has no bound of its own: the range of a table's scores would tell about scores not yet seen."""

Buffers = dict[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class SearchObservation:
    """The layout of a search's observation; H trials at most, d hyperparameters, n configurations, m meta-features.

    Attributes:
        horizon: H.
        n_dims: d.
        n_configurations: n.
        n_meta_features: m; the key is left out where m is 0.
        n_levels: fidelity levels to choose from; 0 where the fidelity is no choice.
        observe_pool: whether the pool itself is seen.
    """

    horizon: int
    n_dims: int
    n_configurations: int
    n_meta_features: int
    n_levels: int
    observe_pool: bool

    def space(self) -> spaces.Dict:
        """The observation space of one environment.

        Matrices lie flat, row after row: Stable-Baselines3 takes other shapes for images or warns of them.
        """
        h, d, n = self.horizon, self.n_dims, self.n_configurations
        parts: dict[str, spaces.Space] = {
            "configurations": spaces.Box(0.0, 1.0, (h * d,), np.float32),
            "scores": spaces.Box(-BOUND, BOUND, (h,), np.float32),
            "valid": spaces.MultiBinary(h),
            "remaining": spaces.Box(0.0, 1.0, (1,), np.float32),
        }
        if self.n_meta_features:
            parts["meta_features"] = spaces.Box(-BOUND, BOUND, (self.n_meta_features,), np.float32)
        if self.n_levels:
            parts["fidelities"] = spaces.Box(0.0, 1.0, (h,), np.float32)
        if self.observe_pool:
            parts["pool"] = spaces.Box(0.0, 1.0, (n * d,), np.float32)
            parts["available"] = spaces.MultiBinary(n)
            parts["indices"] = spaces.Box(-1, n - 1, (h,), np.int64)
        return spaces.Dict(parts)

    def history_buffers(self, num_envs: int) -> Buffers:
        """Empty (num_envs, ...) arrays of what changes from trial to trial."""
        h, d = self.horizon, self.n_dims
        buffers: Buffers = {
            "configurations": np.zeros((num_envs, h, d), np.float32),
            "scores": np.zeros((num_envs, h), np.float32),
            "valid": np.zeros((num_envs, h), np.int8),
            "remaining": np.ones((num_envs, 1), np.float32),
        }
        if self.n_levels:
            buffers["fidelities"] = np.zeros((num_envs, h), np.float32)
        if self.observe_pool:
            buffers["indices"] = np.full((num_envs, h), -1, np.int64)
        return buffers


def clear_history(buffers: Buffers, members: Any) -> None:
    """Set the members' buffers back to those of an episode without trials."""
    for name, buffer in buffers.items():
        buffer[members] = {"remaining": 1, "indices": -1}.get(name, 0)


def padded_pool(tasks: SearchTasks, task: int) -> NDArray[np.float32]:
    """(n * d,) read-only: the task's pool, zeros after it where other tasks' pools are longer."""
    pool = tasks.pool(task)
    missing = tasks.n_configurations - len(pool)
    padded = (np.pad(pool, ((0, missing), (0, 0))) if missing else pool).reshape(-1)
    padded.flags.writeable = False
    return padded
