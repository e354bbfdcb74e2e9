"""The clipped surrogate loss (Schulman et al. 2017) that a group-relative policy gradient descends."""

import torch
from torch import Tensor


def clipped_surrogate(log_prob: Tensor, old_log_prob: Tensor, advantages: Tensor, clip_range: float) -> Tensor:
    """(n,) losses: minus the smaller of ratio * A and clip(ratio, 1 - clip_range, 1 + clip_range) * A.

    All arguments are (n,); gradients flow through `log_prob` alone.
    """
    ratio = torch.exp(log_prob - old_log_prob)
    clipped = torch.clamp(ratio, 1 - clip_range, 1 + clip_range)
    return -torch.minimum(ratio * advantages, clipped * advantages)


def approximate_kl(log_prob: Tensor, old_log_prob: Tensor) -> Tensor:
    """Scalar estimate of KL(old || new) from actions that the old policy took: mean of ratio - 1 - log ratio."""
    log_ratio = log_prob - old_log_prob
    return (torch.exp(log_ratio) - 1 - log_ratio).mean()


def share_clipped(log_prob: Tensor, old_log_prob: Tensor, clip_range: float) -> Tensor:
    """Scalar: which share of the ratios lies beyond the clip range."""
    return ((torch.exp(log_prob - old_log_prob) - 1).abs() > clip_range).float().mean()
