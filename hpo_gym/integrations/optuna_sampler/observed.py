"""What a study's trials tell, as numbers: which configurations have scores, which are on their way, which failed.

- **Complete**: its value, negated where the study minimises. An infinite one counts as the worst or best finite one.
- **Pruned**: the last value that it reported, but never better than the median of the complete trials; without any
  report it is as failed.
- **Failed** (an objective that gives NaN fails, too): no score; it is not asked again.
- **Running**: on its way, once it is known what it will try (see `claims`).
- **Waiting** (enqueued): Optuna plays it by itself, and it counts from when it runs.

A trial that lacks one of the parameters, or whose value is outside the bounds of today, is not seen.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from hpo_gym.integrations.optuna_sampler.claims import claimed_params
from hpo_gym.integrations.optuna_sampler.space import UnitSpace, Values

N_KEPT = 256
"""Of so many trials, the best of all but the latest are kept: memory and time of a suggestion stay bounded."""
OUTLYING = 5.0
"""Scores worse than the median by more than this many times what the best is better than it count as just that."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Observed:
    """Attributes:
    tried: values (d,) of the t trials that have a score, in the order in which they ended.
    scores: (t,) higher is better, finite.
    running: values (d,) of trials that have none yet.
    failed: values (d,) of trials that have none and will get none.
    """

    tried: tuple[Values, ...]
    scores: NDArray[np.float64]
    running: tuple[Values, ...]
    failed: tuple[Values, ...]

    @property
    def n_begun(self) -> int:
        """Trials with a score, or on their way to one."""
        return len(self.tried) + len(self.running)


def observe(trials: Sequence[FrozenTrial], direction: StudyDirection, space: UnitSpace) -> Observed:
    """What the trials of a study, less the one that is to be suggested, say of a space."""
    sign = -1.0 if direction == StudyDirection.MINIMIZE else 1.0
    ended = sorted((t for t in trials if t.state.is_finished()), key=lambda t: (_when(t), t.number))
    placed = [(trial, values) for trial in ended if (values := space.values_of(trial.params)) is not None]
    scores = _scores([trial for trial, _ in placed], sign)
    has_score = np.isfinite(scores)
    running = (space.values_of(claimed_params(t, space)) for t in trials if t.state == TrialState.RUNNING)
    tried = [values for (_, values), known in zip(placed, has_score, strict=True) if known]
    kept = _kept(scores[has_score])
    return Observed(
        tried=tuple(tried[i] for i in kept),
        scores=without_outliers(scores[has_score])[kept],
        running=tuple(values for values in running if values is not None),
        failed=tuple(values for (_, values), known in zip(placed, has_score, strict=True) if not known),
    )


def without_outliers(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores (t,), those that are far below the others raised: one run that diverged must not hide the rest."""
    seen = scores[: n_settled(len(scores))]
    if len(seen) < 3 or seen.max() == np.median(seen):
        return scores
    median = np.median(seen)
    return np.maximum(scores, median - OUTLYING * (seen.max() - median))


def n_settled(n_trials: int) -> int:
    """By how many of the first trials the scores of n are judged: 1, 2, 3, 4, 6, 9 and so on.

    What changed with each trial would have the models begin anew with each.
    """
    n = 1
    while (following := max(n + 1, n * 3 // 2)) <= n_trials:
        n = following
    return n


def _scores(trials: Sequence[FrozenTrial], sign: float) -> NDArray[np.float64]:
    """(t,) of trials that ended; NaN where there is none."""
    complete = np.array([_value(t, sign) if t.state == TrialState.COMPLETE else math.nan for t in trials])
    finite = complete[np.isfinite(complete)]
    if len(finite):
        complete = np.clip(complete, finite.min(), finite.max())
    pruned = np.array([_value(t, sign) if t.state == TrialState.PRUNED else math.nan for t in trials])
    pruned[~np.isfinite(pruned)] = math.nan
    if len(finite):
        pruned = np.minimum(pruned, np.median(finite))
    return np.where(np.isnan(pruned), complete, pruned)


def _value(trial: FrozenTrial, sign: float) -> float:
    if trial.state == TrialState.COMPLETE:
        return sign * trial.values[0]
    last = trial.last_step
    return math.nan if last is None else sign * trial.intermediate_values[last]


def _kept(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Which of t trials count: all, or the best `N_KEPT` of all whole blocks but the last, and those after.

    Who counts changes only when a block is full, so that the models can go on from one trial to the next.
    """
    n_old = (len(scores) // N_KEPT - 1) * N_KEPT
    if n_old <= N_KEPT:
        return np.arange(len(scores))
    best = np.argsort(-scores[:n_old], kind="stable")[:N_KEPT]
    return np.concatenate([np.sort(best), np.arange(n_old, len(scores))])


def _when(trial: FrozenTrial) -> float:
    return trial.datetime_complete.timestamp() if trial.datetime_complete else math.inf
