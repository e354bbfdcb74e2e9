"""After how many trials a search is judged: the K of the metrics' names."""

from collections.abc import Iterable, Sequence

COMPUTED_COUNTS = (1, 2, 5, 10, 25, 50, 100)
SHOWN_COUNTS = (1, 10, 25, 50, 100)


def computed_counts(budget: int, metrics: Sequence[str] = ()) -> tuple[int, ...]:
    """The K's of an evaluation: the usual ones within the budget, the budget, and those of the named metrics."""
    named = {int(name.partition("@")[2]) for name in metrics if "@" in name}
    return tuple(sorted(k for k in {*COMPUTED_COUNTS, budget, *named} if 1 <= k <= budget))


def shown_counts(computed: Iterable[int]) -> tuple[int, ...]:
    """The K's of tables for people: of those that were computed, the round ones and the last."""
    counts = sorted(computed)
    return tuple(k for k in counts if k in SHOWN_COUNTS or k == counts[-1])
