"""A stranger's folder, read without following anything that leads out of it and without waiting for anything."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from hpo_gym.evaluation.brief import brief
from leaderboards.errors import SubmissionError

_MOST_NAMES = 64
"""Entries that are looked at; a folder of more is refused because of those."""

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
    stat.S_IFREG: "a file",
}
# Not to wait for a pipe's other end; not to take a terminal; links and what is put in a file's place are not opened.
_CAREFULLY = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def shown(path: Path) -> str:
    """A path for a message: its name may be a stranger's choice."""
    text = str(path)
    return text if text.isprintable() else ascii(text)


class StrangersFolder:
    """An opened folder of regular files; see `open_folder`."""

    def __init__(self, path: Path, descriptor: int, names: frozenset[str]) -> None:
        self.path, self.names = path, names
        self._descriptor = descriptor

    def where(self, name: str) -> str:
        """Of a file, for a message."""
        return f"{shown(self.path)}/{name}"

    def is_at(self, path: Path) -> bool:
        """Whether a path leads to this very folder."""
        try:
            return os.path.samestat(path.stat(), os.fstat(self._descriptor))
        except OSError:
            return False

    def read(self, name: str, largest: int) -> bytes:
        """The bytes of one of its files.

        Raises:
            SubmissionError: it has more bytes than `largest`, of which no more than one is ever read.
        """
        try:
            descriptor = os.open(name, _CAREFULLY, dir_fd=self._descriptor)
            with open(descriptor, "rb") as file:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    raise SubmissionError(f"{self.where(name)}: {_kind(status)}; a file is needed")
                if status.st_size > largest:
                    raise SubmissionError(f"{self.where(name)}: {status.st_size} bytes; at most {largest} are read")
                content = file.read(status.st_size + 1)  # room is made for as many beforehand
        except OSError as error:
            raise SubmissionError(f"{self.where(name)}: {_reason(error)}") from None
        if len(content) > status.st_size:
            raise SubmissionError(f"{self.where(name)}: grew while it was read")
        return content


@contextmanager
def open_folder(
    path: Path, *, needed: tuple[str, ...], allowed: tuple[str, ...], may_be_linked: bool
) -> Iterator[StrangersFolder]:
    """Open a folder and look at its entries, without opening them.

    Args:
        path: absolute.
        needed: files that have to be there.
        allowed: files that may be there.
        may_be_linked: whether its files may have further names elsewhere (installers make such, strangers do not).

    Raises:
        SubmissionError: no folder, or there is anything in it but regular files of these names.
    """
    try:
        status = os.lstat(path)
        descriptor = os.open(path, _CAREFULLY | os.O_DIRECTORY) if stat.S_ISDIR(status.st_mode) else None
    except (OSError, ValueError) as error:
        raise SubmissionError(f"{shown(path)}: {_reason(error)}") from None
    if descriptor is None:
        raise SubmissionError(f"{shown(path)}: {_kind(status)}; the folder of a submission is needed, unpacked")
    try:
        yield StrangersFolder(path, descriptor, _names(path, descriptor, needed, allowed, may_be_linked))
    finally:
        os.close(descriptor)


def _names(
    path: Path, descriptor: int, needed: tuple[str, ...], allowed: tuple[str, ...], may_be_linked: bool
) -> frozenset[str]:
    try:
        with os.scandir(descriptor) as entries:
            statuses = {entry.name: entry.stat(follow_symlinks=False) for entry in islice(entries, _MOST_NAMES)}
    except OSError as error:
        raise SubmissionError(f"{shown(path)}: {_reason(error)}") from None
    for name, status in sorted(statuses.items()):
        if name not in allowed:
            raise SubmissionError(f"{shown(path)}: has {brief(name)} in it; allowed are {', '.join(allowed)}")
        if not stat.S_ISREG(status.st_mode):
            raise SubmissionError(f"{shown(path)}/{name}: {_kind(status)}; a file is needed")
        if status.st_nlink > 1 and not may_be_linked:
            raise SubmissionError(
                f"{shown(path)}/{name}: a file with {status.st_nlink} names (hard links); a copy of its own is needed"
            )
    for name in needed:
        if name not in statuses:
            raise SubmissionError(f"{shown(path)}: lacks {name}; needed are {', '.join(needed)}")
    return frozenset(statuses)


def _kind(status: os.stat_result) -> str:
    return _KINDS.get(stat.S_IFMT(status.st_mode), "no file")


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)).lower()
