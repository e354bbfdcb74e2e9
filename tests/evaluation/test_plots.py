"""Figures: what they show, one look an agent, labels that do not overlap."""

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_results import result_of, searching

from hpo_gym.evaluation.compare import Comparison, ComparisonError, compare
from hpo_gym.evaluation.plot_style import DARK, LIGHT, Theme, agent_styles, spread, to_png, to_svg
from hpo_gym.evaluation.plots import (
    FIGURES,
    figures_of,
    mean_and_band,
    performance_profile,
    rank_over_trials,
    regret_over_trials,
)


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    decays = {"random": 0.4, "tpe": 0.6, "gp-ei": 0.8}
    return compare([searching(name, decay, n_tasks=4, budget=20) for name, decay in decays.items()])


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_every_figure_draws_in_both_themes_without_touching_global_settings(
    comparison: Comparison, name: str, theme: Theme
) -> None:
    settings = dict(matplotlib.rcParams)
    figure = FIGURES[name].draw(comparison, theme)
    assert to_png(figure).startswith(b"\x89PNG")
    assert dict(matplotlib.rcParams) == settings


def test_the_same_comparison_gives_the_same_bytes(comparison: Comparison) -> None:
    assert to_svg(regret_over_trials(comparison)) == to_svg(regret_over_trials(comparison))


def test_an_agent_looks_the_same_in_every_figure(comparison: Comparison) -> None:
    regret = [line.get_color() for line in regret_over_trials(comparison).axes[0].lines]
    ranks = [line.get_color() for line in rank_over_trials(comparison).axes[0].lines]
    profile = [line.get_color() for line in performance_profile(comparison).axes[0].lines]
    assert regret == ranks == profile
    assert len(set(regret)) == 3


def test_random_search_is_grey_and_takes_no_colour_of_the_palette() -> None:
    with_random = agent_styles(["random", "a", "b"], LIGHT)
    without = agent_styles(["a", "b"], LIGHT)
    assert with_random["random"].color == LIGHT.neutral
    assert with_random["a"] == without["a"]


def test_more_agents_than_colours_differ_in_their_lines() -> None:
    styles = agent_styles([f"agent-{i}" for i in range(24)], LIGHT)
    assert len({(style.color, str(style.linestyle)) for style in styles.values()}) == 24


def test_lines_are_the_means_over_tasks_and_seeds(comparison: Comparison) -> None:
    lines = regret_over_trials(comparison).axes[0].lines
    np.testing.assert_allclose(lines[0].get_ydata(), comparison.regret[0].mean(axis=(0, 1)))
    ranks = np.array([line.get_ydata() for line in rank_over_trials(comparison).axes[0].lines])
    np.testing.assert_allclose(ranks.sum(axis=0), 6.0)


def test_a_profile_is_the_share_of_runs_within_tau() -> None:
    regret = np.array([[[0.1], [0.2]], [[0.3], [0.9]]])
    (line,) = performance_profile(compare([result_of("a", regret)])).axes[0].lines
    tau, share = line.get_xdata(), line.get_ydata()
    for at, expected in [(0.09, 0.0), (0.15, 0.25), (0.25, 0.5), (0.5, 0.75), (1.0, 1.0)]:
        assert share[np.searchsorted(tau, at, side="right") - 1] == expected


def test_bands_hold_the_mean_and_have_no_width_without_spread() -> None:
    values = np.random.default_rng(0).random((3, 8, 5))
    mean, low, high = mean_and_band(values)
    assert ((low < mean) & (mean < high)).all()
    mean, low, high = mean_and_band(np.full((2, 3, 4), 0.5))
    np.testing.assert_allclose([low, high], [mean, mean])


def test_agents_that_find_the_best_at_once_can_be_drawn_on_log_axes() -> None:
    perfect = compare([result_of("a", np.zeros((2, 3, 4))), result_of("b", np.full((2, 3, 4), 0.2))])
    for kind in figures_of(perfect).values():
        to_png(kind.draw(perfect, LIGHT))


def test_one_agent_and_one_trial_are_enough_for_the_figures_without_ranks() -> None:
    alone = compare([result_of("package.module:a_builder_with_a_long_name", np.full((1, 2, 1), 0.3))])
    assert tuple(figures_of(alone)) == ("regret", "profile")
    for kind in figures_of(alone).values():
        to_png(kind.draw(alone, LIGHT))


def test_results_without_curves_say_so() -> None:
    plain = compare([result_of("a", np.ones((1, 1, 1)), regret_curves={}, score_curves={}, budget=0)])
    for draw in (regret_over_trials, figures_of):
        with pytest.raises(ComparisonError, match="no regret curves"):
            draw(plain)


def test_descriptions_name_every_agent(comparison: Comparison) -> None:
    for kind in FIGURES.values():
        assert all(agent in kind.describe(comparison) for agent in comparison.agents)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_spread_labels_keep_their_order_their_distance_and_the_frame(wanted: list[float]) -> None:
    gap = 0.06
    placed = spread(wanted, gap, 0.0, 1.0)
    ordered = placed[np.argsort(wanted, kind="stable")]
    assert (np.diff(ordered) >= gap - 1e-9).all()
    assert placed.min() >= -1e-9
    assert placed.max() <= 1 + 1e-9


def test_labels_with_room_stay_where_they_are() -> None:
    np.testing.assert_allclose(spread([0.9, 0.1, 0.5], 0.1, 0, 1), [0.9, 0.1, 0.5])
    np.testing.assert_allclose(spread([0.5, 0.5], 0.1, 0, 1), [0.45, 0.55])
