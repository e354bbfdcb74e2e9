"""What an episode's trials say of every configuration of its pool, for many episodes at once.

Three models look at the same trials, since each fails elsewhere: a Gaussian process with the other tasks' prior, one
that knows the configurations alone, and the other tasks themselves, weighted by how well each explains the trials.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from agents.searcher.prior import N_SCALES, Priors

MIXTURE_NOISE = 0.15
"""Deviation by which another task's score may miss this task's and still explain it, as a share of the scale."""
MIXTURE_SD = 0.1
N_EXPLAINING = 6
"""Other tasks that the mixture's expected improvement sums over: those that explain the trials best."""
SHARPNESS = 0.2
"""Power of the tasks' weights in the portfolio: the mixture's own weights are too sure of themselves."""
LARGEST_SCORE = 1e6
"""What a score counts at most, in units of the expected scale, so that one that went astray leaves numbers finite."""
_LARGEST_SQUARE = 1e12
_VARIANCE_FLOOR = 1e-8
_SQRT_2, _INVERSE_SQRT_2_PI = math.sqrt(2), 1 / math.sqrt(2 * math.pi)


class GaussianProcess:
    """A Gaussian process over E pools of n, conditioned one trial at a time; the mean is linear in 1 / scale.

    As `agents.search.empirical_prior.EmpiricalPosterior`, whose notation it follows, for E episodes.

    Args:
        mean, variance: (E, n) of the prior.
        noise: (E,) variance.
        n_trials_at_most: room that is kept.
    """

    def __init__(self, mean: Tensor, variance: Tensor, noise: Tensor, n_trials_at_most: int) -> None:
        self.prior_mean, self.noise = mean, noise
        self.variance, self.pull_of_prior = variance.clone(), mean.clone()
        self.pull_of_scores = torch.zeros_like(mean)
        self._whitened = torch.empty(len(mean), n_trials_at_most, mean.shape[1])
        self.residuals = torch.zeros(len(mean), n_trials_at_most, 2)

    def add(self, t: int, chosen: Tensor, scores: Tensor, covariance: Tensor) -> None:
        """The t-th trial (from 0): configurations (E,), scores (E,), prior covariances with them (E, n)."""
        rows, every = self._whitened[:, :t], torch.arange(len(chosen))
        known = rows[every, :, chosen]  # (E, t)
        root = (self.variance[every, chosen] + self.noise).clamp(min=_VARIANCE_FLOOR).sqrt()
        row = (covariance - torch.bmm(known[:, None], rows)[:, 0]) / root[:, None]
        observed = torch.stack([scores, self.prior_mean[every, chosen]], dim=1)
        residual = (observed - torch.bmm(known[:, None], self.residuals[:, :t])[:, 0]) / root[:, None]
        self._whitened[:, t], self.residuals[:, t] = row, residual
        self.variance -= row * row
        self.pull_of_scores += row * residual[:, :1]
        self.pull_of_prior -= row * residual[:, 1:]

    def mean(self, scale: Tensor) -> Tensor:
        """(E, n), in units of the scale (E, 1)."""
        return self.pull_of_prior + self.pull_of_scores / scale

    @property
    def sd(self) -> Tensor:
        """(E, n)."""
        return self.variance.clamp(min=_VARIANCE_FLOOR).sqrt()


@dataclass(frozen=True, kw_only=True, eq=False)
class Beliefs:
    """What the models say now; (E, n) in units of the expected scale unless said otherwise.

    Attributes:
        improvement, plain_improvement, mixture_improvement: expected, by each of the models.
        portfolio, sharpened_portfolio: by how much a configuration would raise the other tasks' incumbents, on average
            and with weight on those that explain the trials.
        mean, sd, plain_mean, plain_sd, mixture_mean: of the scores.
        incumbent: (E,).
        scale: (E,) expected.
        scale_weights: (E, N_SCALES) posterior.
        misfit: (E,) mean square of the standardised residuals; 1 is what the prior expects.
    """

    improvement: Tensor
    plain_improvement: Tensor
    mixture_improvement: Tensor
    portfolio: Tensor
    sharpened_portfolio: Tensor
    mean: Tensor
    sd: Tensor
    plain_mean: Tensor
    plain_sd: Tensor
    mixture_mean: Tensor
    incumbent: Tensor
    scale: Tensor
    scale_weights: Tensor
    misfit: Tensor


class Posterior:
    """E = P * B episodes on P pools, B on each, that have made the same number of trials.

    Args:
        priors: of the P pools.
        n_members: B.
        n_trials_at_most: room that is kept.
    """

    def __init__(self, priors: Priors, n_members: int, n_trials_at_most: int) -> None:
        self.priors, self.n_members = priors, n_members
        self.n_pools, self.n = priors.mean.shape
        self.of = torch.arange(self.n_pools).repeat_interleave(n_members)  # (E,) whose pool
        self.n_trials = 0
        each, n_episodes = self._each, len(self.of)
        self.available = each(priors.exists)
        self._smooth = each(priors.residual) + each((priors.factor**2).sum(1).mean(1, keepdim=True))  # (E, 1)
        flat = each(priors.mean.mean(1, keepdim=True)).expand(n_episodes, self.n)
        alone = (self._smooth + each(priors.location_variance)).expand(n_episodes, self.n)
        noise = each(priors.noise)[:, 0]
        self.transfer = GaussianProcess(each(priors.mean), each(priors.variance), noise, n_trials_at_most)
        self.plain = GaussianProcess(flat, alone, noise, n_trials_at_most)
        nodes = torch.linspace(-2.0, 2.0, N_SCALES)
        self._log_prior = -0.5 * nodes**2  # (Q,) of the scale
        self.log_weights = torch.where(each(priors.is_task) > 0, 0.0, -math.inf)[:, None] + self._log_prior[:, None]
        self.covered = torch.zeros(n_episodes, priors.scores.shape[1])  # (E, J) incumbents of the other tasks
        self.nearest = torch.full((n_episodes, self.n), 3.0)
        self.incumbent = torch.full((n_episodes,), -math.inf)
        self.incumbent_row = torch.zeros(n_episodes, dtype=torch.long)
        self.n_since_improved = torch.zeros(n_episodes)
        self.rows = torch.zeros(n_episodes, n_trials_at_most, dtype=torch.long)
        self.scores, self.raw_scores = torch.zeros(2, n_episodes, n_trials_at_most)

    def _each(self, of_pools: Tensor) -> Tensor:
        """(P, ...) -> (E, ...)."""
        return of_pools.repeat_interleave(self.n_members, dim=0)

    def add(self, rows: Tensor, raw_scores: Tensor) -> None:
        """A trial in every episode: rows of the pools (E,), scores in the table's unit (E,)."""
        p, t, every = self.priors, self.n_trials, torch.arange(len(rows))
        self.raw_scores[:, t] = raw_scores
        scores = ((raw_scores.double() - self._each(p.location)[:, 0]) / self._each(p.unit)[:, 0]).float()
        scores = scores.clamp(-LARGEST_SCORE, LARGEST_SCORE)
        distance = self._distance(p.pool[self.of, rows])
        shared = self._products(p.factor[self.of, :, rows], p.factor)
        location = self._each(p.location_variance)
        close, closer = matern52(distance, 1.0), matern52(distance, 0.25 * math.sqrt(p.pool.shape[2]))
        self.transfer.add(t, rows, scores, shared + self._each(p.residual) * close + location)
        self.plain.add(t, rows, scores, self._smooth * closer + location)
        of_others = p.scores[self.of, :, rows]  # (E, J)
        error = (scores[:, None] / self._each(p.scales))[..., None] - of_others[:, None]  # (E, Q, J)
        self.log_weights = self.log_weights - 0.5 * (error / MIXTURE_NOISE) ** 2 - p.scales.log()[self.of][..., None]
        self.covered = torch.maximum(self.covered, of_others)
        self.nearest = torch.minimum(self.nearest, distance)
        self.available[every, rows] = False
        is_better = scores > self.incumbent
        self.incumbent = torch.maximum(self.incumbent, scores)
        self.incumbent_row = torch.where(is_better, rows, self.incumbent_row)
        self.n_since_improved = torch.where(is_better, 0.0, self.n_since_improved + 1)
        self.rows[:, t], self.scores[:, t] = rows, scores
        self.n_trials += 1

    def beliefs(self) -> Beliefs:
        """What the models say after the trials so far."""
        p, transfer, plain = self.priors, self.transfer, self.plain
        weights, misfit = self._scale_weights()
        scales = self._each(p.scales)
        scale = (weights * scales).sum(1, keepdim=True) if self.n_trials else torch.ones(len(self.of), 1)
        incumbent = self.incumbent[:, None] / scale if self.n_trials else torch.zeros(len(self.of), 1)
        task_weights = torch.softmax(self.log_weights.flatten(1), 1).view_as(self.log_weights).sum(1)  # (E, J)
        mixture_mean = self._products(task_weights, p.scores)
        uniform = self._each(p.is_task / p.is_task.sum(1, keepdim=True))
        sharpened = torch.softmax(SHARPNESS * torch.logsumexp(self.log_weights, 1), 1) if self.n_trials else uniform
        if self.n_trials:
            improvement = sum(
                weights[:, q : q + 1]
                * scales[:, q : q + 1]
                * expected_improvement(
                    transfer.mean(scales[:, q : q + 1]) - self.incumbent[:, None] / scales[:, q : q + 1], transfer.sd
                )
                for q in range(N_SCALES)
            )
            plain_improvement = expected_improvement(plain.mean(scale) - incumbent, plain.sd)
            mixture_improvement = self._mixture_improvement(task_weights, incumbent)
        else:  # before any trial the incumbent is the worst score, and a configuration improves on it by its mean
            improvement = plain_improvement = mixture_improvement = self._each(p.mean)
        portfolio, sharpened_portfolio = self._raised(uniform, sharpened)
        return Beliefs(
            improvement=torch.as_tensor(improvement),
            plain_improvement=plain_improvement,
            mixture_improvement=mixture_improvement,
            portfolio=portfolio,
            sharpened_portfolio=sharpened_portfolio,
            mean=transfer.mean(scale),
            sd=transfer.sd,
            plain_mean=plain.mean(scale),
            plain_sd=plain.sd,
            mixture_mean=mixture_mean,
            incumbent=incumbent[:, 0],
            scale=scale[:, 0],
            scale_weights=weights,
            misfit=misfit,
        )

    def _scale_weights(self) -> tuple[Tensor, Tensor]:
        """Posterior of the scale (E, Q), and the mean square of the standardised residuals (E,)."""
        scales, t = self._each(self.priors.scales), self.n_trials
        residuals = self.transfer.residuals[:, :t]
        errors = residuals[..., :1] / scales[:, None] - residuals[..., 1:]  # (E, t, Q)
        squares = (errors**2).clamp(max=_LARGEST_SQUARE)
        log_weights = self._log_prior - t * scales.log() - 0.5 * squares.sum(1)
        weights = torch.softmax(log_weights, 1)
        misfit = (weights * squares.mean(1)).sum(1) if t else torch.ones(len(self.of))
        return weights, misfit

    def _mixture_improvement(self, task_weights: Tensor, incumbent: Tensor) -> Tensor:
        weights, tasks = task_weights.topk(min(N_EXPLAINING, task_weights.shape[1]), dim=1)
        sd = torch.tensor(MIXTURE_SD)
        total = torch.zeros(len(self.of), self.n)
        for k in range(weights.shape[1]):
            scores = self.priors.scores[self.of, tasks[:, k]]
            total += weights[:, k : k + 1] * expected_improvement(scores - incumbent, sd)
        return total

    def _raised(self, *weights: Tensor) -> list[Tensor]:
        """(E, n) each, by how much a configuration would raise the incumbents of the other tasks, by weights (E, J)."""
        totals = [torch.zeros(len(self.of), self.n) for _ in weights]
        by_pool = self.covered.view(self.n_pools, self.n_members, -1)
        for j in range(self.covered.shape[1]):
            raised = (self.priors.scores[:, None, j] - by_pool[:, :, j, None]).clamp_(min=0).flatten(0, 1)
            for total, of_tasks in zip(totals, weights, strict=True):
                total.addcmul_(raised, of_tasks[:, j : j + 1])
        return totals

    def _products(self, of_episodes: Tensor, of_pools: Tensor) -> Tensor:
        """(E, J) times (P, J, n) -> (E, n)."""
        return torch.bmm(of_episodes.view(self.n_pools, self.n_members, -1), of_pools).flatten(0, 1)

    def _distance(self, points: Tensor) -> Tensor:
        """(E, d) -> Euclidean distances to every configuration (E, n)."""
        by_pool = points.view(self.n_pools, self.n_members, -1)
        return torch.cdist(by_pool, self.priors.pool).flatten(0, 1)


def matern52(distance: Tensor, length_scale: float) -> Tensor:
    """Matern 5/2 correlation at Euclidean distances of any shape."""
    r = math.sqrt(5.0) * distance / length_scale
    return (1.0 + r + r * r / 3.0) * torch.exp(-r)


def expected_improvement(gain: Tensor, sd: Tensor) -> Tensor:
    """E[max(g, 0)] for g ~ Normal(gain, sd^2), never negative."""
    u = gain / sd
    return (sd * (0.5 * u * torch.erfc(-u / _SQRT_2) + _INVERSE_SQRT_2_PI * torch.exp(-0.5 * u * u))).clamp(min=0)
