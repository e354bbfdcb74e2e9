"""The noisy quadratic model and its recipe; `hpo_gym.pretraining.noisy_quadratic` has the formulas."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.pretraining import schedules
from hpo_gym.pretraining.runs import Floats

RECIPE_KEYS = ("lr", "weight_decay", "warmup_fraction", "warmdown_fraction")


@dataclass(frozen=True, kw_only=True)
class NoisyQuadratic:
    """The model and its recipe.

    Attributes:
        n_updates: T.
        lr, weight_decay: of the recipe, before any scale.
        warmup_fraction: share of T over which the learning rate rises linearly from lr / (updates of it).
        warmdown_fraction: share of T over which it falls linearly; the update after the last would have 0.
        n_dimensions: d, even: curvatures 1, 1/3, 1/5, ... are governed by column 0 of a scale, 1/2, 1/4, ... by
            column 1.
        optimum_scale: standard deviation of the optimum's coordinates.
    """

    n_updates: int
    lr: float
    weight_decay: float
    warmup_fraction: float = 0.0
    warmdown_fraction: float = 0.0
    n_dimensions: int = 16
    optimum_scale: float = 0.5

    def __post_init__(self) -> None:
        if not _is_count(self.n_updates):
            raise ValueError(f"n_updates={self.n_updates!r}: a whole number of updates, 1 or more, is needed")
        if not _is_count(self.n_dimensions) or self.n_dimensions % 2:
            raise ValueError(f"n_dimensions={self.n_dimensions!r}: an even whole number, 2 or more, is needed")
        for name in ("lr", "weight_decay", "optimum_scale", "warmup_fraction", "warmdown_fraction"):
            value = getattr(self, name)
            is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
            if not is_number or not 0 <= value < math.inf:
                raise ValueError(f"{name}={value!r}: a finite number, 0 or more, is needed")
        fractions = self.warmup_fraction, self.warmdown_fraction
        if sum(fractions) > 1:
            raise ValueError(
                f"warmup_fraction={fractions[0]!r}, warmdown_fraction={fractions[1]!r}: shares of the run are needed, "
                "together 1 at most"
            )

    @cached_property
    def curvature(self) -> Floats:
        """(d, 1): h, column 0's first."""
        number = np.arange(1, self.n_dimensions + 1)
        return (1 / np.concatenate([number[::2], number[1::2]]))[:, None]

    @cached_property
    def lr_factor(self) -> Floats:
        """(T,) the schedule f_t."""
        return schedules.lr_factor(
            np.arange(self.n_updates), self.n_updates, self.warmup_fraction, self.warmdown_fraction
        )

    @cached_property
    def n_constant(self) -> NDArray[np.int64]:
        """(T + 1,) how many updates, from this one on, have the same factor."""
        n = np.ones(self.n_updates + 1, np.int64)
        for t in range(self.n_updates - 2, -1, -1):
            n[t] = n[t + 1] + 1 if self.lr_factor[t] == self.lr_factor[t + 1] else 1
        return n

    @property
    def expected_loss_at_start(self) -> float:
        """Mean loss of the initial weights."""
        return float(0.5 * self.curvature.sum() * (1.0 + self.optimum_scale**2))

    def by_dimension(self, columns: Floats) -> Floats:
        """(k, 2) -> each dimension's own column, (d, k); or (1, k) where both columns are the same in all members."""
        if (columns[:, 0] == columns[:, 1]).all():
            return np.ascontiguousarray(columns[:, :1].T)
        return np.repeat(columns.T, self.n_dimensions // 2, axis=0)

    def transition(self, done: NDArray[np.int64], n: int, rate: Floats) -> tuple[Floats, Floats]:
        """A and S, (d, k) each, of n updates from `done` (k,) on, at rates lr (h + wd) before the schedule (d, k)."""
        is_constant = self.n_constant[done] >= n
        if is_constant.all():
            return _constant(rate, self.lr_factor[done], n)
        if not is_constant.any():
            return self._scheduled(rate, done, n)
        decay, noise = np.empty_like(rate), np.empty_like(rate)  # who is in which part must not depend on neighbours
        for part, (a, s) in (
            (is_constant, _constant(rate[:, is_constant], self.lr_factor[done[is_constant]], n)),
            (~is_constant, self._scheduled(rate[:, ~is_constant], done[~is_constant], n)),
        ):
            decay[:, part], noise[:, part] = a, s
        return decay, noise

    def _scheduled(self, rate: Floats, done: NDArray[np.int64], n: int) -> tuple[Floats, Floats]:
        decay, noise = np.ones_like(rate), np.zeros_like(rate)
        for t in range(n):
            factor = self.lr_factor[done + t]
            a = 1.0 - rate * factor
            decay *= a
            noise *= a * a
            noise += factor * factor
        return decay, noise


def _constant(rate: Floats, factor: Floats, n: int) -> tuple[Floats, Floats]:
    """A = a^n and S = f^2 (1 + a^2 + ... + a^(2n-2)) by doubling: no division, so that a = 1 is no exception."""
    a = rate * factor
    np.subtract(1.0, a, out=a)
    a_squared = a * a
    decay, noise = a.copy(), np.ones_like(a)
    square, product = np.empty_like(a), np.empty_like(a)
    for bit in bin(n)[3:]:
        np.multiply(decay, decay, out=square)
        np.multiply(square, noise, out=product)
        noise += product
        decay, square = square, decay
        if bit == "1":
            noise *= a_squared
            noise += 1.0
            decay *= a
    noise *= factor * factor
    return decay, noise


def _is_count(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= 1)


def make_model(recipe: Mapping[str, Any], n_updates: int, **settings: Any) -> NoisyQuadratic:
    """The model of a recipe.

    Raises:
        ValueError: a recipe's key is missing or unknown, or a value is out of its range.
    """
    unknown = recipe.keys() - set(RECIPE_KEYS)
    if unknown or not {"lr", "weight_decay"} <= recipe.keys():
        raise ValueError(f"recipe={dict(recipe)!r}: lr and weight_decay are needed, of {', '.join(RECIPE_KEYS)}")
    return NoisyQuadratic(n_updates=n_updates, **recipe, **settings)
