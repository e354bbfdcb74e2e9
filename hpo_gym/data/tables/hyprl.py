"""Hyp-RL nnMeta: neural networks on 50 data sets × 2,916 configurations (Jomaa et al. 2019)."""

import re
from pathlib import Path

import numpy as np

from hpo_gym.data.tables.archive import check_published, read_members
from hpo_gym.data.tables.response_files import read_response_files
from hpo_gym.data.tables.table import Hyperparameter, Table, Task

VERSION = 1
N_META_FEATURES = 16

# The repository names no columns. The names here say what the grid shows: three groups of indicators
# (of 3, 2 and 3 choices) among five numbers, all as scaled by the authors; bounds are the grid's own.
HYPERPARAMETERS = (
    Hyperparameter(name="number_a", lower=0.1, upper=1.0),
    Hyperparameter(name="choice_b_1", kind="integer", lower=0, upper=1),
    Hyperparameter(name="choice_b_2", kind="integer", lower=0, upper=1),
    Hyperparameter(name="choice_b_3", kind="integer", lower=0, upper=1),
    Hyperparameter(name="number_c", lower=0.0, upper=0.4),
    Hyperparameter(name="choice_d_1", kind="integer", lower=0, upper=1),
    Hyperparameter(name="choice_d_2", kind="integer", lower=0, upper=1),
    Hyperparameter(name="number_e", lower=1e-4, upper=1e-2, log=True),
    Hyperparameter(name="choice_f_1", kind="integer", lower=0, upper=1),
    Hyperparameter(name="choice_f_2", kind="integer", lower=0, upper=1),
    Hyperparameter(name="choice_f_3", kind="integer", lower=0, upper=1),
    Hyperparameter(name="number_g", lower=0.2, upper=1.0),
    Hyperparameter(name="number_h", lower=0.25, upper=1.0),
)

_MEMBER = re.compile(r"(?:.*/)?(?:metadata|hyprl-nn|hyprl-nnmeta)/([^/]+)")


def load(path: Path, *, strict: bool) -> Table:
    """The table from the archive, or a folder of its files; `strict` admits only the published files.

    Responses are as published: min-max scaled by the authors, with a few above 1.

    Raises:
        TableError: naming file, line and value.
    """
    members = read_members(path, lambda name: m[1] if (m := _MEMBER.fullmatch(name)) else None)
    files = read_response_files(members, n_hyperparameters=len(HYPERPARAMETERS), n_meta_features=N_META_FEATURES)
    columns = [h.to_unit(files.grid[:, j]) for j, h in enumerate(HYPERPARAMETERS)]
    pool = np.stack(columns, axis=1).astype(np.float32)
    tasks = {
        file: Task(task_id=file, pool=pool, scores=scores, meta_features=files.meta_features[file].astype(np.float32))
        for file, scores in files.responses.items()
    }
    notes = ["the authors publish no names of the columns: those of the hyperparameters are this project's"]
    notes += files.notes
    for file, scores in files.responses.items():
        if np.nanmax(scores) > 1:
            notes.append(f"{file}: responses reach {np.nanmax(scores):.3f}; they are kept as published")
    notes += check_published(members, "hyprl-nn", where=path, strict=strict)
    return Table(
        name="hyprl-nn",
        hyperparameters=HYPERPARAMETERS,
        tasks=tasks,
        score_name="response",
        score_unit="min-max scaled by the authors",
        notes=tuple(notes),
    )
