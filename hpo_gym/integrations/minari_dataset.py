"""Minari datasets: what they may be called, and how one comes into being as a whole or not at all."""

import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpo_gym.evaluation.errors import EvaluationError, MissingExtraError

try:
    import minari
    from minari.data_collector import EpisodeBuffer
    from minari.namespace import create_namespace, list_local_namespaces
except ModuleNotFoundError as error:
    if error.name != "minari":
        raise
    raise MissingExtraError("minari") from None

_ROOT_VARIABLE = "MINARI_DATASETS_PATH"
_FORMAT = "parquet"  # needs nothing that hpo_gym does not bring; "hdf5" needs h5py
_UNFINISHED = ".unfinished-"  # Minari lists no hidden folders


class ExportError(EvaluationError, ValueError):
    """Episodes cannot become a dataset; one line that says why."""


@dataclass(frozen=True, kw_only=True)
class DatasetPlace:
    """Where a dataset goes.

    Attributes:
        dataset_id: as `minari.load_dataset` takes it.
        root: the folder of all datasets.
    """

    dataset_id: str
    root: Path

    @classmethod
    def of(cls, env_id: str, agent: str, *, name: str | None = None, root: str | Path | None = None) -> "DatasetPlace":
        """The place of an agent's episodes.

        Args:
            env_id: "NAMESPACE/ENV-v0", which is the namespace of the dataset.
            agent: its name without what Minari does not allow is the dataset's, with the version 0.
            name: the dataset's name instead, or all of its id if there is a "/" in it; "-v0" is added if need be.
            root: by default Minari's own, ~/.minari/datasets or what MINARI_DATASETS_PATH says.

        Raises:
            ExportError: the name is none, or taken.
        """
        name = re.sub(r"[^-\w]+", "-", agent).strip("-") if name is None else name
        versioned = name if re.search(r"-v\d+$", name) else f"{name}-v0"
        dataset_id = versioned if "/" in versioned else f"{env_id.rpartition(':')[2]}/{versioned}"
        if not re.fullmatch(r"([-_\w]{2,}/)+[-_\w]+-v\d+", dataset_id):
            raise ExportError(f"dataset name {name!r}: letters, digits, '-', '_' and '/' are allowed, as in random-v0")
        default = os.environ.get(_ROOT_VARIABLE) or Path.home() / ".minari" / "datasets"
        place = cls(dataset_id=dataset_id, root=Path(root or default).expanduser().absolute())
        place.check_free()
        return place

    @property
    def folder(self) -> Path:
        """Of this dataset."""
        return self.root / self.dataset_id

    def check_free(self) -> None:
        """Datasets are never overwritten."""
        if self.folder.exists():
            raise ExportError(
                f"the dataset {self.dataset_id} is in {self.root} already: delete it, or take another name"
            )


def write_dataset(
    place: DatasetPlace,
    episodes: Iterable[tuple[EpisodeBuffer, Mapping[str, Any]]],
    *,
    metadata: Mapping[str, Any],
    **description: Any,
) -> minari.MinariDataset:
    """Write episodes as they come; the dataset is seen when the last one is in it.

    Args:
        place: where.
        episodes: each with what is to be known of it besides; at least one.
        metadata: further keys of the dataset's metadata, JSON values.
        description: for `minari.create_dataset_from_buffers`, the environment included.

    Raises:
        ExportError: another process has written the dataset meanwhile.
    """
    place.root.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=place.root))
    try:
        numbered = iter(episodes)
        first, notes = next(numbered)
        with _minari_root(unfinished), _without_reminders():
            dataset = minari.create_dataset_from_buffers(
                place.dataset_id, [first], data_format=_FORMAT, jpeg_encoding=False, **description
            )
        all_notes = [notes]
        with _without_sizes(dataset.storage):
            for buffer, notes in numbered:
                dataset.update_dataset_from_buffer([buffer])
                all_notes.append(notes)
        dataset.storage.update_episode_metadata(all_notes)
        dataset.storage.update_metadata(dict(metadata))
        _publish(unfinished, place)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return minari.MinariDataset(place.folder / "data")


def _publish(unfinished: Path, place: DatasetPlace) -> None:
    namespace = place.dataset_id.rpartition("/")[0]
    with _minari_root(place.root):
        if namespace not in list_local_namespaces():
            create_namespace(namespace)
    place.check_free()
    os.rename(unfinished / place.dataset_id, place.folder)


@contextmanager
def _minari_root(folder: Path) -> Iterator[None]:
    """Minari reads the folder of its datasets from the environment, and takes it from nowhere else."""
    before = os.environ.get(_ROOT_VARIABLE)
    os.environ[_ROOT_VARIABLE] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_ROOT_VARIABLE]
        else:
            os.environ[_ROOT_VARIABLE] = before


@contextmanager
def _without_sizes(storage: Any) -> Iterator[None]:
    """Minari looks at all files twice an episode to say how large they are: minutes, with a thousand episodes."""
    storage.get_size = lambda: 0.0
    try:
        yield
    finally:
        del storage.get_size


@contextmanager
def _without_reminders() -> Iterator[None]:
    """Minari warns of everything that a dataset's authors might still say about themselves."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`(author|author_email|code_permalink)` is set to None")
        yield
