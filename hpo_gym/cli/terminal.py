"""Where commands print."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

WIDTH_OF_FILES = 150


def console(*, stderr: bool = False) -> "Console":
    """A console on the present standard output; what goes to a file or a pipe is not cut to 80 columns."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDTH_OF_FILES
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


def say(line: str, *, stderr: bool = False) -> None:
    """One line, however long, without markup: it may hold a path or a stranger's words."""
    console(stderr=stderr).print(line, markup=False, soft_wrap=True)


@contextmanager
def waiting(words: str) -> Iterator[None]:
    """Says on a terminal what takes its time."""
    screen = console(stderr=True)
    if not screen.is_terminal:
        yield
        return
    with screen.status(f"{words} ..."):
        yield


def print_json(value: Any) -> None:
    """Plain JSON for programs."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def number_of_bytes(n: int) -> str:
    """2_345_678 -> "2.3 MB"."""
    size = float(n)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
