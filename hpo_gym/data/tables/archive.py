"""Published files, out of a tar archive or a folder, by name and in memory."""

import hashlib
import lzma
import tarfile
import zlib
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path

from hpo_gym.data.errors import TableError

MAX_MEMBER_BYTES = 64 * 2**20
"""No published member comes near; a larger one is a mistake or an attack."""
MAX_TOTAL_BYTES = 2**30
"""Nor does any published archive, unpacked."""


def read_members(path: Path, wanted: Callable[[str], str | None]) -> dict[str, bytes]:
    """{short name: content} of the wanted files, sorted by name.

    Args:
        path: a tar archive, compressed or not, or a folder (searched at all depths).
        wanted: maps a member's path (with slashes) to its short name, or to None to leave it out.

    Raises:
        TableError: the archive is damaged or cut short, holds a name twice, too large a file, too much in all,
            or none of the wanted files.
    """
    members: dict[str, bytes] = {}
    n_bytes_left = MAX_TOTAL_BYTES

    def keep(short: str, n_bytes: int, read: Callable[[], bytes]) -> None:
        nonlocal n_bytes_left
        if short in members:
            raise TableError(f"{path}: holds {short!r} twice")
        if n_bytes > MAX_MEMBER_BYTES:
            raise TableError(f"{path}: {short!r} has {n_bytes} bytes; no published file is that large")
        n_bytes_left -= n_bytes
        if n_bytes_left < 0:
            raise TableError(f"{path}: holds more than {MAX_TOTAL_BYTES} bytes; no published data set is that large")
        members[short] = read()

    if path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            short = wanted(f"{path.name}/{file.relative_to(path).as_posix()}")
            if short is not None:
                keep(short, file.stat().st_size, file.read_bytes)
    else:
        _stream_tar(path, wanted, keep)
    if not members:
        raise TableError(f"{path}: holds none of the files that are due; it may be another data set's")
    return dict(sorted(members.items()))


def _stream_tar(
    path: Path,
    wanted: Callable[[str], str | None],
    keep: Callable[[str, int, Callable[[], bytes]], None],
) -> None:
    # "r|" reads forward only: seeking in xz would decompress from the start each time.
    try:
        with tarfile.open(path, "r|*") as tar:
            for member in tar:
                short = wanted(member.name) if member.isfile() else None
                stream = tar.extractfile(member) if short is not None else None
                if short is not None and stream is not None:
                    keep(short, member.size, stream.read)
    except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise TableError(f"{path}: not a whole tar archive ({error}); delete it and get it again") from error


def published_checksums(name: str) -> dict[str, str]:
    """{file name: sha256} as the authors published the files of that data set; empty where they published none."""
    file = resources.files("hpo_gym.data").joinpath("checksums", f"{name}.sha256")
    return read_checksums(file.read_text("utf-8")) if file.is_file() else {}


def read_checksums(text: str) -> dict[str, str]:
    """{file name: sha256} out of the lines that `sha256sum` writes."""
    return {file: sha256 for sha256, file in (line.split("  ", 1) for line in text.splitlines())}


def departures(members: Mapping[str, bytes], name: str) -> list[str]:
    """How the files differ from the published ones, a sentence a file; empty where they are the same."""
    published = published_checksums(name)
    owner = {sha256: file for file, sha256 in published.items()}
    found = []
    for file, content in members.items():
        sha256 = hashlib.sha256(content).hexdigest()
        if file in published and sha256 != published[file]:
            swapped = f"it is {owner[sha256]!r} under that name" if sha256 in owner else f"sha256 {sha256}"
            found.append(f"{file!r} is not the published file: {swapped}")
        elif file not in published:
            found.append(f"{file!r} is not one of the published files")
    found += [f"{file!r} is missing" for file in published if file not in members]
    return found


def check_published(members: Mapping[str, bytes], name: str, *, where: Path, strict: bool) -> list[str]:
    """Notes on departures from the published files; with `strict` the first of them is a `TableError`."""
    found = departures(members, name)
    if found and strict:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise TableError(f"{where}: {found[0]}{more}; get it again, or name it as path=... to read it as it is")
    return found
