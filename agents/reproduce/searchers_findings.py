"""What the searcher's experiments left, as regret curves by variant and table, and those of its rivals."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from agents.reproduce.searchers_jobs import (
    SearcherTraining,
    UntrainedJudging,
    fold_tasks,
    rival_path,
    trainings_of,
)
from agents.reproduce.searchers_plan import SearchersPlan, env_id_of
from agents.search.training_tasks import recorded_tasks
from agents.training.log import read_log
from hpo_gym.evaluation.metrics import expected_random_regret
from hpo_gym.evaluation.result import EvaluationResult

Floats = NDArray[np.float64]

MAIN = "searcher"
RANDOM = "random"
STATIC = ("average-rank", "greedy-regret", "greedy-rank")
RIVALS = (*STATIC, "gp-ei", "tpe", "empirical-prior-gp")


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """Normalised regret on tasks of one table.

    Attributes:
        tasks: (T,).
        seeds: (S,) of training, or of an agent that draws.
        regrets: (S, T, budget) of the incumbent after each trial.
        is_expected: whether they are expectations in closed form, and no seeds'.
    """

    tasks: tuple[str, ...]
    seeds: tuple[int, ...]
    regrets: Floats
    is_expected: bool = False

    def at(self, n_trials: int) -> Floats:
        """(S, T) after so many trials."""
        return self.regrets[:, :, n_trials - 1]

    def on(self, tasks: Sequence[str]) -> "Curves":
        """The same on some of the tasks."""
        columns = [self.tasks.index(task) for task in tasks]
        return Curves(
            tasks=tuple(tasks),
            seeds=self.seeds,
            regrets=self.regrets[:, columns],
            is_expected=self.is_expected,
        )


ByTable = dict[str, Curves]


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchersFindings:
    """All there is; what is not there has no entry.

    Attributes:
        plan: what was asked for.
        variants: variant -> table -> curves of the seeds that all folds were judged with.
        fold_0, declared: table -> curves of the main variant on fold 0: each task with all others as prior, and with
            the declared training tasks alone.
        rivals: table -> agent -> curves, each task by an agent that was built on all others.
        minutes: variant -> a core's, a training.
    """

    plan: SearchersPlan
    variants: dict[str, ByTable] = field(default_factory=dict)
    fold_0: ByTable = field(default_factory=dict)
    declared: ByTable = field(default_factory=dict)
    rivals: dict[str, dict[str, Curves]] = field(default_factory=dict)
    minutes: dict[str, tuple[float, ...]] = field(default_factory=dict)

    def curves(self, variant: str, table: str) -> Curves | None:
        """Of a variant, where there are any."""
        return self.variants.get(variant, {}).get(table)

    @cached_property
    def judged_tables(self) -> tuple[str, ...]:
        """Where the main variant was judged."""
        return tuple(table for table in self.plan.tables if self.curves(MAIN, table) is not None)


def read_searchers_findings(plan: SearchersPlan, root: Path, rivals: Path) -> SearchersFindings:
    """Read a plan's folder.

    Args:
        plan: whose.
        root: its folder.
        rivals: folder of TABLE-AGENT.json, where `python -m benchmarks.rivals` leaves them; what is not there is looked
            for among the plan's own.
    """
    found = SearchersFindings(plan=plan)
    for variant in dict.fromkeys(name for part in plan.parts.values() for name in part.variants):
        trainings = _trainings(plan, variant, root)
        by_table = {table: _variant_curves(plan, variant, table, trainings, root) for table in plan.tables}
        found.variants[variant] = {table: curves for table, curves in by_table.items() if curves is not None}
        found.minutes[variant] = tuple(minutes for training in trainings for minutes in _minutes(training))
    first_folds = [training for training in _trainings(plan, MAIN, root) if training.fold == 0]
    for table in plan.tables:
        for kept, is_declared in ((found.fold_0, False), (found.declared, True)):
            curves = _stacked({t.seed: [t.result_path(table, declared=is_declared)] for t in first_folds})
            if curves is not None:
                kept[table] = curves
        found.rivals[table] = _rivals(plan, table, (rivals, root))
    return found


def _trainings(plan: SearchersPlan, variant: str, root: Path) -> list[SearcherTraining]:
    seeds = range(plan.part_of(variant).n_seeds)
    return [training for seed in seeds for training in trainings_of(plan, variant, seed, root)]


def _variant_curves(
    plan: SearchersPlan, variant: str, table: str, trainings: Sequence[SearcherTraining], root: Path
) -> Curves | None:
    if not plan.variants[variant].trained:
        path = UntrainedJudging(plan=plan, variant=variant, table=table, root=root).path
        return read_curves(path) if path.exists() else None
    paths: dict[int, list[Path]] = {}
    for training in trainings:
        if table in training.scope.judged_on:
            paths.setdefault(training.seed, []).append(training.result_path(table))
    return _stacked(paths)


def _stacked(paths: dict[int, list[Path]]) -> Curves | None:
    """One row a seed that has all of its files, which are of different tasks; None without any."""
    rows = {
        seed: [read_curves(path) for path in of_seed]
        for seed, of_seed in paths.items()
        if of_seed and all(path.exists() for path in of_seed)
    }
    if not rows:
        return None
    first = next(iter(rows.values()))
    regrets = [np.concatenate([part.regrets[0] for part in parts]) for parts in rows.values()]
    tasks = tuple(task for part in first for task in part.tasks)
    return Curves(tasks=tasks, seeds=tuple(rows), regrets=np.stack(regrets))


def read_curves(path: Path) -> Curves:
    """Of an evaluation's file."""
    result = EvaluationResult.read(path)
    tasks = tuple(result.regret_curves)
    regrets = np.array([result.regret_curves[task] for task in tasks], np.float64)  # (T, S, budget)
    return Curves(tasks=tasks, seeds=tuple(result.seeds), regrets=regrets.swapaxes(0, 1))


def _rivals(plan: SearchersPlan, table: str, folders: Iterable[Path]) -> dict[str, Curves]:
    found = {}
    random = random_curves(table, plan.budget)
    if random is not None:
        found[RANDOM] = random
    elsewhere, root = folders
    for agent in RIVALS:
        places = (elsewhere / f"{table}-{agent}.json", rival_path(root, table, agent))
        path = next((path for path in places if path.exists()), None)
        if path is not None:
            found[agent] = read_curves(path)
    return found


def random_curves(table: str, budget: int) -> Curves | None:
    """Random search without replacement, its expectation in closed form; None where the data are not here."""
    try:
        env = gym.make(env_id_of(table))
    except FileNotFoundError:
        return None
    training = recorded_tasks(env.unwrapped, env.unwrapped.task_ids)  # type: ignore[attr-defined]
    env.close()
    regrets = np.stack([expected_random_regret(scores, budget) for scores in training.scores])
    return Curves(tasks=training.task_ids, seeds=(), regrets=regrets[None], is_expected=True)


def tasks_of_fold_0(table: str) -> tuple[str, ...]:
    """The declared test tasks."""
    return fold_tasks(table, 0)


def _minutes(training: SearcherTraining) -> list[float]:
    """A core's, of a training that is finished; none of another."""
    if not (training.folder / "policy.json").exists():
        return []
    return [read_log(training.folder)[-1]["cpu_s"] / 60]
