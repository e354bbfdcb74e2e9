"""Learning rates, weight decays and momenta of every update of a segment, worked out before it begins."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hpo_gym.pretraining import schedules
from hpo_gym.pretraining.optimizer import MATRICES, OTHERS, Rates
from hpo_gym.pretraining.recipe import Recipe
from hpo_gym.pretraining.run_settings import RunSettings
from hpo_gym.pretraining.runs import Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentPlan:
    """Tensors (n_updates, k) on the device, so that nothing has to be sent there while it trains.

    Attributes:
        lr, weight_decay: by parameter name.
        momentum: Muon's.
        n_done: updates before each.
    """

    lr: dict[str, Tensor]
    weight_decay: dict[str, Tensor]
    momentum: Tensor
    n_done: Tensor

    @classmethod
    def of(
        cls, settings: RunSettings, updates_done: NDArray[np.int64], n_updates: int, lr_scale: Floats, wd_scale: Floats
    ) -> "SegmentPlan":
        """The plan of members that have done `updates_done` (k,), under factors (k, 2) as in `Runs.advance`."""
        recipe = settings.recipe
        t = updates_done + np.arange(n_updates)[:, None]  # (n_updates, k)
        decay = schedules.weight_decay_factor(t, settings.n_updates, recipe.weight_decay_schedule)

        def tensor(values: Floats) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(values)).float().to(settings.device)

        lr, weight_decay = {}, {}
        for column, names in enumerate((MATRICES, OTHERS)):
            # Schedule-free AdamW replaces the warm-down by an average.
            is_flat = column == 1 and recipe.optimizer == "schedule-free-adamw"
            warmdown = 0.0 if is_flat else recipe.warmdown_fraction
            factor = schedules.lr_factor(t, settings.n_updates, recipe.warmup_fraction, warmdown)
            wd = recipe.weight_decay if column == 0 else recipe.adamw_weight_decay
            for name in names:
                lr[name] = tensor(lr_of(recipe, name) * factor * lr_scale[:, column])
                weight_decay[name] = tensor(wd * decay * wd_scale[:, column])
        return cls(
            lr=lr,
            weight_decay=weight_decay,
            momentum=tensor(schedules.muon_momentum(t)),
            n_done=torch.from_numpy(t).to(settings.device),
        )

    def rates(self, update: Tensor) -> Rates:
        """Of one update, whose number is (1,) int64 on the device; each (k,)."""

        def of(values: Tensor) -> Tensor:
            return values.index_select(0, update)[0]

        return Rates(
            lr={name: of(values) for name, values in self.lr.items()},
            weight_decay={name: of(values) for name, values in self.weight_decay.items()},
            momentum=of(self.momentum),
            n_done=of(self.n_done),
        )

    def copied(self) -> "SegmentPlan":
        """In memory of its own."""
        return SegmentPlan(
            lr={name: values.clone() for name, values in self.lr.items()},
            weight_decay={name: values.clone() for name, values in self.weight_decay.items()},
            momentum=self.momentum.clone(),
            n_done=self.n_done.clone(),
        )

    def take(self, other: "SegmentPlan") -> None:
        """Put a plan of as many updates or fewer into this one's memory."""
        n = len(other.n_done)
        for ours, theirs in (
            *((self.lr[name], values) for name, values in other.lr.items()),
            *((self.weight_decay[name], values) for name, values in other.weight_decay.items()),
            (self.momentum, other.momentum),
            (self.n_done, other.n_done),
        ):
            ours[:n].copy_(theirs)

    @property
    def last_lr(self) -> Floats:
        """(k, 2) of the last update: of the matrices, and of the embeddings."""
        return _last(self.lr)

    @property
    def last_weight_decay(self) -> Floats:
        """(k, 2) of the last update: of the matrices, and of the embeddings."""
        return _last(self.weight_decay)


def _last(values: dict[str, Tensor]) -> Floats:
    return torch.stack([values["attention"][-1], values["tokens"][-1]], dim=1).cpu().numpy().astype(np.float64)


def lr_of(recipe: Recipe, name: str) -> float:
    """The recipe's learning rate of one parameter."""
    if name in MATRICES:
        return recipe.matrix_lr
    return {
        "tokens": recipe.embedding_lr,
        "head": recipe.head_lr,
        "residual": recipe.residual_lr,
        "skip": recipe.skip_lr,
    }[name]
