"""How far a replayed training run may end from where it ended elsewhere: the tolerance of the in-run boards.

`python -m benchmarks.replay_tolerance BOARD [--agents a,b] [--n-seeds 2]` replays the board's baselines in processes
whose libraries use other instructions of the processor, as they would on another machine, and holds the outcomes
against the records. Rewrites docs/results/replay_tolerance.md from all boards measured so far.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks.machine import describe_machine
from leaderboards.intake import read_submission
from leaderboards.record import read_record
from leaderboards.replay import replay
from leaderboards.store import Store

PAGE = Path(__file__).parents[1] / "docs" / "results" / "replay_tolerance.md"
KEPT = Path("build/replay_tolerance")
MACHINES = {
    "this one": {},
    "AVX2, no AVX-512": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR",
    },
    "no AVX": {
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "OPENBLAS_CORETYPE": "Nehalem",
    },
}
"""What stands for another machine -> environment variables of its process."""


def outcomes(board_id: str, name: str, seeds: list[int]) -> list[float]:
    """What a submission's runs end with, here and now."""
    store = Store()
    board = store.boards[board_id]
    submission = read_submission(store.submission_path(board, name), store)
    (batches,) = replay([submission], seeds)
    return batches[0].outcomes[board.primary_metric].tolist()


def differences(board_id: str, name: str, seeds: list[int]) -> dict[str, float]:
    """Machine -> largest difference from the record."""
    store = Store()
    board = store.boards[board_id]
    kept = read_record(store.record_path(board, name)).courses[""].outcomes[board.primary_metric]
    found = {}
    for machine, variables in MACHINES.items():
        call = f"outcomes({board_id!r}, {name!r}, {seeds})"
        code = f"from benchmarks.replay_tolerance import outcomes; print({call})"
        told = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, **variables}, capture_output=True, text=True, check=True
        )
        ours = np.array(json.loads(told.stdout.splitlines()[-1]))
        found[machine] = float(np.abs(ours - np.array(kept)[seeds]).max())
        print(board_id, name, machine, f"{found[machine]:.2g}", flush=True)
    return found


def page() -> str:
    """The page, from all boards that were measured."""
    lines = [
        "# How far replayed training runs differ between machines\n",
        "Written by `python -m benchmarks.replay_tolerance BOARD`: baselines replayed in processes whose libraries are",
        "told to use other instructions of the processor (other kernels, other rounding), against their records; the",
        "largest difference of the outcome over the seeds that were replayed. One thread.\n",
        f"{describe_machine()}",
    ]
    for path in sorted(KEPT.glob("*.json")):
        content = json.loads(path.read_text())
        board = Store().boards[path.stem]
        lines += [
            f"\n## {board.id}, {board.primary_metric}, tolerance {board.tolerance:g}\n",
            f"Seeds {', '.join(map(str, content['seeds']))}.\n",
            "| submission | " + " | ".join(MACHINES) + " |",
            "|---|" + "---:|" * len(MACHINES),
        ]
        lines += [
            f"| {name} | " + " | ".join(f"{found[machine]:.2g}" for machine in MACHINES) + " |"
            for name, found in content["submissions"].items()
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure a board and rewrite the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("board", metavar="BOARD", help="its id")
    parser.add_argument("--agents", help="only these of the catalogue, with commas between them")
    parser.add_argument("--n-seeds", type=int, default=2, help="of each submission")
    arguments = parser.parse_args()
    store = Store()
    board = store.boards[arguments.board]
    wanted = arguments.agents.split(",") if arguments.agents else None
    seeds = list(board.seeds[: arguments.n_seeds])
    measured = {
        path.name: differences(board.id, path.name, seeds)
        for path in store.submissions_of(board)
        if (wanted is None or path.name[11:] in wanted) and store.record_path(board, path.name).exists()
    }
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{board.id}.json").write_text(json.dumps({"seeds": seeds, "submissions": measured}, indent=1))
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
