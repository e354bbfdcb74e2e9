"""What an action of in-run control stands for: factors on the recipe's learning rates and weight decays."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

ActionKind = Literal["shared", "per_optimizer", "discrete"]
Floats = NDArray[np.float64]

LARGEST_SCALE = 100.0
"""An action u in [-1, 1] gives the scale 100^u, JEL's range: exp(L tanh(x)) with L = ln 100."""

LR_GRID = (-1.0, -2 / 3, -1 / 3, 0.0, 1 / 3, 2 / 3, 1.0)
WD_GRID = (-1.0, 0.0, 1.0)
"""The u that a discrete action chooses from: learning rates a factor 4.6 apart, weight decays 100."""

_DISCRETE = np.array([(lr, wd) for lr in LR_GRID for wd in WD_GRID])
_ROUNDING = 1e-6  # what an agent's own arithmetic may lie beyond the box


@dataclass(frozen=True, kw_only=True)
class ControlActions:
    """Actions of one kind, as points u of [-1, 1]: (lr, wd), or (matrices' lr, wd, the rest's lr, wd).

    Attributes:
        kind: "shared" one pair for all parameters, "per_optimizer" two pairs, "discrete" a pair of a grid.
    """

    kind: ActionKind

    @property
    def n_dims(self) -> int:
        """Numbers in a point u."""
        return 4 if self.kind == "per_optimizer" else 2

    def space(self) -> spaces.Space:
        """The action space of one environment."""
        if self.kind == "discrete":
            return spaces.Discrete(len(_DISCRETE))
        return spaces.Box(-1.0, 1.0, (self.n_dims,), np.float32)

    @cached_property
    def neutral(self) -> Any:
        """The action that leaves the recipe as it is: both scales 1."""
        if self.kind == "discrete":
            return int(np.flatnonzero(~_DISCRETE.any(axis=1))[0])
        return np.zeros(self.n_dims, np.float32)

    def points(self, actions: Any, k: int) -> Floats:
        """The (k, n_dims) points that k actions stand for.

        Raises:
            ValueError: an action is not in the action space.
        """
        actions = np.asarray(actions)
        if self.kind == "discrete":
            return _DISCRETE[self._numbers(actions, k)]
        if actions.shape != (k, self.n_dims) or actions.dtype.kind not in "fiu":
            raise ValueError(f"actions {actions!r}: {k} points of shape ({self.n_dims},) are needed")
        points = actions.astype(np.float64)
        largest = np.abs(points).max(initial=0.0)
        if not largest <= 1.0 + _ROUNDING:  # NaN too
            wrong = actions[~(np.abs(points) <= 1.0 + _ROUNDING).all(axis=1)][0]
            raise ValueError(f"action {wrong.tolist()}: {self.n_dims} finite numbers in [-1, 1] are needed")
        return points if largest <= 1.0 else points.clip(-1.0, 1.0)

    def _numbers(self, actions: NDArray[Any], k: int) -> NDArray[Any]:
        if actions.shape != (k,) or actions.dtype.kind not in "iu":
            raise ValueError(f"actions {actions!r}: {k} whole numbers are needed, each an entry of action_scales()")
        wrong = actions[(actions < 0) | (actions >= len(_DISCRETE))]
        if len(wrong):
            raise ValueError(f"action {wrong[0]}: an entry of action_scales(), 0 to {len(_DISCRETE) - 1}, is needed")
        return actions

    def scales(self, points: Floats) -> tuple[Floats, Floats]:
        """lr_scale and wd_scale, each (k, 2): of the matrices and of the rest."""
        scales = LARGEST_SCALE**points
        if self.kind != "per_optimizer":
            return np.repeat(scales[:, :1], 2, axis=1), np.repeat(scales[:, 1:], 2, axis=1)
        return scales[:, 0::2], scales[:, 1::2]

    def table(self) -> Floats:
        """(n, 2): lr_scale and wd_scale of every discrete action.

        Raises:
            ValueError: the actions are continuous.
        """
        if self.kind != "discrete":
            raise ValueError(f"action={self.kind!r} has no list of scales: u gives the scale {LARGEST_SCALE:g}^u")
        return LARGEST_SCALE**_DISCRETE

    def nearest(self, lr_scale: Any, wd_scale: Any) -> Any:
        """The actions whose scales, the same for all parameters, are nearest on the log axis.

        Args:
            lr_scale, wd_scale: numbers, or arrays of one shape s; what lies beyond [0.01, 100] is cut off.

        Returns:
            Points (*s, n_dims) float32, or with "discrete" whole numbers (*s,).
        """
        pair = np.stack(np.broadcast_arrays(lr_scale, wd_scale), axis=-1).astype(np.float64)
        points = (np.log(pair) / np.log(LARGEST_SCALE)).clip(-1.0, 1.0)
        if self.kind == "discrete":
            return np.square(points[..., None, :] - _DISCRETE).sum(axis=-1).argmin(axis=-1)
        return np.concatenate([points] * (self.n_dims // 2), axis=-1).astype(np.float32)
