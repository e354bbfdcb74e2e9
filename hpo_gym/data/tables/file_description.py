"""What the columns of a user's own table mean: said in Python, or in a TOML file beside the table."""

import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hpo_gym.data.errors import TableError


class ColumnDescription(BaseModel):
    """One hyperparameter's type and bounds; what is not said is inferred from the values."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["float", "integer", "categorical"] | None = None
    lower: float | None = None
    upper: float | None = None
    log: bool = False
    categories: list[str] | None = None


class FileDescription(BaseModel):
    """A table of evaluations in one file.

    Attributes:
        name: of the table; the file's stem where it is not said.
        task: the column that names the data set; None: the column "task" if there is one, else a single task.
        score: the score's column, or one column a replicate or epoch.
        score_axis, epochs: what several score columns mean.
        direction: whether high scores are good; scores to be minimised are negated.
        score_name, score_unit, licence, citation, source: as in `Table`.
        hyperparameters: columns with what is known of each, or their names alone; None: all other columns.
        meta_features: columns that describe the data set, the same in all its rows.
        ignore: columns to leave out.
        splits: named lists of task ids.
        openml_task_ids: of task ids, their numbers on OpenML.
        notes: what was done to the values before they were written, one sentence each.
        provenance: where they come from, in any fields; kept in the file for people.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = None
    task: str | None = None
    score: list[str] = Field(default=["score"], min_length=1)
    score_axis: Literal["replicate", "epoch"] | None = None
    epochs: list[int] = []
    direction: Literal["maximise", "minimise"] = "maximise"
    score_name: str | None = None
    score_unit: str = ""
    hyperparameters: dict[str, ColumnDescription] | None = None
    meta_features: list[str] = []
    ignore: list[str] = []
    splits: dict[str, list[str]] = {}
    licence: str = ""
    citation: str = ""
    source: str = ""
    openml_task_ids: dict[str, int] = {}
    notes: list[str] = []
    provenance: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _accept_short_forms(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        full = dict(given)
        if isinstance(full.get("score"), str):
            full["score"] = [full["score"]]
        if isinstance(full.get("hyperparameters"), list | tuple):
            full["hyperparameters"] = {name: {} for name in full["hyperparameters"]}
        if isinstance(full.get("direction"), str):
            full["direction"] = full["direction"].replace("mize", "mise")
        return full

    @model_validator(mode="after")
    def _check_axis(self) -> "FileDescription":
        if (len(self.score) > 1) != (self.score_axis is not None):
            raise ValueError("several score columns need score_axis = 'replicate' or 'epoch', and one has none")
        if self.score_axis == "epoch" and len(self.epochs) != len(self.score):
            raise ValueError(f"{len(self.score)} score columns need as many epochs")
        if any(later <= earlier for earlier, later in pairwise((0, *self.epochs))):
            raise ValueError(f"epochs {self.epochs} must be above 0 and increase, and so must their score columns")
        return self


def describe(path: Path, options: dict[str, Any]) -> FileDescription:
    """The description from the TOML beside the file (data.csv -> data.toml), options taking precedence.

    Raises:
        TableError: an unknown key or a wrong value; the message names the file and the key.
    """
    beside = path.with_suffix(".toml")
    said: dict[str, Any] = {}
    if beside.exists():
        try:
            said = tomllib.loads(beside.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise TableError(f"{beside}: {error}") from error
    try:
        return FileDescription(**{**said, **options})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        origin = beside if first["loc"] and first["loc"][0] in said.keys() - options.keys() else "options"
        raise TableError(f"{origin}: {key + ': ' if key else ''}{first['msg']}") from None
