"""From what was observed to what is tried next: posteriors over the pool, and the policy's choice among candidates.

Nothing here is kept that a study's storage does not tell: what is kept saves time, and is checked against the trials
before it is used.
"""

import copy
import itertools
import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from agents.searcher.candidates import behind_best, candidates_of
from agents.searcher.network import PointerNetwork
from agents.searcher.posterior import Posterior
from agents.searcher.prior import PoolPrior, Priors
from hpo_gym.integrations.optuna_sampler.observed import Observed
from hpo_gym.integrations.optuna_sampler.pool import Pool
from hpo_gym.integrations.optuna_sampler.source import Source
from hpo_gym.integrations.optuna_sampler.space import Values

SHARE_OF_PAST = 0.25
"""Of the pool, at most, the configurations that were best for other tasks."""
_ROOM = 64
"""Trials that a posterior has room for; doubled when it is full."""


class Search:
    """Of one space, from one source.

    Args:
        source: other tasks, and the space.
        network: trained.
        margin: nats of expected improvement by which the network's choice may be behind the best.
        n_candidates: of the pool, about.
        horizon: trials that a study is expected to have.
        seed: of the pool.
    """

    def __init__(
        self, source: Source, network: PointerNetwork, *, margin: float, n_candidates: int, horizon: int, seed: int
    ) -> None:
        self.source, self.network, self.margin, self.horizon = source, network, margin, horizon
        self.seed = seed
        best = source.candidates(int(n_candidates * SHARE_OF_PAST))
        self._start = self._pool = Pool.spread(source.space, n_candidates, seed).extended(best)
        self._start_scores = self._scores = source.scores(self._pool.values)
        self._posterior: Posterior | None = None

    def spread(self, observed: Observed, place: int) -> Values:
        """(d,) the next quasi-random configuration that nobody has tried; `place` as for `choose`."""
        known = {values.tobytes() for values in (*observed.tried, *observed.running, *observed.failed)}
        left = (row for row in self._pool.values if row.tobytes() not in known)
        return next(itertools.islice(left, place, None), self._anything(observed))

    def choose(self, observed: Observed, place: int) -> Values:
        """(d,) the policy's choice.

        Args:
            observed: so far.
            place: 0 for the best candidate, 1 for the next one and so on.
        """
        self._extend(observed)
        posterior = self._conditioned(observed)
        if not posterior.available.any():
            return self._anything(observed)
        with torch.no_grad():
            seen = candidates_of(posterior, max(self.horizon, posterior.n_trials + 1))
            logits = self.network(seen.features, seen.context, seen.trials, seen.distances, seen.mask)
        allowed = seen.mask & (behind_best(seen) <= self.margin)
        ranked = logits + torch.where(allowed, 0.0, -1e6)  # what the margin forbids comes after what it allows
        order = ranked[0].argsort(descending=True, stable=True)[: int(seen.mask.sum())]
        return self._pool.values[int(seen.rows[0, order[place % len(order)]])]

    def _anything(self, observed: Observed) -> Values:
        """All of a finite space was tried: any again, by how many trials there were."""
        n = observed.n_begun + len(observed.failed)
        return self._pool.values[np.random.default_rng([self.seed, n]).integers(len(self._pool))]

    def _extend(self, observed: Observed) -> None:
        """Give what was tried a place in the pool, in the order of the trials: so it is any worker's."""
        pool = self._start.extended([*observed.tried, *observed.running, *observed.failed])
        if not np.array_equal(pool.values, self._pool.values):
            new = self.source.scores(pool.values[len(self._start) :])
            self._pool, self._scores = pool, np.concatenate([self._start_scores, new], axis=1)
            self._posterior = None
            vars(self).pop("_priors", None)

    def _conditioned(self, observed: Observed) -> Posterior:
        """On the scores; and on trials that run, as if they came out as expected, if that is not the best so far."""
        posterior = self._of_scores(observed)
        if not observed.running and not observed.failed:
            return posterior
        posterior = copy.deepcopy(posterior, {id(posterior.priors): posterior.priors})
        for values in observed.running:
            row = self._pool.row(values)
            posterior.add(torch.tensor([row]), _expected_score(posterior, row))
        failed = [self._pool.row(values) for values in observed.failed]
        posterior.available[0, failed] = False
        return posterior

    def _of_scores(self, observed: Observed) -> Posterior:
        """The one of the last time where its trials are the first of those now."""
        rows = [self._pool.row(values) for values in observed.tried]
        scores = torch.from_numpy(self.source.standardised(observed.scores)).float()
        n_room = len(rows) + len(observed.running)
        posterior = self._posterior
        if posterior is None or not _continues(posterior, rows, scores) or n_room > posterior.rows.shape[1]:
            room = _ROOM * 2 ** max(0, math.ceil(math.log2(max(n_room, 1) / _ROOM)))
            posterior = Posterior(self._priors, 1, room)
        for t in range(posterior.n_trials, len(rows)):
            posterior.add(torch.tensor([rows[t]]), scores[t : t + 1])
        self._posterior = posterior
        return posterior

    @cached_property
    def _priors(self) -> Priors:
        prior = PoolPrior(
            pool=self._pool.points,
            exists=np.ones(len(self._pool), bool),
            scores=self._scores,
            score_range=self.source.score_range,
        )
        return Priors.of([prior])


def _continues(posterior: Posterior, rows: Sequence[int], scores: Tensor) -> bool:
    n = posterior.n_trials
    same_rows = n <= len(rows) and posterior.rows[0, :n].tolist() == list(rows[:n])
    return same_rows and torch.equal(posterior.raw_scores[0, :n], scores[:n])


def _expected_score(posterior: Posterior, row: int) -> Tensor:
    """(1,) raw, of a configuration by the other tasks' model; the best so far where that is less."""
    beliefs, priors = posterior.beliefs(), posterior.priors
    expected = beliefs.mean[:, row] * beliefs.scale
    if posterior.n_trials:
        expected = torch.minimum(expected, posterior.incumbent)
    return priors.location[0] + priors.unit[0] * expected
