"""Hyp-RL's page says what was found, of whole rounds of folds only, and beside the published figures."""

import numpy as np
import pytest

from agents.reproduce.hyprl_findings import MASKED_IN_USE, Asked, Findings, Searches
from agents.reproduce.hyprl_jobs import RIVALS, chosen_variants, jobs_of
from agents.reproduce.hyprl_page import render, write_page
from hpo_gym.evaluation.errors import EvaluationError


def searches_of(agent, level, n_seeds=1, *, is_trained=False, budget=50):
    """Regrets that fall from `level` to half of it on every data set."""
    curve = level * np.linspace(1.0, 0.5, budget)
    spread = 1 + 0.1 * np.arange(n_seeds)
    return Searches(
        agent=agent, is_trained=is_trained, regrets=spread[:, None, None] * np.tile(curve, (n_seeds, 50, 1))
    )


@pytest.fixture
def findings():
    trained = [("hyp-rl", 0.2), (MASKED_IN_USE, 0.18), ("hyp-rl-mask", 0.1)]
    searches = {name: searches_of(name, level, 3, is_trained=True) for name, level in trained}
    searches |= {name: searches_of(name, 0.3, rival.n_seeds, budget=rival.budget) for name, rival in RIVALS.items()}
    asked = Asked(n_trials=np.full((3, 50), 6), first=np.full((3, 5), 2), sequences=np.full((3, 5), 7))
    return Findings(
        searches=searches,
        asked={"hyp-rl": asked, "hyp-rl-mask": asked},
        cpu_s={"hyp-rl": np.full((3, 5), 60.0)},
        versions={"python": "3"},
    )


def row_of(text, agent):
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {agent} |") and "to 0." in line]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_page_shows_ours_beside_the_paper_s(findings):
    text = render(findings)
    assert row_of(text, "hyp-rl")[1:3] == ["3", "0.220 [0.200, 0.240]"]
    assert "| the paper's Hyp-RL |  | 0.201 | 0.160 | 0.137 | 0.135 |" in text
    assert "15 trainings of hyp-rl took 1.0 minutes each" in text
    assert "after 1: 0.220 against 0.201, not told apart" in text
    assert "after 1: 0.110 against 0.201, nearer" in text


def test_policies_rank_among_rivals_data_set_by_data_set(findings):
    text = render(findings)
    assert "| hyp-rl-mask | 1.00 [1.00, 1.00] | 1.00 [1.00, 1.00] | 1.00 [1.00, 1.00] | 1.00 [1.00, 1.00] |" in text


def test_the_cause_of_the_tail_is_counted(findings):
    text = render(findings)
    assert "| hyp-rl | 6.0 | 100% | 6 | 2.0 | 7.0 |" in text
    assert "come from 0.200 to 0.180 after 10 trials" in text


def test_nothing_found_is_a_page_too(tmp_path):
    empty = Findings(searches={}, asked={}, cpu_s={}, versions={})
    assert write_page(empty, tmp_path).read_text().startswith("# Hyp-RL, reproduced")
    assert not (tmp_path / "hyprl_distance.png").exists()


@pytest.mark.slow
def test_the_picture_is_drawn(findings, tmp_path):
    write_page(findings, tmp_path)
    assert (tmp_path / "hyprl_distance.png").stat().st_size > 10_000


def test_the_first_round_of_folds_comes_first_then_rivals(tmp_path):
    jobs = [str(job) for job in jobs_of(tmp_path, n_seeds=2)]
    assert jobs[:2] == ["hyp-rl, fold 0, seed 0", "hyp-rl, fold 1, seed 0"]
    assert jobs[9] == "hyp-rl-mask, fold 4, seed 0"
    assert jobs[10] == "average-rank, fold 0"
    assert jobs[-1] == "hyp-rl-mask, fold 4, seed 1"
    assert not any(job.is_done for job in jobs_of(tmp_path, n_seeds=1))


def test_a_variant_that_is_not_there_is_named():
    assert chosen_variants([]) == ("hyp-rl", "hyp-rl-mask")
    with pytest.raises(EvaluationError, match=r"no variant named 'hyp-rl-msk' .did you mean 'hyp-rl-mask'"):
        chosen_variants(["hyp-rl-msk"])
