"""The rivals at GRPOformer's cells and at equal small budgets: 10, 25, 50 and 100 trials, leave-one-task-out.

`python -m benchmarks.small_budgets [--only gp-ei] [--page-only] [--out build/small_budgets]` evaluates whatever is not
yet in the folder, each agent on the cells of each table (`agents.reproduce.openml_cells`), then rewrites
docs/results/small_budgets.md. It takes about half an hour on one core, most of it for gp-ei; a killed run goes on where
it was.
"""

import argparse
from pathlib import Path

import numpy as np

import hpo_gym  # noqa: F401  registers the environments
from agents.catalogue import resolve
from agents.reproduce.openml_cells import BUDGETS, openml_cells
from benchmarks.machine import describe_machine
from hpo_gym.evaluation.cells import CellFigures, cell_figures
from hpo_gym.evaluation.compare import Estimate
from hpo_gym.evaluation.evaluate import evaluate, package_versions
from hpo_gym.evaluation.intervals import BOOTSTRAP_SEED
from hpo_gym.evaluation.result import EvaluationResult

PAGE = Path(__file__).parents[1] / "docs" / "results" / "small_budgets.md"
OUT = Path("build/small_budgets")

# What draws random numbers needs many seeds; what does not gives the same episode with each.
SEEDS = {
    "random": 300,
    "average-rank": 1,
    "greedy-regret": 1,
    "greedy-rank": 1,
    "empirical-prior-gp": 1,
    "tpe": 10,
    "gp-ei": 5,
}
# On the pool of 30,000 an episode of 100 of its trials takes a quarter of a minute: it is played as in
# `benchmarks.rivals`, whose result may be put into the folder.
SEEDS_ON_BIG_POOLS = {"gp-ei": 10}
BUDGETS_ON_BIG_POOLS = {"gp-ei": 50}
Results = dict[str, dict[str, EvaluationResult]]
"""Agent -> environment -> what was found there."""


def evaluations(only: str | None, out: Path, *, page_only: bool) -> Results:
    """Evaluated now, or read from the folder; agents that are not on all tables yet are left out."""
    cells = openml_cells()
    found: Results = {}
    for agent in SEEDS:
        for env_id, tasks in cells.items():
            path, (n_seeds, budget) = result_path(out, agent, env_id), length_of(agent, env_id)
            if not page_only and only in (None, agent) and not _is_done(path, n_seeds, budget, tasks):
                evaluate(
                    agent,
                    resolve(agent).build,
                    env_id,
                    split="all",
                    tasks=tasks,
                    n_seeds=n_seeds,
                    budget=budget,
                    episodes_path=path.with_suffix(".jsonl"),
                ).write(path)
            if path.exists():
                found.setdefault(agent, {})[env_id] = EvaluationResult.read(path)
    return {agent: results for agent, results in found.items() if len(results) == len(cells)}


def length_of(agent: str, env_id: str) -> tuple[int, int]:
    """Episodes a cell, and trials of each."""
    if "HPOBenchMLP" not in env_id:
        return SEEDS[agent], max(BUDGETS)
    return SEEDS_ON_BIG_POOLS.get(agent, SEEDS[agent]), BUDGETS_ON_BIG_POOLS.get(agent, max(BUDGETS))


def result_path(out: Path, agent: str, env_id: str) -> Path:
    """Where the evaluation of an agent on the cells of a table lies."""
    table = env_id.partition("ConfigSelection-")[2].rpartition("-v")[0]
    return out / f"{table}-{agent}.json"


def _is_done(path: Path, n_seeds: int, budget: int, tasks: tuple[str, ...]) -> bool:
    """Whether the file holds what would be evaluated now."""
    if not path.exists():
        return False
    known = EvaluationResult.read(path)
    found = known.n_seeds, known.budget, tuple(known.per_task), known.versions
    return found == (n_seeds, budget, tasks, package_versions())


def score_curves(results: dict[str, EvaluationResult]) -> list[np.ndarray]:
    """For each cell of `openml_cells`, in its order: the incumbent's score (n_seeds, n_trials)."""
    return [np.array(results[env_id].score_curves[task]) for env_id, tasks in openml_cells().items() for task in tasks]


def markdown(found: Results) -> str:
    """The page."""
    cells = openml_cells()
    n = sum(map(len, cells.values()))
    lines = [
        "# Rivals at equal small budgets, on the cells of GRPOformer's row",
        "",
        f"Written by `python -m benchmarks.small_budgets`. {n} cells: an OpenML data set under a family of models."
        " GRPOformer's paper has 36, of which no table holds any; ours are all or, of the larger tables, drawn by"
        " seed (below). Every agent that learns from other data sets learned from all other tasks of the cell's "
        "table, and not from the cell. BtR: share of cells with a better mean score than random search, ties one "
        "half; MP and MnP: median and mean over cells of the mean best score, a fraction; MnR: mean rank among "
        "the agents of this page; then normalised regret, table by table. In brackets 95 % intervals over seeds "
        "(docs/metrics.md); agents of one seed draw nothing.",
        "",
        "The paper reports BtR 94.44 %, MP 0.9545, MnP 0.9187 and MnR 1.81 after 4,000 evaluations, on other "
        "cells and against other agents: only what stands on one page can be compared.",
        "",
        describe_machine(),
        "",
    ]
    for env_id, tasks in cells.items():
        lines.append(f"- `{env_id}`: {', '.join(tasks)}")
    missing = [agent for agent in SEEDS if agent not in found]
    if missing:
        lines += ["", f"Not evaluated on all cells yet, and so left out: {', '.join(missing)}."]
    curves = {agent: score_curves(results) for agent, results in found.items()}
    for k in BUDGETS:
        played = {agent: cells for agent, cells in curves.items() if min(cell.shape[1] for cell in cells) >= k}
        lines += ["", f"## {k} trials", ""]
        lines += _table_of(found, cell_figures(played, k, np.random.default_rng(BOOTSTRAP_SEED)), k)
        shorter = [agent for agent in curves if agent not in played]
        if shorter:
            lines += ["", f"Not played so long on every table: {', '.join(shorter)}."]
    return "\n".join(lines) + "\n"


def _table_of(found: Results, figures: dict[str, CellFigures], k: int) -> list[str]:
    env_ids = list(openml_cells())
    names = [env_id.partition("ConfigSelection-")[2].rpartition("-v")[0] for env_id in env_ids]
    lines = ["| agent | seeds | BtR | MP | MnP | MnR | " + " | ".join(f"regret, {name}" for name in names) + " |"]
    lines.append("|---|---:|" + "---:|" * (4 + len(names)))
    for agent, f in figures.items():
        random = "" if f.beat_random is None else _cell(f.beat_random, ".3f")
        four = [random, *(_cell(e, ".4f") for e in (f.median_performance, f.mean_performance)), _cell(f.rank, ".2f")]
        regrets = [_regret(found[agent][env_id], k) for env_id in env_ids]
        seeds = "/".join(dict.fromkeys(str(found[agent][env_id].n_seeds) for env_id in env_ids))
        lines.append(f"| {agent} | {seeds} | {' | '.join([*four, *regrets])} |")
    return lines


def _cell(estimate: Estimate, style: str) -> str:
    interval = f" [{estimate.low:{style}}, {estimate.high:{style}}]" if estimate.high > estimate.low else ""
    return f"{estimate.mean:{style}}{interval}"


def _regret(result: EvaluationResult, k: int) -> str:
    metric = result.metrics[f"normalized_regret@{k}"]
    return _cell(Estimate(mean=metric.mean, low=metric.low, high=metric.high), ".4f")


def main() -> None:
    """Evaluate what is missing, rewrite the page, print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT, help="where results are kept")
    parser.add_argument("--only", choices=SEEDS, help="evaluate this agent alone; the page shows all there is")
    parser.add_argument("--page-only", action="store_true", help="evaluate nothing, rewrite the page")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    page = markdown(evaluations(arguments.only, arguments.out, page_only=arguments.page_only))
    PAGE.write_text(page)
    print(page)


if __name__ == "__main__":
    main()
