"""What a training is of, as its folder states it: two trainings of the same come to the same weights."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from agents.training.preset import Preset
from hpo_gym.evaluation.atomic_file import atomic_writer
from hpo_gym.evaluation.errors import EvaluationError
from hpo_gym.evaluation.evaluate import package_versions

FILE = "run.json"
LOCK = ".training.lock"


class TrainingError(EvaluationError):
    """A training cannot begin or go on; one line that says what to do."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training.

    Attributes:
        preset: how.
        env_id: on what.
        seed: of networks, noise and episodes.
        task_choice: which tasks or run seeds are trained on, as options of the environment.
    """

    preset: Preset
    env_id: str
    seed: int
    task_choice: Mapping[str, Any]

    @property
    def env_kwargs(self) -> dict[str, Any]:
        """All options of the environment."""
        return {**self.preset.env, **self.task_choice}

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; the same after a round trip."""
        content = {
            "agent": self.preset.agent,
            "env_id": self.env_id,
            "env_kwargs": self.env_kwargs,
            "seed": self.seed,
            "preset": self.preset.as_dict(),
            "torch_threads": 1,
            "versions": package_versions(),
        }
        return json.loads(json.dumps(content))

    @contextmanager
    def claimed(self, folder: Path) -> Iterator[None]:
        """A folder that says what is trained in it, and is this process's alone.

        Raises:
            TrainingError: another process trains in it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(folder / LOCK, blocking=False):
                with atomic_writer(folder / FILE) as file:
                    file.write(json.dumps(self.as_dict(), indent=2) + "\n")
                yield
        except Timeout:
            raise TrainingError(f"another process is training in {folder}") from None

    def check(self, folder: Path, *, resume: bool) -> None:
        """See that a folder is free or, to resume, that what it holds is the same.

        Raises:
            TrainingError: it is not.
        """
        path, ours = folder / FILE, self.as_dict()
        if not path.exists():
            return
        if not resume:
            raise TrainingError(f"{folder} holds a training already: resume it, or take another folder")
        try:
            theirs = json.loads(path.read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise TrainingError(f"{path}: no JSON ({error}); take another folder") from None
        if theirs != ours:
            raise TrainingError(
                f"{folder} holds another training: {_difference('', theirs, ours)}; take another folder"
            )


def _difference(key: str, theirs: Any, ours: Any) -> str:
    """The first thing that differs."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        inner = next(k for k in {**theirs, **ours} if theirs.get(k) != ours.get(k))
        return _difference(f"{key}.{inner}" if key else inner, theirs.get(inner), ours.get(inner))
    return f"{key} is {theirs!r} there and {ours!r} here"
