"""A series of steps, each with the results of its runs, beside published values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from backprop.activations import Array
from backprop.plotting.style import BLACK, BLUE, GREY, ORANGE


@dataclass(frozen=True)
class Rung:
    """One step of a series.

    Parameters
    ----------
    name : str
        What it is called.
    values : array, shape (runs,)
        Results of its runs.
    stays : bool
        Whether the steps after it build on it.
    """

    name: str
    values: Array
    stays: bool = True


def ladder(ax: Axes, rungs: Sequence[Rung], published: Mapping[str, float], *, label: str) -> None:
    """Draw the runs of each step on a line of their own, the first step on top.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    rungs : sequence of Rung
        The steps. Each run is a dot, open and orange where the step did not stay; a bar is their
        mean.
    published : mapping of str to float
        Name -> value, drawn as lines down the whole panel.
    label : str
        What is measured, with its unit.
    """
    for row, rung in enumerate(rungs):
        color = BLUE if rung.stays else ORANGE
        spread = np.linspace(-0.22, 0.22, len(rung.values)) if len(rung.values) > 1 else [0.0]
        face = color if rung.stays else "white"
        heights = row + np.asarray(spread)
        ax.plot(rung.values, heights, "o", color=color, mfc=face, ms=4.5, alpha=0.8)
        ax.plot([np.mean(rung.values)] * 2, [row - 0.38, row + 0.38], color=BLACK, linewidth=1.6)
    for name, value in published.items():
        ax.axvline(value, color=GREY, linestyle=(0, (4, 2)), linewidth=1.2, zorder=0)
        ax.annotate(
            name,
            (value, 1),
            xycoords=ax.get_xaxis_transform(),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=9,
        )
    ax.set_yticks(range(len(rungs)), [rung.name for rung in rungs])
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(rungs) - 0.4, -0.6)
    ax.set_xlabel(label)
