"""From a simulator's name and settings to a group of runs; its libraries are imported when it is asked for."""

from collections.abc import Mapping
from typing import Any

from hpo_gym.pretraining.runs import Runs
from hpo_gym.pretraining.transformer_runs import (
    TRANSFORMER_SETTINGS,
    make_transformer_runs,
    transformer_data_id,
    transformer_facts,
)

SETTINGS: dict[str, tuple[str, ...]] = {
    "noisy-quadratic": ("n_dimensions", "optimum_scale", "noise"),
    "transformer": TRANSFORMER_SETTINGS,
}
"""Simulator -> its settings, besides recipe and n_updates."""


def make_runs(simulator: str, n_members: int, *, recipe: Mapping[str, Any], n_updates: int, **settings: Any) -> Runs:
    """A group of runs that have not started.

    Raises:
        ValueError: no such simulator, setting or recipe key, or a value out of its range.
    """
    check_settings(simulator, settings)
    if simulator == "transformer":
        return make_transformer_runs(n_members, recipe=recipe, n_updates=n_updates, **settings)
    from hpo_gym.pretraining.noisy_quadratic import make_noisy_quadratic

    return make_noisy_quadratic(n_members, recipe=recipe, n_updates=n_updates, **settings)


def run_facts(simulator: str, *, recipe: Mapping[str, Any], n_updates: int, **settings: Any) -> dict[str, Any]:
    """What can be said of such a run before any is made: JSON-able, without torch and without a corpus.

    Returns:
        n_parameters, n_updates, tokens_per_update, loss_at_start (nats), outcome (name of what `validate` gives).
    """
    check_settings(simulator, settings)
    if simulator == "transformer":
        return transformer_facts(recipe=recipe, n_updates=n_updates, **settings)
    from hpo_gym.pretraining.noisy_quadratic import noisy_quadratic_facts

    return noisy_quadratic_facts(recipe=recipe, n_updates=n_updates, **settings)


def data_id(simulator: str, **settings: Any) -> str:
    """Names the text that such runs are trained on, the same on every machine; "" where there is none."""
    check_settings(simulator, settings)
    return transformer_data_id(**settings) if simulator == "transformer" else ""


def check_settings(simulator: str, settings: Mapping[str, Any]) -> None:
    """Raise a `ValueError` that names an unknown simulator, or a setting that it does not have."""
    if simulator not in SETTINGS:
        raise ValueError(f"simulator={simulator!r} is not one of {', '.join(SETTINGS)}")
    for name in settings:
        if name not in SETTINGS[simulator]:
            raise ValueError(f"there is no setting {name!r} of {simulator}; there are {', '.join(SETTINGS[simulator])}")
