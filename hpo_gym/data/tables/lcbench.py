"""LCBench learning curves: 34 OpenML tasks × 2,000 configurations × 52 epochs, from YAHPO Gym's surrogate."""

import hashlib
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.errors import TableError
from hpo_gym.data.manifest import manifest
from hpo_gym.data.tables.table import Hyperparameter, Table, Task

VERSION = 1
CURVES = "val_accuracy"

# The bounds of LCBench (Zimmer et al. 2021, table 2), log where it samples in log.
HYPERPARAMETERS = (
    Hyperparameter(name="batch_size", kind="integer", lower=16, upper=512, log=True),
    Hyperparameter(name="learning_rate", lower=1e-4, upper=1e-1, log=True),
    Hyperparameter(name="momentum", lower=0.1, upper=0.99),
    Hyperparameter(name="weight_decay", lower=1e-5, upper=1e-1),
    Hyperparameter(name="num_layers", kind="integer", lower=1, upper=5),
    Hyperparameter(name="max_units", kind="integer", lower=64, upper=1024, log=True),
    Hyperparameter(name="max_dropout", lower=0.0, upper=1.0),
)


def load(path: Path, *, strict: bool) -> Table:
    """The table from the .npz file; `strict` admits only the published file.

    Accuracies are published in percent; scores are fractions, one column an epoch.

    Raises:
        TableError: naming the array and what is wrong in it.
    """
    arrays = _arrays(path)
    task_ids, epochs, curves = arrays["task_id"], arrays["epoch"], arrays[CURVES]
    shape = (len(task_ids), len(arrays["config"]), len(epochs))
    if curves.shape != shape:
        raise TableError(f"{path}: {CURVES!r} has shape {curves.shape} where {shape} is due")
    if len(set(task_ids.tolist())) != len(task_ids):
        raise TableError(f"{path}: 'task_id' names a task twice")
    pool = _pool(arrays["config"], [str(name) for name in arrays["config_names"]], path)
    tasks = {}
    for task_id, percent in zip(task_ids.tolist(), curves, strict=True):
        outside = np.argwhere(~((percent >= 0) & (percent <= 100)))
        if len(outside):
            row, column = outside[0]
            raise TableError(
                f"{path}: task {task_id}, configuration {row}, epoch {epochs[column]}: "
                f"{percent[row, column]} is not a percentage"
            )
        scores = percent.astype(np.float64) / 100
        tasks[str(task_id)] = Task(task_id=str(task_id), pool=pool, scores=scores, openml_task_id=task_id)
    return Table(
        name="lcbench",
        hyperparameters=HYPERPARAMETERS,
        tasks=tasks,
        score_name="validation accuracy",
        score_unit="fraction",
        score_axis="epoch",
        epochs=tuple(epochs.tolist()),
        notes=(
            "curves are samples of YAHPO Gym's surrogate of LCBench, not of training runs themselves",
            *_departures(path, strict),
        ),
    )


def _departures(path: Path, strict: bool) -> tuple[str, ...]:
    published = manifest()["lcbench"].sha256
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    if sha256 == published:
        return ()
    note = f"not the published file: its sha256 is {sha256}"
    if strict:
        raise TableError(f"{path}: {note}; get it again, or name it as path=... to read it as it is")
    return (note,)


def _arrays(path: Path) -> dict[str, NDArray]:
    due = ("task_id", "config", "config_names", "epoch", CURVES)
    try:
        # Opened here, because np.load leaves a damaged file open.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            absent = [name for name in due if name not in archive]
            if absent:
                raise TableError(f"{path}: lacks the array {absent[0]!r}; it has {', '.join(archive.files)}")
            return {name: archive[name] for name in due}
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError) as error:
        if isinstance(error, (FileNotFoundError, TableError)):
            raise
        # Numpy's word on what is no array is how to load it unsafely.
        reason = "no archive of plain arrays" if isinstance(error, ValueError) else error
        raise TableError(f"{path}: not a whole .npz file ({reason}); delete it and get it again") from error


def _pool(configurations: NDArray, names: list[str], path: Path) -> NDArray[np.float32]:
    if sorted(names) != sorted(h.name for h in HYPERPARAMETERS):
        raise TableError(f"{path}: 'config_names' are {', '.join(names)}")
    try:  # by name, so that shuffled columns do not matter
        columns = [h.to_unit(configurations[:, names.index(h.name)]) for h in HYPERPARAMETERS]
    except TableError as error:
        raise TableError(f"{path}: {error}") from None
    pool = np.stack(columns, axis=1).astype(np.float32)
    if len(np.unique(configurations, axis=0)) != len(configurations):
        raise TableError(f"{path}: 'config' holds a configuration twice")
    return pool
