"""What one trial may take."""

from dataclasses import dataclass

MIB = 2**20
LONGEST_S = 1e6
"""What the system's calls that wait can count, at the least, is twice this; twelve days are enough for a trial."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Of time and memory.

    Attributes:
        time_s: wall time of preprocessing, fitting and predicting.
        memory_mb: MiB of address space that the trial may add to what its process holds already: interpreter,
            libraries and the task's data. Enforced by the system (RLIMIT_AS), where it does so: on Linux.
    """

    time_s: float = 60.0
    memory_mb: int = 4096

    def __post_init__(self) -> None:
        if not isinstance(self.time_s, int | float) or not 0 < self.time_s <= LONGEST_S:
            raise ValueError(f"time_limit_s={self.time_s!r}: more than 0 and at most {LONGEST_S:,.0f} seconds")
        if not isinstance(self.memory_mb, int) or self.memory_mb < 1:
            raise ValueError(f"memory_limit_mb={self.memory_mb!r}: a whole number, 1 or more, is needed")
