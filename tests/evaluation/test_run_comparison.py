"""Results of training runs side by side: paired by seed, references apart, tables, figures and a page."""

import numpy as np
import pytest
from toy_run import ENV_ID, REFERENCES, build_diverging, build_half, build_off, build_tuned

from hpo_gym.evaluation.compare import Comparison, ComparisonError, compare
from hpo_gym.evaluation.evaluate import evaluate
from hpo_gym.evaluation.plot_style import DARK, LIGHT, to_png
from hpo_gym.evaluation.plots import figures_of
from hpo_gym.evaluation.report import render_report
from hpo_gym.evaluation.result import EvaluationResult
from hpo_gym.evaluation.run_plots import (
    loss_over_updates,
    losses_of,
    outcomes_with_intervals,
    schedules_as_applied,
)
from hpo_gym.evaluation.run_tables import outcome_table


def result_of(agent: str, builder, **options) -> EvaluationResult:
    return evaluate(agent, builder, ENV_ID, **{"n_seeds": 6, "progress": False, **options})


@pytest.fixture(scope="module")
def results() -> list[EvaluationResult]:
    builders = {"controller-off": build_off, "hand-tuned": build_tuned, "half": build_half}
    return [result_of(name, builder) for name, builder in builders.items()]


@pytest.fixture(scope="module")
def comparison(results: list[EvaluationResult]) -> Comparison:
    return compare(results)


def test_gaps_and_scores_are_those_of_the_evaluation_itself(comparison: Comparison) -> None:
    alone = result_of("half", build_half, references=REFERENCES).metrics
    gap = comparison.outcome_gap("half", "controller-off")
    assert (gap.mean, gap.low, gap.high) == pytest.approx(
        (alone["improvement_over_off"].mean, alone["improvement_over_off"].low, alone["improvement_over_off"].high)
    )
    scores = comparison.normalized_outcomes("controller-off", "hand-tuned")
    assert [score.mean for score in scores] == pytest.approx([0.0, 1.0, alone["normalized_score"].mean])
    assert comparison.final_outcomes()[2].mean == pytest.approx(alone["validation_bpb"].mean)


def test_agents_are_paired_whatever_the_order_of_their_seeds(results: list[EvaluationResult]) -> None:
    off, _, half = results
    turned = half.model_copy(
        update={
            "seeds": half.seeds[::-1],
            "outcomes": {"": {name: values[::-1] for name, values in half.outcomes[""].items()}},
        }
    )
    np.testing.assert_array_equal(compare([off, turned]).outcomes, compare([off, half]).outcomes)


def test_a_reference_may_have_another_recipe_and_nobody_else_may(results: list[EvaluationResult]) -> None:
    off, tuned, _ = results
    assert compare([off, tuned]).is_reference == (False, True)
    competitor = tuned.model_copy(update={"is_reference": False})
    with pytest.raises(ComparisonError, match="option 'recipe' differs"):
        compare([off, competitor])


def test_a_result_without_an_outcome_a_seed_is_refused(results: list[EvaluationResult]) -> None:
    off, _, half = results
    with pytest.raises(ComparisonError, match="'half' has no validation_bpb for each of its 6 seeds"):
        compare([off, half.model_copy(update={"outcomes": {}})])


def test_the_table_names_references_and_marks_the_best_of_those_that_compete(comparison: Comparison) -> None:
    table = outcome_table(comparison)
    assert table.columns == (
        *("agent", "validation bits per byte", "below controller-off", "normalised score", "diverged"),
        "training cost (runs)",
    )
    assert [row[0].text for row in table.rows] == ["controller-off", "hand-tuned (reference)", "half"]
    assert [row[1].is_best for row in table.rows] == [False, False, True]
    assert [row[5].text for row in table.rows] == ["-", "-", "5.5"]


def test_without_references_the_table_says_nothing_of_them(comparison, results: list[EvaluationResult]) -> None:
    alone, full = outcome_table(compare(results[2:])), outcome_table(comparison)
    assert alone.columns[2] == "diverged"
    for words in ("A reference", "marked", "Normalised"):
        assert words in full.note
        assert words not in alone.note


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_every_figure_draws_and_describes_every_agent(comparison: Comparison, theme) -> None:
    with_diverged = [*comparison.results, result_of("diverging", build_diverging)]
    for shown in (comparison, compare(with_diverged), compare(comparison.results[:1])):
        for kind in figures_of(shown).values():
            assert to_png(kind.draw(shown, theme)).startswith(b"\x89PNG")
            assert all(agent in kind.describe(shown) for agent in shown.agents)


def test_the_entropy_of_the_text_is_drawn_where_it_is_near(comparison: Comparison) -> None:
    assert " entropy of the text" in [text.get_text() for text in outcomes_with_intervals(comparison).axes[0].texts]


def test_a_run_that_diverged_stays_at_its_last_loss() -> None:
    updates, losses = losses_of(result_of("diverging", build_diverging))
    assert updates.tolist() == [0, 10]
    assert losses.shape == (6, 2)


@pytest.mark.parametrize("figure", [loss_over_updates, schedules_as_applied])
def test_an_agent_whose_runs_all_diverged_cuts_no_figure_short(results: list[EvaluationResult], figure) -> None:
    axes = figure(compare([results[0], result_of("diverging", build_diverging)])).axes
    assert {part.get_xlim() for part in axes} == {(0.0, 30.0)}


def test_the_page_speaks_of_runs(comparison: Comparison) -> None:
    page = render_report(comparison, title="t")
    assert "validation bits per byte" in page
    assert "Normalised regret" not in page
