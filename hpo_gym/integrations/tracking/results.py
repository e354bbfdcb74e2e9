"""Results of evaluations in trackers."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo_gym.integrations.tracking.tracked_run import TrackerName, tracked_run

if TYPE_CHECKING:
    from hpo_gym.evaluation.result import EvaluationResult

FOLDER = Path("runs") / "evaluated"
"""Where TensorBoard and W&B write by default; `tensorboard --logdir runs` shows trainings beside."""

_CONFIG = ("agent", "env_id", "env_kwargs", "split", "n_seeds", "budget", "reference_agents", "versions")


def log_result(result: "EvaluationResult", tracker: TrackerName, *, folder: Path = FOLDER) -> str:
    """Log the metrics of a result: mean, interquartile mean, and the ends of the interval.

    Args:
        result: of an evaluation, or `EvaluationResult.read(path)` of its file.
        tracker: see `tracked_run`.
        folder: for "tensorboard" and "wandb".

    Returns:
        What to do to see it, in one line. A metric NAME@K is a curve NAME whose steps are the trials K.
    """
    values: dict[int, dict[str, float]] = {}
    for name, metric in result.metrics.items():
        family, _, k = name.partition("@")
        at = values.setdefault(int(k or 0), {})
        at |= {f"{family}/{statistic}": figure for statistic, figure in metric.model_dump().items()}
    config: dict[str, Any] = result.model_dump(include=set(_CONFIG))
    name = re.sub(r"[^-\w.]+", "-", f"{result.agent}-{result.env_id.rpartition('/')[2]}-{result.split}").strip("-")
    with tracked_run(tracker, name=name, config=config, folder=folder) as run:
        for n_trials, figures in sorted(values.items()):
            run.log(figures, n_trials)
    return run.where
