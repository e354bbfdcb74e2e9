"""From keyword arguments to an in-run control problem: what the single and the vector environment share."""

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hpo_gym.envs.in_run.actions import ActionKind, ControlActions
from hpo_gym.envs.in_run.observations import RunObservation, check_fields
from hpo_gym.pretraining.make_runs import SETTINGS, data_id, make_runs, run_facts
from hpo_gym.pretraining.runs import Runs

SPLITS = {"train": range(2**30), "test": range(2**30, 2**31)}
"""The run seeds that episodes are drawn from. Whatever is tuned or trained is tuned and trained on "train"."""

Recipe = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class ControlProblem:
    """Everything about an in-run control environment that no episode changes.

    Attributes:
        simulator: which runs are controlled.
        settings: of the simulator.
        recipe_name: "custom" where the recipe itself was given.
        recipe: what the scales multiply.
        n_updates: T.
        decision_every: updates between two decisions.
        split: where run seeds are drawn from.
        actions, observation: see there.
        gradient_penalty, smoothness_penalty: weights in the reward.
        loss_cap: probe loss, in nats, above which a run counts as diverged.
        facts: what is known of a run beforehand; JSON-able.
    """

    simulator: str
    settings: Mapping[str, Any]
    recipe_name: str
    recipe: Recipe
    n_updates: int
    decision_every: int
    split: str
    actions: ControlActions
    observation: RunObservation
    gradient_penalty: float
    smoothness_penalty: float
    loss_cap: float
    facts: Mapping[str, Any]

    @cached_property
    def n_decisions(self) -> int:
        """Decisions of a run that does not diverge."""
        return math.ceil(self.n_updates / self.decision_every)

    @cached_property
    def data_id(self) -> str:
        """Names the text of the runs; "" where there is none."""
        return data_id(self.simulator, **self.settings)

    @property
    def outcome(self) -> str:
        """Name of what runs are judged by."""
        return self.facts["outcome"]

    def make_runs(self, n_members: int, **settings: Any) -> Runs:
        """A group of runs that have not started; settings come on top of the environment's."""
        return make_runs(
            self.simulator, n_members, recipe=self.recipe, n_updates=self.n_updates, **{**self.settings, **settings}
        )

    def draw_run_seeds(self, rngs: Sequence[np.random.Generator]) -> list[int]:
        """One of the split from each generator."""
        first, n = SPLITS[self.split].start, len(SPLITS[self.split])
        return [first + int(rng.random() * n) for rng in rngs]

    def draw_run_seed(self, rng: np.random.Generator, options: Mapping[str, Any] | None) -> int:
        """`options["run_seed"]`, or a uniform draw from the split."""
        if not options:
            return self.draw_run_seeds([rng])[0]
        unknown = options.keys() - {"run_seed"}
        if unknown:
            raise ValueError(f"reset option {min(unknown)!r} is unknown; 'run_seed' is an option")
        run_seed = options["run_seed"]
        if run_seed is None:
            return self.draw_run_seeds([rng])[0]
        is_whole = isinstance(run_seed, int | np.integer) and not isinstance(run_seed, bool)
        if not is_whole or not 0 <= run_seed < SPLITS["test"].stop:
            raise ValueError(f"options['run_seed']={run_seed!r}: a whole number, 0 to {SPLITS['test'].stop - 1}")
        return int(run_seed)


def build_problem(
    simulator: str,
    n_updates: int,
    decision_every: int,
    recipes: Mapping[str, Recipe],
    *,
    split: str = "train",
    action: ActionKind = "shared",
    observation: str | Sequence[str] = ("progress",),
    gradient_penalty: float = 0.0,
    smoothness_penalty: float = 0.0,
    recipe: str | Recipe = "base",
    loss_cap: float | None = None,
    **settings: Any,
) -> ControlProblem:
    """Check every option; see `InRunControlEnv` for their meaning."""
    _check_choice("split", split, tuple(SPLITS))
    _check_choice("action", action, ("shared", "per_optimizer", "discrete"))
    for name, count in (("n_updates", n_updates), ("decision_every", decision_every)):
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
            raise ValueError(f"{name}={count!r}: a whole number of updates, 1 or more, is needed")
    for name, weight in (("gradient_penalty", gradient_penalty), ("smoothness_penalty", smoothness_penalty)):
        _check_number(name, weight, lower=0.0)
    _check_settings(simulator, settings)
    recipe_name, chosen = _choose_recipe(recipe, recipes)
    facts = run_facts(simulator, recipe=chosen, n_updates=int(n_updates), **settings)
    cap = 2 * facts["loss_at_start"] if loss_cap is None else loss_cap
    _check_number("loss_cap", cap, lower=facts["loss_at_start"])
    actions = ControlActions(kind=action)
    problem = ControlProblem(
        simulator=simulator,
        settings=settings,
        recipe_name=recipe_name,
        recipe=chosen,
        n_updates=int(n_updates),
        decision_every=int(decision_every),
        split=split,
        actions=actions,
        observation=RunObservation(
            fields=check_fields(observation),
            n_action_dims=actions.n_dims,
            loss_unit=float(facts["loss_at_start"]),
            loss_cap=float(cap),
        ),
        gradient_penalty=float(gradient_penalty),
        smoothness_penalty=float(smoothness_penalty),
        loss_cap=float(cap),
        facts=facts,
    )
    facts.update(n_decisions=problem.n_decisions, decision_every=problem.decision_every)
    return problem


def _choose_recipe(recipe: str | Recipe, recipes: Mapping[str, Recipe]) -> tuple[str, Recipe]:
    if isinstance(recipe, Mapping):
        return "custom", dict(recipe)
    if recipe not in recipes:
        raise ValueError(f"recipe={recipe!r} is not one of {', '.join(recipes)}; or give the recipe itself, a dict")
    return recipe, dict(recipes[recipe])


def _check_settings(simulator: str, settings: Mapping[str, Any]) -> None:
    _check_choice("simulator", simulator, tuple(SETTINGS))
    parameters = inspect.signature(build_problem).parameters
    own = [name for name in parameters if name not in ("simulator", "recipes", "settings")]
    allowed = (*own, *SETTINGS[simulator])
    for name in settings:
        if name not in allowed:
            raise TypeError(f"there is no option {name!r}; there are {', '.join(allowed)}")


def _check_choice(option: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{option}={value!r} is not one of {', '.join(allowed)}")


def _check_number(option: str, value: Any, lower: float) -> None:
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not is_number or not lower <= value < math.inf:
        raise ValueError(f"{option}={value!r}: a finite number, {lower:g} or more, is needed")
