"""Short names for the parameters of a flow and its components."""

from collections import Counter
from collections.abc import Collection, Sequence

from hpo_gym.data.openml.setups import Parameter

TASK, SCORE, N_RUNS, N_FAILED = "task", "score", "n_runs", "n_failed_runs"
RESERVED = (TASK, SCORE, N_RUNS, N_FAILED)
"""The table's other columns."""

NOT_TUNED = ("random_state", "n_jobs", "verbose", "openml.seed", "openml.kind", "openml.normal.kind")
"""Seeds and settings that do not say which model is fitted: they are left out unless asked for."""


def short_names(parameters: Sequence[Parameter]) -> list[str]:
    """A column's name for each parameter: the shortest of three that no other has.

    Its own name; "component.name" with the last word of the component ("RandomForestClassifier.n_estimators");
    OpenML's full name, which has the component's version.
    """
    candidates = [
        [p.name for p in parameters],
        [f"{_last_word(p.component)}.{p.name}" for p in parameters],
    ]
    names = [p.full_name for p in parameters]
    for column in reversed(candidates):
        counts = Counter(column)
        names = [
            short if counts[short] == 1 and short not in RESERVED else name
            for short, name in zip(column, names, strict=True)
        ]
    return names


def _last_word(component: str) -> str:
    """sklearn.pipeline.Pipeline(a=b.C) -> Pipeline; weka.J48 -> J48."""
    return component.partition("(")[0].rpartition(".")[2]


def is_named(parameter: Parameter, short_name: str, names: Collection[str]) -> bool:
    """Whether a list names this parameter, in any of its spellings."""
    return not {parameter.name, parameter.full_name, short_name}.isdisjoint(names)
