"""The files of hashes that maintainers keep: which boards are frozen, and which episodes are this project's own."""

from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from leaderboards.errors import BoardError

Hashes = TypeVar("Hashes")

FROZEN_BOARDS = TypeAdapter(dict[str, str])
"""Board -> SHA-256."""

BASELINES = TypeAdapter(dict[str, dict[str, str]])
"""Board -> submission -> SHA-256 of its episodes."""


def read_hashes(path: Path, kind: TypeAdapter[Hashes]) -> Hashes:
    """What is in a file, nothing where there is none; a `BoardError` where it is no such file."""
    content = path.read_bytes() if path.exists() else b"{}"
    try:
        return kind.validate_json(content, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise BoardError(f"{path}: {f'key {place!r}: ' if place else ''}{first['msg']}") from None
