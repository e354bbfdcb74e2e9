"""The five families: spaces, fidelities and fixed settings of HPOBench's machine learning benchmarks.

Eggensperger et al. 2021, "HPOBench: A Collection of Reproducible Multi-Fidelity Benchmark Problems for HPO", appendix
on the ML benchmarks, and the released benchmarks svm, lr, rf, xgb and nn. What the libraries' own defaults have
become since then (trees of XGBoost are grown on histograms, for one) is left as it is today: scores are those of the
installed versions, not HPOBench's.
"""

from typing import Any

from hpo_gym.data.tables.table import Hyperparameter
from hpo_gym.live.family import Configuration, Family, FidelityAxis

KERNEL_CACHE_MB = 200


def _svm(configuration: Configuration, n_iterations: int, n_features: int, seed: int) -> Any:
    from sklearn.svm import SVC

    return SVC(C=configuration["C"], gamma=configuration["gamma"], cache_size=KERNEL_CACHE_MB, random_state=seed)


def _logistic_regression(configuration: Configuration, n_iterations: int, n_features: int, seed: int) -> Any:
    from sklearn.linear_model import SGDClassifier

    return SGDClassifier(
        loss="log_loss",
        alpha=configuration["alpha"],
        eta0=configuration["eta0"],
        learning_rate="adaptive",
        max_iter=n_iterations,
        tol=None,  # every epoch is run
        random_state=seed,
    )


def _random_forest(configuration: Configuration, n_iterations: int, n_features: int, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        n_estimators=n_iterations,
        max_depth=configuration["max_depth"],
        min_samples_split=configuration["min_samples_split"],
        min_samples_leaf=configuration["min_samples_leaf"],
        # The hyperparameter is an exponent: 0 is one column, 0.5 the usual square root, 1 all.
        max_features=round(n_features ** configuration["max_features"]),
        bootstrap=True,
        n_jobs=1,
        random_state=seed,
    )


def _gradient_boosting(configuration: Configuration, n_iterations: int, n_features: int, seed: int) -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(
        booster="gbtree",
        n_estimators=n_iterations,
        learning_rate=configuration["eta"],
        max_depth=configuration["max_depth"],
        colsample_bytree=configuration["colsample_bytree"],
        reg_lambda=configuration["reg_lambda"],
        subsample=1,
        n_jobs=1,
        random_state=seed,
    )


def _perceptron(configuration: Configuration, n_iterations: int, n_features: int, seed: int) -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(
        hidden_layer_sizes=(configuration["width"],) * configuration["depth"],
        activation="relu",
        solver="adam",
        batch_size=configuration["batch_size"],
        alpha=configuration["alpha"],
        learning_rate_init=configuration["learning_rate_init"],
        max_iter=n_iterations,
        random_state=seed,
    )


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family(
            name="svm",
            title="support vector machine with a Gaussian kernel (scikit-learn)",
            hyperparameters=(
                Hyperparameter(name="C", lower=2**-10, upper=2**10, log=True),
                Hyperparameter(name="gamma", lower=2**-10, upper=2**10, log=True),
            ),
            axis=FidelityAxis(name="percent of the training rows", lowest=10, full=100, counts_rows=True),
            is_scaled=True,
            make_model=_svm,
            modules=("sklearn.svm",),
        ),
        Family(
            name="lr",
            title="logistic regression by stochastic gradient descent (scikit-learn)",
            hyperparameters=(
                Hyperparameter(name="alpha", lower=1e-5, upper=1.0, log=True),
                Hyperparameter(name="eta0", lower=1e-5, upper=1.0, log=True),
            ),
            axis=FidelityAxis(name="epochs", lowest=10, full=1000),
            is_scaled=True,
            make_model=_logistic_regression,
            modules=("sklearn.linear_model",),
        ),
        Family(
            name="rf",
            title="random forest (scikit-learn)",
            hyperparameters=(
                Hyperparameter(name="max_depth", kind="integer", lower=1, upper=50, log=True),
                Hyperparameter(name="min_samples_split", kind="integer", lower=2, upper=128, log=True),
                Hyperparameter(name="max_features", lower=0.0, upper=1.0),
                Hyperparameter(name="min_samples_leaf", kind="integer", lower=1, upper=20),
            ),
            axis=FidelityAxis(name="trees", lowest=16, full=512),
            is_scaled=False,
            make_model=_random_forest,
            modules=("sklearn.ensemble",),
        ),
        Family(
            name="xgb",
            title="gradient boosting (XGBoost)",
            hyperparameters=(
                Hyperparameter(name="eta", lower=2**-10, upper=1.0, log=True),
                Hyperparameter(name="max_depth", kind="integer", lower=1, upper=50, log=True),
                Hyperparameter(name="colsample_bytree", lower=0.1, upper=1.0),
                Hyperparameter(name="reg_lambda", lower=2**-10, upper=2**10, log=True),
            ),
            axis=FidelityAxis(name="trees", lowest=50, full=2000),
            is_scaled=False,
            make_model=_gradient_boosting,
            modules=("xgboost",),
            packages=("numpy", "scikit-learn", "scipy", "xgboost"),
            extra="xgboost",
        ),
        Family(
            name="nn",
            title="multilayer perceptron (scikit-learn)",
            hyperparameters=(
                Hyperparameter(name="depth", kind="integer", lower=1, upper=3),
                Hyperparameter(name="width", kind="integer", lower=16, upper=1024, log=True),
                Hyperparameter(name="batch_size", kind="integer", lower=4, upper=256, log=True),
                Hyperparameter(name="alpha", lower=1e-8, upper=1.0, log=True),
                Hyperparameter(name="learning_rate_init", lower=1e-5, upper=1.0, log=True),
            ),
            axis=FidelityAxis(name="epochs", lowest=3, full=243),
            is_scaled=True,
            make_model=_perceptron,
            modules=("sklearn.neural_network",),
        ),
    )
}
"""By name: HPOBench's own."""
