"""The noisy quadratic: steps a second of its environments, and what they add to the bare runs.

`python -m benchmarks.noisy_quadratic_speed [--json FILE]`. An episode's time is the sum over its steps of each
step's best round: a step of under a millisecond is left alone by a busy machine now and then, a whole episode hardly.
"""

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode

import hpo_gym  # noqa: F401  registers the environments
from benchmarks.machine import describe_machine

ENV_ID = "hpo_gym/InRunControl-NoisyQuadratic-v0"
GROUPS = (8, 256, 1024)
ROUNDS = 150

Steps = list[Callable[[], Any]]
"""What an episode does, one after another; a reset is part of a step."""


def single_env() -> Steps:
    """Through `gym.make`, wrappers included."""
    env = gym.make(ENV_ID)
    env.reset(seed=0)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(env.unwrapped.n_decisions)]
    return [env.reset, *[partial(env.step, action) for action in actions]]


def vector_env(members: int) -> Steps:
    """All members restart in the last step."""
    env = gym.make_vec(ENV_ID, num_envs=members, autoreset_mode=AutoresetMode.SAME_STEP)
    env.reset(seed=0)
    env.action_space.seed(0)
    return [partial(env.step, env.action_space.sample()) for _ in range(env.unwrapped.n_decisions)]


def bare_runs(members: int) -> Steps:
    """The same segments without an environment: start, advance and probe."""
    problem = gym.make(ENV_ID).unwrapped.problem
    runs = problem.make_runs(members)
    scales = 100 ** np.random.default_rng(0).uniform(-1, 1, (2, members, 1))
    lr_scale, wd_scale = np.repeat(scales, 2, axis=2)
    lengths = [problem.decision_every] * (problem.n_updates // problem.decision_every)
    lengths += [problem.n_updates - sum(lengths)]
    segments: Steps = [partial(runs.advance, n, lr_scale, wd_scale) for n in lengths]
    return [partial(runs.start, np.arange(members)), *segments, *[runs.probe] * len(lengths)]


def episode_s(steps: Steps) -> float:
    """Seconds of an episode: each step's best round, added up."""
    best = [float("inf")] * len(steps)
    for _ in range(ROUNDS):
        for i, step in enumerate(steps):
            start = time.perf_counter()
            step()
            best[i] = min(best[i], time.perf_counter() - start)
    return sum(best)


def measure() -> dict[str, Any]:
    """Everything, as plain numbers."""
    n = gym.make(ENV_ID).unwrapped.n_decisions
    rates = {"single env": n / episode_s(single_env())}
    added = {}
    for members in GROUPS:
        env_s, bare_s = episode_s(vector_env(members)), episode_s(bare_runs(members))
        rates[f"vector env × {members}"] = n * members / env_s
        rates[f"bare runs × {members}"] = n * members / bare_s
        added[members] = (env_s - bare_s) / n
    return {"member_steps_per_s": rates, "added_s_per_step": added}


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
