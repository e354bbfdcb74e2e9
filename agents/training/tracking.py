"""A training in a tracker of experiments: one run of it, however often the training is interrupted."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from stable_baselines3.common.logger import KVWriter

from agents.sb3.training import reproducible_training
from agents.training.run import Run
from hpo_gym.evaluation.atomic_file import atomic_writer
from hpo_gym.integrations.tracking import TrackedRun, TrackerName, tracked_run

FILE = "tracked.json"
"""By tracker the id of a training's run and where to see it; and how many lines its log had when it was interrupted."""

_N_LINES = "n_lines"


@contextmanager
def tracked_training(tracker: TrackerName | None, run: Run, folder: Path) -> Iterator[TrackedRun | None]:
    """The tracker's run of a training: that of its folder, or a new one; None without a tracker."""
    if tracker is None:
        yield None
        return
    known = _read(folder)
    tracked = tracked_run(
        tracker,
        name=folder.name,
        config=run.as_dict(),
        folder=folder,
        run_id=known.get(tracker, {}).get("run_id"),
        mirrors_tensorboard=True,
    )
    with ExitStack() as stack:
        with reproducible_training():  # whatever a library draws from the global generators, the training does not see
            tracked_now = stack.enter_context(tracked)
        _write(folder, {**known, tracker: {"run_id": tracked_now.run_id, "where": tracked_now.where}})
        yield tracked_now


def where_tracked(folder: Path, tracker: TrackerName) -> str:
    """What to do to see a training in a tracker, in one line; "" where it was never tracked."""
    return _read(folder).get(tracker, {}).get("where", "")


def lines_ever_logged(folder: Path, n_found: int) -> int:
    """How many lines of a training's log there have been, those that were cut off at an interruption included.

    Args:
        folder: of the training.
        n_found: lines that are there now.
    """
    known = _read(folder)
    n_lines = max(known.get(_N_LINES, 0), n_found)
    if n_lines:
        _write(folder, {**known, _N_LINES: n_lines})
    return n_lines


def _read(folder: Path) -> dict[str, Any]:
    path = folder / FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _write(folder: Path, content: dict[str, Any]) -> None:
    with atomic_writer(folder / FILE) as file:
        json.dump(content, file)


class NewLines(KVWriter):
    """Passes on what an SB3 logger dumps, but for the lines that were passed on before an interruption.

    A training that goes on from a checkpoint repeats, to the bit, what it did after it.

    Args:
        writers: that get the rest.
        n_known: lines that they have.
    """

    def __init__(self, writers: list[KVWriter], n_known: int) -> None:
        self.writers, self.n_known = writers, n_known

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """One dump."""
        if self.n_known > 0:
            self.n_known -= 1
            return
        for writer in self.writers:
            writer.write(key_values, key_excluded, step)

    def close(self) -> None:
        """All of them."""
        for writer in self.writers:
            writer.close()
