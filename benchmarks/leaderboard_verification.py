"""How quickly scores are recomputed: 10,000 searches replayed and judged on one core.

`python -m benchmarks.leaderboard_verification [--rounds 3]` verifies a hundred submissions to the board of support
vector machines and rewrites docs/results/leaderboard_verification.md.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np

from benchmarks.machine import describe_machine
from leaderboards.board import Board
from leaderboards.store import Store
from leaderboards.submission import Manifest, Submission
from leaderboards.verify import verify_all

PAGE = Path(__file__).parents[1] / "docs" / "results" / "leaderboard_verification.md"
BOARD = "selection-tst-svm-v1"
N_SUBMISSIONS = 100


def random_submission(board: Board, rng: np.random.Generator) -> Submission:
    """As random search would have made it."""
    n, n_steps = board.actions["index"].sizes[0], board.actions["index"].n_steps
    manifest = Manifest.model_validate(
        {
            "board": board.id,
            "agent": "random-rows",
            "authors": ("nobody",),
            "date": "2026-01-01",
            "licence": "MIT",
            "training_compute": "none",
            "external_data": "none",
        },
        strict=False,
    )
    return Submission(
        path=Path("random-rows"),
        manifest=manifest,
        board=board,
        actions={task: tuple(rng.permutation(n)[:n_steps] for _ in board.seeds) for task in board.tasks},
        stated={task: (None,) * len(board.seeds) for task in board.tasks},
        episodes_sha256="",
        policy_sha256="",
    )


def measure(n_rounds: int) -> tuple[float, float]:
    """Median seconds of the wall's clock and of the processor."""
    store, rng = Store(), np.random.default_rng(0)
    submissions = [random_submission(store.boards[BOARD], rng) for _ in range(N_SUBMISSIONS)]
    walls, cores = [], []
    for _ in range(n_rounds):
        wall, core = time.perf_counter(), time.process_time()
        verify_all(submissions, store)
        walls.append(time.perf_counter() - wall)
        cores.append(time.process_time() - core)
    return statistics.median(walls), statistics.median(cores)


def main() -> None:
    """Measure and rewrite the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    wall, core = measure(parser.parse_args().rounds)
    board = Store().boards[BOARD]
    page = (
        "# How quickly scores are recomputed\n\n"
        f"Written by `python -m benchmarks.leaderboard_verification`: {N_SUBMISSIONS} submissions to {BOARD}, of\n"
        f"{board.n_episodes} searches of {board.protocol.budget} trials each, replayed through the environment in one\n"
        "process with one thread, and judged by all of the board's metrics with their intervals, among its rivals.\n"
        f"{describe_machine()}\n\n"
        f"{N_SUBMISSIONS * board.n_episodes:,} episodes: {wall:.1f} s, {core:.1f} s of the processor (medians).\n"
    )
    PAGE.write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
