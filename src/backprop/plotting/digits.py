"""Drawings for the zip-code pages: digits, what layers make of them, and two kinds of chart."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from backprop.activations import Array
from backprop.plotting.charts import annotated_map, mark_paper
from backprop.plotting.style import BLACK, BLUE, GREEN, GREY, ORANGE, PINK


def captioned(
    pictures: Array,
    above: Sequence[str],
    below: Sequence[str],
    *,
    columns: int,
    framed: Collection[int] = (),
    width: float = 5.4,
) -> Figure:
    """Draw digits in a grid, with a few characters above and below each.

    Parameters
    ----------
    pictures : array, shape (n, rows, columns)
        Grey values from -1, white paper, to 1, black ink.
    above, below : sequence of str
        For each picture.
    columns : int
        Pictures in a row.
    framed : collection of int
        Pictures with a thick frame; the others have a thin one.
    width : float
        Of the figure, in inches.

    Returns
    -------
    Figure
        The figure.
    """
    rows = -(-len(pictures) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(width, 1.5 * width / columns * rows), squeeze=False
    )
    for ax in axes.flat[len(pictures) :]:
        ax.axis("off")
    for i, (ax, picture) in enumerate(zip(axes.flat, pictures, strict=False)):
        ax.imshow(picture, cmap="gray_r", vmin=-1, vmax=1)
        ax.set(xticks=[], yticks=[])
        ax.set_title(above[i], fontsize=9.5, fontweight="bold", loc="center", pad=2.5)
        ax.set_xlabel(below[i], fontsize=8.5, labelpad=1.5)
        for spine in ax.spines.values():
            spine.set(visible=True, color=ORANGE if i in framed else GREY)
            spine.set_linewidth(2.5 if i in framed else 0.5)
    return figure


def mosaic(maps: Array, *, columns: int, scale: int = 1) -> Array:
    """Lay feature maps out in one array, with lines of NaN around them.

    Parameters
    ----------
    maps : array, shape (m, rows, columns)
        Activities.
    columns : int
        Maps in a row.
    scale : int
        Pixels for each unit and direction.

    Returns
    -------
    array
        One picture.
    """
    enlarged = maps.repeat(scale, axis=1).repeat(scale, axis=2).astype(float)
    rows = -(-len(enlarged) // columns)
    _, height, width = enlarged.shape
    whole = np.full((rows * (height + 1) + 1, columns * (width + 1) + 1), np.nan)
    for i, map_ in enumerate(enlarged):
        top, left = (i // columns) * (height + 1) + 1, (i % columns) * (width + 1) + 1
        whole[top : top + height, left : left + width] = map_
    return whole


def response(
    axes: Sequence[Axes], picture: Array, h1: Array, h2: Array, outputs: Array, *, limit: float
) -> None:
    """Draw a digit, the activities of both layers of feature maps, and the ten outputs.

    Parameters
    ----------
    axes : sequence of four Axes
        Side by side.
    picture : array, shape (16, 16)
        Grey values from -1 to 1.
    h1, h2 : array, shape (12, 8, 8) and (12, 4, 4)
        Activities, blue below zero and orange above.
    outputs : array, shape (10,)
        The largest one is drawn in orange.
    limit : float
        Activity of the strongest colour.
    """
    axes[0].imshow(picture, cmap="gray_r", vmin=-1, vmax=1)
    signed = LinearSegmentedColormap.from_list("signed", [BLUE, "white", ORANGE])
    colours = signed.with_extremes(bad=GREY)
    for ax, maps, scale in ((axes[1], h1, 1), (axes[2], h2, 2)):
        ax.imshow(mosaic(maps, columns=4, scale=scale), cmap=colours, vmin=-limit, vmax=limit)
    for ax in axes[:3]:
        ax.set(xticks=[], yticks=[])
    axes[0].spines[["top", "right"]].set_visible(True)
    for ax in axes[1:3]:
        ax.spines[:].set_visible(False)
    bars = axes[3]
    largest = np.arange(10) == outputs.argmax()
    bars.barh(range(10), outputs, color=np.where(largest, ORANGE, GREY), height=0.75)
    bars.axvline(0, color=BLACK, linewidth=0.8)
    bars.set(xlim=(-limit, limit), xticks=(-1, 1), ylim=(9.6, -0.6))
    bars.set_yticks(range(10), [str(digit) for digit in range(10)], fontsize=8)
    bars.tick_params(axis="x", labelsize=8)
    bars.tick_params(axis="y", length=0)
    bars.spines["left"].set_visible(False)


def confusion(ax: Axes, percent: Array) -> None:
    """Draw how often each digit gets each answer; right answers are left white.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    percent : array, shape (classes, classes)
        Row: true class; column: answer; rows add up to 100.
    """
    classes = [str(digit) for digit in range(len(percent))]
    right = np.eye(len(percent), dtype=bool)
    mistakes = np.where(right, np.nan, percent)
    texts = [[f"{value:.1f}" if value >= 0.05 else "" for value in row] for row in percent.tolist()]
    limits = (0.0, float(np.nanmax(mistakes)))
    annotated_map(ax, mistakes, texts, rows=classes, columns=classes, limits=limits)
    ax.set(xlabel="answer of the network (largest output)", ylabel="true digit")


def readings(
    ax: Axes,
    error: Array,
    half_mse: Array,
    factors: Mapping[str, float],
    *,
    published: tuple[float, float],
    others: tuple[Array, Array],
) -> None:
    """Draw mean squared errors against misclassified digits, once for each definition of the mean.

    Parameters
    ----------
    ax : Axes
        Where to draw; its vertical axis becomes logarithmic.
    error, half_mse : array, shape (runs,)
        Percent of errors, and half the mean squared error.
    factors : mapping of str to float
        Definition -> how many times half the mean squared error it is.
    published : tuple of float
        The paper's error and mean squared error.
    others : tuple of array
        Errors and half the mean squared errors of runs with other settings, drawn hollow.
    """
    for (name, factor), color in zip(factors.items(), (BLUE, ORANGE, GREEN, PINK), strict=False):
        hollow: dict[str, Any] = {"markerfacecolor": "none", "markersize": 4, "alpha": 0.5}
        ax.plot(others[0], factor * others[1], "o", color=color, **hollow)
        ax.plot(error, factor * half_mse, "o", color=color, markersize=4, label=name)
    ax.set_yscale("log")
    mark_paper(ax, *published, "")
