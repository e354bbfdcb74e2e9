"""The file episodes.jsonl, as a stranger may have written it: one episode a line, in any order, all of them once."""

import io
import math
from typing import Any

from numpy.typing import NDArray

from hpo_gym.evaluation.brief import brief
from hpo_gym.evaluation.errors import did_you_mean
from leaderboards.actions import ActionsError, parse_actions
from leaderboards.board import Board
from leaderboards.errors import SubmissionError
from leaderboards.strict_json import StrictJsonError, strict_json

_NEEDED = ("task", "seed", "actions")
_FIELDS = (*_NEEDED, "scores")
_BYTES_A_NUMBER = 40
"""Room for 17 digits, sign, exponent, separators and some spaces."""
_BYTES_BESIDE = 512
"""Room for a line's names, task and seed."""

Actions = dict[str, tuple[NDArray, ...]]
Stated = dict[str, tuple[tuple[float, ...] | None, ...]]


class _LineError(Exception):
    """What is wrong in a line; the reader adds file and line number."""


def largest_line(board: Board, kind: str) -> int:
    """Bytes that no episode of a board can need."""
    like = board.actions[kind]
    n_parts = len(like.sizes) or like.n_numbers
    return _BYTES_BESIDE + _BYTES_A_NUMBER * like.n_steps * (n_parts + 1)


def largest_file(board: Board, kind: str) -> int:
    """Bytes that no complete submission to a board can need."""
    return board.n_episodes * largest_line(board, kind)


def parse_episodes(content: bytes, where: str, board: Board, kind: str) -> tuple[Actions, Stated]:
    """Task -> one array of actions a seed of the board, and the scores that are stated, None where there are none.

    Args:
        content: at most `largest_file` bytes.
        where: the file, for messages.
        board: whose episodes they have to be.
        kind: the way of acting, a key of `Board.actions`.

    Raises:
        SubmissionError: names file, line and field.
    """
    reader = _Reader(board, kind)
    for number, line in enumerate(io.BytesIO(content), start=1):
        try:
            reader.take(number, line)
        except (_LineError, StrictJsonError) as error:
            raise SubmissionError(f"{where}, line {number}: {error}") from None
    missing = [(task, seed) for task in board.tasks for seed in board.seeds if (task, seed) not in reader.lines]
    if missing:
        task, seed = missing[0]
        raise SubmissionError(
            f"{where}: {len(missing)} of the board's {board.n_episodes} episodes are missing, the first with "
            f"field 'task' {task!r} and field 'seed' {seed}"
        )
    return (
        {task: tuple(reader.actions[task, seed] for seed in board.seeds) for task in board.tasks},
        {task: tuple(reader.stated[task, seed] for seed in board.seeds) for task in board.tasks},
    )


class _Reader:
    """The episodes that were read so far, by task and seed."""

    def __init__(self, board: Board, kind: str) -> None:
        self.board, self.kind = board, kind
        self.largest = largest_line(board, kind)
        self.tasks, self.seeds = frozenset(board.tasks), frozenset(board.seeds)
        self.lines: dict[tuple[str, int], int] = {}
        self.actions: dict[tuple[str, int], NDArray] = {}
        self.stated: dict[tuple[str, int], tuple[float, ...] | None] = {}

    def take(self, number: int, line: bytes) -> None:
        record = self._record(line)
        key = self._key(record)
        if key in self.lines:
            raise _LineError(f"field 'task' {key[0]!r} with field 'seed' {key[1]} is on line {self.lines[key]} already")
        self.lines[key] = number
        try:
            self.actions[key] = parse_actions(record["actions"], self.kind, self.board.actions[self.kind])
        except ActionsError as error:
            raise _LineError(f"field 'actions' {error}") from None
        self.stated[key] = self._scores(record, len(self.actions[key])) if "scores" in record else None

    def _record(self, line: bytes) -> dict[str, Any]:
        if len(line) > self.largest:
            raise _LineError(f"{len(line)} bytes; an episode of this board has at most {self.largest}")
        line = line.removesuffix(b"\n").removesuffix(b"\r")
        if not line.strip():
            raise _LineError("is blank; every line is an episode")
        if b"\r" in line:
            raise _LineError("has a carriage return within; lines end in a line feed")
        record = strict_json(line)
        if not isinstance(record, dict):
            raise _LineError(f"must be an object with the fields {', '.join(_FIELDS)}, got {brief(record)}")
        for name in _NEEDED:
            if name not in record:
                raise _LineError(f"field {name!r} is missing")
        if unknown := record.keys() - set(_FIELDS):
            raise _LineError(f"unknown field {brief(min(unknown))}; allowed are {', '.join(_FIELDS)}")
        return record

    def _key(self, record: dict[str, Any]) -> tuple[str, int]:
        task, seed = record["task"], record["seed"]
        if not isinstance(task, str) or task not in self.tasks:
            hint = did_you_mean(task[:100], self.tasks) if isinstance(task, str) else ""
            tasks = ", ".join(repr(known) for known in self.board.tasks)
            raise _LineError(f"field 'task' is {brief(task)}{hint}; the board's are {tasks}")
        if type(seed) is not int or seed not in self.seeds:
            seeds = self.board.seeds
            raise _LineError(
                f"field 'seed' is {brief(seed)}; the board's are the whole numbers {seeds[0]} to {seeds[-1]}"
            )
        return task, seed

    def _scores(self, record: dict[str, Any], n_actions: int) -> tuple[float, ...]:
        scores, n_scores = record["scores"], n_actions if self.board.is_search else 1
        if not isinstance(scores, list) or len(scores) != n_scores:
            what = "one a trial" if self.board.is_search else "the outcome"
            raise _LineError(f"field 'scores' must be a list of {n_scores}, {what}, got {brief(scores)}")
        if not _are_finite(scores):
            k = next(k for k, score in enumerate(scores) if not _are_finite([score]))
            raise _LineError(f"field 'scores', number {k + 1}, must be a finite number, got {brief(scores[k])}")
        return tuple(map(float, scores))


def _are_finite(values: list[Any]) -> bool:
    try:
        return set(map(type, values)) <= {int, float} and all(map(math.isfinite, values))
    except OverflowError:  # whole numbers may be larger than any float
        return False
