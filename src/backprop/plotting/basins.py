"""Maps of the starts that learn: a plane in weight space, and parts of it enlarged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from backprop.plotting.style import BLACK, LIGHT, ORANGE, title

# Centre of a map (across, up) and how far it reaches in both directions together.
Window = tuple[Sequence[float], float]


def basin_map(
    ax: Axes,
    sweeps: NDArray[np.integer[Any]],
    window: Window,
    *,
    limits: tuple[int, int],
    never: int,
) -> AxesImage:
    """Draw the sweeps that each start takes: yellow is quick, dark is slow, grey is never.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    sweeps : int array, shape (points, points)
        The first row is drawn at the bottom.
    window : (centre, width)
        Of the map.
    limits : tuple of int
        Sweeps at the two ends of the colours; the second is where runs were given up.
    never : int
        What stands for never.

    Returns
    -------
    AxesImage
        For a colour bar.
    """
    (x, y), width = window
    colours = colormaps["cividis_r"].with_extremes(bad=LIGHT, over=LIGHT)
    shown = np.ma.masked_equal(np.maximum(sweeps, limits[0]), never)
    half = width / 2
    image = ax.imshow(
        shown,
        origin="lower",
        extent=(x - half, x + half, y - half, y + half),
        cmap=colours,
        norm=LogNorm(*limits),
        interpolation="nearest",
    )
    ax.spines[:].set_visible(True)
    ax.locator_params(nbins=5)
    return image


def basins(
    maps: Sequence[tuple[NDArray[np.integer[Any]], Window, str]],
    *,
    limits: tuple[int, int],
    never: int,
    labels: tuple[str, str],
    finding: str,
) -> Figure:
    """Draw a map and below it two enlarged parts, each framed in the map before it.

    Parameters
    ----------
    maps : sequence of (array, window, str)
        Three of them, from the whole to the smallest part, each with the text over it.
    limits, never
        As for `basin_map`.
    labels : tuple of str
        The two weights, across and up.
    finding : str
        Title of the figure.

    Returns
    -------
    Figure
        With a colour bar at the bottom.
    """
    figure, places = plt.subplot_mosaic(
        [["whole", "whole"], ["part", "smallest"]], figsize=(7, 10.2), height_ratios=(2, 1)
    )
    axes = list(places.values())
    for ax, (sweeps, window, text) in zip(axes, maps, strict=True):
        image = basin_map(ax, sweeps, window, limits=limits, never=never)
        ax.set_title(text, fontsize=11)
    for ax, (_, ((x, y), width), _) in zip(axes, maps[1:], strict=False):
        corner = (x - width / 2, y - width / 2)
        frame: dict[str, Any] = {"fill": False, "edgecolor": ORANGE, "linewidth": 2}
        ax.add_patch(Rectangle(corner, width, width, **frame))
    axes[0].set(xlabel=labels[0], ylabel=labels[1])
    bar = figure.colorbar(
        image, ax=axes, location="bottom", shrink=0.8, aspect=40, pad=0.02, extend="max"
    )
    ticks = [
        tick for tick in (1, 3, 10, 30, 100, 300, 1000, 3000) if limits[0] <= tick <= limits[1]
    ]
    bar.set_ticks(ticks, labels=[f"{tick:,}" for tick in ticks])
    bar.set_label("sweeps to learn (grey: not learned)", color=BLACK)
    title(figure, finding)
    return figure
