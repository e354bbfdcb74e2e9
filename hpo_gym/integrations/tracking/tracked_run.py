"""What a run of a tracker is, and how one is begun by the tracker's name."""

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from hpo_gym.evaluation.errors import EvaluationError

if TYPE_CHECKING:
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.logger import KVWriter

TrackerName = Literal["mlflow", "tensorboard", "wandb"]
TRACKERS: tuple[TrackerName, ...] = ("mlflow", "tensorboard", "wandb")
Outcome = Literal["finished", "failed", "killed"]


class TrackingError(EvaluationError):
    """A tracker cannot be had, or does not know the run that is to go on."""


class TrackedRun(Protocol):
    """One run, as a tracker knows it."""

    @property
    def run_id(self) -> str:
        """The tracker's own name for it."""

    @property
    def where(self) -> str:
        """What to do to see it, in one line."""

    def writers(self) -> "list[KVWriter]":
        """Outputs for the logger of an SB3 algorithm."""

    def callbacks(self) -> "list[BaseCallback]":
        """Callbacks for `learn` of an SB3 algorithm."""

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Numbers of one step; steps do not go backwards."""

    def finish(self, outcome: Outcome) -> None:
        """No more comes."""


def check_tracker(tracker: TrackerName) -> None:
    """Tell before the work what would fail after it.

    Raises:
        MissingExtraError: the tracker is not installed.
        TrackingError: there is no such tracker.
    """
    if tracker not in TRACKERS:
        raise TrackingError(f"tracker {tracker!r} is not one of {', '.join(TRACKERS)}")
    importlib.import_module(f"hpo_gym.integrations.tracking.{tracker}_run")


@contextmanager
def tracked_run(
    tracker: TrackerName,
    *,
    name: str,
    config: Mapping[str, Any],
    folder: Path,
    run_id: str | None = None,
    mirrors_tensorboard: bool = False,
) -> Iterator[TrackedRun]:
    """A run of a tracker, which is told how it ended.

    Args:
        tracker: one of `TRACKERS`. "mlflow" writes where MLFLOW_TRACKING_URI says, else to mlflow.db in the current
            folder; "wandb" sends nothing unless WANDB_MODE is "online".
        name: for people.
        config: what the run is of; JSON values.
        folder: where "tensorboard" and "wandb" write.
        run_id: go on with this one.
        mirrors_tensorboard: whether "wandb" takes the run's numbers from what is written for TensorBoard meanwhile,
            which is how its callback for SB3 gets them.

    Raises:
        MissingExtraError: the tracker is not installed.
        TrackingError: there is no such tracker or run.
    """
    check_tracker(tracker)
    run: TrackedRun
    if tracker == "mlflow":
        from hpo_gym.integrations.tracking.mlflow_run import MlflowRun

        run = MlflowRun.begin(name=name, config=config, run_id=run_id)
    elif tracker == "wandb":
        from hpo_gym.integrations.tracking.wandb_run import WandbRun

        run = WandbRun.begin(
            name=name, config=config, folder=folder, run_id=run_id, mirrors_tensorboard=mirrors_tensorboard
        )
    else:
        from hpo_gym.integrations.tracking.tensorboard_run import TensorBoardRun

        run = TensorBoardRun.begin(name=name, config=config, folder=folder)
    try:
        yield run
    except BaseException as error:
        run.finish("killed" if isinstance(error, KeyboardInterrupt) else "failed")
        raise
    run.finish("finished")
