"""What a controller costs: episodes of its training, and its seconds over those of a run that it is used on.

Seconds are a processor's, with one thread in training and in use: on a machine with nothing else to do they are the
wall clock that the paper counts by.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.reproduce.pictures import WINDOW, trailing_means, training_scores
from agents.reproduce.records import CPU, OUTCOME, Findings, Training
from hpo_gym.evaluation.comparison_tables import Cell, TextTable

PAPER_EPISODES, PAPER_RUN_EQUIVALENTS = 400, 5.6


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
    """One row a variant: the whole training, and the part of it after which it was where `against` ended."""
    logged = {
        name: [t for t in findings.trainings[trained_on][name] if t.has(OUTCOME) and t.has(CPU)] for name in variants
    }
    trainings = {name: found for name, found in logged.items() if found}
    run_s = deployed_run_s(findings, deployed_on)
    target = final_outcome(trainings[against]) if against in trainings else None
    score = training_scores(findings.judged[trained_on])
    rows = []
    for name, theirs in trainings.items():
        seconds = float(np.median([t.cpu_s for t in theirs]))
        first = [] if target is None else [r for t in theirs if (r := reached(t, target)) is not None]
        rows.append(
            (
                Cell(text=name),
                Cell(text=f"{np.median([t.n_episodes for t in theirs]):.0f}"),
                Cell(text=f"{seconds:.0f}"),
                _equivalents(seconds, run_s),
                Cell(text="" if score is None else f"{score(np.array(final_outcome(theirs))):.3f}"),
                Cell(text=f"{len(first)} of {len(theirs)}"),
                Cell(text=f"{np.median([r.n_episodes for r in first]):.0f}" if first else ""),
                _equivalents(float(np.median([r.cpu_s for r in first])) if first else None, run_s),
            )
        )
    columns = ("", "episodes", "seconds", "run equivalents", "score at the end", f"seeds that come to {against}'s end")
    return TextTable(
        title=f"Trained on {trained_on}" + (f", used on {deployed_on}: {run_s:.0f} s a run" if run_s else ""),
        columns=(*columns, "after episodes", "after run equivalents"),
        rows=(*rows, _papers(len(columns))),
    )


def _equivalents(seconds: float | None, run_s: float | None) -> Cell:
    return Cell(text="" if seconds is None or run_s is None else f"{seconds / run_s:.1f}")


def _papers(n_columns: int) -> tuple[Cell, ...]:
    texts = ["the paper's JEL", f"{PAPER_EPISODES}", "", f"{PAPER_RUN_EQUIVALENTS}"]
    return tuple(Cell(text=text) for text in texts + [""] * (n_columns + 2 - len(texts)))
