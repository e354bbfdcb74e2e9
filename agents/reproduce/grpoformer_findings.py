"""What the trainings of `reproduce grpoformer` came to, cell by cell, and what random search comes to there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

import hpo_gym  # noqa: F401 - registers the environments
from agents.reproduce.grpoformer_jobs import SearchJob
from agents.reproduce.grpoformer_meters import Arrays
from agents.reproduce.grpoformer_plan import Cells, GrpoformerPlan, Part
from hpo_gym.evaluation.metrics import expected_random_regret

Floats = NDArray[np.float64]
Cell = tuple[str, str]
"""Environment and task."""

LATE = 5
"""Updates at the end of a training that what it came to is averaged over."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pool:
    """What a task holds: the scores (n,) of its configurations."""

    scores: Floats

    @cached_property
    def best(self) -> float:
        """The highest score."""
        return float(np.nanmax(self.scores))

    @cached_property
    def worst(self) -> float:
        """The lowest score."""
        return float(np.nanmin(self.scores))

    def regret(self, scores: Floats) -> Floats:
        """Normalised regret of scores (...)."""
        return (self.best - scores) / (self.best - self.worst)

    def score(self, regret: Floats) -> Floats:
        """The other way round."""
        return self.best - regret * (self.best - self.worst)

    def random(self, n_trials: int) -> Floats:
        """(n_trials,) expected score of the incumbent of random search that repeats nothing."""
        return self.score(expected_random_regret(self.scores, n_trials))

    def restarted_random(self, n_trials: int, n_episodes: int) -> float:
        """Expected score of the best of many random searches of n_trials, each without repeats and all independent."""
        ordered = np.sort(self.regret(self.scores[np.isfinite(self.scores)]))
        n = len(ordered)
        i = np.arange(1, n)  # a search misses the i best with probability C(n - i, k) / C(n, k)
        k = np.arange(min(n_trials, n))[:, None]
        missed = np.prod(np.maximum(n - i - k, 0) / (n - k), axis=0) ** n_episodes
        return float(self.score(ordered[0] + missed @ np.diff(ordered)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Training:
    """One training on one cell.

    Attributes:
        pool: of the cell.
        arrays: what `SearchJob` kept; (n_updates, n_trials, n_members) each, but for "churn" and "entropy".
    """

    pool: Pool
    arrays: Arrays

    @cached_property
    def incumbents(self) -> Floats:
        """(n_evaluations,) best score so far, in the order of update, trial, member."""
        return np.maximum.accumulate(self.arrays["scores"].reshape(-1))

    @cached_property
    def regrets(self) -> Floats:
        """(n_updates, n_trials, n_members) normalised regret of every trial."""
        return self.pool.regret(self.arrays["scores"])

    @property
    def curve(self) -> Floats:
        """(n_updates,) normalised regret of what an episode finds, mean over the members."""
        return self.regrets.min(axis=1).mean(axis=1)

    @property
    def late(self) -> float:
        """The same over the last updates."""
        return float(self.curve[-LATE:].mean())

    @property
    def late_by_trial(self) -> Floats:
        """(n_trials,) normalised regret of each trial by itself over the last updates."""
        return self.regrets[-LATE:].mean(axis=(0, 2))

    @property
    def returns(self) -> Floats:
        """(n_updates,) sum of an episode's rewards, mean over the members."""
        return self.arrays["rewards"].sum(axis=1).mean(axis=1)

    @property
    def distinct(self) -> float:
        """Share of the evaluations that were of a configuration not evaluated before."""
        rows = self.arrays["rows"]
        return len(np.unique(rows)) / rows.size

    @property
    def cpu_s(self) -> float:
        """Seconds of a processor."""
        return float(self.arrays["cpu_s"])


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchFindings:
    """All trainings that are there.

    Attributes:
        plan: what was asked for.
        pools: by cell.
        trainings: by variant and cell, in the order of seeds.
    """

    plan: GrpoformerPlan
    pools: Mapping[Cell, Pool]
    trainings: Mapping[str, Mapping[Cell, Sequence[Training]]]

    def complete(self, part: str) -> dict[str, Mapping[Cell, Sequence[Training]]]:
        """Variants of a part that have a training on each of its cells; those cells, and as many seeds on each."""
        found: dict[str, Mapping[Cell, Sequence[Training]]] = {}
        cells = cells_of(self.plan.parts[part].tasks())
        for name in self.plan.parts[part].variants:
            there = self.trainings.get(name, {})
            if all(there.get(cell) for cell in cells):
                n = min(len(there[cell]) for cell in cells)
                found[name] = {cell: there[cell][:n] for cell in cells}
        return found


def cells_of(tasks: Cells) -> list[Cell]:
    """Environment -> tasks, one after another."""
    return [(env_id, task_id) for env_id, task_ids in tasks.items() for task_id in task_ids]


def read_search_findings(plan: GrpoformerPlan, root: Path) -> SearchFindings:
    """Read what jobs have left in a plan's folder; seeds count from 0 up to the first that is missing."""
    pools: dict[Cell, Pool] = {}
    trainings: dict[str, dict[Cell, list[Training]]] = {}
    for part in plan.parts.values():
        for env_id, task_ids in part.tasks().items():
            pools |= _pools(env_id, task_ids, plan.preset(part.variants[0], env_id).env)
        for variant in part.variants:
            for cell in cells_of(part.tasks()):
                known = trainings.setdefault(variant, {}).get(cell, [])
                read = _read(plan, variant, cell, pools[cell], root, part)
                trainings[variant][cell] = max(known, read, key=len)
    return SearchFindings(plan=plan, pools=pools, trainings=trainings)


def _read(plan: GrpoformerPlan, variant: str, cell: Cell, pool: Pool, root: Path, part: Part) -> list[Training]:
    found = []
    for seed in range(part.n_seeds):
        job = SearchJob(plan=plan, variant=variant, env_id=cell[0], task_id=cell[1], seed=seed, root=root)
        if not job.is_done:
            break
        found.append(Training(pool=pool, arrays=job.read()))
    return found


def _pools(env_id: str, task_ids: Sequence[str], env_kwargs: Mapping[str, Any]) -> dict[Cell, Pool]:
    env: Any = gym.make(env_id, **{**env_kwargs, "tasks": list(task_ids)}).unwrapped
    found = {}
    for task_id in task_ids:
        scores = np.asarray(env.evaluations(task_id).scores, np.float64)
        found[env_id, task_id] = Pool(scores=scores if scores.ndim == 1 else scores.mean(axis=1))
    env.close()
    return found
