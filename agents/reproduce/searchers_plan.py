"""What `python -m agents reproduce searchers` trains and judges: agents/reproduce/searchers.toml, read and checked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agents.reproduce.plan_file import read_plan_file
from agents.searcher.architecture import SearcherArchitecture
from agents.training.preset import Preset, read_preset
from hpo_gym.evaluation.errors import EvaluationError, did_you_mean

PATH = Path(__file__).with_name("searchers.toml")
PRESET = "searcher"
RIVALS = "rivals"
"""The part that trains nothing."""

Fold = Literal[0, 1, 2, 3, 4]
Names = Annotated[tuple[str, ...], Field(strict=False)]
Figures = Annotated[tuple[float, ...], Field(strict=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Variant(_Strict):
    """A way to train the searcher, or the searcher as it is before training.

    Attributes:
        words: what it is, for the page.
        changes: dotted keys of the preset.
        tables: what it is trained on: "all", "own" (each table alone), "others" (for each table, the others), or some.
        trained: whether it is.
    """

    words: str
    changes: dict[str, Any] = {}
    tables: Literal["all", "own", "others"] | Names = "all"
    trained: bool = True


class Part(_Strict):
    """Some variants.

    Attributes:
        variants: names.
        n_seeds: of training.
        folds: of tasks that a training is made without.
        declared_split: whether policies of fold 0 are judged on the split "test" too.
    """

    variants: Names
    n_seeds: int = Field(ge=1)
    folds: tuple[Fold, ...] = Field(strict=False, min_length=1)
    declared_split: bool = False


class Aims(_Strict):
    """Normalised regrets to come down to, by table, after so many trials."""

    trials: tuple[int, ...] = Field(strict=False)
    regrets: dict[str, Figures]


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What one training of a variant sees, and what it is judged on.

    Attributes:
        of: the table that it is made for; "" where it is made for several.
        trained_on: tables, the first of which is the training's own environment.
        judged_on: tables.
        judged_whole: whether on all of their tasks, or on those of the fold that was left out.
    """

    of: str = ""
    trained_on: tuple[str, ...]
    judged_on: tuple[str, ...]
    judged_whole: bool = False


class SearchersPlan(_Strict):
    """The whole file.

    Attributes:
        tables: all of them.
        budget: trials of an episode that is judged.
        variants, parts: by name.
        rivals: table -> agent -> seeds, of what has no result elsewhere.
        aims: of the page.
    """

    tables: Names = Field(min_length=1)
    budget: int = Field(ge=1)
    variants: dict[str, Variant]
    parts: dict[str, Part]
    rivals: dict[str, dict[str, int]] = {}
    aims: Aims

    @model_validator(mode="after")
    def _knows_its_names(self) -> "SearchersPlan":
        for name, part in self.parts.items():
            _check_names(f"parts.{name}", part.variants, self.variants)
        for name, variant in self.variants.items():
            if not isinstance(variant.tables, str):
                _check_names(f"variants.{name}.tables", variant.tables, self.tables)
        _check_names("rivals", self.rivals, self.tables)
        for table, regrets in self.aims.regrets.items():
            if len(regrets) != len(self.aims.trials):
                raise ValueError(f"aims.regrets.{table}: {len(regrets)} figures for {len(self.aims.trials)} trials")
        return self

    def scopes(self, variant: str) -> list[Scope]:
        """The trainings that a variant is, of each seed and fold."""
        chosen = self.variants[variant].tables
        if chosen == "all":
            return [Scope(trained_on=self.tables, judged_on=self.tables)]
        if chosen == "own":
            return [Scope(of=table, trained_on=(table,), judged_on=(table,)) for table in self.tables]
        if chosen == "others":
            return [
                Scope(of=table, trained_on=self._without([table]), judged_on=(table,), judged_whole=True)
                for table in self.tables
            ]
        return [Scope(trained_on=tuple(chosen), judged_on=self._without(chosen), judged_whole=True)]

    def _without(self, tables: Iterable[str]) -> tuple[str, ...]:
        left_out = set(tables)
        return tuple(table for table in self.tables if table not in left_out)

    def preset(self, variant: str, trained_on: Sequence[str]) -> Preset:
        """What a variant comes to on some tables; on all of them the preset names those beside the first itself.

        A margin of its own, which was chosen on a table's training tasks, is kept by none of the other tables.
        """
        changes, first = dict(self.variants[variant].changes), env_id_of(trained_on[0])
        if tuple(trained_on) == self.tables:
            return read_preset(PRESET, first, changes)
        changes["algorithm.beside"] = [env_id_of(table) for table in trained_on[1:]]
        network = read_preset(PRESET, first, changes).settings.get("policy_kwargs", {})
        unseen = {env_id_of(table) for table in self._without(trained_on)} & network.get("margins", {}).keys()
        if unseen:
            general = network.get("margin", SearcherArchitecture.model_fields["margin"].default)
            changes["algorithm.policy_kwargs.margins"] = dict.fromkeys(sorted(unseen), general)
        return read_preset(PRESET, first, changes)

    def part_of(self, variant: str) -> Part:
        """The first part that has a variant.

        Raises:
            EvaluationError: none has.
        """
        for part in self.parts.values():
            if variant in part.variants:
                return part
        raise EvaluationError(f"no part has variant {variant!r}")

    def chosen_parts(self, names: Iterable[str]) -> tuple[str, ...]:
        """Names of parts, "rivals" among them, in the plan's order; all where none is named.

        Raises:
            EvaluationError: no such part.
        """
        wanted, known = tuple(names), (*self.parts, RIVALS)
        for name in wanted:
            if name not in known:
                raise EvaluationError(f"no part {name!r}{did_you_mean(name, known)}; there are {', '.join(known)}")
        return tuple(name for name in known if not wanted or name in wanted)


def _check_names(where: str, names: Iterable[str], known: Mapping[str, Any] | Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{where}: no {name!r} is declared{did_you_mean(name, list(known))}")


def env_id_of(table: str) -> str:
    """The environment that searches a table.

    Example:
        >>> env_id_of("LCBench")
        'hpo_gym/ConfigSelection-LCBench-v0'
    """
    return f"hpo_gym/ConfigSelection-{table}-v0"


def read_searchers_plan(path: Path = PATH) -> SearchersPlan:
    """The plan of a TOML file; what is wrong with it is an `EvaluationError`."""
    return read_plan_file(path, SearchersPlan)
