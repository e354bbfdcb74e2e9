"""The cells that agents are judged on as GRPOformer's paper does: a data set of OpenML under a family of models.

Its own cells (six OpenML tasks x six families, raw training) are in no table that we have. These are drawn from those
that are: all of HPOBench's multilayer perceptrons, six of its XGBoost and six of LCBench's funnel-shaped networks. The
drawn ones are the first six of a permutation whose first eight or ten are the declared test tasks, so that nothing was
ever tuned on them; the perceptrons' eight are all there are, three of them test tasks.
"""

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np

import hpo_gym  # noqa: F401 - registers the environments

N_DRAWN = 6
BUDGETS = (10, 25, 50, 100)
"""Trials at which searchers are compared, in full evaluations."""

_WHOLE = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"
ENVIRONMENTS = (_WHOLE, "hpo_gym/ConfigSelection-HPOBenchXGB-v0", "hpo_gym/ConfigSelection-LCBench-v0")


def openml_cells() -> Mapping[str, tuple[str, ...]]:
    """Environment -> its tasks among the cells, in the order of the table; 20 in all."""
    return {env_id: _cells_of(env_id) for env_id in ENVIRONMENTS}


def _cells_of(env_id: str) -> tuple[str, ...]:
    env: Any = gym.make(env_id).unwrapped
    task_ids: tuple[str, ...] = env.task_ids
    env.close()
    if env_id == _WHOLE:
        return task_ids
    drawn = np.random.default_rng(0).permutation(len(task_ids))[:N_DRAWN]
    return tuple(task_ids[position] for position in sorted(drawn.tolist()))
