"""The recipes that a search draws from, and how members of one group can train by different ones.

A group has one recipe, but under constant per-optimizer scales each member trains as if the recipe's rates and decays
were multiplied by them: so one group tries as many recipes as it has members.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.schedules.schedule import scales_of
from hpo_gym.pretraining.recipe import nanochat_recipe

Floats = NDArray[np.float64]
Recipe = dict[str, Any]

RANGES: Mapping[str, tuple[float, float]] = {
    "matrix_lr": (1e-3, 1e-1),
    "embedding_lr": (3e-3, 3.0),
    "head_lr": (3e-4, 1e-1),
    "residual_lr": (3e-4, 1e-1),
    "skip_lr": (3e-3, 3.0),
    "weight_decay": (1e-3, 3.0),
    "adamw_weight_decay": (1e-5, 1e-1),
    "lr": (1e-3, 1.0),
}
"""Log-uniform."""

WARMDOWN = (0.2, 1.0)
"""Uniform, of `warmdown_fraction`."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which numbers of a recipe each number of an action's point multiplies.

    Attributes:
        action: the kind of action.
        keys: one tuple of recipe keys a number of the point.
    """

    action: str
    keys: tuple[tuple[str, ...], ...]


TRANSFORMER = Columns(
    action="per_optimizer",
    keys=(
        ("matrix_lr",),
        ("weight_decay",),
        ("embedding_lr", "head_lr", "residual_lr", "skip_lr"),
        ("adamw_weight_decay",),
    ),
)
NOISY_QUADRATIC = Columns(action="shared", keys=(("lr",), ("weight_decay",)))


def columns_of(recipe: Mapping[str, Any]) -> Columns:
    """Of the simulator that the recipe is for."""
    return TRANSFORMER if "matrix_lr" in recipe else NOISY_QUADRATIC


def draw(base: Mapping[str, Any], rng: np.random.Generator) -> Recipe:
    """A recipe with every number drawn anew."""
    recipe = dict(base)
    for key in base:
        if key in RANGES:
            low, high = np.log(RANGES[key])
            recipe[key] = math.exp(rng.uniform(low, high))
    return {**recipe, "warmdown_fraction": rng.uniform(*WARMDOWN)}


def near(recipe: Mapping[str, Any], step: float, rng: np.random.Generator) -> Recipe:
    """A recipe whose numbers are moved by about `step` of their range."""
    moved = dict(recipe)
    for key, value in recipe.items():
        if key in RANGES and value > 0:
            low, high = np.log(RANGES[key])
            moved[key] = float(np.exp(np.clip(np.log(value) + step * (high - low) * rng.normal(), low, high)))
    width = WARMDOWN[1] - WARMDOWN[0]
    moved["warmdown_fraction"] = float(np.clip(recipe["warmdown_fraction"] + step * width * rng.normal(), *WARMDOWN))
    return moved


def draw_points(n: int, spread: float, n_dims: int, rng: np.random.Generator) -> Floats:
    """(n, n_dims) u of the members' scales around 1, the first of them 1 itself."""
    points = np.clip(spread * rng.normal(size=(n, n_dims)), -1.0, 1.0)
    points[0] = 0.0
    return points


def effective(recipe: Mapping[str, Any], point: Floats, columns: Columns) -> Recipe:
    """The recipe that a member trains by under constant scales."""
    scaled = dict(recipe)
    for keys, scale in zip(columns.keys, scales_of(point), strict=True):
        scaled.update({key: float(recipe[key] * scale) for key in keys})
    return scaled


def published(base: Mapping[str, Any], settings: Mapping[str, Any]) -> list[Recipe]:
    """nanochat's own rates for a transformer of these settings, with and without its rule for the batch size."""
    if "matrix_lr" not in base:
        return []
    sizes = {"depth": settings["depth"], "dim": settings["dim"]}
    tokens = settings["sequence_length"] * settings["batch_size"]
    recipes = (nanochat_recipe(**sizes, tokens_per_update=n) for n in (2**19, tokens))
    return [{**base, **{key: value for key, value in vars(recipe).items() if key in base}} for recipe in recipes]
