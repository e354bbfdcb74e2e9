"""Recomputes every figure of a submission: replays its actions, and re-runs its weights where it brings them."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agents.catalogue import TrainedEntry
from hpo_gym.evaluation.episode_batch import EpisodeBatch
from hpo_gym.evaluation.errors import EvaluationError
from hpo_gym.evaluation.evaluate import package_versions, summary_of
from hpo_gym.evaluation.summary import References
from leaderboards.board import Board
from leaderboards.errors import BoardError, SubmissionError
from leaderboards.play import Played, play
from leaderboards.record import Course, Record, Tier, read_record
from leaderboards.replay import replay
from leaderboards.store import Store
from leaderboards.submission import MANIFEST, Submission, agent_of

STATED_TOLERANCE = 1e-6
"""Relative difference up to which a stated score counts as the table's: other languages write fewer digits."""


def verify(submission: Submission, store: Store, *, rerun: bool = True) -> Record:
    """Replay one submission in full; see `verify_all`."""
    return verify_all([submission], store, rerun=rerun)[0]


def verify_all(submissions: Sequence[Submission], store: Store, *, rerun: bool = True) -> list[Record]:
    """Replay submissions to one board in full.

    The rivals that metrics compare with are those among the submissions, else those that the store has records of.

    Args:
        submissions: at least one.
        store: with the rivals.
        rerun: whether weights are played too, which can take minutes; without it the evidence is "replayed" at most.

    Raises:
        SubmissionError: what a submission states, or what its weights do, is not what its actions give.
        BoardError: the data is not the board's, or a rival has no record.
    """
    board = submissions[0].board
    board.check_data()
    replayed = list(replay(submissions))
    rivals = _rivals(board, store, submissions, replayed)
    records: list[Record] = []
    fields: dict[tuple[str, ...], References] = {}
    for submission, batches in zip(submissions, replayed, strict=True):
        check_stated(submission, batches)
        tier: Tier = "replayed"
        if submission.has_policy and rerun:
            check_policy(submission)
            tier = "re-run"
        others = tuple(name for name in rivals if name != submission.manifest.agent)
        field = fields.setdefault(others, References({name: rivals[name] for name in others}))
        records.append(_record(submission, batches, field, tier))
    return records


def _rivals(
    board: Board, store: Store, submissions: Sequence[Submission], replayed: Sequence[list[EpisodeBatch]]
) -> dict[str, list[EpisodeBatch]]:
    """The episodes of the board's rivals, by agent, in the board's order."""
    baselines = {agent_of(name): name for name in store.baselines.get(board.id, {})}  # the latest of each agent
    at_hand = {submission.name: batches for submission, batches in zip(submissions, replayed, strict=True)}
    rivals = {}
    for rival in board.rivals:
        name = baselines.get(rival)
        if name in at_hand:
            rivals[rival] = at_hand[name]
        elif name and (path := store.record_path(board, name)).exists():
            rivals[rival] = _kept(path, board, store.baselines[board.id][name]).batches(board)
        else:
            raise BoardError(f"board {board.id}: rival {rival!r} has no record in {store.folder}: make the baselines")
    return rivals


def _kept(path: Path, board: Board, episodes_sha256: str) -> Record:
    """The record of a baseline, if it is of the board and of the episodes that are registered."""
    record = read_record(path)
    if (record.board_sha256, record.episodes_sha256) != (board.sha256, episodes_sha256):
        raise BoardError(f"{path}: of another board or of other episodes than the registered ones: verify it again")
    return record


def _record(
    submission: Submission,
    batches: list[EpisodeBatch],
    references: References,
    tier: Tier,
) -> Record:
    board = submission.board
    budget = board.protocol.budget or 0
    summary = summary_of(board.protocol, batches, references, budget)
    return Record(
        board=board.id,
        board_sha256=board.sha256,
        submission=submission.name,
        agent=submission.manifest.agent,
        episodes_sha256=submission.episodes_sha256,
        env_kwargs=submission.manifest.env_kwargs.as_kwargs(),
        policy_sha256=submission.policy_sha256 if tier == "re-run" else "",
        tier=tier,
        is_reference=submission.manifest.is_reference,
        metrics=summary.metrics,
        per_task=summary.per_task,
        courses={batch.task_id: Course.of(batch, budget) for batch in batches},
        versions=package_versions(),
    )


def check_stated(submission: Submission, batches: Sequence[EpisodeBatch]) -> None:
    """A `SubmissionError` where a stated score is not the replayed one."""
    board = submission.board
    tolerance = STATED_TOLERANCE if board.is_search else board.tolerance
    for batch in batches:
        stated = dict(zip(board.seeds, submission.stated[batch.task_id], strict=True))
        for i, seed in enumerate(batch.seeds):
            if stated[seed] is None:
                continue
            found = batch.scores[i] if board.is_search else batch.outcomes[board.primary_metric][i : i + 1]
            ours, theirs = found[np.isfinite(found)], np.array(stated[seed])
            where = f"{submission.path}, task {batch.task_id!r}, seed {seed}: field 'scores'"
            if len(ours) != len(theirs):
                raise SubmissionError(f"{where} has {len(theirs)}, its replay gives {len(ours)}")
            is_off = np.abs(ours - theirs) > tolerance * np.maximum(1.0, np.abs(ours))
            if is_off.any():
                k = int(np.argmax(is_off))
                raise SubmissionError(
                    f"{where}: number {k + 1} is {theirs[k]}, its replay gives {ours[k]} (tolerance {tolerance}): "
                    "other data, another version, or not what was done"
                )


def check_policy(submission: Submission) -> None:
    """Build the agent from the submission's own weights, play the board, and compare action by action."""
    board = submission.board
    try:
        # Not by `resolve`, which imports whatever is no folder: this is one, and nothing else is tried.
        agent = submission.manifest.agent
        entry = TrainedEntry(name=agent, builder=str(submission.path), description="", family="")
        seen = entry.tasks_seen(board.protocol.env_id) & set(board.tasks)
        if seen:
            raise SubmissionError(f"the weights were trained on {min(seen)!r}, which is judged here")
        with tempfile.TemporaryDirectory() as folder:
            played = play(board, submission.manifest.agent, entry.build, Path(folder) / "episodes.jsonl")
    except EvaluationError as error:
        raise SubmissionError(f"{submission.path / 'policy.json'}: {error}") from None
    _compare_actions(submission, played)


def _compare_actions(submission: Submission, played: Played) -> None:
    said = submission.manifest.env_kwargs
    if played.env_kwargs != said:
        raise SubmissionError(
            f"{submission.path / MANIFEST}: field 'env_kwargs' is {said.as_kwargs()}; the weights act with "
            f"{played.env_kwargs.as_kwargs()}"
        )
    tolerance = 0.0 if submission.board.is_search else 1e-3
    for task, episodes in submission.actions.items():
        for seed, ours, theirs in zip(submission.board.seeds, played.actions[task], episodes, strict=True):
            if ours.shape != theirs.shape or not np.allclose(ours, theirs, rtol=0, atol=tolerance):
                raise SubmissionError(
                    f"{submission.path / 'policy.safetensors'}: task {task!r}, seed {seed}: the weights act otherwise "
                    "than field 'actions' says"
                )


def verify_subset(submission: Submission, store: Store, seeds: Sequence[int]) -> float:
    """Replay some seeds of every task and compare with the record that is kept.

    Returns:
        The largest difference of an outcome or score; on tables it is 0.

    Raises:
        SubmissionError: a difference beyond the board's tolerance, or no record.
    """
    board = submission.board
    board.check_data()
    path = store.record_path(board, submission.name)
    if not path.exists():
        raise SubmissionError(f"{submission.path}: no record to compare with: verify all of it first")
    record = read_record(path)
    if not record.is_of(submission):
        raise SubmissionError(f"{path}: not of what is in {submission.path} now: verify all of it again")
    (batches,) = replay([submission], seeds)
    check_stated(submission, batches)
    budget, positions = board.protocol.budget or 0, [board.seeds.index(seed) for seed in seeds]
    largest = 0.0
    for batch in batches:
        kept = record.courses[batch.task_id]
        if board.is_search:
            ours, theirs = batch.incumbents(budget), kept.incumbents(budget)[positions]
        else:
            ours = batch.outcomes[board.primary_metric]
            theirs = np.array(kept.outcomes[board.primary_metric])[positions]
        largest = max(largest, float((np.abs(ours - theirs) / np.maximum(1.0, np.abs(theirs))).max()))
    if largest > board.tolerance:
        raise SubmissionError(
            f"{path}: the replay differs from field 'courses' by {largest:.3g}; {board.id} allows {board.tolerance}"
        )
    return largest
