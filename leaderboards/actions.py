"""Whether what stands in a file is a series of actions of a board."""

from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.evaluation.brief import brief
from leaderboards.board import ActionKind

_ONCE = ("index", "fidelity")
"""Ways of acting where a row may come once an episode; with fidelity levels once a level, and always higher."""

_UNTIL_REPEAT = "until_repeat"
"""Where a row that comes again ends the episode."""


class ActionsError(ValueError):
    """Why a list is no series of actions; one line, without saying where the list stands."""


def parse_actions(values: Any, name: str, kind: ActionKind) -> NDArray:
    """A list as JSON gives it -> (n_steps, *action shape) int64 or float64.

    Args:
        values: anything.
        name: of the way of acting, as `Board.actions` has it.
        kind: what it looks like.

    Raises:
        ActionsError: another number of actions, another shape, what is no number, out of range, or a repeat.
    """
    if not isinstance(values, list):
        raise ActionsError(f"must be a list, got {brief(values)}")
    n_least = 1 if kind.may_be_shorter else kind.n_steps
    if not n_least <= len(values) <= kind.n_steps:
        needed = f"{n_least} to {kind.n_steps}" if kind.may_be_shorter else f"{kind.n_steps}"
        raise ActionsError(f"has {len(values)} actions; an episode has {needed}")
    actions = _whole_numbers(values, kind) if kind.sizes else _numbers(values, kind)
    if actions is None:
        raise ActionsError(_first_flaw(values, kind))
    if name in _ONCE:
        _check_repeats(actions)
    if name == _UNTIL_REPEAT:
        _check_end(actions, kind)
    return actions


def _whole_numbers(values: list[Any], kind: ActionKind) -> NDArray[np.int64] | None:
    """(n_steps,) or (n_steps, n_sizes); None if there is a flaw."""
    is_scalar = len(kind.sizes) == 1
    flat = values if is_scalar else _flat(values, len(kind.sizes))
    if flat is None or set(map(type, flat)) != {int}:
        return None
    try:
        actions = np.array(flat, np.int64)
    except OverflowError:
        return None
    actions = actions if is_scalar else actions.reshape(-1, len(kind.sizes))
    highest = actions.view(np.uint64).max(axis=0)  # negative ones are huge when read as unsigned
    return actions if (highest < kind.sizes).all() else None


def _numbers(values: list[Any], kind: ActionKind) -> NDArray[np.float64] | None:
    """(n_steps, n_numbers); None if there is a flaw."""
    flat = _flat(values, kind.n_numbers)
    if flat is None or not set(map(type, flat)) <= {int, float}:
        return None
    try:
        actions = np.array(flat, np.float64).reshape(-1, kind.n_numbers)
    except OverflowError:
        return None
    return actions if actions.min() >= kind.low and actions.max() <= kind.high else None


def _flat(values: list[Any], width: int) -> list[Any] | None:
    """The numbers of lists of `width`; None if that is not what they are."""
    if set(map(type, values)) != {list} or set(map(len, values)) != {width}:
        return None
    return list(chain.from_iterable(values))


def _first_flaw(values: list[Any], kind: ActionKind) -> str:
    """What is wrong with the first action that is wrong; slow, for files that are refused anyway."""
    n_parts = len(kind.sizes) or kind.n_numbers
    is_scalar = len(kind.sizes) == 1
    for k, action in enumerate(values, start=1):
        if not is_scalar and (not isinstance(action, list) or len(action) != n_parts):
            return f"action {k} must be a list of {n_parts} numbers, got {brief(action)}"
        for i, number in enumerate([action] if is_scalar else action):
            if not _is_inside(number, i, kind):
                place = f"action {k}" if is_scalar else f"action {k}, number {i + 1},"
                return f"{place} must be {_allowed(i, kind)}, got {brief(number)}"
    raise AssertionError("there is no flaw")


def _is_inside(number: Any, i: int, kind: ActionKind) -> bool:
    if kind.sizes:
        return type(number) is int and 0 <= number < kind.sizes[i]
    return type(number) in (int, float) and kind.low <= number <= kind.high


def _allowed(i: int, kind: ActionKind) -> str:
    return f"a whole number, 0 to {kind.sizes[i] - 1}" if kind.sizes else f"a number from {kind.low} to {kind.high}"


def _check_repeats(actions: NDArray) -> None:
    """An `ActionsError` that names both, where a configuration is tried again."""
    is_by_level = actions.ndim == 2
    rows = (actions[:, 0] if is_by_level else actions).tolist()
    if len(set(rows)) == len(rows):
        return
    levels = actions[:, 1].tolist() if is_by_level else [0] * len(rows)
    tried: dict[int, tuple[int, int]] = {}
    for k, (row, level) in enumerate(zip(rows, levels, strict=True), start=1):
        before, highest = tried.get(row, (0, -1))
        if level <= highest:
            again = f" at level {level}, which is not above level {highest}" if is_by_level else ""
            raise ActionsError(f"actions {before} and {k} are both configuration {row}{again}; each may come once")
        tried[row] = (k, level)


def _check_end(actions: NDArray, kind: ActionKind) -> None:
    """An `ActionsError` where a search goes on after a repeat, or stops before its end without one."""
    _check_repeats(actions[:-1])
    if len(actions) < kind.n_steps and actions[-1] not in actions[:-1]:
        raise ActionsError(f"ends after {len(actions)} actions without a repeat; an episode has {kind.n_steps}")
