"""A plan: which variants of an agent are trained where, with how many seeds, and where they are judged; a TOML file.

jel.toml beside this file is one, with comments. Whatever in a plan names something that it does not have is an error.
"""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hpo_gym.evaluation.errors import EvaluationError, did_you_mean
from hpo_gym.evaluation.validation import first_complaint

FOLDER = Path(__file__).parent


class PlanError(EvaluationError, ValueError):
    """A plan that contradicts itself, or a part that it does not have."""


class _Declaration(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Testbed(_Declaration):
    """An environment with options, where agents are judged on test run seeds.

    Attributes:
        env_id, env_kwargs: what `gym.make` is given.
        words: for the page.
        references: agents of the catalogue that are judged here too, on the same run seeds.
        schedules, schedules_from: agents whose presets for another environment are used here.
        n_run_seeds: run seeds, 0, 1, ...
        policies_meet: "all": each policy is judged on all of them; "one": that of training seed i on the i-th only.
    """

    __test__ = False  # pytest: the name starts with Test

    env_id: str
    env_kwargs: Mapping[str, Any] = {}
    words: str
    references: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()
    schedules_from: str = ""
    n_run_seeds: int = Field(default=10, ge=1)
    policies_meet: Literal["all", "one"] = "all"

    def run_seeds_met_by(self, training_seed: int) -> range:
        """The run seeds that the policy of a training seed is judged on."""
        if self.policies_meet == "all":
            return range(self.n_run_seeds)
        return range(training_seed % self.n_run_seeds, training_seed % self.n_run_seeds + 1)


class Variant(_Declaration):
    """A way to train: a preset, and what is changed in it (dotted keys, as `--set` takes them)."""

    preset: str
    words: str
    changes: Mapping[str, Any] = {}


class Part(_Declaration):
    """Variants that are trained on one testbed and judged on some."""

    trained_on: str
    variants: tuple[str, ...]
    n_training_seeds: int = Field(ge=1)
    judged_on: tuple[str, ...]


class Claim(_Declaration):
    """Something that a paper says: a variant's figure is lower or higher than another's.

    Attributes:
        words: the claim.
        variant, against: who is compared.
        figure: "outcome", or "entropy@N" for the entropy a dimension of the policy after N updates.
        is_expected: of the variant's figure beside the other's.
    """

    words: str
    variant: str
    against: str = "jel"
    figure: str = Field(pattern=r"^(outcome|entropy@\d+)$")
    is_expected: Literal["lower", "higher"]


class Plan(_Declaration):
    """All of them, by name."""

    testbeds: dict[str, Testbed]
    variants: dict[str, Variant]
    parts: dict[str, Part]
    claims: tuple[Claim, ...] = ()

    @model_validator(mode="after")
    def _names_what_it_has(self) -> Self:
        for name, part in self.parts.items():
            _check_names(f"parts.{name}", [part.trained_on, *part.judged_on], self.testbeds)
            _check_names(f"parts.{name}", part.variants, self.variants)
        for claim in self.claims:
            _check_names(f"claim {claim.words!r}", [claim.variant, claim.against], self.variants)
        for name, testbed in self.testbeds.items():
            if bool(testbed.schedules) != bool(testbed.schedules_from):
                raise ValueError(f"testbeds.{name}: schedules and schedules_from belong together")
        return self

    def chosen_parts(self, names: Iterable[str]) -> dict[str, Part]:
        """The named parts in the plan's order; all where none is named.

        Raises:
            PlanError: there is no such part.
        """
        wanted = list(names) or list(self.parts)
        for name in wanted:
            if name not in self.parts:
                near = did_you_mean(name, list(self.parts))
                raise PlanError(f"no part named {name!r}{near}; there are {', '.join(self.parts)}")
        return {name: part for name, part in self.parts.items() if name in wanted}


def _check_names(where: str, names: Iterable[str], declared: Mapping[str, Any]) -> None:
    for name in names:
        if name not in declared:
            raise ValueError(f"{where}: no {name!r} is declared{did_you_mean(name, list(declared))}")


def read_plan(name: str, folder: Path = FOLDER) -> Plan:
    """The plan NAME.toml of a folder.

    Raises:
        PlanError: something in it is wrong; names file and key.

    Example:
        >>> read_plan("jel").parts["nano"].judged_on
        ('nano', 'nano-deploy')
    """
    path = folder / f"{name}.toml"
    try:
        return Plan.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"{path.name}: not TOML: {error}") from None
    except ValidationError as error:
        raise PlanError(f"{path.name}: {first_complaint(error, Plan)}") from None
