"""The data of an OpenML task with its official splits, kept on disk once it is whole."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.errors import OpenMLError
from hpo_gym.data.openml.client import connected, without_parquet
from hpo_gym.data.openml.settings import OpenMLSettings, find_settings
from hpo_gym.data.stored_folder import UnusableError, fingerprint, new_folder, read_record, write_record

if TYPE_CHECKING:
    import pandas as pd

VERSION = 1
_CLASSIFICATION, _REGRESSION = 1, 2  # OpenML's numbers of its types of tasks
_MOST_CELLS = 50_000_000
"""Of a data set that OpenML keeps as sparse; made dense, it must fit into memory."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TaskData:
    """A supervised task of OpenML: n rows, d columns, and which rows are for training and for testing.

    Attributes:
        task_id, dataset_id: their numbers on OpenML.
        name: the data set's.
        X: (n, d) columns by name: numbers as float64, everything else as categories that are texts; missing values
            are NaN in both.
        y: (n,) the classes' names as texts, or float64 where the task is a regression.
        is_categorical: (d,) of the columns of X.
        splits: the official (train, test) row numbers of one repeat and fold, int64, in OpenML's order.
        repeat, fold: which these are.
        n_repeats, n_folds: how many there are.
        licence, citation, url: of the data set, as OpenML states them.
    """

    task_id: int
    dataset_id: int
    name: str
    X: "pd.DataFrame"
    y: NDArray[Any]
    is_categorical: tuple[bool, ...]
    splits: tuple[NDArray[np.int64], NDArray[np.int64]]
    repeat: int = 0
    fold: int = 0
    n_repeats: int = 1
    n_folds: int = 1
    licence: str = ""
    citation: str = ""
    url: str = ""

    @property
    def is_classification(self) -> bool:
        """Whether y are classes."""
        return self.y.dtype.kind == "U"


def load_task_data(task_id: int, *, repeat: int = 0, fold: int = 0, settings: OpenMLSettings | None = None) -> TaskData:
    """The task, from this machine where it is here, else from OpenML; processes that ask at once may.

    Raises:
        OpenMLError: there is no such task, repeat or fold, it is not supervised, or it cannot be had; one line.
    """
    settings = settings or find_settings()
    folder = settings.folder / f"task-{task_id}"
    source = {"version": VERSION, "server": settings.server, "task_id": int(task_id)}
    stored = None
    for _ in range(2):  # the second time there may be what another process has just stored
        with contextlib.suppress(UnusableError):
            stored = _read(folder, source)
            break
    if stored is None:
        _download(int(task_id), folder, source, settings)
        stored = _read(folder, source)
    record, X, y, rows = stored
    n_repeats, n_folds = record["n_repeats"], record["n_folds"]
    if not (0 <= repeat < n_repeats and 0 <= fold < n_folds):
        raise OpenMLError(
            f"task {task_id} has repeats 0 to {n_repeats - 1} and folds 0 to {n_folds - 1}, not {repeat} and {fold}"
        )
    start, middle, stop = record["bounds"][repeat * n_folds + fold]
    return TaskData(
        task_id=int(task_id),
        X=X,
        y=y,
        is_categorical=tuple(dtype == "category" for dtype in X.dtypes),
        splits=(np.array(rows[start:middle], np.int64), np.array(rows[middle:stop], np.int64)),
        repeat=repeat,
        fold=fold,
        n_repeats=n_repeats,
        n_folds=n_folds,
        **record["said"],
    )


def _read(folder: Path, source: dict[str, Any]) -> tuple[dict[str, Any], "pd.DataFrame", NDArray, NDArray]:
    import pandas as pd
    import pyarrow

    try:
        record = read_record(folder / "task.json", source)
        for file, expected in record["files"].items():
            if fingerprint(folder / file) != expected:
                raise UnusableError(f"{file} is damaged")
        X = pd.read_parquet(folder / "X.parquet")
        return record, X, np.load(folder / "y.npy"), np.load(folder / "rows.npy", mmap_mode="r")
    except (OSError, ValueError, KeyError, pyarrow.ArrowException) as error:
        raise UnusableError(str(error)) from error


def _download(task_id: int, folder: Path, source: dict[str, Any], settings: OpenMLSettings) -> None:
    """Gets all of the task and stores it, whole or not at all."""
    with connected(settings) as openml:
        task = openml.tasks.get_task(task_id)
        if task.task_type_id.value not in (_CLASSIFICATION, _REGRESSION):
            raise OpenMLError(f"task {task_id} is of the type {task.task_type}; only supervised tasks can be fitted")
        dataset = openml.datasets.get_dataset(task.dataset_id)
        if task.target_name not in {feature.name for feature in dataset.features.values()}:
            raise OpenMLError(f"data set {dataset.dataset_id} has no column {task.target_name!r}, the task's target")
        table, target = _values(openml, dataset, task.target_name)
        splits = task.download_split()
    X = _plain_columns(table)
    y = _plain_target(target, task.task_type_id.value == _CLASSIFICATION, task_id)
    rows, bounds = _flat(splits, len(y), task_id)
    with new_folder(folder) as temporary:
        X.to_parquet(temporary / "X.parquet")
        np.save(temporary / "y.npy", y, allow_pickle=False)
        np.save(temporary / "rows.npy", rows, allow_pickle=False)
        files = ("X.parquet", "y.npy", "rows.npy")
        said = {"dataset_id": dataset.dataset_id, "name": dataset.name, "licence": _text(dataset.licence)}
        said |= {"citation": _text(dataset.citation), "url": f"{settings.origin}/d/{dataset.dataset_id}"}
        record = {
            "source": source,
            "files": {file: fingerprint(temporary / file) for file in files},
            "n_repeats": splits.repeats,
            "n_folds": splits.folds,
            "bounds": bounds,
            "said": said,
        }
        write_record(temporary / "task.json", record)


def _values(openml: Any, dataset: Any, target_name: str) -> tuple["pd.DataFrame", "pd.Series"]:
    """The data set's columns and target; as ARFF where the parquet file cannot be had or read."""
    try:
        X, y, *_ = dataset.get_data(target=target_name)
    except OpenMLError:
        raise
    except Exception:
        with without_parquet():
            X, y, *_ = openml.datasets.get_dataset(dataset.dataset_id).get_data(target=target_name)
    if X.shape[0] * X.shape[1] > _MOST_CELLS and any(hasattr(column.array, "sp_values") for _, column in X.items()):
        raise OpenMLError(f"data set {dataset.dataset_id} is sparse, and too large to be made dense: {X.shape}")
    return X, y


def _plain_columns(table: "pd.DataFrame") -> "pd.DataFrame":
    """Numbers as float64, everything else as categories that are texts, whatever kind of file they came in."""
    import pandas as pd

    columns = {}
    for name, column in table.items():
        if isinstance(column.dtype, pd.CategoricalDtype):
            names = [_class_name(category) for category in column.cat.categories]
            texts = np.array([*names, None], object)[column.cat.codes.to_numpy()]  # the code of a missing value is -1
            columns[str(name)] = pd.Series(pd.Categorical(texts, list(dict.fromkeys(names))))
        elif pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            columns[str(name)] = pd.Series(np.asarray(column, np.float64))
        else:
            texts = column.astype(object).where(column.notna(), None)
            columns[str(name)] = pd.Series(pd.Categorical([None if t is None else _class_name(t) for t in texts]))
    return pd.DataFrame(columns)


def _plain_target(target: "pd.Series", is_classification: bool, task_id: int) -> NDArray[Any]:
    if target.isna().any():
        raise OpenMLError(f"task {task_id}: {int(target.isna().sum())} rows have no value of the target")
    if not is_classification:
        return np.asarray(target, np.float64)
    return np.array([_class_name(value) for value in target.astype(object).tolist()])


def _class_name(value: Any) -> str:
    """One text for a class, whatever file it came from: 1 and 1.0 are "1", and TRUE is "True"."""
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return text.capitalize() if text.lower() in ("true", "false") else text


def _flat(splits: Any, n_rows: int, task_id: int) -> tuple[NDArray[np.int32], list[list[int]]]:
    """All splits' rows, one after the other, and of each split where its training and testing rows lie."""
    parts: list[NDArray] = []
    bounds: list[list[int]] = []
    at = 0
    for repeat in range(splits.repeats):
        for fold in range(splits.folds):
            train, test = splits.get(repeat=repeat, fold=fold)
            both = np.concatenate([train, test])
            if not len(train) or not len(test) or both.min() < 0 or both.max() >= n_rows or np.isin(test, train).any():
                raise OpenMLError(f"task {task_id}: repeat {repeat}, fold {fold} does not split {n_rows} rows in two")
            parts.append(both)
            bounds.append([at, at + len(train), at + len(both)])
            at += len(both)
    return np.concatenate(parts).astype(np.int32), bounds


def _text(said: Any) -> str:
    """What the XML gave: a text, several, or nothing."""
    return said if isinstance(said, str) else "; ".join(map(str, said)) if said else ""
