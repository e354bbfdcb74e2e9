"""Search of a box by random points, then by small steps around the best: robust with few and noisy evaluations."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(kw_only=True)
class RandomThenLocal:
    """Points of [-1, 1]^d to try next, from the values of those that were tried; lower is better.

    Attributes:
        n_dims: d.
        n_random: uniform points (the first of all is the middle) before local ones.
        step: standard deviation of the first local round, in each coordinate; each round's is `shrink` times the
            last one's.
        n_parents: local points spread around so many of the best.
    """

    n_dims: int
    n_random: int
    step: float = 0.3
    shrink: float = 0.6
    n_parents: int = 2
    points: list[Floats] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    n_local_rounds: int = 0

    def ask(self, n: int, rng: np.random.Generator) -> Floats:
        """(n, d) points."""
        if len(self.points) < self.n_random:
            points = rng.uniform(-1.0, 1.0, (n, self.n_dims))
            if not self.points:
                points[0] = 0.0
            return points
        step = self.step * self.shrink**self.n_local_rounds
        self.n_local_rounds += 1
        parents = np.argsort(self.values, kind="stable")[: self.n_parents]
        centres = np.array([self.points[parents[i % len(parents)]] for i in range(n)])
        return np.clip(centres + step * rng.normal(size=centres.shape), -1.0, 1.0)

    def tell(self, points: Floats, values: Floats) -> None:
        """What became of them."""
        self.points += list(points)
        self.values += [float(value) for value in values]

    @property
    def best(self) -> Floats:
        """(d,) the point with the lowest value."""
        return self.points[int(np.argmin(self.values))]
