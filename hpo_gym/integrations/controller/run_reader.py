"""What an attached controller sees of a run, in the units that it was trained with."""

import math
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hpo_gym.envs.in_run.observations import RunObservation

READABLE = ("progress", "loss", "loss_change", "last_action")
"""Fields that can be had in any loop."""
FORESEEABLE = ("progress",)
"""What a controller reads whose decisions are all known before the run."""

LOSS_CAP = 2.0
"""In units of the loss at the start, as in training."""
N_AVERAGED = 10
"""Losses that are averaged into one: in training a probe set gives it, here batches of the run do."""


class RunReader:
    """Writes observations from the losses that it is told.

    Args:
        fields: of `READABLE`.
        n_action_dims: numbers in an action's point.
    """

    def __init__(self, fields: tuple[str, ...], n_action_dims: int) -> None:
        self.layout = RunObservation(fields=fields, n_action_dims=n_action_dims, loss_unit=1.0, loss_cap=LOSS_CAP)
        self.reads_losses = not {"loss", "loss_change"}.isdisjoint(fields)
        self._unit: float | Tensor | None = None  # the first loss of the run
        self._previous: float | None = None
        self._recent: deque[float | Tensor] = deque(maxlen=N_AVERAGED)

    def observe(self, loss: float | Tensor) -> None:
        """A training loss; a tensor is not waited for before the next decision."""
        if self.reads_losses:
            kept = loss.detach().clone() if isinstance(loss, Tensor) else float(loss)
            self._recent.append(kept)
            self._unit = kept if self._unit is None else self._unit

    def observation(self, progress: float, last_point: Sequence[float]) -> NDArray[np.float32]:
        """(1, width) at a decision; the losses are used up by it.

        Raises:
            RuntimeError: no loss was told since the last decision.
        """
        loss = self._loss()
        change = 0.0 if self._previous is None else loss - self._previous
        self._previous = loss
        rows = np.zeros((1, self.layout.width), np.float32)
        self.layout.write(
            rows, slice(None), progress=progress, loss=loss, loss_change=change, last_action=np.array([last_point])
        )
        return rows

    def _loss(self) -> float:
        """The recent losses' mean over the run's first; 1 at a first decision before any."""
        if not self.reads_losses or (self._previous is None and not self._recent):
            return 1.0
        if not self._recent:
            raise RuntimeError(
                "this controller reads the loss, and was told none since its last decision: "
                "call controller.observe(loss) at each update"
            )
        self._settle()
        assert isinstance(self._unit, float)
        mean = sum(self._recent) / len(self._recent) / self._unit if self._unit > 0 else math.nan
        self._recent.clear()
        return float(min(mean, LOSS_CAP)) if math.isfinite(mean) else LOSS_CAP

    def _settle(self) -> None:
        """Tensors become numbers: a device is waited for here, and nowhere else."""
        if isinstance(self._unit, Tensor):
            self._unit = float(self._unit.mean())
        numbers = (float(x.mean()) if isinstance(x, Tensor) else x for x in self._recent)
        self._recent = deque(numbers, maxlen=N_AVERAGED)

    def state_dict(self) -> dict[str, Any]:
        """JSON-able."""
        self._settle()
        return {"unit": self._unit, "previous": self._previous, "recent": list(self._recent)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """What `state_dict` gave."""
        self._unit, self._previous = state["unit"], state["previous"]
        self._recent = deque(state["recent"], maxlen=N_AVERAGED)
