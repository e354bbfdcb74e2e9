"""Jobs: real trainings and evaluations of a small plan, done once, in any process."""

from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from agents.cli.reproduction import work_off
from agents.reproduce.jobs import jobs_of
from agents.reproduce.plan import Plan
from agents.reproduce.records import read_findings
from agents.reproduce.tables import ablation_table, transfer_table
from agents.reproduce.workers import run_job, run_jobs
from agents.training.run import LOCK
from hpo_gym.engines import LocalEngine

QUADRATIC = "hpo_gym/InRunControl-NoisyQuadratic-v0"


def small_plan(**jel: object) -> Plan:
    home = {"env_id": QUADRATIC, "words": "home", "references": ["controller-off", "hand-tuned"], "n_run_seeds": 4}
    away = {**home, "words": "away", "env_kwargs": {"n_updates": 300}, "policies_meet": "one"}
    away |= {"schedules": ["linear"], "schedules_from": "hpo_gym/InRunControl-Nano-v0"}
    return Plan.model_validate(
        {
            "testbeds": {"home": home, "away": away},
            "variants": {"jel": {"preset": "jel", "words": "short", "changes": {"n_episodes": 16, **jel}}},
            "parts": {
                "all": {
                    "trained_on": "home",
                    "variants": ["jel"],
                    "n_training_seeds": 2,
                    "judged_on": ["home", "away"],
                }
            },
        }
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the small plan was done."""
    root = tmp_path_factory.mktemp("small")
    plan = small_plan()
    assert work_off(jobs_of(plan, plan.parts, root), LocalEngine()) == 0
    return root


def test_what_is_done_is_not_done_again(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = small_plan()
    jobs = jobs_of(plan, plan.parts, root)
    assert len(jobs) == 2 + 2 + 3
    assert all(job.is_done for job in jobs)
    work_off(jobs, LocalEngine())
    assert capsys.readouterr().out == "7 of 7 jobs are done\n"


def test_tables_are_made_of_what_jobs_left(root: Path) -> None:
    findings = read_findings(small_plan(), root)
    assert findings.judged["home"]["jel"].outcomes.shape == (2, 4)
    assert findings.judged["away"]["jel"].run_seeds.tolist() == [[0], [1]]
    assert [t.n_episodes for t in findings.trainings["home"]["jel"]] == [16, 16]
    assert "| jel | short | 2 | 16 |" in ablation_table(findings, "home", ["jel"]).markdown()
    assert "| away |" in transfer_table(findings, ["away"], ["linear", "jel"]).markdown()


def test_a_schedule_from_elsewhere_stands_where_it_stood_in_runs_of_another_length(root: Path) -> None:
    results = read_findings(small_plan(), root).judged["away"]["linear"].results[0]
    scales = results.applied[""]["lr_scale"][0]
    assert len(scales) == 6  # 300 updates, a decision every 50; Nano's schedule has 12 decisions
    from agents.reproduce.reference_agents import schedule

    theirs = schedule("linear", "hpo_gym/InRunControl-Nano-v0").scales[:, 0]
    np.testing.assert_allclose(scales, theirs[[0, 1, 3, 5, 7, 9]], rtol=1e-5)


def test_a_job_that_fails_is_told_in_one_line_and_the_others_go_on(tmp_path: Path) -> None:
    plan = small_plan(**{"algorithm.nonsense": 1})
    reports = list(run_jobs(jobs_of(plan, plan.parts, tmp_path, n_seeds=1), LocalEngine()))
    assert [bool(report.failure) for report in reports] == [True] + [False] * 5
    assert "nonsense" in reports[0].failure
    assert "\n" not in reports[0].failure


def test_a_training_that_another_process_is_at_is_left_to_it(tmp_path: Path) -> None:
    plan = small_plan()
    job = jobs_of(plan, plan.parts, tmp_path)[0]
    job.folder.mkdir(parents=True)
    with FileLock(job.folder / LOCK):
        assert "another process" in run_job(job).failure
    assert not job.is_done


@pytest.mark.slow
def test_two_processes_come_to_the_same_figures_as_one(root: Path, tmp_path: Path) -> None:
    plan = small_plan()
    assert work_off(jobs_of(plan, plan.parts, tmp_path), LocalEngine(workers=2)) == 0
    one, two = read_findings(plan, root), read_findings(plan, tmp_path)
    for testbed in plan.testbeds:
        for agent, judged in one.judged[testbed].items():
            np.testing.assert_array_equal(judged.outcomes, two.judged[testbed][agent].outcomes)
