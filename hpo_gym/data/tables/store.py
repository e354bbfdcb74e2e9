"""Parsed tables on disk, so that opening one again only maps memory.

A stored table is a folder (see `hpo_gym.data.stored_folder`): two or three .npy files, and table.json that says
what is in them, of which source they were made, and by which version of the loader.
"""

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.errors import TableError
from hpo_gym.data.stored_folder import (
    UnusableError,
    fingerprint,
    identity,
    new_folder,
    read_record,
    source_key,
    write_record,
)
from hpo_gym.data.tables.table import Hyperparameter, Table, Task

__all__ = ["UnusableError", "identity", "open_stored", "read_stored", "source_key", "write_stored"]


def open_stored(folder: Path, source: Mapping[str, Any], build: Callable[[], Table]) -> Table:
    """The stored table at `folder` if it is whole and of that source; else what `build` makes, stored first.

    Arrays are read-only, and mapped from the files. Where the folder cannot be written, the table is kept in
    memory alone.
    """
    # The second try finds a table that another process has just put there.
    for _ in range(2):
        with contextlib.suppress(UnusableError):
            return read_stored(folder, source)
    table = build()
    try:
        write_stored(folder, source, table)
        return read_stored(folder, source)
    except (OSError, UnusableError):
        for task in table.tasks.values():
            for array in (task.pool, task.scores, task.meta_features):
                array.flags.writeable = False
        return table


def write_stored(folder: Path, source: Mapping[str, Any], table: Table) -> None:
    """Stores the table at `folder`, in place of what is there; an `OSError` where that cannot be written."""
    with new_folder(folder) as temporary:
        arrays = _arrays(table)
        for name, array in arrays.items():
            np.save(temporary / f"{name}.npy", array, allow_pickle=False)
        record = {
            "source": source,
            "arrays": {name: fingerprint(temporary / f"{name}.npy") for name in arrays},
            "table": _description(table),
        }
        write_record(temporary / "table.json", record)


def _arrays(table: Table) -> dict[str, NDArray]:
    tasks = list(table.tasks.values())
    pools = [tasks[0].pool] if table.has_shared_pool else [task.pool for task in tasks]
    return {
        "pool": np.concatenate(pools).astype(np.float32, copy=False),
        "scores": np.concatenate([task.scores for task in tasks]).astype(np.float64, copy=False),
        "meta_features": np.concatenate([task.meta_features for task in tasks]).astype(np.float32, copy=False),
    }


def _description(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "hyperparameters": [vars(h) for h in table.hyperparameters],
        "tasks": [
            {
                "task_id": task.task_id,
                "n_configurations": task.n_configurations,
                "n_meta_features": len(task.meta_features),
                "openml_task_id": task.openml_task_id,
                "initial_designs": dict(task.initial_designs),
            }
            for task in table.tasks.values()
        ],
        "has_shared_pool": table.has_shared_pool,
        "splits": dict(table.splits),
        **{key: getattr(table, key) for key in _PLAIN_FIELDS},
    }


_PLAIN_FIELDS = ("score_name", "score_unit", "score_axis", "epochs", "licence", "citation", "source", "notes")


def read_stored(folder: Path, source: Mapping[str, Any]) -> Table:
    """The table at `folder`, mapped from its files; `UnusableError` unless it is whole and of that source."""
    try:
        record = read_record(folder / "table.json", source)
        arrays = {}
        for name, expected in record["arrays"].items():
            file = folder / f"{name}.npy"
            if fingerprint(file) != expected:
                raise UnusableError(f"{name}.npy is damaged")
            arrays[name] = np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))
        return _assemble(record["table"], arrays)
    except (OSError, ValueError, KeyError, TypeError, TableError) as error:
        raise UnusableError(str(error)) from error


def _assemble(description: dict[str, Any], arrays: Mapping[str, NDArray]) -> Table:
    hyperparameters = tuple(
        Hyperparameter(**{**h, "categories": tuple(h["categories"])}) for h in description["hyperparameters"]
    )
    tasks: dict[str, Task] = {}
    start = meta_start = 0
    shared = description["has_shared_pool"]
    for entry in description["tasks"]:
        stop, meta_stop = start + entry["n_configurations"], meta_start + entry["n_meta_features"]
        tasks[entry["task_id"]] = Task(
            task_id=entry["task_id"],
            pool=arrays["pool"] if shared else arrays["pool"][start:stop],
            scores=arrays["scores"][start:stop],
            meta_features=arrays["meta_features"][meta_start:meta_stop],
            openml_task_id=entry["openml_task_id"],
            initial_designs={name: tuple(design) for name, design in entry["initial_designs"].items()},
        )
        start, meta_start = stop, meta_stop
    plain: dict[str, Any] = {
        key: tuple(description[key]) if isinstance(description[key], list) else description[key]
        for key in _PLAIN_FIELDS
    }
    return Table(
        name=description["name"],
        hyperparameters=hyperparameters,
        tasks=tasks,
        splits={name: tuple(ids) for name, ids in description["splits"].items()},
        **plain,
    )
