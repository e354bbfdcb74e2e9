"""Runs of Weights & Biases, through its callback for Stable-Baselines3."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter

from hpo_gym.evaluation.errors import MissingExtraError
from hpo_gym.integrations.tracking.tracked_run import Outcome

os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # it reports its errors to its makers, offline too
try:
    import wandb
    from wandb.integration.sb3 import WandbCallback
    from wandb.integration.tensorboard import unpatch
except ModuleNotFoundError as error:
    if error.name != "wandb":
        raise
    raise MissingExtraError("wandb") from None

_PROJECT = "hpo_gym"


@dataclass(frozen=True, kw_only=True)
class WandbRun:
    """See `TrackedRun`."""

    run: wandb.Run

    @classmethod
    def begin(
        cls, *, name: str, config: Mapping[str, Any], folder: Path, run_id: str | None, mirrors_tensorboard: bool
    ) -> "WandbRun":
        """In the project WANDB_PROJECT or "hpo_gym", offline unless WANDB_MODE says otherwise."""
        folder.mkdir(parents=True, exist_ok=True)
        mode: Any = os.environ.get("WANDB_MODE", "offline")
        run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", _PROJECT),
            mode=mode,
            name=name,
            id=run_id,
            resume="allow",
            dir=folder,
            config=dict(config),
            sync_tensorboard=mirrors_tensorboard,
            settings=wandb.Settings(console="off"),  # what is printed stays as it is, bars included
        )
        return cls(run=run)

    @property
    def run_id(self) -> str:
        """The tracker's own."""
        return self.run.id

    @property
    def where(self) -> str:
        """What to do to see it."""
        return f"wandb sync {Path(self.run.dir).parent}" if self.run.offline else str(self.run.url)

    def writers(self) -> list[KVWriter]:
        """None; it reads along what goes to TensorBoard."""
        return []

    def callbacks(self) -> list[BaseCallback]:
        """Its own, which keeps the algorithm's settings."""
        return [WandbCallback()]

    def log(self, values: Mapping[str, float], step: int) -> None:
        """A row of its history."""
        self.run.log(dict(values), step=step)

    def finish(self, outcome: Outcome) -> None:
        """Write what is left, and leave TensorBoard as it was."""
        self.run.finish(exit_code=0 if outcome == "finished" else 1)
        unpatch()
