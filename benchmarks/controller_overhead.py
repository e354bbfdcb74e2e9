"""What an attached controller costs of a plain PyTorch training, side by side with the same training without it.

`python -m benchmarks.controller_overhead [--pairs 4000]` rewrites docs/results/controller_overhead.md.

Two trainings of one small transformer take turns, a stretch of updates each, first one and then the other first;
processor time of the thread is compared, pair by pair. A second figure has less noise: the hooks alone, timed on the
same optimizer, over an update's time.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.machine import describe_machine
from benchmarks.plain_transformer import PlainTransformer, Setting, losses
from hpo_gym.evaluation.intervals import mean_interval
from hpo_gym.evaluation.threads import pinned_threads
from hpo_gym.integrations.controller import AttachedController, Controller, matrices_and_rest

PAGE = Path(__file__).parents[1] / "docs" / "results" / "controller_overhead.md"
SETTING = Setting(corpus="", dim=48, depth=2, n_heads=2, batch_size=4, sequence_length=32, n_updates=0)
STRETCH = 2
TOTAL_UPDATES = 561
"""As in training: 12 decisions."""
PAPER = 0.003


def make(name: str | None) -> tuple[Callable[[int], None], torch.optim.Optimizer, AttachedController | None]:
    """What does so many updates on made-up tokens; its optimizer of two groups; its controller."""
    torch.manual_seed(0)
    model = PlainTransformer(SETTING)
    optimizer = torch.optim.AdamW(matrices_and_rest(model), lr=1e-3, fused=True)
    attached = None if name is None else attach(name, optimizer)
    rows = torch.randint(SETTING.vocab_size, (SETTING.batch_size, SETTING.sequence_length + 1))

    def work(n_updates: int) -> None:
        for _ in range(n_updates):
            optimizer.zero_grad()
            losses(model, rows).backward()
            optimizer.step()

    return work, optimizer, attached


def attach(name: str, optimizer: torch.optim.Optimizer) -> AttachedController:
    return Controller.from_pretrained(name).attach(optimizer, total_updates=TOTAL_UPDATES)


def cpu_s(work: Callable[[int], None]) -> float:
    start = time.thread_time()
    work(STRETCH)
    return time.thread_time() - start


def side_by_side(name: str, n_pairs: int) -> np.ndarray:
    """(n_pairs,) ratios of processor time, with over without. Decisions fall into the stretches as they do in runs."""
    ratios = []
    without, _, _ = make(None)
    with_it, optimizer, attached = make(name)
    without(STRETCH)
    with_it(STRETCH)  # the first updates allocate
    for i in range(n_pairs):
        if attached is not None and attached.updates_done + STRETCH > TOTAL_UPDATES:
            attached.detach()
            attached = attach(name, optimizer)  # the next run
        pair = [cpu_s(work) for work in ((without, with_it) if i % 2 else (with_it, without))]
        ratios.append(pair[1] / pair[0] if i % 2 else pair[0] / pair[1])
    return np.array(ratios)


def hooks_alone_s(name: str) -> float:
    """Seconds an update of everything that the controller does, decisions included: the best of runs on no model."""
    _, optimizer, _ = make(None)
    best = float("inf")
    for _ in range(20):
        attached = attach(name, optimizer)
        start = time.thread_time()
        for _ in range(TOTAL_UPDATES):
            attached._before_step()
            attached._after_step()
        best = min(best, (time.thread_time() - start) / TOTAL_UPDATES)
        attached.detach()
    return best


def update_s() -> float:
    """Seconds an update without a controller, the best of stretches."""
    work, _, _ = make(None)
    return min(cpu_s(work) for _ in range(20)) / STRETCH


def main() -> None:
    """Measure, rewrite the page, print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=4000)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    lines = [
        "# What an attached controller costs",
        "",
        f"Written by `python -m benchmarks.controller_overhead --pairs {arguments.pairs}`. {describe_machine()} One "
        "thread; processor time of the thread.",
        "",
        f"A transformer of {SETTING.depth} layers of {SETTING.dim}, {SETTING.batch_size} x {SETTING.sequence_length} "
        f"tokens an update, fused AdamW with two groups; a run of {TOTAL_UPDATES} updates. JEL's paper reports less "
        f"than {PAPER:.1%} of a run. A larger model takes longer for an update and no longer for its controller.",
        "",
        "| controller | update, ms | controller, ms an update | share | side by side: more than without |",
        "|---|---:|---:|---:|---:|",
    ]
    with pinned_threads(1):
        alone = update_s()
        for name in ("jel-nano", "jel-plus-nano"):
            hooks = hooks_alone_s(name)
            log_ratios = np.log(side_by_side(name, arguments.pairs))
            middle = np.sort(log_ratios)[len(log_ratios) // 10 : -(len(log_ratios) // 10)]
            low, high = np.expm1(mean_interval(middle[None], rng))
            more = f"{np.expm1(middle.mean()):+.2%} [{low:+.2%}, {high:+.2%}]"
            lines.append(f"| {name} | {1e3 * alone:.2f} | {1e3 * hooks:.4f} | {hooks / alone:.3%} | {more} |")
    lines += [
        "",
        f"Share: the controller's hooks, decisions included, over an update. Side by side: stretches of {STRETCH} "
        "updates with and without it in turns, mean of the middle four fifths of the pairs, 95 % bootstrap interval.",
    ]
    page = "\n".join(lines) + "\n"
    PAGE.write_text(page)
    print(page)


if __name__ == "__main__":
    main()
