"""Work that the tests of engines give to workers: a module of its own, so that other processes can import it."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Power:
    """x -> x ** exponent, after a moment."""

    exponent: int
    wait_s: float = 0.0

    def __call__(self, x: int) -> int:
        time.sleep(self.wait_s)
        return x**self.exponent


@dataclass(frozen=True, kw_only=True)
class Logged:
    """x -> x, leaving a line in a file before and after waiting; x = 0 does not wait."""

    log: Path
    wait_s: float

    def __call__(self, x: int) -> int:
        self.write(f"begun {x} by {os.getpid()}")
        time.sleep(self.wait_s if x else 0.0)
        self.write(f"ended {x} by {os.getpid()}")
        return x

    def write(self, line: str) -> None:
        with self.log.open("a") as file:
            file.write(line + "\n")


@dataclass(frozen=True, kw_only=True)
class DiesOnce:
    """x -> -x; the process that is given `victim` kills itself, the first time."""

    victim: int
    mark: Path

    def __call__(self, x: int) -> int:
        if x == self.victim and not self.mark.exists():
            if self.mark.parent.exists():  # else it never sees that it died before
                self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return -x


def refuse_three(x: int) -> int:
    if x == 3:
        raise LookupError("three is not wanted")
    return x


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """x -> id of the process that had it, once as many processes have one as are expected."""

    folder: Path
    n_expected: int

    def __call__(self, x: int) -> int:
        (self.folder / str(os.getpid())).touch()
        deadline = time.monotonic() + 60
        while len(list(self.folder.iterdir())) < self.n_expected and time.monotonic() < deadline:
            time.sleep(0.01)
        return os.getpid()


class OddError(Exception):
    """An exception that cannot be unpickled."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__("one and two")


def raise_odd(x: int) -> int:
    raise OddError(x, x)


class PickledWithMark:
    """Work that counts, in a file, how often it is unpickled."""

    def __init__(self, log: Path) -> None:
        self.log = log

    def __call__(self, x: int) -> int:
        return x

    def __setstate__(self, state: dict[str, Path]) -> None:
        self.__dict__ = state
        with self.log.open("a") as file:
            file.write("x")
