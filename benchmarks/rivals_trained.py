"""Agents that reinforcement learning trains, on tables: from the declared training tasks to the declared test tasks.

`python -m benchmarks.rivals_trained [--seeds 10] [--only sb3-ppo] [--out build/rivals_trained]`

Each training seed is one training and one deterministic episode a test task; intervals are over training seeds. What
lies in the folder is not trained again. Rewrites docs/results/rivals_trained.md, with the declarations' reference
scores beside.
"""

import argparse
import json
import zlib
from dataclasses import replace
from functools import wraps
from pathlib import Path

import numpy as np

import hpo_gym
from agents.catalogue import resolve
from agents.training.preset import read_preset
from benchmarks.machine import describe_machine
from hpo_gym.evaluation.agent import Agent, AgentBuilder, AgentContext
from hpo_gym.evaluation.evaluate import evaluate, package_versions
from hpo_gym.evaluation.intervals import mean_interval
from hpo_gym.evaluation.result import EvaluationResult

PAGE = Path(__file__).parents[1] / "docs" / "results" / "rivals_trained.md"
TABLES = ("TSTSVM", "HPOBenchMLP", "HypRLNN")
AGENTS = ("sb3-ppo", "sb3-dqn", "sb3-maskable-ppo")
TRIALS = (1, 10, 25, 50)


def trained_with(build: AgentBuilder, seed: int) -> AgentBuilder:
    """The same builder with a training seed of its own."""

    @wraps(build)
    def build_with_seed(context: AgentContext) -> Agent:
        return build(replace(context, seed=seed))

    return build_with_seed


def result_of(table: str, agent: str, seed: int, out: Path, *, is_wanted: bool) -> EvaluationResult | None:
    """One training and its episodes: read from the folder, or done now if it is wanted."""
    env_id = f"hpo_gym/ConfigSelection-{table}-v0"
    identity = json.dumps([read_preset(agent, env_id).as_dict(), package_versions()])
    path = out / f"{table}-{agent}-{seed}-{zlib.crc32(identity.encode()):08x}.json"
    if not path.exists() and is_wanted:
        build = trained_with(resolve(agent).build, seed)
        result = evaluate(agent, build, env_id, n_seeds=1, progress=False)
        result.write(path)
        print(f"{table} {agent} {seed}: {result.metrics['normalized_regret@50'].mean:.4f} in {result.wall_s:.0f} s")
    return EvaluationResult.read(path) if path.exists() else None


def markdown(found: dict[tuple[str, str], list[EvaluationResult]]) -> str:
    """A table of figures a table of evaluations."""
    lines = [
        "# Trained agents on test tasks",
        "",
        "Written by `python -m benchmarks.rivals_trained`: mean normalised regret (0 = best configuration of the "
        "table, 1 = worst) after 1, 10, 25 and 50 trials on the declared test tasks. The `sb3` agents were trained on "
        "the declared training tasks, with as many seeds as stated; in brackets the 95 % bootstrap interval over them. "
        "The others are the declarations' reference scores, on the same test tasks.",
        "",
        describe_machine(),
    ]
    for table in TABLES:
        declaration = hpo_gym.DECLARATIONS[f"hpo_gym/ConfigSelection-{table}-v0"]
        lines += ["", f"## {table}, {len(declaration.splits['test'])} test tasks", ""]
        lines += ["| agent | training seeds | s a training | " + " | ".join(map(str, TRIALS)) + " |"]
        lines.append("|---|---:|---:|" + "---:|" * len(TRIALS))
        for agent, scores in declaration.reference_scores.items():
            cells = [f"{scores[f'normalized_regret@{k}']:.4f}" for k in TRIALS]
            lines.append(f"| {agent} | | | {' | '.join(cells)} |")
        for agent in AGENTS:
            results = found[table, agent]
            if results:
                wall_s = np.mean([result.wall_s for result in results])
                cells = [_cell(results, k) for k in TRIALS]
                lines.append(f"| {agent} | {len(results)} | {wall_s:.0f} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(results: list[EvaluationResult], k: int) -> str:
    means = np.array([[result.metrics[f"normalized_regret@{k}"].mean for result in results]])
    low, high = mean_interval(means, np.random.default_rng(0))
    return f"{means.mean():.4f} [{low:.4f}, {high:.4f}]"


def main() -> None:
    """Train and evaluate what is missing, rewrite the page, print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", choices=AGENTS, help="train this agent alone; the page shows all there is")
    parser.add_argument("--out", type=Path, default=Path("build/rivals_trained"), help="where results are kept")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    found: dict[tuple[str, str], list[EvaluationResult]] = {(t, a): [] for t in TABLES for a in AGENTS}
    for seed in range(arguments.seeds):
        for table, agent in found:
            result = result_of(table, agent, seed, arguments.out, is_wanted=arguments.only in (None, agent))
            if result is not None:
                found[table, agent].append(result)
    page = markdown(found)
    PAGE.write_text(page)
    print(page)


if __name__ == "__main__":
    main()
