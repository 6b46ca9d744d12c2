"""Cases as the hidden units see them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from backprop.activations import Array
from backprop.plotting.style import BLUE, GREEN, ORANGE


def hidden_plane(ax: Axes, points: Array, answers: Array, names: Sequence[str], top: Array) -> None:
    """Draw the cases of exclusive or at the outputs of two hidden units.

    The two "on" cases are joined, and so are the two "off" cases: where the joins cross, no line
    separates the two. The line at which the output unit is at one half is drawn if it is in sight.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    points : array, shape (4, 2)
        Outputs of the two hidden units for each case.
    answers : array, shape (4,)
        1 for cases that should be on (orange squares), 0 for the others (blue dots).
    names : sequence of str
        Written beside the cases; names of cases that lie together stand in one line.
    top : array, shape (3,)
        Weights of the output unit from the two hidden units, and its bias.
    """
    for side, marker, colour in ((0, "o", BLUE), (1, "s", ORANGE)):
        joined = points[answers == side]
        ax.plot(*joined.T, marker + "-", color=colour, markersize=8, linewidth=1, alpha=0.85)
    centre, span = (points.max(axis=0) + points.min(axis=0)) / 2, np.ptp(points, axis=0).max()
    reach = np.array([-0.82, 0.82]) * span
    left = list(range(len(points)))
    while left:
        near = [i for i in left if np.abs(points[i] - points[left[0]]).max() < 0.08 * span]
        left = [i for i in left if i not in near]
        _name(ax, points[near].mean(axis=0), centre, ", ".join(names[i] for i in near))
    grid = np.meshgrid(*(centre[:, None] + reach))
    total = top[0] * grid[0] + top[1] * grid[1] + top[2]
    if total.min() < 0 < total.max():
        ax.contour(*grid, total, levels=[0.0], colors=[GREEN], linewidths=2.2, linestyles="--")
    ax.set(xlim=centre[0] + reach, ylim=centre[1] + reach, aspect="equal")
    ax.locator_params(nbins=4)


def _name(ax: Axes, place: Array, centre: Array, text: str) -> None:
    """Write the name of a case on the side that faces away from the others."""
    right, above = place >= centre
    ax.annotate(
        text,
        (place[0], place[1]),
        xytext=(6 if right else -6, 6 if above else -6),
        textcoords="offset points",
        ha="left" if right else "right",
        va="bottom" if above else "top",
        bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 1},
    )
