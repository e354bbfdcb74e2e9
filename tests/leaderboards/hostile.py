"""Submissions that must be refused: a valid one each, and what is done to it."""

import gzip
import io
import json
import os
import pickle
import socket
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save
from small_board import SEARCH

GIGABYTE = 10**9
MARK = "WAS-EXECUTED"
"""A file of this name appears beside the submission's folder if a payload runs."""


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """One of the corpus.

    Attributes:
        name: of the trick.
        file, field: what the message has to name.
        spoil: takes the folder of a valid submission; gives another path if that is what is handed in.
        board, kind: of the valid submission.
        has_policy: whether weights lie beside it.
    """

    name: str
    file: str
    field: str
    spoil: Callable[[Path], Path | None]
    board: str = SEARCH
    kind: str = ""
    has_policy: bool = False


class Payload:
    """What a pickle may hold: unpickling it leaves a trace."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return (open, (str(self.mark), "w"))


def pickled(folder: Path) -> bytes:
    return pickle.dumps(Payload(folder.parent / MARK))


def zipped(folder: Path) -> bytes:
    """As `torch.save` writes it: an archive around a pickle."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickled(folder))
        archive.writestr("archive/version", "3\n")
    return file.getvalue()


def zip_bomb() -> bytes:
    """A megabyte that unpacks to a gigabyte: one block of zeros, over and over."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return gzip.compress(b"")[:10] + block * 1024 + packer.flush() + bytes(8)


def archived(folder: Path, suffix: str) -> Path:
    """The whole submission in an archive of the folder's name."""
    target = folder.parent / f"{folder.name}{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(target, "w") as archive:
            for path in folder.iterdir():
                archive.write(path, f"{folder.name}/{path.name}")
    else:
        with tarfile.open(target, "w:gz") as archive:
            archive.add(folder, folder.name)
    return target


def replaced(name: str, content: bytes | Callable[[Path], bytes]) -> Callable[[Path], None]:
    """Another file in the place of one, or a new one."""

    def spoil(folder: Path) -> None:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content(folder))

    return spoil


def sparse(name: str) -> Callable[[Path], None]:
    """A gigabyte that takes no room on the disk."""

    def spoil(folder: Path) -> None:
        with (folder / name).open("wb") as file:
            file.truncate(GIGABYTE)

    return spoil


def linked(name: str, target: str) -> Callable[[Path], None]:
    """A symbolic link in the place of a file; "" is to the file itself, moved away."""

    def spoil(folder: Path) -> None:
        moved = folder.parent / "moved-away"
        (folder / name).rename(moved)
        (folder / name).symlink_to(target or moved)

    return spoil


def put_in_place(name: str, make: Callable[[Path], object]) -> Callable[[Path], None]:
    """Something that is no file in the place of one."""

    def spoil(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return spoil


def hard_linked(name: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        os.link(folder / name, folder.parent / "the-same-file")

    return spoil


def make_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the address of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.chdir(here)


def renamed(name: str | bytes) -> Callable[[Path], Path]:
    """The folder under another name."""

    def spoil(folder: Path) -> Path:
        return folder.rename(folder.parent / os.fsdecode(name))

    return spoil


TENSORS = save({"body.0.weight": np.ones((2, 3), np.float32), "body.0.bias": np.zeros(2, np.float32)})


def write_policy(folder: Path, tensors: bytes = TENSORS, **changes: object) -> None:
    """Weights of which nothing is wrong that can be told at once."""
    import hashlib

    description = {
        "format": 1,
        "architecture": {"name": "jel-policy"},
        "sha256": hashlib.sha256(tensors).hexdigest(),
        **changes,
    }
    (folder / "policy.json").write_text(json.dumps(description), encoding="utf-8")
    (folder / "policy.safetensors").write_bytes(tensors)
