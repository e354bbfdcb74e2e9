"""A table file and the TOML beside it, as `hpo_gym.data.tables.file` reads them: same content, same bytes."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo_gym.data.tables.file_description import FileDescription
from hpo_gym.data.tables.table import Hyperparameter

if TYPE_CHECKING:
    import pyarrow


def write_table_file(path: Path, columns: "pyarrow.Table", description: Mapping[str, Any]) -> None:
    """Writes PATH.parquet and, beside it, PATH.toml; either is the old one or the whole new one at any moment.

    Args:
        path: ends in .parquet.
        columns: the table's columns.
        description: the fields of `FileDescription` that are to be said; checked here.
    """
    from pyarrow import parquet

    FileDescription(**description)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    unfinished_toml = unfinished.with_suffix(".toml")
    try:
        with unfinished.open("wb") as file:
            parquet.write_table(columns, file, compression="zstd")
        unfinished_toml.write_text(as_toml(description), encoding="utf-8", newline="\n")
        os.replace(unfinished_toml, path.with_suffix(".toml"))
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
        unfinished_toml.unlink(missing_ok=True)


def column_description(hyperparameter: Hyperparameter) -> dict[str, Any]:
    """A hyperparameter as a description has it under `hyperparameters`, with all that is known of it."""
    if hyperparameter.kind == "categorical":
        return {"kind": "categorical", "categories": list(hyperparameter.categories)}
    bounds = {"lower": hyperparameter.lower, "upper": hyperparameter.upper}
    return {"kind": hyperparameter.kind, **bounds, "log": hyperparameter.log}


def as_toml(content: Mapping[str, Any], *, within: str = "") -> str:
    """TOML of nested mappings, lists and plain values; None is left out."""
    plain = {key: value for key, value in content.items() if value is not None and not isinstance(value, Mapping)}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    parts = ["".join(f"{line}\n" for line in lines)]
    for key, value in content.items():
        if isinstance(value, Mapping):
            name = f"{within}{_key(key)}"
            parts.append(f"\n[{name}]\n{as_toml(value, within=f'{name}.')}")
    return "".join(parts)


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} does not belong into a description")
    # TOML's numbers, booleans and texts are JSON's, but for one control character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
