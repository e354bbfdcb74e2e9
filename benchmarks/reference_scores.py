"""Measure the reference scores that declarations carry, and write them there.

`python -m benchmarks.reference_scores` evaluates the references on each environment's test tasks and
replaces the end of its file in `envs_registry`. Environments whose data is absent are left as they are.
"""

import argparse
from pathlib import Path

import hpo_gym
from agents.catalogue import resolve
from envs_registry.declaration import REFERENCE_SEEDS, Declaration
from hpo_gym.data.errors import DataError
from hpo_gym.evaluation.atomic_file import atomic_writer
from hpo_gym.evaluation.evaluate import evaluate

AGENTS = ("random", "average-rank", "greedy-rank", "empirical-prior-gp")
METRICS = tuple(f"normalized_regret@{k}" for k in (1, 10, 25, 50))
MARK = "# Written by `python -m benchmarks.reference_scores`.\n"


def measure(declaration: Declaration, out: Path) -> str:
    """The end of a declaration: its reference scores as TOML."""
    lines = [MARK, "[reference_scores]\n"]
    for agent in AGENTS:
        result = evaluate(
            agent,
            resolve(agent).build,
            declaration.id,
            n_seeds=REFERENCE_SEEDS,
            episodes_path=out / f"{declaration.path.stem}-{agent}.jsonl",
        )
        scores = ", ".join(f'"{name}" = {result.metrics[name].mean:.4f}' for name in METRICS)
        lines.append(f"{agent} = {{ {scores} }}\n")
    return "".join(lines)


def main() -> None:
    """Measure all environments that have test tasks and data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/reference_scores"), help="where episodes are kept")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for declaration in hpo_gym.DECLARATIONS.values():
        if "test" not in declaration.splits:
            continue
        try:
            end = measure(declaration, arguments.out)
        except DataError as error:
            print(f"{declaration.id}: left out: {error}")
            continue
        text = declaration.path.read_text(encoding="utf-8").partition(MARK)[0]
        with atomic_writer(declaration.path) as file:
            file.write(text.rstrip("\n") + "\n\n" + end)
        print(declaration.id, end, sep="\n")


if __name__ == "__main__":
    main()
