"""A table of two tasks on a grid of 25 configurations, each with one peak."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import hpo_gym  # noqa: F401 - registers the environments

ENV_ID = "hpo_gym/ConfigSelection-Table-v0"


def write_table(folder: Path) -> dict[str, Any]:
    """Tasks "a" and "b"; the options of an environment that searches them by points for 6 trials."""
    axis = np.linspace(0.0, 1.0, 5)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    score = 0.9 - 0.5 * ((grid - [0.9, 0.2]) ** 2).sum(1)
    folder.mkdir(exist_ok=True)
    frames = [
        pd.DataFrame({"task": task, "x": grid[:, 0], "y": grid[:, 1], "score": values})
        for task, values in (("a", score), ("b", score[::-1]))
    ]
    path = folder / "table.csv"
    pd.concat(frames).to_csv(path, index=False)
    return {"path": str(path), "budget": 6, "action": "unit_cube"}
