"""What `python -m agents reproduce grpoformer` trains: agents/reproduce/grpoformer.toml, read and checked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agents.reproduce.openml_cells import openml_cells
from agents.reproduce.plan_file import read_plan_file
from agents.training.preset import Preset, read_preset
from hpo_gym.evaluation.errors import EvaluationError, did_you_mean

PATH = Path(__file__).with_name("grpoformer.toml")

Cells = Mapping[str, tuple[str, ...]]
"""Environment -> tasks."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Variant(_Strict):
    """A preset and what is changed in it.

    Attributes:
        preset: its name.
        words: what it is, for the page.
        changes: dotted keys of the preset.
        network: "paper", or "small": the plan's.
        incumbent: whose best trial a reward of the paper's kind counts from: the "episode"'s or the "training"'s.
        family: the variant that this is an ablation of; "" for none.
    """

    preset: str
    words: str
    changes: dict[str, Any] = {}
    network: Literal["paper", "small"] = "small"
    incumbent: Literal["episode", "training"] = "episode"
    family: str = ""


class Part(_Strict):
    """Some variants on some cells.

    Attributes:
        variants: names.
        cells: "all", or tasks by environment.
        n_seeds: trainings of each variant on each cell.
    """

    variants: tuple[str, ...] = Field(strict=False)
    cells: Literal["all"] | dict[str, list[str]]
    n_seeds: int = Field(ge=1)

    def tasks(self) -> Cells:
        """Environment -> tasks."""
        if self.cells == "all":
            return openml_cells()
        return {env_id: tuple(task_ids) for env_id, task_ids in self.cells.items()}


class GrpoformerPlan(_Strict):
    """The whole file.

    Attributes:
        small: what the small network changes in a preset.
        variants, parts: by name.
    """

    small: dict[str, Any]
    variants: dict[str, Variant]
    parts: dict[str, Part]

    @model_validator(mode="after")
    def _knows_its_names(self) -> "GrpoformerPlan":
        for name, part in self.parts.items():
            for variant in part.variants:
                if variant not in self.variants:
                    raise ValueError(f"parts.{name}: no variant {variant!r}{did_you_mean(variant, self.variants)}")
        for name, variant_ in self.variants.items():
            if variant_.family and variant_.family not in self.variants:
                raise ValueError(f"variants.{name}: no variant {variant_.family!r} to be an ablation of")
        return self

    def preset(self, variant: str, env_id: str) -> Preset:
        """What a variant comes to on an environment."""
        chosen = self.variants[variant]
        sizes = self.small if chosen.network == "small" else {}
        return read_preset(chosen.preset, env_id, {**sizes, **chosen.changes})

    def chosen_parts(self, names: tuple[str, ...]) -> dict[str, Part]:
        """The parts of these names, or all.

        Raises:
            EvaluationError: no such part.
        """
        for name in names:
            if name not in self.parts:
                raise EvaluationError(
                    f"no part {name!r}{did_you_mean(name, self.parts)}; there are {', '.join(self.parts)}"
                )
        return {name: part for name, part in self.parts.items() if not names or name in names}


def read_grpoformer_plan(path: Path = PATH) -> GrpoformerPlan:
    """The plan of a TOML file; what is wrong with it is an `EvaluationError`."""
    return read_plan_file(path, GrpoformerPlan)
