"""Measure speed and keep its page: `python -m benchmarks`. The other pages have commands of their own here."""

from pathlib import Path

from benchmarks import selection_speed
from benchmarks.machine import describe_machine

RESULTS = Path(__file__).parents[1] / "docs" / "results"


def main() -> None:
    """Measure and rewrite docs/results/speed.md."""
    page = "# Speed\n\nWritten by `python -m benchmarks`: contestants in turn, the best of seven rounds each.\n"
    page += f"{describe_machine()}\n\n{selection_speed.markdown(selection_speed.measure())}"
    (RESULTS / "speed.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
