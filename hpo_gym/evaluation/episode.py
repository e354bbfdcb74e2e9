"""The record of one episode: what was done, what came of it, and what it is judged against."""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Episode:
    """One episode of one agent.

    Attributes:
        agent, env_id, task_id, seed: which episode this is.
        actions: one an environment step, as the environment took them: int, or list of floats or ints.
        scores: raw score of each trial in the table's own unit, higher is better (config selection), or the
            values that the environment's `info["score"]` reported (other families).
        rewards: one a step.
        best_score, worst_score: of the whole task, the 0 and the 1 of normalised regret.
        costs: cumulative cost after each trial in full evaluations (1, 2, 3, ... where every trial is full).
        outcomes: further final figures by metric name ("validation_bpb").
        schema_version: of this record.
    """

    agent: str
    env_id: str
    task_id: str
    seed: int
    actions: tuple[Any, ...]
    scores: tuple[float, ...]
    rewards: tuple[float, ...]
    best_score: float = math.nan
    worst_score: float = math.nan
    costs: tuple[float, ...] = ()
    outcomes: dict[str, float] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION
