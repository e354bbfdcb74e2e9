"""From keyword arguments to a live config-selection problem: what the single and the vector environment share."""

import hashlib
import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hpo_gym.envs.selection_problem import (
    ActionKind,
    Repeat,
    SelectionProblem,
    Splits,
    TaskEvaluations,
    check_search,
    choose_tasks,
    read_only,
    search_observation,
    task_list,
)
from hpo_gym.live.family import find_family
from hpo_gym.live.limits import Limits
from hpo_gym.live.result_cache import ResultCache
from hpo_gym.live.search import LiveSearch
from hpo_gym.live.trial import BEST_SCORE, METRIC, TrialResult
from hpo_gym.live.trial_runner import TrialRunner
from hpo_gym.selection.search_tasks import SearchTasks

LiveFidelity = int | Literal["action"] | None


@dataclass(frozen=True, kw_only=True, eq=False)
class LiveProblem(SelectionProblem):
    """A search whose scores are found by fitting models; `tasks` holds the pool, and no scores."""

    live: LiveSearch

    @property
    def data_id(self) -> str:
        """SHA-256 of pool, fidelities, seeds and the tasks' data, which is downloaded where it is not here."""
        identity = json.dumps(self.live.identity(self.tasks.task_ids), sort_keys=True)
        return f"sha256:{hashlib.sha256(identity.encode()).hexdigest()}"

    @property
    def best_is(self) -> str:
        """Nobody knows the pool's best."""
        return "perfect"

    def bounds(self, task: Any, column: Any) -> tuple[Any, Any, Any]:
        """The metric's own bounds: perfect, and a constant predictor's. The tasks' data is needed from here on."""
        chance = [self.live.data(self.tasks.task_ids[t]).chance_score for t in np.ravel(task)]
        worst = np.array(chance).reshape(np.shape(task))
        best = np.full_like(worst, BEST_SCORE)
        return best, worst, np.where(best > worst, worst, best - 1.0)

    def evaluations(self, task_id: str) -> TaskEvaluations:
        """What is in the cache, if it is all there: nothing is fitted for this.

        Raises:
            LiveError: trials are missing; the message names the command that runs them.
        """
        task = self.task_position(task_id)
        scores = self.live.recorded(task_id)
        return TaskEvaluations(
            pool=read_only(self.tasks.pool(task)),
            scores=read_only(scores[:, 0] if scores.shape[1] == 1 else scores),
            meta_features=read_only(self.tasks.meta_features[task]),
        )

    def run(self, task: NDArray[np.int64], rows: NDArray[np.int64], columns: NDArray[np.int64]) -> list[TrialResult]:
        """The results of k trials, at once: on tasks (k,), of rows (k,) of the pool, at fidelities (k,)."""
        ids = self.tasks.task_ids
        asked = zip(task.tolist(), rows.tolist(), columns.tolist(), strict=True)
        return self.live.run([(ids[t], row, column) for t, row, column in asked])


def build_live_problem(
    family: str = "svm",
    *,
    openml_tasks: Sequence[int | str] | None = None,
    split: str = "all",
    tasks: Sequence[str] | None = None,
    splits: Splits | None = None,
    budget: int = 50,
    action: ActionKind = "index",
    repeat: Repeat = "mask",
    reward: str = "improvement",
    observe_pool: bool = False,
    n_configurations: int = 1024,
    pool_seed: int = 0,
    fidelity: LiveFidelity = None,
    subsample: float = 1.0,
    trial_seed: int = 0,
    fold: int = 0,
    time_limit_s: float = 60.0,
    memory_limit_mb: int = 4096,
    workers: int = 1,
    cache: bool = True,
    retry_failures: bool = False,
    **unknown: Any,
) -> LiveProblem:
    """Check every option; see `LiveSelectionEnv` for their meaning. Nothing is downloaded and nothing started."""
    for option in unknown:
        own = [name for name in inspect.signature(build_live_problem).parameters if name != "unknown"]
        raise TypeError(f"there is no option {option!r}; there are {', '.join(own)}")
    check_search(budget=budget, action=action, repeat=repeat, reward=reward, fidelity=fidelity)
    for name, seed in (("pool_seed", pool_seed), ("trial_seed", trial_seed), ("fold", fold)):
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
            raise ValueError(f"{name}={seed!r}: a whole number, 0 or more, is needed")
    all_tasks, named_splits = _openml_tasks(openml_tasks, splits or {})
    runner = TrialRunner(
        limits=Limits(time_s=time_limit_s, memory_mb=memory_limit_mb),
        cache=ResultCache() if cache else None,
        workers=workers,
        retries_failures=retry_failures,
    )
    levels = find_family(family).axis.levels_to_choose if fidelity == "action" else ()
    fixed_level = None if fidelity == "action" else fidelity
    live = LiveSearch(
        family,
        n_configurations=n_configurations,
        pool_seed=pool_seed,
        levels=levels or (fixed_level,),
        subsample=subsample,
        trial_seed=trial_seed,
        fold=fold,
        runner=runner,
    )
    task_ids = choose_tasks(all_tasks, named_splits, split, tasks, where="live searches")
    for task_id in task_ids:
        if task_id not in all_tasks:
            raise KeyError(
                f"task {task_id!r} is not one of {', '.join(all_tasks)}; name others with openml_tasks=[...]"
            )
    prepared = _without_scores(live, task_ids, levels)
    return LiveProblem(
        tasks=prepared,
        splits=named_splits,
        score_name=f"validation {METRIC}",
        score_unit="fraction",
        budget=int(budget),
        action=action,
        repeat=repeat,
        reward_name=reward,
        initial_design=None,
        draws_replicate=False,
        observation=search_observation(prepared, int(budget), observe_pool),
        live=live,
    )


def _openml_tasks(
    openml_tasks: Sequence[int | str] | None, splits: Splits
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """The ids of all tasks, and the splits with those of them alone."""
    declared = {name: task_list(f"splits[{name!r}]", ids) for name, ids in splits.items()}
    if openml_tasks is None:
        all_tasks = tuple(task_id for ids in declared.values() for task_id in ids)
    elif isinstance(openml_tasks, int | str):
        all_tasks = (str(openml_tasks),)
    else:
        all_tasks = tuple(str(task_id) for task_id in openml_tasks)
    for task_id in all_tasks:
        if not (task_id.isascii() and task_id.isdigit()) or all_tasks.count(task_id) > 1:
            raise ValueError(f"openml_tasks={openml_tasks!r}: numbers of OpenML tasks are needed, each once")
    if not all_tasks:
        raise ValueError("openml_tasks=[...] is needed: numbers of OpenML tasks")
    kept = {name: tuple(task_id for task_id in ids if task_id in all_tasks) for name, ids in declared.items()}
    return all_tasks, {name: ids for name, ids in kept.items() if ids}


def _without_scores(live: LiveSearch, task_ids: tuple[str, ...], levels: tuple[int, ...]) -> SearchTasks:
    """The pool, the same for all tasks, every row of which can be tried, and no scores."""
    n_tasks, n_rows, n_columns = len(task_ids), len(live.pool), len(live.fidelities)
    unknown = np.broadcast_to(np.nan, (n_tasks, n_columns))
    return SearchTasks(
        hyperparameters=live.family.hyperparameters,
        task_ids=task_ids,
        rows=live.pool,
        row_start=np.zeros(n_tasks, np.int64),
        scores=np.broadcast_to(np.nan, (n_tasks * n_rows, n_columns)),
        score_start=np.arange(n_tasks) * n_rows,
        n_rows=np.full(n_tasks, n_rows),
        n_configurations=n_rows,
        is_evaluated=np.ones(n_tasks * n_rows, bool),
        best=unknown,
        worst=unknown,
        meta_features=np.zeros((n_tasks, 0), np.float32),
        levels=levels,
        designs=({},) * n_tasks,
    )
