"""Tables of evaluations on real data sets: `open_table` gives any of them by name."""

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from hpo_gym.data.cache import cache_folder, find_source
from hpo_gym.data.errors import DataError, DataNotFoundError, TableError
from hpo_gym.data.manifest import manifest
from hpo_gym.data.tables.store import identity, open_stored, source_key
from hpo_gym.data.tables.table import Hyperparameter, Table, Task

__all__ = ["TABLE_OPTIONS", "Hyperparameter", "Table", "Task", "open_table"]

_PUBLISHED = {
    "hpobench-mlp": "hpobench_mlp",
    "tst-svm": "tst",
    "hyprl-nn": "hyprl",
    "hpobench-xgb": "hpobench_xgb",
    "lcbench": "lcbench",
}
# Of `file_description.FileDescription`, whose import would take a second that nobody else has to wait.
_FILE_OPTIONS = (
    *("name", "task", "score", "score_axis", "epochs", "direction", "score_name", "score_unit", "hyperparameters"),
    *("meta_features", "ignore", "splits", "licence", "citation", "source"),
    *("openml_task_ids", "notes", "provenance"),
)
TABLE_OPTIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_PUBLISHED, ("path",)),
    "hpob": ("path", "search_space", "version"),
    "file": ("path", *_FILE_OPTIONS),
}
"""The tables that `open_table` knows, and the options of each."""


def open_table(name: str, *, path: str | Path | None = None, **options: Any) -> Table:
    """The table of that name; parsed once, then mapped from the cache in milliseconds.

    Args:
        name: one of `TABLE_OPTIONS`.
        path: an archive or folder to read instead of the one in the data folder. Without it, only the
            published files are admitted; with it, departures from them are told in `Table.notes`.
        options: those of `hpo_gym.data.tables.hpob.load` for "hpob", of `.file.load` for "file".

    Raises:
        DataNotFoundError: the data is not there; the message names the command that gets it.
        TableError: the data is not what it should be; the message names file, place and value.
        DataError: the name or an option is unknown.
    """
    if name not in TABLE_OPTIONS:
        raise DataError(f"there is no table {name!r}; there are: {', '.join(TABLE_OPTIONS)}")
    unknown = sorted(options.keys() - TABLE_OPTIONS[name])
    if unknown:
        raise DataError(f"table {name!r} has no option {unknown[0]!r}; it has {', '.join(TABLE_OPTIONS[name])}")
    if name not in _PUBLISHED:
        module = importlib.import_module(f"hpo_gym.data.tables.{name}")
        return module.load(None if path is None else Path(path), **options)
    return _open_published(name, None if path is None else Path(path))


def _open_published(name: str, path: Path | None) -> Table:
    module = importlib.import_module(f"hpo_gym.data.tables.{_PUBLISHED[name]}")
    strict = path is None
    if path is None:
        path = module.package_folder() if name == "hpobench-mlp" else find_source(name)
    elif not path.exists():
        raise DataNotFoundError(f"{path} does not exist; the published data comes with: hpo-gym data get {name}")
    sources = module.files_in(path) if name == "hpobench-mlp" else (path,)
    missing = [file for file in sources if not file.exists()]
    if missing:
        raise TableError(f"{missing[0]} is missing")

    def build() -> Table:
        dataset = manifest()[name]
        try:
            table = module.load(path, strict=strict)
        except TableError as error:
            named = str(path) in str(error)
            raise error if named else TableError(f"{path}: {error}") from error
        return replace(table, licence=dataset.licence, citation=dataset.citation, source=dataset.homepage)

    return open_stored(
        cache_folder() / "tables" / f"{name}-{source_key(path, {'strict': strict})}",
        identity(sources, module.VERSION, {"strict": strict}),
        build,
    )
