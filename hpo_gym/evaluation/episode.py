"""The record of one episode: what was done, what came of it, and what it is judged against.

On disk: JSON Lines, one episode a line, one key a field of `Episode`. JSON has no NaN, so a `best_score` or
`worst_score` that is not known is null; NaN or Infinity anywhere else is an error, written or read.
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from hpo_gym.evaluation.atomic_file import atomic_writer
from hpo_gym.evaluation.brief import brief
from hpo_gym.evaluation.errors import RecordError

SCHEMA_VERSION = 2


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
        losses: of a training run in nats on its probe batches, before the first step and after each.
        applied: what a training run went on with, by name ("lr", "wd_scale", "n_updates" done), one a step.
        outcomes: further final figures by name ("validation_bpb").
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
    losses: tuple[float, ...] = ()
    applied: dict[str, tuple[float, ...]] = field(default_factory=dict)
    outcomes: dict[str, float] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION


def write_episodes(path: str | Path, episodes: Iterable[Episode]) -> None:
    """Write a JSON Lines file, whole or not at all; a NaN or infinite number is a `RecordError`."""
    with atomic_writer(Path(path)) as file:
        for episode in episodes:
            file.write(_to_line(episode))


def read_episodes(path: str | Path) -> Iterator[Episode]:
    """The episodes of a JSON Lines file in its order.

    The first line that is not an episode of this schema version is a `RecordError` that names file, line,
    field and what is allowed there. A file that is absent is a `FileNotFoundError`.
    """
    with Path(path).open("rb") as file:  # bytes: a line that is not UTF-8 is then reported by its number
        for number, line in enumerate(file, start=1):
            try:
                yield _from_line(line)
            except (_FieldError, UnicodeDecodeError) as error:
                raise RecordError(f"{path}, line {number}: {error}") from None


class _FieldError(Exception):
    """What is wrong in a line; the reader adds file and line number."""


def _to_line(episode: Episode) -> str:
    # Not dataclasses.asdict: its deep copies cost more than the rest of a write.
    record = {f.name: getattr(episode, f.name) for f in fields(Episode)}
    for bound in ("best_score", "worst_score"):
        record[bound] = None if math.isnan(record[bound]) else record[bound]
    try:
        return json.dumps(record, allow_nan=False, separators=(",", ":")) + "\n"
    except ValueError:
        where = f"agent {episode.agent!r}, task {episode.task_id!r}, seed {episode.seed}"
        raise RecordError(f"{where}: an episode with a NaN or infinite number cannot be written") from None


def _refuse_constant(constant: str) -> float:
    raise _FieldError(f"{constant} is not allowed; numbers are finite")


def _from_line(line: bytes) -> Episode:
    try:
        record = json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise _FieldError(f"not JSON ({error.msg} at character {error.pos + 1})") from None
    if not isinstance(record, dict):
        raise _FieldError(f"expected a JSON object with the fields of an episode, got {brief(record)}")
    version = record.get("schema_version")
    if version != SCHEMA_VERSION:
        raise _FieldError(f"field 'schema_version' is {brief(version)}; this version reads {SCHEMA_VERSION}")
    _check_names(record)
    for name, (allowed, is_allowed) in _FIELDS.items():
        if not is_allowed(record[name]):
            raise _FieldError(f"field {name!r} must be {allowed}, got {brief(record[name])}")
    for bound in ("best_score", "worst_score"):
        record[bound] = math.nan if record[bound] is None else record[bound]
    for name in ("actions", "scores", "rewards", "costs", "losses"):
        record[name] = tuple(record[name])
    record["applied"] = {name: tuple(values) for name, values in record["applied"].items()}
    episode = Episode(**record)
    _check_agreement(episode)
    return episode


def _check_names(record: dict[str, Any]) -> None:
    expected = {f.name for f in fields(Episode)}
    if missing := expected - record.keys():
        raise _FieldError(f"field {min(missing)!r} is missing")
    if unknown := record.keys() - expected:
        raise _FieldError(f"unknown field {min(unknown)!r}; allowed are {', '.join(sorted(expected))}")


def _check_agreement(episode: Episode) -> None:
    if len(episode.rewards) != len(episode.actions):
        raise _FieldError(
            f"field 'rewards' has {len(episode.rewards)} values for {len(episode.actions)} actions; one a step"
        )
    if episode.costs and len(episode.costs) != len(episode.scores):
        raise _FieldError(
            f"field 'costs' has {len(episode.costs)} values for {len(episode.scores)} scores; none, or one a trial"
        )
    if episode.losses and len(episode.losses) != len(episode.actions) + 1:
        raise _FieldError(
            f"field 'losses' has {len(episode.losses)} values for {len(episode.actions)} actions; none, or one before "
            "the first step and one a step"
        )
    for name, values in episode.applied.items():
        if len(values) != len(episode.actions):
            raise _FieldError(f"field 'applied': {name!r} has {len(values)} values for {len(episode.actions)} actions")
    if any(later < earlier for earlier, later in zip(episode.costs, episode.costs[1:], strict=False)):
        raise _FieldError("field 'costs' must not decrease; it is cumulative")
    if episode.best_score < episode.worst_score:
        raise _FieldError(f"field 'best_score' ({episode.best_score}) is below 'worst_score' ({episode.worst_score})")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_integer(value: Any) -> bool:
    return type(value) is int


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _is_number_or_null(value: Any) -> bool:
    return value is None or _is_number(value)


def _is_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_number, value))


def _is_actions(value: Any) -> bool:
    return isinstance(value, list) and all(
        _is_number(action) or (isinstance(action, list) and (_is_numbers(action) or _is_actions(action)))
        for action in value
    )


def _is_outcomes(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_number, value.values()))


def _is_series(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_numbers, value.values()))


_FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "agent": ("a string", _is_text),
    "env_id": ("a string", _is_text),
    "task_id": ("a string", _is_text),
    "seed": ("an integer", _is_integer),
    "actions": ("a list of numbers or lists of numbers", _is_actions),
    "scores": ("a list of finite numbers", _is_numbers),
    "rewards": ("a list of finite numbers", _is_numbers),
    "best_score": ("a finite number or null", _is_number_or_null),
    "worst_score": ("a finite number or null", _is_number_or_null),
    "costs": ("a list of finite numbers", _is_numbers),
    "losses": ("a list of finite numbers", _is_numbers),
    "applied": ("an object of lists of finite numbers", _is_series),
    "outcomes": ("an object of finite numbers", _is_outcomes),
}
