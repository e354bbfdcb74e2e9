"""The searcher's page of made-up curves: verdicts are computed, and what is missing is said."""

from pathlib import Path

import numpy as np
import pytest

from agents.reproduce.searchers_findings import MAIN, Curves, SearchersFindings
from agents.reproduce.searchers_page import render, write
from agents.reproduce.searchers_plan import SearchersPlan
from agents.reproduce.searchers_tables import ablation_table, aims_of, best_list, must_table, verdict_table
from agents.reproduce.searchers_verdicts import difference, mean_over_seeds, ratios, verdict

TABLES = ("HPOBenchMLP", "LCBench")
N_TASKS = 12


def curves(level: float, *, n_seeds: int = 1, noise: float = 0.0, seed: int = 0) -> Curves:
    """Regret level / trial on tasks that differ, with noise between seeds."""
    rng = np.random.default_rng(seed)
    of_tasks = np.linspace(0.5, 1.5, N_TASKS)
    of_seeds = 1 + noise * rng.standard_normal((n_seeds, N_TASKS))
    regrets = level * (of_seeds * of_tasks)[..., None] / np.arange(1, 51)
    return Curves(tasks=tuple(f"t{i}" for i in range(N_TASKS)), seeds=tuple(range(n_seeds)), regrets=regrets)


def rivals(best: float) -> dict[str, Curves]:
    return {
        "average-rank": curves(2 * best),
        "greedy-regret": curves(1.5 * best),
        "greedy-rank": curves(best),
        "gp-ei": curves(3 * best, n_seeds=5, noise=0.2, seed=1),
        "empirical-prior-gp": curves(0.9 * best),
    }


@pytest.fixture
def findings() -> SearchersFindings:
    """Better than everything on one table, like the best list on the other."""
    plan = SearchersPlan.model_validate(
        {
            "tables": TABLES,
            "budget": 50,
            "variants": {
                MAIN: {"words": "as it is"},
                "grpo-only": {"words": "GRPO alone"},
                "start": {"words": "new", "trained": False},
                "other-tables": {"words": "away", "tables": "others"},
            },
            "parts": {
                "main": {"variants": [MAIN], "n_seeds": 10, "folds": [0, 1, 2, 3, 4]},
                "ablations": {"variants": ["start", "grpo-only"], "n_seeds": 3, "folds": [0]},
                "transfer": {"variants": ["other-tables"], "n_seeds": 3, "folds": [0]},
            },
            "aims": {"trials": [10, 25, 50], "regrets": {"HPOBenchMLP": [0.09, 0.001, 0.02]}},
        }
    )
    ours = {"HPOBenchMLP": curves(0.5, n_seeds=3, noise=0.1), "LCBench": curves(1.0, n_seeds=3, noise=0.3)}
    return SearchersFindings(
        plan=plan,
        variants={
            MAIN: ours,
            "grpo-only": {table: curves(2.0, n_seeds=2) for table in TABLES},
            "start": {"LCBench": curves(1.0)},
            "other-tables": {"LCBench": curves(1.1, n_seeds=2)},
        },
        rivals={table: rivals(1.0) for table in TABLES},
        minutes={MAIN: (2.0, 3.0, 4.0), "grpo-only": ()},
    )


def test_the_best_list_is_that_of_the_budget(findings: SearchersFindings) -> None:
    assert best_list(findings.rivals["LCBench"], 10) == "greedy-rank"
    assert best_list({}, 10) is None


def test_a_difference_is_told_apart_where_its_interval_leaves_out_0() -> None:
    ours = curves(0.5, n_seeds=3, noise=0.1)
    better = difference(ours, curves(1.0), 10)
    assert better.mean == pytest.approx(ours.at(10).mean() - 0.1)
    assert verdict(better) == "better"
    assert verdict(difference(curves(1.0), ours, 10)) == "worse"
    assert verdict(difference(curves(1.0, n_seeds=3, noise=0.3), curves(1.0), 10)) == "not told apart"


def test_a_difference_is_of_the_tasks_that_both_were_judged_on() -> None:
    some = curves(0.5).on(("t3", "t1"))
    assert difference(some, curves(1.0), 1).mean == pytest.approx(-0.5 * np.linspace(0.5, 1.5, N_TASKS)[[1, 3]].mean())


def test_one_seed_has_no_interval_over_seeds() -> None:
    estimate = mean_over_seeds(curves(0.5), 10)
    assert estimate.low == pytest.approx(estimate.high)


def test_ratios_count_tiny_regrets_as_the_smallest() -> None:
    each, overall = ratios([(curves(2.0), curves(1.0)), (curves(0.0), curves(1e-6))], 10)
    assert [estimate.mean for estimate in each] == pytest.approx([2.0, 1.0])
    assert overall.mean == pytest.approx(np.sqrt(2.0))
    assert overall.low <= overall.mean <= overall.high


def test_verdicts_name_the_list_and_say_how_far_aims_are(findings: SearchersFindings) -> None:
    text = verdict_table(findings, "HPOBenchMLP").markdown()
    assert "better (greedy-rank)" in text
    assert "| the aim | reached | missed: 1" in text
    assert aims_of(findings, "HPOBenchMLP")["two thirds of the best rival above"][10] == pytest.approx(0.06)
    assert "| two thirds of the best rival above | reached | reached | reached |" in text


def test_the_bar_is_told_table_by_table(findings: SearchersFindings) -> None:
    first, second = must_table(findings).rows
    assert [cell.text for cell in first[3:7]] == ["yes"] * 4
    assert second[4].text == "no"
    assert second[-1].text == "none declared"


def test_ablations_are_ratios_and_those_told_apart_are_bold(findings: SearchersFindings) -> None:
    table = ablation_table(findings, ["start", "grpo-only"], 10)
    assert table is not None
    start, grpo = table.rows
    assert (start[2].text, start[4].text) == ("-", "-")
    assert grpo[2].is_best
    assert float(grpo[2].text) == pytest.approx(4.0, abs=0.3)


def test_the_page_has_what_is_there_and_names_what_is_not(findings: SearchersFindings, tmp_path: Path) -> None:
    path = write(findings, tmp_path)
    text = path.read_text(encoding="utf-8")
    assert "- main, searcher: 3 of 10 seeds" in text
    assert "- transfer, other-tables: of 3 seeds 0 on HPOBenchMLP, 2 on LCBench" in text
    assert "- rivals on LCBench: random, tpe" in text
    assert "The declared test tasks alone" not in text
    assert "| other-tables: away | 2 |" in text
    assert "| searcher | 3 | 3.0 [2.0, 4.0] |" in text
    assert (tmp_path / "searchers_regret.png").stat().st_size > 10_000


def test_a_page_of_nothing_says_that_nothing_is_there(findings: SearchersFindings) -> None:
    text = render(SearchersFindings(plan=findings.plan))
    assert "## The bar" not in text
    assert "## What is not here" in text
