"""The bar on stderr while an evaluation runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hpo_gym.evaluation.work import Unit


@contextmanager
def progress_bar(total: int, *, done: int, is_shown: bool) -> Iterator[Callable[[Unit], None]]:
    """Gives the function to call after each unit; draws only on a terminal.

    Args:
        total: units in all.
        done: units that an interrupted run had finished.
        is_shown: False draws nothing.
    """
    if not is_shown:
        yield lambda unit: None
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
        TextColumn("tasks"),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        row = bar.add_task("evaluating", total=total, completed=done)

        def advance(unit: Unit) -> None:
            bar.update(row, advance=1, description=f"{unit.contestant} on {unit.task_id or 'the environment'}")

        yield advance
