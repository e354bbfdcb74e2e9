"""From recorded episodes to the figures of a result: every metric, its interval, its value on each task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hpo_gym.evaluation import metrics as m
from hpo_gym.evaluation import run_metrics as r
from hpo_gym.evaluation.cells import RANDOM, without_rounding_errors
from hpo_gym.evaluation.episode_batch import EpisodeBatch
from hpo_gym.evaluation.intervals import Floats, iqm, percentile_interval, resampled_means
from hpo_gym.evaluation.result import MetricSummary
from hpo_gym.evaluation.rollout import OUTCOMES, TRAINING_COST

CURVE_METRICS = ("normalized_regret", "area_under_regret")
PLAIN_METRICS = ("return", *OUTCOMES, "improvement_over_off", "normalized_score", TRAINING_COST)
CELL_METRICS = ("median_performance", "mean_performance", "rank", "beat_random")


@dataclass(kw_only=True)
class Summary:
    """The computed part of an `EvaluationResult`; see there."""

    metrics: dict[str, MetricSummary] = field(default_factory=dict)
    per_task: dict[str, dict[str, float]] = field(default_factory=dict)
    regret_curves: dict[str, list[list[float]]] = field(default_factory=dict)
    score_curves: dict[str, list[list[float]]] = field(default_factory=dict)
    loss_curves: dict[str, list[list[float]]] = field(default_factory=dict)
    applied: dict[str, dict[str, list[list[float]]]] = field(default_factory=dict)
    outcomes: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, name: str, mean: float, values: Floats, resampled: Floats, task_values: Floats) -> None:
        """Put in a metric: its mean, all values, (n_resamples,) bootstrapped means, (n_tasks,) tasks' own."""
        low, high = percentile_interval(resampled)
        self.metrics[name] = MetricSummary(mean=mean, iqm=float(iqm(values)), low=float(low), high=float(high))
        for figures, value in zip(self.per_task.values(), task_values, strict=True):
            figures[name] = float(value)

    def keep(self, names: Sequence[str]) -> None:
        """Drop all other metrics; a name that was not computed is a `KeyError`."""
        self.metrics = {name: self.metrics[name] for name in names}
        for task_id, figures in self.per_task.items():
            self.per_task[task_id] = {name: figures[name] for name in names}


def check_metric_name(name: str) -> None:
    """A name that no evaluation computes is a `ValueError` that lists those that there are."""
    metric, at, k = name.partition("@")
    if at and metric in (*CURVE_METRICS, *CELL_METRICS) and k.isdigit() and int(k) > 0:
        return
    if not at and name in PLAIN_METRICS:
        return
    known = ", ".join([*(f"{metric}@K" for metric in (*CURVE_METRICS, *CELL_METRICS)), *PLAIN_METRICS])
    raise ValueError(f"unknown metric {name!r}; there are {known}")


class References:
    """The agents that others are compared with.

    Their curves, and their means over bootstrapped seeds, are computed once for as many agents as are compared with
    them: the draws follow from the generator's state, which is the same each time.

    Args:
        batches: agent -> one batch a task.
    """

    def __init__(self, batches: Mapping[str, Sequence[EpisodeBatch]]) -> None:
        self.batches = batches
        self._curves: dict[tuple[str, int], Floats] = {}
        self._drawn: dict[tuple[str, tuple[int, ...], str], tuple[Floats, dict[str, Any]]] = {}

    def curves(self, budget: int) -> dict[str, Floats]:
        """Agent -> (n_tasks, n_seeds, budget) raw score of the incumbent."""
        for name, theirs in self.batches.items():
            if (name, budget) not in self._curves:
                self._curves[name, budget] = _incumbent_curves(theirs, budget)
        return {name: self._curves[name, budget] for name in self.batches}

    def drawn(self, name: str, curves: Floats, counts: tuple[int, ...], rng: np.random.Generator) -> Floats:
        """(n_resamples, n_tasks, n_counts): as `resampled_means`, the generator's state afterwards included."""
        key = name, counts, repr(rng.bit_generator.state)
        if key not in self._drawn:
            means = resampled_means(curves[..., np.array(counts) - 1], rng)
            self._drawn[key] = means, dict(rng.bit_generator.state)
        means, rng.bit_generator.state = self._drawn[key]
        return means


def summarise(
    batches: Sequence[EpisodeBatch],
    references: References,
    *,
    budget: int,
    counts: Sequence[int],
    rng: np.random.Generator,
) -> Summary:
    """All metrics of one agent.

    Args:
        batches: one a task, all with the same number of seeds.
        references: whom the metrics of the kind "better than whom" compare with.
        budget: length of the curves; 0 where there are no trials.
        counts: the K of the metrics' names.
        rng: of the bootstrap.
    """
    summary = Summary(per_task={batch.task_id: {} for batch in batches})
    plain = {"return": np.stack([batch.returns for batch in batches])}  # name -> (n_tasks, n_seeds)
    for name in (*OUTCOMES, TRAINING_COST):
        values = _outcomes(batches, name)
        if values is not None:
            plain[name] = values
    runs = _paired_outcomes(batches, references.batches)
    if r.OFF in runs:
        plain["improvement_over_off"] = r.improvement_over_off(runs[batches[0].agent], runs[r.OFF])
    if budget:
        curves = _incumbent_curves(batches, budget)  # (n_tasks, n_seeds, budget)
        summary.score_curves = _by_task(batches, curves)
        if all(np.isfinite([batch.best_score, batch.worst_score]).all() for batch in batches):
            best = np.stack([batch.best_score for batch in batches])
            worst = np.stack([batch.worst_score for batch in batches])
            regret = m.normalized_regret(curves, best, worst)
            summary.regret_curves = _by_task(batches, regret)
            for k in counts:
                plain[f"normalized_regret@{k}"] = m.normalized_regret_at(regret, k)
                plain[f"area_under_regret@{k}"] = m.area_under_regret(regret, k)
    _add_plain(summary, plain, rng)
    if {r.OFF, r.TUNED} <= runs.keys():
        _add_normalized_score(summary, runs[batches[0].agent], runs[r.OFF], runs[r.TUNED], rng)
    _keep_courses(summary, batches)
    if budget:
        _add_cell_metrics(summary, curves, references, tuple(counts), batches[0].agent == RANDOM, rng)
    return summary


def _outcomes(batches: Sequence[EpisodeBatch], name: str) -> Floats | None:
    """(n_tasks, n_seeds) of an outcome; None where an episode lacks it."""
    if all(name in batch.outcomes and np.isfinite(batch.outcomes[name]).all() for batch in batches):
        return np.stack([batch.outcomes[name] for batch in batches])
    return None


def _paired_outcomes(
    batches: Sequence[EpisodeBatch], references: Mapping[str, Sequence[EpisodeBatch]]
) -> dict[str, Floats]:
    """What runs are judged by, (n_tasks, n_seeds) of each agent; nothing where there are no training runs."""
    everyone = {batches[0].agent: batches, **references}
    for name in r.JUDGED_BY:
        found = {agent: _outcomes(theirs, name) for agent, theirs in everyone.items()}
        if found[batches[0].agent] is not None:
            return {agent: values for agent, values in found.items() if values is not None}
    return {}


def _add_normalized_score(summary: Summary, ours: Floats, off: Floats, tuned: Floats, rng: np.random.Generator) -> None:
    """A resample draws seeds, the same for all three, and takes the ratio of the new means."""
    drawn = np.moveaxis(resampled_means(np.stack([ours, off, tuned], axis=2), rng), 2, 0)  # (3, n_resamples, n_tasks)
    if r.can_be_normalized(drawn[1], drawn[2]):
        scores = r.normalized_score(ours.mean(axis=1), off.mean(axis=1), tuned.mean(axis=1))  # (n_tasks,)
        resampled = r.normalized_score(*drawn).mean(axis=1)
        summary.add("normalized_score", float(scores.mean()), scores, resampled, scores)


def _keep_courses(summary: Summary, batches: Sequence[EpisodeBatch]) -> None:
    """How each training run went: its losses, what was applied, how it ended."""
    for batch in batches:
        if batch.has_losses:
            summary.loss_curves[batch.task_id] = [_finite(row) for row in batch.losses]
        if batch.applied:
            summary.applied[batch.task_id] = {
                name: [_finite(row) for row in rows] for name, rows in batch.applied.items()
            }
        if batch.outcomes:
            summary.outcomes[batch.task_id] = {
                name: values.tolist() for name, values in batch.outcomes.items() if np.isfinite(values).all()
            }


def _finite(row: Floats) -> list[float]:
    """A row without what stands after an episode's end."""
    return [float(value) for value in row[np.isfinite(row)]]


def _incumbent_curves(batches: Sequence[EpisodeBatch], budget: int) -> Floats:
    return np.stack([batch.incumbents(budget) for batch in batches])


def _by_task(batches: Sequence[EpisodeBatch], curves: Floats) -> dict[str, list[list[float]]]:
    return {batch.task_id: curve.tolist() for batch, curve in zip(batches, curves, strict=True)}


def _add_plain(summary: Summary, plain: Mapping[str, Floats], rng: np.random.Generator) -> None:
    values = np.stack(list(plain.values()), axis=2)  # (n_tasks, n_seeds, n_metrics)
    resampled = resampled_means(values, rng).mean(axis=1)  # (n_resamples, n_metrics)
    for i, name in enumerate(plain):
        summary.add(name, float(values[..., i].mean()), values[..., i], resampled[:, i], values[..., i].mean(axis=1))


def _add_cell_metrics(
    summary: Summary,
    curves: Floats,
    references: References,
    counts: tuple[int, ...],
    is_random: bool,
    rng: np.random.Generator,
) -> None:
    """Metrics of the tasks' means over seeds: a resample draws seeds anew, then compares the new means."""
    at = np.array(counts) - 1
    rivals = references.curves(curves.shape[2])
    cells = np.stack([c[..., at].mean(axis=1) for c in (curves, *rivals.values())])  # (n_agents, n_tasks, n_counts)
    ours_drawn = resampled_means(curves[..., at], rng)  # (n_resamples, n_tasks, n_counts)
    drawn = np.stack([ours_drawn, *(references.drawn(name, c, counts, rng) for name, c in rivals.items())])
    cells, drawn = without_rounding_errors(cells), without_rounding_errors(drawn)
    ours, our_draws = cells[0], drawn[0]
    random = 0 if is_random else [None, *rivals].index(RANDOM) if RANDOM in rivals else None
    for i, k in enumerate(counts):
        mine, mine_drawn = ours[:, i], our_draws[..., i]
        summary.add(f"median_performance@{k}", m.median_performance(mine), mine, np.median(mine_drawn, axis=1), mine)
        summary.add(f"mean_performance@{k}", m.mean_performance(mine), mine, mine_drawn.mean(axis=1), mine)
        if rivals:
            ranks = m.rank_among(mine, cells[1:, :, i])
            rank_draws = m.rank_among(mine_drawn, drawn[1:, ..., i])
            summary.add(f"rank@{k}", float(ranks.mean()), ranks, rank_draws.mean(axis=1), ranks)
        if random is not None:
            wins = m.beats(mine, cells[random, :, i])
            win_draws = m.beats(mine_drawn, drawn[random, ..., i])
            summary.add(f"beat_random@{k}", float(wins.mean()), wins, win_draws.mean(axis=1), wins)
