"""Plays training runs in several processes and writes down each finished group, so that a killed search goes on.

A search asks for the same runs again when it is started again with the same seed; those in the journal are not run.
"""

import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

import hpo_gym  # noqa: F401  registers the environments, in worker processes too
from agents.schedules.playing import Played, Runs, in_groups, joined, play_group
from hpo_gym.evaluation.atomic_file import atomic_writer
from hpo_gym.evaluation.threads import pinned_threads


class RunJournal:
    """A player of runs (see `agents.schedules.tuning.Player`) with a memory; use it as a context manager.

    Args:
        path: JSON Lines, one finished group a line; made if absent.
        workers: processes, of one thread each.
        expected: runs that the search will ask for, for the bar on a terminal.
    """

    def __init__(self, path: Path, *, workers: int, expected: int | None = None) -> None:
        self.path, self.workers, self.expected = path, workers, expected
        self.records = {record["key"]: record for record in read_journal(path)}

    def __enter__(self) -> "RunJournal":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        os.environ["OMP_NUM_THREADS"] = "1"
        context = get_context("spawn")
        self._pool = ProcessPoolExecutor(self.workers, mp_context=context) if self.workers > 1 else None
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("runs"))
        self._bar = Progress(
            *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, disable=not console.is_terminal
        )
        self._bar.start()
        self._row = self._bar.add_task("training", total=self.expected)
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def __call__(self, batches: Sequence[Runs]) -> list[Played]:
        groups = [in_groups(runs) for runs in batches]
        missing = [group for each in groups for group in each if key_of(group) not in self.records]
        known = sum(len(group.run_seeds) for each in groups for group in each) - sum(len(g.run_seeds) for g in missing)
        self._bar.advance(self._row, known)
        if self._pool is None:
            with pinned_threads(1):
                for group in missing:
                    self._keep(group, play_group(group))
        else:
            futures = {self._pool.submit(play_group, group): group for group in missing}
            for future in as_completed(futures):
                self._keep(futures[future], future.result())
        return [joined([_played(self.records[key_of(group)]) for group in each]) for each in groups]

    def _keep(self, group: Runs, played: Played) -> None:
        record = {
            "key": key_of(group),
            "env_id": group.env_id,
            "env_kwargs": dict(group.env_kwargs),
            "run_seeds": group.run_seeds.tolist(),
            "actions": np.round(group.actions, 6).tolist(),
            **{name: values.tolist() for name, values in vars(played).items()},
        }
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        self.records[record["key"]] = record
        self._bar.advance(self._row, len(group.run_seeds))
        if not self._bar.console.is_terminal:
            print(f"{self._bar.tasks[0].completed:.0f} of {self.expected} runs", file=sys.stderr, flush=True)


def key_of(runs: Runs) -> str:
    """Tells groups of runs apart by everything that they depend on but the code."""
    declared: Mapping[str, Any] = gym.spec(runs.env_id).kwargs
    recipe = runs.env_kwargs.get("recipe", "base")
    identity = {
        **{name: value for name, value in declared.items() if name != "recipes"},
        **runs.env_kwargs,
        "recipe": declared["recipes"][recipe] if isinstance(recipe, str) else dict(recipe),
        "run_seeds": runs.run_seeds.tolist(),
        "actions": np.round(runs.actions, 6).tolist(),
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def _played(record: Mapping[str, Any]) -> Played:
    arrays = {name: np.array(record[name], np.float64) for name in ("loss", "outcome", "cost")}
    return Played(**arrays, diverged=np.array(record["diverged"], bool))


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The records of a journal; a last line that was cut off is removed from it."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    whole, rest = lines[:-1], lines[-1]
    if rest:
        with atomic_writer(path) as file:
            file.writelines(line + "\n" for line in whole)
    return [json.loads(line) for line in whole]
