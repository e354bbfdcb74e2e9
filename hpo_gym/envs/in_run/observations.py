"""What an agent sees of a training run: a few named numbers, each scaled by what is known beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

FIELDS = ("progress", "loss", "loss_change", "grad_norm", "momentum_norm", "last_action")
"""
progress: share of the updates that are done, in [0, 1].
loss: probe loss over the loss that an untrained run is expected to have, in [0, cap].
loss_change: how far the last segment moved that, in [-cap, cap]; 0 at the start.
grad_norm, momentum_norm: log10 of the norm at the last update, over 4, in [-1, 1]; -1 at the start, which has none.
last_action: the point u of the last action, in [-1, 1]; 0 at the start.

Cap is the loss at which a run counts as diverged, over the expected loss of an untrained one. What lies beyond a
bound, such as a gradient norm above 10^4, is shown at the bound.
"""

DECADES = 4.0
"""log10 of the largest norm that is told from larger ones; its inverse is the smallest."""


@dataclass(frozen=True, kw_only=True)
class RunObservation:
    """Layout of the observation.

    Attributes:
        fields: of `FIELDS`, in the order in which they are laid out.
        n_action_dims: numbers in an action's point.
        loss_unit: nats that count as a loss of 1.
        loss_cap: nats.
    """

    fields: tuple[str, ...]
    n_action_dims: int
    loss_unit: float
    loss_cap: float

    def space(self) -> spaces.Box:
        """The observation space of one environment."""
        cap = self.loss_cap / self.loss_unit
        bounds = {"progress": (0.0, 1.0), "loss": (0.0, cap), "loss_change": (-cap, cap)}
        low, high = np.array(
            [bounds.get(field, (-1.0, 1.0)) for field in self.fields for _ in range(self._width(field))], np.float32
        ).T
        return spaces.Box(low, high, dtype=np.float32)

    def _width(self, field: str) -> int:
        return self.n_action_dims if field == "last_action" else 1

    @property
    def names(self) -> tuple[str, ...]:
        """The field that each number of an observation belongs to."""
        return tuple(field for field in self.fields for _ in range(self._width(field)))

    @property
    def width(self) -> int:
        """Numbers in an observation."""
        return len(self.names)

    def write(self, rows: NDArray[np.float32], at: Any, **values: Any) -> None:
        """Write the scaled fields of some members.

        Args:
            rows: (G, width) the observations of all members.
            at: the k members.
            **values: progress, loss, loss_change (nats), grad_norm, momentum_norm (k,) and last_action (k, a).
        """
        column = 0
        for field in self.fields:
            width = self._width(field)
            value = values[field]
            rows[at, column if width == 1 else slice(column, column + width)] = self._scaled(field, value)
            column += width

    def _scaled(self, field: str, value: Any) -> Any:
        if field in ("loss", "loss_change"):
            cap = np.float32(self.loss_cap / self.loss_unit)
            return np.clip(np.asarray(value / self.loss_unit, np.float32), -cap, cap)
        if field in ("grad_norm", "momentum_norm"):
            with np.errstate(divide="ignore"):
                decades = np.log10(np.nan_to_num(np.asarray(value, np.float64), nan=np.inf))
            return np.clip(decades / DECADES, -1.0, 1.0)
        return value


def check_fields(fields: Any) -> tuple[str, ...]:
    """The observation option as a tuple of fields; anything else is a `ValueError`."""
    listed: Sequence[str] = (fields,) if isinstance(fields, str) else tuple(fields)
    if not listed or len(set(listed)) != len(listed) or not set(listed) <= set(FIELDS):
        raise ValueError(f"observation={fields!r}: different ones of {', '.join(FIELDS)} are needed, one or more")
    return tuple(listed)
