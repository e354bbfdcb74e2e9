"""The noisy quadratic model as a group of training runs: the transformer's interface, in closed form.

    L(w) = 1/2 sum_i h_i (w_i - w*_i)^2,  gradient h_i (w_i - w*_i) + sqrt(c_i) noise,  h_i = c_i = 1/i

(Zhang et al. 2019, "Which algorithmic choices matter at which batch sizes?", section 3), trained by SGD with weight
decay: w <- w - lr (gradient + wd w). Weights start at N(0, 1); the optimum w* is N(0, optimum_scale^2), not the
origin, so that weight decay has something to cost: it forgets the initial weights sooner, and holds the run off its
optimum later.

A segment of n updates under constant scales is one Gaussian transition, so that no update is ever run:

    w' = m + A (w - m) + lr sqrt(c S) N(0, 1),  m = w* h / (h + wd),
    a_t = 1 - lr f_t (h + wd),  A = prod a_t,  S = sum_t f_t^2 prod_{s>t} a_s^2,

with f_t the recipe's learning rate schedule.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo_gym.pretraining.allocator import keep_freed_memory
from hpo_gym.pretraining.counter_normals import normals, stream_keys
from hpo_gym.pretraining.noisy_quadratic_model import NoisyQuadratic, make_model
from hpo_gym.pretraining.runs import Floats, Members, Segment

NOISE_KINDS = ("sampled", "expected")

MANY_MEMBERS = 256
"""Beyond them a temporary array is large enough for the system to take it back at once, and half the time is lost."""


class NoisyQuadraticRuns:
    """`Runs` of the noisy quadratic.

    With noise="sampled" a member has weights; they, the optimum and all noise follow from its run seed and the
    segments asked for. With noise="expected" it has the moments of the weights over all run seeds instead, and every
    loss and norm is the root of an expected square: what the sampled ones average to.

    The gradient's norm counts the noise in the mean square, and with plain SGD it is the momentum's too. The training
    loss is that of the weights after the last update: data never repeat, so that it is no other than the probe loss.
    """

    def __init__(self, n_members: int, model: NoisyQuadratic, noise: str = "sampled") -> None:
        if noise not in NOISE_KINDS:
            raise ValueError(f"noise={noise!r} is not one of {', '.join(NOISE_KINDS)}")
        if n_members > MANY_MEMBERS:
            keep_freed_memory()
        self.model = model
        self.noise = noise
        self.n_members = n_members
        self.n_updates = model.n_updates
        self.updates_done = np.zeros(n_members, np.int64)
        self._keys = np.zeros(n_members, np.uint64)
        self._loss = np.zeros(n_members)
        d = model.n_dimensions
        # sampled: weights and optimum; expected: how much of start and of optimum the mean holds, and the variance.
        self._state = np.zeros((2 if noise == "sampled" else 3, d, n_members))

    def start(self, run_seeds: NDArray[np.int64], members: Members = None) -> None:
        """Begin new runs."""
        at = slice(None) if members is None else members
        d = self.model.n_dimensions
        keys = stream_keys(np.asarray(run_seeds, np.int64))
        self._keys[at] = keys
        self.updates_done[at] = 0
        if self.noise == "sampled":
            # Counters from 0 on are those of the updates; the start takes numbers that these never reach.
            variates = normals(keys, np.full(len(keys), -d, np.int64), 2 * d)
            self._state[0][:, at] = variates[:d]
            self._state[1][:, at] = variates[d:] * self.model.optimum_scale
        else:
            self._state[:, :, at] = np.array([1.0, 0.0, 0.0])[:, None, None]
        self._loss[at] = 0.5 * _sum(self._second_moment(at) * self.model.curvature)

    def advance(self, n_updates: int, lr_scale: Floats, wd_scale: Floats, members: Members = None) -> Segment:
        """Train on, by one Gaussian transition."""
        at = slice(None) if members is None else members
        done = self.updates_done[at].copy()
        if n_updates < 1 or n_updates > self.n_updates - int(done.max(initial=0)):
            left = self.n_updates - int(done.max(initial=0))
            raise ValueError(f"n_updates={n_updates}: 1 to {left} are left of the run's {self.n_updates}")
        model = self.model
        lr, wd = lr_scale * model.lr, wd_scale * model.weight_decay
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is reported, not warned of
            self._move(at, done, n_updates, model.by_dimension(lr), model.by_dimension(wd))
            self.updates_done[at] = done + n_updates
            second = self._second_moment(at)
            second *= model.curvature
            loss = self._loss[at] = 0.5 * _sum(second)
            second += 1.0  # h (h x^2 + 1) is the mean square of the gradient
            second *= model.curvature
            grad_norm = np.sqrt(_sum(second))
        return Segment(
            train_loss=loss,
            grad_norm=grad_norm,
            momentum_norm=grad_norm.copy(),
            lr=lr * model.lr_factor[done + (n_updates - 1)][:, None],
            wd=wd,
            is_finite=np.isfinite(loss),
        )

    def _move(self, at: Any, done: NDArray[np.int64], n: int, lr: Floats, wd: Floats) -> None:
        model = self.model
        pull = model.curvature + wd
        decay, noise = model.transition(done, n, lr * pull)
        target = np.divide(model.curvature, pull, out=pull)
        noise *= model.curvature
        if self.noise == "sampled":
            np.sqrt(noise, out=noise)
            noise *= lr
            noise *= normals(self._keys[at], done * (model.n_dimensions // 2), model.n_dimensions)
            target *= self._state[1][:, at]
            weights = self._state[0][:, at] - target
            weights *= decay
            weights += target
            weights += noise
            self._state[0][:, at] = weights
        else:
            start, optimum, variance = self._state[:, :, at]
            moments = start * decay, target + (optimum - target) * decay, variance * decay * decay + noise * lr * lr
            self._state[:, :, at] = moments

    def _second_moment(self, at: Any) -> Floats:
        """(d, k): the (expected) square of each coordinate's distance from the optimum."""
        if self.noise == "sampled":
            distance = self._state[0][:, at] - self._state[1][:, at]
            distance *= distance
            return distance
        start, optimum, variance = self._state[:, :, at]
        return start**2 + ((optimum - 1.0) * self.model.optimum_scale) ** 2 + variance

    def probe(self, members: Members = None) -> Floats:
        """(k,) loss."""
        return self._loss[slice(None) if members is None else members].copy()

    def validate(self, members: Members = None) -> Floats:
        """(k,) loss: the model has no data to overfit."""
        return self.probe(members)

    def cap_outcome(self, loss_nats: float) -> float:
        """The loss itself."""
        return loss_nats

    def snapshot(self, members: Members = None) -> Any:
        """Copies of all that these members are."""
        at = slice(None) if members is None else members
        return tuple(array[..., at].copy() for array in self._arrays())

    def restore(self, snapshot: Any, members: Members = None) -> None:
        """Put copies back, into these members."""
        at = slice(None) if members is None else members
        for array, kept in zip(self._arrays(), snapshot, strict=True):
            array[..., at] = kept

    def _arrays(self) -> tuple[NDArray[Any], ...]:
        return self._state, self._loss, self.updates_done, self._keys


def _sum(parts: Floats) -> Floats:
    """(d, k) -> (k,) by halves, always in the same order: `sum` has another for a single column."""
    while len(parts) > 1:
        half = len(parts) // 2
        total = parts[:half] + parts[half : 2 * half]
        if len(parts) % 2:
            total[0] += parts[-1]
        parts = total
    return parts[0]


def make_noisy_quadratic(
    n_members: int, *, recipe: Mapping[str, float], n_updates: int, noise: str = "sampled", **settings: Any
) -> NoisyQuadraticRuns:
    """A group of runs; see `NoisyQuadratic` for the settings."""
    return NoisyQuadraticRuns(n_members, make_model(recipe, n_updates, **settings), noise)


def noisy_quadratic_facts(
    *, recipe: Mapping[str, float], n_updates: int, noise: str = "sampled", **settings: Any
) -> dict[str, Any]:
    """What `run_facts` says of it."""
    if noise not in NOISE_KINDS:
        raise ValueError(f"noise={noise!r} is not one of {', '.join(NOISE_KINDS)}")
    model = make_model(recipe, n_updates, **settings)
    return {
        "n_parameters": model.n_dimensions,
        "n_updates": model.n_updates,
        "tokens_per_update": 0,
        "loss_at_start": model.expected_loss_at_start,
        "outcome": "final_loss",
    }
