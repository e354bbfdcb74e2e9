"""Small tables of evaluations that the tests of search agents write and open as environments."""

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pandas as pd
from numpy.typing import NDArray

import hpo_gym  # noqa: F401 - registers the environments
from agents.search.searcher import Searcher
from hpo_gym.evaluation.agent import AgentContext

ENV_ID = "hpo_gym/ConfigSelection-Table-v0"


def grid(side: int) -> NDArray[np.float64]:
    """(side ** 2, 2) points of a square grid on [0, 1]^2."""
    axis = np.linspace(0.0, 1.0, side)
    return np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)


def write_table(folder: Path, scores: dict[str, NDArray[np.float64]], pools: NDArray | list[NDArray]) -> dict[str, Any]:
    """Write scores by task on a pool (n, 2), or on one a task; gives the environment's options."""
    each = list(pools) if isinstance(pools, list) else [pools] * len(scores)
    frames = [
        pd.DataFrame({"task": task, "x": pool[:, 0], "y": pool[:, 1], "score": values})
        for (task, values), pool in zip(scores.items(), each, strict=True)
    ]
    folder.mkdir(exist_ok=True)
    path = folder / "table.csv"
    pd.concat(frames).to_csv(path, index=False)
    return {"path": str(path), "budget": 6}


def context(env_kwargs: dict[str, Any], train_tasks: tuple[str, ...]) -> AgentContext:
    """What a builder is told."""
    return AgentContext(env_id=ENV_ID, env_kwargs={**env_kwargs, "observe_pool": True}, train_tasks=train_tasks)


def search(agent: Searcher, env_kwargs: dict[str, Any], task_id: str, seed: int = 0) -> tuple[list[int], list[float]]:
    """One episode: the configurations tried, and their scores."""
    env = gym.make(ENV_ID, **{"observe_pool": True, **env_kwargs})
    observation, _ = env.reset(seed=seed, options={"task_id": task_id})
    agent.start_episodes([seed])
    state, tried, scores, is_over = None, [], [], False
    while not is_over:
        action, state = agent.predict(observation, state)
        observation, _, is_over, _, info = env.step(action)
        assert info["configuration"] == (action if np.ndim(action) == 0 else action[0])
        tried.append(info["configuration"])
        scores.append(info["score"])
    env.close()
    return tried, scores
