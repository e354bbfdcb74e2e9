"""The meta-trained searcher as a sampler of Optuna."""

import logging
import threading
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.search_space import intersection_search_space
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from hpo_gym.integrations.optuna_sampler.claims import claim
from hpo_gym.integrations.optuna_sampler.independent import ByNumberSampler
from hpo_gym.integrations.optuna_sampler.observed import Observed, observe
from hpo_gym.integrations.optuna_sampler.past import Past, from_studies
from hpo_gym.integrations.optuna_sampler.past_source import PastSource
from hpo_gym.integrations.optuna_sampler.policy import read_policy
from hpo_gym.integrations.optuna_sampler.search import Search
from hpo_gym.integrations.optuna_sampler.source import Source
from hpo_gym.integrations.optuna_sampler.space import UnitSpace, Values
from hpo_gym.integrations.optuna_sampler.stand_ins import StandIns

N_STARTUP_TRIALS = 5
"""Without a past, the spread trials before the models are asked."""
SPREAD_EVERY = 3
"""Without a past every so many later trials are spread, too: smooth functions mislead where most of a space fails."""
_MOST_CLAIMS = 8
"""Times that a worker claims another configuration because one was taken."""

_logger = logging.getLogger(__name__)


class LearnedSampler(BaseSampler):
    """Suggestions of a policy that was trained on many searches, over a quasi-random pool of the search space.

    It belongs to no search space. What it knows of a study's beforehand is the past: other tasks that were searched
    on the same space. Suggestions follow from the seed, the arguments and the trials in the storage alone.

    Args:
        past: Optuna studies, or `from_table(...)`. Without one, random smooth functions stand in for it.
        search_space: what is searched until a first trial has ended; by default the past's. After that it is what all
            complete trials have in common, as for Optuna's own samplers.
        seed: of the pool and of whatever else is drawn; None draws one.
        n_candidates: of the pool. Time and memory grow with it.
        n_startup_trials: of a spread design, before the models are asked; by default none with a past, else 5. Without
            a past every third trial after them is spread, too.
        horizon: trials that the study is expected to have.
        weights: a shipped searcher, or the folder of a training of one.
        independent_sampler: for parameters that are not in every complete trial (conditional ones, and those whose
            bounds change), and for the first trial where no space is known; by default uniform draws.
        warn_independent_sampling: whether to say so, from the second trial on.

    Raises:
        ValueError: an argument out of range; a `PastError` where the past is of no use; `WeightsError` for weights.

    Example:
        >>> import optuna
        >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
        >>> study = optuna.create_study(sampler=LearnedSampler(seed=0))
        >>> study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=10)
        >>> study.best_value < 0.01
        True
    """

    def __init__(
        self,
        *,
        past: Past | Sequence[Study] | None = None,
        search_space: Mapping[str, BaseDistribution] | None = None,
        seed: int | None = None,
        n_candidates: int = 2048,
        n_startup_trials: int | None = None,
        horizon: int = 50,
        weights: str | Path = "searcher-tables",
        independent_sampler: BaseSampler | None = None,
        warn_independent_sampling: bool = True,
    ) -> None:
        self._n_startup_trials = N_STARTUP_TRIALS * (past is None) if n_startup_trials is None else n_startup_trials
        _refuse_below(2, n_candidates=n_candidates)
        _refuse_below(1, horizon=horizon)
        _refuse_below(0, n_startup_trials=self._n_startup_trials, seed=0 if seed is None else seed)
        _refuse_strange_space(search_space or {})
        self._past = past if past is None or isinstance(past, Past) else from_studies(past)
        expected = search_space if search_space is not None else self._past.search_space if self._past else {}
        self._expected_space = dict(sorted(expected.items()))
        self._seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed
        self._n_candidates, self._horizon = n_candidates, horizon
        self._policy = read_policy(weights)
        self._independent = independent_sampler or ByNumberSampler(self._seed)
        self._warns = warn_independent_sampling
        self._begin()

    def _begin(self) -> None:
        self._search: Search | None = None  # of the last space: saves time, decides nothing
        self._turn = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_search", "_turn")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin()

    def reseed_rng(self) -> None:
        """Only the independent sampler's: what is drawn here depends on the trials, which are no two workers' same."""
        self._independent.reseed_rng()

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """What all complete trials have in common; before there is one, the space that is expected."""
        trials = study._get_trials(deepcopy=False, states=(TrialState.COMPLETE,), use_cache=True)
        space = intersection_search_space(trials) if trials else self._expected_space
        return {name: distribution for name, distribution in space.items() if not distribution.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The policy's choice, claimed in the storage.

        Raises:
            ValueError: the study has several objectives, or none of its parameters is known to the past.
        """
        self._raise_error_if_multi_objective(study)
        if not search_space:
            return {}
        space = UnitSpace(dict(sorted(search_space.items())))  # the order of the axes, too, is any worker's
        # Under another default device the tensors have to be told; to tell them costs time on every operation.
        with self._turn, nullcontext() if torch.get_default_device().type == "cpu" else torch.device("cpu"):
            return space.params(self._claimed(study, trial, space))

    def _claimed(self, study: Study, trial: FrozenTrial, space: UnitSpace) -> Values:
        """Values (d,) that no other running trial claims.

        Two processes that decide at the same moment see the same trials, and so choose the same. Each writes its claim
        before it looks at the others': one at least sees both. Who does chooses again, by trial number the first the
        best of what is left, the second the next, so that they do not meet again.
        """
        place = 0
        for _ in range(_MOST_CLAIMS):
            observed, finished = self._observed(study, trial, space)
            values = self._choose(observed, space, place)
            claim(study, trial, space, values)
            now = study._storage.get_all_trials(study._study_id, deepcopy=False)
            # Quick trials may have ended between the two looks: they count, too.
            others = [
                other
                for other in now
                if other.number not in finished | {trial.number} and other.state != TrialState.WAITING
            ]
            rivals = [other for other in others if _takes(other, values, study, space)]
            if not rivals or space.n_configurations < len(now):
                break
            place = sum(other.number < trial.number for other in rivals if not other.state.is_finished())
        return values

    def _observed(self, study: Study, trial: FrozenTrial, space: UnitSpace) -> tuple[Observed, set[int]]:
        """What the other trials tell, and the numbers of those that have ended."""
        trials = study._get_trials(deepcopy=False, use_cache=False)
        others = [other for other in trials if other.number != trial.number]
        finished = {other.number for other in others if other.state.is_finished()}
        return observe(others, study.direction, space), finished

    def _choose(self, observed: Observed, space: UnitSpace, place: int) -> Values:
        if self._search is None or self._search.source.space != space:
            source: Source = (
                PastSource(space=space, past=self._past, seed=self._seed)
                if self._past
                else StandIns(space=space, seed=self._seed)
            )
            self._search = Search(
                source,
                self._policy.network,
                margin=self._policy.margin,
                n_candidates=self._n_candidates,
                horizon=self._horizon,
                seed=self._seed,
            )
        n = observed.n_begun
        if n < self._n_startup_trials or (self._past is None and n % SPREAD_EVERY == 1):
            return self._search.spread(observed, place)
        return self._search.choose(observed, place)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """By the independent sampler.

        Raises:
            ValueError: the study has several objectives.
        """
        self._raise_error_if_multi_objective(study)
        if self._warns and study._get_trials(deepcopy=False, states=(TrialState.COMPLETE,), use_cache=True):
            _logger.warning(
                f"The parameter {param_name!r} of trial {trial.number} is drawn by {self._independent}, without the"
                " models: not all complete trials have it with these bounds."
                " LearnedSampler(warn_independent_sampling=False) does not say this."
            )
        return self._independent.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """As the independent sampler wants it."""
        self._independent.before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """As the independent sampler wants it."""
        self._independent.after_trial(study, trial, state, values)


def _takes(trial: FrozenTrial, values: Values, study: Study, space: UnitSpace) -> bool:
    """Whether a trial tries, claims or has tried these values (d,)."""
    seen = observe([trial], study.direction, space)
    return any(np.array_equal(theirs, values) for theirs in (*seen.running, *seen.tried, *seen.failed))


def _refuse_below(least: int, **arguments: int) -> None:
    for name, value in arguments.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ValueError(f"{name} is {value!r}: a whole number, at least {least}")


def _refuse_strange_space(space: Mapping[str, BaseDistribution]) -> None:
    for name, distribution in space.items():
        if not isinstance(distribution, BaseDistribution):
            raise ValueError(f"search_space[{name!r}] is {distribution!r}: one of optuna.distributions is needed")
