"""The searcher's jobs: their order, what is kept apart, and small ones that are really done."""

from pathlib import Path
from typing import Any

import pytest

from agents.reproduce.searchers_findings import MAIN, read_searchers_findings
from agents.reproduce.searchers_jobs import SearcherTraining, UntrainedJudging, fold_tasks, jobs_of
from agents.reproduce.searchers_plan import SearchersPlan, read_searchers_plan
from agents.reproduce.workers import run_jobs
from hpo_gym.engines import LocalEngine


def small_plan(**changes: Any) -> SearchersPlan:
    """One table that needs no download."""
    short = {"n_episodes": 8, "n_envs": 8, "algorithm.n_groups": 1, "algorithm.beside": [], "env.budget": 4, **changes}
    return SearchersPlan.model_validate(
        {
            "tables": ["HPOBenchMLP"],
            "budget": 4,
            "variants": {MAIN: {"words": "as it is", "changes": short}, "start": {"words": "new", "trained": False}},
            "parts": {
                "main": {"variants": [MAIN], "n_seeds": 1, "folds": [0, 1], "declared_split": True},
                "ablations": {"variants": ["start"], "n_seeds": 1, "folds": [0]},
            },
            "rivals": {"HPOBenchMLP": {"average-rank": 1}},
            "aims": {"trials": [10], "regrets": {}},
        }
    )


def test_all_folds_of_a_seed_come_before_the_next_seed(tmp_path: Path) -> None:
    plan = small_plan()
    two_seeds = plan.parts["main"].model_copy(update={"n_seeds": 2})
    jobs = jobs_of(plan.model_copy(update={"parts": {"main": two_seeds}}), ["main"], tmp_path)
    assert [str(job) for job in jobs] == [f"searcher, fold {fold}, seed {seed}" for seed in (0, 1) for fold in (0, 1)]


def test_trainings_of_different_settings_or_tables_lie_in_different_folders(tmp_path: Path) -> None:
    plans = [small_plan(), small_plan(n_episodes=16)]
    folders = [job.folder for p in plans for job in jobs_of(p, ["main"], tmp_path) if isinstance(job, SearcherTraining)]
    for variant in ("own-table", "other-tables"):
        jobs = jobs_of(read_searchers_plan(), ["ablations", "transfer"], tmp_path, n_seeds=1)
        folders += [job.folder for job in jobs if isinstance(job, SearcherTraining) and job.variant == variant]
    assert len(set(folders)) == len(folders) > 2 * 2 + 2 * len(read_searchers_plan().tables) - 1


def test_only_policies_of_fold_0_are_judged_on_the_declared_split(tmp_path: Path) -> None:
    jobs = [job for job in jobs_of(small_plan(), ["main"], tmp_path) if isinstance(job, SearcherTraining)]
    assert [(job.fold, job.declared_split) for job in jobs] == [(0, True), (1, False)]


def test_what_is_not_trained_is_judged_once_a_table(tmp_path: Path) -> None:
    jobs = jobs_of(read_searchers_plan(), ["ablations"], tmp_path)
    assert [job.table for job in jobs if isinstance(job, UntrainedJudging)] == list(read_searchers_plan().tables)


@pytest.mark.slow
def test_jobs_leave_what_the_page_is_made_of_and_are_done_once(tmp_path: Path) -> None:
    plan = small_plan()
    jobs = jobs_of(plan, ["main", "ablations", "rivals"], tmp_path)
    assert not any(job.is_done for job in jobs)
    assert [report.failure for report in run_jobs(jobs, LocalEngine())] == [""] * 4
    assert all(job.is_done for job in jobs)
    found = read_searchers_findings(plan, tmp_path, tmp_path / "elsewhere")
    two_folds = fold_tasks("HPOBenchMLP", 0) + fold_tasks("HPOBenchMLP", 1)
    curves = found.variants[MAIN]["HPOBenchMLP"]
    assert (curves.tasks, curves.seeds, curves.regrets.shape) == (two_folds, (0,), (1, 5, 4))
    assert found.declared["HPOBenchMLP"].tasks == fold_tasks("HPOBenchMLP", 0)
    assert found.variants["start"]["HPOBenchMLP"].regrets.shape == (1, 8, 4)
    assert set(found.rivals["HPOBenchMLP"]) == {"random", "average-rank"}
    assert len(found.minutes[MAIN]) == 2
