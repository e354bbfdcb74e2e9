"""Attached controllers in a plain PyTorch training that is not ours, over every fixed learning rate of a grid.

`python -m benchmarks.attached_controller [--setting development]`

Trains a transformer of torch.nn's modules with AdamW on text that no controller was trained on. Finished runs lie in
build/attached_controller/SETTING.jsonl and are not run again. Rewrites docs/results/attached_controller.md from the
setting "final"; whatever was chosen was chosen on "development": another text, other sizes, other seeds.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.optim import Optimizer, lr_scheduler

from benchmarks.machine import describe_machine
from benchmarks.plain_transformer import WEIGHT_DECAY, Arm, Setting, train
from hpo_gym.evaluation.intervals import mean_interval
from hpo_gym.evaluation.threads import pinned_threads
from hpo_gym.integrations.controller import Controller

PAGE = Path(__file__).parents[1] / "docs" / "results" / "attached_controller.md"
OUT = Path("build/attached_controller")
CONTROLLERS = ("jel-nano", "jel-plus-nano", "jel-plus-noisy-quadratic")
ALL = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 2e-2)
HIGH = (1e-3, 3e-3, 1e-2, 2e-2)
LOW = (1e-5, 1e-4, 1e-3)
"""Fixed rates that are multiplied by up to 100; at the last one most of those runs are as bad as untrained."""

SETTINGS = {
    "final": (
        Setting(corpus="wikitext-2", dim=48, depth=2, n_heads=2, batch_size=4, sequence_length=32, n_updates=500),
        range(100, 110),
    ),
    "development": (
        Setting(corpus="tinyshakespeare", dim=32, depth=2, n_heads=2, batch_size=8, sequence_length=32, n_updates=500),
        range(2),
    ),
}
"""Name -> sizes and seeds."""

Found = dict[tuple[str, float, int], float]
Table = dict[tuple[str, float], NDArray[np.float64]]


def nothing(optimizer: Optimizer, n_updates: int) -> Any:
    return lambda: None


def scheduled(make: Any) -> Arm:
    return lambda optimizer, n_updates: make(optimizer, n_updates).step


def controlled(name: str, rate_is: Any) -> Arm:
    controller = Controller.from_pretrained(name)

    def attach(optimizer: Optimizer, n_updates: int) -> Any:
        controller.attach(optimizer, total_updates=n_updates, rate_is=rate_is)
        return lambda: None

    return attach


ARMS: dict[str, tuple[Arm, tuple[float, ...]]] = {
    "fixed": (nothing, ALL),
    "jel-plus-nano, mean": (controlled("jel-plus-nano", "mean"), ALL),
    "jel-plus-nano, peak": (controlled("jel-plus-nano", "peak"), ALL),
    "linear": (scheduled(lambda optimizer, n: lr_scheduler.LinearLR(optimizer, 1.0, 0.0, n)), HIGH),
    "linear to 0.15": (scheduled(lambda optimizer, n: lr_scheduler.LinearLR(optimizer, 1.0, 0.15, n)), HIGH),
    "cosine": (scheduled(lr_scheduler.CosineAnnealingLR), HIGH),
    "jel-plus-noisy-quadratic, mean": (controlled("jel-plus-noisy-quadratic", "mean"), HIGH[1:]),
    "jel-nano, mean": (controlled("jel-nano", "mean"), HIGH[1:3]),
    **{f"{name}, base": (controlled(name, "base"), LOW) for name in CONTROLLERS},
}
"""Name -> what is attached, and the fixed rates over which it is tried."""


def wanted(seeds: Sequence[int]) -> Iterator[tuple[str, float, int]]:
    """(arm, rate, seed), a seed after the other: whatever was stopped has whole seeds."""
    for seed in seeds:
        for arm, (_, rates) in ARMS.items():
            yield from ((arm, rate, seed) for rate in rates)


def measure(name: str, out: Path) -> Found:
    """(arm, rate, seed) -> validation bits per byte; what is in the journal is not run again."""
    setting, seeds = SETTINGS[name]
    path = out / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.read_text().splitlines() if path.exists() else []
    found = {(r["arm"], r["rate"], r["seed"]): r["bits_per_byte"] for r in map(json.loads, lines)}
    corpus, runs = setting.text(), list(wanted(seeds))
    with pinned_threads(1):
        for i, run in enumerate(runs):
            if run in found:
                continue
            arm, rate, seed = run
            found[run] = train(setting, corpus, lr=rate, seed=seed, arm=ARMS[arm][0])
            record = {"arm": arm, "rate": rate, "seed": seed, "bits_per_byte": found[run]}
            with path.open("a") as file:
                file.write(json.dumps(record) + "\n")
            print(f"{i + 1} of {len(runs)}: {arm} {rate:g} {found[run]:.4f}", file=sys.stderr, flush=True)
    return found


def table(found: Found, name: str) -> Table:
    """(arm, rate) -> (n_seeds,) of the seeds that are done for all arms."""
    rates = {(arm, rate) for arm, (_, rates) in ARMS.items() for rate in rates}
    seeds = [seed for seed in SETTINGS[name][1] if all((*cell, seed) in found for cell in rates)]
    return {cell: np.array([found[(*cell, seed)] for seed in seeds]) for cell in rates}


def best_rate(values: Table, arm: str) -> float:
    return min(ARMS[arm][1], key=lambda rate: values[arm, rate].mean())


def gain(values: Table, arm: str, rate: float, other_rate: float | None = None) -> str:
    """How far below the fixed rate's, in percent of it, with the 95 % interval of the mean over paired seeds."""
    theirs = values["fixed", rate if other_rate is None else other_rate]
    shares = 100 * (1 - values[arm, rate] / theirs)
    low, high = mean_interval(shares[None], np.random.default_rng(0))
    return f"{shares.mean():+.2f} [{low:+.2f}, {high:+.2f}]"


def page(values: Table, name: str) -> str:
    """Bits per byte, what each arm gains over the fixed rate, and each at its own best rate."""
    setting, _ = SETTINGS[name]
    lines = [
        "# Attached controllers in a plain PyTorch training",
        "",
        f"Written by `python -m benchmarks.attached_controller`. {describe_machine()} One thread.",
        "",
        f"A decoder of torch.nn's modules ({setting.depth} layers of {setting.dim}, {setting.vocab_size} tokens of "
        f"byte-pair encoding), AdamW with decay {WEIGHT_DECAY:g} and one group of parameters, {setting.n_updates} "
        f"updates of {setting.batch_size} x {setting.sequence_length} tokens of {setting.corpus}. "
        f"{len(values['fixed', ALL[0]])} seeds of initial weights and data order, the same for all. No controller was "
        "trained on this text or this model, nor with AdamW for matrices. All choices were made on other text with "
        "other sizes and seeds (LOG.md).",
        "",
        "`peak` is the default of `attach`: the user's rate is the run's largest. `mean`: it is its mean. `base`: "
        "scales as they were trained, up to 100. The controllers see progress alone.",
        "",
        *bits_per_byte_rows(values),
        "## Gain over the same fixed rate, percent",
        "",
        "Positive is better. In brackets the 95 % bootstrap interval of the mean over seeds, paired.",
        "",
        *gain_rows(values, [arm for arm in ARMS if arm != "fixed" and not arm.endswith("base")], ALL),
        *gain_rows(values, [arm for arm in ARMS if arm.endswith("base")], LOW),
        *best_rows(values),
    ]
    return "\n".join(lines) + "\n"


def bits_per_byte_rows(values: Table) -> list[str]:
    lines = [
        "## Validation bits per byte, means",
        "",
        "| | " + " | ".join(f"{rate:g}" for rate in ALL) + " |",
        "|---|" + "---:|" * len(ALL),
    ]
    for arm, (_, rates) in ARMS.items():
        cells = [f"{values[arm, rate].mean():.4f}" if rate in rates else "" for rate in ALL]
        lines.append(f"| {arm} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def gain_rows(values: Table, arms: Sequence[str], rates: Sequence[float]) -> list[str]:
    own = best_rate(values, "fixed")
    lines = ["| rate | " + " | ".join(arms) + " |", "|---|" + "---:|" * len(arms)]
    for rate in rates:
        cells = [gain(values, arm, rate) if rate in ARMS[arm][1] else "" for arm in arms]
        lines.append(f"| {rate:g}{' (best fixed)' if rate == own else ''} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def best_rows(values: Table) -> list[str]:
    own = best_rate(values, "fixed")
    lines = [
        "## Each at its own best rate of the grid",
        "",
        "The best is taken on these very seeds, for all alike.",
        "",
        f"| | rate | bits per byte | below fixed at {own:g}, percent |",
        "|---|---:|---:|---:|",
    ]
    for arm in ARMS:
        rate = best_rate(values, arm)
        cell = "" if arm == "fixed" else gain(values, arm, rate, other_rate=own)
        lines.append(f"| {arm} | {rate:g} | {values[arm, rate].mean():.4f} | {cell} |")
    return lines


def main() -> None:
    """Run what is missing, rewrite the page, print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--setting", choices=SETTINGS, default="final")
    parser.add_argument("--out", type=Path, default=OUT, help="where finished runs are kept")
    arguments = parser.parse_args()
    text = page(table(measure(arguments.setting, arguments.out), arguments.setting), arguments.setting)
    if arguments.setting == "final":
        PAGE.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
