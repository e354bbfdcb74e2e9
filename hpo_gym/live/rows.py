"""Which rows of a task a model is fitted on, chosen by, and tested on."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]

VALIDATION_SHARE, VALIDATION_SEED = 0.33, 1
"""Of HPOBench: a third of the official training rows, drawn with one seed for all."""

ROWS_PER_CLASS, LEAST_SHARE = 10, 1 / 512
"""A subsample keeps at least ten rows a class and a 512th of all (HPOBench)."""


class ValidationSplit(NamedTuple):
    """How validation rows are split off the official training rows."""

    share: float = VALIDATION_SHARE
    seed: int = VALIDATION_SEED


def split_off_validation(y: NDArray, official_train: Rows, split: ValidationSplit) -> tuple[Rows, Rows]:
    """(training rows, validation rows), stratified: the official training rows in two parts.

    A class of which there is one row alone has it in the training part.
    """
    from sklearn.model_selection import train_test_split

    _, label, count = np.unique(y[official_train], return_inverse=True, return_counts=True)
    is_alone = (count == 1)[label]
    several = official_train[~is_alone]
    train, valid = train_test_split(
        several, test_size=split.share, shuffle=True, stratify=y[several], random_state=split.seed
    )
    return np.concatenate([train, official_train[is_alone]]), valid


def subsampled(y: NDArray, rows: Rows, share: float, seed: int) -> Rows:
    """That share of the rows, stratified, each at most once; more where it would be too few to learn from."""
    if share >= 1:
        return rows
    from sklearn.utils import resample

    least = max(ROWS_PER_CLASS * len(np.unique(y[rows])), int(LEAST_SHARE * len(rows)))
    n_rows = min(max(int(share * len(rows)), least), len(rows))
    chosen: Rows = resample(rows, replace=False, n_samples=n_rows, stratify=y[rows], random_state=seed)
    return chosen
