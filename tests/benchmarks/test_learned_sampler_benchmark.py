"""The benchmark of the sampler: its problems are the tables' own rows, its records survive a stop, its page adds up."""

import numpy as np
import pytest

from benchmarks.learned_sampler_page import curves_of, markdown, resampled
from benchmarks.sampler_grids import ordered_grid, svm_grid
from benchmarks.sampler_records import Record, append, read


def record(task, sampler, seed, regret, group="T"):
    regrets = tuple(np.linspace(1, regret, 50).tolist())
    return Record(group=group, problem=task, sampler=sampler, seed=seed, regrets=regrets, cpu_s=1.0)


def test_every_configuration_of_a_grid_is_a_row_and_the_past_has_its_score():
    pool = np.array([[a, b, 1 - b] for a in (0, 0.5, 1) for b in (0, 1)], np.float32)
    grid = ordered_grid((0,), (1, 2))(pool)
    past = grid.past({"task": np.arange(6.0)})
    assert sorted(past.tasks[0].scores) == list(range(6))
    rows = {grid.row({"x0": a, "x1_2": b}) for a in range(3) for b in range(2)}
    assert rows == set(range(6))


def test_parameters_that_a_kernel_does_not_have_make_no_difference():
    kernels = np.eye(3)
    rows = [[*kernels[0], c, g, 0] for c in (0, 1) for g in (0.2, 0.7)]
    rows += [[*kernels[1], c, 0.5, d] for c in (0, 1) for d in (0.3, 0.6)]
    rows += [[*kernels[2], c, 0.5, 0] for c in (0, 1)]
    grid = svm_grid(np.array(rows, np.float32))
    linear = {grid.row({"kernel": "linear", "c": 1, "gamma": g, "degree": d}) for g in range(2) for d in range(2)}
    assert linear == {9}
    assert grid.row({"kernel": "rbf", "c": 1, "gamma": 1, "degree": 0}) == 3
    assert grid.row({"kernel": "polynomial", "c": 0, "gamma": 1, "degree": 1}) == 5


def test_a_record_that_was_cut_off_is_left_out_and_the_next_one_whole(tmp_path):
    path = tmp_path / "studies.jsonl"
    append(path, record("a", "TPE", 0, 0.5))
    with path.open("a") as file:
        file.write('{"group": "T", "prob')
    append(path, record("a", "TPE", 1, 0.5))
    assert [r.seed for r in read(path)] == [0, 1]


def test_a_sampler_is_shown_where_it_played_every_task_and_better_where_it_is():
    records = [
        record(t, s, seed, r) for t in "abcd" for s, r in (("learned, with past", 0.1), ("TPE", 0.2)) for seed in (0, 1)
    ]
    records.append(record("a", "GP", 0, 0.3))
    assert set(curves_of(records, "T")) == {"learned, with past", "TPE"}
    page = markdown(records, ["## What a suggestion takes"])
    line = next(line for line in page.splitlines() if line.startswith("| learned, with past, less TPE"))
    assert line.count("better") == 3
    assert "GP |" not in page.split("## What a study costs")[0]


def test_intervals_are_over_tasks_and_seeds():
    curves = [np.full((2, 50), value) for value in (0.1, 0.3)]
    drawn = np.array([[0, 0], [0, 1], [1, 1]])
    assert resampled(curves, drawn, 10).tolist() == pytest.approx([0.1, 0.2, 0.3])
