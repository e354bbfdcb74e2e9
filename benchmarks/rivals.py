"""The rivals that a learned policy must beat, on four tables, leave-one-task-out, beside independent figures.

`python -m benchmarks.rivals [--workers 2] [--out build/rivals] [--only gp-ei]` evaluates whatever is not yet in the
folder (each is `hpo-gym evaluate AGENT ENV --split all --seeds N --against '' --json FILE`), then rewrites
docs/results/rivals.md. It takes about an hour on two cores, most of it for the Gaussian processes; a killed run goes
on where it was.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import hpo_gym  # noqa: F401  registers the environments
from agents.catalogue import resolve
from benchmarks.machine import describe_machine
from hpo_gym.evaluation.evaluate import evaluate, package_versions
from hpo_gym.evaluation.result import EvaluationResult

PAGE = Path(__file__).parents[1] / "docs" / "results" / "rivals.md"
TRIALS = (1, 10, 25, 50)

# What draws random numbers needs many seeds; what does not gives the same episode with each.
SEEDS = {
    "random": 1000,
    "average-rank": 1,
    "greedy-regret": 1,
    "greedy-rank": 1,
    "gp-ei": 10,
    "tpe": 10,
    "empirical-prior-gp": 1,
}
SEEDS_ON_BIG_POOLS = {"random": 300}

# Normalised regret after 1 / 10 / 25 / 50 trials, measured before this project with other code and the same
# definitions; "random" in closed form. None: not measured.
INDEPENDENT: dict[str, dict[str, tuple[float | None, ...]]] = {
    "TSTSVM": {
        "random": (0.544, 0.1101, 0.0536, 0.0305),
        "average-rank": (0.206, 0.0740, 0.0523, 0.0242),
        "greedy-regret": (0.170, 0.0520, 0.0429, 0.0144),
        "greedy-rank": (0.206, 0.0547, 0.0274, 0.0104),
        "gp-ei": (0.525, 0.0992, 0.0422, 0.0142),
        "empirical-prior-gp": (0.183, 0.0339, 0.0074, 0.0037),
    },
    "HypRLNN": {
        "random": (0.465, 0.2793, 0.2022, 0.1464),
        "average-rank": (0.175, 0.0733, 0.0476, 0.0380),
        "greedy-regret": (0.235, 0.0981, 0.0609, 0.0483),
        "greedy-rank": (0.175, 0.0839, 0.0664, 0.0438),
        "empirical-prior-gp": (0.190, 0.0964, 0.0625, 0.0417),
    },
    "HPOBenchMLP": {
        "random": (0.356, 0.0604, 0.0385, 0.0294),
        "average-rank": (0.039, 0.0184, 0.0171, 0.0107),
        "greedy-regret": (0.023, 0.0146, 0.0128, 0.0119),
        "greedy-rank": (0.039, 0.0180, 0.0169, 0.0119),
    },
    "HPOBenchXGB": {
        "random": (0.366, 0.1218, 0.0785, 0.0569),
        "average-rank": (0.187, 0.1025, 0.0730, 0.0544),
        "greedy-regret": (0.196, 0.0807, 0.0634, 0.0403),
        "gp-ei": (0.364, 0.0966, 0.0473, 0.0257),
    },
}


def evaluations(only: str | None, out: Path, workers: int) -> Iterator[tuple[str, str, EvaluationResult]]:
    """(table, agent, result), evaluated now or read from the folder."""
    for table in INDEPENDENT:
        for agent, n_seeds in SEEDS.items():
            path = out / f"{table}-{agent}.json"
            seeds = SEEDS_ON_BIG_POOLS.get(agent, n_seeds) if table == "HPOBenchMLP" else n_seeds
            if not _is_done(path, seeds) and only in (None, agent):
                evaluate(
                    agent,
                    resolve(agent).build,
                    f"hpo_gym/ConfigSelection-{table}-v0",
                    split="all",
                    n_seeds=seeds,
                    workers=workers if agent in ("gp-ei", "tpe") else 1,
                    episodes_path=path.with_suffix(".jsonl"),
                ).write(path)
            if path.exists():
                yield table, agent, EvaluationResult.read(path)


def _is_done(path: Path, n_seeds: int) -> bool:
    """Whether the file holds what would be evaluated now."""
    if not path.exists():
        return False
    known = EvaluationResult.read(path)
    return (known.n_seeds, known.versions) == (n_seeds, package_versions())


def markdown(rows: list[tuple[str, str, EvaluationResult]]) -> str:
    """One table of figures a table of evaluations."""
    lines = [
        "# The rivals, beside independent figures",
        "",
        "Written by `python -m benchmarks.rivals`: mean normalised regret (0 = best configuration of the table, 1 = "
        "worst) after 1, 10, 25 and 50 trials, leave-one-task-out, with the 95 % interval of the mean over seeds in "
        "brackets where the agent draws random numbers. In italics: the same method measured before this project with "
        "other code (random: in closed form).",
        "",
        "On HPOBenchXGB every task has its own pool, so the static lists go through a model of each training task "
        "(50-tree forests), and the figures depend on that model: another seed or kind of model moves them by up to "
        "20 % (LOG.md). The independent figures used another one, so those rows agree only as far as that.",
        "",
        describe_machine(),
    ]
    for table in INDEPENDENT:
        own = [(agent, result) for name, agent, result in rows if name == table]
        if not own:
            continue
        n_tasks = len(own[0][1].per_task)
        lines += ["", f"## {table}, {n_tasks} tasks", "", "| agent | seeds | " + " | ".join(map(str, TRIALS)) + " |"]
        lines.append("|---|---:|" + "---:|" * len(TRIALS))
        for agent, result in own:
            cells = [_cell(result, k, INDEPENDENT[table].get(agent, (None,) * 4)[i]) for i, k in enumerate(TRIALS)]
            lines.append(f"| {agent} | {result.n_seeds} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(result: EvaluationResult, k: int, independent: float | None) -> str:
    metric = result.metrics[f"normalized_regret@{k}"]
    interval = f" [{metric.low:.4f}, {metric.high:.4f}]" if metric.high > metric.low else ""
    return f"{metric.mean:.4f}{interval}" + (f" *{independent:.4f}*" if independent is not None else "")


def main() -> None:
    """Evaluate what is missing, rewrite the page, print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("build/rivals"), help="where results are kept")
    parser.add_argument("--only", help="evaluate this agent alone; the page shows all there is")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    page = markdown(list(evaluations(arguments.only, arguments.out, arguments.workers)))
    PAGE.write_text(page)
    print(page)


if __name__ == "__main__":
    main()
