"""What samplers are judged on: tables of recorded evaluations as objectives of Optuna, and a few functions."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from optuna.trial import Trial

from agents.folds import folds_of
from agents.pretrained.names import tables_name
from agents.search.training_tasks import recorded_tasks
from benchmarks.sampler_grids import SPACES
from hpo_gym.integrations.optuna_sampler import Past, from_table

TABLES = ("TSTSVM", "HypRLNN", "HPOBenchXGB", "HPOBenchMLP")
N_DEVELOPMENT_TASKS = 6
"""Training tasks of each table, drawn by seed, on which choices were made; of HPOBenchMLP, which has eight, none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """An objective that is maximised.

    Attributes:
        group, name: the table and the task; or "functions" and the function.
        objective: for `study.optimize`.
        regret: scores (t,) -> regrets (t,), 0 = best.
        weights: of a searcher that did not see the task.
        make_past: the other tasks of the table; None of a function.
    """

    group: str
    name: str
    objective: Callable[[Trial], float]
    regret: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    weights: str
    make_past: Callable[[], Past] | None = None

    @property
    def has_past(self) -> bool:
        """Whether there are other tasks."""
        return self.make_past is not None

    @cached_property
    def past(self) -> Past | None:
        """The other tasks."""
        return self.make_past() if self.make_past else None


def table_problems(*, is_development: bool) -> list[Problem]:
    """Training tasks of the tables to choose by; or, to be judged, the declared test tasks and all of HPOBenchMLP."""
    problems = []
    for table in TABLES:
        env_id = f"hpo_gym/ConfigSelection-{table}-v0"
        folds = folds_of(env_id)
        if is_development:
            training = [(task, number) for number, fold in enumerate(folds) if number for task in fold]
            chosen = np.random.default_rng(0).permutation(len(training))[:N_DEVELOPMENT_TASKS]
            tasks = [] if table == "HPOBenchMLP" else [training[i] for i in chosen]
            others = [task for task, _ in training]
        else:
            judged = folds if table == "HPOBenchMLP" else folds[:1]
            tasks = [(task, number) for number, fold in enumerate(judged) for task in fold]
            others = [task for fold in folds for task in fold]
        problems += _problems_of(env_id, table, tasks, others)
    return problems


def _problems_of(env_id: str, table: str, tasks: list[tuple[str, int]], others: list[str]) -> list[Problem]:
    """A study suggests the hyperparameters as a person would; where they are a grid, every suggestion is a row."""
    if not tasks:
        return []
    env: Any = gym.make(env_id).unwrapped
    recorded = dict(zip(env.task_ids, _records(env), strict=True))
    known_space = SPACES.get(table)
    hyperparameters = env.hyperparameters
    env.close()
    plain = from_table(env_id, tasks=[tasks[0][0]]).search_space
    grid = None if known_space is None else known_space(next(iter(recorded.values()))[0])

    def problem(task: str, fold: int) -> Problem:
        pool, scores = recorded[task]
        space = plain if grid is None else grid.space

        def objective(trial: Trial) -> float:
            suggested = {name: trial._suggest(name, distribution) for name, distribution in space.items()}
            if grid is not None:
                return float(scores[grid.row(suggested)])
            point = np.array([h.to_unit(np.array([suggested[h.name]]))[0] for h in hyperparameters])
            return float(scores[((pool - point) ** 2).sum(axis=1).argmin()])

        def make_past() -> Past:
            names = [other for other in others if other != task]
            if grid is None:
                return from_table(env_id, tasks=names)
            return grid.past({name: recorded[name][1] for name in names})

        return Problem(
            group=table,
            name=task,
            objective=objective,
            regret=lambda found: (scores.max() - found) / (scores.max() - scores.min()),
            weights=tables_name("searcher", fold),
            make_past=make_past,
        )

    return [problem(task, fold) for task, fold in tasks]


def _records(env: Any) -> list[tuple[NDArray[np.float32], NDArray[np.float64]]]:
    """Pools (n, d) and scores (n,) of all tasks; a row without a score has the task's worst."""
    recorded = recorded_tasks(env, env.task_ids)
    filled = [np.where(np.isfinite(scores), scores, np.nanmin(scores)) for scores in recorded.scores]
    return list(zip(recorded.pools, filled, strict=True))


def synthetic_problems() -> list[Problem]:
    """Functions that no table has; regret is the distance to the optimum, over that of the mean of the space."""
    return [_function(name, f, best, middle) for name, (f, best, middle) in FUNCTIONS.items()]


def _function(name: str, f: Callable[[Trial], float], best: float, middle: float) -> Problem:
    return Problem(
        group="functions",
        name=name,
        objective=lambda trial: -f(trial),
        regret=lambda found: (-found - best) / (middle - best),
        weights=tables_name("searcher", 0),
    )


def branin(trial: Trial) -> float:
    x, y = trial.suggest_float("x", -5, 10), trial.suggest_float("y", 0, 15)
    a, b = 5.1 / (4 * np.pi**2), 5 / np.pi
    return (y - a * x**2 + b * x - 6) ** 2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10


_A = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
_P = np.array(
    [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ]
)


def hartmann6(trial: Trial) -> float:
    x = np.array([trial.suggest_float(f"x{i}", 0, 1) for i in range(6)])
    return -float(np.array([1.0, 1.2, 3.0, 3.2]) @ np.exp(-(_A * (x - _P) ** 2).sum(axis=1)))


def mixed(trial: Trial) -> float:
    """A learning rate, a depth, a width and a choice of optimizer, as one may have them; the optimum is 0."""
    optimizer = trial.suggest_categorical("optimizer", ["sgd", "momentum", "adam"])
    lr = np.log10(trial.suggest_float("lr", 1e-5, 1.0, log=True))
    depth = trial.suggest_int("depth", 1, 8)
    width = np.log2(trial.suggest_int("width", 16, 1024, log=True))
    dropout = trial.suggest_float("dropout", 0.0, 0.8, step=0.1)
    best_lr = {"sgd": -0.5, "momentum": -1.5, "adam": -3.0}[optimizer]
    penalty = {"sgd": 0.4, "momentum": 0.1, "adam": 0.0}[optimizer]
    fit = 0.3 * (lr - best_lr) ** 2 + 0.1 * (depth - 4) ** 2 + 0.2 * (width - 8) ** 2
    return float(penalty + fit + 2.0 * (dropout - 0.1 * min(depth, 5)) ** 2)


FUNCTIONS: dict[str, tuple[Callable[[Trial], float], float, float]] = {
    "Branin": (branin, 0.397887, 54.31),
    "Hartmann 6": (hartmann6, -3.32237, -0.26),
    "mixed": (mixed, 0.0, 2.9),
}
"""The function, its least value, and its mean over the space (of 100,000 random configurations, rounded)."""
