"""The controller's decisions: when they are due, and which scales they come to."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from agents.pretrained.policy import TrainedPolicy
from hpo_gym.envs.in_run.actions import ControlActions
from hpo_gym.integrations.controller.run_reader import FORESEEABLE, RunReader
from hpo_gym.integrations.controller.scaled_groups import Scales

RateIs = Literal["mean", "peak", "base"]
"""What the rates that an optimizer holds are to the scales; see `Controller.attach`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Decider:
    """A policy and the run that it is for.

    Attributes:
        policy: acts deterministically.
        fields: of its observation.
        actions: what its actions stand for.
        total_updates: of the run.
        decide_every: updates between two decisions.
        rate_is: "mean" or "peak" where scales are divided by their mean or largest over the run, "base" where they
            are taken as they are.
    """

    policy: TrainedPolicy
    fields: tuple[str, ...]
    actions: ControlActions
    total_updates: int
    decide_every: int
    rate_is: RateIs

    def __post_init__(self) -> None:
        if self.rate_is not in get_args(RateIs):
            raise ValueError(f"rate_is={self.rate_is!r} is not one of {', '.join(get_args(RateIs))}")
        if self.rate_is != "base" and self.fields != FORESEEABLE:
            raise ValueError(
                f"rate_is={self.rate_is!r} needs scales that are known before the run; this controller reads "
                f"{', '.join(self.fields)}: use rate_is='base'"
            )

    @property
    def n_decisions(self) -> int:
        """Of the whole run."""
        return math.ceil(self.total_updates / self.decide_every)

    def reader(self) -> RunReader:
        """A new one, of a run that has not begun."""
        return RunReader(self.fields, self.actions.n_dims)

    def decide(self, k: int, reader: RunReader, last_point: Sequence[float]) -> list[float]:
        """The point u of decision k, counted from 0."""
        if self.foreseen is not None:
            return self.foreseen[k]
        return self._points(reader.observation(k * self.decide_every / self.total_updates, last_point))[0]

    def _points(self, observations: NDArray[np.float32]) -> list[list[float]]:
        """What the policy does at n observations (n, width)."""
        # Whatever the user's loop has set by default is not meant for this.
        with torch.device("cpu"), torch.autocast("cpu", enabled=False):
            chosen, _ = self.policy.predict(observations, deterministic=True)
        points: list[list[float]] = self.actions.points(chosen, len(observations)).tolist()
        return points

    @cached_property
    def foreseen(self) -> list[list[float]] | None:
        """The points of all decisions, where what the policy sees is known before the run; else None."""
        if self.fields != FORESEEABLE:
            return None
        progress = np.arange(self.n_decisions) * self.decide_every / self.total_updates
        return self._points(progress[:, None].astype(np.float32))

    @cached_property
    def unit(self) -> Scales:
        """What scales are divided by."""
        if self.rate_is == "base":
            return Scales(lr=(1.0, 1.0), wd=(1.0, 1.0))
        lr, wd = self.actions.scales(np.array(self.foreseen))  # each (n_decisions, 2)
        if self.rate_is == "peak":
            return Scales(lr=_pair(lr.max(axis=0)), wd=_pair(wd.max(axis=0)))
        lengths = np.diff([*range(0, self.total_updates, self.decide_every), self.total_updates])
        shares = lengths / self.total_updates
        return Scales(lr=_pair(shares @ lr), wd=_pair(shares @ wd))

    def scales(self, point: Sequence[float]) -> Scales:
        """What a point stands for."""
        lr, wd = self.actions.scales(np.array([point]))
        return Scales(lr=_pair(lr[0] / self.unit.lr), wd=_pair(wd[0] / self.unit.wd))


def check_updates(name: str, value: Any, least: int = 1) -> None:
    """A number of updates that is none is a `ValueError`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name}={value!r}: a whole number of updates, {least} or more, is needed")


def _pair(values: Any) -> tuple[float, float]:
    matrices, rest = values
    return float(matrices), float(rest)
