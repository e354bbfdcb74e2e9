"""The page of the benchmark of attached controllers, from made-up figures."""

import numpy as np
import pytest

from benchmarks.attached_controller import ARMS, HIGH, SETTINGS, best_rate, gain, page, table, wanted

_, SEEDS = SETTINGS["final"]


@pytest.fixture
def found():
    """Every arm is best at 1e-2; the one to be shown is a tenth better than a fixed rate, whatever the seed."""
    gains = {"fixed": 0.0, "jel-plus-nano, peak": 0.1}
    return {
        (arm, rate, seed): (3.0 + abs(np.log10(rate) + 2) + seed / 1000) * (1 - gains.get(arm, 0.05))
        for arm, rate, seed in wanted(SEEDS)
    }


def test_a_gain_is_paired_by_seed(found):
    values = table(found, "final")
    assert best_rate(values, "fixed") == 1e-2
    assert gain(values, "jel-plus-nano, peak", 1e-2) == "+10.00 [+10.00, +10.00]"
    assert gain(values, "fixed", 1e-2) == "+0.00 [+0.00, +0.00]"


def test_seeds_that_are_not_done_for_all_arms_are_left_out(found):
    del found["cosine", HIGH[0], SEEDS[3]]
    values = table(found, "final")
    assert {len(seeds) for seeds in values.values()} == {len(SEEDS) - 1}


def test_the_page_shows_every_arm_at_its_rates(found):
    text = page(table(found, "final"), "final")
    assert f"{len(SEEDS)} seeds" in text
    assert "| 0.01 (best fixed) |" in text
    for arm, (_, rates) in ARMS.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| {arm} |"))
        assert sum(cell.strip() != "" for cell in row.split("|")[2:-1]) == len(rates)
