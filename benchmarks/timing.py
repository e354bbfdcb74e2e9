"""Timing on a noisy machine: every contestant in turn, round after round, and the best round of each."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping


def fastest_s(contestants: Mapping[str, Callable[[], int]], rounds: int = 7) -> dict[str, float]:
    """Seconds an operation of each contestant, the best of `rounds`.

    A contestant does some work and returns how many operations that was. The contestants take turns, so that a
    busy moment of the machine hits all of them alike; the best round is the one that was disturbed least.
    """
    best = dict.fromkeys(contestants, float("inf"))
    for _ in range(rounds):
        for name, work in contestants.items():
            start = time.perf_counter()
            n_operations = work()
            best[name] = min(best[name], (time.perf_counter() - start) / n_operations)
    return best


def fastest_process_s(code: str, rounds: int = 5) -> float:
    """Seconds that the code says it took (it prints a number), in a fresh interpreter; the best of `rounds`."""
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
        for _ in range(rounds)
    ]
    return min(float(run.stdout) for run in runs)
