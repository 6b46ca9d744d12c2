"""Drawings of networks of feature maps: to scale, one kernel at work, who reads whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from backprop.activations import Array
from backprop.layers import Local
from backprop.network import Network
from backprop.plotting.style import BLACK, BLUE, GREEN, GREY, LIGHT, ORANGE

Place = tuple[float, float]  # left and lower edge of a unit, in pixels of the input
_GAP = 1.5  # between two maps
_MAPS_IN_A_ROW = 6
_SIGNED = LinearSegmentedColormap.from_list("signed", [BLUE, "white", ORANGE])


def window(layer: Local, row: int, column: int) -> tuple[int, int]:
    """Find the upper left corner of what a unit of a feature map reads.

    Parameters
    ----------
    layer : Local
        The layer of the unit.
    row, column : int
        Place of the unit in its map.

    Returns
    -------
    tuple of int
        Row and column in a map below; negative in the border.
    """
    reach = layer.size // 2
    return row * layer.stride - reach, column * layer.stride - reach


def _grid(ax: Axes, left: float, low: float, side: int, *, picture: Array | None = None) -> None:
    """Draw a map of `side` by `side` units, each as large as a pixel of the input."""
    if picture is not None:
        box = (left, left + side, low, low + side)
        ax.imshow(picture, cmap="gray_r", vmin=-1, vmax=1, extent=box, zorder=1)
    for k in range(1, side):
        ax.plot([left, left + side], [low + k] * 2, color=LIGHT, linewidth=0.4, zorder=2)
        ax.plot([left + k] * 2, [low, low + side], color=LIGHT, linewidth=0.4, zorder=2)
    ax.add_patch(
        Rectangle((left, low), side, side, fill=False, edgecolor=GREY, linewidth=0.9, zorder=3)
    )


def _square(ax: Axes, place: Place, side: float, color: str, *, filled: bool = False) -> Rectangle:
    square = Rectangle(
        place, side, side, fill=filled, facecolor=color, edgecolor=color, linewidth=1.6, zorder=5
    )
    ax.add_patch(square)
    return square


def _field(
    ax: Axes, layer: Local, below: Place, rows: int, unit: Place, at: tuple[int, int], color: str
) -> None:
    """Mark what one unit reads in one map below, and lead two lines from there to the unit.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    layer : Local
        Layer of the unit.
    below : tuple of float
        Left and lower edge of the map below.
    rows : int
        Side of that map.
    unit : tuple of float
        Left and lower edge of the unit.
    at : tuple of int
        Row and column of the unit in its map.
    color : str
        Of lines and window.
    """
    row, column = window(layer, *at)
    left, top = below[0] + column, below[1] + rows - row
    _square(ax, (left, top - layer.size), layer.size, color)
    for end, start in ((0.0, left), (1.0, left + layer.size)):
        ax.plot([start, unit[0] + end], [top, unit[1]], color=color, linewidth=0.9, zorder=4)


def network_to_scale(
    ax: Axes,
    net: Network,
    picture: Array,
    *,
    first: tuple[int, int, int] = (9, 2, 4),
    second: tuple[int, int, int] = (3, 2, 2),
) -> None:
    """Draw the 1989 network: every unit as large as a pixel, and what two of them read.

    The input is at the bottom. The window of one unit of H1 is orange, those of one unit of H2
    blue; grey areas stand for full connection.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    net : Network
        Two layers of feature maps, then two of fully connected units.
    picture : array, shape (rows, columns)
        An input, from -1 (white) to 1.
    first, second : tuple of int
        Map, row and column of the marked unit in each layer of feature maps.
    """
    h1, h2, h3, out = net.layers
    assert isinstance(h1, Local) and isinstance(h2, Local)
    (pixels, _, _), (side, _, maps), (small, _, _) = h1.in_shape, h1.out_shape, h2.out_shape
    width = _MAPS_IN_A_ROW * (side + _GAP) - _GAP
    lines = -(-maps // _MAPS_IN_A_ROW)
    levels = np.cumsum([0, pixels + 8, lines * (side + _GAP) + 6, small + 6.5, 6.5])

    def h1_map(number: int) -> Place:
        line, place = divmod(number, _MAPS_IN_A_ROW)
        return place * (side + _GAP), levels[1] + (lines - 1 - line) * (side + _GAP)

    def h2_map(number: int) -> Place:
        return number * (width - small) / (h2.maps - 1), levels[2]

    def unit_of(corner: Place, rows: int, row: int, column: int) -> Place:
        return corner[0] + column, corner[1] + rows - 1 - row

    start = ((width - pixels) / 2, 0.0)
    _grid(ax, *start, pixels, picture=picture)
    for number in range(maps):
        _grid(ax, *h1_map(number), side)
    for number in range(h2.maps):
        _grid(ax, *h2_map(number), small)

    unit = unit_of(h1_map(first[0]), side, *first[1:])
    _field(ax, h1, start, pixels, unit, first[1:], ORANGE)
    _square(ax, unit, 1, ORANGE, filled=True)
    unit = unit_of(h2_map(second[0]), small, *second[1:])
    for source in (h2.table or (range(maps),) * h2.maps)[second[0]]:
        _field(ax, h2, h1_map(source), side, unit, second[1:], BLUE)
    _square(ax, unit, 1, BLUE, filled=True)

    spread = [np.linspace(0, width - 1, h3.n_out), np.linspace(width * 0.2, width * 0.8, out.n_out)]
    for level, lefts in zip(levels[3:], spread, strict=True):
        for left in lefts:
            ax.add_patch(Rectangle((left, level), 1, 1, fill=False, edgecolor=GREY, linewidth=0.9))
    for digit, left in enumerate(spread[1]):
        ax.text(left + 0.5, levels[4] + 2.6, f"{digit}", ha="center", va="center", fontsize=9)
    for below, above in (
        ((0.0, width, levels[2] + small), (0.0, width, levels[3])),
        ((0.0, width, levels[3] + 1), (spread[1][0], spread[1][-1] + 1, levels[4])),
    ):
        corners = [
            (below[0], below[2] + 0.4),
            (below[1], below[2] + 0.4),
            (above[1], above[2] - 0.4),
            (above[0], above[2] - 0.4),
        ]
        ax.add_patch(Polygon(corners, facecolor="#EFEFEF", edgecolor="none", zorder=0))
    _name_layers(ax, net, levels, width, start[0] + pixels)
    ax.set(xlim=(-0.6, width + 0.6), ylim=(-0.6, levels[4] + 4), aspect="equal")
    ax.axis("off")


def _name_layers(ax: Axes, net: Network, levels: Array, width: float, beside: float) -> None:
    """Write the name and the size of each layer where there is room."""
    h1, h2, h3, out = net.layers
    assert isinstance(h1, Local) and isinstance(h2, Local)
    pixels = h1.in_shape[0]
    ax.text(beside + 1, 0.3, f"input\n{pixels} × {pixels}\n= {net.n_in}", va="bottom", fontsize=9.5)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    for layer, name, level in ((h1, "H1", levels[1]), (h2, "H2", levels[2])):
        side = layer.out_shape[0]
        text = f"{name}: {layer.maps} maps, {side} × {side}\n= {layer.n_out} units"
        x, align = (0.0, "left") if name == "H1" else (width, "right")
        ax.text(x, level - 0.7, text, va="top", ha=align, fontsize=9.5, bbox=box, zorder=6)
    for units, name, level in ((h3.n_out, "H3", levels[3]), (out.n_out, "output", levels[4])):
        text = f"{name}: {units} units"
        ax.text(0, level - 0.9, text, va="top", ha="left", fontsize=9.5, zorder=6)


def shared_kernel(
    layer: Local,
    picture: Array,
    kernel: Array,
    response: Array,
    units: Sequence[tuple[int, int]] = ((0, 0), (3, 4), (3, 5)),
) -> Figure:
    """Draw one kernel at several places of a picture, and the map that comes of it.

    Parameters
    ----------
    layer : Local
        Reads one picture; gives stride and size.
    picture : array, shape (rows, columns)
        The picture, from -1 (white) to 1.
    kernel : array, shape (size, size)
        Weights of one map: orange positive, blue negative.
    response : array, shape (map rows, map columns)
        Outputs of that map.
    units : sequence of tuples of int
        Row and column of the units whose windows are drawn, at most three.

    Returns
    -------
    Figure
        The picture with its border on the left, the map and the kernel on the right.
    """
    figure, axes = plt.subplot_mosaic(
        [["picture", "map"], ["picture", "kernel"]], figsize=(5.6, 3.9), width_ratios=[2, 1]
    )
    pixels, size, reach = picture.shape[0], response.shape[0], layer.size // 2
    outside = reach, window(layer, size - 1, size - 1)[0] + layer.size - pixels
    border = f"{layer.border:g}".replace("-", "−")
    limit = float(np.abs(kernel).max())
    _shown(axes["picture"], picture, 1.0, f"picture, and a border of {border}", border=outside)
    _shown(axes["map"], response, 1.7, f"the map: {size} × {size} units")
    _shown(axes["kernel"], kernel, limit, f"its kernel: {kernel.size} weights", signed=True)
    ends = -outside[0], pixels + outside[1]
    for k in range(ends[0], ends[1] + 1):
        axes["picture"].plot((k, k), ends, color=LIGHT, linewidth=0.5, zorder=2)
        axes["picture"].plot(ends, (k, k), color=LIGHT, linewidth=0.5, zorder=2)
    for color, (row, column) in zip((GREEN, BLUE, ORANGE), units, strict=False):
        top, left = window(layer, row, column)
        _outline(axes["picture"], (left, top), layer.size, color)
        _outline(axes["map"], (column, row), 1, color)
        centre = (left + reach + 0.5, top + reach + 0.5)
        axes["picture"].plot(*centre, "o", color=color, markersize=5)
    return figure


def _outline(ax: Axes, corner: Place, side: float, color: str, width: float = 2.4) -> None:
    ax.add_patch(
        Rectangle(corner, side, side, fill=False, edgecolor=color, linewidth=width, zorder=4)
    )


def _shown(
    ax: Axes,
    values: Array,
    limit: float,
    name: str,
    *,
    signed: bool = False,
    border: tuple[int, int] = (0, 0),
) -> None:
    """Show a square of values with its name above, and a border before and after it."""
    side = values.shape[0]
    whole = side + sum(border)
    ax.add_patch(Rectangle((-border[0], -border[0]), whole, whole, color="#EFEFEF", zorder=0))
    colours = _SIGNED if signed else "gray_r"
    place = (0, side, side, 0)
    ax.imshow(values, cmap=colours, vmin=-limit, vmax=limit, extent=place, zorder=1)
    _outline(ax, (0, 0), side, GREY, 1.0)
    start, end = -border[0] - 0.3, side + border[1] + 0.3  # room for the width of lines
    ax.set(xlim=(start, end), ylim=(end, start), aspect="equal")
    ax.set_title(name, fontsize=10, fontweight="normal", loc="center", pad=3)
    ax.axis("off")


def connection_table(ax: Axes, table: Sequence[Sequence[int]], maps: int) -> None:
    """Draw which maps of one layer read which maps of the layer below.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    table : sequence of sequences of int
        For each map the maps below that it reads, counted from 0.
    maps : int
        How many there are below.
    """
    for row, sources in enumerate(table):
        for column in range(maps):
            read = column in sources
            ax.add_patch(
                Rectangle(
                    (column + 0.54, row + 0.54),
                    0.92,
                    0.92,
                    facecolor=BLUE if read else "white",
                    edgecolor=BLACK if read else LIGHT,
                    linewidth=0.6,
                )
            )
        ax.text(maps + 1, row + 1, f"{len(sources)}", ha="center", va="center", color=GREY)
    for column in range(maps):
        readers = sum(column in sources for sources in table)
        ax.text(column + 1, len(table) + 1, f"{readers}", ha="center", va="center", color=GREY)
    ax.set(xlim=(0.4, maps + 1.5), ylim=(len(table) + 1.5, 0.4), aspect="equal")
    ax.set_xticks(range(1, maps + 1))
    ax.set_yticks(range(1, len(table) + 1))
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)


def spreads(
    ax: Axes,
    states: Mapping[str, Sequence[Array]],
    names: Sequence[str],
    *,
    level: float = 0.8,
) -> None:
    """Draw the spread of groups of numbers in two states, one row for each group.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    states : mapping of str to sequence of arrays
        Two states, the first drawn open and the second filled; in each an array for each group.
    names : sequence of str
        Of the groups, from the top.
    level : float
        Share of the numbers within the lines; the dots are medians.
    """
    looks = zip(states.items(), (-0.14, 0.14), ("white", BLUE), strict=True)
    for (state, groups), shift, fill in looks:
        rows = np.arange(len(groups)) + shift
        ends = (1 - level) / 2, 0.5, (1 + level) / 2
        low, middle, high = np.array([np.quantile(group, ends) for group in groups]).T
        ax.hlines(rows, low, high, color=BLUE, linewidth=1.5, zorder=1)
        ax.plot(middle, rows, "o", color=BLUE, markerfacecolor=fill, markersize=7, label=state)
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -1.2)
    ax.legend(loc="lower left", fontsize=9.5)
