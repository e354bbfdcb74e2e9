"""training.jsonl: one line an update, and the place to cut it back to when a training goes on from a checkpoint."""

import json
import time
from pathlib import Path
from typing import Any

from stable_baselines3.common.logger import KVWriter

FILE = "training.jsonl"
_OF_THE_PROCESS = ("time/fps", "time/time_elapsed", "time/iterations", "time/episodes")


class TrainingLog(KVWriter):
    """Appends what an SB3 logger dumps, with `n_episodes`, `wall_s` and `cpu_s`.

    The seconds are of all processes that worked on the training, one after another; those of the processor do not count
    what else a busy machine was doing.

    Args:
        path: the file.
        size: bytes to keep of an existing one.
        wall_s, cpu_s: seconds that were spent before.

    Attributes:
        n_found: lines of an existing file.
        n_kept: of them; the others will come again.
    """

    def __init__(self, path: Path, *, size: int = 0, wall_s: float = 0.0, cpu_s: float = 0.0) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            file.seek(0)
            self.n_kept = file.read(size).count(b"\n")
            self.n_found = self.n_kept + file.read().count(b"\n")
            file.truncate(size)
        self.path = path
        self.n_episodes = 0
        self.latest: dict[str, Any] = {}
        self._started, self._cpu_started = time.monotonic() - wall_s, time.process_time() - cpu_s

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.path.stat().st_size

    @property
    def wall_s(self) -> float:
        """Seconds of training so far."""
        return time.monotonic() - self._started

    @property
    def cpu_s(self) -> float:
        """Seconds of a processor so far."""
        return time.process_time() - self._cpu_started

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """Append a line."""
        values = {name: value for name, value in key_values.items() if name not in _OF_THE_PROCESS}
        numbers = {name: value.item() if hasattr(value, "item") else value for name, value in values.items()}
        spent = {"wall_s": round(self.wall_s, 3), "cpu_s": round(self.cpu_s, 3)}
        self.latest = {**numbers, "n_episodes": self.n_episodes, **spent}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(self.latest) + "\n")

    def close(self) -> None:
        """Nothing is left open between lines."""


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The lines of a training's folder."""
    return [json.loads(line) for line in (folder / FILE).read_text(encoding="utf-8").splitlines()]
