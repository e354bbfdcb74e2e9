"""Expected improvement: by how much a configuration should raise the incumbent (Mockus 1975; Jones et al. 1998)."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

_SQRT_2_PI = np.sqrt(2 * np.pi)


def expected_improvement(
    mean: NDArray[np.float64], sd: NDArray[np.float64], incumbent: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """E[max(f - incumbent, 0)] for f ~ Normal(mean, sd^2); higher scores are better.

    Args:
        mean: (..., n) predicted scores.
        sd: (..., n) their standard deviations, > 0.
        incumbent: the best score so far, in any shape that broadcasts.

    Returns:
        (..., n) in the unit of the scores, never negative.

    Example:
        >>> expected_improvement(np.array([1.0, -40.0]), np.array([1.0, 1.0]), 1.0).round(4).tolist()
        [0.3989, 0.0]
    """
    u = (mean - incumbent) / sd
    return np.maximum(sd * (u * ndtr(u) + np.exp(-0.5 * u * u) / _SQRT_2_PI), 0.0)


def best_available(acquisition: NDArray[np.float64], available: NDArray[np.bool_]) -> int:
    """The available configuration of the highest acquisition value (n,); the lowest index among equals."""
    candidates = np.flatnonzero(available)
    return int(candidates[np.argmax(acquisition[candidates])])
