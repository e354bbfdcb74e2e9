"""Two boards that are played in no time, and submissions to them, for everything that is tested on leaderboards."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from leaderboards.board import FROZEN, Board, read_board
from leaderboards.store import Store

SEARCH = "small-search-v1"
RUN = "small-run-v1"

_BOARDS = {
    SEARCH: """
id = "small-search-v1"
title = "A small search"
description = "Five trials on the three test tasks of HPOBench's networks."
family = "config-selection"
primary_metric = "area_under_regret@5"
shown_metrics = ["area_under_regret@5", "normalized_regret@5", "rank@5"]
rivals = ["random", "average-rank"]
data = "sha256:762d656bb6985589389043d7f0b7c370098689ec9d39c67c6e0674890d886e9b"

[protocol]
version = 1
env_id = "hpo_gym/ConfigSelection-HPOBenchMLP-v0"
split = "test"
tasks = ["kc1", "phoneme", "blood-transfusion"]
n_seeds = 10
budget = 5
metrics = ["area_under_regret@5", "normalized_regret@1", "normalized_regret@5", "rank@5", "beat_random@5"]

[actions.index]
sizes = [30000]
n_steps = 5

[actions.unit_cube]
n_numbers = 5
n_steps = 5
""",
    RUN: """
id = "small-run-v1"
title = "A small run"
description = "Twelve decisions on a noisy quadratic."
family = "in-run-control"
primary_metric = "final_loss"
shown_metrics = ["final_loss", "improvement_over_off", "normalized_score"]
rivals = ["controller-off", "hand-tuned"]
recipes = ["hand-tuned"]
data = ""
tolerance = 1e-9

[protocol]
version = 1
env_id = "hpo_gym/InRunControl-NoisyQuadratic-v0"
split = "test"
n_seeds = 10
metrics = ["final_loss", "improvement_over_off", "normalized_score", "diverged"]

[actions.shared]
n_numbers = 2
low = -1.0
high = 1.0
n_steps = 12
may_be_shorter = true

[actions.discrete]
sizes = [21]
n_steps = 12
may_be_shorter = true
""",
}


def small_store(folder: Path) -> Store:
    """A store of its own with both boards, frozen, and no submissions yet."""
    boards = folder / "boards"
    boards.mkdir(parents=True)
    frozen = {}
    for board_id, text in _BOARDS.items():
        path = boards / f"{board_id}.toml"
        path.write_text(text, encoding="utf-8")
        frozen[board_id] = read_board(path).sha256
    (boards / FROZEN).write_text(json.dumps(frozen), encoding="utf-8")
    return Store(folder)


def write_submission(
    parent: Path,
    board: Board,
    *,
    agent: str = "my-agent",
    date: str = "2026-01-02",
    kind: str = "",
    seed: int = 0,
    episodes: list[dict[str, Any]] | None = None,
    **manifest: Any,
) -> Path:
    """Write parent/DATE-AGENT with random actions.

    Args:
        parent: `store.folder / "submissions" / board.id` for one that is on the board.
        kind: of the actions; the board's default if empty.
        seed: other seeds, other actions.
        episodes: instead of random ones.
        manifest: keys beside the usual, or instead of them; `authors` and so on, TOML values as Python values.
    """
    folder = parent / f"{date}-{agent}"
    folder.mkdir(parents=True)
    keys = {"authors": ["A. Person"], "licence": "MIT", "training_compute": "none", "external_data": "none", **manifest}
    lines = ["format = 1", f'board = "{board.id}"', f'agent = "{agent}"', f"date = {date}"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    if kind and kind != board.default_kind:
        lines += ["", "[env_kwargs]", 'fidelity = "action"' if kind == "fidelity" else f'action = "{kind}"']
    (folder / "submission.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    played = random_episodes(board, kind=kind, seed=seed) if episodes is None else episodes
    text = "".join(json.dumps(episode) + "\n" for episode in played)
    (folder / "episodes.jsonl").write_text(text, encoding="utf-8")
    return folder


def random_episodes(board: Board, *, kind: str = "", seed: int = 0) -> list[dict[str, Any]]:
    """Every episode of a board with random actions of its space, no row twice; without scores."""
    rng = np.random.default_rng(seed)
    return [
        {"task": task, "seed": number, "actions": _random_actions(board, kind or board.default_kind, rng)}
        for task in board.tasks
        for number in board.seeds
    ]


def _random_actions(board: Board, kind: str, rng: np.random.Generator) -> list[Any]:
    like = board.actions[kind]
    if like.n_numbers:
        return rng.uniform(like.low, like.high, (like.n_steps, like.n_numbers)).tolist()
    rows = rng.choice(like.sizes[0], like.n_steps, replace=not board.is_search).tolist()
    if len(like.sizes) == 1:
        return rows
    return [[row, *(size - 1 for size in like.sizes[1:])] for row in rows]
