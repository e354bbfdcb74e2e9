"""What a group of training runs offers to whoever controls it: the one interface of every simulator."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Members = NDArray[np.int64] | None
"""Positions of k members in their group; None is all of them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Segment:
    """What k members report of a stretch of updates.

    Attributes:
        train_loss: (k,) nats, of the last update.
        grad_norm: (k,) L2 norm over all parameters, of the last update.
        momentum_norm: (k,) L2 norm of the optimizers' first moments after the last update.
        lr, wd: (k, 2) as applied in the last update; columns as in `Runs.advance`.
        is_finite: (k,) whether every training loss of the segment was finite.
    """

    train_loss: Floats
    grad_norm: Floats
    momentum_norm: Floats
    lr: Floats
    wd: Floats
    is_finite: NDArray[np.bool_]


class Runs(Protocol):
    """`n_members` training runs side by side. A member's numbers never depend on its neighbours.

    Attributes:
        n_members: G.
        n_updates: T, the horizon of every member.
        updates_done: (G,) int64.
    """

    n_members: int
    n_updates: int
    updates_done: NDArray[np.int64]

    def start(self, run_seeds: NDArray[np.int64], members: Members = None) -> None:
        """Begin new runs; initial weights, data order and probe batches follow from a member's seed alone."""

    def advance(self, n_updates: int, lr_scale: Floats, wd_scale: Floats, members: Members = None) -> Segment:
        """Train on.

        Args:
            n_updates: how many updates; more than a member has left is a `ValueError`.
            lr_scale, wd_scale: (k, 2) factors on the recipe's learning rates and weight decays. Column 0
                governs the matrices (Muon's), column 1 all other parameters.
            members: whom.
        """

    def probe(self, members: Members = None) -> Floats:
        """(k,) nats: mean loss on the fixed probe batches. Changes nothing."""

    def validate(self, members: Members = None) -> Floats:
        """(k,) the outcome that runs are judged by, lower is better. Changes nothing."""

    def cap_outcome(self, loss_nats: float) -> float:
        """The outcome of a run whose loss counts as `loss_nats`, for runs that diverged."""

    def snapshot(self, members: Members = None) -> Any:
        """All that the future of these members depends on; restoring it and going on is exact to the bit."""

    def restore(self, snapshot: Any, members: Members = None) -> None:
        """Put snapshots of k members into k members, of this or of another group with the same settings."""
