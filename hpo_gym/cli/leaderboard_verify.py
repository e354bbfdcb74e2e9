"""`hpo-gym leaderboard check` and `verify`: whether a submission is in order, and what its actions really score."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from hpo_gym.cli.arguments import split_integers
from hpo_gym.cli.failures import CommandFailed, WrongUsage
from hpo_gym.cli.leaderboard_store import StoreFolder, board_data, board_named, open_store
from hpo_gym.cli.terminal import say, waiting

if TYPE_CHECKING:
    from leaderboards.board import Board
    from leaderboards.record import Record
    from leaderboards.store import Store
    from leaderboards.submission import Submission

Folders = Annotated[
    list[Path] | None, typer.Argument(metavar="FOLDER", help="Of submissions: submission.toml and episodes.jsonl.")
]


def check(folders: Folders = None, store: StoreFolder = None) -> None:
    """Check submissions without playing anything: files, fields, completeness, ranges, names. Takes milliseconds.

    Example: hpo-gym leaderboard check leaderboards/submissions/noisy-quadratic-v1/*
    """
    if not folders:
        raise WrongUsage("which submissions? name their folders")
    found = _read(folders, store=open_store(store), is_alone=len(folders) == 1)
    for submission in found:
        weights = ", with weights" if submission.has_policy else ""
        counts = f"{submission.board.n_episodes} episodes, {submission.n_trials} actions{weights}"
        say(f"{submission.name}: in order for {submission.board.id}: {counts}")
    _fail_if(len(folders) - len(found), len(folders))


def verify(
    folders: Folders = None,
    board: Annotated[
        str | None, typer.Option(metavar="BOARD", help="Instead of folders: all of this board's submissions.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Instead of folders: all submissions to boards whose data is here.")
    ] = False,
    seeds: Annotated[
        str | None,
        typer.Option(metavar="K,K", help="Only these seeds of every task, against the record that is kept."),
    ] = None,
    subset: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="The same with N seeds drawn at random.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw.")] = 0,
    rerun: Annotated[
        bool, typer.Option("--rerun/--no-rerun", help="Let weights act again too, where a submission has some.")
    ] = True,
    record: Annotated[
        bool, typer.Option("--record/--no-record", help="Keep what was found, for standings and pages.")
    ] = False,
    store: StoreFolder = None,
) -> None:
    """Recompute every figure of submissions from their actions: seconds on tables, minutes on training runs.

    Example: hpo-gym leaderboard verify --board noisy-quadratic --subset 2
    """
    if sum([bool(folders), board is not None, everything]) != 1:
        raise WrongUsage("either folders, or --board BOARD, or --all says what is verified")
    is_partial = seeds is not None or subset is not None
    if (seeds is not None and subset is not None) or (is_partial and record):
        raise WrongUsage("of --seeds, --subset and --record only one can be had")
    if record and not rerun:
        raise WrongUsage("--record keeps the best evidence there is: not with --no-rerun")
    wanted = None if seeds is None else split_integers(seeds, "--seeds")
    opened = open_store(store)
    paths = list(folders or _paths(opened, board))
    found = _read(paths, store=opened, is_alone=bool(folders) and len(paths) == 1)
    n_refused = len(paths) - len(found)
    if record:
        _check_are_in(opened, found)
    for _, group in groupby(sorted(found, key=lambda one: one.board.id), key=lambda one: one.board.id):
        submissions = list(group)
        if is_partial:
            chosen = _chosen_seeds(submissions[0].board, wanted, subset, np.random.default_rng(seed))
            n_refused += _verify_some(submissions, opened, chosen, is_alone=len(paths) == 1)
            continue
        for at_once in _groups(submissions, opened):
            n_refused += _verify_whole(at_once, opened, rerun=rerun, record=record, is_alone=len(paths) == 1)
    _fail_if(n_refused, len(paths))


def _check_are_in(store: "Store", submissions: "Sequence[Submission]") -> None:
    """A record is of what lies in the store, else it would stand beside a submission of the same name."""
    for submission in submissions:
        there = store.submission_path(submission.board, submission.name)
        if submission.path != there.absolute():
            raise CommandFailed(f"--record: {submission.path} is not in the store; put it at {there} first")


def _paths(store: "Store", name: str | None) -> Iterator[Path]:
    """The submissions of a board, or of all boards whose data is here; says what is left out."""
    for board in store.boards.values() if name is None else [board_named(store, name)]:
        paths = store.submissions_of(board)
        data = board_data(board)
        if name is None and paths and data["state"] != "present":
            say(f"{board.id}: {len(paths)} left out, its data is not here: {data['get']}")
            continue
        yield from paths


def _read(paths: Sequence[Path], *, store: "Store", is_alone: bool) -> "list[Submission]":
    """Those that pass the check; a line for each of the others, or, where there is but one, its error."""
    from leaderboards.errors import SubmissionError
    from leaderboards.intake import read_submission

    found = []
    for path in paths:
        try:
            found.append(read_submission(path, store))
        except SubmissionError as error:
            _refuse(error, is_alone=is_alone)
    return found


def _groups(submissions: "list[Submission]", store: "Store") -> "list[list[Submission]]":
    """Those of a board that are played side by side.

    Of searches many take no longer than one. Training runs take minutes, so each is told when it is done; but rivals
    that were never recorded have to be at hand for the others to be compared with.
    """
    from leaderboards.baselines import has_record

    board = submissions[0].board
    rivals = [submission for submission in submissions if submission.manifest.agent in board.rivals]
    if board.is_search or not all(has_record(store, rival) for rival in rivals):
        return [submissions]
    return [[submission] for submission in submissions]


def _verify_whole(
    submissions: "Sequence[Submission]", store: "Store", *, rerun: bool, record: bool, is_alone: bool
) -> int:
    """Of one board -> how many are refused."""
    from leaderboards.errors import SubmissionError
    from leaderboards.verify import verify_all

    board, records = submissions[0].board, []
    n_refused = 0
    what = f"{len(submissions)} submissions" if len(submissions) > 1 else submissions[0].name
    with waiting(f"replaying {what} on {board.id}"):
        try:
            records = verify_all(submissions, store, rerun=rerun)
        except SubmissionError as error:
            if len(submissions) == 1:
                _refuse(error, is_alone=is_alone)
                return 1
    if not records:  # one of them is refused: each by itself, to tell which
        for submission in submissions:
            n_refused += _verify_whole([submission], store, rerun=rerun, record=record, is_alone=False)
        return n_refused
    for submission, found in zip(submissions, records, strict=True):
        n_refused += not _tell(submission, found, store, record=record, is_alone=is_alone)
    return n_refused


def _tell(submission: "Submission", found: "Record", store: "Store", *, record: bool, is_alone: bool) -> bool:
    """Print and, if wanted, keep what was found -> whether it is what is kept, if anything is."""
    board, path = submission.board, store.record_path(submission.board, submission.name)
    state, is_same = _against_kept(found, board, path)
    if record:
        found.write(path)
        state, is_same = f"recorded in {path}", True
    shown = board.shown_metrics if is_alone else board.shown_metrics[:1]
    figures = {name: f"{found.metrics[name].mean:.4f} [{_interval(found, name)}]" for name in shown}
    if not is_alone:
        say(f"{board.id} {submission.name}: {found.tier}, {board.primary_metric} {figures[shown[0]]}; {state}")
        return is_same
    how = "its weights act so again" if found.tier == "re-run" else "its actions were played again"
    say(f"{submission.name} on {board.id}: {found.tier} ({how}), {board.n_episodes} episodes")
    for name, figure in figures.items():
        say(f"  {name:<{max(map(len, shown))}}  {figure}")
    say("In brackets 95 % bootstrap intervals over seeds.")
    say(_rank(submission, found, store))
    say(state[0].upper() + state[1:] + ".")
    if not path.exists():
        there = store.submission_path(board, submission.name)
        is_there = submission.path == there.absolute()
        put = "commit it" if is_there else f"commit it as leaderboards/submissions/{board.id}/{submission.name}"
        say(f"next: {put} and open a pull request (CONTRIBUTING.md: Submit to a leaderboard)")
    return is_same


def _rank(submission: "Submission", found: "Record", store: "Store") -> str:
    """Where it stands, or would stand."""
    from leaderboards.errors import LeaderboardError
    from leaderboards.standings import standings

    board = submission.board
    if found.is_reference:
        return "A reference changes the very run that others control: it has no rank."
    try:
        entries = standings(store, board)
    except LeaderboardError as error:  # no fault of this submission
        return f"Where it stands cannot be told: {error}"
    others = [entry for entry in entries if entry.rank is not None and entry.name != submission.name]
    sign = -1.0 if board.is_higher_better(board.primary_metric) else 1.0
    means = [entry.record.metrics[board.primary_metric].mean for entry in others if entry.record]
    rank = 1 + sum(sign * mean < sign * found.metrics[board.primary_metric].mean for mean in means)
    return f"By {board.primary_metric} that is rank {rank} of {len(means) + 1}: hpo-gym leaderboard show {board.id}"


def _interval(found: "Record", name: str) -> str:
    return f"{found.metrics[name].low:.4f}, {found.metrics[name].high:.4f}"


def _against_kept(found: "Record", board: "Board", path: Path) -> tuple[str, bool]:
    """What to say of the record that is kept, and whether it holds."""
    from leaderboards.record import read_record

    if not path.exists():
        return "not recorded (--record does that)", True
    kept = read_record(path)
    field = found.first_difference(kept)
    if not field:
        return "the same to the bit as the record that is kept", True
    largest = _largest_difference(found, kept, board) if field in ("metrics", "per_task", "courses") else np.inf
    if 0 < largest <= board.tolerance:
        return f"as the record that is kept, within tolerance (largest difference {largest:.3g})", True
    return f"differs from the record that is kept, {path}, in field {field!r}", False


def _largest_difference(found: "Record", kept: "Record", board: "Board") -> float:
    """Of outcomes of training runs, and of their mean, relative to those above 1."""
    metric = board.primary_metric
    pairs = [
        (found.courses[task].outcomes.get(metric), kept.courses[task].outcomes.get(metric)) for task in board.tasks
    ]
    if not all(ours and theirs for ours, theirs in pairs):
        return np.inf
    ours, theirs = (
        np.append(np.ravel([pair[i] for pair in pairs]), record.metrics[metric].mean)
        for i, record in enumerate((found, kept))
    )
    return float((np.abs(ours - theirs) / np.maximum(1.0, np.abs(theirs))).max())


def _verify_some(submissions: "Sequence[Submission]", store: "Store", seeds: Sequence[int], *, is_alone: bool) -> int:
    from leaderboards.errors import SubmissionError
    from leaderboards.verify import verify_subset

    n_refused = 0
    for submission in submissions:
        try:
            with waiting(f"replaying {len(seeds)} seeds of {submission.name}"):
                largest = verify_subset(submission, store, seeds)
        except SubmissionError as error:
            _refuse(error, is_alone=is_alone)
            n_refused += 1
            continue
        how = "the same to the bit" if largest == 0 else f"within tolerance, largest difference {largest:.3g}"
        played = f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
        say(f"{submission.board.id} {submission.name}: {played}: {how} as the record")
    return n_refused


def _chosen_seeds(
    board: "Board", wanted: list[int] | None, subset: int | None, rng: np.random.Generator
) -> tuple[int, ...]:
    if wanted is None:
        assert subset is not None
        return tuple(sorted(rng.choice(board.seeds, min(subset, len(board.seeds)), replace=False).tolist()))
    for seed in wanted:
        if seed not in board.seeds:
            raise WrongUsage(f"--seeds {seed}: {board.id} has {board.seeds[0]} to {board.seeds[-1]}")
    if not wanted or len(set(wanted)) < len(wanted):
        raise WrongUsage("--seeds: each seed once, and at least one")
    return tuple(wanted)


def _refuse(error: Exception, *, is_alone: bool) -> None:
    """The error itself where it is the only answer, else a line among others."""
    if is_alone:
        raise error
    say(f"refused: {error}")


def _fail_if(n_refused: int, n_all: int) -> None:
    if n_refused:
        raise CommandFailed(f"{n_refused} of {n_all} refused")
