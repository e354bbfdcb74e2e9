"""Whether what an agent returned is a batch of actions; the error names agent, task, trial and space."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from hpo_gym.evaluation.errors import AgentError


def check_actions(
    actions: Any, space: spaces.Space, is_active: NDArray[np.bool_], seeds: Sequence[int], where: str
) -> NDArray:
    """The batch of actions as an array of the space's kind.

    Args:
        actions: what `predict` returned.
        space: one member's action space.
        is_active: (n_members,) whose action still counts.
        seeds: of the members, for the message.
        where: agent, task and trial, for the message.

    Raises:
        AgentError: wrong shape or dtype, NaN, or outside the space.
    """
    array = np.asarray(actions)
    expected = (len(seeds), *(space.shape or ()))
    if array.shape != expected:
        raise AgentError(
            f"{where}: actions of shape {array.shape} for {len(seeds)} episodes of {space}; expected {expected}"
        )
    if not isinstance(space, spaces.Box) and array.dtype.kind not in "iub":
        raise AgentError(f"{where}: actions of dtype {array.dtype} for {space}; expected integers")
    if array.dtype.kind not in "iubf":
        raise AgentError(f"{where}: actions of dtype {array.dtype} for {space}; expected numbers")
    is_wrong = is_active & ~_is_inside(array, space)
    if is_wrong.any():
        first = int(np.argmax(is_wrong))
        raise AgentError(f"{where}, seed {seeds[first]}: action {array[first].tolist()} is not in {space}")
    return array.astype(space.dtype, copy=False)


def _is_inside(array: NDArray, space: spaces.Space) -> NDArray[np.bool_]:
    """(n_members, ...) -> (n_members,); NaN is never inside."""
    if isinstance(space, spaces.Discrete):
        inside = (array >= space.start) & (array < space.start + space.n)
    elif isinstance(space, spaces.Box):
        inside = (array >= space.low) & (array <= space.high)
    elif isinstance(space, spaces.MultiDiscrete):
        inside = (array >= space.start) & (array < space.start + space.nvec)
    elif isinstance(space, spaces.MultiBinary):
        inside = (array == 0) | (array == 1)
    else:
        inside = np.array([space.contains(action) for action in array], np.bool_)
    return inside.reshape(len(array), -1).all(axis=1)
