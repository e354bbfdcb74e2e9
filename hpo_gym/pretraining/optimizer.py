"""Muon and AdamW for all members at once, as nanochat of January 2026 has them (MIT licence).

State and parameters are dicts of arrays with a leading axis of k members; learning rates, weight decays and
momenta are (k,) tensors, so that members may differ in all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from hpo_gym.pretraining.config import ModelConfig

MATRICES = ("attention", "mlp", "gates")
"""Parameters that Muon updates."""

OTHERS = ("tokens", "head", "residual", "skip")
"""Parameters that AdamW updates."""

ADAM_BETAS = {"tokens": (0.8, 0.95), "head": (0.8, 0.95), "residual": (0.8, 0.95), "skip": (0.96, 0.95)}
ADAM_EPS = 1e-10
MUON_BETA2 = 0.95

POLAR_EXPRESS = (
    (8.15656, -22.48329, 15.87877),
    (4.04293, -2.80892, 0.50002),
    (3.89167, -2.77248, 0.50606),
    (3.28575, -2.36813, 0.46449),
    (2.34654, -1.70978, 0.42324),
)
"""Coefficients (a, b, c) of X <- a X + (b A + c A^2) X with A = X X^T, one a step."""


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What one update uses; every tensor (k,).

    Attributes:
        lr, weight_decay: by parameter name.
        momentum: Muon's.
        n_done: updates before this one, for AdamW's bias correction.
    """

    lr: Mapping[str, Tensor]
    weight_decay: Mapping[str, Tensor]
    momentum: Tensor
    n_done: Tensor


def initial_state(config: ModelConfig) -> dict[str, Tensor]:
    """Zero moments of one member: "first.NAME" of every parameter, "second.NAME", factored for matrices."""
    state = {}
    for name, shape in config.shapes.items():
        state[f"first.{name}"] = torch.zeros(shape)
        state[f"second.{name}"] = torch.zeros(_second_shape(name, shape) if name in MATRICES else shape)
    return state


def _second_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Muon's second moment is a mean over one side of a matrix."""
    *lead, rows, columns = shape
    return (*lead, 1, columns) if _averages_rows(rows, columns) else (*lead, rows, 1)


def _averages_rows(rows: int, columns: int) -> bool:
    # Over the input side if out >= in, else over the output side. As the outer matrix of the MLP lies (in, out),
    # that is the shorter side for all of them, and the columns' for square ones.
    return rows < columns


def muon(
    name: str, weight: Tensor, gradient: Tensor, state: Mapping[str, Tensor], rates: Rates, scale: Tensor | float
) -> None:
    """Update the stacked matrices (k, ..., rows, columns) in place; `scale` (...) is sqrt(max(1, out / in))."""
    momentum = _per_member(rates.momentum, weight)
    first, second = state[f"first.{name}"], state[f"second.{name}"]
    first.lerp_(gradient, 1 - momentum)
    direction = orthogonalised(torch.lerp(gradient, first, momentum))
    direction = variance_reduced(direction, second)
    lr = _per_member(rates.lr[name], weight) * scale
    decay = lr * _per_member(rates.weight_decay[name], weight)
    agrees = (direction * weight).ge_(0)
    weight.sub_(direction.mul_(lr).addcmul_(weight * agrees, decay))


def orthogonalised(direction: Tensor) -> Tensor:
    """About the nearest orthogonal matrix of each (..., rows, columns): five Polar Express steps.

    In bfloat16 on a GPU, as nanochat; in float32 on a CPU, where bfloat16 products are emulated and slow.
    """
    is_tall = direction.shape[-2] > direction.shape[-1]
    x = direction.mT if is_tall else direction
    norm = torch.linalg.vector_norm(x, dim=(-2, -1), keepdim=True)
    x = (x / (norm * 1.02 + 1e-6)).flatten(0, -3)
    if x.device.type == "cuda":
        x = x.bfloat16()
    for a, b, c in POLAR_EXPRESS:
        square = torch.bmm(x, x.mT)
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    x = x.to(direction.dtype).unflatten(0, direction.shape[:-2])
    return x.mT if is_tall else x


def variance_reduced(direction: Tensor, second: Tensor) -> Tensor:
    """Divide by the root of a running mean square along one side; the Frobenius norm stays (NorMuon)."""
    rows, columns = direction.shape[-2:]
    side, length = (-2, rows) if _averages_rows(rows, columns) else (-1, columns)
    mean_square = direction.square().mean(dim=side, keepdim=True)
    norm_square = mean_square.sum(dim=(-2, -1), keepdim=True).mul_(length)
    second.lerp_(mean_square, 1 - MUON_BETA2)
    inverse = second.clamp_min(1e-10).rsqrt_()
    new_square = (mean_square * inverse.square()).sum(dim=(-2, -1), keepdim=True).mul_(length)
    return direction * inverse.mul_(norm_square.sqrt_() / new_square.sqrt_().clamp_min_(1e-10))


def adamw(name: str, weight: Tensor, gradient: Tensor, state: Mapping[str, Tensor], rates: Rates) -> None:
    """Update (k, ...) in place; for k = 1 it is `torch.optim.AdamW`."""
    beta1, beta2 = ADAM_BETAS[name]
    first, second = state[f"first.{name}"], state[f"second.{name}"]
    n_updates = (rates.n_done + 1).double()
    root = (1 - beta2**n_updates).sqrt()
    first.lerp_(gradient, 1 - beta1)
    second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
    # The bias correction of the second moment is moved into eps and into the step, which are small.
    change = second.sqrt().add_(_per_member((root * ADAM_EPS).float(), weight))
    torch.div(first, change, out=change)
    step = rates.lr[name] * (root / (1 - beta1**n_updates)).float()
    change.mul_(_per_member(-step, weight))
    kept = 1 - rates.lr[name] * rates.weight_decay[name]
    torch.addcmul(change, weight, _per_member(kept, weight), out=weight)


def _per_member(values: Tensor, like: Tensor) -> Tensor:
    """(k,) as (k, 1, ..., 1)."""
    return values.view(-1, *[1] * (like.dim() - 1))


def muon_scale(name: str, device: torch.device | str) -> Tensor | float:
    """sqrt(max(1, out / in)) of each stacked matrix, broadcastable to (k, ..., rows, columns)."""
    if name == "mlp":  # inner: 4 D from D; outer: D from 4 D
        return torch.tensor([2.0, 1.0], device=device).view(1, 1, 2, 1, 1)
    return 1.0
