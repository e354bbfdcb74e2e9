"""What every figure of a comparison has, whatever it shows."""

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from hpo_gym.evaluation.compare import Comparison
from hpo_gym.evaluation.plot_style import Theme


@dataclass(frozen=True, kw_only=True)
class FigureKind:
    """One kind of figure: how it is drawn, and what a reader who cannot see it is told."""

    draw: Callable[[Comparison, Theme], Figure]
    caption: str
    describe: Callable[[Comparison], str]
