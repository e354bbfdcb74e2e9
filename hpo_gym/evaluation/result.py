"""What an evaluation found: the file that `evaluate --json` writes, and that comparisons and plots read."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from hpo_gym.evaluation.atomic_file import atomic_writer
from hpo_gym.evaluation.errors import RecordError
from hpo_gym.evaluation.validation import first_complaint

RESULT_SCHEMA_VERSION = 1

Curves = dict[str, list[list[float]]]


class MetricSummary(BaseModel):
    """A metric over all tasks and seeds.

    Attributes:
        mean: over tasks and seeds; for `rank`, `beat_random` and the performances, that statistic itself.
        iqm: interquartile mean of the values (tasks x seeds), or of the tasks' values for those statistics.
        low, high: 95 % stratified bootstrap interval of `mean`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    mean: float
    iqm: float
    low: float
    high: float


class EvaluationResult(BaseModel):
    """One agent on one environment.

    Attributes:
        agent, env_id, env_kwargs, split: what was evaluated, on what.
        n_seeds, seeds: of each task's episodes.
        budget: trials, in full evaluations; 0 where the environment has no trials.
        metrics: by name.
        per_task: task -> metric -> mean over seeds (`rank`, `beat_random`: the task's own).
        regret_curves: task -> one list a seed of the incumbent's normalised regret after trial 1 ... budget.
        score_curves: task -> one list a seed of the incumbent's raw score after trial 1 ... budget.
        loss_curves: task -> one list a seed of a training run's probe loss, before the first step and after each.
        applied: task -> name -> one list a seed of what a training run went on with at each step.
        outcomes: task -> name -> one final figure a seed, which pairs agents seed by seed.
        is_reference: whether the agent changes the run that the others control, and so is no competitor of theirs.
        reference_agents: whom `rank@K`, `beat_random@K`, `improvement_over_off` and `normalized_score` compare with.
        wall_s: of this run of the evaluation, without what an interrupted one had already done.
        versions: of the packages that figures may depend on.
        schema_version: of this file.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    agent: str
    env_id: str
    env_kwargs: dict[str, Any]
    split: str
    n_seeds: int
    seeds: list[int]
    budget: int
    metrics: dict[str, MetricSummary]
    per_task: dict[str, dict[str, float]]
    regret_curves: Curves
    score_curves: Curves
    loss_curves: Curves = {}
    applied: dict[str, Curves] = {}
    outcomes: dict[str, dict[str, list[float]]] = {}
    is_reference: bool = False
    reference_agents: list[str]
    wall_s: float
    versions: dict[str, str]
    schema_version: int = RESULT_SCHEMA_VERSION

    @classmethod
    def read(cls, path: str | Path) -> "EvaluationResult":
        """Read a file that `write` made; anything else is a one-line `RecordError`, or `FileNotFoundError`."""
        content = Path(path).read_bytes()
        try:
            result = cls.model_validate_json(content)
        except ValidationError as error:
            raise RecordError(f"{path}: not the result of an evaluation: {first_complaint(error, cls)}") from None
        if result.schema_version != RESULT_SCHEMA_VERSION:
            raise RecordError(
                f"{path}: schema_version is {result.schema_version}; this version reads {RESULT_SCHEMA_VERSION}"
            )
        return result

    def write(self, path: str | Path) -> None:
        """Write JSON, whole or not at all; one line a field, so that curves do not take a line a number."""
        fields = (
            f"{_as_json(name)}: {self.model_dump_json(include={name}).partition(':')[2][:-1]}"
            for name in type(self).model_fields
        )
        with atomic_writer(Path(path)) as file:
            file.write("{\n" + ",\n".join(fields) + "\n}\n")


def _as_json(name: str) -> str:
    return f'"{name}"'
