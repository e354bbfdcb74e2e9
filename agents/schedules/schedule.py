"""A schedule as an agent: which learning rate and weight decay scales stand at which point of a training run."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.evaluation.agent import AgentContext
from hpo_gym.evaluation.errors import EvaluationError

Floats = NDArray[np.float64]

LARGEST_SCALE = 100.0
"""Scales lie in [1/100, 100]: a point u of [-1, 1] is the scale 100^u, on which searches are made."""


def scales_of(points: Any) -> Floats:
    """Points u in [-1, 1] (..., 2) -> (lr_scale, wd_scale) (..., 2)."""
    return LARGEST_SCALE ** np.asarray(points, np.float64)


def points_of(scales: Any) -> Floats:
    """The inverse of `scales_of`; what lies beyond the range is cut off."""
    return (np.log(np.asarray(scales, np.float64)) / np.log(LARGEST_SCALE)).clip(-1.0, 1.0)


class ScheduleAgent:
    """Plays (lr_scale, wd_scale) of the decision that a run has come to, which it sees by its progress.

    Args:
        env: an in-run control environment (`env.unwrapped`), single or vector; it says how scales become actions.
        scales: (n_decisions, 2) lr_scale and wd_scale.
        training_cost: run equivalents that finding the schedule cost; None where it cost nothing.

    Raises:
        EvaluationError: the observation shows no progress, or the schedule has another length than a run.
    """

    def __init__(self, env: Any, scales: Any, *, training_cost: float | None = None) -> None:
        self.scales = np.asarray(scales, np.float64)
        if self.scales.shape != (env.n_decisions, 2):
            raise EvaluationError(
                f"a schedule of shape {self.scales.shape} for runs of {env.n_decisions} decisions: one pair of scales "
                "each is needed"
            )
        self.actions = env.nearest_action(self.scales[:, 0], self.scales[:, 1])  # (n_decisions, *action shape)
        self.column = progress_column(env)
        self.decisions_per_run = env.facts["n_updates"] / env.facts["decision_every"]
        self.training_cost = training_cost

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> tuple[Any, Any]:
        """Observations (..., n_fields) -> actions (..., *action shape); the state is not used."""
        progress = np.asarray(observation)[..., self.column]
        decision = np.rint(progress.astype(np.float64) * self.decisions_per_run).astype(np.int64)
        return self.actions[np.minimum(decision, len(self.actions) - 1)], state


def progress_column(env: Any) -> int:
    """Which number of the observation is the progress.

    Raises:
        EvaluationError: none is.
    """
    names: Sequence[str] = env.observation_names
    if "progress" not in names:
        raise EvaluationError(
            f"a schedule goes by the progress of the run, and the observation shows {', '.join(names)}; add 'progress'"
        )
    return names.index("progress")


def neutral_schedule(n_decisions: int) -> Floats:
    """(n_decisions, 2) ones: the recipe as it is."""
    return np.ones((n_decisions, 2))


def make_env(context: AgentContext) -> Any:
    """The unwrapped training environment: facts and actions, no run is begun.

    Raises:
        EvaluationError: it is no environment of training runs.
    """
    env = context.make_training_env().unwrapped
    if not hasattr(env, "nearest_action"):
        raise EvaluationError(f"schedules control training runs, which {context.env_id} has none of")
    return env
