"""Drawings of the derivation: a network with all its numbers, and the paths through one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from backprop.plotting.style import BLACK, BLUE, GREY, ORANGE

# A line of text and its colour.
Line = tuple[str, str]

_WIDE, _BOX = 1.5, 1.2  # from one unit to its neighbour, and across one
_LINE = 0.17  # height of a line of text


def worked_network(
    ax: Axes,
    units: Sequence[Sequence[Sequence[Line]]],
    connections: Sequence[Sequence[Sequence[Sequence[Line]]]],
    *,
    backward: bool = False,
) -> None:
    """Draw a network from the bottom up with lines of text in each unit and on each connection.

    Parameters
    ----------
    ax : Axes
        Where to draw; about 5 inches wide for layers of two units.
    units : nested sequences
        ``units[layer][unit]`` is a list of lines, each a text and its colour, layers from the
        bottom.
    connections : nested sequences
        ``connections[layer][below][above]`` is such a list for each connection from a layer to
        the next.
    backward : bool
        Whether the arrows lead down (orange) and not up (blue).
    """
    widest = max(len(layer) for layer in units)
    heights = [max(len(lines) for lines in layer) * _LINE + 0.1 for layer in units]
    # Room between two layers: more where there is text on the connections.
    gaps = [0.95 if any(lines for row in rows for lines in row) else 0.4 for rows in connections]
    centres = np.cumsum([0, *gaps]) + np.cumsum(heights) - np.array(heights) / 2
    places = [
        [((i + (widest - len(layer)) / 2) * _WIDE, float(centre)) for i in range(len(layer))]
        for layer, centre in zip(units, centres, strict=True)
    ]
    for level, rows in enumerate(connections):
        for (x0, y0), row in zip(places[level], rows, strict=True):
            for (x1, y1), lines in zip(places[level + 1], row, strict=True):
                low, high = (x0, y0 + heights[level] / 2), (x1, y1 - heights[level + 1] / 2)
                tip, tail = (low, high) if backward else (high, low)
                look = {"arrowstyle": "-|>", "color": ORANGE if backward else BLUE, "alpha": 0.55}
                ax.annotate("", tip, tail, arrowprops=look | {"shrinkA": 0, "shrinkB": 0})
                # Slanted connections have their text low, where they are far apart.
                at = 0.3 if x0 != x1 else 0.68
                _write(ax, low[0] + at * (x1 - x0), low[1] + at * (high[1] - low[1]), lines)
    for level, layer in enumerate(units):
        for (x, y), lines in zip(places[level], layer, strict=True):
            corner = (x - _BOX / 2, y - heights[level] / 2)
            round_ = "round,pad=0,rounding_size=0.08"
            box = FancyBboxPatch(corner, _BOX, heights[level], boxstyle=round_, zorder=3)
            box.set(facecolor="white", edgecolor=BLACK)
            ax.add_patch(box)
            _write(ax, x, y, lines)
    ax.set(
        xlim=(-0.65, (widest - 1) * _WIDE + 0.65),
        ylim=(-0.05, places[-1][0][1] + heights[-1] / 2 + 0.05),
        aspect="equal",
    )
    ax.axis("off")


def _write(ax: Axes, x: float, y: float, lines: Sequence[Line]) -> None:
    """Write lines below each other, centred at a point, on white."""
    style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 10, "zorder": 4}
    style["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
    for number, (text, color) in enumerate(lines):
        shift = ((len(lines) - 1) / 2 - number) * _LINE
        ax.text(x, y + shift, text, color=color, **style)


def paths_up(ax: Axes, widths: Sequence[int], *, shared: bool) -> int:
    """Draw all paths up from one unit, one of them in orange.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    widths : sequence of int
        Widths of the layers above the unit.
    shared : bool
        Whether paths that meet in a unit use the same dot, as they do in the network; otherwise
        they never meet, and the drawing is a tree.

    Returns
    -------
    int
        Number of lines.
    """
    sizes = [1, *widths] if shared else np.cumprod([1, *widths]).tolist()
    places = [[((i + 0.5) / size, level) for i in range(size)] for level, size in enumerate(sizes)]
    lines, marked = 0, 0
    for level, width in enumerate(widths, start=1):
        last, marked = marked, (0 if shared else marked * width) + 2 * level % width
        for i, upper in enumerate(places[level]):
            for j in range(sizes[level - 1]) if shared else [i // width]:
                on_path = (i, j) == (marked, last)
                look = {"color": ORANGE, "linewidth": 2.4} if on_path else {"color": GREY}
                ax.plot(*zip(places[level - 1][j], upper, strict=True), **{"linewidth": 1.0} | look)
                lines += 1
    for row in places:
        ax.plot(*zip(*row, strict=True), "o", color=BLUE, markersize=7, zorder=3)
    ax.set(xlim=(0, 1), ylim=(-0.25, len(widths) + 0.25))
    ax.axis("off")
    return lines
