"""The noisy quadratic: steps a second of its environments, and what they add to the bare runs.

`python -m benchmarks.noisy_quadratic_speed [--json FILE]`
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode

import hpo_gym  # noqa: F401  registers the environments
from benchmarks.machine import describe_machine
from benchmarks.timing import fastest_s

ENV_ID = "hpo_gym/InRunControl-NoisyQuadratic-v0"
GROUPS = (8, 256, 1024)
ROUNDS = 60  # short ones: a busy machine leaves some of them alone


def single_env() -> Callable[[], int]:
    """A whole episode through `gym.make`, wrappers and reset included."""
    env = gym.make(ENV_ID)
    env.reset(seed=0)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(env.unwrapped.n_decisions)]

    def work() -> int:
        env.reset()
        for action in actions:
            env.step(action)
        return len(actions)

    return work


def vector_env(members: int) -> Callable[[], int]:
    """One autoreset episode of all members, resets included."""
    env = gym.make_vec(ENV_ID, num_envs=members, autoreset_mode=AutoresetMode.SAME_STEP)
    env.reset(seed=0)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(env.unwrapped.n_decisions)]

    def work() -> int:
        for action in actions:
            env.step(action)
        return len(actions) * members

    work()
    return work


def bare_runs(members: int) -> Callable[[], int]:
    """The same segments without an environment: start, advance and probe."""
    problem = gym.make(ENV_ID).unwrapped.problem
    runs = problem.make_runs(members)
    seeds, scales = np.arange(members), 100 ** np.random.default_rng(0).uniform(-1, 1, (2, members, 1))
    lr_scale, wd_scale = np.repeat(scales, 2, axis=2)
    lengths = [problem.decision_every] * (problem.n_updates // problem.decision_every)
    lengths += [problem.n_updates - sum(lengths)]

    def work() -> int:
        runs.start(seeds)
        for n in lengths:
            runs.advance(n, lr_scale, wd_scale)
            runs.probe()
        return len(lengths) * members

    work()
    return work


def measure() -> dict[str, Any]:
    """Everything, as plain numbers."""
    contestants = {"single env": single_env()}
    for members in GROUPS:
        contestants[f"vector env × {members}"] = vector_env(members)
        contestants[f"bare runs × {members}"] = bare_runs(members)
    seconds = fastest_s(contestants, rounds=ROUNDS)
    steps = {name: 1 / s for name, s in seconds.items()}
    added = {n: n * (seconds[f"vector env × {n}"] - seconds[f"bare runs × {n}"]) for n in GROUPS}
    return {"member_steps_per_s": steps, "added_s_per_step": added}


def markdown(result: dict[str, Any]) -> str:
    """The result as a page."""
    lines = ["| contestant | member steps a second |", "|---|---:|"]
    lines += [f"| {name} | {rate:,.0f} |" for name, rate in result["member_steps_per_s"].items()]
    added = ", ".join(f"{s * 1e6:,.0f} with {n}" for n, s in result["added_s_per_step"].items())
    lines += ["", f"What the vector environment adds to the bare runs, in microseconds a step of all members: {added}."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, and keep the numbers where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    arguments = parser.parse_args()
    result = measure()
    print(f"{describe_machine()}\n\n{markdown(result)}")
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
