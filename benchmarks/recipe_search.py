"""Search the reference recipes of an in-run environment and write them into its declaration.

`python -m benchmarks.recipe_search hpo_gym/InRunControl-Nano-v0 [--runs 128] [--workers 2]`

hand-tuned: half the runs with recipes drawn at random (nanochat's own among them), half around the best so far; then
the best few anew on other run seeds. schedule-free: the paper's sweep of eight settings, in three readings (see
`READINGS`). All on training run seeds, judged by the outcome that runs are judged by. Every group of runs is
written to build/recipe_search/NAME.jsonl when it is done; the same command goes on from there. The declaration gets
`[kwargs.recipes.hand-tuned]` and the others with their provenance, docs/results/recipes_NAME.md the summary.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

import hpo_gym
from agents.schedules.playing import Runs, draw_run_seeds
from agents.schedules.tuning import Player
from benchmarks.declaration_file import write_recipe
from benchmarks.machine import describe_machine
from benchmarks.recipe_space import Columns, Recipe, columns_of, draw, draw_points, effective, near, published
from benchmarks.run_journal import RunJournal
from hpo_gym.evaluation.intervals import BOOTSTRAP_SEED, mean_interval

RESULTS = Path(__file__).parents[1] / "docs" / "results"
GROUP, GROUPS_A_ROUND = 8, 2  # members of a group train by different recipes; figures must not depend on processes
N_FINALISTS, N_FINAL_SEEDS, N_GRID_SEEDS = 4, 8, 4
CHEAP_SEEDS = 256  # of every kind, where runs cost nothing and single ones are noisy
RANDOM_SPREAD, LOCAL_SPREAD, LOCAL_STEP = 0.35, 0.12, 0.12  # of members around their group, of groups around the best

PAPER_GRID = (
    (0.5, 0, 0),
    (0.5, 0.01, 0),
    (1, 0, 0),
    (1, 0.01, 0),
    (2, 0, 0),
    (2, 0.01, 0),
    (1, 0.01, 100),
    (1, 0.01, 300),
)
PAPER_BPB = (1.456, 1.453, 1.347, 1.348, 1.203, 1.291, 1.396, 1.429)
PAPER_UPDATES = 561
"""JEL's schedule-free sweep: multiplier of the learning rates, weight decay, updates of warm-up; and what it gave."""

READINGS = {
    "schedule-free": "nothing is scheduled; multipliers on the hand-tuned rate of each group",
    "schedule-free-uniform": "nothing is scheduled; multipliers on 1e-3 for all groups",
    "schedule-free-warmdown": "the matrices keep their hand-tuned schedule; multipliers on the hand-tuned rates",
}
"""Recipe -> how it reads the sweep, of which the paper says neither what the multipliers multiply nor whether Muon,
which stays as it is, keeps its warm-down."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Trial:
    """A recipe and the outcomes (n_seeds,) of its runs."""

    recipe: Recipe
    outcomes: np.ndarray = field(repr=False)

    @property
    def mean(self) -> float:
        """Lower is better."""
        return float(self.outcomes.mean())


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is searched: the environment, its base recipe, and who plays its runs."""

    env_id: str
    base: Recipe
    env: Any
    player: Player

    @property
    def columns(self) -> Columns:
        """How one group tries many recipes."""
        return columns_of(self.base)

    def scaled_group(self, recipe: Recipe, points: np.ndarray, run_seeds: np.ndarray) -> Runs:
        """Every point (n, d) of scales on every run seed, under one recipe."""
        scales = np.repeat(points, len(run_seeds), axis=0).astype(np.float32)
        return Runs(
            env_id=self.env_id,
            env_kwargs={"recipe": recipe, "action": self.columns.action, "split": "train"},
            actions=np.repeat(scales[:, None], self.env.n_decisions, axis=1),
            run_seeds=np.tile(run_seeds, len(points)),
        )

    def measured(self, recipes: list[Recipe], run_seeds: np.ndarray) -> list[Trial]:
        """Each recipe as it is on every run seed."""
        neutral = np.zeros((1, len(self.columns.keys)))
        played = self.player([self.scaled_group(recipe, neutral, run_seeds) for recipe in recipes])
        return [Trial(recipe=r, outcomes=p.outcome) for r, p in zip(recipes, played, strict=True)]


def search_recipes(problem: Problem, n_runs: int, rng: np.random.Generator) -> list[Trial]:
    """Random recipes, then ones around the best so far: all trials, best first."""
    run_seeds = draw_run_seeds(problem.env, 1 if problem.env.preferred_members else CHEAP_SEEDS, rng)
    n_groups = -(-n_runs // GROUP)
    centres = published(problem.base, gym.spec(problem.env_id).kwargs)
    trials: list[Trial] = []
    for first in range(0, n_groups, GROUPS_A_ROUND):
        groups = []
        for number in range(first, min(first + GROUPS_A_ROUND, n_groups)):
            is_random = number < n_groups // 2
            if number < len(centres):
                recipe = centres[number]
            else:
                recipe = draw(problem.base, rng) if is_random else near(_parent(trials, rng), LOCAL_STEP, rng)
            spread = RANDOM_SPREAD if is_random else LOCAL_SPREAD
            groups.append((recipe, draw_points(GROUP, spread, len(problem.columns.keys), rng)))
        played = problem.player([problem.scaled_group(recipe, points, run_seeds) for recipe, points in groups])
        for (recipe, points), result in zip(groups, played, strict=True):
            outcomes = result.outcome.reshape(len(points), len(run_seeds))
            trials += [
                Trial(recipe=effective(recipe, point, problem.columns), outcomes=own)
                for point, own in zip(points, outcomes, strict=True)
            ]
    return sorted(trials, key=lambda trial: trial.mean)


def _parent(trials: list[Trial], rng: np.random.Generator) -> Recipe:
    """One of the three best, the best twice as often."""
    best = sorted(trials, key=lambda trial: trial.mean)[:3]
    return best[int(rng.choice([0, 0, 1, 2]) % len(best))].recipe


def schedule_free_grid(tuned: Recipe, reading: str) -> list[Recipe]:
    """The paper's eight settings in one of the `READINGS` of what it does not say (docs/metrics.md)."""
    groups = ("embedding_lr", "head_lr", "residual_lr", "skip_lr")
    base = {key: 1e-3 if reading == "schedule-free-uniform" else tuned[key] for key in groups}
    no_schedule: Recipe = {"warmdown_fraction": 0.0, "weight_decay_schedule": "constant"}
    return [
        {
            **tuned,
            **({} if reading == "schedule-free-warmdown" else no_schedule),
            "optimizer": "schedule-free-adamw",
            **{key: value * multiplier for key, value in base.items()},
            "adamw_weight_decay": float(wd),
            "warmup_fraction": warmup / PAPER_UPDATES,
        }
        for multiplier, wd, warmup in PAPER_GRID
    ]


def run(env_id: str, *, n_runs: int, workers: int, seed: int, out: Path, is_written: bool) -> str:
    """Search, write recipes and page -> the page."""
    declaration = hpo_gym.DECLARATIONS[env_id]
    env: Any = gym.make(env_id).unwrapped
    name = declaration.path.stem.removeprefix("in_run_control_")
    base = dict(declaration.kwargs["recipes"]["base"])
    has_free = "matrix_lr" in base
    expected = (
        n_runs + N_FINALISTS * N_FINAL_SEEDS + (len(READINGS) * len(PAPER_GRID) * N_GRID_SEEDS if has_free else 0)
    )
    rng = np.random.default_rng(seed)
    with RunJournal(out / f"{name}.jsonl", workers=workers, expected=expected) as journal:
        problem = Problem(env_id=env_id, base=base, env=env, player=journal)
        trials = search_recipes(problem, n_runs, rng)
        final_seeds = draw_run_seeds(env, N_FINAL_SEEDS if env.preferred_members else CHEAP_SEEDS, rng)
        finalists = problem.measured([trial.recipe for trial in trials[:N_FINALISTS]], final_seeds)
        finalists.sort(key=lambda trial: trial.mean)
        (off,) = problem.measured([base], final_seeds)
        grids = {
            reading: problem.measured(schedule_free_grid(finalists[0].recipe, reading), final_seeds[:N_GRID_SEEDS])
            for reading in (READINGS if has_free else ())
        }
    command = f"python -m benchmarks.recipe_search {env_id} --runs {n_runs} --seed {seed}"
    best = {"hand-tuned": finalists[0]}
    for reading, grid in grids.items():
        best[reading] = min(grid, key=lambda trial: trial.mean)
    if is_written:
        for key, trial in best.items():
            write_recipe(declaration.path, key, trial.recipe, _provenance(key, trial, command, len(trials), env))
    page = _page(env_id, env.facts["outcome"], command, trials, finalists, off, grids)
    if is_written:
        (RESULTS / f"recipes_{name}.md").write_text(page)
    return page


def _provenance(key: str, trial: Trial, command: str, n_trials: int, env: Any) -> str:
    sweep = {name: f"the best of the paper's sweep of 8: {how}" for name, how in READINGS.items()}
    how = ({"hand-tuned": f"the best of {n_trials} recipes by random and local search"} | sweep)[key]
    return f"{how}:\n{env.facts['outcome']} {trial.mean:.4f} on {len(trial.outcomes)} training run seeds; `{command}`."


def _page(
    env_id: str,
    outcome: str,
    command: str,
    trials: list[Trial],
    finalists: list[Trial],
    off: Trial,
    grids: Mapping[str, list[Trial]],
) -> str:
    keys = [key for key in finalists[0].recipe if any(t.recipe[key] != finalists[0].recipe[key] for t in trials)]
    quantiles = np.quantile([trial.mean for trial in trials], [0, 0.1, 0.5, 0.9])
    lines = [
        f"# The reference recipes of {env_id.rpartition('/')[2]}",
        "",
        f"Written by `{command}`. {describe_machine()} Training run seeds only; {outcome}, lower is better; in "
        "brackets the 95 % bootstrap interval over run seeds.",
        "",
        f"{len(trials)} recipes, half drawn at random, half around the best so far: best {quantiles[0]:.4f}, best "
        f"tenth below {quantiles[1]:.4f}, median {quantiles[2]:.4f}, worst tenth above {quantiles[3]:.4f}. "
        f"The base recipe (controller off): {_interval(off)}.",
        "",
        f"The best {len(finalists)} anew on {len(off.outcomes)} other run seeds:",
        "",
        f"| {outcome} | " + " | ".join(keys) + " |",
        "|---:|" + "---:|" * len(keys),
        *(f"| {_interval(t)} | " + " | ".join(f"{t.recipe[key]:.3g}" for key in keys) + " |" for t in finalists),
    ]
    if grids:
        lines += [
            "",
            "JEL's sweep of schedule-free AdamW (first four of those run seeds), in three readings: "
            + "; ".join(f"`{name}`: {how}" for name, how in READINGS.items())
            + ".",
            "",
            f"| multiplier, weight decay, warm-up of 561 | {' | '.join(grids)} | the paper's bits per byte |",
            "|---|" + "---:|" * (len(grids) + 1),
        ]
        for i, (setting, paper) in enumerate(zip(PAPER_GRID, PAPER_BPB, strict=True)):
            cells = " | ".join(_interval(grid[i]) for grid in grids.values())
            lines.append(f"| {', '.join(map(str, setting))} | {cells} | {paper} |")
    return "\n".join(lines) + "\n"


def _interval(trial: Trial) -> str:
    low, high = mean_interval(trial.outcomes[None], np.random.default_rng(BOOTSTRAP_SEED))
    return f"{trial.mean:.4f} [{low:.4f}, {high:.4f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("env_id")
    parser.add_argument("--runs", type=int, default=128, help="recipes tried (default 128)")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("build/recipe_search"), help="where the journal is kept")
    parser.add_argument("--dry", action="store_true", help="write neither recipes nor page")
    arguments = parser.parse_args()
    print(
        run(
            arguments.env_id,
            n_runs=arguments.runs,
            workers=arguments.workers,
            seed=arguments.seed,
            out=arguments.out,
            is_written=not arguments.dry,
        )
    )


if __name__ == "__main__":
    main()
