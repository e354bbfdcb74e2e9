"""Can an agent see a score before it has run the trial? Only for environments that search recorded evaluations."""

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np

from hpo_gym.data.errors import DataError
from hpo_gym.testing.comparison import difference, require

MAY_DEPEND_ON_TASK = frozenset({"scores", "meta_features"})


def check_observed_scores(env_id: str, seed: int, n_trials: int = 8, **kwargs: Any) -> None:
    """Observed scores are those that were reported so far, and nothing else tells two tasks apart.

    Two tasks with the same pool are searched with the same actions: but for `scores` and `meta_features` the
    observations must be the same to the bit, whatever the tasks' scores are, scaling included. Environments
    without `evaluations`, `task_ids` and a "scores" observation are passed over.
    """
    env = gym.make(env_id, **kwargs)
    space = env.observation_space
    searches = all(hasattr(env.unwrapped, name) for name in ("evaluations", "task_ids"))
    if searches and isinstance(space, gym.spaces.Dict) and "scores" in space.spaces:
        pair = _tasks_with_one_pool(env.unwrapped)
        searched = [_search(env_id, env, task_id, seed, n_trials) for task_id in pair]
        for step, (one, other) in enumerate(zip(*searched, strict=False) if len(searched) == 2 else ()):
            found = difference(_of_any_task(one), _of_any_task(other))
            require(
                not found,
                f"{env_id}, trial {step}: tasks {pair[0]!r} and {pair[1]!r} can be told apart by {found}. Let nothing "
                "but observed scores and meta-features depend on the task",
            )
    env.close()


def _tasks_with_one_pool(env: Any) -> list[str]:
    """Two tasks that search the same pool, with the same rows evaluated; one task where there are none."""
    first, *others = env.task_ids
    try:
        mine = env.evaluations(first)
    except DataError:  # trials that are really run
        return [first]
    for task_id in others:
        theirs = env.evaluations(task_id)
        if np.array_equal(mine.pool, theirs.pool) and np.array_equal(np.isnan(mine.scores), np.isnan(theirs.scores)):
            return [first, task_id]
    return [first]


def _of_any_task(observation: Mapping[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in observation.items() if name not in MAY_DEPEND_ON_TASK}


def _search(env_id: str, env: gym.Env, task_id: str, seed: int, n_trials: int) -> list[Mapping[str, Any]]:
    """The observations of a search with random actions; each must hold exactly the scores reported so far."""
    env.action_space.seed(seed)
    observation, _ = env.reset(seed=seed, options={"task_id": task_id})
    observations, reported = [observation], list[float]()
    for trial in range(n_trials):
        _check_scores(f"{env_id}, task {task_id!r}, trial {trial}", observation, reported)
        observation, _, terminated, truncated, info = env.step(env.action_space.sample())
        require("score" in info, f"{env_id}: info has no 'score'. Report each trial's raw score")
        reported.append(info["score"])
        observations.append(observation)
        if terminated or truncated:
            break
    return observations


def _check_scores(where: str, observation: Mapping[str, Any], reported: list[float]) -> None:
    scores = observation["scores"]
    expected = np.zeros_like(scores)
    expected[: len(reported)] = reported
    found = difference(scores, expected, "observation['scores']")
    require(not found, f"{where}: {found}. Show the scores reported so far, oldest first, and zeros beyond")
