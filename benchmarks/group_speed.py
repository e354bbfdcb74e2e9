"""In-run control: a group of 8 as one computation beside 8 runs one after another, and what the environment adds.

`python -m benchmarks.group_speed [--json FILE]` writes docs/results/group_speed.md. Same work for all contestants, in
turn, the best round of each; the plain model is benchmarks/plain_nanochat.py, which shares no code with ours.
"""

import argparse
import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch.func import functional_call, grad, vmap

import hpo_gym
from benchmarks.group_speed_page import markdown
from benchmarks.plain_nanochat import PlainNanochat, PlainRun
from benchmarks.timing import fastest_s
from hpo_gym.pretraining.recipe import Recipe
from hpo_gym.pretraining.run_group import RunGroup
from hpo_gym.pretraining.segment_plan import SegmentPlan
from hpo_gym.pretraining.transformer_runs import DATA_SETTINGS, MODEL_SETTINGS, make_transformer_runs

RESULTS = Path(__file__).parents[1] / "docs" / "results"
GROUP = 8
N_UPDATES = 6
MANY = 10**6  # a horizon that no round reaches

ONE_MEMBER_SIZES = {
    "depth 2, dim 128, vocab 512": (2, 128, 512, 36.0),
    "depth 4, dim 128, vocab 512": (4, 128, 512, 63.1),
    "depth 2, dim 128, vocab 4,096": (2, 128, 4096, 73.7),
    "depth 4, dim 128, vocab 4,096": (4, 128, 4096, 88.5),
}
"""Sequence 128, batch 8: depth, dim, vocabulary, and nanochat's own eager update in ms with 2 threads."""


@contextmanager
def threads(n: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def declared_size(name: str) -> dict[str, Any]:
    kwargs = hpo_gym.DECLARATIONS[f"hpo_gym/InRunControl-{name}-v0"].kwargs
    return {key: kwargs[key] for key in (*MODEL_SETTINGS, *DATA_SETTINGS) if key in kwargs}


def started(n_members: int, size: Mapping[str, Any]) -> RunGroup:
    runs: Any = make_transformer_runs(n_members, recipe={}, n_updates=MANY, **size)
    runs.start(np.arange(n_members))
    return runs


def advancing(groups: list[RunGroup]) -> Callable[[], int]:
    """Trains each group in turn; an operation is one update of all GROUP members."""

    def work() -> int:
        for runs in groups:
            runs.advance(N_UPDATES, np.ones((runs.n_members, 2)), np.ones((runs.n_members, 2)))
        return N_UPDATES

    return work


def tokens_of(runs: RunGroup) -> torch.Tensor:
    """(G, N_UPDATES, B, T + 1)."""
    batches = runs.data.training(runs.run_seeds, runs.updates_done, N_UPDATES)
    return torch.from_numpy(batches.astype(np.int64))


def plain_one_by_one(group: RunGroup) -> Callable[[], int]:
    plain = [PlainRun(group.settings.model, Recipe(), n_updates=MANY) for _ in range(GROUP)]
    tokens = tokens_of(group)

    def work() -> int:
        for run, batches in zip(plain, tokens, strict=True):
            for batch in batches:
                run.update(batch)
        return N_UPDATES

    return work


def vmapped_gradients(group: RunGroup) -> Callable[[], int]:
    """torch.func over the plain model, forward and backward only."""
    model = PlainNanochat(group.settings.model)
    stacked = {name: torch.stack([p.detach()] * GROUP) for name, p in model.named_parameters()}
    tokens = tokens_of(group)

    class Mean(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            return self.model.losses(batch[:, :-1], batch[:, 1:]).mean()

    module = Mean()
    stacked = {f"model.{name}": p for name, p in stacked.items()}
    gradients = vmap(grad(lambda parameters, batch: functional_call(module, parameters, (batch,))))

    def work() -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of operations without a batching rule, whose cost is the point
            for update in range(2):
                gradients(stacked, tokens[:, update])
        return 2

    return work


def parts_s(group: RunGroup) -> dict[str, float]:
    """Forward, backward and optimizer of one update of the group, best of 20."""
    state = group.snapshot().state
    parameters = {name: state[name].requires_grad_() for name in group.settings.model.shapes}
    tokens = tokens_of(group)[:, 0]
    plan = SegmentPlan.of(group.settings, group.updates_done, 1, np.ones((GROUP, 2)), np.ones((GROUP, 2)))
    kept: dict[str, Any] = {}

    def forward() -> int:
        kept["loss"] = group._losses(parameters, tokens[..., :-1], tokens[..., 1:]).mean(dim=(1, 2)).sum()
        return 1

    def backward() -> int:
        kept["gradients"] = torch.autograd.grad(kept["loss"], list(parameters.values()))
        return 1

    def optimize() -> int:
        gradients = dict(zip(parameters, kept["gradients"], strict=True))
        with torch.no_grad():
            group._optimizer.update(state, gradients, plan.rates(0), np.arange(GROUP))
        return 1

    return fastest_s({"forward": forward, "backward": backward, "optimizer": optimize}, rounds=20)


def product_flops(group: RunGroup) -> float:
    """Floating-point operations of the matrix products of one update of the group: model and Newton-Schulz."""
    config, batch_size = group.settings.model, group.data.batch_size
    n_tokens, dim = batch_size * config.sequence_length, config.dim
    a_token = config.depth * (2 * 12 * dim**2 + 4 * config.sequence_length * dim) + 2 * dim * config.vocab_size
    square, rectangle = 3 * 2 * dim**3, (4 + 1 + 4) * 2 * dim**3
    optimizer = 5 * config.depth * (4 * square + 2 * rectangle)
    return float(group.n_members * (3 * n_tokens * a_token + optimizer))


def product_rate(group: RunGroup) -> float:
    """Floating-point operations a second of the MLP's batched product, the largest of a block."""
    dim, n_tokens = group.settings.model.dim, group.data.batch_size * group.settings.model.sequence_length
    x, w = torch.randn(GROUP, n_tokens, dim), torch.randn(GROUP, dim, 4 * dim)

    def work() -> int:
        for _ in range(20):
            torch.bmm(x, w)
        return 20

    return 2 * GROUP * n_tokens * dim * 4 * dim / fastest_s({"": work}, rounds=10)[""]


PROCESS = """
import sys, time, torch
torch.set_num_threads(1)
import numpy as np, json
from benchmarks.group_speed import advancing, started
runs = started(4, json.loads(sys.argv[1]))
work = advancing([runs]); work()
print("ready", flush=True)
for line in sys.stdin:
    t = time.perf_counter(); work(); print(time.perf_counter() - t, flush=True)
"""


@contextmanager
def two_processes(size: Mapping[str, Any]) -> Iterator[Callable[[], int]]:
    """4 members in each of two processes of one thread, both at once."""
    command = [sys.executable, "-c", PROCESS, json.dumps(dict(size))]
    started_ones = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    try:
        for process in started_ones:
            process.stdout.readline()

        def work() -> int:
            for process in started_ones:
                process.stdin.write("go\n")
                process.stdin.flush()
            for process in started_ones:
                process.stdout.readline()
            return N_UPDATES

        yield work
    finally:
        for process in started_ones:
            process.stdin.close()
            process.wait()


def measure_group(size: Mapping[str, Any], n_threads: int, rounds: int) -> dict[str, float]:
    """Milliseconds an update of all 8 members, by way of computing it, and what explains them."""
    with threads(n_threads), two_processes(size) as processes:
        group = started(GROUP, size)
        alone = [started(1, size) for _ in range(GROUP)]
        contestants = {
            "group": advancing([group]),
            "one_by_one": advancing(alone),
            "plain_one_by_one": plain_one_by_one(group),
            "vmap_gradients_only": vmapped_gradients(group),
            **({"two_processes_of_4": processes} if n_threads == 1 else {}),
        }
        best = {name: 1e3 * s for name, s in fastest_s(contestants, rounds).items()}
        parts = {f"{name}_ms": 1e3 * s for name, s in parts_s(group).items()}
        flops, rate = product_flops(group), product_rate(group)
    return {
        **{f"{name}_ms": ms for name, ms in best.items()},
        "gain_over_one_by_one": best["one_by_one"] / best["group"],
        "gain_over_plain": best["plain_one_by_one"] / best["group"],
        **parts,
        "gigaflop": flops / 1e9,
        "gigaflop_per_s": rate / 1e9,
        "floor_ms": 1e3 * flops / rate,
    }


def measure_one_member(n_threads: int, rounds: int) -> dict[str, dict[str, float]]:
    """One update of one member at the sizes of nanochat's own figures, beside the plain model."""
    found = {}
    for name, (depth, dim, vocab_size, published) in ONE_MEMBER_SIZES.items():
        size = {"depth": depth, "dim": dim, "n_heads": dim // 64, "vocab_size": vocab_size}
        size |= {"sequence_length": 128, "batch_size": 8}
        with threads(n_threads):
            runs = started(1, size)
            plain = PlainRun(runs.settings.model, Recipe(), n_updates=MANY)
            batches = tokens_of(runs)[0]

            def plainly(plain: PlainRun = plain, batches: torch.Tensor = batches) -> int:
                for batch in batches:
                    plain.update(batch)
                return len(batches)

            best = fastest_s({"ours": advancing([runs]), "plain": plainly}, rounds)
        found[name] = {"ours_ms": 1e3 * best["ours"], "plain_ms": 1e3 * best["plain"], "nanochat_ms": published}
    return found


def measure_env(rounds: int) -> dict[str, float]:
    """What the vector environment adds to its 8 Micro runs, within the same episodes: a busy machine slows both."""
    env = gym.make_vec("hpo_gym/InRunControl-Micro-v0", num_envs=GROUP, vectorization_mode="vector_entry_point")
    env.reset(seed=0)
    runs: Any = env.unwrapped._episodes.runs  # type: ignore[attr-defined]
    inside_s = [0.0]
    for name in ("start", "advance", "probe", "validate"):
        setattr(runs, name, _timed(getattr(runs, name), inside_s))
    neutral, episodes = np.zeros((GROUP, 2), np.float32), []
    with threads(1):
        for _ in range(rounds):
            inside_s[0], started_at, is_over = 0.0, time.perf_counter(), False
            env.reset(seed=0)
            while not is_over:
                is_over = bool(env.step(neutral)[2].any())
            episodes.append((time.perf_counter() - started_at, inside_s[0]))
    env.close()
    env_s, runs_s = min(episodes, key=lambda episode: episode[0] / episode[1])
    return {"env_s": env_s, "runs_s": runs_s, "overhead": env_s / runs_s - 1}


def _timed(method: Callable[..., Any], total_s: list[float]) -> Callable[..., Any]:
    def timed(*args: Any) -> Any:
        started_at = time.perf_counter()
        try:
            return method(*args)
        finally:
            total_s[0] += time.perf_counter() - started_at

    return timed


def measure(rounds: int = 7) -> dict[str, Any]:
    sizes = {"Micro": declared_size("Micro"), "Nano": declared_size("Nano")}
    return {
        "group": {name: {str(n): measure_group(size, n, rounds) for n in (1, 2)} for name, size in sizes.items()},
        "one_member": {str(n): measure_one_member(n, rounds) for n in (1, 2)},
        "env": measure_env(rounds),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    found = measure(arguments.rounds)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")
    page = markdown(found)
    (RESULTS / "group_speed.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
