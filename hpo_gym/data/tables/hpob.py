"""HPO-B: 176 search spaces on OpenML tasks, in the JSON of its authors (Pineda Arango et al. 2021).

The files are large (about 1 GB in all), so each is read once and stored by search space; opening a space
afterwards maps memory only.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.cache import cache_folder, find_source
from hpo_gym.data.errors import DataError, DataNotFoundError, TableError
from hpo_gym.data.manifest import manifest
from hpo_gym.data.tables.store import UnusableError, identity, read_stored, source_key, write_stored
from hpo_gym.data.tables.table import Hyperparameter, Table, Task

VERSION = 1
TRAIN, AUGMENTED = "meta-train-dataset.json", "meta-train-dataset-augmented.json"
VALIDATION, TEST = "meta-validation-dataset.json", "meta-test-dataset.json"
INITIALIZATIONS = "bo-initializations.json"
DESCRIPTORS = "meta-dataset-descriptors.json"
"""Names the columns; lies in the authors' repository beside the data, and is not needed."""

VERSIONS: Mapping[str, Mapping[str, str]] = {
    "v1": {"train": AUGMENTED, "validation": VALIDATION, "test": TEST},
    "v2": {"train": TRAIN, "validation": VALIDATION, "test": TEST},
    "v3": {"train": TRAIN, "validation": VALIDATION, "test": TEST},
    "v3-train-augmented": {"train": AUGMENTED, "validation": VALIDATION, "test": TEST},
    "v3-test": {"test": TEST},
}
"""Of which files each version consists, as in the authors' own reader; v1 and v2 have no splits."""

_TOLERANCE = 0.01  # positions this little outside [0, 1] are rounding of the authors' scaling


def load(path: Path | None = None, *, search_space: str | int | None = None, version: str = "v3") -> Table:
    """One search space of HPO-B; each task its own pool.

    Args:
        path: the folder of JSON files, or None for the one in the data folder.
        search_space: the authors' number of it, such as "5860".
        version: a key of `VERSIONS`.

    Returns:
        The table; `splits` has "train", "validation" and "test" (v3 only), `Task.initial_designs` the fixed
        initialisations "test0" ... "test4" (pool indices) where the authors give them.

    Raises:
        DataNotFoundError: a file is not there.
        TableError: a file is damaged; the message names file, data set and value.
        DataError: no such version or search space.
    """
    if version not in VERSIONS:
        raise DataError(f"HPO-B has no version {version!r}; it has {', '.join(VERSIONS)}")
    folder = find_source("hpob") if path is None else path
    spaces = {split: SpacesOfFile(folder / file) for split, file in VERSIONS[version].items()}
    if search_space is None or not any(str(search_space) in file.names for file in spaces.values()):
        known = sorted({name for file in spaces.values() for name in file.names}, key=lambda s: (len(s), s))
        asked = "say search_space=..." if search_space is None else f"there is no search space {search_space}"
        raise DataError(f"HPO-B {version}: {asked}; there are: {', '.join(known)}")
    space = str(search_space)
    parts = {split: file.table(space) for split, file in spaces.items() if space in file.names}
    return _merge(parts, space, version, folder)


def _merge(parts: Mapping[str, Table], space: str, version: str, folder: Path) -> Table:
    designs = _read_json(folder / INITIALIZATIONS).get(space, {})
    tasks: dict[str, Task] = {}
    notes: list[str] = []
    first = next(iter(parts.values()))
    for split, table in parts.items():
        if table.n_dims != first.n_dims:
            raise TableError(f"{folder}, space {space}: {table.n_dims} columns in {split}, {first.n_dims} elsewhere")
        notes += table.notes
        for task_id, task in table.tasks.items():
            if task_id in tasks:
                raise TableError(f"{folder}, space {space}: data set {task_id} is in two files")
            tasks[task_id] = replace(task, initial_designs=_designs(designs.get(task_id, {}), task, folder, space))
    dataset = manifest()["hpob"]
    return Table(
        name=f"hpob-{version}-{space}",
        hyperparameters=_hyperparameters(folder / DESCRIPTORS, space, first.n_dims),
        tasks=tasks,
        score_name=first.score_name,
        score_unit=first.score_unit,
        splits={split: tuple(t.tasks) for split, t in parts.items()} if version.startswith("v3") else {},
        licence=dataset.licence,
        citation=dataset.citation,
        source=dataset.homepage,
        notes=tuple(notes),
    )


def _designs(designs: Any, task: Task, folder: Path, space: str) -> dict[str, tuple[int, ...]]:
    where = f"{folder / INITIALIZATIONS}, space {space}, data set {task.task_id}"
    if not isinstance(designs, dict):
        raise TableError(f"{where}: {type(designs).__name__} where named lists of indices are due")
    for name, indices in designs.items():
        for index in indices:
            if not isinstance(index, int) or not 0 <= index < task.n_configurations:
                raise TableError(f"{where}: {name} names configuration {index!r} of {task.n_configurations}")
    return {name: tuple(indices) for name, indices in designs.items()}


def _hyperparameters(descriptors: Path, space: str, n_dims: int) -> tuple[Hyperparameter, ...]:
    # The published positions are already scaled to [0, 1], logs taken and choices one-hot encoded.
    names = [f"x{i + 1}" for i in range(n_dims)]
    if descriptors.exists():
        named = _read_json(descriptors).get(space, {}).get("variables_order", [])
        names = named if len(named) == n_dims else names
    return tuple(Hyperparameter(name=name) for name in names)


class SpacesOfFile:
    """One of the JSON files, stored by search space; read through only when it has changed."""

    def __init__(self, file: Path) -> None:
        """`DataNotFoundError` where the file is absent; parses it unless that was done before."""
        if not file.exists():
            raise DataNotFoundError(f"{file} does not exist; get it with: hpo-gym data get hpob")
        self._file = file
        self._source = identity([file], VERSION, {})
        self._folder = cache_folder() / "tables" / f"hpob-{file.stem}-{source_key(file, {})}"
        try:
            index = json.loads((self._folder / "spaces.json").read_text("utf-8"))
            if index["source"] != self._source:
                raise UnusableError("the file has changed")
            self.names: tuple[str, ...] = tuple(index["spaces"])
        except (OSError, ValueError, KeyError, TypeError, UnusableError):
            self._parse()

    def table(self, space: str) -> Table:
        """The tasks of one of the file's spaces."""
        try:
            return read_stored(self._folder / space, self._source)
        except UnusableError:
            return self._parse()[space]

    def _parse(self) -> dict[str, Table]:
        tables = parse_spaces(self._file)
        self.names = tuple(tables)
        for space, table in tables.items():
            write_stored(self._folder / space, self._source, table)
        index = self._folder / "spaces.json.new"
        self._folder.mkdir(parents=True, exist_ok=True)
        index.write_text(json.dumps({"source": self._source, "spaces": self.names}), "utf-8")
        index.replace(self._folder / "spaces.json")  # last, as it says that all of them are there
        return tables


def parse_spaces(file: Path) -> dict[str, Table]:
    """{search space: table} of one JSON file.

    Positions up to 0.01 outside [0, 1] are clipped, NaN responses are missing, duplicate configurations are
    kept (the fixed initialisations index them); notes tell of each.
    """
    read = _read_json(file, object_hook=_as_arrays)
    for space, datasets in read.items():
        if not re.fullmatch(r"\w+", space):  # it becomes a folder's name
            raise TableError(f"{file}: {space!r} is not a search space's number")
        if not isinstance(datasets, dict):
            raise TableError(f"{file}, space {space}: {type(datasets).__name__} where data sets are due")
    tables = {}
    for space, datasets in read.items():
        notes: list[str] = []
        tasks = {
            dataset: _task(dataset, content, f"{file.name}, space {space}, data set {dataset}", notes)
            for dataset, content in datasets.items()
        }
        if tasks:
            n_dims = next(iter(tasks.values())).pool.shape[1]
            tables[space] = Table(
                name=f"hpob-{space}",
                hyperparameters=tuple(Hyperparameter(name=f"x{i + 1}") for i in range(n_dims)),
                tasks=tasks,
                score_name="validation accuracy",
                score_unit="as published",
                notes=tuple(notes),
            )
    return tables


def _read_json(file: Path, **options: Any) -> dict[str, Any]:
    if not file.exists():
        raise DataNotFoundError(f"{file} does not exist; get it with: hpo-gym data get hpob")
    try:
        with file.open(encoding="utf-8") as stream:
            read = json.load(stream, **options)
    except ValueError as error:
        raise TableError(f"{file}: not whole JSON ({error}); delete it and get it again") from error
    if not isinstance(read, dict):
        raise TableError(f"{file}: holds a {type(read).__name__} where search spaces are due")
    return read


def _as_arrays(mapping: dict[str, Any]) -> Any:
    # Called for each innermost object as it closes, so that lists of floats never pile up in memory.
    if mapping.keys() != {"X", "y"}:
        return mapping
    try:
        return np.array(mapping["X"], np.float32), np.array(mapping["y"], np.float64)
    except (TypeError, ValueError) as error:
        return error


def _task(dataset: str, content: Any, where: str, notes: list[str]) -> Task:
    if not isinstance(content, tuple):
        problem = content if isinstance(content, Exception) else f"holds {type(content).__name__}"
        raise TableError(f"{where}: not the lists X and y: {problem}")
    pool, scores = content
    if scores.ndim == 2 and scores.shape[1] == 1:
        scores = scores[:, 0]
    if pool.ndim != 2 or scores.shape != pool.shape[:1]:
        raise TableError(f"{where}: X of shape {pool.shape} does not fit y of shape {scores.shape}")
    outside = np.argwhere(~((pool >= -_TOLERANCE) & (pool <= 1 + _TOLERANCE)))
    if len(outside):
        row, column = outside[0]
        raise TableError(f"{where}: X[{row}][{column}] = {pool[row, column]} is not in [0, 1]")
    if np.isinf(scores).any():
        raise TableError(f"{where}: y[{np.flatnonzero(np.isinf(scores))[0]}] is infinite")
    n_clipped = int(((pool < 0) | (pool > 1)).any(axis=1).sum())
    n_missing, n_duplicates = int(np.isnan(scores).sum()), len(pool) - _n_unique_rows(pool)
    for number, what in (
        (n_clipped, "positions a little outside [0, 1] were clipped"),
        (n_missing, "configurations have no score"),
        (n_duplicates, "configurations repeat an earlier one; they are kept, as initialisations index them"),
    ):
        if number:
            notes.append(f"{where}: {number} {what}")
    openml_task_id = int(dataset) if dataset.isdecimal() else None
    return Task(task_id=dataset, pool=np.clip(pool, 0, 1), scores=scores, openml_task_id=openml_task_id)


def _n_unique_rows(rows: NDArray[np.float32]) -> int:
    as_one = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1])))
    return len(np.unique(as_one.ravel()))
