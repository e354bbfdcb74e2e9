"""Gymnasium reports the infos of a vector environment as one dict of arrays; here it becomes one dict a member."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np

FINAL_KEYS = frozenset({"final_obs", "final_info"})


def member_infos(infos: Mapping[str, Any], num_envs: int) -> list[dict[str, Any]]:
    """What each member's own environment would have reported.

    Args:
        infos: `key` -> one value a member (or a dict of such), `_key` -> (num_envs,) bool, whether the member
            has it; without a `_key` all have it. The reports on finished episodes are left out.
        num_envs: members.

    Returns:
        num_envs dicts; numbers and flags as Python's own, arrays as copies.
    """
    rows: list[dict[str, Any]] = [{} for _ in range(num_envs)]
    for key, values in infos.items():
        if key in FINAL_KEYS or (key[0] == "_" and key[1:] in infos):
            continue
        has_it = infos.get("_" + key)
        own = _by_member(values, num_envs)
        if has_it is None:
            for row, value in zip(rows, own, strict=True):
                row[key] = value
        else:
            for row, value, reported in zip(rows, own, has_it.tolist(), strict=True):
                if reported:
                    row[key] = value
    return rows


def member_value(batch: Any, i: int) -> Any:
    """A copy of member i's part of a batch: an array, an object array, or a dict of arrays."""
    if isinstance(batch, Mapping):
        return {name: np.array(values[i]) for name, values in batch.items()}
    return deepcopy(batch[i])


def _by_member(values: Any, num_envs: int) -> list[Any]:
    if isinstance(values, Mapping):
        return list(member_infos(values, num_envs))
    if isinstance(values, np.ndarray) and values.ndim > 1:
        return list(values.copy())
    return values.tolist() if isinstance(values, np.ndarray) else list(values)
