"""Folders of arrays in the cache: known by their source, written whole or not at all, checked when read.

A stored folder holds files of arrays and one record (JSON) that says what is in them and of which source they
were made. It is written beside its place and renamed into it, so that a reader finds a whole one or none; two
processes that build the same one at once both succeed.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FORMAT = 1
_PROBE_BYTES = 16 * 2**10
_N_PROBES = 32
_ABANDONED_S = 24 * 3600


class UnusableError(Exception):
    """What is stored is absent, of another source or version, or damaged."""


def identity(sources: Sequence[Path], version: int, options: Mapping[str, Any]) -> dict[str, Any]:
    """What must be the same for a stored folder to stand for its source: JSON-able.

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


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder to write into, which takes the place of `folder` when all went well, and is removed if not.

    What a killed process left of its own is cleared away a day later. Raises `OSError` where it cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    clear_abandoned(folder)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield temporary
        _put(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def clear_abandoned(folder: Path) -> None:
    """Removes what killed processes left beside a folder, of those that are a day old."""
    for left in folder.parent.glob(f".{folder.name}-*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(left, ignore_errors=True)


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
    raise OSError(f"could not put a folder at {folder}")


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Writes JSON with a checksum: the first line is that of the second, so that a damaged number is noticed."""
    text = json.dumps(record, ensure_ascii=False)
    path.write_text(f"{zlib.crc32(text.encode())}\n{text}", encoding="utf-8")


def read_record(path: Path, source: Mapping[str, Any]) -> dict[str, Any]:
    """The record, if it is whole and its "source" is that one.

    Raises:
        UnusableError: it is not.
        OSError, ValueError: it cannot be read at all.
    """
    checksum, _, text = path.read_text(encoding="utf-8").partition("\n")
    if checksum != str(zlib.crc32(text.encode())):
        raise UnusableError(f"{path.name} is damaged")
    record: dict[str, Any] = json.loads(text)
    if record["source"] != json.loads(json.dumps(source)):
        raise UnusableError("the source has changed")
    return record


def fingerprint(file: Path) -> list[int]:
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
