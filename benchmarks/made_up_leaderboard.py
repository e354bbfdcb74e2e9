"""Boards full of submissions that nobody made, with records that nobody recomputed: to render and to measure with.

A board of searches (10 tasks x 10 seeds x 50 trials, two versions) and one of training runs. Their records' figures are
drawn, not replayed; pages cannot tell.
"""

import datetime
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpo_gym.evaluation.result import MetricSummary
from leaderboards.board import FROZEN, Board, read_board
from leaderboards.record import Course, Record, Tier
from leaderboards.store import Store

SEARCH, OLD_SEARCH, RUN = "made-up-search-v2", "made-up-search-v1", "made-up-run-v1"
VERSIONS = {"hpo_gym": "0.1.0", "numpy": "2.4.6"}
POOL_SIZE = 1000
SHAPE_OF_RUN = (10, 12, 561)
"""Seeds, decisions, updates."""

_SEARCH_BOARD = """
id = "{id}"
title = "Searches of ten made-up tables{note}"
description = "A thousand configurations on each of ten tasks; who finds the good ones first?"
family = "config-selection"
primary_metric = "area_under_regret@50"
shown_metrics = ["area_under_regret@50", "normalized_regret@10", "normalized_regret@50", "rank@50"]
rivals = ["rival-random", "rival-list", "rival-model"]
data = "sha256:0123456789abcdef"

[protocol]
version = 1
env_id = "hpo_gym/ConfigSelection-MadeUp-v0"
split = "test"
tasks = [{tasks}]
n_seeds = 10
budget = 50
metrics = ["area_under_regret@50", "normalized_regret@10", "normalized_regret@50", "rank@50", "beat_random@50"]

[actions.index]
sizes = [1000]
n_steps = 50
"""
_RUN_BOARD = """
id = "made-up-run-v1"
title = "A made-up training run"
description = "Twelve decisions in 561 updates of a transformer that never was."
family = "in-run-control"
primary_metric = "validation_bpb"
shown_metrics = ["validation_bpb", "improvement_over_off", "normalized_score"]
rivals = ["rival-off", "rival-tuned"]
recipes = ["hand-tuned"]
data = "made-up-text"
tolerance = 0.01

[protocol]
version = 1
env_id = "hpo_gym/InRunControl-MadeUp-v0"
split = "test"
n_seeds = 10
metrics = ["validation_bpb", "improvement_over_off", "normalized_score", "diverged"]

[actions.shared]
n_numbers = 2
low = -1.0
high = 1.0
n_steps = 12
"""


def made_up_store(folder: Path, *, n_searchers: int = 12, n_controllers: int = 5) -> Store:
    """A whole store, written.

    Args:
        n_searchers, n_controllers: submissions with a record to the two boards, rivals among them; each board also gets
            one that is not replayed yet, that of training runs a reference, and the old version of searches one.
    """
    boards = {board_id: _SEARCH_BOARD.format(id=board_id, **rest) for board_id, rest in _versions()}
    boards[RUN] = _RUN_BOARD
    (folder / "boards").mkdir(parents=True)
    frozen = {}
    for board_id, text in boards.items():
        path = folder / "boards" / f"{board_id}.toml"
        path.write_text(text, encoding="utf-8")
        frozen[board_id] = read_board(path).sha256
    (folder / "boards" / FROZEN).write_text(json.dumps(frozen), encoding="utf-8")
    store = Store(folder)
    counts = {SEARCH: n_searchers, OLD_SEARCH: 1, RUN: n_controllers}
    rivals = {board_id: _fill(store, store.boards[board_id], n) for board_id, n in counts.items()}
    store.baselines_path.write_text(json.dumps(rivals), encoding="utf-8")
    return store


def _versions() -> Iterator[tuple[str, dict[str, str]]]:
    tasks = [f'"task-{i:02}"' for i in range(10)]
    yield OLD_SEARCH, {"note": ", old", "tasks": ", ".join(tasks[:3])}
    yield SEARCH, {"note": "", "tasks": ", ".join(tasks)}


def _fill(store: Store, board: Board, n: int) -> dict[str, str]:
    """Returns the rivals' submissions with the SHA-256 of their episodes: their names are reserved for these."""
    rng = np.random.default_rng(board.version)
    agents = [*board.rivals, *(f"agent-{i:03}" for i in range(n))][:n]
    rivals = {}
    for i, agent in enumerate(agents):
        record = _Submission(board=board, agent=agent, number=i, rng=rng).write(store)
        record.write(store.record_path(board, record.submission))
        rivals |= {record.submission: record.episodes_sha256} if agent in board.rivals else {}
    _Submission(board=board, agent="newcomer", number=n, rng=rng).write(store)
    if board.recipes:
        reference = _Submission(board=board, agent="reference", number=n + 1, rng=rng, recipe=board.recipes[0])
        record = reference.write(store)
        record.write(store.record_path(board, record.submission))
    return rivals


class _Submission:
    """One agent: the lower its skill's number, the better."""

    def __init__(self, *, board: Board, agent: str, number: int, rng: np.random.Generator, recipe: str = "") -> None:
        self.board, self.agent, self.recipe, self.rng = board, agent, recipe, rng
        self.date = datetime.date(2026, 1, 1) + datetime.timedelta(days=7 * number % 300)
        self.skill = rng.uniform(0.2, 0.9)
        self.number = number

    def write(self, store: Store) -> Record:
        """Its folder; returns what a verification might have found."""
        folder = store.submission_path(self.board, f"{self.date}-{self.agent}")
        folder.mkdir(parents=True)
        (folder / "submission.toml").write_text(self._manifest(), encoding="utf-8")
        episodes = "".join(self._episodes())
        (folder / "episodes.jsonl").write_text(episodes, encoding="utf-8")
        courses = {task: self._search() if self.board.is_search else self._run() for task in self.board.tasks}
        tier: Tier = "re-run" if self.number % 4 == 3 else "replayed"
        return Record(
            board=self.board.id,
            board_sha256=self.board.sha256,
            submission=folder.name,
            agent=self.agent,
            episodes_sha256=hashlib.sha256(episodes.encode()).hexdigest(),
            env_kwargs={"recipe": self.recipe} if self.recipe else {},
            policy_sha256="",
            tier=tier,
            is_reference=bool(self.recipe),
            metrics={name: self._summary(name, courses) for name in self.board.protocol.metrics},
            per_task={
                task: {name: self._summary(name, {task: course}).mean for name in self.board.protocol.metrics}
                for task, course in courses.items()
            },
            courses=courses,
            versions=VERSIONS,
        )

    def _manifest(self) -> str:
        data = "none" if self.number % 3 else "evaluations of 200 public data sets that none of the tasks is among"
        lines = [
            f'board = "{self.board.id}"',
            f'agent = "{self.agent}"',
            f"date = {self.date}",
            f'authors = ["A. Person {self.number}", "Zoë Müller-Ångström"]',
            'licence = "MIT"',
            'code = "https://example.org/code"',
            f'training_compute = "{self.number % 7} h of one GPU"',
            f'external_data = "{data}"',
            'description = "Drawn, not made."',
        ]
        lines += [] if self.board.is_search else [f"training_cost = {self.number * 3.5}"]
        lines += ["[env_kwargs]", f'recipe = "{self.recipe}"'] if self.recipe else []
        return "\n".join(lines) + "\n"

    def _episodes(self) -> Iterator[str]:
        for task in self.board.tasks:
            for seed in self.board.seeds:
                if self.board.is_search:
                    actions = self.rng.permutation(POOL_SIZE)[: self.board.protocol.budget].tolist()
                else:
                    actions = self.rng.uniform(-1, 1, (SHAPE_OF_RUN[1], 2)).round(3).tolist()
                yield json.dumps({"task": task, "seed": seed, "actions": actions}) + "\n"

    def _search(self) -> Course:
        """Regret falls about as k to the power of minus the skill, in steps."""
        n_seeds, budget = len(self.board.seeds), self.board.protocol.budget or 0
        noise = self.rng.lognormal(0, 0.8, (n_seeds, budget))
        regret = np.minimum(0.35 * np.arange(1, budget + 1) ** -self.skill * noise, 1).round(4)
        scores = 1 - np.minimum.accumulate(regret, axis=1)
        return Course(
            improvements=[_steps(row) for row in scores],
            best_score=[1.0] * n_seeds,
            worst_score=[0.0] * n_seeds,
        )

    def _run(self) -> Course:
        """Losses fall; rates rise and fall."""
        n_seeds, n_steps, n_updates = SHAPE_OF_RUN
        progress = np.linspace(0, 1, n_steps + 1)
        losses = 4 + 2.2 * np.exp(-4 * self.skill * progress) + self.rng.normal(0, 0.02, (n_seeds, n_steps + 1))
        ends = np.linspace(0, n_updates, n_steps + 1)[1:].round()
        scale = np.exp(self.rng.normal(0, 0.2, (n_seeds, n_steps))) * (1.5 - progress[1:]) * 4 * self.skill
        applied = {
            "n_updates": np.tile(ends, (n_seeds, 1)),
            "lr": 0.02 * scale * (1.05 - progress[1:]),
            "wd": np.full((n_seeds, n_steps), 0.1) * self.skill,
            "lr_scale": scale,
            "wd_scale": np.full((n_seeds, n_steps), self.skill),
        }
        outcome = losses[:, -1] / 2 + self.rng.normal(0, 0.01, n_seeds)
        return Course(
            losses=losses.round(4).tolist(),
            applied={name: values.round(6).tolist() for name, values in applied.items()},
            outcomes={"validation_bpb": outcome.round(4).tolist(), "floor_bits_per_byte": [1.9] * n_seeds},
        )

    def _summary(self, metric: str, courses: dict[str, Course]) -> MetricSummary:
        """Of values that are roughly what the metric says."""
        name, _, k = metric.partition("@")
        if self.board.is_search:
            regret = np.stack([course.regret(self.board.protocol.budget or 0) for course in courses.values()])
            values = {
                "area_under_regret": regret.mean(axis=-1),
                "normalized_regret": regret[..., int(k) - 1],
            }.get(name, 1 + 3 * regret[..., -1] ** 0.3)
        else:
            outcome = np.array([course.outcomes["validation_bpb"] for course in courses.values()])
            values = {
                "validation_bpb": outcome,
                "improvement_over_off": 1 - outcome / 2.6,
                "normalized_score": (2.6 - outcome) / 0.3,
            }.get(name, 0 * outcome)
        return _summary(values)


def _steps(curve: NDArray[np.float64]) -> list[tuple[int, float]]:
    changes = [0, *(np.flatnonzero(np.diff(curve)) + 1).tolist()]
    return [(k + 1, float(curve[k])) for k in changes]


def _summary(values: NDArray[np.float64]) -> MetricSummary:
    mean, error = float(values.mean()), float(values.std() / np.sqrt(values.size))
    return MetricSummary(mean=mean, iqm=float(np.median(values)), low=mean - 1.96 * error, high=mean + 1.96 * error)
