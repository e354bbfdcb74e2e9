"""From keyword arguments to a config-selection problem: what the single and the vector environment share."""

import inspect
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from hpo_gym.data.tables import TABLE_OPTIONS, open_table
from hpo_gym.envs.observations import SearchObservation
from hpo_gym.envs.rewards import REWARDS, Reward
from hpo_gym.selection.neighbours import Neighbours
from hpo_gym.selection.search_tasks import Fidelity, Replicate, SearchTasks, prepare_tasks

ActionKind = Literal["index", "unit_cube"]
Repeat = Literal["mask", "end", "allow"]
Splits = Mapping[str, Sequence[str]]


class TaskEvaluations(NamedTuple):
    """The recorded evaluations of one task, for agents that fit instead of acting.

    pool: (n, d) float32 in [0, 1]; scores: (n,) float64, NaN where there is none, or (n, F) with fidelity
    levels or (n, n_replicates) where replicates are drawn; meta_features: (m,) float32. All are read-only, being
    what the environment itself plays.
    """

    pool: NDArray[np.float32]
    scores: NDArray[np.float64]
    meta_features: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class SelectionProblem:
    """Everything about a config-selection environment that no episode changes."""

    tasks: SearchTasks
    splits: dict[str, tuple[str, ...]]
    score_name: str
    score_unit: str
    budget: int
    action: ActionKind
    repeat: Repeat
    reward_name: str
    initial_design: str | None
    draws_replicate: bool
    observation: SearchObservation

    @cached_property
    def reward(self) -> Reward:
        """The reward function."""
        return REWARDS[self.reward_name]

    @cached_property
    def neighbours(self) -> Neighbours:
        """Who is next to whom in the pools."""
        return Neighbours(self.tasks, self.observation.horizon)

    @cached_property
    def takes_rows(self) -> bool:
        """Whether an action is a row of the pool and nothing else ever decides."""
        return self.action == "index" and not self.tasks.levels and self.initial_design is None

    @cached_property
    def budget_epochs(self) -> int:
        """The budget in the unit that trials cost: training epochs with fidelity levels, else full evaluations."""
        return self.budget * self.epochs_per_evaluation

    @cached_property
    def epochs_per_evaluation(self) -> int:
        """What one full evaluation costs in that unit."""
        return self.tasks.levels[-1] if self.tasks.levels else 1

    def action_space(self) -> spaces.Space:
        """The action space of one environment."""
        if self.tasks.levels:
            return spaces.MultiDiscrete([self.tasks.n_configurations, len(self.tasks.levels)])
        if self.action == "unit_cube":
            return spaces.Box(0.0, 1.0, (self.tasks.n_dims,), np.float32)
        return spaces.Discrete(self.tasks.n_configurations)

    @property
    def data_id(self) -> str:
        """Names the scores that searches depend on."""
        return self.tasks.data_id

    @property
    def best_is(self) -> str:
        """What the best score of a task is, for pictures."""
        return "best of the table"

    def bounds(self, task: Any, column: Any) -> tuple[Any, Any, Any]:
        """(best, worst, the worst that rewards count from) of a task and column of scores, or of arrays of them."""
        tasks = self.tasks
        return tasks.best[task, column], tasks.worst[task, column], tasks.reward_worst[task, column]

    def draw_task(self, rng: np.random.Generator, options: Mapping[str, Any] | None) -> int:
        """Position of the episode's task: `options["task_id"]`, or a uniform draw."""
        if options:
            unknown = options.keys() - {"task_id"}
            if unknown:
                raise ValueError(f"reset option {min(unknown)!r} is unknown; 'task_id' is an option")
            if options.get("task_id") is not None:
                return self.task_position(options["task_id"])
        return int(rng.random() * len(self.tasks.task_ids))  # six times quicker than rng.integers

    def draw_column(self, rng: np.random.Generator) -> int:
        """Column of the scores that the episode plays: the only one, the full fidelity, or a drawn replicate."""
        n_columns = self.tasks.scores.shape[1]
        return int(rng.random() * n_columns) if self.draws_replicate else n_columns - 1

    def task_position(self, task_id: str) -> int:
        """Where a task id stands in this environment's tasks."""
        try:
            return self.tasks.task_ids.index(task_id)
        except ValueError:
            raise KeyError(f"task {task_id!r} is not in this environment; {_listing(self.tasks.task_ids)}") from None

    def evaluations(self, task_id: str) -> TaskEvaluations:
        """The recorded evaluations of one of this environment's tasks."""
        task = self.task_position(task_id)
        scores = self.tasks.task_scores(task)
        return TaskEvaluations(
            pool=read_only(self.tasks.pool(task)),
            scores=read_only(scores[:, 0] if scores.shape[1] == 1 else scores),
            meta_features=read_only(self.tasks.meta_features[task]),
        )

    @cached_property
    def n_trials_at_most(self) -> NDArray[np.int64]:
        """(T,) how many trials of full cost an episode can have: the budget, or all there is to try."""
        n_available = np.array([self.tasks.available(t).sum() for t in range(len(self.tasks.task_ids))], np.int64)
        return (
            np.full_like(n_available, self.budget) if self.repeat == "allow" else np.minimum(n_available, self.budget)
        )

    def design(self, task: int) -> tuple[int, ...]:
        """The pool indices that an episode must begin with; empty without `initial_design`."""
        if self.initial_design is None:
            return ()
        return self.tasks.designs[task][self.initial_design]


def build_problem(
    table: str,
    *,
    split: str = "all",
    tasks: Sequence[str] | None = None,
    splits: Splits | None = None,
    budget: int = 50,
    action: ActionKind = "index",
    repeat: Repeat = "mask",
    reward: str = "improvement",
    observe_pool: bool = False,
    fidelity: Fidelity = None,
    replicate: Replicate = "mean",
    initial_design: str | None = None,
    **table_options: Any,
) -> SelectionProblem:
    """Open the table and check every option against it; see `ConfigSelectionEnv` for their meaning."""
    check_search(budget=budget, action=action, repeat=repeat, reward=reward, fidelity=fidelity)
    _check_unknown(table, table_options)
    opened = open_table(table, **table_options)
    named_splits = {name: task_list(f"splits[{name!r}]", ids) for name, ids in (splits or opened.splits).items()}
    task_ids = choose_tasks(tuple(opened.tasks), named_splits, split, tasks, where=f"table {opened.name!r}")
    for task_id in task_ids:
        opened.task(task_id)
    prepared = prepare_tasks(opened, task_ids, replicate, fidelity)
    _check_designs(prepared, initial_design)
    return SelectionProblem(
        tasks=prepared,
        splits=named_splits,
        score_name=opened.score_name,
        score_unit=opened.score_unit,
        budget=int(budget),
        action=action,
        repeat=repeat,
        reward_name=reward,
        initial_design=initial_design,
        draws_replicate=replicate == "random" and prepared.scores.shape[1] > 1,
        observation=search_observation(prepared, int(budget), observe_pool),
    )


def check_search(*, budget: int, action: ActionKind, repeat: Repeat, reward: str, fidelity: Fidelity) -> None:
    """Raise a `ValueError` for an option that no search can have, or that does not go with the others."""
    _check_choice("action", action, ("index", "unit_cube"))
    _check_choice("repeat", repeat, ("mask", "end", "allow"))
    _check_choice("reward", reward, tuple(REWARDS))
    if isinstance(budget, bool) or not isinstance(budget, int | np.integer) or budget < 1:
        raise ValueError(f"budget={budget!r}: a whole number of trials, 1 or more, is needed")
    if fidelity == "action" and (action != "index" or repeat == "allow"):
        raise ValueError("fidelity='action' goes with action='index' and with repeat='mask' or 'end'")


def search_observation(tasks: SearchTasks, budget: int, observe_pool: bool) -> SearchObservation:
    """What is seen of searches of these tasks."""
    return SearchObservation(
        horizon=_most_trials(budget, tasks.levels),
        n_dims=tasks.n_dims,
        n_configurations=tasks.n_configurations,
        n_meta_features=tasks.meta_features.shape[1],
        n_levels=len(tasks.levels),
        observe_pool=observe_pool,
    )


def choose_tasks(
    all_tasks: tuple[str, ...], splits: Splits, split: str, tasks: Sequence[str] | None, *, where: str
) -> tuple[str, ...]:
    """The task ids of `tasks`, or else of the split; `where` is what has the splits."""
    if tasks is not None:
        chosen = task_list("tasks", tasks)
    elif split == "all":
        chosen = all_tasks
    elif split in splits:
        chosen = tuple(splits[split])
    else:
        raise ValueError(
            f"split={split!r} is not declared for {where}; "
            f"there are {', '.join(['all', *splits])}, or name the tasks with tasks=[...]"
        )
    if not chosen:
        named = f"split={split!r}" if tasks is None else f"tasks={tasks!r}"
        raise ValueError(f"{named}: a list of at least one task id is needed")
    return chosen


def _check_designs(tasks: SearchTasks, initial_design: str | None) -> None:
    for task, (task_id, designs) in enumerate(zip(tasks.task_ids, tasks.designs, strict=True)):
        available = tasks.available(task)
        if initial_design is not None and initial_design not in designs:
            raise ValueError(f"initial_design={initial_design!r}: task {task_id!r} has {', '.join(designs) or 'none'}")
        missing = [row for row in designs.get(initial_design or "", ()) if not available[row]]
        if missing:
            raise ValueError(
                f"initial_design={initial_design!r}: task {task_id!r} has no score of its row {missing[0]}; "
                "leave the task out with tasks=[...]"
            )


def _most_trials(budget: int, levels: Sequence[int]) -> int:
    """How many trials a budget can pay at most: every configuration taken to the k-th level in k trials."""
    if not levels:
        return budget
    return max(budget * levels[-1] * k // epochs for k, epochs in enumerate(levels, start=1))


def task_list(option: str, task_ids: Sequence[str]) -> tuple[str, ...]:
    """Task ids as a tuple; a text is no list of them."""
    if isinstance(task_ids, str):
        raise ValueError(f"{option}={task_ids!r}: a list of at least one task id is needed")
    return tuple(task_ids)


def read_only(view: NDArray[Any]) -> NDArray[Any]:
    """The same array, which can no longer be written to."""
    view.flags.writeable = False
    return view


def _check_unknown(table: str, table_options: Collection[str]) -> None:
    own = [name for name in inspect.signature(build_problem).parameters if name not in ("table", "table_options")]
    allowed = [*own, *TABLE_OPTIONS.get(table, table_options)]
    for option in table_options:
        if option not in allowed:
            raise TypeError(f"there is no option {option!r}; there are {', '.join(allowed)}")


def _check_choice(option: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{option}={value!r} is not one of {', '.join(allowed)}")


def _listing(names: Sequence[str], most: int = 60) -> str:
    shown = ", ".join(names[:most])
    return f"there are {shown}" + (f" and {len(names) - most} more" if len(names) > most else "")
