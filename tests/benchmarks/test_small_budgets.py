"""The page of small budgets puts agents side by side on the same cells."""

import gymnasium as gym
import numpy as np
import pytest
from synthetic_results import result_of

from agents.reproduce import openml_cells as cells_module
from agents.reproduce.openml_cells import openml_cells
from benchmarks import small_budgets
from hpo_gym.evaluation.evaluate import package_versions
from hpo_gym.evaluation.result import MetricSummary

CELLS = {
    "hpo_gym/ConfigSelection-HPOBenchMLP-v0": ("task-0", "task-1"),
    "hpo_gym/ConfigSelection-LCBench-v0": ("task-0",),
}


def found(agent, env_id, regret, n_seeds=1, budget=25):
    """A result that never gets better."""
    n_tasks = len(CELLS[env_id])
    metrics = {
        f"normalized_regret@{k}": MetricSummary(mean=regret, iqm=regret, low=regret, high=regret) for k in (10, 25)
    }
    curves = np.full((n_tasks, n_seeds, budget), regret)
    return result_of(agent, curves, env_id=env_id, metrics=metrics, versions=package_versions())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Results of random search on both tables, of a list on both, and of a third agent on one."""
    monkeypatch.setattr(small_budgets, "openml_cells", lambda: CELLS)
    monkeypatch.setattr(small_budgets, "BUDGETS", (10, 25))
    mlp, lcbench = CELLS
    for agent, env_id, regret in (
        ("random", mlp, 0.5),
        ("random", lcbench, 0.5),
        ("average-rank", mlp, 0.25),
        ("average-rank", lcbench, 0.75),
        ("tpe", mlp, 0.1),
    ):
        n_seeds, _ = small_budgets.length_of(agent, env_id)
        found(agent, env_id, regret, n_seeds).write(small_budgets.result_path(tmp_path, agent, env_id))
    return tmp_path


def test_the_page_ranks_agents_that_have_all_cells(folder):
    page = small_budgets.markdown(small_budgets.evaluations(None, folder, page_only=True))
    assert page.count("\n## ") == 2
    assert "3 cells" in page
    assert "| random | 300 |  | 0.5000 | 0.5000 | 1.67 | 0.5000 | 0.5000 |" in page
    assert "| average-rank | 1 | 0.667 | 0.7500 | 0.5833 | 1.33 | 0.2500 | 0.7500 |" in page
    assert "| tpe |" not in page
    assert "left out: greedy-regret, greedy-rank, empirical-prior-gp, tpe, gp-ei." in page


def test_an_agent_that_was_played_for_fewer_trials_is_left_out_beyond_them(folder):
    for env_id, budget in zip(CELLS, (10, 25), strict=True):
        found("greedy-rank", env_id, 0.1, budget=budget).write(small_budgets.result_path(folder, "greedy-rank", env_id))
    at_10, at_25 = small_budgets.markdown(small_budgets.evaluations(None, folder, page_only=True)).split("\n## ")[1:]
    assert "| greedy-rank | 1 | 1.000 |" in at_10
    assert "Not played so long" not in at_10
    assert "| greedy-rank |" not in at_25
    assert "Not played so long on every table: greedy-rank." in at_25


def test_what_is_there_is_not_evaluated_again_and_what_is_of_other_tasks_is(folder, monkeypatch):
    asked = []

    def evaluate(agent, build, env_id, **options):
        asked.append((env_id, options["tasks"]))
        return found(agent, env_id, 0.2, options["n_seeds"])

    monkeypatch.setattr(small_budgets, "evaluate", evaluate)
    small_budgets.evaluations("average-rank", folder, page_only=False)
    assert asked == []
    monkeypatch.setattr(small_budgets, "openml_cells", lambda: {**CELLS, next(iter(CELLS)): ("task-1",)})
    small_budgets.evaluations("average-rank", folder, page_only=False)
    assert asked == [("hpo_gym/ConfigSelection-HPOBenchMLP-v0", ("task-1",))]


def test_drawn_cells_are_test_tasks_and_the_same_each_time(data_folder):
    cells = openml_cells()
    assert [len(tasks) for tasks in cells.values()] == [8, 6, 6]
    assert cells == openml_cells()
    for env_id, tasks in list(cells.items())[1:]:
        assert set(tasks) <= set(gym.make(env_id).unwrapped.splits["test"])
    assert cells_module.BUDGETS == (10, 25, 50, 100)
