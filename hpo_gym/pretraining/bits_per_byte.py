"""Bits per byte: a loss that does not depend on how the text was cut into tokens."""

import math

import torch
from torch import Tensor


def bits_per_byte(losses: Tensor, targets: Tensor, token_bytes: Tensor) -> Tensor:
    """Sum of nats over targets that have bytes / (ln 2 x the sum of their bytes), as nanochat defines it.

    A ratio of sums, not a mean of ratios. Special tokens have no bytes and are left out.

    Args:
        losses: (G, B, T) nats.
        targets: (G, B, T) int64.
        token_bytes: (V,) UTF-8 bytes of each token, 0 for special ones.

    Returns:
        (G,) float64. NaN where no target has bytes.

    Example:
        >>> one_bit = torch.full((1, 1, 2), math.log(2))
        >>> bits_per_byte(one_bit, torch.tensor([[[1, 0]]]), torch.tensor([0, 4])).tolist()
        [0.25]
    """
    n_bytes = token_bytes[targets]
    nats = torch.where(n_bytes > 0, losses.double(), 0.0).sum(dim=(1, 2))
    return nats / (math.log(2) * n_bytes.sum(dim=(1, 2)))


def as_bits_per_byte(loss_nats: float, mean_token_bytes: float) -> float:
    """Bits per byte of a mean loss a token."""
    return loss_nats / (math.log(2) * mean_token_bytes)
