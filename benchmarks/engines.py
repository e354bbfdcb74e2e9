"""What engines cost: items of no work, and steps of environments that live in Ray's actors.

`python -m benchmarks.engines [--rounds 5]` takes them in turn in one run, and rewrites docs/results/engines.md.
"""

import argparse
import os
import time
from contextlib import closing
from pathlib import Path
from statistics import median

import numpy as np

import hpo_gym  # noqa: F401 - registers
from benchmarks.machine import describe_machine
from hpo_gym.engines import Engine, LocalEngine, make_engine
from hpo_gym.engines.ray_cluster import connected
from hpo_gym.integrations.ray_vec_env import make_ray_vec_env
from hpo_gym.integrations.stable_baselines3 import Sb3VecEnv, make_sb3_vec_env

PAGE = Path(__file__).parents[1] / "docs" / "results" / "engines.md"
WORKERS = 2
N_ITEMS, N_STEPS, N_MEMBERS = 300, 120, 8
MICRO, QUADRATIC = "hpo_gym/InRunControl-Micro-v0", "hpo_gym/InRunControl-NoisyQuadratic-v0"
RUNS = {"noisy quadratic": (QUADRATIC, N_STEPS), "transformer, Micro": (MICRO, 6)}

Figures = dict[str, list[float]]


def nothing(item: int) -> int:
    return item


def run_items(engine: Engine) -> tuple[float, float]:
    """Seconds to the first result, and seconds an item after it."""
    started = time.perf_counter()
    with closing(engine.run(nothing, range(N_ITEMS))) as results:
        next(results)
        first = time.perf_counter()
        assert sum(1 for _ in results) == N_ITEMS - 1
    return first - started, (time.perf_counter() - first) / (N_ITEMS - 1)


def step_s(env: Sb3VecEnv, n_steps: int) -> float:
    """Seconds a step of all members, with neutral actions."""
    env.seed(0)
    env.reset()
    actions = np.zeros((N_MEMBERS, *env.action_space.shape), np.float32)  # type: ignore[misc]
    env.step(actions)
    started = time.perf_counter()
    for _ in range(n_steps):
        env.step(actions)
    return (time.perf_counter() - started) / n_steps


def measure(rounds: int) -> tuple[float, Figures, Figures, Figures]:
    """Seconds that Ray took to begin; by engine the first result's and an item's, by environment a step's."""
    engines = {
        "in this process": LocalEngine(),
        f"local, {WORKERS} processes": LocalEngine(workers=WORKERS),
        f"Ray, {WORKERS} workers": make_engine("ray", workers=WORKERS),
    }
    first_s: Figures = {name: [] for name in engines}
    item_s: Figures = {name: [] for name in engines}
    steps: Figures = {}
    started = time.perf_counter()
    with connected("local", WORKERS):
        begun_s = time.perf_counter() - started
        for _ in range(rounds):
            for name, engine in engines.items():
                first, item = run_items(engine)
                first_s[name].append(first)
                item_s[name].append(item)
        for words, (env_id, n_steps) in RUNS.items():
            here = make_sb3_vec_env(env_id, N_MEMBERS)
            there = make_ray_vec_env(env_id, N_MEMBERS, workers=WORKERS)
            for _ in range(rounds):
                steps.setdefault(f"{words}, here", []).append(step_s(here, n_steps))
                steps.setdefault(f"{words}, {WORKERS} actors", []).append(step_s(there, n_steps))  # type: ignore[arg-type]
            here.close()
            there.close()
    return begun_s, first_s, item_s, steps


def markdown(rounds: int, begun_s: float, first_s: Figures, item_s: Figures, steps: Figures) -> str:
    def cell(values: list[float], unit: float, form: str) -> str:
        return f"{min(values) * unit:{form}} ({median(values) * unit:{form}})"

    return "\n".join(
        [
            "# What engines cost\n",
            f"Written by `python -m benchmarks.engines --rounds {rounds}`: {N_ITEMS} items of no work, and whole steps "
            f"of {N_MEMBERS} members, contestants in turn; the best of {rounds} rounds, and in brackets the median. "
            f"Wall clock, one thread each. Ray took {begun_s:.1f} s to begin on this machine, once; its first results "
            f"here are without that. On average {os.getloadavg()[2]:.1f} processes wanted the cores meanwhile.\n",
            f"{describe_machine()}\n",
            "## Items\n",
            "| engine | first result, s | a further item, ms |\n|---|---:|---:|",
            *(f"| {name} | {cell(first_s[name], 1, '.2f')} | {cell(item_s[name], 1e3, '.3f')} |" for name in first_s),
            "\n## Steps of environments\n",
            "| environment | a step of all members, ms |\n|---|---:|",
            *(f"| {name} | {cell(values, 1e3, '.2f')} |" for name, values in steps.items()),
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds: int = parser.parse_args().rounds
    page = markdown(rounds, *measure(rounds))
    PAGE.write_text(page)
    print(page)


if __name__ == "__main__":
    main()
