"""Results made up from curves, for tests of what reads results."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hpo_gym.evaluation.result import EvaluationResult, MetricSummary

ENV_ID = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"


def result_of(agent: str, regret: ArrayLike, **changes: Any) -> EvaluationResult:
    """A result whose regret curves are `regret` (n_tasks, n_seeds, budget); `changes` replace its fields."""
    curves = np.asarray(regret, np.float64)
    n_tasks, n_seeds, budget = curves.shape
    tasks = [f"task-{i}" for i in range(n_tasks)]
    final = MetricSummary(mean=curves[..., -1].mean(), iqm=curves[..., -1].mean(), low=0.0, high=1.0)
    name = f"normalized_regret@{budget}"
    fields: dict[str, Any] = {
        "agent": agent,
        "env_id": ENV_ID,
        "env_kwargs": {},
        "split": "test",
        "n_seeds": n_seeds,
        "seeds": list(range(n_seeds)),
        "budget": budget,
        "metrics": {name: final},
        "per_task": {task: {name: float(curves[i, :, -1].mean())} for i, task in enumerate(tasks)},
        "regret_curves": {task: curves[i].tolist() for i, task in enumerate(tasks)},
        "score_curves": {task: (1 - curves[i]).tolist() for i, task in enumerate(tasks)},
        "reference_agents": [],
        "wall_s": 1.5,
        "versions": {"hpo_gym": "0.1.0"},
    }
    return EvaluationResult(**(fields | changes))


def searching(agent: str, decay: float, *, n_tasks: int = 12, n_seeds: int = 10, budget: int = 50) -> EvaluationResult:
    """An agent whose regret falls about as t^-decay, with noise of its own."""
    rng = np.random.default_rng(sum(map(ord, agent)))
    level = rng.uniform(0.2, 0.5, (n_tasks, n_seeds, 1))
    noise = rng.lognormal(0, 0.3, (n_tasks, n_seeds, budget))
    curves = level * np.arange(1, budget + 1) ** -decay * noise
    return result_of(agent, np.minimum.accumulate(np.clip(curves, 0, 1), axis=-1))
