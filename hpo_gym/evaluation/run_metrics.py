"""Scores of controlled training runs, as pure functions of their outcomes; docs/metrics.md gives each its formula.

An outcome is what a run is judged by, lower is better: validation bits per byte, or the final loss. Runs are paired:
agents meet the same run seeds, so the i-th outcomes of two agents come from the same start and the same data.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

JUDGED_BY = ("validation_bpb", "final_loss")
"""Outcomes by which runs are judged, the first that an environment gives."""

OFF, TUNED = "controller-off", "hand-tuned"
"""The references at 0 and at 1 of the normalised score."""

COMPARES_WITH = {"improvement_over_off": (OFF,), "normalized_score": (OFF, TUNED)}
"""Metric -> the references that it needs."""


def improvement_over_off(outcome: Floats, off: Floats) -> Floats:
    """Outcomes of an agent and of the run without a controller (...) -> by which share the agent's are lower (...)."""
    return 1 - outcome / off


def normalized_score(outcome: Floats, off: Floats, tuned: Floats) -> Floats:
    """Mean outcomes (...) -> 0 where as without a controller, 1 where as hand-tuned (...).

    A ratio of means: a mean of ratios would be decided by the seeds on which the two references come close.
    """
    return (off - outcome) / (off - tuned)


def can_be_normalized(off: Floats, tuned: Floats) -> bool:
    """Whether the means (n_resamples, n_tasks) of the references differ, always in the same direction."""
    gap = off - tuned
    return bool((gap > 0).all() or (gap < 0).all())
