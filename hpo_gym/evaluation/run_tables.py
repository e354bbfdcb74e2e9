"""A comparison of controlled training runs in words: what they came to, and against which references."""

from collections.abc import Sequence

from hpo_gym.evaluation.compare import Comparison, Estimate
from hpo_gym.evaluation.comparison_tables import Cell, TextTable
from hpo_gym.evaluation.result import EvaluationResult
from hpo_gym.evaluation.rollout import TRAINING_COST
from hpo_gym.evaluation.run_metrics import JUDGED_BY, OFF, TUNED

OUTCOMES_IN_WORDS = {"validation_bpb": "validation bits per byte", "final_loss": "final loss"}
NORMALIZED = "normalised score"


def outcome_name(results: Sequence[EvaluationResult]) -> str:
    """What runs of these results are judged by."""
    return next(name for name in JUDGED_BY if all(name in result.metrics for result in results))


def outcome_table(comparison: Comparison) -> TextTable:
    """One row an agent: its outcome, what it gained on no controller, its normalised score, divergence, cost."""
    outcomes = comparison.final_outcomes()
    columns = {OUTCOMES_IN_WORDS[comparison.outcome_name]: _estimates(comparison, outcomes, "{:.4f}", is_low_best=True)}
    if OFF in comparison.agents:
        gaps = [comparison.outcome_gap(agent, OFF) for agent in comparison.agents]
        columns["below controller-off"] = _estimates(comparison, gaps, "{:.1%}", is_low_best=False)
        scores = comparison.normalized_outcomes(OFF, TUNED) if TUNED in comparison.agents else None
        if scores is not None:
            columns[NORMALIZED] = _estimates(comparison, scores, "{:.3f}", is_low_best=False)
    columns["diverged"] = [Cell(text=f"{result.metrics['diverged'].mean:.0%}") for result in comparison.results]
    if any(TRAINING_COST in result.metrics for result in comparison.results):
        columns["training cost (runs)"] = [_cost(result) for result in comparison.results]
    names = [
        Cell(text=f"{agent} (reference)" if is_reference else agent)
        for agent, is_reference in zip(comparison.agents, comparison.is_reference, strict=True)
    ]
    n_seeds = len(comparison.results[0].seeds)
    split = comparison.results[0].split
    return TextTable(
        title=f"{comparison.env_id}, {n_seeds} {split} run seeds",
        columns=("agent", *columns),
        rows=tuple(zip(names, *columns.values(), strict=True)),
        note=_note(comparison, is_normalized=NORMALIZED in columns),
    )


def _note(comparison: Comparison, *, is_normalized: bool) -> str:
    """How to read the columns and marks that the table has."""
    sentences = ["In brackets 95 % bootstrap intervals over run seeds, agents paired."]
    if any(comparison.is_reference):
        sentences.append("A reference changes the run itself, so it is no competitor.")
    if comparison.is_reference.count(False) > 1:
        sentences.append("The best of those that compete is marked.")
    if is_normalized:
        sentences.append("Normalised: 0 = controller off, 1 = hand-tuned.")
    return " ".join(sentences)


def _estimates(comparison: Comparison, estimates: Sequence[Estimate], form: str, *, is_low_best: bool) -> list[Cell]:
    """A column; the best of those that compete is marked."""
    competing = [e.mean for e, is_reference in zip(estimates, comparison.is_reference, strict=True) if not is_reference]
    best = form.format((min if is_low_best else max)(competing)) if len(competing) > 1 else ""
    return [
        Cell(
            text=form.format(e.mean),
            interval=f"[{form.format(e.low)}, {form.format(e.high)}]",
            is_best=form.format(e.mean) == best and not is_reference,
        )
        for e, is_reference in zip(estimates, comparison.is_reference, strict=True)
    ]


def _cost(result: EvaluationResult) -> Cell:
    metric = result.metrics.get(TRAINING_COST)
    return Cell(text=f"{metric.mean:.1f}" if metric is not None else "-")
