"""Stored figures that must not change by accident: `make golden` measures them anew.

A change that alters them on purpose says so in CHANGELOG.md.
"""

import json
from pathlib import Path

import hpo_gym  # noqa: F401  registers the environments
from agents.catalogue import resolve
from hpo_gym.evaluation.evaluate import evaluate

PATH = Path(__file__).with_suffix(".json")
ENV_ID = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"
AGENTS = ("random", "average-rank", "greedy-regret", "greedy-rank")  # no fitted model: alike on any machine
BUDGET, N_SEEDS = 12, 3


def measure() -> dict[str, dict[str, list[list[float]]]]:
    """Agent -> task -> one list a seed of the incumbent's raw score after each trial."""
    return {
        agent: evaluate(
            agent, resolve(agent).build, ENV_ID, n_seeds=N_SEEDS, budget=BUDGET, progress=False
        ).score_curves
        for agent in AGENTS
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(measure(), indent=1) + "\n")
    print(f"wrote {PATH}")
