"""What OpenML's evaluation measures mean: which way is good, and in which unit."""

from typing import Literal

from hpo_gym.data.errors import OpenMLError, did_you_mean

Direction = Literal["maximise", "minimise"]

_HIGH_IS_GOOD = {
    "area_under_roc_curve": "area",
    "correlation_coefficient": "coefficient",
    "f_measure": "F1, weighted by class",
    "kappa": "Cohen's kappa",
    "kb_relative_information_score": "score",
    "matthews_correlation_coefficient": "coefficient",
    "mean_weighted_area_under_roc_curve": "area",
    "mean_weighted_f_measure": "F1, weighted by class",
    "precision": "fraction",
    "predictive_accuracy": "fraction",
    "recall": "fraction",
    "weighted_recall": "fraction",
}
_LOW_IS_GOOD = {
    "average_cost": "cost",
    "build_cpu_time": "s",
    "build_memory": "B",
    "mean_absolute_error": "units of the target, or of a probability",
    "ram_hours": "GB h",
    "relative_absolute_error": "of the prior's error",
    "root_mean_squared_error": "units of the target, or of a probability",
    "root_relative_squared_error": "of the prior's error",
    "run_cpu_time": "s",
    "total_cost": "cost",
    "usercpu_time_millis": "ms",
    "usercpu_time_millis_testing": "ms",
    "usercpu_time_millis_training": "ms",
    "wall_clock_time_millis": "ms",
    "wall_clock_time_millis_testing": "ms",
    "wall_clock_time_millis_training": "ms",
}


def direction_and_unit(metric: str, said: Direction | None = None) -> tuple[Direction, str]:
    """Whether a measure is to be maximised, and its unit.

    Args:
        metric: as OpenML spells it.
        said: the direction, if it was stated; it is needed for a measure that is not known here.

    Raises:
        OpenMLError: it is not known, and nothing was said.
    """
    if metric in _HIGH_IS_GOOD:
        return said or "maximise", _HIGH_IS_GOOD[metric]
    if metric in _LOW_IS_GOOD:
        return said or "minimise", _LOW_IS_GOOD[metric]
    if said is None:
        near = did_you_mean(metric, (*_HIGH_IS_GOOD, *_LOW_IS_GOOD))
        raise OpenMLError(
            f"whether a high {metric!r} is good is not known here{near}; say direction maximise or minimise"
        )
    return said, "not stated"
