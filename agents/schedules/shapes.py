"""Schedules with few numbers: constant, cosine and linear scales, as points u of [-1, 1] (scale 100^u)."""

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from agents.schedules.schedule import scales_of

Floats = NDArray[np.float64]

FLOOR = 0.1
"""Share of its peak that a falling learning rate ends at; the recipe's own warm-down goes on below it."""


def constant(point: Floats, n_decisions: int) -> Floats:
    """(lr, wd) points (2,) -> the same scales at every decision (n_decisions, 2)."""
    return np.tile(scales_of(point), (n_decisions, 1))


def cosine(point: Floats, n_decisions: int) -> Floats:
    """The learning rate falls from its peak to a tenth of it along half a cosine; weight decay stays."""
    share = (1 + np.cos(np.pi * _progress(n_decisions))) / 2
    return _falling(point, share)


def linear(point: Floats, n_decisions: int) -> Floats:
    """The learning rate falls from its peak to a tenth of it along a line; weight decay stays."""
    return _falling(point, 1 - _progress(n_decisions))


def _progress(n_decisions: int) -> Floats:
    """(n_decisions,) 0 at the first, 1 at the last."""
    return np.linspace(0.0, 1.0, n_decisions) if n_decisions > 1 else np.zeros(1)


def _falling(point: Floats, share: Floats) -> Floats:
    peak, wd_scale = scales_of(point)
    lr_scale = peak * (FLOOR + (1 - FLOOR) * share)
    return np.stack([lr_scale, np.full_like(lr_scale, wd_scale)], axis=1)


SHAPES: MappingProxyType[str, Callable[[Floats, int], Floats]] = MappingProxyType(
    {"constant": constant, "cosine": cosine, "linear": linear}
)
"""By agent name: from a point (2,) to scales (n_decisions, 2)."""
