"""One trial: a model is fitted on the training rows of a task, and scored on its validation and its test rows."""

import time
import warnings
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpo_gym.live.family import Configuration, Family, Fidelity
from hpo_gym.live.rows import ValidationSplit, subsampled
from hpo_gym.live.trial_data import TrialData, trial_data

if TYPE_CHECKING:
    from hpo_gym.data.openml.task_data import TaskData

Status = Literal["ok", "timeout", "memout", "crash", "error"]

METRIC = "balanced accuracy"
BEST_SCORE = 1.0


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """What came of a trial.

    Attributes:
        score: balanced accuracy on the validation rows; where the trial failed, that of a constant predictor, which
            costs nothing and is what a search has in hand before its first trial.
        test_score: the same on the official test rows.
        status: "ok", or how it failed.
        reason: of a failure, in a line; "" else.
        wall_s: preprocessing, fitting and predicting; of a trial that was ended, until then.
    """

    score: float
    test_score: float
    status: Status = "ok"
    reason: str = ""
    wall_s: float


def failed(data: TrialData, status: Status, reason: str, wall_s: float) -> TrialResult:
    """The result of a trial that gave no model."""
    return TrialResult(
        score=data.chance_score,
        test_score=data.test_chance_score,
        status=status,
        reason=" ".join(reason.split()),
        wall_s=wall_s,
    )


def evaluate(
    task: "TaskData",
    family: Family,
    configuration: Configuration,
    fidelity: Fidelity | None = None,
    seed: int = 0,
    split: ValidationSplit | None = None,
) -> TrialResult:
    """One trial in this process and without limits: what scikit-learn itself gives for the same rows.

    The model is fitted by `Pipeline([preprocessing, model])` on the training rows alone: one-hot categories (the most
    frequent where missing, unknown ones all zeros), then numeric columns (the median where missing; scaled for the
    families that need it).

    Args:
        task: with its official rows.
        family: of the model.
        configuration: all of its hyperparameters.
        fidelity: full training where None.
        seed: of the model and of a subsample.
        split: of the validation rows.

    Raises:
        Exception: whatever the model raises. Within an environment that is a result with the status "error".
    """
    return Evaluator(trial_data(task, split)).evaluate(family, configuration, fidelity or family.fidelity(), seed)


class Prepared(NamedTuple):
    """Rows as a model takes them: (n, q) float64 columns and (n,) labels."""

    classes: NDArray[np.int64]  # of the rows that are fitted on; their labels are positions in it
    train: tuple[NDArray[np.float64], NDArray[np.int64]]
    valid: tuple[NDArray[np.float64], NDArray[np.int64]]
    test: tuple[NDArray[np.float64], NDArray[np.int64]]


class Evaluator:
    """The trials of one task; preprocessed rows are kept, being the same for most trials of a search."""

    def __init__(self, data: TrialData, n_kept: int = 4) -> None:
        """`n_kept`: of how many subsamples the preprocessed rows are kept."""
        self.data = data
        self._n_kept = n_kept
        self._prepared: OrderedDict[tuple[Any, ...], Prepared] = OrderedDict()

    def evaluate(self, family: Family, configuration: Configuration, fidelity: Fidelity, seed: int) -> TrialResult:
        """See the function of this name."""
        from sklearn.metrics import balanced_accuracy_score

        start = time.perf_counter()
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            # That a model has not converged is what low fidelities and bad configurations are.
            warnings.simplefilter("ignore")
            rows = self._rows(family.is_scaled, fidelity.subsample, seed)
            model = family.make_model(configuration, fidelity.n_iterations or 0, rows.train[0].shape[1], seed)
            model.fit(*rows.train)
            score, test_score = (
                float(balanced_accuracy_score(labels, rows.classes[model.predict(columns)]))
                for columns, labels in (rows.valid, rows.test)
            )
        return TrialResult(score=score, test_score=test_score, wall_s=time.perf_counter() - start)

    def _rows(self, is_scaled: bool, subsample: float, seed: int) -> Prepared:
        key = (is_scaled, subsample, seed if subsample < 1 else 0)
        if key not in self._prepared:
            self._prepared[key] = _prepare(self.data, is_scaled, subsample, seed)
            if len(self._prepared) > self._n_kept:
                self._prepared.popitem(last=False)
        self._prepared.move_to_end(key)
        return self._prepared[key]


def _prepare(data: TrialData, is_scaled: bool, subsample: float, seed: int) -> Prepared:
    preprocessing = _preprocessing(data.is_categorical, is_scaled)
    rows = subsampled(data.labels, data.train_rows, subsample, seed)
    classes, labels = np.unique(data.labels[rows], return_inverse=True)
    return Prepared(
        classes=classes,
        train=(preprocessing.fit_transform(data.columns[rows]), labels),
        valid=(preprocessing.transform(data.columns[data.valid_rows]), data.labels[data.valid_rows]),
        test=(preprocessing.transform(data.columns[data.test_rows]), data.labels[data.test_rows]),
    )


def _preprocessing(is_categorical: tuple[bool, ...], is_scaled: bool) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    flags = np.array(is_categorical, bool)
    # A column without any value is kept: as many features for every subsample.
    categorical = make_pipeline(
        SimpleImputer(strategy="most_frequent", keep_empty_features=True),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    numeric = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler() if is_scaled else "passthrough"
    )
    return ColumnTransformer(
        [("categorical", categorical, np.flatnonzero(flags)), ("numeric", numeric, np.flatnonzero(~flags))]
    )
