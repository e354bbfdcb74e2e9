"""Muon for the matrices of a group and, for all else, AdamW or schedule-free AdamW."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hpo_gym.pretraining.config import ModelConfig
from hpo_gym.pretraining.optimizer import MATRICES, OTHERS, Rates, adamw, muon, muon_scale
from hpo_gym.pretraining.recipe import Recipe
from hpo_gym.pretraining.schedule_free import ScheduleFreeMembers


class GroupOptimizer:
    """Updates the state of any k members of a group in place."""

    def __init__(self, model: ModelConfig, recipe: Recipe, n_members: int, device: str) -> None:
        self._scales = {name: muon_scale(name, device) for name in MATRICES}
        self._names = tuple(name for name in MATRICES if 0 not in model.shapes[name])
        is_schedule_free = recipe.optimizer == "schedule-free-adamw"
        self._schedule_free = ScheduleFreeMembers(n_members) if is_schedule_free else None

    def restart(self, member: int) -> None:
        """Forget what is kept of a member outside of its state."""
        if self._schedule_free:
            self._schedule_free.restart(member)

    def update(
        self,
        state: Mapping[str, Tensor],
        gradients: Mapping[str, Tensor],
        rates: Rates,
        members: NDArray[np.int64],
    ) -> None:
        """One update of k members; every tensor has a leading k."""
        for name in self._names:
            muon(name, state[name], gradients[name], state, rates, self._scales[name])
        if self._schedule_free:
            self._schedule_free.update(state, gradients, rates, members)
            return
        for name in OTHERS:
            adamw(name, state[name], gradients[name], state, rates)

    def averaged(self, state: Mapping[str, Tensor], members: NDArray[np.int64]) -> Mapping[str, Tensor]:
        """The parameters to judge a run by: the state's own, or schedule-free AdamW's averages."""
        return self._schedule_free.averaged(state, members) if self._schedule_free else state

    def progress(self, members: NDArray[np.int64]) -> list[dict[str, Any]]:
        """What is kept of these members outside of their state, copied."""
        return self._schedule_free.progress(members) if self._schedule_free else []

    def set_progress(self, members: NDArray[np.int64], progress: list[dict[str, Any]]) -> None:
        """Take over what `progress` gave."""
        if self._schedule_free:
            self._schedule_free.set_progress(members, progress)
