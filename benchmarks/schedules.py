"""The reference schedules of an in-run environment, judged by one protocol on run seeds held out from all tuning.

`python -m benchmarks.schedules hpo_gym/InRunControl-Nano-v0 [--seeds 10] [--workers 2] [--only linear,oracle]`

Each line of the page is what `hpo-gym evaluate AGENT ENV --split test --seeds N --json FILE` gives; results lie in
build/schedules/NAME, and what lies there is not run again. Rewrites docs/results/schedules_NAME.md.
"""

import argparse
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym

import hpo_gym
from agents.catalogue import resolve
from agents.schedules.presets import read_presets
from benchmarks.machine import describe_machine
from hpo_gym.evaluation.compare import Comparison, compare
from hpo_gym.evaluation.evaluate import evaluate, package_versions
from hpo_gym.evaluation.result import EvaluationResult
from hpo_gym.evaluation.run_tables import outcome_name, outcome_table

RESULTS = Path(__file__).parents[1] / "docs" / "results"
OUT = Path("build/schedules")
AGENTS = (
    *("controller-off", "hand-tuned", "schedule-free", "schedule-free-uniform", "schedule-free-warmdown"),
    *("constant", "cosine", "linear", "random-sweep", "asha-sweep", "oracle"),
)
PAPER = {"controller-off": 1.453, "schedule-free": 1.203, "JEL": 1.173, "hand-tuned": 1.082}
"""Validation bits per byte of JEL's paper at update 561: 73.5M parameters, one run each."""


def name_of(env_id: str) -> str:
    """The environment's short name in files: "nano"."""
    return hpo_gym.DECLARATIONS[env_id].path.stem.removeprefix("in_run_control_")


def results(env_id: str, agents: list[str], n_seeds: int, workers: int, out: Path) -> list[EvaluationResult]:
    """Each agent's result, evaluated now or read from the environment's folder in `out`."""
    out = out / name_of(env_id)
    out.mkdir(parents=True, exist_ok=True)
    found = []
    recipes = gym.spec(env_id).kwargs["recipes"]
    for agent in agents:
        build = resolve(agent).build
        recipe = getattr(build, "env_kwargs", {}).get("recipe", "base")
        if recipe not in recipes:
            print(f"{agent}: left out: {env_id} declares no recipe {recipe!r}")
            continue
        path = out / f"{agent}-{n_seeds}-{_identity(env_id, agent, recipes[recipe])}.json"
        if not path.exists():
            result = evaluate(
                agent, build, env_id, n_seeds=n_seeds, workers=workers, episodes_path=path.with_suffix(".jsonl")
            )
            result.write(path)
            print(f"{agent}: {result.metrics[outcome_name([result])].mean:.4f} in {result.wall_s:.0f} s", flush=True)
        found.append(EvaluationResult.read(path))
    return found


def _identity(env_id: str, agent: str, recipe: Mapping[str, Any]) -> str:
    """Of what a result depends on, but for the code: sizes, recipe, preset, versions."""
    presets = [preset.scales.tolist() for preset in read_presets() if (preset.env_id, preset.agent) == (env_id, agent)]
    sizes = {name: value for name, value in gym.spec(env_id).kwargs.items() if name != "recipes"}
    content = json.dumps([sizes, dict(recipe), presets, package_versions()], sort_keys=True)
    return f"{zlib.crc32(content.encode()):08x}"


def published_name(agent: str) -> str:
    """The paper's run that stands where an agent of ours stands."""
    return "JEL" if agent == "oracle" else "schedule-free" if agent.startswith("schedule-free") else agent


def page(env_id: str, comparison: Comparison) -> str:
    """The table, the gaps, and the paper's beside them."""
    n_seeds = comparison.results[0].n_seeds
    only = "" if len(comparison.agents) == len(AGENTS) else f" --only {','.join(comparison.agents)}"
    lines = [
        f"# Reference schedules on {env_id.rpartition('/')[2]}",
        "",
        f"Written by `python -m benchmarks.schedules {env_id} --seeds {n_seeds}{only}`: run seeds held out from all "
        f"tuning, the same for all agents. {describe_machine()}",
        "",
        outcome_table(comparison).markdown(),
    ]
    if comparison.outcome_name == "validation_bpb":
        lines += _gaps(comparison)
    return "\n".join(lines) + "\n"


def _gaps(comparison: Comparison) -> list[str]:
    lines = [
        "## The gaps, beside the paper's",
        "",
        "The paper (JEL) trained 73.5M parameters on 294M tokens, once; its bits per byte: "
        + ", ".join(f"{name} {value}" for name, value in PAPER.items())
        + ". `oracle` stands where its learned controller stood: what a controller could reach.",
        "",
        "| gap | here | the paper |",
        "|---|---:|---:|",
    ]
    for agent, other, words, published in (
        ("oracle", "controller-off", "oracle (the paper: JEL) below controller-off", "JEL"),
        ("oracle", "schedule-free", "oracle (the paper: JEL) below schedule-free", "JEL"),
        ("hand-tuned", "oracle", "hand-tuned below oracle (the paper: JEL)", "hand-tuned"),
        ("hand-tuned", "schedule-free", "hand-tuned below schedule-free", "hand-tuned"),
        ("hand-tuned", "schedule-free-uniform", "hand-tuned below schedule-free-uniform", "hand-tuned"),
        ("hand-tuned", "schedule-free-warmdown", "hand-tuned below schedule-free-warmdown", "hand-tuned"),
        ("schedule-free", "controller-off", "schedule-free below controller-off", "schedule-free"),
        ("schedule-free-uniform", "controller-off", "schedule-free-uniform below controller-off", "schedule-free"),
        ("hand-tuned", "controller-off", "hand-tuned below controller-off", "hand-tuned"),
    ):
        if agent in comparison.agents and other in comparison.agents:
            gap = comparison.outcome_gap(agent, other)
            theirs = 1 - PAPER[published] / PAPER[published_name(other)]
            low, high = sorted((gap.low, gap.high))
            lines.append(f"| {words} | {gap.mean:.1%} [{low:.1%}, {high:.1%}] | {theirs:.1%} |")
    lines += [
        "",
        "A gap is 1 - a / b, paired by run seed. The paper states the third as JEL / hand-tuned - 1: 8.4 %.",
    ]
    return lines


def main() -> None:
    """Evaluate what is missing, rewrite the page, print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("env_id", choices=[i for i, d in hpo_gym.DECLARATIONS.items() if d.family == "in-run-control"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", default=",".join(AGENTS), help="some of the agents, with commas between")
    parser.add_argument("--out", type=Path, default=OUT, help="where results are kept")
    arguments = parser.parse_args()
    agents = arguments.only.split(",")
    found = results(arguments.env_id, agents, arguments.seeds, arguments.workers, arguments.out)
    text = page(arguments.env_id, compare(found))
    (RESULTS / f"schedules_{name_of(arguments.env_id)}.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
