"""Runs of TensorBoard: a folder of event files."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter, TensorBoardOutputFormat
from torch.utils.tensorboard import SummaryWriter

from hpo_gym.integrations.tracking.tracked_run import Outcome


@dataclass(frozen=True, kw_only=True)
class TensorBoardRun:
    """See `TrackedRun`; its id is its folder."""

    folder: Path
    writer: SummaryWriter

    @classmethod
    def begin(cls, *, name: str, config: Mapping[str, Any], folder: Path) -> "TensorBoardRun":
        """In a new folder of the run's name; what it is of stands under TEXT."""
        own = next(free for free in _names(folder / name) if not free.exists())
        writer = SummaryWriter(str(own))
        writer.add_text("config", f"```json\n{json.dumps(dict(config), indent=1)}\n```")
        return cls(folder=own, writer=writer)

    @property
    def run_id(self) -> str:
        """The folder."""
        return str(self.folder)

    @property
    def where(self) -> str:
        """What to do to see it."""
        return f"tensorboard --logdir {self.folder.parent}"

    def writers(self) -> list[KVWriter]:
        """SB3's own."""
        return [TensorBoardOutputFormat(str(self.folder))]

    def callbacks(self) -> list[BaseCallback]:
        """None."""
        return []

    def log(self, values: Mapping[str, float], step: int) -> None:
        """As scalars."""
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)

    def finish(self, outcome: Outcome) -> None:
        """Close the file."""
        self.writer.close()


def _names(folder: Path) -> Iterator[Path]:
    yield folder
    yield from (folder.with_name(f"{folder.name}-{n}") for n in count(2))
