"""The agents by their plain names: what `hpo-gym evaluate AGENT` may be given.

Builders are named as strings and imported when they are first asked for, so that listing the
catalogue loads no learning library.
"""

import importlib
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import cast

from hpo_gym.evaluation.agent import AgentBuilder, AgentContext
from hpo_gym.evaluation.errors import did_you_mean


class UnknownAgentError(LookupError):
    """No agent of that name; the message is one line and lists what there is."""


@dataclass(frozen=True, kw_only=True)
class CatalogueEntry:
    """One agent of the catalogue.

    Attributes:
        name: what the user types.
        builder: "module:function", imported by `build`.
        description: one line for a list.
        family: "static" (a fixed list), "model" (learns within an episode), "transfer" (from training tasks),
            "schedule" (fixed beforehand), "reference" (to measure by), "reinforcement learning", or "user".
        plays: the family of environments that it is for; "" for any.
    """

    name: str
    builder: str
    description: str
    family: str
    plays: str = ""

    @cached_property
    def build(self) -> AgentBuilder:
        """The builder itself; `UnknownAgentError` where the module or the function cannot be had."""
        module_name, _, function_name = self.builder.partition(":")
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            raise UnknownAgentError(f"agent {self.name!r}: cannot import {module_name!r} ({error})") from error
        except Exception as error:
            error.add_note(f"while importing agent {self.name!r}")
            raise
        function = getattr(module, function_name, None)
        if not callable(function):
            has = [name for name, value in vars(module).items() if callable(value) and name[0] != "_"]
            hint = did_you_mean(function_name, has)
            raise UnknownAgentError(f"agent {self.name!r}: {module_name!r} has no callable {function_name!r}{hint}")
        return cast(AgentBuilder, function)

    def note(self, env_id: str) -> str:
        """What people should know before this agent is built for an environment; "" if nothing."""
        return ""

    def tasks_seen(self, env_id: str) -> frozenset[str]:
        """The tasks of an environment that it was trained on before it was built, by its own account."""
        return frozenset()

    def weights(self, context: AgentContext) -> Path | None:
        """The stem of the weights that it acts by (STEM.json, STEM.safetensors); None where it has none beforehand."""
        return None


@dataclass(frozen=True, kw_only=True)
class PresetEntry(CatalogueEntry):
    """An agent of a preset: weights that come with the package, or trained on training tasks or run seeds."""

    @cached_property
    def build(self) -> AgentBuilder:
        """The builder for this preset."""
        from agents.training.builder import preset_builder

        return preset_builder(self.name)

    def note(self, env_id: str) -> str:
        """Which weights it takes, or that it is trained now."""
        from agents.training.builder import describe_source

        return describe_source(self.name, env_id)

    def weights(self, context: AgentContext) -> Path | None:
        """Those of its preset's that come with the package and fit what may be learned from."""
        from agents.pretrained.shipped import SHIPPED, choose_weights

        name = choose_weights(self.name, context)
        return None if name is None else SHIPPED / name


@dataclass(frozen=True, kw_only=True)
class TrainedEntry(CatalogueEntry):
    """A trained policy: `builder` is its name among those that come with the package, or the folder of a training."""

    @cached_property
    def build(self) -> AgentBuilder:
        """The builder that loads it."""
        from agents.pretrained.loading import policy_builder

        return policy_builder(self.builder)

    def note(self, env_id: str) -> str:
        """That it saw tasks of this very environment, if it did: named, it plays them all the same."""
        n_seen = len(self.tasks_seen(env_id))
        return f"{self.name} was trained on {n_seen} tasks of {env_id}: on those it is no test" if n_seen else ""

    def tasks_seen(self, env_id: str) -> frozenset[str]:
        """As its weights say."""
        from agents.pretrained.loading import weights_at
        from agents.pretrained.weights import read_description

        stem = weights_at(self.builder)
        return frozenset() if stem is None else read_description(stem).tasks_seen(env_id.rpartition(":")[2])

    def weights(self, context: AgentContext) -> Path | None:
        """Its own."""
        from agents.pretrained.loading import weights_at

        return weights_at(self.builder)


SEARCH, IN_RUN = "config-selection", "in-run-control"

_ENTRIES: tuple[CatalogueEntry, ...] = (
    CatalogueEntry(
        name="random",
        builder="agents.search.random:build",
        description="draws uniformly from what was not tried yet",
        family="static",
        plays=SEARCH,
    ),
    CatalogueEntry(
        name="average-rank",
        builder="agents.search.average_rank:build",
        description="the configurations in order of their average rank on the training tasks",
        family="static",
        plays=SEARCH,
    ),
    CatalogueEntry(
        name="greedy-regret",
        builder="agents.search.portfolio:build_greedy_regret",
        description="a list built greedily: each entry lowers the training tasks' mean incumbent regret most",
        family="static",
        plays=SEARCH,
    ),
    CatalogueEntry(
        name="greedy-rank",
        builder="agents.search.portfolio:build_greedy_rank",
        description="a list built greedily: each entry lowers the training tasks' mean incumbent rank most",
        family="static",
        plays=SEARCH,
    ),
    CatalogueEntry(
        name="gp-ei",
        builder="agents.search.gp_ei:build",
        description="a Gaussian process (ARD Matern 5/2) with expected improvement",
        family="model",
        plays=SEARCH,
    ),
    CatalogueEntry(
        name="empirical-prior-gp",
        builder="agents.search.empirical_prior_gp:build",
        description="a Gaussian process whose prior comes from the training tasks, with expected improvement",
        family="transfer",
        plays=SEARCH,
    ),
    CatalogueEntry(
        name="tpe",
        builder="agents.search.tpe:build",
        description="the tree-structured Parzen estimator of optuna",
        family="model",
        plays=SEARCH,
    ),
    CatalogueEntry(
        name="successive-halving",
        builder="agents.search.successive_halving:build",
        description="asynchronous successive halving over training epochs (optuna's pruner)",
        family="model",
        plays=SEARCH,
    ),
)
_SCHEDULES = (
    ("controller-off", "references:build_controller_off", "reference", "the recipe as it is, scales of 1"),
    ("hand-tuned", "references:build_hand_tuned", "reference", "a recipe tuned by hand or by search, scales of 1"),
    ("schedule-free", "references:build_schedule_free", "reference", "schedule-free AdamW, the best of a sweep"),
    (
        "schedule-free-uniform",
        "references:build_schedule_free_uniform",
        "reference",
        "the same with one rate for all of its groups",
    ),
    (
        "schedule-free-warmdown",
        "references:build_schedule_free_warmdown",
        "reference",
        "the same beside a Muon that keeps its hand-tuned schedule",
    ),
    ("constant", "simple:build_constant", "schedule", "the best constant scales, found on training runs"),
    ("cosine", "simple:build_cosine", "schedule", "a learning rate that falls along a cosine from its best peak"),
    ("linear", "simple:build_linear", "schedule", "a learning rate that falls along a line from its best peak"),
    ("oracle", "oracle:build", "schedule", "the best schedule known: exact where it can be, else by beam search"),
    ("random-sweep", "sweeps:build_random", "schedule", "constant scales: the best of random ones, 16 runs' worth"),
    ("asha-sweep", "sweeps:build_asha", "schedule", "the same purse with bad runs stopped early (optuna's ASHA)"),
)
_ENTRIES += tuple(
    CatalogueEntry(name=name, builder=f"agents.schedules.{builder}", family=family, description=text, plays=IN_RUN)
    for name, builder, family, text in _SCHEDULES
)


def _of_presets() -> Iterator[PresetEntry]:
    """The agents of `agents/presets`, for the families that each has a table for."""
    for path in sorted(_HERE.joinpath("presets").glob("*.toml"), key=lambda path: path.stem):
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        families = [family for family in (SEARCH, IN_RUN) if family in content]
        yield PresetEntry(
            name=path.stem,
            builder="agents.training.builder:preset_builder",
            description=content.get("description", ""),
            family="reinforcement learning",
            plays=families[0] if len(families) == 1 else "",
        )


_HERE = Path(__file__).parent
_ENTRIES += tuple(_of_presets())
_PRETRAINED = _HERE / "pretrained"

CATALOGUE = MappingProxyType({entry.name: entry for entry in _ENTRIES})


def names() -> tuple[str, ...]:
    """The catalogue's names, in its own order."""
    return tuple(CATALOGUE)


def pretrained_names() -> tuple[str, ...]:
    """The trained policies that come with the package, each trained on one environment: "jel-nano" and so on."""
    return tuple(sorted(path.stem for path in _PRETRAINED.glob("*.json")))


def architectures() -> tuple[str, ...]:
    """The kinds of networks that a file of weights may be of."""
    from agents.pretrained.architectures import ARCHITECTURES

    return tuple(ARCHITECTURES)


def resolve(name: str) -> CatalogueEntry:
    """The agent of a catalogue name, a trained policy, or a "module:builder" string that names the user's own code.

    A trained policy is named as those that come with the package are, or by the folder of its training. The current
    directory is importable, as with `python -m`.

    Raises:
        UnknownAgentError: no such name, folder, module or builder (one line).
    """
    if name in CATALOGUE:
        return CATALOGUE[name]
    if name in pretrained_names() or Path(name).is_dir():
        return TrainedEntry(name=name, builder=name, description=f"the policy {name}", family="reinforcement learning")
    module_name, colon, function_name = name.partition(":")
    if not (colon and module_name and function_name) or module_name.startswith("."):
        known = (*names(), *pretrained_names())
        shown = [each for each in known if "-fold-" not in each]
        raise UnknownAgentError(
            f"no agent named {name!r}{did_you_mean(name, known)}; "
            f'there are {", ".join(shown)}, the folder of a training, or your own as "module:builder"'
        )
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    entry = CatalogueEntry(name=name, builder=name, description=f"{function_name} of {module_name}", family="user")
    entry.build  # noqa: B018 - the user's spelling is checked now, not after the data is loaded
    return entry
