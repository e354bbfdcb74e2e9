"""LearnedSampler beside Optuna's own samplers, through Optuna itself, on tasks that neither it nor its weights saw.

`python -m benchmarks.learned_sampler [--out build/learned_sampler] [--page-only]` plays the studies that are not yet in
the folder and rewrites docs/results/learned_sampler.md; a killed run goes on where it was. About 25 minutes of one
core. `--development` plays training tasks instead and prints their figures: what was chosen, was chosen there.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler

from agents.quiet_optuna import quiet_optuna
from benchmarks import sampler_cost
from benchmarks.learned_sampler_page import figures, markdown
from benchmarks.sampler_problems import Problem, synthetic_problems, table_problems
from benchmarks.sampler_records import Record, append, read
from hpo_gym.evaluation.threads import pinned_threads
from hpo_gym.integrations.optuna_sampler import LearnedSampler

PAGE = Path(__file__).parents[1] / "docs" / "results" / "learned_sampler.md"
N_TRIALS = 50


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A sampler, and of how many seeds."""

    make: Callable[[Problem, int], BaseSampler]
    n_seeds: int


CONTESTANTS = {
    "learned, with past": Contestant(
        make=lambda problem, seed: LearnedSampler(past=problem.past, weights=problem.weights, seed=seed), n_seeds=5
    ),
    "learned, without past": Contestant(
        make=lambda problem, seed: LearnedSampler(weights=problem.weights, seed=seed), n_seeds=5
    ),
    "TPE": Contestant(make=lambda problem, seed: TPESampler(seed=seed), n_seeds=10),
    "GP": Contestant(make=lambda problem, seed: GPSampler(seed=seed), n_seeds=1),
    "random": Contestant(make=lambda problem, seed: RandomSampler(seed=seed), n_seeds=10),
}


def play(problem: Problem, name: str, seed: int) -> Record:
    """One study of `N_TRIALS`."""
    started = time.process_time()
    with quiet_optuna():
        study = optuna.create_study(direction="maximize", sampler=CONTESTANTS[name].make(problem, seed))
        study.optimize(problem.objective, n_trials=N_TRIALS)
    scores = [trial.values[0] for trial in study.trials]
    return Record(
        group=problem.group,
        problem=problem.name,
        sampler=name,
        seed=seed,
        regrets=tuple(np.round(problem.regret(np.maximum.accumulate(scores)), 6).tolist()),
        cpu_s=round(time.process_time() - started, 2),
    )


def studies(problems: list[Problem], names: list[str]) -> Iterator[tuple[Problem, str, int]]:
    """All of them, the first seeds of every sampler first: a run that is stopped leaves something of each."""
    for seed in range(max(CONTESTANTS[name].n_seeds for name in names)):
        for problem in problems:
            for name in names:
                if seed < CONTESTANTS[name].n_seeds and (problem.has_past or name != "learned, with past"):
                    yield problem, name, seed


def play_missing(problems: list[Problem], names: list[str], path: Path) -> None:
    """Append the studies that the file does not have."""
    done = {record.key for record in read(path)}
    for problem, name, seed in studies(problems, names):
        if (problem.group, problem.name, name, seed) not in done:
            append(path, play(problem, name, seed))


def main() -> None:
    """Play what is missing, rewrite the page, print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build/learned_sampler"), help="where studies are kept")
    parser.add_argument("--page-only", action="store_true", help="play nothing, rewrite the page")
    parser.add_argument("--development", action="store_true", help="training tasks, and no page")
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS), help="these samplers")
    arguments = parser.parse_args()
    name = "development.jsonl" if arguments.development else "test.jsonl"
    with pinned_threads(1):
        if not arguments.page_only:
            problems = table_problems(is_development=arguments.development)
            if not arguments.development:
                problems += synthetic_problems()
            play_missing(problems, arguments.only, arguments.out / name)
        records = read(arguments.out / name)
        if arguments.development:
            print("\n".join(figures(records)))
            return
        page = markdown(records, sampler_cost.lines())
    PAGE.write_text(page)
    print(page)


if __name__ == "__main__":
    main()
