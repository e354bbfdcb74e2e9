"""What a folder of Hyp-RL's reproduction holds: regrets of policies and rivals, data set by data set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agents.folds import N_FOLDS
from agents.reproduce.hyprl_jobs import N_SEEDS, RIVALS, RULES, FoldTraining, RivalJob, trainings_of
from agents.training.log import read_log
from hpo_gym.evaluation.episode import Episode, read_episodes
from hpo_gym.evaluation.result import EvaluationResult

Floats = NDArray[np.float64]

MASKED_IN_USE = "hyp-rl, masked in use"


@dataclass(frozen=True, kw_only=True, eq=False)
class Searches:
    """An agent on all data sets, each in the fold that it was left out of.

    Attributes:
        agent: its name.
        is_trained: whether its seeds are of training.
        regrets: (n_seeds, n_tasks, budget) normalised regret of the incumbent.
    """

    agent: str
    is_trained: bool
    regrets: Floats

    def after(self, n_trials: int) -> Floats | None:
        """(n_seeds, n_tasks); None beyond what was played."""
        return self.regrets[:, :, n_trials - 1] if n_trials <= self.regrets.shape[2] else None


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """What the policies of one variant asked for, by the rule that they were trained with.

    Attributes:
        n_trials: (n_seeds, n_tasks) trials until a repeat ended the search, or the budget.
        first, sequences: (n_seeds, n_folds) how many different first configurations, and sequences of the first
            ten, the data sets of a fold were given.
    """

    n_trials: NDArray[np.int64]
    first: NDArray[np.int64]
    sequences: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Findings:
    """All of it; only seeds whose five folds are done count.

    Attributes:
        searches: by agent; the trained ones first.
        asked: by variant.
        cpu_s: variant -> (n_seeds, n_folds) seconds of a processor that training took.
        versions: of the packages.
    """

    searches: Mapping[str, Searches]
    asked: Mapping[str, Asked]
    cpu_s: Mapping[str, Floats]
    versions: Mapping[str, str]


def read_findings(root: Path) -> Findings:
    """Read what is there."""
    searches: dict[str, Searches] = {}
    asked: dict[str, Asked] = {}
    cpu_s: dict[str, Floats] = {}
    versions: dict[str, str] = {}
    for variant, rules in RULES.items():
        rounds = [jobs for jobs in (trainings_of(root, seed, [variant]) for seed in range(N_SEEDS)) if _all_done(jobs)]
        if not rounds:
            continue
        for rule in rules:
            name = variant if rule == "own" else MASKED_IN_USE
            curves = [_by_task([job.result_path(rule) for job in jobs]) for jobs in rounds]
            searches[name] = Searches(agent=name, is_trained=True, regrets=np.concatenate(curves))
        asked[variant] = _asked(rounds)
        cpu_s[variant] = np.array([[read_log(job.folder)[-1]["cpu_s"] for job in jobs] for jobs in rounds])
        versions = EvaluationResult.read(rounds[0][0].result_path("own")).versions
    for agent in RIVALS:
        paths = [RivalJob(agent=agent, fold=fold, root=root).path for fold in range(N_FOLDS)]
        if all(path.exists() for path in paths):
            searches[agent] = Searches(agent=agent, is_trained=False, regrets=_by_task(paths))
    return Findings(searches=searches, asked=asked, cpu_s=cpu_s, versions=versions)


def _all_done(jobs: Sequence[FoldTraining]) -> bool:
    return all(job.is_done for job in jobs)


def _by_task(paths: Sequence[Path]) -> Floats:
    """Results of five folds -> (n_seeds, n_tasks, budget), tasks in the order of the folds."""
    results = [EvaluationResult.read(path) for path in paths]
    curves = [np.array(result.regret_curves[task_id]) for result in results for task_id in result.regret_curves]
    return np.stack(curves, axis=1)


def _asked(rounds: Sequence[Sequence[FoldTraining]]) -> Asked:
    episodes = [[_episodes(job) for job in jobs] for jobs in rounds]
    return Asked(
        n_trials=np.array([[len(set(e.actions)) for fold in folds for e in fold] for folds in episodes]),
        first=np.array([[len({e.actions[0] for e in fold}) for fold in folds] for folds in episodes]),
        sequences=np.array([[len({e.actions[:10] for e in fold}) for fold in folds] for folds in episodes]),
    )


def _episodes(job: FoldTraining) -> list[Episode]:
    return list(read_episodes(job.result_path("own").with_suffix(".jsonl")))
