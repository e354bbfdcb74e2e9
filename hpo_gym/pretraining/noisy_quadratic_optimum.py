"""The schedule that minimises the noisy quadratic's expected final loss, computed instead of learned.

The expected loss is a smooth function of the scales: each segment is a linear map of three moments of each
coordinate (see `hpo_gym.pretraining.noisy_quadratic`). Its gradient costs as much as itself by going back through
the segments; L-BFGS-B descends it from several starts, since it is not convex.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hpo_gym.pretraining.noisy_quadratic import NoisyQuadraticRuns
from hpo_gym.pretraining.noisy_quadratic_model import NoisyQuadratic
from hpo_gym.pretraining.runs import Floats

N_STARTS = 6  # all but one in twenty ended at the same point, tried on 36 descents
TOLERANCE = 1e-15  # of the loss, relative, at which a descent stops


def expected_final_losses(model: NoisyQuadratic, decision_every: int, lr_scale: Floats, wd_scale: Floats) -> Floats:
    """(m,) expected final losses of m schedules, in closed form.

    Args:
        model: with its recipe.
        decision_every: updates of a segment; the last one may be shorter.
        lr_scale, wd_scale: (m, D, 2), D segments, columns as in `Runs.advance`.
    """
    runs = NoisyQuadraticRuns(len(lr_scale), model, noise="expected")
    runs.start(np.zeros(len(lr_scale), np.int64))
    for segment, n in enumerate(segment_lengths(model, decision_every)):
        runs.advance(n, lr_scale[:, segment], wd_scale[:, segment])
    return runs.validate()


def segment_lengths(model: NoisyQuadratic, decision_every: int) -> list[int]:
    """Updates of each segment."""
    starts = range(0, model.n_updates, decision_every)
    return [min(decision_every, model.n_updates - start) for start in starts]


@lru_cache(maxsize=32)
def best_schedule(
    model: NoisyQuadratic, decision_every: int, largest_scale: float, n_columns: int
) -> tuple[Floats, Floats]:
    """lr_scale and wd_scale, (D, 2) each and read-only, within [1 / largest_scale, largest_scale].

    Args:
        model: with its recipe.
        decision_every: updates of a segment.
        largest_scale: above 1.
        n_columns: 1 where one pair of scales governs all coordinates, 2 where each column has its own.
    """
    halves = (
        [slice(None)] if n_columns == 1 else [slice(0, model.n_dimensions // 2), slice(model.n_dimensions // 2, None)]
    )
    columns = [_descend(_Objective(model, decision_every, largest_scale, half)) for half in halves]
    points = np.stack([columns[0], columns[-1]], axis=1)  # (D, column, lr and wd)
    scales = largest_scale**points
    scales.flags.writeable = False
    return scales[..., 0], scales[..., 1]


def _descend(objective: "_Objective") -> Floats:
    """(D, 2) the best point in [-1, 1] that descents from all starts find."""
    from scipy.optimize import minimize

    depth, rng = objective.depth, np.random.default_rng(0)
    fraction = np.linspace(0, 1, depth)
    # From high to low rates, at several heights; decay early or never; the rest drawn.
    annealed = [
        np.stack([1 - height * fraction, wd], axis=1)
        for height in (0.5, 1.5)
        for wd in (-np.ones(depth), 1 - 2 * fraction)
    ]
    starts = [*annealed, *rng.uniform(-1, 1, (N_STARTS - len(annealed), depth, 2))]
    found = [
        minimize(
            objective.value_and_gradient,
            start.ravel(),
            jac=True,
            method="L-BFGS-B",
            bounds=[(-1.0, 1.0)] * start.size,
            options={"maxiter": 3000, "maxfun": 6000, "ftol": TOLERANCE, "gtol": 1e-12, "maxcor": 30},
        )
        for start in starts
    ]
    return min(found, key=lambda result: result.fun).x.reshape(depth, 2)


class _Objective:
    """Expected final loss of some coordinates, as a function of points u with scales largest_scale^u."""

    def __init__(self, model: NoisyQuadratic, decision_every: int, largest_scale: float, coordinates: slice) -> None:
        lengths = segment_lengths(model, decision_every)
        self.depth = len(lengths)
        self._model = model
        self._h = model.curvature[coordinates, 0]
        self._log_scale = math.log(largest_scale)
        self._factors = np.zeros((self.depth, max(lengths)))  # (D, n); an update with factor 0 changes nothing
        self._factors.reshape(-1)[: model.n_updates] = model.lr_factor
        self._n = np.array(lengths)
        self._is_constant = bool((model.lr_factor == model.lr_factor[0]).all())

    def value_and_gradient(self, point: NDArray[np.float64]) -> tuple[float, Floats]:
        """The loss at (2 D,) point, and its gradient."""
        h, model = self._h, self._model
        scales = np.exp(self._log_scale * point.reshape(self.depth, 2))
        lr, wd = scales[:, :1] * model.lr, scales[:, 1:] * model.weight_decay  # (D, 1)
        rate = lr * (h + wd)  # (D, d)
        decay, noise, decay_slope, noise_slope = self._transitions(rate)
        target = h / (h + wd)
        loss, by_decay, by_target, by_noise = self._through_segments(decay, target, lr * lr * h * noise)
        by_noise_of_rate = by_noise * lr * lr * h
        by_rate = by_decay * decay_slope + by_noise_of_rate * noise_slope
        by_log_lr = by_rate * rate + 2 * by_noise_of_rate * noise
        by_log_wd = by_rate * lr * wd - by_target * target * wd / (h + wd)
        gradient = np.stack([by_log_lr.sum(axis=1), by_log_wd.sum(axis=1)], axis=1) * self._log_scale
        return loss, gradient.ravel()

    def _transitions(self, rate: Floats) -> list[Floats]:
        """A and S of every segment, and their derivatives by the rate lr (h + wd); each (D, d)."""
        if not self._is_constant:
            return list(_step_by_step(rate, self._factors))
        whole = [np.empty_like(rate) for _ in range(4)]
        for n in np.unique(self._n):
            for result, part in zip(whole, _by_doubling(rate[self._n == n], self._factors[0, 0], int(n)), strict=True):
                result[self._n == n] = part
        return whole

    def _through_segments(
        self, decay: Floats, target: Floats, variance: Floats
    ) -> tuple[float, Floats, Floats, Floats]:
        """The loss, and its derivatives by A, by the mean's target and by the added variance; each (D, d)."""
        h, spread = self._h, self._model.optimum_scale**2
        start, optimum, v = np.ones_like(h), np.zeros_like(h), np.zeros_like(h)
        before = []
        for a, m, added in zip(decay, target, variance, strict=True):
            before.append((start, optimum, v))
            start, optimum, v = a * start, m + a * (optimum - m), a * a * v + added
        loss = 0.5 * float((h * (start**2 + spread * (optimum - 1.0) ** 2 + v)).sum())
        by_start, by_optimum, by_v = h * start, h * spread * (optimum - 1.0), 0.5 * h
        by_decay, by_target, by_variance = np.empty_like(decay), np.empty_like(decay), np.empty_like(decay)
        for d in range(self.depth - 1, -1, -1):
            a, m, (start, optimum, v) = decay[d], target[d], before[d]
            by_decay[d] = by_start * start + by_optimum * (optimum - m) + 2.0 * by_v * a * v
            by_target[d] = by_optimum * (1.0 - a)
            by_variance[d] = by_v
            by_start, by_optimum, by_v = by_start * a, by_optimum * a, by_v * a * a
        return loss, by_decay, by_target, by_variance


def _step_by_step(rate: Floats, factors: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """A, S and their derivatives by `rate` (D, d), update by update with the factors (D, n) of a schedule."""
    decay, noise = np.ones_like(rate), np.zeros_like(rate)
    decay_slope, noise_slope = np.zeros_like(rate), np.zeros_like(rate)
    for factor in factors.T[:, :, None]:
        a = 1.0 - rate * factor
        decay_slope = decay_slope * a - decay * factor
        decay = decay * a
        noise_slope = noise_slope * a * a - 2.0 * a * factor * noise
        noise = noise * a * a + factor * factor
    return decay, noise, decay_slope, noise_slope


def _by_doubling(rate: Floats, factor: float, n: int) -> tuple[Floats, Floats, Floats, Floats]:
    """The same for n updates under one factor, in log2(n) rounds."""
    a = 1.0 - rate * factor
    decay, decay_slope = a, np.full_like(a, -factor)
    noise, noise_slope = np.ones_like(a), np.zeros_like(a)
    for bit in bin(n)[3:]:
        square, square_slope = decay * decay, 2.0 * decay * decay_slope
        noise, noise_slope = noise + noise * square, noise_slope + noise_slope * square + noise * square_slope
        decay, decay_slope = square, square_slope
        if bit == "1":
            noise, noise_slope = noise * a * a + 1.0, noise_slope * a * a - 2.0 * a * factor * noise
            decay, decay_slope = decay * a, decay_slope * a - decay * factor
    return decay, noise * factor**2, decay_slope, noise_slope * factor**2
