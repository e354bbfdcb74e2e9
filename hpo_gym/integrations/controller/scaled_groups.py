"""Learning rates and weight decays of an optimizer's groups, scaled for the length of one update."""

from dataclasses import dataclass
from typing import Any

from torch.optim import Optimizer

from hpo_gym.integrations.controller.matrices import group_is_matrices


@dataclass(frozen=True, kw_only=True)
class Scales:
    """What learning rates and weight decays are multiplied by.

    Attributes:
        lr, wd: of matrices, and of the rest; the same twice where the controller does not tell them apart.
    """

    lr: tuple[float, float]
    wd: tuple[float, float]


class ScaledGroups:
    """Scales whatever the groups hold at the moment, and puts back what they held.

    Schedulers and users therefore never see a scaled value, and groups may be added or replaced at any time.

    Args:
        optimizer: whose groups.
        tells_apart: whether groups of matrices have scales of their own.
    """

    def __init__(self, optimizer: Optimizer, *, tells_apart: bool) -> None:
        self.optimizer = optimizer
        self.tells_apart = tells_apart
        self._columns: list[int] = []
        self._held: list[tuple[dict[str, Any], str, Any, Any]] = []
        self._last = self._held

    def columns(self) -> list[int]:
        """0 for each group that gets the matrices' scales, 1 for each that gets those of the rest."""
        if len(self._columns) != len(self.optimizer.param_groups):
            self.sort()
        return self._columns

    def sort(self) -> None:
        """Look anew at what each group is."""
        groups = self.optimizer.param_groups
        self._columns = [int(self.tells_apart and not group_is_matrices(group)) for group in groups]

    def scale(self, scales: Scales) -> None:
        """Until `put_back`, which an update that failed may have left out: then it is done first."""
        self.put_back()
        for group, column in zip(self.optimizer.param_groups, self.columns(), strict=True):
            self._scale_one(group, "lr", scales.lr[column])
            if "weight_decay" in group:
                self._scale_one(group, "weight_decay", scales.wd[column])

    def _scale_one(self, group: dict[str, Any], key: str, factor: float) -> None:
        held = group[key]
        scaled = held * factor  # a tensor stays one, on its device
        group[key] = scaled
        self._held.append((group, key, held, scaled))

    def put_back(self) -> None:
        """What was held before, except where somebody has set another value since."""
        for group, key, held, scaled in self._held:
            if group[key] is scaled:
                group[key] = held
        if self._held:
            self._last, self._held = self._held, []

    def last(self, key: str, factors: tuple[float, float]) -> list[float]:
        """Values of `key` as last applied, one a group that has it; before the first update by these factors."""
        if self._last:
            return [float(scaled) for _, name, _, scaled in self._last if name == key]
        rows = zip(self.optimizer.param_groups, self.columns(), strict=True)
        return [float(group[key]) * factors[column] for group, column in rows if key in group]
