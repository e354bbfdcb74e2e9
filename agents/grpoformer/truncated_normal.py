"""The Normal distribution that is left when what lies outside [0, 1] is cut off, side by side for many numbers."""

from dataclasses import dataclass
from functools import cached_property
from math import log, pi

import torch
from torch import Tensor

_LOG_ROOT_TWO_PI = 0.5 * log(2 * pi)
_SMALLEST_SHARE = 1e-6
"""Of the mass, at either end of the untruncated distribution, that the inverse stays away from: 4.75 deviations."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TruncatedNormal:
    """Normal(mean, std) given that it falls into [0, 1].

    Attributes:
        mean: (...) of the untruncated distribution, in [0, 1], which makes it the mode of this one.
        std: (...) of the untruncated distribution.
    """

    mean: Tensor
    std: Tensor

    @cached_property
    def _ends(self) -> tuple[Tensor, Tensor]:
        """0 and 1 in deviations from the mean."""
        return -self.mean / self.std, (1 - self.mean) / self.std

    @cached_property
    def _mass(self) -> Tensor:
        """What the untruncated distribution has in [0, 1]: at least about a half, as the mean lies there."""
        low, high = self._ends
        return torch.special.ndtr(high) - torch.special.ndtr(low)

    @cached_property
    def _moments(self) -> tuple[Tensor, Tensor]:
        """E[z] and E[z^2] of z = (x - mean) / std."""
        low, high = self._ends
        density_low, density_high = _density(low), _density(high)
        first = (density_low - density_high) / self._mass
        return first, 1 + (low * density_low - high * density_high) / self._mass

    def quantile(self, share: Tensor) -> Tensor:
        """The inverse of the distribution function: uniform draws (...) -> draws of this distribution."""
        untruncated = torch.special.ndtr(self._ends[0]) + share * self._mass
        deviations = torch.special.ndtri(untruncated.clamp(_SMALLEST_SHARE, 1 - _SMALLEST_SHARE))
        return (self.mean + self.std * deviations).clamp(0.0, 1.0)

    def log_prob(self, values: Tensor) -> Tensor:
        """Log density (...) at values in [0, 1]."""
        z = (values - self.mean) / self.std
        return -0.5 * z**2 - _LOG_ROOT_TWO_PI - torch.log(self.std * self._mass)

    def entropy(self) -> Tensor:
        """In nats; 0 would be the uniform distribution, and nothing is above it."""
        return _LOG_ROOT_TWO_PI + torch.log(self.std * self._mass) + 0.5 * self._moments[1]

    def kl(self, other: "TruncatedNormal") -> Tensor:
        """KL(this || other) in nats."""
        first, second = self._moments
        ratio, shift = self.std / other.std, (self.mean - other.mean) / other.std
        from_other = ratio**2 * second + 2 * ratio * shift * first + shift**2  # E[((x - mean') / std')^2]
        return torch.log(other.std * other._mass) - torch.log(self.std * self._mass) + 0.5 * (from_other - second)


def _density(z: Tensor) -> Tensor:
    return torch.exp(-0.5 * z**2 - _LOG_ROOT_TWO_PI)
