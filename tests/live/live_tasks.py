"""Small classification tasks that the tests make: two numeric columns, one of categories, values missing."""

import numpy as np
import pandas as pd

from hpo_gym.data.openml.task_data import TaskData


def made_frame(seed=0, n=120):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "a": rng.normal(size=n),
            "b": rng.normal(size=n),
            "kind": pd.Categorical(rng.choice(["x", "y", "z"], n)),
        }
    )
    score = frame.a + frame.b * rng.normal(1, 0.5, n) + (frame.kind == "x")
    frame["class"] = pd.Categorical(np.array(["low", "mid", "high"])[np.digitize(score, [-0.4, 1.0])])
    frame.loc[::17, "a"] = np.nan
    frame.loc[::13, "kind"] = None
    return frame


def made_task(task_id=1, seed=0, n=120):
    frame = made_frame(seed, n)
    rows = np.random.default_rng(seed).permutation(n)
    return TaskData(
        task_id=task_id,
        dataset_id=task_id,
        name=f"made-{task_id}",
        X=frame[["a", "b", "kind"]],
        y=frame["class"].to_numpy().astype(str),
        is_categorical=(False, False, True),
        splits=(np.sort(rows[n // 5 :]), np.sort(rows[: n // 5])),
    )


CONFIGURATIONS = {
    "svm": {"C": 2.0, "gamma": 0.1},
    "lr": {"alpha": 0.001, "eta0": 0.05},
    "rf": {"max_depth": 5, "min_samples_split": 4, "max_features": 0.5, "min_samples_leaf": 2},
    "xgb": {"eta": 0.3, "max_depth": 3, "colsample_bytree": 0.7, "reg_lambda": 1.5},
    "nn": {"depth": 2, "width": 16, "batch_size": 32, "alpha": 1e-4, "learning_rate_init": 0.01},
}
"""One of each family."""
