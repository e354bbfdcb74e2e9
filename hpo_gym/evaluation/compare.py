"""Several agents on the same tasks, seeds and budget: what may be compared, and the figures that come of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.evaluation.errors import EvaluationError
from hpo_gym.evaluation.intervals import BOOTSTRAP_SEED, mean_interval, percentile_interval, resampled_means
from hpo_gym.evaluation.result import EvaluationResult
from hpo_gym.evaluation.run_metrics import JUDGED_BY, can_be_normalized, improvement_over_off, normalized_score
from hpo_gym.evaluation.significance import (
    Significance,
    improvement_intervals,
    probability_of_improvement,
    significance,
)
from hpo_gym.evaluation.trial_counts import computed_counts, shown_counts

AGENT_SIDE_OPTIONS = frozenset(
    {"action", "observation", "observe_pool", "render_mode", "reward", "gradient_penalty", "smoothness_penalty"}
)
"""Environment options that change how an agent sees, acts and is rewarded, not what it acts on."""

_TIE_DIGITS = 12  # of normalised regret: means of the same scores summed in another order are ties


class ComparisonError(EvaluationError, ValueError):
    """The results cannot be compared; the message names the first difference."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A figure and its 95 % stratified bootstrap interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Results that belong side by side.

    Attributes:
        results: one an agent, in the order in which they were given.
        agents: their names; a second result of the same agent is "name #2".
        tasks: in the order of the first result.
        regret: (n_agents, n_tasks, n_seeds, budget) normalised regret of the incumbent; a size of 0 where
            the environment has no trials.
        outcome_name: what training runs are judged by, lower is better; "" where there are none.
        outcomes: (n_agents, n_tasks, n_seeds) of training runs, seeds in ascending order; a size of 0 where there
            are none.
    """

    results: tuple[EvaluationResult, ...]
    agents: tuple[str, ...]
    tasks: tuple[str, ...]
    regret: NDArray[np.float64] = field(repr=False)
    outcome_name: str = ""
    outcomes: NDArray[np.float64] = field(repr=False, default_factory=lambda: np.zeros((0, 0, 0)))

    @property
    def env_id(self) -> str:
        """The environment that all were evaluated on."""
        return self.results[0].env_id

    @property
    def budget(self) -> int:
        """Trials a search, in full evaluations; 0 where there are none."""
        return self.results[0].budget

    @property
    def has_curves(self) -> bool:
        """Whether there are regret curves, without which only the means can be set side by side."""
        return self.regret.size > 0

    @property
    def has_runs(self) -> bool:
        """Whether these are training runs, judged by an outcome."""
        return self.outcomes.size > 0

    @property
    def is_reference(self) -> tuple[bool, ...]:
        """Which agents change the run that the others control, and so are no competitors of theirs."""
        return tuple(result.is_reference for result in self.results)

    def need_curves(self) -> None:
        """A `ComparisonError` where the results carry no regret curves."""
        if not self.has_curves:
            raise ComparisonError(
                f"the results of {self.env_id} carry no regret curves: there is nothing to rank or plot"
            )

    def trial_counts(self, wanted: Sequence[int] = ()) -> tuple[int, ...]:
        """The K's to report: those wanted, or 1, 10, 25, 50 and 100 within the budget, and the budget.

        Raises:
            ComparisonError: a wanted one lies outside 1 ... budget.
        """
        for k in wanted:
            if not 1 <= k <= self.budget:
                raise ComparisonError(f"{k} trials: the results have 1 to {self.budget}")
        return tuple(sorted(set(wanted))) or shown_counts(computed_counts(self.budget))

    def regret_at(self, k: int) -> tuple[Estimate, ...]:
        """Each agent's mean normalised regret after k trials."""
        return tuple(self._estimate(values[..., k - 1]) for values in self.regret)

    def area_under_regret(self) -> tuple[Estimate, ...]:
        """Each agent's normalised regret, averaged over all trials."""
        return tuple(self._estimate(values.mean(axis=-1)) for values in self.regret)

    def task_means(self, k: int) -> NDArray[np.float64]:
        """(n_agents, n_tasks) mean over seeds of the regret after k trials, rounded so that ties are ties."""
        return np.round(self.regret[..., k - 1].mean(axis=2), _TIE_DIGITS)

    def significance(self, k: int, alpha: float = 0.05) -> Significance:
        """Ranks over tasks after k trials, and the tests on them."""
        return significance(self.task_means(k), alpha)

    def improvement(self, k: int) -> tuple[tuple[Estimate, ...], ...]:
        """[i][j]: the probability that a run of agent i has the lower regret after k trials than one of j."""
        return _improvement(np.round(self.regret[..., k - 1], _TIE_DIGITS))

    def outcome_improvement(self) -> tuple[tuple[Estimate, ...], ...]:
        """[i][j]: the probability that a training run of agent i has the lower outcome than one of j."""
        return _improvement(self.outcomes)

    def final_outcomes(self) -> tuple[Estimate, ...]:
        """Each agent's mean outcome."""
        return tuple(self._estimate(values) for values in self.outcomes)

    def outcome_gap(self, agent: str, other: str) -> Estimate:
        """By which share the agent's outcomes lie below the other's: 1 - a / b, paired by seed."""
        ours, theirs = (self.outcomes[self.agents.index(name)] for name in (agent, other))
        return self._estimate(improvement_over_off(ours, theirs))

    def normalized_outcomes(self, off: str, tuned: str) -> tuple[Estimate, ...] | None:
        """Each agent between two of them, 0 and 1, paired by seed; None where those two are not told apart."""
        rng = np.random.default_rng(BOOTSTRAP_SEED)
        drawn = np.moveaxis(resampled_means(np.moveaxis(self.outcomes, 0, 2), rng), 2, 0)
        a, b = self.agents.index(off), self.agents.index(tuned)
        if not can_be_normalized(drawn[a], drawn[b]):
            return None
        means = self.outcomes.mean(axis=2)  # (n_agents, n_tasks)
        scores = normalized_score(means, means[a], means[b]).mean(axis=1)
        low, high = percentile_interval(np.moveaxis(normalized_score(drawn, drawn[a], drawn[b]).mean(axis=2), 0, 1))
        ends = zip(scores.tolist(), low.tolist(), high.tolist(), strict=True)
        return tuple(Estimate(mean=mean, low=least, high=most) for mean, least, most in ends)

    @staticmethod
    def _estimate(values: NDArray[np.float64]) -> Estimate:
        low, high = mean_interval(values, np.random.default_rng(BOOTSTRAP_SEED))
        return Estimate(mean=float(values.mean()), low=low, high=high)


def _improvement(values: NDArray[np.float64]) -> tuple[tuple[Estimate, ...], ...]:
    low, high = improvement_intervals(values, rng=np.random.default_rng(BOOTSTRAP_SEED))
    return tuple(
        tuple(
            Estimate(mean=probability_of_improvement(ours, theirs), low=float(low[i, j]), high=float(high[i, j]))
            for j, theirs in enumerate(values)
        )
        for i, ours in enumerate(values)
    )


def compare(results: Sequence[EvaluationResult]) -> Comparison:
    """Put results side by side.

    Raises:
        ComparisonError: there are none, or two differ in environment, options that matter, split, tasks,
            seeds or budget; one line that names the two agents and the difference.
    """
    if not results:
        raise ComparisonError("there are no results to compare")
    agents = _distinct([result.agent for result in results])
    for agent, result in zip(agents[1:], results[1:], strict=True):
        _check_same(agents[0], results[0], agent, result)
    tasks = tuple(results[0].per_task)
    has_curves = [bool(result.regret_curves) for result in results]
    if any(has_curves) and not all(has_curves):
        raise ComparisonError(f"the result of {agents[has_curves.index(False)]!r} carries no regret curves; others do")
    curves = [_curves(agent, result, tasks) for agent, result in zip(agents, results, strict=True)]
    judged_by = next((name for name in JUDGED_BY if all(name in r.metrics for r in results)), "")
    outcomes = [_outcomes(agent, r, judged_by, tasks) for agent, r in zip(agents, results, strict=True) if judged_by]
    return Comparison(
        results=tuple(results),
        agents=agents,
        tasks=tasks,
        regret=np.stack(curves),
        outcome_name=judged_by,
        outcomes=np.stack(outcomes) if outcomes else np.zeros((0, 0, 0)),
    )


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    seen: dict[str, int] = {}
    distinct = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        distinct.append(name if seen[name] == 1 else f"{name} #{seen[name]}")
    return tuple(distinct)


def _check_same(first_name: str, first: EvaluationResult, name: str, result: EvaluationResult) -> None:
    """Everything that would make the comparison unfair, the most telling first."""
    for what in ("env_id", "split", "budget"):
        _check_equal(what, first_name, getattr(first, what), name, getattr(result, what))
    ours, theirs = _problem_options(first), _problem_options(result)
    for key in sorted(ours.keys() | theirs.keys()):
        _check_equal(f"option {key!r}", first_name, ours.get(key), name, theirs.get(key))
    only_first = [task for task in first.per_task if task not in result.per_task]
    only_second = [task for task in result.per_task if task not in first.per_task]
    for task, has, has_not in [
        *((task, first_name, name) for task in only_first),
        *((task, name, first_name) for task in only_second),
    ]:
        raise ComparisonError(f"tasks differ: {has!r} was evaluated on {task!r} and {has_not!r} was not")
    _check_equal("seeds", first_name, sorted(first.seeds), name, sorted(result.seeds))


def _problem_options(result: EvaluationResult) -> dict[str, Any]:
    """Less the budget, which is compared by itself, the choice of fidelity (costs and regret stay the same), and the
    recipe of a reference, which is what makes it one.
    """
    left_out = AGENT_SIDE_OPTIONS | {"budget"} | ({"recipe"} if result.is_reference else set())
    if result.env_kwargs.get("fidelity") == "action":
        left_out |= {"fidelity"}
    return {key: value for key, value in result.env_kwargs.items() if key not in left_out}


def _check_equal(what: str, first_name: str, first: Any, name: str, other: Any) -> None:
    if first != other:
        raise ComparisonError(f"{what} differs: {first_name!r} has {first!r}, {name!r} has {other!r}")


def _curves(agent: str, result: EvaluationResult, tasks: Sequence[str]) -> NDArray[np.float64]:
    """(n_tasks, n_seeds, budget), or (0, 0, 0) where there are none."""
    if not result.regret_curves:
        return np.zeros((0, 0, 0))
    try:
        curves = np.array([result.regret_curves[task] for task in tasks], np.float64)
    except (KeyError, ValueError):
        curves = np.zeros(0)
    if curves.shape != (len(tasks), result.n_seeds, result.budget):
        raise ComparisonError(
            f"the result of {agent!r} has no full regret curve for each of its "
            f"{len(tasks)} tasks x {result.n_seeds} seeds x {result.budget} trials"
        )
    return curves


def _outcomes(agent: str, result: EvaluationResult, name: str, tasks: Sequence[str]) -> NDArray[np.float64]:
    """(n_tasks, n_seeds), the seeds in ascending order, so that agents are paired."""
    try:
        outcomes = np.array([result.outcomes[task][name] for task in tasks], np.float64)
    except (KeyError, ValueError):
        outcomes = np.zeros(0)
    if outcomes.shape != (len(tasks), result.n_seeds):
        raise ComparisonError(f"the result of {agent!r} has no {name} for each of its {result.n_seeds} seeds")
    return outcomes[:, np.argsort(result.seeds)]
