"""What other tasks scored on the same search space: Optuna studies, or a table of evaluations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.search_space import intersection_search_space
from optuna.study import Study, StudyDirection
from optuna.trial import TrialState

import hpo_gym  # noqa: F401 - registers the environments
from agents.search.training_tasks import recorded_tasks

TABLE_ENV = "hpo_gym/ConfigSelection-Table-v0"


class PastError(ValueError):
    """A past that nothing can be learned from; names what is missing."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PastTask:
    """Attributes:
    name: of the task.
    columns: parameter -> n values, as the user knows them; None where a trial had none.
    scores: (n,) higher is better, finite.
    """

    name: str
    columns: Mapping[str, NDArray[Any]]
    scores: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Past:
    """Other tasks on the same space, their scores in the same unit as the study's.

    Attributes:
        tasks: one or more.
        search_space: what a study is expected to search before its first trial has ended.
    """

    tasks: tuple[PastTask, ...]
    search_space: Mapping[str, BaseDistribution]

    def __post_init__(self) -> None:
        if not self.tasks:
            raise PastError("there is no past task: name a study with complete trials, or leave `past` out")


def from_studies(studies: Sequence[Study]) -> Past:
    """The past of Optuna studies, each one a task, their complete trials with finite values.

    Raises:
        PastError: no list of studies; a study has several objectives; or none of them has two such trials.
    """
    if not isinstance(studies, Sequence) or any(not isinstance(study, Study) for study in studies):
        raise PastError(f"a past is a list of Optuna studies, or from_table(FILE), not {studies!r}")
    tasks = []
    for study in studies:
        if len(study.directions) > 1:
            raise PastError(f"past study {study.study_name!r} has {len(study.directions)} objectives: one is needed")
        sign = -1.0 if study.direction == StudyDirection.MINIMIZE else 1.0
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        finite = [trial for trial in complete if np.isfinite(trial.values[0])]
        names = dict.fromkeys(name for trial in finite for name in trial.params)
        columns = {name: _objects([trial.params.get(name) for trial in finite]) for name in names}
        scores = np.array([sign * trial.values[0] for trial in finite])
        if len(finite) > 1:
            tasks.append(PastTask(name=study.study_name, columns=columns, scores=scores))
    trials = [trial for study in studies for trial in study.get_trials(deepcopy=False)]
    return Past(tasks=tuple(tasks), search_space=intersection_search_space(trials))


def from_table(table: str | Path, *, tasks: Sequence[str] | None = None, **options: Any) -> Past:
    """The past of a table of evaluations.

    Args:
        table: a CSV or parquet file (see `hpo-gym table check`), or the id of an environment that searches a table.
            The study's parameters have its hyperparameters' names and units.
        tasks: of the table; all by default. Leave out the one that is searched, if it is there.
        options: of the environment (of a file: `task`, `score`, `direction` and so on).

    Raises:
        DataError, KeyError: no such table, or no such task in it.
    """
    is_env = "ConfigSelection-" in str(table)
    if not is_env:
        options["path"] = str(table)
    if tasks is not None:
        options["tasks"] = list(tasks)
    env: Any = gym.make(str(table) if is_env else TABLE_ENV, **options).unwrapped
    try:
        recorded, hyperparameters = recorded_tasks(env, env.task_ids), env.hyperparameters
    finally:
        env.close()
    known: dict[int, dict[str, NDArray[Any]]] = {}  # tasks that share a pool share its columns
    first = recorded.shared_pool
    past = []
    for name, own, scores in zip(recorded.task_ids, recorded.pools, recorded.scores, strict=True):
        pool = own if first is None else first
        if id(pool) not in known:
            known[id(pool)] = {h.name: h.from_unit(pool[:, i]) for i, h in enumerate(hyperparameters)}
        past.append(PastTask(name=name, columns=known[id(pool)], scores=scores))
    return Past(tasks=tuple(past), search_space={h.name: _distribution(h) for h in hyperparameters})


def _distribution(hyperparameter: Any) -> BaseDistribution:
    h = hyperparameter
    if h.kind == "categorical":
        return CategoricalDistribution(h.categories)
    if h.kind == "integer":
        return IntDistribution(int(h.lower), int(h.upper), log=h.log)
    return FloatDistribution(h.lower, h.upper, log=h.log)


def _objects(values: Sequence[Any]) -> NDArray[Any]:
    column = np.empty(len(values), object)
    column[:] = values
    return column
