"""What a controller costs: episodes of its training, and its seconds over those of a run that it is used on.

Seconds are a processor's, with one thread in training and in use: on a machine with nothing else to do they are the
wall clock that the paper counts by.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.reproduce.pictures import WINDOW, trailing_means
from agents.reproduce.records import CPU, OUTCOME, Findings, Training
from agents.reproduce.tables import score
from hpo_gym.evaluation.comparison_tables import Cell, TextTable

PAPER_EPISODES = 400
PAPER_PRICE = 5.6 / PAPER_EPISODES
"""Run equivalents an episode."""

PAID = ("episodes", "run equivalents", "at the paper's price")


@dataclass(frozen=True, kw_only=True)
class Reached:
    """When training runs first came to an outcome, averaged over the last updates: episodes and seconds until then."""

    n_episodes: float
    cpu_s: float


def final_outcome(trainings: Sequence[Training]) -> float:
    """Mean over seeds of what the training runs of the last updates came to."""
    return float(np.mean([trailing_means(t.curve("n_episodes", OUTCOME)[1], WINDOW)[-1] for t in trainings]))


def reached(training: Training, target: float) -> Reached | None:
    """When a training reached an outcome; None where it never did."""
    episodes, outcomes = training.curve("n_episodes", OUTCOME)
    seconds, _ = training.curve(CPU, OUTCOME)
    is_there = np.flatnonzero(trailing_means(outcomes, WINDOW) <= target)
    if not len(is_there):
        return None
    return Reached(n_episodes=float(episodes[is_there[0]]), cpu_s=float(seconds[is_there[0]]))


def deployed_run_s(findings: Findings, testbed: str) -> float | None:
    """Median seconds of one run under a trained controller, evaluated alone; None where there is none yet."""
    alone = [
        seconds
        for judged in findings.judged[testbed].values()
        for result, seconds in zip(judged.results, judged.cpu_s.tolist(), strict=True)
        if judged.training_seeds and len(result.seeds) == 1 and np.isfinite(seconds)
    ]
    return float(np.median(alone)) if alone else None


def cost_table(
    findings: Findings, trained_on: str, deployed_on: str, variants: Sequence[str], against: str = "jel"
) -> TextTable:
    """One row a variant that is judged on `trained_on`: the whole training, and the part of it after which it was where
    `against` ended. What was trained on something cheaper has a price here, and none in the paper.
    """
    own = findings.trainings.get(trained_on, {})
    others = {name: found for each in findings.trainings.values() for name, found in each.items() if name not in own}
    trainings = {name: found for name, found in {**own, **others}.items() if name in variants}
    logged = {name: [t for t in own.get(name, ()) if t.has(OUTCOME, CPU)] for name in trainings}
    run_s = deployed_run_s(findings, deployed_on)
    target = final_outcome(logged[against]) if logged.get(against) else None
    judged = findings.judged[trained_on]
    rows = []
    for name, theirs in trainings.items():
        n_episodes = float(np.median([t.n_episodes for t in theirs]))
        seconds = float(np.median([t.cpu_s for t in theirs]))
        first = [] if target is None else [r for t in logged[name] if (r := reached(t, target)) is not None]
        points = score(judged[name], judged) if name in judged else None
        there = _paid(_median([r.n_episodes for r in first]), _median([r.cpu_s for r in first]), run_s)
        rows.append(
            (
                Cell(text=name),
                *_paid(n_episodes, seconds, run_s, is_papers=name in own),
                Cell(text="" if points is None else f"{points.mean:.3f} [{points.low:.3f}, {points.high:.3f}]"),
                Cell(text=f"{len(first)} of {len(logged[name])}" if target is not None and logged[name] else ""),
                *there,
            )
        )
    columns = ("", *PAID, "normalised score", f"seeds that come to where {against} ends", *(f"... {w}" for w in PAID))
    papers = (
        Cell(text="the paper's JEL"),
        *_paid(PAPER_EPISODES, np.nan, None),
        Cell(text="0.755"),
        *[Cell(text="")] * 4,
    )
    return TextTable(
        title=f"Judged on {trained_on}" + (f", used on {deployed_on}: {run_s:.0f} s a run" if run_s else ""),
        columns=columns,
        rows=(*rows, papers),
    )


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if values else np.nan


def _paid(n_episodes: float, seconds: float, run_s: float | None, *, is_papers: bool = True) -> tuple[Cell, Cell, Cell]:
    """Episodes, the run equivalents that they were here, and those that they would have been in the paper."""
    here = np.nan if run_s is None else seconds / run_s
    papers = n_episodes * PAPER_PRICE if is_papers else np.nan
    figures = ((n_episodes, "{:.0f}"), (here, "{:.1f}"), (papers, "{:.2f}"))
    cells = [Cell(text="" if np.isnan(value) else form.format(value)) for value, form in figures]
    return cells[0], cells[1], cells[2]
