"""Answers on disk, one file each: a download that was killed goes on where it stopped, and is not made twice."""

import contextlib
import datetime
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpo_gym.data.stored_folder import UnusableError, read_record, write_record

VERSION = 1


def read_page(path: Path, what: Mapping[str, Any]) -> dict[str, Any] | None:
    """The page's content and its "retrieved", a date; None where it is absent, damaged, or an answer to something else.

    Args:
        path: the file.
        what: the question that it answers, JSON-able.
    """
    with contextlib.suppress(UnusableError, OSError, ValueError, KeyError):
        return read_record(path, {"version": VERSION, **what})
    return None


def write_page(path: Path, what: Mapping[str, Any], content: Mapping[str, Any]) -> dict[str, Any]:
    """Writes the page, whole or not at all -> as `read_page` will give it; folders are made."""
    page = {"source": {"version": VERSION, **what}, "retrieved": _today(), **content}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write_record(unfinished, page)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return page


def _today() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()
