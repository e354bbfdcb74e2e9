"""How learning rate, momentum and weight decay move over a run, before any controller touches them.

Updates are counted from 0: t is how many were done before. All functions take arrays of t.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

MUON_WARMUP_UPDATES = 300


def lr_factor(t: Counts, n_updates: int, warmup_fraction: float, warmdown_fraction: float) -> Floats:
    """Rises linearly over the warm-up, stays at 1, falls linearly towards 0 over the warm-down.

    nanochat has no warm-up and a warm-down of 0.4; it stays flat while t <= T - round(0.4 T).
    """
    n_warmup, n_warmdown = round(warmup_fraction * n_updates), round(warmdown_fraction * n_updates)
    rising = (t + 1) / max(n_warmup, 1)
    falling = (n_updates - t) / max(n_warmdown, 1)
    return np.minimum(np.where(t < n_warmup, rising, 1.0), np.where(t > n_updates - n_warmdown, falling, 1.0))


def weight_decay_factor(t: Counts, n_updates: int, kind: str) -> Floats:
    """1 - t / T for "linear" (nanochat), 1 for "constant"."""
    return 1.0 - t / n_updates if kind == "linear" else np.ones(np.shape(t))


def muon_momentum(t: Counts) -> Floats:
    """0.85, rising linearly to 0.95 over the first 300 updates."""
    share = np.minimum(t / MUON_WARMUP_UPDATES, 1.0)
    return 0.85 * (1 - share) + 0.95 * share
