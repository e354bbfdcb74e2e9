"""What fixes an evaluation: environment, tasks, seeds, budget, threads, metrics; a TOML file.

```toml
version = 1
env_id = "hpo_gym/ConfigSelection-TSTSVM-v0"
split = "test"            # or "all" (leave one task out) or "train"
n_seeds = 10
budget = 50
metrics = ["normalized_regret@10", "rank@10"]

[env_kwargs]
reward = "improvement"
```
"""

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from hpo_gym.evaluation.errors import RecordError
from hpo_gym.evaluation.summary import check_metric_name
from hpo_gym.evaluation.validation import first_complaint

Split = Literal["test", "all", "train"]

_TASK_CHOICE = ("tasks", "split", "task_id", "num_envs", "autoreset_mode", "render_mode")


class Protocol(BaseModel):
    """Everything that an evaluation's figures depend on, but the agent.

    Attributes:
        version: of this format; 1.
        env_id: anything `gym.make` takes.
        env_kwargs: options of the environment, without tasks, split and budget.
        split: "test": built on the declared training tasks, evaluated on the test tasks. "train": both on the
            training tasks. "all": every task, each by an agent built on all the others.
        tasks: evaluate only these of the split; None is all of them. Never changes what is trained on.
        n_seeds: episodes a task.
        first_seed: episodes are seeded first_seed, first_seed + 1, ...
        budget: in full evaluations; None is the environment's own.
        torch_threads: of torch, BLAS and OpenMP, in building and acting.
        deterministic: passed to `predict`.
        metrics: names to report; empty is all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Literal[1] = 1
    env_id: str
    env_kwargs: dict[str, Any] = {}
    split: Split = "test"
    tasks: tuple[str, ...] | None = Field(default=None, min_length=1, strict=False)
    n_seeds: int = Field(default=10, ge=1)
    first_seed: int = Field(default=0, ge=0)
    budget: int | None = Field(default=None, ge=1)
    torch_threads: int = Field(default=1, ge=1)
    deterministic: bool = True
    metrics: tuple[str, ...] = Field(default=(), strict=False)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of a task's episodes."""
        return tuple(range(self.first_seed, self.first_seed + self.n_seeds))

    @field_validator("env_kwargs")
    @classmethod
    def _leaves_tasks_to_the_protocol(cls, env_kwargs: dict[str, Any]) -> dict[str, Any]:
        for key in env_kwargs:
            if key in (*_TASK_CHOICE, "budget"):
                raise ValueError(f"{key!r} is set by the evaluation: use the protocol's own split, tasks and budget")
        return env_kwargs

    @field_validator("metrics")
    @classmethod
    def _are_metrics(cls, metrics: tuple[str, ...]) -> tuple[str, ...]:
        for name in metrics:
            check_metric_name(name)
        return metrics

    @classmethod
    def make(cls, **values: Any) -> "Protocol":
        """As the constructor, but what is wrong is a one-line `RecordError`."""
        try:
            return cls(**values)
        except ValidationError as error:
            raise RecordError(f"protocol: {first_complaint(error, cls)}") from None

    @classmethod
    def read(cls, path: str | Path) -> "Protocol":
        """Read a TOML file; what is unknown, missing or mistyped is a `RecordError` naming file and key."""
        try:
            content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RecordError(f"{path}: not TOML: {error}") from None
        if "version" not in content:
            raise RecordError(f"{path}: key 'version' is missing; this version reads 1")
        try:
            return cls(**content)
        except ValidationError as error:
            raise RecordError(f"{path}: {first_complaint(error, cls)}") from None
