"""What a verification found of a submission: its figures, and the course of every episode, for tables and pages."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from hpo_gym.evaluation.atomic_file import atomic_writer
from hpo_gym.evaluation.episode_batch import EpisodeBatch
from hpo_gym.evaluation.intervals import Floats
from hpo_gym.evaluation.metrics import normalized_regret
from hpo_gym.evaluation.result import EvaluationResult, MetricSummary
from hpo_gym.evaluation.validation import first_complaint
from leaderboards.board import Board
from leaderboards.errors import LeaderboardError
from leaderboards.submission import Submission

Tier = Literal["submitted", "replayed", "re-run"]
"""How good the evidence is: only checked, recomputed from its actions, or its actions recomputed from its weights."""


class Course(BaseModel):
    """The episodes of one task, one entry a seed of the board.

    Attributes:
        improvements: of a search, [k, score] of each trial count (in full evaluations) from which on the incumbent is
            better: the whole curve, as steps.
        best_score, worst_score: of the task.
        losses, applied, outcomes: of a training run, as `EvaluationResult` has them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    improvements: list[list[tuple[int, float]]] = []
    best_score: list[float] = []
    worst_score: list[float] = []
    losses: list[list[float]] = []
    applied: dict[str, list[list[float]]] = {}
    outcomes: dict[str, list[float]] = {}

    @classmethod
    def of(cls, batch: EpisodeBatch, budget: int) -> "Course":
        """From replayed episodes; `budget` is 0 where there are no trials."""
        kept = {name: values.tolist() for name, values in batch.outcomes.items() if np.isfinite(values).all()}
        if budget:
            curves = batch.incumbents(budget)
            return cls(
                improvements=[_steps(curve) for curve in curves],
                best_score=batch.best_score.tolist(),
                worst_score=batch.worst_score.tolist(),
                outcomes=kept,
            )
        return cls(
            losses=[_finite(row) for row in batch.losses],
            applied={name: [_finite(row) for row in rows] for name, rows in batch.applied.items()},
            outcomes=kept,
        )

    def incumbents(self, budget: int) -> Floats:
        """(n_seeds, budget) the incumbent's raw score."""
        return np.array([_curve(steps, budget) for steps in self.improvements])

    def regret(self, budget: int) -> Floats:
        """(n_seeds, budget) normalised regret of the incumbent."""
        return normalized_regret(self.incumbents(budget), np.array(self.best_score), np.array(self.worst_score))

    def batch(self, agent: str, env_id: str, task_id: str, seeds: tuple[int, ...], budget: int) -> EpisodeBatch:
        """Episodes that have the same figures as those that were replayed, for agents that are compared with these."""
        n = len(seeds)
        scores = self.incumbents(budget) if budget else np.full((n, 1), np.nan)
        return EpisodeBatch(
            agent=agent,
            env_id=env_id,
            task_id=task_id,
            seeds=seeds,
            actions=np.zeros(scores.shape, np.int64),
            rewards=np.zeros(scores.shape),
            scores=scores,
            costs=np.tile(np.arange(1.0, budget + 1), (n, 1)) if budget else np.full((n, 1), np.nan),
            lengths=np.full(n, scores.shape[1], np.int64),
            best_score=np.array(self.best_score or [np.nan] * n),
            worst_score=np.array(self.worst_score or [np.nan] * n),
            outcomes={name: np.array(values) for name, values in self.outcomes.items()},
        )


def _steps(curve: Floats) -> list[tuple[int, float]]:
    changes = [0, *(np.flatnonzero(np.diff(curve)) + 1).tolist()]
    return [(k + 1, float(curve[k])) for k in changes]


def _curve(steps: list[tuple[int, float]], budget: int) -> Floats:
    ends = [*(k - 1 for k, _ in steps), budget]
    lengths = [end - start for start, end in pairwise(ends)]
    return np.repeat([score for _, score in steps], lengths)


def _finite(row: Floats) -> list[float]:
    return [float(value) for value in row[np.isfinite(row)]]


class Record(BaseModel):
    """One verified submission; everything in it was recomputed.

    Attributes:
        format: 1.
        board, board_sha256: which board, as it was frozen.
        submission: DATE-AGENT, its folder.
        agent: its name.
        episodes_sha256: of the episodes that were replayed.
        env_kwargs: how their actions were understood.
        policy_sha256: of the description of the weights that acted again; "" where none did.
        tier: "replayed" or "re-run".
        is_reference: whether it changes the very run that the others control.
        metrics: those of the board's protocol, with intervals.
        per_task: task -> metric -> mean.
        courses: task -> its episodes.
        versions: of the packages that replayed it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1] = 1
    board: str
    board_sha256: str
    submission: str
    agent: str
    episodes_sha256: str
    env_kwargs: dict[str, str]
    policy_sha256: str
    tier: Tier
    is_reference: bool
    metrics: dict[str, MetricSummary]
    per_task: dict[str, dict[str, float]]
    courses: dict[str, Course]
    versions: dict[str, str]

    def is_of(self, submission: Submission) -> bool:
        """Whether it is of this very submission: its board, its actions, how they are meant, and what acted again."""
        ours = (self.board_sha256, self.submission, self.episodes_sha256, self.env_kwargs)
        options = submission.manifest.env_kwargs.as_kwargs()
        theirs = (submission.board.sha256, submission.name, submission.episodes_sha256, options)
        acted_again = submission.policy_sha256 if self.tier == "re-run" else ""
        return ours == theirs and self.policy_sha256 == acted_again

    def batches(self, board: Board) -> list[EpisodeBatch]:
        """One a task of the board."""
        budget = board.protocol.budget or 0
        return [
            self.courses[task].batch(self.agent, board.protocol.env_id, task, board.seeds, budget)
            for task in board.tasks
        ]

    def result(self, board: Board) -> EvaluationResult:
        """As an evaluation would have found it, for comparisons, tables and plots."""
        budget = board.protocol.budget or 0
        return EvaluationResult(
            agent=self.agent,
            env_id=board.protocol.env_id,
            env_kwargs=board.env_kwargs,
            split=board.protocol.split,
            n_seeds=len(board.seeds),
            seeds=list(board.seeds),
            budget=budget,
            metrics=self.metrics,
            per_task=self.per_task,
            regret_curves={task: c.regret(budget).tolist() for task, c in self.courses.items()} if budget else {},
            score_curves={task: c.incumbents(budget).tolist() for task, c in self.courses.items()} if budget else {},
            loss_curves={task: c.losses for task, c in self.courses.items() if c.losses},
            applied={task: c.applied for task, c in self.courses.items() if c.applied},
            outcomes={task: c.outcomes for task, c in self.courses.items() if c.outcomes},
            is_reference=self.is_reference,
            reference_agents=[rival for rival in board.rivals if rival != self.agent],
            wall_s=0.0,
            versions=self.versions,
        )

    def first_difference(self, other: "Record") -> str:
        """The first field in which another verification of the same actions found something else; "" if it is the same.

        Evidence and versions of packages may differ.
        """
        for name in type(self).model_fields:
            if name not in ("tier", "policy_sha256", "versions") and getattr(self, name) != getattr(other, name):
                return name
        return ""

    def write(self, path: Path) -> None:
        """Write JSON, whole or not at all; one line a task."""
        content = self.model_dump(mode="json", exclude={"courses"}, exclude_defaults=False)
        head = json.dumps(content, ensure_ascii=False)[1:-1]
        courses = ",\n".join(
            f"{json.dumps(task)}: {course.model_dump_json(exclude_defaults=True)}"
            for task, course in self.courses.items()
        )
        with atomic_writer(path) as file:
            file.write(f'{{{head},\n"courses": {{\n{courses}\n}}}}\n')


def read_record(path: Path) -> Record:
    """Read a file that `Record.write` made; anything else is a one-line error."""
    try:
        return Record.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise LeaderboardError(f"{path}: not a record: {first_complaint(error, Record)}") from None
