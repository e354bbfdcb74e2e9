"""Search with the learned sampler: a few studies first, then one more that begins where they ended.

    python examples/learned_sampler.py [sqlite:///studies.db]

With a database the studies are kept, and several processes may run this at once on the last one.
"""

import sys

import optuna
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from hpo_gym.integrations.optuna_sampler import LearnedSampler

OLD = {"wine": load_wine, "breast-cancer": load_breast_cancer}


def objective_on(load, n_rows=300):
    """Cross-validated accuracy of a support vector machine on a data set."""
    X, y = load(return_X_y=True)

    def objective(trial):
        svm = SVC(
            C=trial.suggest_float("C", 1e-3, 1e3, log=True),
            gamma=trial.suggest_float("gamma", 1e-5, 1e1, log=True),
            kernel=trial.suggest_categorical("kernel", ["rbf", "poly", "sigmoid"]),
        )
        return cross_val_score(make_pipeline(StandardScaler(), svm), X[:n_rows], y[:n_rows], cv=3).mean()

    return objective


def main(storage=None, n_trials=15):
    """Two old studies, whose sampler may be any, and a new one with them as its past."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    past = []
    for name, load in OLD.items():
        study = optuna.create_study(
            study_name=name,
            storage=storage,
            direction="maximize",
            sampler=LearnedSampler(seed=0),
            load_if_exists=True,
        )
        study.optimize(objective_on(load), n_trials=max(0, 2 * n_trials - len(study.trials)))
        past.append(study)
    study = optuna.create_study(
        study_name="digits",
        storage=storage,
        direction="maximize",
        sampler=LearnedSampler(past=past, seed=0),
        load_if_exists=True,
    )
    study.optimize(objective_on(load_digits), n_trials=n_trials)
    print(
        f"first trial {study.trials[0].value:.3f}, best of {n_trials} {study.best_value:.3f} with {study.best_params}"
    )
    return study


if __name__ == "__main__":
    main(*sys.argv[1:2])
