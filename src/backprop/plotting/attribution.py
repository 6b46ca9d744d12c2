"""Drawings for the page on the importance of inputs: maps over digits, curves of deletion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from backprop.activations import Array
from backprop.plotting.charts import band
from backprop.plotting.style import BLACK, BLUE, GREY, ORANGE


def importance_maps(
    pictures: Array, maps: Mapping[str, Array], *, labels: Sequence[str], cell: float = 1.1
) -> Figure:
    """Draw digits, a row for each, and beside them maps of the importance of their pixels.

    Parameters
    ----------
    pictures : array, shape (n, rows, columns)
        Grey values from -1, white paper, to 1, black ink.
    maps : mapping of str to array, shape (n, rows, columns)
        Heading -> maps; blue negative, orange positive, each scaled by its own largest value.
        A thin line shows where the digit is.
    labels : sequence of str
        Left of each digit.
    cell : float
        Size of a picture in inches.

    Returns
    -------
    Figure
        The figure.
    """
    rows, columns = len(pictures), 1 + len(maps)
    figure, axes = plt.subplots(
        rows, columns, figsize=(cell * columns + 0.2, cell * rows + 0.4), squeeze=False
    )
    signed = LinearSegmentedColormap.from_list("signed", [BLUE, "white", ORANGE])
    for row, picture in enumerate(pictures):
        axes[row, 0].imshow(picture, cmap="gray_r", vmin=-1, vmax=1)
        axes[row, 0].set_ylabel(labels[row], rotation=0, labelpad=9, va="center", fontweight="bold")
        for ax, each in zip(axes[row, 1:], maps.values(), strict=True):
            limit = float(np.abs(each[row]).max()) or 1.0
            ax.imshow(each[row], cmap=signed, vmin=-limit, vmax=limit)
            ax.contour(picture, levels=[-0.5], colors=GREY, linewidths=0.6, linestyles="solid")
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(visible=True, color=GREY, linewidth=0.5)
    for ax, name in zip(axes[0], ("digit", *maps), strict=True):
        ax.set_title(name, fontsize=9.5, fontweight="normal", loc="center", pad=3)
    return figure


def along_the_path(
    ax: Axes,
    outputs: Array,
    slopes: Array,
    *,
    color: str,
    label: str,
    style: Any = (0, (3, 2)),
) -> None:
    """Draw an output on its way from the empty image to the digit, and its slope at the end.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    outputs : array, shape (runs, points)
        Outputs of each run at equally spaced points of the way.
    slopes : array, shape (runs,)
        Slope at the end, drawn as a tangent of the median back to the start.
    color, label : str
        Of the line.
    style : line style
        Of the tangent.
    """
    at = np.linspace(0, 1, outputs.shape[1])
    band(ax, at, outputs, color=color, label=label)
    end, slope = float(np.median(outputs[:, -1])), float(np.median(slopes))
    ax.plot([0, 1], [end - slope, end], color=color, linestyle=style, linewidth=1.4)
    ax.plot([1], [end], "o", color=color, markersize=5)


def correlations_by_layer(
    ax: Axes,
    steps: Mapping[str, Array],
    beside: Mapping[str, Mapping[str, Array]],
    *,
    colors: Mapping[str, str],
    names: Sequence[str],
) -> None:
    """Draw how alike maps stay while weights are drawn anew, and other likenesses beside it.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    steps : mapping of str to array, shape (runs, layers)
        Kind of map -> rank correlations after 1, 2, ... layers; a 1 is put before them.
    beside : mapping of str to mapping of str to array, shape (runs,)
        Name -> kind of map -> rank correlations with something else, drawn to the right.
    colors : mapping of str to str
        Kind of map -> colour; its place among them sets the marker.
    names : sequence of str
        Below no, one, two, ... redrawn layers.
    """
    markers = dict(zip(colors, "osD^", strict=False))
    shifts = dict(zip(colors, np.linspace(-0.12, 0.12, len(colors)), strict=True))
    places = np.arange(len(names) + len(beside)) + np.repeat([0, 0.5], [len(names), len(beside)])

    def spread(at: Array, runs: Array, kind: str, line: str) -> None:
        middle = np.median(runs, axis=0)
        look: dict[str, Any] = {"color": colors[kind], "linestyle": line, "capsize": 2}
        around = np.abs([runs.min(axis=0), runs.max(axis=0)] - middle)
        ax.errorbar(at + shifts[kind], middle, around, marker=markers[kind], markersize=5, **look)

    for kind, runs in steps.items():
        with_start = np.column_stack([np.ones(len(runs)), runs])
        spread(places[: len(names)], with_start, kind, "-")
        for place, others in zip(places[len(names) :], beside.values(), strict=True):
            spread(np.array([place]), others[kind][:, np.newaxis], kind, "none")
    ax.axhline(0, color=BLACK, linewidth=0.8)
    if beside:
        ax.axvline(len(names) - 0.25, color=GREY, linewidth=0.8)
    ax.set_xticks(places, [*names, *beside], fontsize=9)
    ax.tick_params(axis="x", length=0)
