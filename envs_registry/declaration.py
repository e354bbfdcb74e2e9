"""A declaration: the TOML file that makes one environment, checked strictly and turned into `gym.register`."""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import gymnasium as gym

DECLARATIONS = Path(__file__).parent

ENTRY_POINTS = {
    "config-selection": (
        "hpo_gym.envs.config_selection:ConfigSelectionEnv",
        "hpo_gym.envs.config_selection_vector:ConfigSelectionVectorEnv",
    ),
    "live-selection": (
        "hpo_gym.envs.live_selection:LiveSelectionEnv",
        "hpo_gym.envs.live_selection_vector:LiveSelectionVectorEnv",
    ),
    "in-run-control": (
        "hpo_gym.envs.in_run_control:InRunControlEnv",
        "hpo_gym.envs.in_run_control_vector:InRunControlVectorEnv",
    ),
}
"""Family -> entry points of the single and of the vector environment; strings, so that nothing is imported."""

OPTIONS = {
    "config-selection": (
        *("table", "split", "tasks", "budget", "action", "repeat", "reward"),
        *("observe_pool", "fidelity", "replicate", "initial_design"),
    ),
    "live-selection": (
        *("family", "openml_tasks", "split", "tasks", "budget", "action", "repeat", "reward", "observe_pool"),
        *("n_configurations", "pool_seed", "fidelity", "subsample", "trial_seed", "fold"),
        *("time_limit_s", "memory_limit_mb", "workers", "cache", "retry_failures"),
    ),
    "in-run-control": (
        *("simulator", "n_updates", "decision_every", "recipes", "split", "action", "observation"),
        *("gradient_penalty", "smoothness_penalty", "recipe", "loss_cap"),
    ),
}
"""Family -> what `[kwargs]` may set, besides the options of the table or of the simulator."""

REQUIRED_KWARGS = {
    "config-selection": ("table",),
    "live-selection": ("family",),
    "in-run-control": ("simulator", "n_updates", "decision_every", "recipes"),
}
"""Family -> what `[kwargs]` must set."""

PLAYED_AS = {"live-selection": "config-selection"}
"""Family -> another one whose agents play it too."""

SIMULATORS = {
    "noisy-quadratic": ("n_dimensions", "optimum_scale", "noise"),
    "transformer": (
        *("depth", "dim", "n_heads", "vocab_size", "sequence_length", "window_pattern"),
        *("batch_size", "corpus", "tokenizer", "max_bytes", "n_probe_batches", "n_validation_sequences"),
        *("device", "precision", "compile", "micro_batch_size", "graph", "attention"),
    ),
}
"""Simulator of in-run control -> its own options."""

RECIPE_KEYS = {
    "noisy-quadratic": ("lr", "weight_decay", "warmup_fraction", "warmdown_fraction"),
    "transformer": (
        *("optimizer", "matrix_lr", "embedding_lr", "head_lr", "residual_lr", "skip_lr", "weight_decay"),
        *("adamw_weight_decay", "warmup_fraction", "warmdown_fraction", "weight_decay_schedule"),
    ),
}
"""Simulator -> what a recipe of `[kwargs.recipes]` may set."""

TableOptions = Mapping[str, Collection[str]]
"""The tables that there are, and the options of each."""

REFERENCE_SEEDS = 10
"""Seeds of the episodes behind reference scores."""

REQUIRED = ("id", "family", "title", "description")


class DeclarationError(ValueError):
    """A declaration is wrong. The message names file and key, and what was allowed."""


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """One environment, as its file declares it.

    Attributes:
        id: Gymnasium's, `hpo_gym/Family-Instance-vN`.
        family: names the entry points.
        title, description: for people.
        reward_threshold: return from which on the environment counts as solved.
        nondeterministic: whether the same seed can give another episode.
        kwargs: what the entry points get.
        splits: named lists of task ids, disjoint.
        reference_scores: agent -> {metric: mean}, measured on the test split.
        path: the file.
    """

    id: str
    family: str
    title: str
    description: str
    reward_threshold: float | None = None
    nondeterministic: bool = False
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reference_scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    path: Path = Path()

    @property
    def table(self) -> str | None:
        """The table it searches, where it is of that family."""
        return self.kwargs.get("table")

    @property
    def played_as(self) -> str:
        """The family whose agents play it."""
        return PLAYED_AS.get(self.family, self.family)

    @property
    def reference_command(self) -> str:
        """What measured the reference scores, agent by agent; "" where there are none."""
        command = f"hpo-gym evaluate AGENT {self.id} --split test --seeds {REFERENCE_SEEDS}"
        return command if self.reference_scores else ""

    def register(self) -> None:
        """Make the id known to Gymnasium."""
        entry_point, vector_entry_point = ENTRY_POINTS[self.family]
        splits = {"splits": {name: list(ids) for name, ids in self.splits.items()}} if self.splits else {}
        gym.register(
            id=self.id,
            entry_point=entry_point,
            vector_entry_point=vector_entry_point,
            reward_threshold=self.reward_threshold,
            nondeterministic=self.nondeterministic,
            kwargs={**self.kwargs, **splits},
        )


def read_declaration(path: Path, tables: TableOptions) -> Declaration:
    """Read and check one file.

    Raises:
        DeclarationError: broken TOML, a missing, misspelt or mistyped key, an unknown family, table or
            simulator, an id that is not of the form, splits that overlap.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeclarationError(f"{path.name}: not TOML: {error}") from None
    allowed = {f.name for f in fields(Declaration)} - {"path"}
    for key in content:
        if key not in allowed:
            raise DeclarationError(f"{path.name}: unknown key {key!r}; allowed are {', '.join(sorted(allowed))}")
    for key in REQUIRED:
        if not isinstance(content.get(key), str):
            raise DeclarationError(f"{path.name}: key {key!r} is missing or no text")
    _check_types(path, content)
    _check_names(path, content)
    _check_kwargs(path, content, tables)
    content["splits"] = _checked_splits(path, content.get("splits", {}))
    return Declaration(**content, path=path)


def _check_types(path: Path, content: Mapping[str, Any]) -> None:
    types: dict[str, type | tuple[type, ...]] = {
        "reward_threshold": (int, float),
        "nondeterministic": bool,
        "kwargs": dict,
        "splits": dict,
        "reference_scores": dict,
    }
    for key, expected in types.items():
        is_bool = isinstance(content.get(key), bool) and expected is not bool
        if key in content and (is_bool or not isinstance(content[key], expected)):
            raise DeclarationError(f"{path.name}: key {key!r} has the wrong type: {content[key]!r}")


def _check_names(path: Path, content: Mapping[str, Any]) -> None:
    if content["family"] not in ENTRY_POINTS:
        raise DeclarationError(
            f"{path.name}: key 'family': {content['family']!r} is not one of {', '.join(ENTRY_POINTS)}"
        )
    if not re.fullmatch(r"hpo_gym/\w+-\w+-v[0-9]+", content["id"]):
        raise DeclarationError(
            f"{path.name}: key 'id': {content['id']!r} is not of the form hpo_gym/Family-Instance-vN"
        )


_SELECTORS: dict[str, tuple[str, TableOptions]] = {
    "in-run-control": ("simulator", SIMULATORS),
    "live-selection": ("", {}),  # a model family may be a user's own
}
"""Family -> the key of `[kwargs]` that decides which further ones there are; a table's name where none is said."""


def _check_kwargs(path: Path, content: Mapping[str, Any], tables: TableOptions) -> None:
    kwargs, family = content.get("kwargs", {}), content["family"]
    for key in REQUIRED_KWARGS[family]:
        if key not in kwargs:
            raise DeclarationError(f"{path.name}: key 'kwargs.{key}' is missing")
    selector, options = _SELECTORS.get(family, ("table", tables))
    if selector and kwargs[selector] not in options:
        raise DeclarationError(
            f"{path.name}: key 'kwargs.{selector}': {kwargs[selector]!r} is not one of {', '.join(sorted(options))}"
        )
    allowed = (*OPTIONS[family], *(options[kwargs[selector]] if selector else ()))
    for key in kwargs:
        if key not in allowed:
            raise DeclarationError(f"{path.name}: unknown key 'kwargs.{key}'; allowed are {', '.join(allowed)}")
    if "recipes" in kwargs:
        _check_recipes(path, kwargs["recipes"], RECIPE_KEYS[kwargs["simulator"]])


def _check_recipes(path: Path, recipes: Any, allowed: tuple[str, ...]) -> None:
    if not isinstance(recipes, dict) or "base" not in recipes:
        raise DeclarationError(f"{path.name}: key 'kwargs.recipes': a table of recipes is needed, one named 'base'")
    for name, recipe in recipes.items():
        for key in recipe if isinstance(recipe, dict) else (str(recipe),):
            if key not in allowed:
                raise DeclarationError(
                    f"{path.name}: unknown key {key!r} in 'kwargs.recipes.{name}'; allowed are {', '.join(allowed)}"
                )


def _checked_splits(path: Path, splits: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    seen: dict[str, str] = {}
    for name, ids in splits.items():
        if not isinstance(ids, list) or not ids or not all(isinstance(i, str) for i in ids):
            raise DeclarationError(f"{path.name}: key 'splits.{name}': a list of task ids is needed")
        for task_id in ids:
            if task_id in seen:
                raise DeclarationError(f"{path.name}: key 'splits.{name}': {task_id!r} stands in {seen[task_id]!r} too")
            seen[task_id] = name
    return {name: tuple(ids) for name, ids in splits.items()}


def read_declarations(tables: TableOptions, folder: Path = DECLARATIONS) -> dict[str, Declaration]:
    """All declarations of a folder by id, in the order of their file names.

    Raises:
        DeclarationError: one is wrong, or two files declare the same id.
    """
    declarations: dict[str, Declaration] = {}
    for path in sorted(folder.glob("*.toml")):
        declaration = read_declaration(path, tables)
        if declaration.id in declarations:
            raise DeclarationError(
                f"{path.name}: key 'id': {declaration.id!r} is declared by {declarations[declaration.id].path.name} too"
            )
        declarations[declaration.id] = declaration
    return declarations
