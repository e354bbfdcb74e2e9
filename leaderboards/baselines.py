"""The submissions of this project's own agents: the whole catalogue on every board, so that boards are never empty."""

import datetime
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.catalogue import CATALOGUE, CatalogueEntry
from hpo_gym.evaluation.agent import AgentContext
from hpo_gym.evaluation.atomic_file import atomic_writer
from hpo_gym.evaluation.plan import contestant_of
from leaderboards.board import Board
from leaderboards.hashes_file import BASELINES, read_hashes
from leaderboards.intake import read_submission
from leaderboards.make import make_submission
from leaderboards.play import Played, play
from leaderboards.record import Record, read_record
from leaderboards.store import Store
from leaderboards.submission import Submission, agent_of
from leaderboards.verify import verify_all

AUTHORS = ("The hpo_gym developers",)
LICENCE = "MIT"


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """One agent of the catalogue on one board."""

    board: Board
    entry: CatalogueEntry

    def weights(self) -> Path | None:
        """Stem of the weights that it acts by, if it has any beforehand."""
        build = self.entry.build
        kwargs = contestant_of(self.entry.name, build, self.board.protocol).env_kwargs
        env: Any = self.board.make_env()
        splits = env.unwrapped.splits
        env.close()
        train_tasks = tuple(splits["train"]) if self.board.is_search else ()
        context = AgentContext(
            env_id=self.board.protocol.env_id,
            train_tasks=train_tasks,
            env_kwargs=kwargs,
            has_run_seeds=not self.board.is_search,
        )
        return self.entry.weights(context)

    def facts(self, weights: Path | None, date: datetime.date) -> dict[str, Any]:
        """For its manifest."""
        beside = _tasks_beside(weights, self.board)
        return {
            "board": self.board.id,
            "agent": self.entry.name,
            "authors": AUTHORS,
            "date": date,
            "licence": LICENCE,
            "training_compute": _training_compute(self.entry, weights),
            "external_data": f"training tasks of {beside}" if beside else "none",
            "description": self.entry.description,
        }


def _training_compute(entry: CatalogueEntry, weights: Path | None) -> str:
    if weights is not None:
        provenance = _description(weights)["provenance"]
        minutes = provenance["wall_s"] / 60
        return f"{provenance['n_episodes']} episodes, {minutes:.1f} minutes of one core ({weights.name})"
    if entry.family == "reinforcement learning":
        return "trained by its preset when it is built, on one core"
    return "tuned on training run seeds" if entry.family == "schedule" else "none"


def _tasks_beside(weights: Path | None, board: Board) -> str:
    """The other environments that weights were trained on."""
    if weights is None:
        return ""
    content = _description(weights)
    trained_on = {content["env_id"], *content["provenance"].get("tasks_beside", {})}
    return ", ".join(sorted(env_id.rpartition("/")[2] for env_id in trained_on - {board.protocol.env_id}))


def _description(weights: Path) -> dict[str, Any]:
    """The JSON file of weights that come with the package."""
    return json.loads(weights.with_name(f"{weights.name}.json").read_text("utf-8"))


def baselines_of(board: Board) -> tuple[Baseline, ...]:
    """Every agent of the catalogue that plays the board's family of environments."""
    return tuple(
        Baseline(board=board, entry=entry) for entry in CATALOGUE.values() if entry.plays in ("", board.family)
    )


def submit(baseline: Baseline, store: Store, played: Played, date: datetime.date) -> Submission:
    """Put a baseline's episodes into the store, under the name that is reserved for it."""
    board = baseline.board
    weights = baseline.weights()
    facts = baseline.facts(weights, date)
    name = f"{date.isoformat()}-{baseline.entry.name}"
    lines = played.as_lines()
    register(store, board, name, hashlib.sha256(lines.encode()).hexdigest())
    folder = store.submission_path(board, name).parent
    return make_submission(played, store=Store(store.folder), folder=folder, weights=weights, **facts)


def register(store: Store, board: Board, name: str, episodes_sha256: str) -> None:
    """Write down that these episodes may bear the name of an agent of the catalogue."""
    content = read_hashes(store.baselines_path, BASELINES)  # anew: others may have been added since
    content.setdefault(board.id, {})[name] = episodes_sha256
    ordered = {board_id: dict(sorted(names.items())) for board_id, names in sorted(content.items())}
    with atomic_writer(store.baselines_path) as file:
        file.write(json.dumps(ordered, indent=1) + "\n")


def make_baselines(
    store: Store,
    board: Board,
    cache: Path,
    *,
    agents: tuple[str, ...] | None = None,
    date: datetime.date,
    workers: int = 1,
    tell: Callable[[str], None] = lambda line: None,
) -> Iterator[Submission]:
    """Play, submit and verify what a board lacks of the catalogue.

    Args:
        store: with the board.
        board: which one.
        cache: folder of episodes; what was played there is not played again, what was interrupted goes on.
        agents: only these of the catalogue.
        date: of the submissions.
        workers: processes.
        tell: takes a line about each agent that could not be submitted, and why.
    """
    has = {agent_of(path.name) for path in _registered(store, board)}
    for baseline in baselines_of(board):
        name = baseline.entry.name
        if name in has or (agents is not None and name not in agents):
            continue
        try:
            episodes = cache / board.id / f"{name}.jsonl"
            played = play(board, name, baseline.entry.build, episodes, workers=workers, progress=True)
            yield submit(baseline, store, played, date)
        except (ValueError, LookupError) as error:
            tell(f"{board.id}: {name}: {error}")


def _registered(store: Store, board: Board) -> tuple[Path, ...]:
    """The baselines that a board has; one that was registered and then not written is made anew."""
    paths = (store.submission_path(board, name) for name in store.baselines.get(board.id, {}))
    return tuple(path for path in paths if path.exists())


def record_baselines(store: Store, board: Board) -> Iterator[Record]:
    """Verify those of a board's baselines that have no record yet, and keep the records, one after the other.

    The rivals come first, all together, as each is compared with the others.
    """
    store = Store(store.folder)  # anew: it reads once who is registered
    submissions = [read_submission(path, store) for path in _registered(store, board)]
    left = [submission for submission in submissions if not has_record(store, submission)]
    rivals = [submission for submission in left if submission.manifest.agent in board.rivals]
    others = [submission for submission in left if submission not in rivals]
    # A group of searches takes no longer than one of them; training runs are kept run by run.
    for group in (rivals, *([others] if board.is_search else [[submission] for submission in others])):
        for record in verify_all(group, store) if group else ():
            record.write(store.record_path(board, record.submission))
            yield record


def has_record(store: Store, submission: Submission) -> bool:
    """Whether the store has a record of what is handed in now."""
    path = store.record_path(submission.board, submission.name)
    if not path.exists():
        return False
    return read_record(path).is_of(submission)
