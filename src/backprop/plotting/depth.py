"""Gradients of deep networks: what is left of them, measured and predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from backprop.activations import Array
from backprop.plotting.style import LIGHT, PAPER

# Told apart without colour: one marker for each line of a chart.
MARKERS = ("o", "s", "^", "D")


def gradient_left(
    ax: Axes,
    x: Sequence[float],
    runs: Mapping[str, tuple[Array, str]],
    predicted: Mapping[str, Array],
) -> None:
    """Draw what is left of a gradient on a logarithmic axis, and what was predicted.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    x : sequence of float
        Common abscissa: depths, or ranges of weights.
    runs : mapping of str to (array, str)
        Label -> decimal logarithms, shape (runs, len(x)), and a colour. Values that are not a
        number are left out. Markers are medians; bars reach from the smallest to the largest.
    predicted : mapping of str to array
        Label -> decimal logarithms, shape (len(x),), drawn as a broken line.
    """
    ax.axhline(1, color=LIGHT, linewidth=1, zorder=0)
    for marker, (label, (values, color)) in zip(MARKERS, runs.items(), strict=False):
        low, middle, high = 10 ** np.nanquantile(values, [0, 0.5, 1], axis=0)
        ax.vlines(x, low, high, color=color, linewidth=3.5, alpha=0.35)
        ax.plot(x, middle, marker, color=color, markersize=5, label=label)
        ax.plot(x, 10.0 ** predicted[label], **{**PAPER, "linewidth": 1.1})
    ax.set_yscale("log")
