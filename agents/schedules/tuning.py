"""Finds the best schedule of a simple shape on training run seeds, by random and then local search."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.schedules.playing import Played, Runs, draw_run_seeds, play_each
from agents.schedules.random_then_local import RandomThenLocal
from agents.schedules.schedule import Floats, make_env
from agents.schedules.shapes import SHAPES
from hpo_gym.evaluation.agent import AgentContext

Player = Callable[[Sequence[Runs]], list[Played]]
"""Plays several batches of runs; `play_each`, or something that keeps a journal or has several processes."""


@dataclass(frozen=True, kw_only=True)
class TuningSettings:
    """How much is searched.

    Attributes:
        n_random: points drawn over the whole range of (lr, wd).
        n_local: further points around the best.
        n_per_round: points that are played side by side.
        n_run_seeds: training runs a point, the same for all points.
        seed: of points and run seeds.
    """

    n_random: int = 16
    n_local: int = 16
    n_per_round: int = 8
    n_run_seeds: int = 2
    seed: int = 0


THOROUGH = TuningSettings(n_random=64, n_local=64, n_per_round=32, n_run_seeds=64)
"""Where runs cost nothing: any number of them is played at once, and single runs are noisy."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tuned:
    """What a search found.

    Attributes:
        scales: (n_decisions, 2).
        loss: mean probe loss at the end of its training runs, nats.
        cost: run equivalents of the whole search.
        n_runs: runs of the whole search.
    """

    scales: Floats
    loss: float
    cost: float
    n_runs: int


def settings_for(env: Any) -> TuningSettings:
    """How much is searched where nobody says: as much as runs allow."""
    return TuningSettings() if env.preferred_members else THOROUGH


def tune(
    agent: str, context: AgentContext, settings: TuningSettings | None = None, *, player: Player = play_each
) -> Tuned:
    """The best schedule of the agent's shape by mean probe loss, which is measured on training text."""
    env = make_env(context)
    settings = settings or settings_for(env)
    shape, rng = SHAPES[agent], np.random.default_rng(settings.seed)
    run_seeds = draw_run_seeds(env, settings.n_run_seeds, rng)
    search = RandomThenLocal(n_dims=2, n_random=settings.n_random)
    kwargs, cost, n_runs = training_kwargs(context), 0.0, 0
    while len(search.points) < settings.n_random + settings.n_local:
        points = search.ask(settings.n_per_round, rng)
        scales = np.stack([shape(point, env.n_decisions) for point in points])
        actions = env.nearest_action(scales[..., 0], scales[..., 1])
        runs = Runs(
            env_id=context.env_id,
            env_kwargs=kwargs,
            actions=np.repeat(actions, len(run_seeds), axis=0),
            run_seeds=np.tile(run_seeds, len(points)),
        )
        (played,) = player([runs])
        search.tell(points, played.loss.reshape(len(points), len(run_seeds)).mean(axis=1))
        cost, n_runs = cost + float(played.cost.sum()), n_runs + len(played.loss)
    best = shape(search.best, env.n_decisions)
    return Tuned(scales=best, loss=min(search.values), cost=cost, n_runs=n_runs)


def training_kwargs(context: AgentContext) -> dict[str, object]:
    """The context's options, on training run seeds."""
    return {**context.env_kwargs, "split": "train"}
