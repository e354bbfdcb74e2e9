"""What the training tasks would have scored on a pool they were not evaluated on: one forest a task."""

import hashlib

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor

from agents.search.training_tasks import TrainingTasks, rank_of_scores

_N_ROWS_AT_MOST = 2000  # of a task: bounds time and memory on HPO-B's large pools
_models: dict[str, RandomForestRegressor] = {}  # by what they were fitted on; leave-one-out needs each many times


def predict_losses(
    training: TrainingTasks, pool: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Predictions for a pool (n, d): normalised regrets (T, n), and their ranks (T, n) with 1 the best.

    Each task's normalised regrets are fitted by a random forest (Breiman 2001); the ranks are those of the
    predictions. Lists depend on the forest's seed: with another one (tried with extremely randomised trees)
    the mean regret on HPOBench XGB moved by several per cent, so figures there compare no finer than that.
    """
    tasks = zip(training.pools, training.normalised_regrets, strict=True)
    regrets = np.array([_model(rows, losses).predict(pool) for rows, losses in tasks])
    return regrets, np.array([rank_of_scores(-predicted) for predicted in regrets])


def _model(rows: NDArray[np.float32], losses: NDArray[np.float64]) -> RandomForestRegressor:
    key = hashlib.sha256(rows.tobytes() + losses.tobytes()).hexdigest()
    if key not in _models:
        known = np.flatnonzero(np.isfinite(losses))
        if len(known) > _N_ROWS_AT_MOST:
            known = np.random.default_rng(0).choice(known, _N_ROWS_AT_MOST, replace=False)
        forest = RandomForestRegressor(n_estimators=50, random_state=0)
        _models[key] = forest.fit(rows[known], losses[known])
    return _models[key]
