"""Any user's table of evaluations: a CSV or parquet file, one row a configuration on a data set."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.cache import cache_folder
from hpo_gym.data.errors import DataError, DataNotFoundError, TableError
from hpo_gym.data.tables.file_columns import FileColumns, read_columns
from hpo_gym.data.tables.file_description import ColumnDescription, FileDescription, describe
from hpo_gym.data.tables.store import identity, open_stored, source_key
from hpo_gym.data.tables.table import Hyperparameter, Table, Task

VERSION = 1


def load(path: Path | None = None, **options: Any) -> Table:
    """The table in a CSV or parquet file; columns are matched by name, never by position.

    Args:
        path: the file; a TOML of the same name beside it may describe the columns.
        options: fields of `FileDescription`, which take precedence over the TOML.

    Raises:
        DataNotFoundError: there is no such file.
        TableError: naming file, line and value. A hyperparameter must have a value in every row ("none", "null"
            and "na" are missing unless its categories list them); a missing score is a NaN with a note; rows
            that repeat a configuration with the same score are dropped with a note, with another score they are
            an error.
    """
    if path is None:
        raise DataError("table 'file' needs path=..., a CSV or parquet file")
    if not path.is_file():
        raise DataNotFoundError(f"{path} does not exist")
    description = describe(path, options)
    said = description.model_dump()
    source = identity([path], VERSION, said)
    folder = cache_folder() / "tables" / f"file-{path.stem}-{source_key(path, said)}"
    return open_stored(folder, source, lambda: read_table(path, description))


def read_table(path: Path, description: FileDescription) -> Table:
    """The table, parsed; see `load`."""
    columns = read_columns(path)
    task_column = description.task or ("task" if "task" in columns.names else None)
    names = _hyperparameter_names(columns, description, task_column)
    hyperparameters = tuple(
        _hyperparameter(columns, name, (description.hyperparameters or {}).get(name) or ColumnDescription())
        for name in names
    )
    positions = _positions(columns, hyperparameters)
    sign = 1.0 if description.direction == "maximise" else -1.0
    scores = np.stack([sign * columns.numbers(name, may_miss=True) for name in description.score], axis=1)
    meta = [columns.numbers(name) for name in description.meta_features]
    notes = [*description.notes, *_column_notes(path, description, hyperparameters)]
    tasks: dict[str, Task] = {}
    for task_id, rows in _rows_of_tasks(columns, task_column, path).items():
        kept = _without_repeats(columns, positions, scores, rows, task_id, notes)
        n_missing = int(np.isnan(scores[kept]).any(axis=1).sum())
        if n_missing:
            notes.append(f"{path.name}, task {task_id}: {n_missing} configurations lack a score")
        tasks[task_id] = Task(
            task_id=task_id,
            pool=positions[kept],
            scores=scores[kept] if description.score_axis else scores[kept, 0],
            meta_features=_meta_features(columns, description.meta_features, meta, rows, task_id),
            openml_task_id=description.openml_task_ids.get(task_id),
        )
    _check_splits(path, description, tasks)
    return Table(
        name=description.name or path.stem,
        hyperparameters=hyperparameters,
        tasks=_share_pool(tasks, path, notes),
        score_name=description.score_name or description.score[0],
        score_unit=description.score_unit,
        score_axis=description.score_axis,
        epochs=tuple(description.epochs),
        splits={name: tuple(ids) for name, ids in description.splits.items()},
        licence=description.licence,
        citation=description.citation,
        source=description.source or str(path),
        notes=tuple(notes),
    )


def _hyperparameter_names(
    columns: FileColumns, description: FileDescription, task_column: str | None
) -> tuple[str, ...]:
    other = {*description.score, *description.meta_features, *description.ignore}
    other |= {task_column} if task_column else set()
    wanted = other - set(description.ignore) | set(description.hyperparameters or {})
    for name in sorted(wanted - set(columns.names)):
        raise TableError(f"{columns.where}: there is no column {name!r}; there are: {', '.join(columns.names)}")
    names = tuple(description.hyperparameters or (name for name in columns.names if name not in other))
    twice = sorted(other.intersection(names))
    if twice:
        raise TableError(f"{columns.where}: column {twice[0]!r} cannot be a hyperparameter and something else")
    if not names:
        raise TableError(f"{columns.where}: no column is left for the hyperparameters")
    return names


def _hyperparameter(columns: FileColumns, name: str, said: ColumnDescription) -> Hyperparameter:
    kind = said.kind or ("categorical" if said.categories else columns.kind(name))
    if kind == "categorical":
        categories = said.categories or sorted(set(columns.texts(name)))
        return Hyperparameter(name=name, kind="categorical", categories=tuple(categories))
    values = columns.numbers(name)
    if kind == "integer" and (values != np.rint(values)).any():
        row = int(np.flatnonzero(values != np.rint(values))[0])
        raise TableError(f"{columns.place(row)}: {name} = {values[row]} is not an integer")
    return Hyperparameter(
        name=name,
        kind=kind,
        lower=float(values.min()) if said.lower is None else said.lower,
        upper=float(values.max()) if said.upper is None else said.upper,
        log=said.log,
    )


def _positions(columns: FileColumns, hyperparameters: Sequence[Hyperparameter]) -> NDArray[np.float32]:
    unit = []
    for h in hyperparameters:
        values = np.array(columns.texts(h.name, h.categories)) if h.kind == "categorical" else columns.numbers(h.name)
        try:
            unit.append(h.to_unit(values))
        except TableError as error:
            raise TableError(f"{columns.where}: {error}") from None
    return np.stack(unit, axis=1).astype(np.float32) + np.float32(0)  # -0 becomes 0: rows are compared by their bytes


def _column_notes(path: Path, description: FileDescription, hyperparameters: Sequence[Hyperparameter]) -> list[str]:
    notes = [
        f"{path.name}: {h.name} has one value only"
        for h in hyperparameters
        if (h.lower == h.upper if h.kind != "categorical" else len(h.categories) == 1)
    ]
    if description.direction == "minimise":
        notes.append(f"{path.name}: scores are to be minimised, so they are negated")
    return notes


def _rows_of_tasks(columns: FileColumns, task_column: str | None, path: Path) -> dict[str, NDArray[np.int64]]:
    if task_column is None:
        return {path.stem: np.arange(columns.n_rows)}
    rows: dict[str, list[int]] = {}
    for row, task_id in enumerate(columns.texts(task_column)):
        rows.setdefault(task_id, []).append(row)
    return {task_id: np.array(numbers) for task_id, numbers in rows.items()}


def _without_repeats(
    columns: FileColumns,
    positions: NDArray[np.float32],
    scores: NDArray[np.float64],
    rows: NDArray[np.int64],
    task_id: str,
    notes: list[str],
) -> NDArray[np.int64]:
    first: dict[bytes, int] = {}
    for row in rows.tolist():
        earlier = first.setdefault(positions[row].tobytes(), row)
        if not np.array_equal(scores[earlier], scores[row], equal_nan=True):
            raise TableError(
                f"{columns.place(row)}: task {task_id} has this configuration with another score in "
                f"{columns.place(earlier)}; repetitions are columns of their own (score_axis = 'replicate')"
            )
    if len(first) < len(rows):
        n_dropped = len(rows) - len(first)
        notes.append(f"{columns.where}, task {task_id}: {n_dropped} rows repeat an earlier one and were dropped")
    return np.array(list(first.values()))


def _meta_features(
    columns: FileColumns,
    names: Sequence[str],
    values: Sequence[NDArray[np.float64]],
    rows: NDArray[np.int64],
    task_id: str,
) -> NDArray[np.float32]:
    for name, column in zip(names, values, strict=True):
        different = rows[column[rows] != column[rows[0]]]
        if len(different):
            raise TableError(f"{columns.place(different[0])}: meta-feature {name} varies within task {task_id}")
    return np.array([column[rows[0]] for column in values], np.float32)


def _check_splits(path: Path, description: FileDescription, tasks: Mapping[str, Task]) -> None:
    for split, ids in description.splits.items():
        for task_id in ids:
            if task_id not in tasks:
                raise TableError(f"{path}: split {split!r} names the task {task_id!r}; there are {', '.join(tasks)}")


def _share_pool(tasks: dict[str, Task], path: Path, notes: list[str]) -> dict[str, Task]:
    """Puts all tasks on the first one's order of configurations, where they have the same ones."""
    first = next(iter(tasks.values()))
    keys = [row.tobytes() for row in first.pool]
    aligned = {}
    for task_id, task in tasks.items():
        row_of = {row.tobytes(): i for i, row in enumerate(task.pool)}
        if row_of.keys() != set(keys):
            notes.append(f"{path.name}: tasks have different configurations, so each has its own pool")
            return tasks
        order = [row_of[key] for key in keys]
        aligned[task_id] = replace(task, pool=first.pool, scores=task.scores[order])
    return aligned
