"""A task as trials need it: numbers and codes instead of a frame, and its rows in three parts."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.live.errors import LiveError
from hpo_gym.live.rows import Rows, ValidationSplit, split_off_validation

if TYPE_CHECKING:
    from hpo_gym.data.openml.task_data import TaskData


@dataclass(frozen=True, kw_only=True, eq=False)
class TrialData:
    """One task.

    Attributes:
        task_id: OpenML's.
        name, licence: of the data set.
        columns: (n, p) float64; a category is its position among the column's sorted categories; missing: NaN.
        is_categorical: (p,)
        labels: (n,) int64, position among the sorted classes.
        train_rows, valid_rows: of the official training rows: models are fitted on the first, searches see scores of
            the second.
        test_rows: the official ones; no search sees anything of them.
    """

    task_id: int
    name: str
    licence: str
    columns: NDArray[np.float64]
    is_categorical: tuple[bool, ...]
    labels: NDArray[np.int64]
    train_rows: Rows
    valid_rows: Rows
    test_rows: Rows

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of all that a score depends on."""
        digest = hashlib.sha256(bytes(self.is_categorical))
        for array, kind in (
            (np.where(np.isnan(self.columns), np.nan, self.columns), "<f8"),  # one NaN for all
            (self.labels, "<i8"),
            (self.train_rows, "<i8"),
            (self.valid_rows, "<i8"),
            (self.test_rows, "<i8"),
        ):
            digest.update(f"{array.shape}".encode())
            digest.update(np.ascontiguousarray(array, kind).tobytes())
        return digest.hexdigest()

    @property
    def chance_score(self) -> float:
        """Balanced accuracy, on the validation rows, of a predictor that always says the same class."""
        return 1 / len(np.unique(self.labels[self.valid_rows]))

    @property
    def test_chance_score(self) -> float:
        """The same on the test rows."""
        return 1 / len(np.unique(self.labels[self.test_rows]))


def trial_data(task: "TaskData", split: ValidationSplit | None = None) -> TrialData:
    """A task of OpenML, its official training rows split once more.

    Raises:
        LiveError: it is no classification, or too small to be split.
    """
    if not task.is_classification:
        raise LiveError(f"task {task.task_id} ({task.name}) is a regression; the families are classifiers")
    _, labels = np.unique(np.asarray(task.y), return_inverse=True)
    official_train, test_rows = (np.asarray(rows, np.int64) for rows in task.splits)
    try:
        train_rows, valid_rows = split_off_validation(labels, official_train, split or ValidationSplit())
    except ValueError as error:
        raise LiveError(f"task {task.task_id} ({task.name}) has too few rows to be split: {error}") from None
    if len(np.unique(labels[train_rows])) < 2:
        raise LiveError(f"task {task.task_id} ({task.name}) has one class only in its training rows")
    columns = [_column(task.X.iloc[:, i], task.is_categorical[i]) for i in range(task.X.shape[1])]
    return TrialData(
        task_id=int(task.task_id),
        name=task.name,
        licence=task.licence,
        columns=np.stack(columns, axis=1),
        is_categorical=tuple(bool(flag) for flag in task.is_categorical),
        labels=labels.astype(np.int64),
        train_rows=train_rows,
        valid_rows=valid_rows,
        test_rows=test_rows,
    )


def _column(values: Any, is_categorical: bool) -> NDArray[np.float64]:
    """A frame's column as numbers or codes; missing values are NaN."""
    if not is_categorical:
        return np.asarray(values, np.float64)
    present = values.notna().to_numpy()
    codes = np.full(len(values), np.nan)
    _, codes[present] = np.unique(values[present].astype(str), return_inverse=True)
    return codes
