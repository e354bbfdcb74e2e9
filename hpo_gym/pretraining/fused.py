"""Pieces of the transformer whose gradients are written out: fewer passes over memory than autograd's own.

On a CPU a small model's update is bound by memory traffic and by the number of operations, not by products.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from hpo_gym.pretraining.config import SOFTCAP


def _wide(x: Tensor) -> torch.dtype:
    """float32 for narrower types: sums and exponentials are not left to bfloat16."""
    return torch.promote_types(x.dtype, torch.float32)


def _inverse_rms(x: Tensor) -> Tensor:
    """(..., 1) of x (..., D); float32's eps keeps a vector of zeros finite, as in torch's own."""
    norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=_wide(x))
    return norm.square_().div_(x.shape[-1]).add_(torch.finfo(_wide(x)).eps).rsqrt_().to(x.dtype)


def _norm_gradient(gradient: Tensor, y: Tensor, inverse: Tensor) -> Tensor:
    """Of y = x * inverse_rms(x) with respect to x."""
    along = (gradient * y).mean(dim=-1, keepdim=True)
    return torch.addcmul(gradient, y, along, value=-1).mul_(inverse)


class _RmsNorm(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        inverse = _inverse_rms(x)
        y = x * inverse
        ctx.save_for_backward(y, inverse)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _norm_gradient(gradient, *ctx.saved_tensors)


def rms_norm(x: Tensor) -> Tensor:
    """x (..., D) over the root of its mean square along D."""
    return _RmsNorm.apply(x)


class _RotatedNorm(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        # A rotation keeps the norm, so that the norm after it can be taken before it.
        inverse = _inverse_rms(x)
        y = torch.addcmul(x * cosine, x.roll(x.shape[-1] // 2, dims=-1), sine).mul_(inverse)
        ctx.save_for_backward(y, inverse, cosine, sine)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        y, inverse, cosine, sine = ctx.saved_tensors
        inner = _norm_gradient(gradient, y, inverse)
        turned = torch.addcmul(inner * cosine, inner.roll(inner.shape[-1] // 2, dims=-1), sine, value=-1)
        return turned, None, None


def rotated_norm(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotary positions, then RMS norm, of x (..., T, C); cosine and sine (T, C), as `rotary_tables` gives them."""
    return _RotatedNorm.apply(x, cosine, sine)


class _SquaredRelu(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        positive = x.relu()
        ctx.save_for_backward(positive)
        return positive.square()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (positive,) = ctx.saved_tensors
        return torch.mul(gradient, positive).mul_(2)


def squared_relu(x: Tensor) -> Tensor:
    """relu(x)^2."""
    return _SquaredRelu.apply(x)


class _SoftcappedLoss(Function):
    # 15 tanh(z / 15) = 30 sigmoid(2 z / 15) - 15, and softmax does not see the constant: a sigmoid costs a
    # third of a tanh. Capped at 30, the exponential cannot overflow, so that no maximum has to be taken out.

    @staticmethod
    def forward(ctx: Any, x: Tensor, head: Tensor, targets: Tensor) -> Tensor:
        openings = torch.bmm(x.mul(2 / SOFTCAP), head.mT).to(_wide(x)).sigmoid_()  # (G, N, V)
        exponentials = openings.mul(2 * SOFTCAP).exp_()
        total = exponentials.sum(dim=-1)
        at_target = openings.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
        ctx.save_for_backward(x, head, targets, openings, exponentials, total)
        return total.log().sub_(at_target, alpha=2 * SOFTCAP)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        x, head, targets, openings, exponentials, total = ctx.saved_tensors
        of_logits = exponentials.mul_((gradient / total).unsqueeze(-1))
        of_logits.scatter_add_(-1, targets.unsqueeze(-1), gradient.neg().unsqueeze(-1))
        of_products = torch.ops.aten.sigmoid_backward(of_logits, openings).to(x.dtype)  # d logit / dz = 4 s (1 - s)
        return torch.bmm(of_products, head).mul_(4), torch.bmm(of_products.mT, x).mul_(4), None


class _RecomputedSoftcappedLoss(Function):
    # The same loss for a device where memory traffic is dear and a sigmoid is free: logits are kept once, as the
    # product gave them (two bytes in bfloat16, not eight), and a compiler makes one pass over them each way.

    @staticmethod
    def forward(ctx: Any, x: Tensor, head: Tensor, targets: Tensor) -> Tensor:
        logits = torch.bmm(x, head.mT)  # (G, N, V)
        capped = (logits.to(_wide(x)) * (2 / SOFTCAP)).sigmoid() * (2 * SOFTCAP)
        total = capped.exp().sum(dim=-1)
        at_target = capped.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
        ctx.save_for_backward(x, head, targets, logits, total)
        return total.log() - at_target

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        x, head, targets, logits, total = ctx.saved_tensors
        opening = (logits.to(_wide(x)) * (2 / SOFTCAP)).sigmoid()
        probability = (opening * (2 * SOFTCAP)).exp() / total.unsqueeze(-1)
        is_target = torch.arange(head.shape[1], device=targets.device) == targets.unsqueeze(-1)
        # d capped / d logit = 2 SOFTCAP s (1 - s) 2 / SOFTCAP
        of_logits = (probability - is_target.to(probability.dtype)) * gradient.unsqueeze(-1)
        of_products = (of_logits * opening * (1 - opening) * 4).to(x.dtype)
        return torch.bmm(of_products, head), torch.bmm(of_products.mT, x), None


def softcapped_loss(x: Tensor, head: Tensor, targets: Tensor, *, keeps_openings: bool = True) -> Tensor:
    """(G, N) nats: cross-entropy of the logits 15 tanh(x head^T / 15).

    Args:
        x: (G, N, D) final stream.
        head: (G, V, D).
        targets: (G, N) int64.
        keeps_openings: whether what the gradient needs of each logit is kept for it, or computed again.

    Where it is kept, the gradient can be asked for once: its buffers are used up.
    """
    way = _SoftcappedLoss if keeps_openings else _RecomputedSoftcappedLoss
    return way.apply(x, head, targets)
