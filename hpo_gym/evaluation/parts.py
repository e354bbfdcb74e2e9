"""Finished tasks of an evaluation that may yet be killed: the folder `<episodes file>.parts`.

One JSON Lines file a task and agent, and a manifest of what they belong to. A later run of the same
evaluation reads them back; a different one is told so.
"""

import json
import shutil
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpo_gym.evaluation.atomic_file import atomic_writer
from hpo_gym.evaluation.episode import read_episodes, write_episodes
from hpo_gym.evaluation.episode_batch import EpisodeBatch, batch_of_episodes
from hpo_gym.evaluation.errors import EvaluationError, RecordError

MANIFEST = "manifest.json"


class Parts:
    """The parts of one evaluation.

    `identity` is everything that the episodes depend on, as JSON values. Parts with another identity are an
    `EvaluationError` that names the first difference.
    """

    def __init__(self, episodes_path: Path, identity: Mapping[str, Any]) -> None:
        self.folder = episodes_path.with_name(episodes_path.name + ".parts")
        manifest = self.folder / MANIFEST
        ours = json.loads(json.dumps(identity))
        if manifest.exists():
            self._check_identity(manifest, ours)
        else:
            with atomic_writer(manifest) as file:
                json.dump(ours, file, indent=1)

    def _check_identity(self, manifest: Path, ours: dict[str, Any]) -> None:
        try:
            theirs = json.loads(manifest.read_text(encoding="utf-8"))
        except ValueError:
            raise RecordError(f"{manifest} is damaged: delete the folder {self.folder} and run again") from None
        for key in sorted(ours.keys() | theirs.keys()):
            if ours.get(key) != theirs.get(key):
                raise EvaluationError(
                    f"{self.folder} holds the unfinished parts of another evaluation: {key} was "
                    f"{json.dumps(theirs.get(key))}, now it is {json.dumps(ours.get(key))}; finish that one, "
                    f"delete the folder, or write the episodes elsewhere"
                )

    def path(self, agent: str, position: int) -> Path:
        """Where the episodes of the position-th task lie; agents' names may hold what file names may not."""
        safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in agent)
        if safe != agent:  # "a:b" and "a_b" are two agents
            safe += f"-{zlib.crc32(agent.encode()):08x}"
        return self.folder / f"{safe}-{position:04d}.jsonl"

    def save(self, position: int, batch: EpisodeBatch) -> None:
        """Keep a finished task."""
        write_episodes(self.path(batch.agent, position), batch.episodes())

    def load(self, agent: str, position: int, task_id: str, seeds: tuple[int, ...]) -> EpisodeBatch | None:
        """The task's episodes as they were saved, or None; a damaged or wrong file is a `RecordError`."""
        path = self.path(agent, position)
        if not path.exists():
            return None
        batch = batch_of_episodes(list(read_episodes(path)))
        if (batch.agent, batch.task_id, batch.seeds) != (agent, task_id, seeds):
            raise RecordError(
                f"{path}: episodes of {batch.agent!r} on task {batch.task_id!r}, seeds {batch.seeds}; "
                f"expected {agent!r} on {task_id!r}, seeds {seeds}: delete the file and run again"
            )
        return batch

    def remove(self) -> None:
        """Delete the folder; the evaluation is complete."""
        shutil.rmtree(self.folder)
