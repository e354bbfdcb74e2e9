"""HPOBench XGBoost: 48 data sets × 1,000 random configurations, each data set its own (NAP, 2023)."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.errors import TableError
from hpo_gym.data.tables.archive import check_published, read_members
from hpo_gym.data.tables.table import Hyperparameter, Table, Task
from hpo_gym.data.tables.unpickle import NUMBER_ARRAYS, unpickle

VERSION = 1

# The files name no columns: names and log flags are the most likely reading, bounds enclose all of them.
HYPERPARAMETERS = (
    Hyperparameter(name="colsample_bylevel", lower=0.05, upper=1.0),
    Hyperparameter(name="colsample_bytree", lower=0.05, upper=1.0),
    Hyperparameter(name="eta", lower=1e-5, upper=1.0, log=True),
    Hyperparameter(name="min_child_weight", lower=0.05, upper=10.0, log=True),
    Hyperparameter(name="reg_alpha", lower=1e-5, upper=2.0, log=True),
    Hyperparameter(name="reg_lambda", lower=1e-5, upper=2.0, log=True),
)

_MEMBER = re.compile(r"(?:.*/)?(hpobenchXGB_\d+_eq\.pkl)")


def load(path: Path, *, strict: bool) -> Table:
    """The table from the archive, or a folder of its files; `strict` admits only the published files.

    The files hold validation errors; scores are 1 - error. Task ids are the files' numbers.

    Raises:
        TableError: naming the file and what is wrong in it.
    """
    members = read_members(path, lambda name: m[1] if (m := _MEMBER.fullmatch(name)) else None)
    numbered = sorted((int(file.split("_")[1]), file) for file in members)
    tasks = {str(n): _task(str(n), members[file], f"{path}, {file}") for n, file in numbered}
    notes = [
        "the files name no columns: the hyperparameters' names and log scales are the most likely reading",
        "the OpenML ids of the data sets are not known: a task's id is its file's number",
        "the files hold validation errors; scores are 1 - error",
    ]
    notes += check_published(members, "hpobench-xgb", where=path, strict=strict)
    return Table(
        name="hpobench-xgb",
        hyperparameters=HYPERPARAMETERS,
        tasks=tasks,
        score_name="validation accuracy",
        score_unit="fraction",
        notes=tuple(notes),
    )


def _task(task_id: str, content: bytes, where: str) -> Task:
    read = unpickle(content, where=where, admitted=NUMBER_ARRAYS)
    if not isinstance(read, dict) or set(read) != {"domain", "accs"}:
        raise TableError(f"{where}: holds {_kinds(read)} instead of the arrays 'domain' and 'accs'")
    domain, errors = (_floats(read[key], where, key) for key in ("domain", "accs"))
    if domain.ndim != 2 or domain.shape[1] != len(HYPERPARAMETERS) or errors.shape != domain.shape[:1]:
        raise TableError(f"{where}: 'domain' of shape {domain.shape} does not fit 'accs' of shape {errors.shape}")
    outside = ~((errors >= 0) & (errors <= 1))
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise TableError(f"{where}: 'accs' of configuration {row} is {errors[row]}, not an error in [0, 1]")
    _check_unique(domain, where)
    try:
        pool = np.stack([h.to_unit(domain[:, j]) for j, h in enumerate(HYPERPARAMETERS)], axis=1)
    except TableError as error:
        raise TableError(f"{where}: {error}") from None
    return Task(task_id=task_id, pool=pool.astype(np.float32), scores=1.0 - errors)


def _floats(value: Any, where: str, key: str) -> NDArray[np.float64]:
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        raise TableError(f"{where}: {key!r} is {_kinds(value)}, not an array of floats")
    return np.array(value, np.float64)


def _check_unique(domain: NDArray[np.float64], where: str) -> None:
    _, inverse, counts = np.unique(domain, axis=0, return_inverse=True, return_counts=True)
    if (counts > 1).any():
        first, second, *_ = np.flatnonzero(inverse == np.argmax(counts > 1))
        raise TableError(f"{where}: configurations {first} and {second} are the same")


def _kinds(value: Any) -> str:
    return f"a dict of {sorted(map(str, value))}" if isinstance(value, dict) else f"a {type(value).__name__}"
