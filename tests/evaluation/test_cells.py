"""BtR, MP, MnP and MnR over cells of several tables, worked by hand."""

import numpy as np
import pytest

from hpo_gym.evaluation.cells import cell_figures


def constant(*values, n_seeds=1):
    """Cells whose incumbent never changes: (n_seeds, 3) each."""
    return [np.full((n_seeds, 3), value) for value in values]


def test_four_figures_of_three_agents_on_three_cells():
    curves = {
        "random": constant(0.5, 0.6, 0.7, n_seeds=4),
        "ours": constant(0.6, 0.6, 0.2),
        "theirs": constant(0.4, 0.9, 0.3),
    }
    found = cell_figures(curves, 2, np.random.default_rng(0))
    assert found["random"].beat_random is None
    assert found["ours"].beat_random.mean == pytest.approx((1 + 0.5 + 0) / 3)
    assert found["ours"].median_performance.mean == 0.6
    assert found["theirs"].mean_performance.mean == pytest.approx(1.6 / 3)
    assert [found[name].rank.mean for name in curves] == pytest.approx([(2 + 2.5 + 1) / 3, (1 + 2.5 + 3) / 3, 2.0])
    assert (found["ours"].rank.low, found["ours"].rank.high) == pytest.approx((found["ours"].rank.mean,) * 2)


def test_the_trial_decides_and_intervals_are_of_seeds():
    noisy = [np.array([[0.1, 0.2], [0.1, 0.6]])]
    found = {k: cell_figures({"ours": noisy}, k, np.random.default_rng(0))["ours"] for k in (1, 2)}
    assert (found[1].mean_performance.low, found[1].mean_performance.high) == pytest.approx((0.1, 0.1))
    assert found[2].mean_performance.mean == pytest.approx(0.4)
    assert (found[2].mean_performance.low, found[2].mean_performance.high) == pytest.approx((0.2, 0.6))
    assert found[2].beat_random is None


def test_means_of_the_same_scores_in_another_order_are_ties():
    values = np.random.default_rng(1).random((7, 1))
    found = cell_figures({"random": [values], "ours": [values[::-1]]}, 1, np.random.default_rng(0))
    assert found["ours"].beat_random.mean == 0.5
    assert found["ours"].rank.mean == 1.5


def test_agents_with_other_cells_are_refused():
    with pytest.raises(ValueError, match=r"agents need the same cells; there are \{'a': 1, 'b': 2\}"):
        cell_figures({"a": constant(1.0), "b": constant(1.0, 2.0)}, 1, np.random.default_rng(0))
