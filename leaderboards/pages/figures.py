"""A board's figures, as files for light and for dark pages, and who beats whom."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hpo_gym.evaluation.compare import Comparison, Estimate, compare
from leaderboards.board import Board
from leaderboards.pages.wording import wording_of
from leaderboards.standings import Entry

MOST_AGENTS = 10
"""In one figure: more lines than that are not told apart."""
LONGEST_NAME = 24
"""Characters of an agent's name in a figure: longer ones would leave no room for the axes."""

_WORDS = {
    "regret": "Regret over trials",
    "rank": "Rank over trials",
    "profile": "Performance profiles",
    "critical_difference": "Critical differences",
    "loss": "Loss over the run",
    "schedules": "Schedules as applied",
    "outcomes": "Outcomes",
}


@dataclass(frozen=True, kw_only=True)
class BoardFigure:
    """One figure: the names of its files, and what is said beside it and to readers who cannot see it."""

    heading: str
    light: str
    dark: str
    width: int
    height: int
    caption: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Duel:
    """How likely the row's agent beats the column's; `tenth` is the probability in tenths, for its shade."""

    text: str
    interval: str
    tenth: int
    is_certain: bool


@dataclass(frozen=True, kw_only=True)
class Duels:
    """Of all pairs; None on the diagonal."""

    question: str
    agents: tuple[str, ...]
    rows: tuple[tuple[Duel | None, ...], ...]


def shown_in_figures(board: Board, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The board's rivals and the best of the others, `MOST_AGENTS` together, in the order of the entries."""
    scored = [entry for entry in entries if entry.record]
    by_need = sorted(scored, key=lambda entry: (entry is not scored[0], not entry.is_rival, entry.rank is None))
    chosen = {entry.name for entry in by_need[:MOST_AGENTS]}
    return tuple(entry for entry in scored if entry.name in chosen)


def comparison_of(board: Board, entries: Sequence[Entry]) -> Comparison | None:
    """Those with a record side by side; None where there are none."""
    if not any(entry.record for entry in entries):
        return None
    results = [entry.record.result(board) for entry in entries if entry.record]
    return compare([result.model_copy(update={"agent": shortened(result.agent)}) for result in results])


def shortened(agent: str) -> str:
    """A name as figures have it."""
    return agent if len(agent) <= LONGEST_NAME else f"{agent[: LONGEST_NAME - 1]}…"


def draw_figures(comparison: Comparison, folder: Path) -> tuple[BoardFigure, ...]:
    """Write FIGURE-light.svg and FIGURE-dark.svg of each kind into a folder, which is made."""
    from hpo_gym.evaluation.plot_style import LIGHT, to_svg
    from hpo_gym.evaluation.plots import figures_of

    folder.mkdir(parents=True, exist_ok=True)
    figures = []
    for name, kind in figures_of(comparison).items():
        drawn = kind.draw(comparison, LIGHT)
        svg = to_svg(drawn)
        (folder / f"{name}-light.svg").write_bytes(svg)
        (folder / f"{name}-dark.svg").write_bytes(in_the_dark(svg))
        width, height = drawn.get_size_inches()
        figures.append(
            BoardFigure(
                heading=_WORDS[name],
                light=f"{name}-light.svg",
                dark=f"{name}-dark.svg",
                width=round(96 * width),
                height=round(96 * height),
                caption=kind.caption,
                description=kind.describe(comparison),
            )
        )
    return tuple(figures)


def in_the_dark(svg: bytes) -> bytes:
    """A figure of the light theme with the dark one's colours: half the time of drawing it again."""
    from hpo_gym.evaluation.plot_style import DARK, LIGHT

    pairs = [
        *((getattr(LIGHT, name), getattr(DARK, name)) for name in ("background", "ink", "muted", "grid", "neutral")),
        *zip(LIGHT.palette, DARK.palette, strict=True),
    ]
    colours = {light.lower().encode(): dark.lower().encode() for light, dark in pairs}
    return re.sub(rb"#[0-9a-f]{6}", lambda found: colours.get(found[0], found[0]), svg)


def duels(comparison: Comparison) -> Duels | None:
    """Pairwise probabilities of improvement at the end; None for fewer than two agents."""
    if len(comparison.agents) < 2:
        return None
    if comparison.has_runs:
        estimates = comparison.outcome_improvement()
        what = wording_of(comparison.outcome_name).heading.lower()
    else:
        estimates = comparison.improvement(comparison.budget)
        what = f"regret after {comparison.budget} trials"
    return Duels(
        question=f"How likely a run of the row's agent ends with a lower {what} than one of the column's",
        agents=comparison.agents,
        rows=tuple(
            tuple(None if i == j else _duel(estimate) for j, estimate in enumerate(row))
            for i, row in enumerate(estimates)
        ),
    )


def _duel(estimate: Estimate) -> Duel:
    return Duel(
        text=f"{estimate.mean:.2f}",
        interval=f"{estimate.low:.2f}–{estimate.high:.2f}",
        tenth=round(10 * estimate.mean),
        is_certain=estimate.low > 0.5,
    )
