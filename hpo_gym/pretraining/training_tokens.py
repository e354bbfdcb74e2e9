"""Training tokens on the device, a segment at a time, sent ahead while the device still trains on the last ones."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hpo_gym.pretraining.run_data import RunData

Counts = NDArray[np.int64]
_Key = tuple[tuple[int, ...], tuple[int, ...], int]


class TrainingTokens:
    """What k runs read next. Which rows that is follows from seeds and counts, so that it can be known beforehand.

    Args:
        data: the text.
        device: where the tokens go.
    """

    def __init__(self, data: RunData, device: str) -> None:
        self._data, self._device = data, torch.device(device)
        self._ahead: tuple[_Key, Tensor] | None = None

    def take(self, run_seeds: Counts, updates_done: Counts, n_updates: int) -> Tensor:
        """(n_updates, k, B, T + 1) int32 on the device: those that were sent ahead, if they are the ones."""
        key = _key(run_seeds, updates_done, n_updates)
        ahead, self._ahead = self._ahead, None
        return ahead[1] if ahead and ahead[0] == key else self._sent(run_seeds, updates_done, n_updates)

    def prepare(self, run_seeds: Counts, updates_done: Counts, n_updates: int) -> None:
        """Send these ahead, without waiting for the device."""
        self._ahead = (
            _key(run_seeds, updates_done, n_updates),
            self._sent(run_seeds, updates_done, n_updates),
        )

    def _sent(self, run_seeds: Counts, updates_done: Counts, n_updates: int) -> Tensor:
        batches = self._data.training(run_seeds, updates_done, n_updates).astype(np.int32)
        tokens = torch.from_numpy(np.ascontiguousarray(batches.swapaxes(0, 1)))
        if self._device.type == "cuda":
            tokens = tokens.pin_memory()  # only from there a copy does not wait
        return tokens.to(self._device, non_blocking=True)


def _key(run_seeds: Counts, updates_done: Counts, n_updates: int) -> _Key:
    return tuple(run_seeds.tolist()), tuple(updates_done.tolist()), n_updates
