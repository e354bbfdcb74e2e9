"""Studies that were played, one JSON line each."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Record:
    """A study.

    Attributes:
        group, problem, sampler, seed: which it is.
        regrets: of the best so far, after each trial.
        cpu_s: of the whole study.
    """

    group: str
    problem: str
    sampler: str
    seed: int
    regrets: tuple[float, ...]
    cpu_s: float

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What it is of."""
        return self.group, self.problem, self.sampler, self.seed


def append(path: Path, record: Record) -> None:
    """One line more; a half line that a killed run left is ended first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    is_cut = path.exists() and path.stat().st_size and not path.read_bytes().endswith(b"\n")
    with path.open("a") as file:
        file.write(("\n" if is_cut else "") + json.dumps(asdict(record)) + "\n")


def read(path: Path) -> list[Record]:
    """Those that are whole, each once: of a study that two processes played, both find the same."""
    return list({record.key: record for record in _whole(path)}.values()) if path.exists() else []


def _whole(path: Path) -> Iterator[Record]:
    for line in path.read_text().splitlines():
        try:
            content = json.loads(line)
        except json.JSONDecodeError:
            continue
        yield Record(**{**content, "regrets": tuple(content["regrets"])})
