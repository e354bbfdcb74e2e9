"""Whole training runs under given schedules, side by side: what every search over schedules is made of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Played:
    """How m runs ended.

    Attributes:
        loss: (m,) probe loss after the last update, nats; the cap where a run diverged.
        outcome: (m,) what runs are judged by (validation bits per byte, or the final loss).
        diverged: (m,).
        cost: (m,) updates that were done, as a share of a whole run's.
    """

    loss: Floats
    outcome: Floats
    diverged: NDArray[np.bool_]
    cost: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Runs:
    """m runs to be played: an environment with training run seeds, a schedule and a run seed for each.

    Attributes:
        env_id, env_kwargs: of `gymnasium.make_vec`.
        actions: (m, n_decisions, *action shape) as the environment takes them.
        run_seeds: (m,).
    """

    env_id: str
    actions: NDArray[Any]
    run_seeds: NDArray[np.int64]
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)


def make_members(env_id: str, env_kwargs: Mapping[str, Any], n_members: int) -> VectorEnv:
    """Members whose finished runs stand still."""
    return gym.make_vec(
        env_id,
        num_envs=n_members,
        vectorization_mode="vector_entry_point",
        autoreset_mode=AutoresetMode.DISABLED,
        **env_kwargs,
    )


def play(runs: Runs) -> Played:
    """Play them, in groups as large as the environment prefers."""
    return joined([play_group(group) for group in in_groups(runs)])


def in_groups(runs: Runs) -> list[Runs]:
    """The same runs in groups, about equally large, that are played side by side."""
    env: Any = make_members(runs.env_id, runs.env_kwargs, 1)
    at_once = env.unwrapped.preferred_members or len(runs.run_seeds)
    env.close()
    n_groups = -(-len(runs.run_seeds) // at_once)
    return [
        replace(runs, actions=runs.actions[group], run_seeds=runs.run_seeds[group])
        for group in np.array_split(np.arange(len(runs.run_seeds)), n_groups)
    ]


def play_each(batches: Sequence[Runs]) -> list[Played]:
    """Several batches of runs, one after another."""
    return [play(runs) for runs in batches]


def play_group(runs: Runs) -> Played:
    """Play them all side by side."""
    env = make_members(runs.env_id, runs.env_kwargs, len(runs.run_seeds))
    try:
        env.reset(options={"run_seed": runs.run_seeds.tolist()})
        return finish(env, runs.actions)
    finally:
        env.close()


def finish(env: VectorEnv, actions: NDArray[Any], after_first: Callable[[], None] = lambda: None) -> Played:
    """Step every member through its actions (n_members, n_steps, *action shape) to the end of its run.

    Members whose run is over already stand still; their figures are NaN. `after_first` is called after the first step.
    """
    facts, n = env.unwrapped.facts, env.num_envs  # type: ignore[attr-defined]  # in-run control's own
    loss, outcome, done = np.full(n, np.nan), np.full(n, np.nan), np.zeros(n)
    diverged = np.zeros(n, bool)
    for step in range(actions.shape[1]):
        _, _, _, _, infos = env.step(actions[:, step])
        for kept, name in ((loss, "probe_loss"), (done, "n_updates"), (diverged, "diverged")):
            if name in infos:
                np.copyto(kept, infos[name], where=infos[f"_{name}"])
        if facts["outcome"] in infos:
            np.copyto(outcome, infos[facts["outcome"]], where=infos[f"_{facts['outcome']}"])
        if step == 0:
            after_first()
    return Played(loss=loss, outcome=outcome, diverged=diverged, cost=done / facts["n_updates"])


def joined(parts: Sequence[Played]) -> Played:
    """Groups in their order as one."""
    return Played(
        loss=np.concatenate([part.loss for part in parts]),
        outcome=np.concatenate([part.outcome for part in parts]),
        diverged=np.concatenate([part.diverged for part in parts]),
        cost=np.concatenate([part.cost for part in parts]),
    )


def draw_run_seeds(env: Any, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """(n,) different run seeds of the training half."""
    seeds = env.unwrapped.splits["train"]
    drawn: dict[int, None] = {}
    while len(drawn) < n:
        drawn[int(rng.integers(seeds.start, seeds.stop))] = None
    return np.array(list(drawn), np.int64)
