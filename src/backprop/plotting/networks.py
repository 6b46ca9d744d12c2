"""Drawings of networks, weights and images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle

from backprop.activations import Array
from backprop.plotting.style import BLACK, BLUE, GREEN, GREY, ORANGE


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
