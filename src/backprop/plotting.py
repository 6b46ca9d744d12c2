"""Figures: one style, and the few kinds of drawing that the pages share.

The only module that imports matplotlib. Nothing here trains; functions take arrays
and draw them on axes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from backprop.activations import Array

# Okabe and Ito's palette: told apart by colour-blind readers, and in print.
BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
BLACK, GREY, LIGHT = "#1A1A1A", "#6B6B6B", "#D9D9D9"
PAPER: dict[str, Any] = {"color": BLACK, "linestyle": (0, (4, 2)), "linewidth": 1.4}


def use_style() -> None:
    """Set the book's style for all figures drawn afterwards."""
    plt.rcParams.update(mpl.rcParamsDefault)
    plt.rcParams.update(
        {
            "figure.figsize": (7.0, 3.6),
            "figure.dpi": 110,
            "savefig.dpi": 160,
            "figure.constrained_layout.use": True,
            "font.size": 11,
            "axes.titlesize": 12,
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": cycler(color=[BLUE, ORANGE, GREEN, PINK]),
            "legend.frameon": False,
            "lines.linewidth": 1.8,
        }
    )


def band(ax: Axes, x: Sequence[float] | Array, runs: Array, *, color: str, label: str) -> None:
    """Draw the median of several runs as a line and their full range as a band.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    x : array, shape (m,)
        Common abscissa.
    runs : array, shape (runs, m)
        One row for each run.
    color, label : str
        Of the line.
    """
    ax.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=color, alpha=0.25, linewidth=0)
    ax.plot(x, np.median(runs, axis=0), color=color, label=label)


def cumulative(
    ax: Axes, counts: Array, total: int, *, end: float, color: str, label: str, style: str = "-"
) -> None:
    """Draw the share of all runs that have reached something, as a staircase.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    counts : array
        Where each successful run reached it.
    total : int
        Number of all runs, failures included.
    end : float
        Where the runs were given up; the line is drawn as far.
    color, label, style : str
        Of the line.
    """
    steps = np.concatenate([np.sort(counts), [end]])
    share = np.arange(1, len(counts) + 1) / total
    ax.step(
        steps,
        np.concatenate([share, share[-1:]]) if len(counts) else [0],
        where="post",
        color=color,
        label=label,
        linestyle=style,
    )


def dots_beside_paper(
    ax: Axes, values: Array, published: float, *, label: str, color: str = BLUE
) -> None:
    """Draw one dot a run on a line of its own, and the published value as a mark.

    Parameters
    ----------
    ax : Axes
        Where to draw; its vertical axis is hidden.
    values : array, shape (runs,)
        Results of the runs.
    published : float
        The paper's number.
    label : str
        What is measured, with its unit.
    color : str
        Of the dots.
    """
    # Ties are stacked, so that every run is seen.
    order = np.argsort(values, kind="stable")
    heights = np.zeros(len(values))
    close = 0.02 * max(np.ptp(np.append(values, published)), 1e-12)
    for previous, current in pairwise(order):
        if values[current] - values[previous] < close:
            heights[current] = heights[previous] + 1
    ax.plot(values, heights, "o", color=color, markersize=6, alpha=0.8)
    ax.axvline(published, **PAPER)
    ax.set_ylim(-1, max(4, heights.max() + 1))
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(label)
    ax.margins(x=0.12)
    ax.xaxis.set_major_locator(MaxNLocator(5))


def panels_beside_paper(items: Sequence[tuple[Array, float, str]], *, columns: int = 2) -> Figure:
    """Draw several results, each in a panel of its own, and a key in the next free place.

    Parameters
    ----------
    items : sequence of (array, float, str)
        For each panel the results of the runs, the paper's number and the label.
    columns : int
        Panels in a row.

    Returns
    -------
    Figure
        Its title says how many of the published values lie among the runs.
    """
    rows = -(-(len(items) + 1) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(7, 1.8 * rows), squeeze=False)
    for ax, (values, published, label) in zip(axes.flat, items, strict=False):
        dots_beside_paper(ax, values, published, label=label)
    for ax in axes.flat[len(items) :]:
        ax.axis("off")
    key = axes.flat[len(items)]
    key.plot([], [], "o", color=BLUE, label="one seed of ours")
    key.plot([], [], label="the paper", **PAPER)
    key.legend(loc="center")
    inside = sum(values.min() <= published <= values.max() for values, published, _ in items)
    title = f"{inside} of {len(items)} published values lie between our smallest and largest"
    figure.suptitle(title, fontweight="bold", fontsize=12, x=0.02, ha="left")
    return figure


def small_network(
    ax: Axes,
    w: Array,
    values: Sequence[Sequence[str]],
    weights: Sequence[Sequence[Sequence[str]]],
    *,
    color: str,
) -> None:
    """Draw a network of two inputs, two hidden units and one output with text on every part.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    w : array, shape (9,)
        Parameters of ``Network((Dense(2, 2), Dense(2, 1)))``; the sign sets the line style.
    values : sequence of sequences of str
        Text in each unit, layer by layer from the inputs.
    weights : sequence of sequences of sequences of str
        Text on each connection: ``weights[layer][from][to]``.
    color : str
        Of the text.
    """
    places: list[list[tuple[float, float]]]
    places = [[(0.0, 1.0), (0.0, 0.0)], [(1.5, 1.0), (1.5, 0.0)], [(3.0, 0.5)]]
    signs = [w[:4].reshape(2, 2), w[6:8].reshape(2, 1)]
    for layer, below in enumerate(places[:-1]):
        for i, (x0, y0) in enumerate(below):
            for j, (x1, y1) in enumerate(places[layer + 1]):
                style = "-" if signs[layer][i, j] >= 0 else (0, (5, 2))
                ax.plot([x0, x1], [y0, y1], color=GREY, linewidth=1.3, linestyle=style, zorder=1)
                # Nearer to where the connection starts, so that crossing lines keep apart.
                at = 0.3
                ax.text(
                    x0 + at * (x1 - x0),
                    y0 + at * (y1 - y0),
                    weights[layer][i][j],
                    color=color,
                    fontsize=9.5,
                    ha="center",
                    va="center",
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2},
                )
    for units, texts in zip(places, values, strict=True):
        for (x0, y0), text in zip(units, texts, strict=True):
            ax.add_patch(Circle((x0, y0), 0.24, facecolor="white", edgecolor=BLACK, zorder=3))
            ax.text(x0, y0, text, color=color, ha="center", va="center", zorder=4, fontsize=10)
    ax.set(xlim=(-0.35, 3.35), ylim=(-0.4, 1.4), aspect="equal")
    ax.axis("off")


def hinton(ax: Axes, weights: Array, *, largest: float | None = None) -> None:
    """Draw weights as squares: area is size, orange is positive, blue negative.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    weights : array, shape (rows, columns)
        The weights; not-a-number draws nothing.
    largest : float, optional
        The weight whose square fills its cell. Default: the largest one given.
    """
    largest = largest or float(np.nanmax(np.abs(weights)))
    for (row, column), entry in np.ndenumerate(weights):
        value = float(entry)
        if np.isfinite(value):
            side = 0.92 * np.sqrt(min(abs(value) / largest, 1.0))
            corner = (column - side / 2, row - side / 2)
            colour = ORANGE if value > 0 else BLUE
            ax.add_patch(Rectangle(corner, side, side, color=colour, linewidth=0))
    rows, columns = weights.shape
    ax.set(xlim=(-0.6, columns - 0.4), ylim=(rows - 0.4, -0.6), aspect="equal")
    ax.set_facecolor("#EFEFEF")
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)


def hinton_with_numbers(
    ax: Axes, weights: Array, numbers: Sequence[Sequence[str]], *, largest: float | None = None
) -> None:
    """Draw a Hinton diagram with the number beside each square.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    weights : array, shape (rows, columns)
        The weights.
    numbers : sequence of sequences of str
        A text for each weight; it may have two lines.
    largest : float, optional
        As for `hinton`.
    """
    # An empty column beside each column of squares makes room for the numbers.
    spaced = np.full((weights.shape[0], 2 * weights.shape[1]), np.nan)
    spaced[:, ::2] = weights
    hinton(ax, spaced, largest=largest)
    for (row, column), _ in np.ndenumerate(weights):
        text = numbers[row][column]
        ax.text(2 * column + 1, row, text, va="center", ha="center", fontsize=8.5, linespacing=1.1)
    ax.set_xticks(np.arange(weights.shape[1]) * 2 + 0.5)


def stacked_sums(ax: Axes, sums: Array, special: NDArray[np.bool_]) -> int:
    """Draw one square for each pattern at its sum, equal sums stacked.

    Parameters
    ----------
    ax : Axes
        Where to draw; its vertical axis is hidden.
    sums : array, shape (n,)
        Whole numbers.
    special : bool array, shape (n,)
        Patterns in orange, drawn first; the others are blue, and pink where they share the
        sum of a special one.

    Returns
    -------
    int
        How many are pink.
    """
    order = np.argsort(~special, kind="stable")
    confused = ~special & np.isin(sums, sums[special])
    heights: dict[int, int] = {}
    for i in order:
        at = round(float(sums[i]))
        height = heights.get(at, 0)
        heights[at] = height + 1
        colour = ORANGE if special[i] else PINK if confused[i] else BLUE
        corner = (at - 0.42, height + 0.08)
        ax.add_patch(Rectangle(corner, 0.84, 0.84, color=colour, linewidth=0))
    reach = int(np.abs(sums).max())
    ax.set(xlim=(-reach - 0.8, reach + 0.8), ylim=(0, max(heights.values()) + 0.5))
    ax.set_xticks(range(-reach, reach + 1))
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    return int(confused.sum())


def annotated_map(
    ax: Axes,
    values: Array,
    texts: Sequence[Sequence[str]],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    limits: tuple[float, float],
    marked: tuple[int, int] | None = None,
    outlined: Collection[tuple[int, int]] = (),
) -> None:
    """Draw a table as coloured cells with a text in each.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    values : array, shape (m, n)
        What the colour shows; a cell that is not a number stays white.
    texts : sequence of sequences of str
        What is written.
    rows, columns : sequence of str
        Labels of the ticks, top to bottom and left to right.
    limits : tuple of float
        Values of the darkest and the brightest colour.
    marked : tuple of int, optional
        Row and column of a cell to frame: the paper's.
    outlined : collection of tuple of int
        Cells to frame with thin broken lines.
    """
    ax.imshow(values, cmap="cividis", vmin=limits[0], vmax=limits[1], aspect="auto")
    middle = sum(limits) / 2
    for (row, column), value in np.ndenumerate(values):
        dark = np.isfinite(value) and value < middle
        colour = "white" if dark else BLACK
        text = texts[row][column]
        ax.text(column, row, text, ha="center", va="center", color=colour, fontsize=8.5)
    thin: dict[str, Any] = {"edgecolor": GREY, "linewidth": 1.2, "linestyle": (0, (3, 2))}
    for row, column in outlined:
        ax.add_patch(Rectangle((column - 0.46, row - 0.44), 0.92, 0.88, fill=False, **thin))
    if marked:
        corner = (marked[1] - 0.5, marked[0] - 0.5)
        ax.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=ORANGE, linewidth=2.5))
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0)


def images(
    pictures: Array,
    *,
    columns: int,
    titles: Sequence[str] | None = None,
    diverging: bool = False,
    cell: float = 0.62,
) -> Figure:
    """Draw small pictures in a grid.

    Parameters
    ----------
    pictures : array, shape (n, rows, columns)
        Grey values. Ink is dark: -1 is white paper, 1 is black ink.
    columns : int
        Pictures in a row.
    titles : sequence of str, optional
        A short title for each.
    diverging : bool
        For weights: blue negative, orange positive, white zero, each picture scaled by
        its own largest weight.
    cell : float
        Size of a picture in inches.

    Returns
    -------
    Figure
        The figure.
    """
    rows = -(-len(pictures) // columns)
    height = cell * (1.35 if titles is not None else 1.08)
    figure, axes = plt.subplots(
        rows, columns, figsize=(cell * 1.08 * columns, height * rows), squeeze=False
    )
    for ax in axes.flat:
        ax.axis("off")
    colours = LinearSegmentedColormap.from_list("signed", [BLUE, "white", ORANGE])
    for i, (ax, picture) in enumerate(zip(axes.flat, pictures, strict=False)):
        limit = float(np.abs(picture).max()) if diverging else 1.0
        ax.imshow(picture, cmap=colours if diverging else "gray_r", vmin=-limit, vmax=limit)
        if titles is not None:
            ax.set_title(titles[i], fontsize=9, fontweight="normal", loc="center", pad=2)
    return figure


def mark_paper(ax: Axes, x: float, y: float, text: str, *, dy: float = 0.0) -> None:
    """Mark a published value by an open diamond and a word.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    x, y : float
        The published point.
    text : str
        Its label, to the left of the mark.
    dy : float
        Shift of the label in points.
    """
    ax.plot([x], [y], "D", markersize=8, markerfacecolor="white", color=BLACK, zorder=5)
    ax.annotate(text, (x, y), xytext=(-10, dy), textcoords="offset points", ha="right", va="center")


# The drawing of the 1986 paper's two passes: a unit i, and a unit j of the layer above it.
_DE = r"\partial E/\partial "
_QUANTITIES: dict[str, tuple[float, float]] = {
    "E": (2.6, 5.2),
    "y_j": (0.9, 3.8),
    "x_j": (0.9, 2.1),
    "w_{ji}": (2.6, 2.1),
    "y_i": (0.9, 0.0),
    _DE + "y_j": (4.4, 3.8),
    _DE + "x_j": (4.4, 2.1),
    _DE + "w_{ji}": (2.6, 0.0),
    _DE + "y_i": (4.4, 0.0),
}
# From, to, colour, the paper's equation with its text, and where to write that.
_EQUATIONS: list[tuple[str, str, str, str, tuple[float, float]]] = [
    ("y_i", "x_j", BLUE, "(1)  sum of\n$y_i \\, w_{ji}$", (0.1, 1.05)),
    ("w_{ji}", "x_j", BLUE, "", (0.0, 0.0)),
    ("x_j", "y_j", BLUE, "(2)  logistic", (0.1, 2.95)),
    ("y_j", "E", BLUE, "(3)  half of\n$(y_j - d_j)^2$", (0.75, 4.9)),
    ("E", _DE + "y_j", ORANGE, "(4)\n$y_j - d_j$", (4.4, 4.9)),
    (_DE + "y_j", _DE + "x_j", ORANGE, "(5)  times\n$y_j (1 - y_j)$", (5.3, 2.95)),
    (_DE + "x_j", _DE + "w_{ji}", ORANGE, "(6) times\n$y_i$", (3.78, 0.6)),
    (_DE + "x_j", _DE + "y_i", ORANGE, "(7)  sum over $j$,\neach times $w_{ji}$", (5.45, 1.05)),
    (_DE + "w_{ji}", "w_{ji}", GREEN, "(8), (9)\nstep", (2.05, 1.05)),
]


def two_passes(ax: Axes) -> None:
    """Draw how Eqs. 1 to 9 of Rumelhart et al. 1986 lead from a weight to the error and back.

    Forward is blue and goes up on the left; backward is orange and comes down on the right;
    the change of the weight is green; dashed grey are values kept from the forward pass.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    """

    def arrow(
        start: tuple[float, float], end: tuple[float, float], color: str, **more: Any
    ) -> None:
        look = {"arrowstyle": "-|>", "color": color, "linewidth": 1.8, "shrinkB": 15} | more
        ax.annotate("", end, start, arrowprops=look)

    for start, end, color, text, place in _EQUATIONS:
        arrow(_QUANTITIES[start], _QUANTITIES[end], color)
        ax.text(*place, text, color=color, ha="center", va="center", linespacing=1.3)
    for name, tip in (("y_j", (4.3, 2.95)), ("y_i", (2.17, 0.0))):
        arrow(_QUANTITIES[name], tip, GREY, linestyle=(0, (3, 2)), shrinkB=2)
    below = -1.15  # the next layer
    arrow((0.9, below), _QUANTITIES["y_i"], BLUE)
    arrow(_QUANTITIES[_DE + "y_i"], (4.4, below), ORANGE, shrinkB=0)
    ax.text(5.45, -0.75, "(5) again, for\nthe layer below", color=ORANGE, ha="center", va="center")
    for name, place in _QUANTITIES.items():
        box = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": BLACK}
        ax.text(*place, f"${name}$", ha="center", va="center", fontsize=13, bbox=box, zorder=3)
    ax.set(xlim=(-0.6, 6.4), ylim=(below, 5.6))
    ax.axis("off")
