"""What may be compared, and the figures and tables that come of it."""

from io import StringIO
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from synthetic_results import result_of, searching

from hpo_gym.evaluation.compare import ComparisonError, compare
from hpo_gym.evaluation.comparison_tables import (
    LAYOUTS,
    improvement_table,
    metrics_table,
    regret_table,
    significance_sentences,
)

# Two tasks, two seeds, two trials.
FIRST = [[[0.5, 0.1], [0.5, 0.3]], [[0.4, 0.2], [0.4, 0.2]]]
SECOND = [[[0.3, 0.2], [0.3, 0.2]], [[0.6, 0.2], [0.6, 0.4]]]


def test_figures_are_those_worked_by_hand() -> None:
    comparison = compare([result_of("a", FIRST), result_of("b", SECOND)])
    assert [e.mean for e in comparison.regret_at(1)] == pytest.approx([0.45, 0.45])
    assert [e.mean for e in comparison.regret_at(2)] == pytest.approx([0.2, 0.25])
    assert [e.mean for e in comparison.area_under_regret()] == pytest.approx([0.325, 0.35])
    # Task 0: both average 0.2, a tie; task 1: 0.2 against 0.3.
    np.testing.assert_allclose(comparison.significance(2).ranks, [1.25, 1.75])
    # Task 0: 0.1 beats both, 0.3 neither; task 1: each 0.2 ties with 0.2 and beats 0.4.
    assert comparison.improvement(2)[0][1].mean == pytest.approx((0.5 + 0.75) / 2)


def test_intervals_resample_seeds_within_tasks() -> None:
    comparison = compare([result_of("a", FIRST)])
    (estimate,) = comparison.regret_at(2)
    # Task 0 can come out at 0.1 ... 0.3, task 1 always at 0.2.
    assert (estimate.low, estimate.high) == pytest.approx((0.15, 0.25))


def test_tasks_are_matched_by_name_whatever_their_order() -> None:
    first, second = result_of("a", FIRST), result_of("b", SECOND)
    turned = second.model_copy(update={"per_task": dict(reversed(second.per_task.items()))})
    np.testing.assert_array_equal(compare([first, turned]).regret, compare([first, second]).regret)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"env_id": "x"}, "env_id differs: 'a' has 'hpo_gym/ConfigSelection-HPOBenchMLP-v0', 'b' has 'x'"),
        ({"split": "all"}, "split differs: 'a' has 'test', 'b' has 'all'"),
        ({"budget": 3}, "budget differs: 'a' has 2, 'b' has 3"),
        ({"seeds": [0, 7]}, r"seeds differs: 'a' has \[0, 1\], 'b' has \[0, 7\]"),
        ({"env_kwargs": {"repeat": "end"}}, "option 'repeat' differs: 'a' has None, 'b' has 'end'"),
        ({"per_task": {"task-0": {}}}, "tasks differ: 'a' was evaluated on 'task-1' and 'b' was not"),
        ({"per_task": {"task-0": {}, "task-1": {}, "z": {}}}, "tasks differ: 'b' was evaluated on 'z' and 'a' was not"),
        ({"env_kwargs": {"fidelity": 25}}, "option 'fidelity' differs: 'a' has None, 'b' has 25"),
        ({"regret_curves": {"task-0": [[0.1]]}}, "'b' has no full regret curve"),
        ({"regret_curves": {}}, "'b' carries no regret curves; others do"),
    ],
)
def test_results_that_do_not_belong_together_are_refused_with_the_difference(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ComparisonError, match=message):
        compare([result_of("a", FIRST), result_of("b", SECOND, **changes)])


def test_options_of_the_agents_side_may_differ() -> None:
    other = result_of("b", SECOND, env_kwargs={"observe_pool": True, "action": "unit_cube"})
    assert compare([result_of("a", FIRST), other]).agents == ("a", "b")


def test_a_budget_that_was_said_is_the_budget_that_was_not() -> None:
    assert compare([result_of("a", FIRST), result_of("b", SECOND, env_kwargs={"budget": 2})]).budget == 2


def test_stopping_trainings_early_is_compared_with_whole_trainings_at_the_same_cost() -> None:
    halving = result_of("b", SECOND, env_kwargs={"fidelity": "action"})
    assert compare([result_of("a", FIRST), halving]).agents == ("a", "b")


def test_nothing_to_compare_is_an_error() -> None:
    with pytest.raises(ComparisonError, match="no results"):
        compare([])


def test_a_second_result_of_an_agent_gets_a_name_of_its_own() -> None:
    assert compare([result_of("a", FIRST), result_of("a", SECOND)]).agents == ("a", "a #2")


def test_trial_counts_are_the_usual_ones_within_the_budget() -> None:
    comparison = compare([searching("a", 1.0, budget=30)])
    assert comparison.trial_counts() == (1, 10, 25, 30)
    assert comparison.trial_counts([7, 3]) == (3, 7)
    with pytest.raises(ComparisonError, match="31 trials: the results have 1 to 30"):
        comparison.trial_counts([31])


def test_markdown_marks_the_best_and_carries_intervals() -> None:
    text = regret_table(compare([result_of("a|b", FIRST), result_of("c", SECOND)])).markdown()
    lines = text.splitlines()
    assert "(2 tasks x 2 seeds)" in lines[0]
    assert lines[2] == "| agent | after 1 trial | after 2 trials | mean over 1-2 | rank after 2 |"
    assert lines[4].startswith("| a\\|b | **0.4500** [0.4500, 0.4500] | **0.2000** [0.1500, 0.2500] |")
    assert "**1.25**" in lines[4]
    assert "| **0.4500** [" in lines[5]  # a tie in the first column is marked twice


def test_terminal_table_prints_names_as_they_are() -> None:
    console = Console(file=StringIO(), width=150)
    table = regret_table(compare([result_of("[red]x", FIRST), result_of("c", SECOND)]))
    for layout in LAYOUTS:
        console.print(table.for_terminal(layout))
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert printed.count("[red]x") == 3
    assert "0.2000 [0.1500, 0.2500]" in printed


@pytest.mark.parametrize("width", [72, 80, 120, 200])
def test_terminal_table_shows_whole_figures_however_narrow_the_terminal(width: int) -> None:
    console = Console(file=StringIO(), width=width)
    agents = [searching(name, 0.5, n_tasks=3) for name in ["random", "greedy-rank", "empirical-prior-gp"]]
    console.print(regret_table(compare(agents)).fitting(console))
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\u2026" not in printed
    assert printed.count("[0.") == 15, printed


def test_improvement_table_has_no_figure_on_its_diagonal() -> None:
    table = improvement_table(compare([searching("slow", 0.4), searching("fast", 1.0)]))
    assert [row[1 + i].text for i, row in enumerate(table.rows)] == ["-", "-"]
    assert table.rows[1][1].is_best
    assert not table.rows[0][2].is_best


def test_few_tasks_are_owned_up_to_and_many_tell_agents_apart() -> None:
    few = compare([searching(name, decay, n_tasks=3) for name, decay in [("a", 0.2), ("b", 0.8), ("c", 0.8)]])
    assert "With 3 tasks no pair of 3 agents could differ" in significance_sentences(few)[1]

    many = compare([searching(name, decay) for name, decay in [("a", 0.2), ("b", 0.8), ("c", 0.8)]])
    friedman, groups = significance_sentences(many)
    assert "the agents differ" in friedman
    assert groups.endswith(("do not tell apart: c, b.", "do not tell apart: b, c."))


def test_one_agent_alone_is_not_tested() -> None:
    assert significance_sentences(compare([searching("a", 1.0)])) == []


def test_results_without_trials_still_have_a_table_of_means() -> None:
    plain = {"regret_curves": {}, "score_curves": {}, "budget": 0}
    comparison = compare([result_of("a", FIRST, **plain), result_of("b", SECOND, **plain)])
    assert not comparison.has_curves
    table = metrics_table(comparison, ["normalized_regret@2"])
    assert [row[1].is_best for row in table.rows] == [True, False]
    with pytest.raises(ComparisonError, match="no regret curves"):
        regret_table(comparison)
