"""Parsed tables on disk, so that opening one again only maps memory.

A stored table is a folder: two or three .npy files, and table.json that says what is in them, of which source
they were made, and by which version of the loader. It is written beside its place and renamed into it, so
that a reader finds a whole one or none; two processes that build the same table at once both succeed.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.errors import TableError
from hpo_gym.data.tables.table import Hyperparameter, Table, Task

FORMAT = 1
_PROBE_BYTES = 16 * 2**10
_N_PROBES = 32


class UnusableError(Exception):
    """The stored table is absent, of another source or version, or damaged."""


def identity(sources: Sequence[Path], version: int, options: Mapping[str, Any]) -> dict[str, Any]:
    """What must be the same for a stored table to stand for its source: JSON-able.

    A file is known by path, size and time of last change; a folder by those of all its files.
    """
    files = [f for path in sources for f in (sorted(path.rglob("*")) if path.is_dir() else [path]) if f.is_file()]
    stats = [(file, file.stat()) for file in files]
    return {
        "format": FORMAT,
        "loader_version": version,
        "options": dict(options),
        "files": [[str(file.resolve()), stat.st_size, stat.st_mtime_ns] for file, stat in stats],
    }


def source_key(path: Path, options: Mapping[str, Any]) -> str:
    """A short name for a path and options: what is stored under it is replaced when the file changes."""
    text = json.dumps([str(path.resolve()), dict(options)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


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
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        arrays = _arrays(table)
        for name, array in arrays.items():
            np.save(temporary / f"{name}.npy", array, allow_pickle=False)
        record = {
            "source": source,
            "arrays": {name: _fingerprint(temporary / f"{name}.npy") for name in arrays},
            "table": _description(table),
        }
        text = json.dumps(record, ensure_ascii=False)
        # The first line is the checksum of the second, so that a damaged number is noticed.
        (temporary / "table.json").write_text(f"{zlib.crc32(text.encode())}\n{text}", encoding="utf-8")
        _put(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _put(temporary: Path, folder: Path) -> None:
    for _ in range(5):
        try:
            temporary.rename(folder)
        except OSError:
            # There is one already: stale, damaged, or just made by another process. Ours is as good.
            aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
            with contextlib.suppress(FileNotFoundError):
                folder.rename(aside / "old")
            shutil.rmtree(aside, ignore_errors=True)
        else:
            return
    raise OSError(f"could not put a table at {folder}")


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
        checksum, _, text = (folder / "table.json").read_text(encoding="utf-8").partition("\n")
        if checksum != str(zlib.crc32(text.encode())):
            raise UnusableError("table.json is damaged")
        record = json.loads(text)
        if record["source"] != json.loads(json.dumps(source)):
            raise UnusableError("the source has changed")
        arrays = {}
        for name, fingerprint in record["arrays"].items():
            file = folder / f"{name}.npy"
            if _fingerprint(file) != fingerprint:
                raise UnusableError(f"{name}.npy is damaged")
            arrays[name] = np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))
        return _assemble(record["table"], arrays)
    except (OSError, ValueError, KeyError, TypeError, TableError) as error:
        raise UnusableError(str(error)) from error


def _fingerprint(file: Path) -> list[int]:
    """Size, and a checksum of pieces spread evenly over the file: all of it where it is under half a MiB."""
    n_bytes = os.path.getsize(file)
    checksum = 0
    with file.open("rb") as stream:
        if n_bytes <= _PROBE_BYTES * _N_PROBES:
            return [n_bytes, zlib.crc32(stream.read())]
        for probe in range(_N_PROBES):
            stream.seek(probe * (n_bytes - _PROBE_BYTES) // (_N_PROBES - 1))
            checksum = zlib.crc32(stream.read(_PROBE_BYTES), checksum)
    return [n_bytes, checksum]


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
