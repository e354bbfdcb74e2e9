"""The bar on stderr while a training runs: how far, how long still, and how it goes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

SHOWN = {"rollout/ep_rew_mean": "return", "train/entropy": "entropy"}


@contextmanager
def training_bar(
    name: str, n_rollouts: int, *, done: int, is_shown: bool
) -> Iterator[Callable[[int, Mapping[str, Any]], None]]:
    """Gives the function to call with the rollouts done and the log's latest line; draws only on a terminal."""
    if not is_shown:
        yield lambda done, line: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        row = bar.add_task(name, total=n_rollouts, completed=done, figures="")

        def advance(n_done: int, line: Mapping[str, Any]) -> None:
            figures = [f"{word} {line[key]:.3f}" for key, word in SHOWN.items() if isinstance(line.get(key), float)]
            bar.update(row, completed=n_done, figures=", ".join(figures))

        yield advance
