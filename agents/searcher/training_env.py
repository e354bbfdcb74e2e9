"""What the searcher is trained in: several tables in turn, each seen as candidates."""

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

import hpo_gym
from agents.folds import N_FOLDS, training_tasks
from agents.searcher.candidates import N_CANDIDATES, N_CONTEXT, N_FEATURES, N_TRIAL_FEATURES, Candidates
from agents.searcher.table_groups import TableGroups
from hpo_gym.integrations.stable_baselines3 import make_sb3_vec_env


class CandidatesVecEnv(VecEnv):
    """Config selection on several tables, one a reset: the seed of the first member draws which.

    Observations are `agents.searcher.candidates.Candidates`, and "gains", which only imitation reads: by how much each
    candidate would lower the regret. An action is the number of a candidate; one that cannot be chosen is the first.

    Args:
        tables: groups of searches, all with the same horizon and as many members.
    """

    def __init__(self, tables: Sequence[TableGroups]) -> None:
        self.tables = tables
        self._playing = tables[0]
        self._actions: NDArray[np.int64] = np.zeros(0, np.int64)
        horizon = tables[0].horizon
        super().__init__(tables[0].env.num_envs, observation_space(horizon), spaces.Discrete(N_CANDIDATES))

    @property
    def tasks_beside(self) -> dict[str, tuple[str, ...]]:
        """The tasks of the tables after the first, by environment."""
        return {_spec_of(table.env).id: table.training.task_ids for table in self.tables[1:]}

    def reset(self) -> VecEnvObs:
        """Begin an episode in every member, on the table that the seeds draw."""
        seeds = list(self._seeds)
        self._reset_seeds()
        self._reset_options()
        draw = np.random.default_rng(seeds[0] if seeds[0] is None else [seeds[0], 1])
        self._playing = self.tables[int(draw.integers(len(self.tables)))]
        self._playing.begin(seeds)
        return self._observation()

    def step_async(self, actions: NDArray[np.int64]) -> None:
        """Keep the actions (n_envs,)."""
        self._actions = np.asarray(actions, np.int64)

    def step_wait(self) -> VecEnvStepReturn:
        """Try them. When all episodes are over, members stand still until the next reset."""
        if self._playing.is_over:
            nothing = np.zeros(self.num_envs, np.float32)
            return self._observation(), nothing, np.ones(self.num_envs, bool), [{} for _ in range(self.num_envs)]
        rewards, dones, infos = self._playing.advance(self._actions)
        observation = self._observation()
        for i in np.flatnonzero(dones):
            infos[i]["terminal_observation"] = {name: values[i] for name, values in observation.items()}
        return observation, rewards, dones, infos

    def _observation(self) -> dict[str, NDArray[Any]]:
        seen = observation_of(self._playing.candidates())
        seen["gains"] = self._playing.gains().numpy()
        return seen

    def close(self) -> None:
        """Close the tables."""
        for table in self.tables:
            table.env.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Of the table that is played."""
        return self._playing.env.get_attr(attr_name, indices)

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Of all tables."""
        for table in self.tables:
            table.env.set_attr(attr_name, value, indices)

    def env_method(self, method_name: str, *args: Any, indices: VecEnvIndices = None, **kwargs: Any) -> list[Any]:
        """Of the table that is played."""
        return self._playing.env.env_method(method_name, *args, indices=indices, **kwargs)

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper], indices: VecEnvIndices = None) -> list[bool]:
        """As the table that is played."""
        return self._playing.env.env_is_wrapped(wrapper_class, indices)


def observation_space(horizon: int) -> spaces.Dict:
    """Of what `observation_of` gives, with the gains; flat, as Stable-Baselines3 likes it."""
    sizes = {
        "features": N_CANDIDATES * N_FEATURES,
        "mask": N_CANDIDATES,
        "context": N_CONTEXT,
        "trials": horizon * N_TRIAL_FEATURES,
        "distances": N_CANDIDATES * horizon,
        "gains": N_CANDIDATES,
    }
    return spaces.Dict({name: spaces.Box(-np.inf, np.inf, (size,), np.float32) for name, size in sizes.items()})


def observation_of(candidates: Candidates) -> dict[str, NDArray[Any]]:
    """(E, ...) each, flat."""
    parts = {name: getattr(candidates, name) for name in ("features", "mask", "context", "trials", "distances")}
    return {name: values.flatten(1).float().numpy() for name, values in parts.items()}


def training_tables(venv: VecEnv, beside: Sequence[str], *, group_size: int, n_rows: int) -> CandidatesVecEnv:
    """The tables that a searcher is trained on.

    Args:
        venv: the first, with the tasks to train on.
        beside: environments that it is trained on besides, where their data is here. Where the first table's tasks are
            what one of `agents.folds` leaves, they are left the same fold, else their declared training tasks.
        group_size, n_rows: see `TableGroups`.
    """
    spec = _spec_of(venv)
    fold = _fold_of(spec.id, venv.get_attr("task_ids")[0])
    horizon = int(venv.get_attr("budget")[0])
    tables = [TableGroups(venv, group_size=group_size, n_rows=n_rows)]
    for env_id in beside:
        if env_id == spec.id:
            continue
        try:
            tasks = list(training_tasks(env_id, fold))
        except FileNotFoundError:  # its data was not downloaded
            continue
        other = make_sb3_vec_env(env_id, venv.num_envs, tasks=tasks, budget=horizon, observe_pool=False)
        tables.append(TableGroups(other, group_size=group_size, n_rows=n_rows))
    return CandidatesVecEnv(tables)


def _fold_of(env_id: str, task_ids: Sequence[str]) -> int:
    """The fold that these tasks are all but; 0 where they are of none."""
    declaration = hpo_gym.DECLARATIONS.get(env_id)
    folds = range(N_FOLDS if declaration is not None and declaration.splits else 0)
    return next((fold for fold in folds if set(training_tasks(env_id, fold)) == set(task_ids)), 0)


def _spec_of(venv: VecEnv) -> Any:
    return venv.get_attr("spec", [0])[0]
