"""What a plan's folder holds so far: who was judged how, and how trainings went. Only what is finished counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.reproduce.jobs import ReferenceJob, TrainingJob, cpu_path, reference_jobs, training_jobs
from agents.reproduce.plan import Part, Plan
from agents.training.log import FILE, read_log
from hpo_gym.evaluation.result import EvaluationResult
from hpo_gym.evaluation.run_tables import outcome_name

Floats = NDArray[np.float64]

ENTROPY = "train/entropy_per_dimension"
"""Of the policy that played an update's episodes, before any squashing; nats."""

CPU = "cpu_s"
"""Seconds of a processor, of all processes that worked on a training and of what it goes on from."""

FIRST = "first"
"""Folder of the training that another one goes on from."""

OUTCOME = "rollout/outcome_mean"
"""What the training runs of an update came to, under sampled actions; unlike their returns it does not depend on how
high a loss they started from."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """An agent on a testbed: one result a training seed, or one of an agent without training.

    Attributes:
        agent: its name.
        training_seeds: (n,); empty of an agent without training.
        results: one a training seed, or one.
        outcomes: (n_results, n_run_seeds), lower is better.
        run_seeds: of the outcomes.
        outcome: its name.
        cpu_s: (n_results,) seconds of a processor that each evaluation took; NaN where that was not written down.
    """

    agent: str
    training_seeds: tuple[int, ...]
    results: tuple[EvaluationResult, ...]
    outcomes: Floats
    run_seeds: NDArray[np.int64]
    outcome: str
    cpu_s: Floats

    @classmethod
    def read(cls, agent: str, training_seeds: Sequence[int], paths: Sequence[Path]) -> "Judged":
        """From results of one testbed."""
        results = [EvaluationResult.read(path) for path in paths]
        name = outcome_name(results)
        return cls(
            agent=agent,
            training_seeds=tuple(training_seeds),
            results=tuple(results),
            outcomes=np.array([result.outcomes[""][name] for result in results]),
            run_seeds=np.array([result.seeds for result in results]),
            outcome=name,
            cpu_s=np.array([_number(cpu_path(path)) for path in paths]),
        )

    def paired_with(self, reference: "Judged") -> Floats:
        """(n_results, n_run_seeds): what an agent without training came to on the very run seeds of this one."""
        found = dict(zip(reference.run_seeds[0].tolist(), reference.outcomes[0].tolist(), strict=True))
        return np.vectorize(found.__getitem__, otypes=[float])(self.run_seeds)

    def of_seeds(self, training_seeds: Sequence[int]) -> "Judged":
        """The same of some training seeds."""
        chosen = [self.training_seeds.index(seed) for seed in training_seeds]
        return replace(
            self,
            training_seeds=tuple(training_seeds),
            results=tuple(self.results[i] for i in chosen),
            outcomes=self.outcomes[chosen],
            run_seeds=self.run_seeds[chosen],
            cpu_s=self.cpu_s[chosen],
        )


def _number(path: Path) -> float:
    return float(path.read_text()) if path.exists() else np.nan


@dataclass(frozen=True, kw_only=True, eq=False)
class Training:
    """How the training of one seed went.

    Attributes:
        seed: of the training.
        lines: of its log, one an update. `n_episodes` are training runs that were paid: where a cheaper environment was
            trained on first, with that training at its price in the processor's seconds.
    """

    seed: int
    lines: tuple[Mapping[str, Any], ...]

    @classmethod
    def read(cls, seed: int, folder: Path) -> "Training":
        """From the folder of a finished training."""
        lines = read_log(folder)
        if not (folder / FIRST / FILE).exists():
            return cls(seed=seed, lines=tuple(lines))
        first_s, last = read_log(folder / FIRST)[-1][CPU], lines[-1]
        before = last["n_episodes"] * first_s / (last[CPU] - first_s)
        return cls(seed=seed, lines=tuple({**line, "n_episodes": line["n_episodes"] + before} for line in lines))

    def curve(self, x: str, y: str) -> tuple[Floats, Floats]:
        """Two figures of the log where both are logged: (n,), (n,)."""
        pairs = [(line[x], line[y]) for line in self.lines if x in line and y in line]
        return np.array([a for a, _ in pairs], float), np.array([b for _, b in pairs], float)

    def has(self, *figures: str) -> bool:
        """Whether the log has them."""
        return all(any(figure in line for line in self.lines) for figure in figures)

    def entropy(self, n_updates: int | None = None) -> float | None:
        """Nats a dimension of the action, of the policy after so many updates; None: of the last that is logged."""
        _, values = self.curve("n_episodes", ENTROPY)
        if not len(values):
            return None
        return float(values[-1 if n_updates is None else min(n_updates, len(values) - 1)])

    @property
    def n_episodes(self) -> float:
        """Of the whole training."""
        return float(self.lines[-1]["n_episodes"])

    @property
    def cpu_s(self) -> float:
        """Seconds of a processor of the whole training; NaN where they were not logged."""
        return float(self.lines[-1].get(CPU, np.nan))


@dataclass(frozen=True, kw_only=True, eq=False)
class Findings:
    """All of it.

    Attributes:
        plan: that it belongs to.
        judged: testbed -> agent -> what it came to; references first, in the plan's order.
        trainings: testbed that was trained on -> variant -> one a seed.
    """

    plan: Plan
    judged: Mapping[str, Mapping[str, Judged]]
    trainings: Mapping[str, Mapping[str, tuple[Training, ...]]]


def read_findings(plan: Plan, root: Path) -> Findings:
    """Read what is there."""
    judged: dict[str, dict[str, Judged]] = {name: _read_references(plan, name, root) for name in plan.testbeds}
    trainings: dict[str, dict[str, tuple[Training, ...]]] = {}
    for part in plan.parts.values():
        for variant, jobs in _jobs_by_variant(plan, part, root).items():
            for testbed in part.judged_on:
                done = [job for job in jobs if job.result_path(testbed).exists()]
                if done:
                    paths = [job.result_path(testbed) for job in done]
                    judged[testbed][variant] = Judged.read(variant, [job.seed for job in done], paths)
            finished = [job for job in jobs if any(job.result_path(name).exists() for name in part.judged_on)]
            if finished:
                found = tuple(Training.read(job.seed, job.folder) for job in finished)
                trainings.setdefault(part.trained_on, {}).setdefault(variant, found)
    return Findings(plan=plan, judged=judged, trainings=trainings)


def _read_references(plan: Plan, testbed: str, root: Path) -> dict[str, Judged]:
    jobs: list[ReferenceJob] = [job for job in reference_jobs(plan, testbed, root) if job.is_done]
    return {job.agent: Judged.read(job.agent, [], [job.path]) for job in jobs}


def _jobs_by_variant(plan: Plan, part: Part, root: Path) -> dict[str, list[TrainingJob]]:
    """Every training of a part; variants whose preset is not there are left out."""
    rounds = [training_jobs(plan, part, root, seed) for seed in range(part.n_training_seeds)]
    found = {}
    for jobs in zip(*rounds, strict=True):
        if all(job.is_possible for job in jobs):
            found[jobs[0].variant] = list(jobs)
    return found
