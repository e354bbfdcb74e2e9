"""The scores of trials against scikit-learn and XGBoost called directly."""

import importlib.util
import warnings

import numpy as np
import pytest
from live_tasks import CONFIGURATIONS, made_task
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.utils import resample

from hpo_gym.live.families import FAMILIES
from hpo_gym.live.rows import ValidationSplit, split_off_validation, subsampled
from hpo_gym.live.trial import evaluate

SEED = 3
LEVELS = {"svm": None, "lr": 20, "rf": 16, "xgb": 50, "nn": 5}


def model_by_hand(family):
    if family == "svm":
        return SVC(C=2.0, gamma=0.1, cache_size=200, random_state=SEED)
    if family == "lr":
        fixed = {"loss": "log_loss", "learning_rate": "adaptive", "tol": None}
        return SGDClassifier(alpha=0.001, eta0=0.05, max_iter=20, random_state=SEED, **fixed)
    if family == "rf":
        # Five columns after one-hot encoding: 5 ** 0.5 is 2.24, two columns.
        leaves = {"min_samples_split": 4, "min_samples_leaf": 2}
        return RandomForestClassifier(n_estimators=16, max_depth=5, max_features=2, random_state=SEED, **leaves)
    if family == "xgb":
        from xgboost import XGBClassifier

        trees = {"n_estimators": 50, "max_depth": 3, "colsample_bytree": 0.7}
        return XGBClassifier(learning_rate=0.3, reg_lambda=1.5, random_state=SEED, n_jobs=1, **trees)
    return MLPClassifier((16, 16), batch_size=32, alpha=1e-4, learning_rate_init=0.01, max_iter=5, random_state=SEED)


def scores_by_hand(task, family, rows_of=lambda y, rows: rows):
    """(validation, test) scores, from the frame itself, with pandas' categories and the classes' names."""
    official_train, test = task.splits
    train, valid = train_test_split(
        official_train, test_size=0.33, stratify=task.y[official_train], random_state=1, shuffle=True
    )
    train = rows_of(task.y, train)
    scale = [("scale", StandardScaler())] if family in ("svm", "lr", "nn") else []
    one_hot = Pipeline(
        [
            ("impute", SimpleImputer(strategy="most_frequent")),
            ("encode", OneHotEncoder(handle_unknown="ignore", sparse_output=False)),
        ]
    )
    numbers = Pipeline([("impute", SimpleImputer(strategy="median")), *scale])
    columns = ColumnTransformer([("kinds", one_hot, ["kind"]), ("numbers", numbers, ["a", "b"])])
    X = task.X.astype({"kind": object}).where(task.X.notna(), np.nan)
    names = LabelEncoder().fit(task.y)
    y = names.transform(task.y) if family == "xgb" else task.y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few epochs do not converge
        fitted = Pipeline([("columns", columns), ("model", model_by_hand(family))]).fit(X.iloc[train], y[train])
    return tuple(balanced_accuracy_score(y[rows], fitted.predict(X.iloc[rows])) for rows in (valid, test))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_trial_scores_what_the_library_called_directly_scores(family):
    if family == "xgb" and importlib.util.find_spec("xgboost") is None:
        pytest.skip("needs the extra xgboost")
    task = made_task(n=180)
    fidelity = FAMILIES[family].fidelity(LEVELS[family])
    result = evaluate(task, FAMILIES[family], CONFIGURATIONS[family], fidelity, SEED)
    assert (result.score, result.test_score) == scores_by_hand(task, family)
    assert (result.status, result.reason) == ("ok", "")
    assert result.score > 0.45  # of three classes: something was learned
    assert result.wall_s > 0


def test_a_subsample_is_fitted_with_its_own_preprocessing():
    task = made_task(n=180)

    def half(y, rows):
        return resample(rows, replace=False, n_samples=48, stratify=y[rows], random_state=SEED)

    result = evaluate(task, FAMILIES["svm"], CONFIGURATIONS["svm"], FAMILIES["svm"].fidelity(50), SEED)
    assert (result.score, result.test_score) == scores_by_hand(task, "svm", half)


def test_test_rows_and_validation_rows_change_nothing_that_is_fitted():
    task = made_task()
    before = evaluate(task, FAMILIES["lr"], CONFIGURATIONS["lr"], FAMILIES["lr"].fidelity(10))
    _, valid = split_off_validation(task.y, task.splits[0], ValidationSplit())
    assert len(valid) == 32
    task.X.iloc[task.splits[1], 0] = 1e6
    after = evaluate(task, FAMILIES["lr"], CONFIGURATIONS["lr"], FAMILIES["lr"].fidelity(10))
    assert after.score == before.score
    assert after.test_score != before.test_score


def test_a_class_of_one_row_is_fitted_and_never_validated():
    y = np.array(["a"] * 12 + ["b"] * 9 + ["c"])
    train, valid = split_off_validation(y, np.arange(22), ValidationSplit())
    assert 21 in train
    assert sorted([*train, *valid]) == list(range(22))


def test_a_subsample_is_never_too_small_to_learn_from():
    y = np.repeat(["a", "b"], 100)
    assert len(subsampled(y, np.arange(200), 0.01, seed=0)) == 20
    assert len(np.unique(subsampled(y, np.arange(200), 0.5, seed=0))) == 100
