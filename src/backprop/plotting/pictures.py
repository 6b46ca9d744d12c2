"""Drawings of what a trained network makes of pictures, and how fast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from backprop.activations import Array
from backprop.plotting.style import BLUE, GREY, LIGHT, ORANGE, PAPER


def pictures_and_views(
    paths: Sequence[Path],
    seen: Sequence[Array],
    labels: Sequence[str],
    outputs: Sequence[Array] | None = None,
    below: Sequence[str] = (),
) -> Figure:
    """Draw pictures, what the network sees of each, and what several networks answer.

    Parameters
    ----------
    paths : sequence of Path
        The pictures' files.
    seen : sequence of arrays, shape (256,)
        What was read from each, -1 is paper and 1 ink.
    labels : sequence of str
        Written over each picture.
    outputs : sequence of arrays, shape (networks, 10), optional
        Outputs for each picture: the median as a dot, the full range as a line; the largest
        median is orange.
    below : sequence of str
        Written below the outputs.

    Returns
    -------
    Figure
        One column for each picture.
    """
    rows = 2 if outputs is None else 3
    shape = [1.0, 1.0, 2.0][:rows]
    columns = len(paths)
    figure, axes = plt.subplots(
        rows, columns, figsize=(5.8, 5.0 / columns * sum(shape) + 0.6), height_ratios=shape
    )
    for column, (path, x, label) in enumerate(zip(paths, seen, labels, strict=True)):
        top, view = axes[:2, column]
        top.imshow(plt.imread(path))
        top.set_title(label, fontsize=9, fontweight="normal", loc="center", pad=4)
        view.imshow(x.reshape(16, 16), cmap="gray_r", vmin=-1, vmax=1)
        for ax in (top, view):
            ax.set(xticks=[], yticks=[])
            for spine in ax.spines.values():
                spine.set(visible=True, color=LIGHT)
    for ax, text in zip(axes[:2, 0], ("picture", "as seen"), strict=True):
        ax.set_ylabel(text, fontsize=9)
    if outputs is not None:
        for column, (ax, y) in enumerate(zip(axes[2], outputs, strict=True)):
            median = np.median(y, axis=0)
            colours = [ORANGE if digit == median.argmax() else BLUE for digit in range(10)]
            ax.hlines(range(10), y.min(axis=0), y.max(axis=0), colors=colours, alpha=0.45)
            ax.scatter(median, range(10), c=colours, s=16, zorder=3)
            ax.set(xlim=(-1.6, 1.6), ylim=(9.6, -0.6), xticks=(-1, 0, 1))
            ax.set_yticks(range(10), map(str, range(10)) if column == 0 else [""] * 10)
            ax.tick_params(labelsize=8, length=2)
            if below:
                ax.set_xlabel(below[column], fontsize=9)
        axes[2, 0].set_ylabel("output of each digit", fontsize=9)
    return figure


def times_as_fast(ratios: Mapping[str, Array]) -> Figure:
    """Draw speeds of today over those of the paper on a logarithmic axis.

    Parameters
    ----------
    ratios : mapping of str to array
        What is compared -> our speed over the paper's, one value for each measurement.

    Returns
    -------
    Figure
        One line for each, a dot for each measurement; a dashed line at 1, the paper.
    """
    figure, ax = plt.subplots(figsize=(5.8, 0.5 * len(ratios) + 1.1))
    for row, values in enumerate(ratios.values()):
        ax.plot([1.0, float(np.median(values))], [row, row], color=LIGHT, zorder=1)
        ax.plot(values, np.full(len(values), row), "o", color=BLUE, markersize=5, alpha=0.6)
    ax.axvline(1, **PAPER)
    ax.text(1.1, -0.7, "1989", color=GREY, fontsize=9, va="center")
    ax.set(xscale="log", ylim=(len(ratios) - 0.4, -1.0), xlabel="times as fast as in 1989")
    ax.set_xticks([1, 10, 100, 1000, 10000], ["1", "10", "100", "1,000", "10,000"])
    ax.minorticks_off()
    ax.set_yticks(range(len(ratios)), list(ratios))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return figure
