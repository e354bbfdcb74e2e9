"""The figures of `python -m benchmarks.group_speed` as a page."""

from collections.abc import Mapping
from typing import Any

from benchmarks.machine import describe_machine

Row = Mapping[str, float]


def markdown(found: Mapping[str, Any]) -> str:
    """What `group_speed.measure` gives -> docs/results/group_speed.md."""
    rows = [(f"{name}, {n}", row) for name, by_threads in found["group"].items() for n, row in by_threads.items()]
    env = found["env"]
    return "\n".join(
        [
            "# A group as one computation",
            "",
            f"Written by `python -m benchmarks.group_speed`. {describe_machine()}",
            "",
            *_contestants(rows),
            "",
            *_parts(rows),
            "",
            *_one_member(found["one_member"]),
            "",
            f"The environment around a group: an episode of Micro with 8 members takes {env['env_s']:.3f} s through "
            f"`gym.make_vec`, of which the runs themselves take {env['runs_s']:.3f} s: the environment adds "
            f"{100 * env['overhead']:.2f} %.",
            "",
        ]
    )


def _contestants(rows: list[tuple[str, Row]]) -> list[str]:
    lines = [
        "Milliseconds an update of all 8 members; the contestants do the same work in turn, best round of each.",
        "",
        "| environment, threads | one group | 8 one by one | 8 plain models | gain | gain over plain "
        "| two 1-thread processes of 4 | vmap (gradients only) |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, row in rows:
        processes = f"{row['two_processes_of_4_ms']:.1f}" if "two_processes_of_4_ms" in row else ""
        lines.append(
            f"| {name} | {row['group_ms']:.1f} | {row['one_by_one_ms']:.1f} | {row['plain_one_by_one_ms']:.1f} "
            f"| {row['gain_over_one_by_one']:.2f} | {row['gain_over_plain']:.2f} | {processes} "
            f"| {row['vmap_gradients_only_ms']:.1f} |"
        )
    return lines


def _parts(rows: list[tuple[str, Row]]) -> list[str]:
    return [
        "Where the group's time goes, and the floor: the operations of its matrix products (model and Newton-Schulz) "
        "over the rate at which this machine does the MLP's batched product.",
        "",
        "| environment, threads | forward | backward | optimizer | Gflop | Gflop/s | floor ms |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *(
            f"| {name} | {row['forward_ms']:.1f} | {row['backward_ms']:.1f} | {row['optimizer_ms']:.1f} "
            f"| {row['gigaflop']:.2f} | {row['gigaflop_per_s']:.0f} | {row['floor_ms']:.1f} |"
            for name, row in rows
        ),
    ]


def _one_member(by_threads: Mapping[str, Mapping[str, Row]]) -> list[str]:
    return [
        "One member alone, sequence 128, batch 8; nanochat's own eager fp32 update was measured on a machine of this "
        "kind with two threads, when it was quiet.",
        "",
        "| size | threads | ours ms | plain ms | nanochat ms |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {name} | {n} | {row['ours_ms']:.1f} | {row['plain_ms']:.1f} "
            f"| {row['nanochat_ms'] if n == '2' else ''} |"
            for n, sizes in by_threads.items()
            for name, row in sizes.items()
        ),
    ]
