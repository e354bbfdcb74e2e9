"""Who is shown in a board's figures, and how these come by their dark colours."""

import dataclasses
import re
from pathlib import Path

import pytest

from benchmarks.made_up_leaderboard import RUN, SEARCH
from hpo_gym.evaluation.plot_style import DARK, to_svg
from hpo_gym.evaluation.run_plots import outcomes_with_intervals
from leaderboards.pages.figures import (
    LONGEST_NAME,
    MOST_AGENTS,
    comparison_of,
    duels,
    in_the_dark,
    shortened,
    shown_in_figures,
)
from leaderboards.standings import Entry, standings
from leaderboards.store import Store


@pytest.fixture(scope="module")
def runs(store: Store) -> tuple[Entry, ...]:
    return standings(store, store.boards[RUN])


def test_rivals_and_the_best_of_the_others_are_shown_in_their_order(store: Store) -> None:
    board = store.boards[SEARCH]
    entries = standings(store, board)
    shown = shown_in_figures(board, entries)
    assert len(shown) == MOST_AGENTS
    assert [e.name for e in shown] == [e.name for e in entries if e in shown]
    assert {e.manifest.agent for e in entries if e.is_rival} <= {e.manifest.agent for e in shown}
    left_out = [e for e in entries if e.record and e not in shown]
    assert min(e.rank for e in left_out) > max(e.rank for e in shown if not e.is_rival)


def test_the_best_is_shown_however_many_rivals_there_are(store: Store) -> None:
    board = store.boards[SEARCH]
    best, *rest = standings(store, board)
    crowd = [dataclasses.replace(entry, is_rival=True) for entry in rest]
    assert shown_in_figures(board, [dataclasses.replace(best, is_rival=False), *crowd])[0].name == best.name


def test_a_dark_figure_is_the_light_one_in_other_colours(store: Store, runs: tuple[Entry, ...], tmp_path: Path) -> None:
    comparison = comparison_of(store.boards[RUN], runs)
    assert comparison

    def without_ids(svg: bytes) -> bytes:  # which matplotlib makes of contents, colours included
        return re.sub(rb"\b[mp][0-9a-f]{10}\b", b"", svg)

    drawn_dark = to_svg(outcomes_with_intervals(comparison, DARK))
    recoloured = in_the_dark(to_svg(outcomes_with_intervals(comparison)))
    assert without_ids(recoloured) == without_ids(drawn_dark)


def test_probabilities_of_improvement_of_runs_face_each_other(store: Store, runs: tuple[Entry, ...]) -> None:
    comparison = comparison_of(store.boards[RUN], runs)
    assert comparison
    found = duels(comparison)
    assert found
    assert "validation bits per byte" in found.question
    for i, row in enumerate(found.rows):
        for j, duel in enumerate(row):
            other = found.rows[j][i]
            assert (duel is None) == (i == j)
            if duel and other:
                assert float(duel.text) + float(other.text) == pytest.approx(1.0, abs=0.011)
                assert not (duel.is_certain and other.is_certain)


def test_long_names_leave_room_for_the_axes() -> None:
    assert shortened("jel") == "jel"
    assert len(shortened("a" * 48)) == LONGEST_NAME
    assert shortened("a" * 48).endswith("a…")


def test_nothing_to_compare_is_no_figure(store: Store, runs: tuple[Entry, ...]) -> None:
    assert comparison_of(store.boards[RUN], ()) is None
    alone = comparison_of(store.boards[RUN], runs[:1])
    assert alone
    assert duels(alone) is None
