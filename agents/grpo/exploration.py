"""Exploration noise that remembers: a first-order autoregression whose every step is standard normal."""

import torch
from torch import Tensor


def next_noise(noise: Tensor | None, correlation: float, shape: tuple[int, int], device: torch.device) -> Tensor:
    """(n_members, n_dims): correlation * noise + sqrt(1 - correlation^2) * fresh; fresh alone at an episode's start."""
    fresh = torch.randn(shape, device=device)
    return fresh if noise is None else correlation * noise + (1 - correlation**2) ** 0.5 * fresh
