"""Measure the reference scores that declarations carry, and write them there.

`python -m benchmarks.reference_scores [--only ENV_ID]` evaluates the references on each environment's test tasks and
replaces the end of its file in `envs_registry`. Environments whose data is absent are left as they are.
"""

import argparse
from pathlib import Path

import hpo_gym
from agents.catalogue import resolve
from benchmarks import schedules
from benchmarks.declaration_file import SCORES_MARK, write_scores
from envs_registry.declaration import REFERENCE_SEEDS, Declaration
from hpo_gym.data.errors import DataError
from hpo_gym.evaluation.evaluate import evaluate
from hpo_gym.evaluation.result import EvaluationResult

AGENTS = {
    "config-selection": ("random", "average-rank", "greedy-rank", "empirical-prior-gp"),
    "in-run-control": (
        "controller-off",
        "hand-tuned",
        "schedule-free",
        "schedule-free-uniform",
        "schedule-free-warmdown",
        "constant",
        "cosine",
        "linear",
        "oracle",
    ),
}
METRICS = {
    "config-selection": tuple(f"normalized_regret@{k}" for k in (1, 10, 25, 50)),
    "in-run-control": ("validation_bpb", "final_loss", "return"),
}


def results_of(declaration: Declaration, out: Path, workers: int) -> list[EvaluationResult]:
    """Each reference's result; those of training runs that `benchmarks.schedules` has are not measured again."""
    agents = AGENTS[declaration.family]
    if declaration.family == "in-run-control":
        return schedules.results(declaration.id, list(agents), REFERENCE_SEEDS, workers, schedules.OUT)
    return [
        evaluate(
            agent,
            resolve(agent).build,
            declaration.id,
            n_seeds=REFERENCE_SEEDS,
            workers=workers,
            episodes_path=out / f"{declaration.path.stem}-{agent}.jsonl",
        )
        for agent in agents
    ]


def measure(declaration: Declaration, out: Path, workers: int) -> str:
    """The end of a declaration: its reference scores as TOML."""
    lines = [SCORES_MARK, "[reference_scores]\n"]
    for result in results_of(declaration, out, workers):
        names = [name for name in METRICS[declaration.family] if name in result.metrics]
        scores = ", ".join(f'"{name}" = {result.metrics[name].mean:.4f}' for name in names)
        lines.append(f"{result.agent} = {{ {scores} }}\n")
    return "".join(lines)


def main() -> None:
    """Measure all environments that have test tasks and data, and training runs that need no GPU."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/reference_scores"), help="where episodes are kept")
    parser.add_argument("--only", metavar="ENV_ID", help="this environment alone")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for declaration in hpo_gym.DECLARATIONS.values():
        is_judged = "test" in declaration.splits or declaration.family == "in-run-control"
        is_judged &= declaration.family in AGENTS  # what live trials score, hours later, is another on each machine
        needs_gpu = declaration.kwargs.get("device", "cpu") != "cpu"
        if not is_judged or needs_gpu or arguments.only not in (None, declaration.id):
            continue
        try:
            end = measure(declaration, arguments.out, arguments.workers)
        except DataError as error:
            print(f"{declaration.id}: left out: {error}")
            continue
        write_scores(declaration.path, end)
        print(declaration.id, end, sep="\n")


if __name__ == "__main__":
    main()
