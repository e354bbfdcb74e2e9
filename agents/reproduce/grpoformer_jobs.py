"""A training on one cell, cut into jobs that can be done in any order and by any process, each once.

VARIANT-IDENTITY/TABLE/TASK/seed-S.npz in the plan's folder holds every evaluation of it. An identity is a digest of the
settings, so that what was made with other ones is neither taken for this nor overwritten.
"""

import io
import json
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agents.catalogue import resolve
from agents.folds import folds_of
from agents.grpoformer.lasting_incumbent import LastingIncumbentVecEnv
from agents.reproduce.grpoformer_meters import Arrays, ChurnMeter, EvaluationMeter
from agents.reproduce.grpoformer_plan import GrpoformerPlan, Part
from agents.reproduce.openml_cells import BUDGETS, openml_cells
from agents.sb3.models import make_model
from agents.sb3.training import reproducible_training
from agents.training.environments import training_env
from agents.training.preset import Preset
from hpo_gym.evaluation.atomic_file import replace_bytes
from hpo_gym.evaluation.evaluate import evaluate

TRANSFERRED = "grpoformer"
"""The form that is trained over tasks and used on others."""


@dataclass(frozen=True, kw_only=True)
class SearchJob:
    """Train a variant from nothing on one task, and keep all that it evaluated.

    Attributes:
        plan: where the variant comes from.
        variant, env_id, task_id, seed: what is trained.
        root: the plan's folder.
    """

    plan: GrpoformerPlan
    variant: str
    env_id: str
    task_id: str
    seed: int
    root: Path

    def __str__(self) -> str:
        return f"{table_of(self.env_id)} {self.task_id}: {self.variant}, seed {self.seed}"

    @property
    def preset(self) -> Preset:
        """What is trained, in full."""
        return self.plan.preset(self.variant, self.env_id)

    @property
    def path(self) -> Path:
        """Where its evaluations lie."""
        return self.root / self._identity / table_of(self.env_id) / self.task_id / f"seed-{self.seed}.npz"

    @property
    def _identity(self) -> str:
        preset = self.preset
        settings = {name: value for name, value in preset.as_dict().items() if name != "agent" and value is not None}
        content = json.dumps([settings, self.plan.variants[self.variant].incumbent], sort_keys=True)
        return f"{self.variant}-{zlib.crc32(content.encode()):08x}"

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return self.path.exists()

    def run(self) -> None:
        """Train, and write what was measured."""
        started = time.process_time()
        lasts = self.plan.variants[self.variant].incumbent == "training"
        arrays = train_on_task(self.preset, self.env_id, self.task_id, seed=self.seed, incumbent_lasts=lasts)
        arrays["cpu_s"] = np.array(time.process_time() - started)
        content = io.BytesIO()
        np.savez_compressed(content, allow_pickle=False, **arrays)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        replace_bytes(self.path, content.getvalue())

    def read(self) -> Arrays:
        """What `run` wrote."""
        with np.load(self.path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}


@dataclass(frozen=True, kw_only=True)
class TransferJob:
    """Judge the form that was trained over other tasks on those of an environment's cells that are test tasks.

    Attributes:
        env_id: the table.
        root: the plan's folder.
    """

    env_id: str
    root: Path

    def __str__(self) -> str:
        return f"{table_of(self.env_id)}: {TRANSFERRED}, trained on the training tasks"

    @property
    def path(self) -> Path:
        """Where the evaluation lies."""
        return self.root / TRANSFERRED / f"{table_of(self.env_id)}-{TRANSFERRED}.json"

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return self.path.exists()

    def run(self) -> None:
        """Take the weights that come with the package, or train; play 10 episodes of 100 trials a task."""
        test = folds_of(self.env_id)[0]
        tasks = [task for task in openml_cells()[self.env_id] if task in test]
        builder = resolve(TRANSFERRED).build
        evaluate(TRANSFERRED, builder, self.env_id, tasks=tasks, budget=max(BUDGETS), progress=False).write(self.path)


def train_on_task(preset: Preset, env_id: str, task_id: str, *, seed: int, incumbent_lasts: bool = False) -> Arrays:
    """Train a search policy on one task.

    Args:
        preset: of `read_preset`; updates of whole episodes.
        env_id, task_id: the cell.
        seed: of everything that is drawn.
        incumbent_lasts: see `LastingIncumbentVecEnv`.

    Returns:
        "rows", "scores", "rewards" (n_updates, n_trials, n_members), "churn" (n_updates,), "entropy" (n_updates + 1,).
    """
    evaluations, churn = EvaluationMeter(), ChurnMeter()
    env_kwargs = {**preset.env, "tasks": [task_id]}
    with reproducible_training(), training_env(preset, env_id, env_kwargs) as (env, n_trials):
        model = make_model(preset, LastingIncumbentVecEnv(env) if incumbent_lasts else env, seed=seed)
        model.learn(preset.n_episodes * n_trials, [evaluations, churn], log_interval=None)  # type: ignore[arg-type]
    return {**evaluations.arrays(n_trials), **churn.arrays()}


def grpoformer_jobs(
    plan: GrpoformerPlan, names: Sequence[str], root: Path, *, n_seeds: int | None = None
) -> list["SearchJob | TransferJob"]:
    """What is asked for: parts of the plan, "transfer", or with no name all of it.

    Raises:
        EvaluationError: no such part.
    """
    parts = plan.chosen_parts(tuple(name for name in names if name != "transfer")) if names != ["transfer"] else {}
    jobs: list[SearchJob | TransferJob] = [*search_jobs(plan, parts, root, n_seeds=n_seeds)]
    if not names or "transfer" in names:
        jobs += [TransferJob(env_id=env_id, root=root) for env_id in openml_cells()]
    return jobs


def search_jobs(
    plan: GrpoformerPlan, parts: Mapping[str, Part], root: Path, *, n_seeds: int | None = None
) -> list[SearchJob]:
    """What parts ask for, part by part, seed by seed; each once."""
    jobs = {
        job.path: job
        for part in parts.values()
        for seed in range(min(part.n_seeds, n_seeds or part.n_seeds))
        for job in _round(plan, part, root, seed)
    }
    return list(jobs.values())


def _round(plan: GrpoformerPlan, part: Part, root: Path, seed: int) -> Iterator[SearchJob]:
    for variant in part.variants:
        for env_id, task_ids in part.tasks().items():
            for task_id in task_ids:
                yield SearchJob(plan=plan, variant=variant, env_id=env_id, task_id=task_id, seed=seed, root=root)


def table_of(env_id: str) -> str:
    """ "hpo_gym/ConfigSelection-LCBench-v0" -> "LCBench"."""
    return env_id.rpartition("-v")[0].rpartition("-")[2]
