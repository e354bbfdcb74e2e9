"""Tokens a second and utilisation of a group of training runs, by size of the group and by how updates are made ready.

`python -m benchmarks.training_throughput ENV_ID [--members 1,4,8,16] [--modes plain,graph,compile,compile+graph]
[--set KEY=VALUE ...] [--out FILE.md] [--json FILE]`. Utilisation is model operations a second (as nanochat counts them)
over what this very device reaches on a large product in the runs' precision; the figures are written as they come. It
runs on a GPU and, with `--set device=cpu --set precision=fp32`, on a CPU.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

import hpo_gym
from benchmarks.machine import describe_machine
from hpo_gym.pretraining.run_group import RunGroup
from hpo_gym.pretraining.run_settings import PRECISIONS
from hpo_gym.pretraining.transformer_runs import TRANSFORMER_SETTINGS, make_transformer_runs, transformer_facts

MODES = {
    "plain": {},
    "graph": {"graph": True},
    "compile": {"compile": True},
    "compile+graph": {"compile": True, "graph": True},
}
KINDS = {
    "products": ("mm", "gemm", "cutlass", "nvjet", "addmm", "dot"),
    "attention": ("flash", "flex", "attention", "fmha", "softmax"),
    "copies": ("memcpy", "copy", "cat", "clone"),
    "look-ups": ("embedding", "index", "gather", "scatter"),
}
"""Parts of kernels' names, first come first served; what is left counts as elementwise."""


def settings_of(env_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the environment's runs are made with, changed as asked."""
    declared = hpo_gym.DECLARATIONS[env_id].kwargs
    return {name: declared[name] for name in TRANSFORMER_SETTINGS if name in declared} | dict(given)


def product_rate(device: str, precision: str) -> float:
    """Floating-point operations a second of one large product, the best of 10; random numbers, as zeros are quicker."""
    n = 8192 if device == "cuda" else 1024
    a, b = (torch.randn(n, n, device=device).to(PRECISIONS[precision]) for _ in range(2))
    return 2 * n**3 / min(_seconds(lambda: a @ b, device) for _ in range(10))


def copy_rate(device: str) -> float:
    """Bytes a second of a large copy, read and written ones counted, the best of 10."""
    a = torch.randn(2**28 if device == "cuda" else 2**24, device=device)
    b = torch.empty_like(a)
    return 2 * a.nbytes / min(_seconds(lambda: b.copy_(a), device) for _ in range(10))


def measure(settings: Mapping[str, Any], n_members: int, mode: str, n_updates: int, rounds: int) -> dict[str, Any]:
    """Seconds an update of the whole group, the best and the median segment; memory; where the time goes."""
    is_cuda = settings.get("device") == "cuda"
    runs: Any = make_transformer_runs(n_members, recipe={}, n_updates=10**6, **{**settings, **MODES[mode]})
    runs.start(np.arange(n_members))
    if is_cuda:
        torch.cuda.reset_peak_memory_stats()
    advance(runs, n_updates)  # warm-up: compiles and captures
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        advance(runs, n_updates)
        seconds.append((time.perf_counter() - started) / n_updates)
    return {
        "n_members": n_members,
        "mode": mode,
        "update_s": min(seconds),
        "median_update_s": float(np.median(seconds)),
        "peak_bytes": torch.cuda.max_memory_allocated() if is_cuda else 0,
        "shares": shares(runs, is_cuda),
    }


def advance(runs: RunGroup, n_updates: int) -> None:
    """The report that comes back has waited for the device."""
    runs.advance(n_updates, np.ones((runs.n_members, 2)), np.ones((runs.n_members, 2)))


def shares(runs: RunGroup, is_cuda: bool) -> dict[str, float]:
    """Which kinds of kernels the device's time goes to, as shares of it, most first."""
    with profile(activities=[ProfilerActivity.CUDA if is_cuda else ProfilerActivity.CPU]) as seen:
        advance(runs, 2)
    spent: dict[str, float] = defaultdict(float)
    for event in seen.key_averages():
        spent[_kind(event.key)] += event.self_device_time_total if is_cuda else event.self_cpu_time_total
    total = sum(spent.values()) or 1.0
    return {kind: s / total for kind, s in sorted(spent.items(), key=lambda item: -item[1])}


def markdown(env_id: str, facts: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """The page of what was measured so far."""
    rate, flops = found["product_flops_per_s"], facts["flops_per_token"]
    lines = [
        f"# Throughput: {env_id}\n",
        "Written by `python -m benchmarks.training_throughput`. " + describe_machine() + f" Device: {found['device']}.",
        f"Ceilings measured in the same run: {rate / 1e12:.3g} Tflop/s ({found['precision']} product), "
        f"{found['copy_bytes_per_s'] / 1e9:.3g} GB/s (copy). {flops / 1e6:.1f} Mflop a token, "
        f"{facts['tokens_per_update']:,} tokens an update and member.\n",
        "| members | mode | ms an update | tokens a second | utilisation | peak GB | where the time goes |",
        "|---:|---|---:|---:|---:|---:|---|",
    ]
    for row in found["rows"]:
        tokens_per_s = row["n_members"] * facts["tokens_per_update"] / row["update_s"]
        where = ", ".join(f"{kind} {100 * share:.0f} %" for kind, share in row["shares"].items() if share > 0.005)
        lines.append(
            f"| {row['n_members']} | {row['mode']} | {1e3 * row['update_s']:.2f} | {tokens_per_s:,.0f} | "
            f"{100 * tokens_per_s * flops / rate:.1f} % | {row['peak_bytes'] / 1e9:.1f} | {where} |"
        )
    return "\n".join(lines) + "\n"


def _kind(kernel: str) -> str:
    name = kernel.lower()
    return next((kind for kind, parts in KINDS.items() if any(part in name for part in parts)), "elementwise")


def _seconds(work: Any, device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def run(
    env_id: str,
    given: Mapping[str, Any],
    members: Sequence[int],
    modes: Sequence[str],
    *,
    n_updates: int = 10,
    rounds: int = 5,
    out: Path | None = None,
) -> dict[str, Any]:
    """Measure every mode with every number of members; one that does not fit the memory is told and left out."""
    settings = settings_of(env_id, given)
    device, precision = settings.get("device", "cpu"), settings.get("precision", "fp32")
    facts = transformer_facts(recipe={}, n_updates=hpo_gym.DECLARATIONS[env_id].kwargs["n_updates"], **settings)
    found: dict[str, Any] = {
        "device": torch.cuda.get_device_name() if device == "cuda" else "CPU",
        "precision": precision,
        "product_flops_per_s": product_rate(device, precision),
        "copy_bytes_per_s": copy_rate(device),
        "rows": [],
    }
    for mode in modes:
        for n_members in members:
            try:
                found["rows"].append(measure(settings, n_members, mode, n_updates, rounds))
            except torch.OutOfMemoryError as error:
                print(f"{n_members} members, {mode}: {str(error).splitlines()[0]}", flush=True)
                continue
            page = markdown(env_id, facts, found)
            print(page.splitlines()[-1], flush=True)
            if out:
                out.write_text(page)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("env_id")
    parser.add_argument("--members", default="1,4,8,16")
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--updates", type=int, default=10, help="of a segment")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the runs")
    parser.add_argument("--out", type=Path, help="the page, written as the figures come")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    given = {key: _value(value) for key, _, value in (item.partition("=") for item in arguments.set)}
    found = run(
        arguments.env_id,
        given,
        [int(n) for n in arguments.members.split(",")],
        arguments.modes.split(","),
        n_updates=arguments.updates,
        rounds=arguments.rounds,
        out=arguments.out,
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


if __name__ == "__main__":
    main()
