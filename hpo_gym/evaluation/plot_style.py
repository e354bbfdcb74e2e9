"""How figures look: one colour and line an agent in all of them, labels beside the curves, light and dark.

Figures are objects; nothing here touches pyplot's global state or needs a display.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

LINE_STYLES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
FONT_SIZE = 10.5
PNG_DPI = 150


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Colours of a figure: background, text, grid, and those of the agents.

    The agents' are Okabe and Ito's (2008), which people with any kind of colour blindness can tell apart,
    without yellow, which is too pale for a line; in the dark blue is lightened.
    """

    name: str
    background: str
    ink: str
    muted: str
    grid: str
    palette: tuple[str, ...]
    neutral: str


LIGHT = Theme(
    name="light",
    background="#ffffff",
    ink="#1d2430",
    muted="#5b6472",
    grid="#e3e6eb",
    palette=("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"),
    neutral="#7a828e",
)
DARK = Theme(
    name="dark",
    background="#161b22",
    ink="#e6e9ee",
    muted="#9aa4b2",
    grid="#2b323c",
    palette=("#3d9be0", "#f07a2a", "#1fbf92", "#dd93bb", "#f0b429", "#8fd0f5"),
    neutral="#9aa4b2",
)


@dataclass(frozen=True, kw_only=True)
class AgentStyle:
    """Colour and line of one agent, the same in every figure of a comparison."""

    color: str
    linestyle: Any


DOING_NOTHING = ("random", "controller-off")


def agent_styles(agents: Sequence[str], theme: Theme) -> dict[str, AgentStyle]:
    """Who knows nothing in grey, the others through the palette, in the order given; then other kinds of line."""
    styles = {}
    used = 0
    for agent in agents:
        if agent in DOING_NOTHING:
            styles[agent] = AgentStyle(color=theme.neutral, linestyle=(0, (4, 2)))
            continue
        line = LINE_STYLES[used // len(theme.palette) % len(LINE_STYLES)]
        styles[agent] = AgentStyle(color=theme.palette[used % len(theme.palette)], linestyle=line)
        used += 1
    return styles


def new_axes(
    theme: Theme, *, title: str, width: float = 6.2, height: float = 4.1, n_rows: int = 1
) -> tuple[Figure, Any]:
    """An empty figure in the theme with its title at the left, and its axes: one pair, or one a row."""
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1)
    figure = Figure(figsize=(width, height), facecolor=theme.background, layout=layout)
    rows = [figure.add_subplot(n_rows, 1, i + 1) for i in range(n_rows)]
    for axes in rows:
        style_axes(axes, theme)
    rows[0].set_title(title, loc="left", fontsize=FONT_SIZE + 1.5, color=theme.ink, pad=12)
    return figure, rows[0] if n_rows == 1 else rows


def style_axes(axes: Any, theme: Theme) -> None:
    """Colours of background, ticks, grid and frame."""
    axes.set_facecolor(theme.background)
    axes.tick_params(colors=theme.muted, labelsize=FONT_SIZE - 1, which="both")
    axes.grid(color=theme.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_color(theme.grid)
        spine.set_visible(side in ("left", "bottom"))


def label_axes(axes: Any, theme: Theme, x: str, y: str) -> None:
    """Name both axes."""
    axes.set_xlabel(x, color=theme.ink, fontsize=FONT_SIZE)
    axes.set_ylabel(y, color=theme.ink, fontsize=FONT_SIZE)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> np.ndarray:
    """Positions near the wanted ones, at least `gap` apart and within [low, high] where there is room.

    Labels that would overlap move apart as a block around their common middle.
    """
    order = np.argsort(wanted, kind="stable")
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    blocks: list[tuple[float, list[int]]] = []  # (middle, members)
    for i in order:
        block = (float(wanted[i]), [int(i)])
        while True:
            half = gap * (len(block[1]) - 1) / 2
            middle = min(max(block[0], low + half), high - half)
            block = (middle, block[1])
            if not blocks or middle - half >= blocks[-1][0] + gap * (len(blocks[-1][1]) + 1) / 2 - 1e-12:
                break
            members = blocks.pop()[1] + block[1]
            offsets = gap * (np.arange(len(members)) - (len(members) - 1) / 2)
            block = (float(np.mean([wanted[m] - offset for m, offset in zip(members, offsets, strict=True)])), members)
        blocks.append(block)
    placed = np.empty(len(wanted))
    for middle, members in blocks:
        placed[members] = middle + gap * (np.arange(len(members)) - (len(members) - 1) / 2)
    return placed


def label_line_ends(axes: Any, ends: dict[str, float], styles: dict[str, AgentStyle], theme: Theme) -> None:
    """Write each agent's name to the right of the axes, level with where its line ends (in data units).

    Call it last: it reads the limits of the axes.
    """
    names = list(ends)
    to_fraction = axes.transScale + axes.transLimits
    x_end = axes.get_xlim()[1]
    levels = [float(np.clip(to_fraction.transform((x_end, ends[name]))[1], 0, 1)) for name in names]
    height_points = axes.figure.get_size_inches()[1] * 72 * 0.72 / len(axes.figure.axes)
    places = spread(levels, 1.3 * FONT_SIZE / height_points, 0.0, 1.0)
    for name, level, place in zip(names, levels, places, strict=True):
        color = styles[name].color
        axes.annotate(
            name,
            xy=(1.0, level),
            xytext=(1.045, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            va="center",
            fontsize=FONT_SIZE,
            color=theme.ink,
            arrowprops={
                "arrowstyle": "-",
                "color": color,
                "linewidth": 1.3,
                "shrinkA": 1,
                "shrinkB": 0,
                "relpos": (0.0, 0.5),  # to the start of the name: to its middle would cross the names beside it
            },
            annotation_clip=False,
        )


def to_png(figure: Figure) -> bytes:
    """The figure as a picture file."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=PNG_DPI, metadata={"Software": None})
    return buffer.getvalue()


def to_svg(figure: Figure) -> bytes:
    """The figure as vectors, letters as outlines: no font is needed, the same figure gives the same bytes."""
    buffer = BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "hpo_gym"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()
