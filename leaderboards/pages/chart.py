"""Line charts as inline SVG: small, drawn with the page's own colours, readable without being seen."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

WIDTH, HEIGHT = 300, 190
LEFT, RIGHT, TOP, BOTTOM = 58, 8, 10, 36
"""Room around the axes, in the same units as the size: pixels where the page has room."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """Values at ascending x; a kind is a class of the style sheet: "seed" or "mean".

    Attributes:
        xs, ys: (n,); where ys are not finite the line ends.
        is_step: whether a value holds until the next x, otherwise points are joined.
    """

    xs: NDArray[np.float64]
    ys: NDArray[np.float64]
    kind: str
    is_step: bool = True


@dataclass(frozen=True, kw_only=True)
class Axis:
    """From low to high, linear or logarithmic."""

    label: str
    low: float
    high: float
    is_log: bool = False

    def fraction(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where values lie on it, 0 to 1, clipped."""
        values = np.clip(values, self.low, self.high)
        if self.is_log:
            share = np.log(values / self.low) / math.log(self.high / self.low)
        else:
            share = (values - self.low) / (self.high - self.low)
        return np.asarray(share)

    @property
    def ticks(self) -> tuple[float, ...]:
        """Round values within it, three to six where that can be."""
        if not self.is_log:
            return _round_values(self.low, self.high)
        for digits in ((1,), (1, 3), (1, 2, 5)):
            found = tuple(_decades(self.low, self.high, digits))
            if len(found) >= 3:
                return found[:: math.ceil(len(found) / 6)]
        return tuple(_round_values(self.low, self.high))


def axis_for(label: str, values: Sequence[NDArray[np.float64]], *, is_log: bool = False) -> Axis:
    """An axis that holds all finite values with a little room; a log axis only where all are positive."""
    finite = np.concatenate([v[np.isfinite(v)].ravel() for v in values] or [np.zeros(0)])
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if is_log and low > 0:
        if high / low < 1.5:  # a flat line stands in the middle
            middle = math.sqrt(low * high)
            return Axis(label=label, low=middle / 3, high=middle * 3, is_log=True)
        room = (high / low) ** 0.05
        return Axis(label=label, low=low / room, high=high * room, is_log=True)
    room = 0.05 * (high - low) or max(abs(high), 1.0) * 0.5
    return Axis(label=label, low=low - room, high=high + room)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One pair of axes with lines.

    Attributes:
        id: unique on the page.
        title: above it.
        description: what a reader who cannot see it is told.
        summary: the figures that matter, for the line below it.
    """

    id: str
    title: str
    description: str
    summary: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...] = field(repr=False)

    @property
    def svg(self) -> Markup:
        """The drawing; all text in it is escaped."""
        return Markup(
            '<svg class="chart" role="img" viewBox="0 0 {w} {h}" aria-labelledby="{id}-title {id}-desc">'
            '<title id="{id}-title">{title}</title><desc id="{id}-desc">{description}</desc>{body}</svg>'
        ).format(
            w=WIDTH,
            h=HEIGHT,
            id=self.id,
            title=self.title,
            description=self.description,
            body=Markup("").join([_frame(self.x, self.y), *self._curves()]),
        )

    def _curves(self) -> Iterator[Markup]:
        for line in self.lines:
            path = _path(line, self.x, self.y)
            if path:
                yield Markup('<path class="{}" d="{}"/>').format(line.kind, path)


@lru_cache(maxsize=64)
def _frame(x: Axis, y: Axis) -> Markup:
    """Grid, ticks and names; once for all charts that share both axes."""
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = []
    for value, at in zip(y.ticks, _ys(y, np.array(y.ticks)), strict=True):
        parts.append(Markup('<path class="grid" d="M{} {}H{}"/>').format(LEFT, at, right))
        parts.append(
            Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(LEFT - 5, at + 3.5, plain_number(value))
        )
    for value, at in zip(x.ticks, _xs(x, np.array(x.ticks)), strict=True):
        parts.append(Markup('<path class="grid" d="M{} {}v4"/>').format(at, bottom))
        parts.append(
            Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(at, bottom + 15, plain_number(value))
        )
    parts.append(Markup('<path class="frame" d="M{} {}H{}"/>').format(LEFT, bottom, right))
    parts.append(
        Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format((LEFT + right) / 2, HEIGHT - 5, x.label)
    )
    if y.label:
        turned = Markup('<text transform="translate(9 {}) rotate(-90)" text-anchor="middle">{}</text>')
        parts.append(turned.format((TOP + bottom) / 2, y.label))
    return Markup("").join(parts)


def _path(line: Line, x: Axis, y: Axis) -> str:
    is_there = np.isfinite(line.ys)
    xs, ys = _xs(x, line.xs[is_there]), _ys(y, line.ys[is_there])
    if not len(xs):
        return ""
    turns = np.flatnonzero(np.diff(ys)) + 1 if line.is_step else range(1, len(xs))
    between = "H%gV%g" if line.is_step else "L%g %g"
    rest = "".join([between % (xs[i], ys[i]) for i in turns])
    return f"M{xs[0]:g} {ys[0]:g}{rest}" + (f"H{xs[-1]:g}" if line.is_step else "")


def _xs(axis: Axis, values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.round(LEFT + (WIDTH - RIGHT - LEFT) * axis.fraction(values), 1)


def _ys(axis: Axis, values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * axis.fraction(values), 1)


def plain_number(value: float) -> str:
    """0.001, 20 and 3e-05, with a true minus."""
    text = f"{value:.4f}".rstrip("0").rstrip(".") if 1e-4 <= abs(value) < 1 else f"{value:.6g}"
    return text.replace("-", "−")


def _decades(low: float, high: float, digits: Sequence[int]) -> Iterator[float]:
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        for digit in digits:
            value = float(f"{digit}e{power}")
            if low <= value <= high:
                yield value


def _round_values(low: float, high: float) -> tuple[float, ...]:
    """Multiples of 1, 2 or 5 times a power of ten, three to six of them."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * digit for digit in (1, 2, 5, 10) if power * digit >= rough)
    first = math.ceil(low / step - 1e-9)
    return tuple(float(f"{step * n:.12g}") for n in range(first, math.floor(high / step + 1e-9) + 1))
