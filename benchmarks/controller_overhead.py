"""What an attached controller costs of a plain PyTorch training, side by side with the same training without it.

`python -m benchmarks.controller_overhead [--pairs 4000]` rewrites docs/results/controller_overhead.md.

In one training of a small transformer the controller is there for a stretch of updates and away for the next, or the
other way round; processor time of the thread is compared, pair by pair. (Two trainings side by side differ by half a
percent whatever is attached: their tensors lie elsewhere.) A second figure has less noise: all that the controller does
in a run, over an update's time.
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
from hpo_gym.integrations.controller import Controller, matrices_and_rest

PAGE = Path(__file__).parents[1] / "docs" / "results" / "controller_overhead.md"
SETTINGS = tuple(
    Setting(corpus="", dim=dim, depth=2, n_heads=2, batch_size=batch, sequence_length=length, n_updates=0)
    for dim, batch, length in ((48, 4, 32), (64, 8, 64))
)
NAME = "jel-plus-nano"
STRETCH = 2
TOTAL_UPDATES = 561
"""As in training: 12 decisions."""
PAPER = 0.003


def make(setting: Setting) -> tuple[Callable[[int], None], torch.optim.Optimizer]:
    """What does so many updates on made-up tokens, and its optimizer of two groups."""
    torch.manual_seed(0)
    model = PlainTransformer(setting)
    optimizer = torch.optim.AdamW(matrices_and_rest(model), lr=1e-3, fused=True)
    rows = torch.randint(setting.vocab_size, (setting.batch_size, setting.sequence_length + 1))

    def work(n_updates: int) -> None:
        for _ in range(n_updates):
            optimizer.zero_grad()
            losses(model, rows).backward()
            optimizer.step()

    work(20)  # the first updates allocate
    return work, optimizer


def cpu_s(work: Callable[[int], None]) -> float:
    start = time.thread_time()
    work(STRETCH)
    return time.thread_time() - start


def side_by_side(setting: Setting, controller: Controller, n_pairs: int) -> np.ndarray:
    """(n_pairs,) ratios of processor time, with over without. A decision every 50 updates, as in training."""
    work, optimizer = make(setting)
    attached = controller.attach(optimizer, total_updates=STRETCH * n_pairs, decide_every=50)
    attached.detach()
    ratios = []
    for i in range(n_pairs):
        pair = {}
        for is_there in (i % 2 == 0, i % 2 == 1):
            hooks = [
                optimizer.register_step_pre_hook(attached._before_step),
                optimizer.register_step_post_hook(attached._after_step),
            ]
            if not is_there:  # the same was done before either stretch
                for hook in hooks:
                    hook.remove()
            pair[is_there] = cpu_s(work)
            for hook in hooks:
                hook.remove()
        ratios.append(pair[True] / pair[False])
    return np.array(ratios)


def controller_s(setting: Setting, controller: Controller) -> float:
    """Seconds an update of all that it does in a run, attaching included: the best of several runs without a model."""
    _, optimizer = make(setting)
    best = float("inf")
    for _ in range(20):
        start = time.thread_time()
        with controller.attach(optimizer, total_updates=TOTAL_UPDATES) as attached:
            for _ in range(TOTAL_UPDATES):
                attached._before_step()
                attached._after_step()
        best = min(best, (time.thread_time() - start) / TOTAL_UPDATES)
    return best


def update_s(setting: Setting) -> float:
    """Seconds an update without a controller, the best of many stretches."""
    work, _ = make(setting)
    return min(cpu_s(work) for _ in range(200)) / STRETCH


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
        f"Transformers of {SETTINGS[0].depth} layers, fused AdamW with two groups, {NAME}; a run of {TOTAL_UPDATES} "
        f"updates. JEL's paper reports less than {PAPER:.1%} of a run. A larger model takes longer for an update and "
        "no longer for its controller.",
        "",
        "| width, tokens an update | update, ms | controller, ms an update | share | side by side: more than without |",
        "|---|---:|---:|---:|---:|",
    ]
    controller = Controller.from_pretrained(NAME)
    with pinned_threads(1):
        for setting in SETTINGS:
            alone, own = update_s(setting), controller_s(setting, controller)
            log_ratios = np.sort(np.log(side_by_side(setting, controller, arguments.pairs)))
            middle = log_ratios[len(log_ratios) // 10 : -(len(log_ratios) // 10)]
            low, high = np.expm1(mean_interval(middle[None], rng))
            more = f"{np.expm1(middle.mean()):+.2%} [{low:+.2%}, {high:+.2%}]"
            size = f"{setting.dim}, {setting.batch_size} x {setting.sequence_length}"
            lines.append(f"| {size} | {1e3 * alone:.2f} | {1e3 * own:.4f} | {own / alone:.3%} | {more} |")
    lines += [
        "",
        "Share: all that the controller does in a run, attaching included, over the updates. Side by side: stretches "
        f"of {STRETCH} updates of one training with and without it in turns, mean of the middle four fifths of the "
        "pairs, 95 % bootstrap interval.",
    ]
    page = "\n".join(lines) + "\n"
    PAGE.write_text(page)
    print(page)


if __name__ == "__main__":
    main()
