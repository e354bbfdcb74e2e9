"""Runs of MLflow, through its own interface."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter

from hpo_gym.evaluation.errors import MissingExtraError
from hpo_gym.integrations.tracking.tracked_run import Outcome, TrackingError

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # it reports its use to its makers, from its import on
try:
    import mlflow
except ModuleNotFoundError as error:
    if error.name != "mlflow":
        raise
    raise MissingExtraError("mlflow") from None

_EXPERIMENT = "hpo_gym"
_STATUS = {"finished": "FINISHED", "failed": "FAILED", "killed": "KILLED"}
_LONGEST_PARAMETER = 6000  # MLflow refuses longer ones


class MlflowWriter(KVWriter):
    """An output of SB3's logger: what an algorithm logs as metrics of an MLflow run.

    Args:
        run_id: of the run; by default the active one (`mlflow.start_run`).

    Example, in a training of your own:
        model.set_logger(Logger(None, [MlflowWriter()]))
    """

    def __init__(self, run_id: str | None = None) -> None:
        self.run_id = run_id

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """Log the numbers of one dump."""
        numbers = {
            _allowed(key): float(value)
            for key, value in key_values.items()
            if isinstance(value, int | float | np.number) and "mlflow" not in (key_excluded.get(key) or ())
        }
        mlflow.log_metrics(numbers, step=step, run_id=self.run_id)

    def close(self) -> None:
        """Nothing is left open between dumps."""


@dataclass(frozen=True, kw_only=True)
class MlflowRun:
    """See `TrackedRun`."""

    run_id: str
    where: str

    @classmethod
    def begin(cls, *, name: str, config: Mapping[str, Any], run_id: str | None) -> "MlflowRun":
        """In the experiment MLFLOW_EXPERIMENT_NAME or "hpo_gym"; or go on with a run."""
        client, uri = mlflow.MlflowClient(), mlflow.get_tracking_uri()
        if run_id is None:
            run_id = client.create_run(_experiment_id(client), run_name=name).info.run_id
            mlflow.log_params(_parameters(config), run_id=run_id)
        else:
            try:
                client.update_run(run_id, status="RUNNING")
            except mlflow.MlflowException:
                raise TrackingError(
                    f"MLflow's run {run_id} is not in {uri}: set MLFLOW_TRACKING_URI to where it was begun"
                ) from None
        return cls(run_id=run_id, where=f"mlflow ui --backend-store-uri {uri}")

    def writers(self) -> list[KVWriter]:
        """One."""
        return [MlflowWriter(self.run_id)]

    def callbacks(self) -> list[BaseCallback]:
        """None."""
        return []

    def log(self, values: Mapping[str, float], step: int) -> None:
        """As metrics."""
        mlflow.log_metrics({_allowed(key): value for key, value in values.items()}, step=step, run_id=self.run_id)

    def finish(self, outcome: Outcome) -> None:
        """Say how it ended."""
        mlflow.MlflowClient().set_terminated(self.run_id, _STATUS[outcome])


def _experiment_id(client: "mlflow.MlflowClient") -> str:
    """Made if need be; `mlflow.set_experiment` would be felt by the process's other runs too."""
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", _EXPERIMENT)
    known = client.get_experiment_by_name(name)
    return known.experiment_id if known else client.create_experiment(name)


def _parameters(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """{"a": {"b": 1}} -> {"a.b": "1"}."""
    flat: dict[str, str] = {}
    for key, value in config.items():
        name = f"{prefix}{_allowed(str(key))}"
        flat |= (
            _parameters(value, f"{name}.") if isinstance(value, Mapping) else {name: str(value)[:_LONGEST_PARAMETER]}
        )
    return flat


def _allowed(name: str) -> str:
    """With what MLflow allows in names."""
    return re.sub(r"[^-\w./: ]", "_", name)
