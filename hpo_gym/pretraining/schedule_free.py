"""Schedule-free AdamW (Defazio et al. 2024) for the members of a group: the `schedulefree` package, one a member.

The package knows one learning rate a parameter group and no group axis, so that each member has its own
optimizer over slices of the state. It is a reference, not a controlled run: speed does not matter here.
"""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import schedulefree
import torch
from numpy.typing import NDArray
from torch import Tensor

from hpo_gym.pretraining.optimizer import ADAM_EPS, OTHERS, Rates

BETAS = (0.9, 0.999)
"""The package's own; the paper names none."""

_PACKAGE_NAMES = {"z": "first", "exp_avg_sq": "second"}
"""What the package keeps of a parameter -> where the state keeps it. z starts as the parameter itself."""


class ScheduleFreeMembers:
    """One optimizer a member. Between updates the state holds y, where gradients are taken."""

    def __init__(self, n_members: int) -> None:
        self._optimizers = [_new_optimizer() for _ in range(n_members)]

    def restart(self, member: int) -> None:
        """A new run begins."""
        self._optimizers[member] = _new_optimizer()

    def update(
        self,
        state: Mapping[str, Tensor],
        gradients: Mapping[str, Tensor],
        rates: Rates,
        members: NDArray[np.int64],
    ) -> None:
        """One update of all but the matrices; see `GroupOptimizer.update`."""
        for position, member in enumerate(members):
            optimizer = self._optimizers[member]
            self._bind(optimizer, state, position)
            for group in optimizer.param_groups:
                name = group["name"]
                (parameter,) = group["params"]
                parameter.grad = gradients[name][position]
                group["lr"] = float(rates.lr[name][position])
                group["weight_decay"] = float(rates.weight_decay[name][position])
            optimizer.step()

    def averaged(self, state: Mapping[str, Tensor], members: NDArray[np.int64]) -> dict[str, Tensor]:
        """The state with x, the average, in the place of y; the state itself stays as it is."""
        judged = {name: value.clone() if name in OTHERS else value for name, value in state.items()}
        for position, member in enumerate(members):
            optimizer = self._optimizers[member]
            if self.updates_done(optimizer) == 0:
                continue
            self._bind(optimizer, judged, position)
            optimizer.eval()  # moves the bound copies to x
            for group in optimizer.param_groups:
                group["train_mode"] = True  # the state was never moved
        return judged

    @staticmethod
    def updates_done(optimizer: Any) -> int:
        """How many updates an optimizer has made."""
        return int(optimizer.param_groups[0]["k"])

    def progress(self, members: NDArray[np.int64]) -> list[dict[str, Any]]:
        """The package's own counters of each member, copied."""
        return [
            {
                group["name"]: {k: copy.deepcopy(v) for k, v in group.items() if k != "params"}
                for group in self._optimizers[member].param_groups
            }
            for member in members
        ]

    def set_progress(self, members: NDArray[np.int64], progress: list[dict[str, Any]]) -> None:
        """Take over what `progress` gave."""
        for member, kept in zip(members, progress, strict=True):
            self._optimizers[member] = _new_optimizer()
            for group in self._optimizers[member].param_groups:
                group.update(copy.deepcopy(kept[group["name"]]))

    def _bind(self, optimizer: Any, state: Mapping[str, Tensor], position: int) -> None:
        """Let the optimizer's parameters and moments be slices of the state."""
        is_first = self.updates_done(optimizer) == 0
        for group in optimizer.param_groups:
            (parameter,) = group["params"]
            parameter.data = state[group["name"]][position]
            kept = {ours: state[f"{theirs}.{group['name']}"][position] for ours, theirs in _PACKAGE_NAMES.items()}
            if is_first:
                kept["z"].copy_(parameter.data)
            optimizer.state[parameter] = kept


def _new_optimizer() -> Any:
    optimizer = schedulefree.AdamWScheduleFree(
        [{"params": [torch.nn.Parameter(torch.zeros(()))], "name": name} for name in OTHERS],
        betas=BETAS,
        eps=ADAM_EPS,
        foreach=False,
    )
    optimizer.train()
    return optimizer
