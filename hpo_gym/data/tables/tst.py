"""TST SVM: support vector machines on 50 data sets × 288 configurations (Wistuba et al. 2016)."""

import re
from pathlib import Path

import numpy as np

from hpo_gym.data.errors import TableError
from hpo_gym.data.tables.archive import check_published, read_members
from hpo_gym.data.tables.response_files import read_response_files
from hpo_gym.data.tables.table import Hyperparameter, Table, Task

VERSION = 1
N_META_FEATURES = 22

# The grid's own numbers: C = 2^-5 ... 2^6 as log2(C) / 6; gamma = 10^-4 ... 10^3 as log10(gamma) / 4;
# degree = 2 ... 10 as log10(degree). A hyperparameter that the kernel does not have is 0.
HYPERPARAMETERS = (
    Hyperparameter(name="kernel_rbf", kind="integer", lower=0, upper=1),
    Hyperparameter(name="kernel_polynomial", kind="integer", lower=0, upper=1),
    Hyperparameter(name="kernel_linear", kind="integer", lower=0, upper=1),
    Hyperparameter(name="log_c_scaled", lower=-5 / 6, upper=1.0),
    Hyperparameter(name="log_gamma_scaled", lower=-1.0, upper=0.75),
    Hyperparameter(name="log_degree_scaled", lower=0.0, upper=1.0),
)

_MEMBER = re.compile(r"(?:.*/)?(?:svm|tst-svm)/([^/]+)")


def load(path: Path, *, strict: bool) -> Table:
    """The table from the archive, or a folder of its files; `strict` admits only the published files.

    Raises:
        TableError: naming file, line and value.
    """
    members = read_members(path, lambda name: m[1] if (m := _MEMBER.fullmatch(name)) else None)
    files = read_response_files(members, n_hyperparameters=len(HYPERPARAMETERS), n_meta_features=N_META_FEATURES)
    for file, accuracies in files.responses.items():
        outside = ~((accuracies >= 0) & (accuracies <= 1) | np.isnan(accuracies))
        if outside.any():
            raise TableError(f"{path}, {file}: accuracy {accuracies[outside][0]} is not in [0, 1]")
    notes = [*files.notes, *check_published(members, "tst-svm", where=path, strict=strict)]
    pool = _pool(files.grid)
    tasks = {
        file: Task(task_id=file, pool=pool, scores=scores, meta_features=files.meta_features[file].astype(np.float32))
        for file, scores in files.responses.items()
    }
    return Table(
        name="tst-svm",
        hyperparameters=HYPERPARAMETERS,
        tasks=tasks,
        score_name="accuracy",
        score_unit="fraction",
        notes=tuple(notes),
    )


def _pool(grid: np.ndarray) -> np.ndarray:
    columns = [h.to_unit(grid[:, j]) for j, h in enumerate(HYPERPARAMETERS)]
    return np.stack(columns, axis=1).astype(np.float32)
