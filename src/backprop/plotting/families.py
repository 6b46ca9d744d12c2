"""Drawings of the family-tree experiment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from backprop.activations import Array
from backprop.datasets import family_trees
from backprop.plotting.networks import hinton
from backprop.plotting.style import BLUE, GREY, LIGHT, ORANGE

# Where the six couples' members and the children stand in Fig. 2: rows are generations.
_PLACES = (
    *((0.0, 2), (4.0, 2), (1.0, 1), (3.55, 1), (6.0, 1), (2.4, 0)),
    *((1.2, 2), (5.2, 2), (2.35, 1), (4.8, 1), (-0.2, 1), (3.6, 0)),
)


def family_tree(ax: Axes, people: Sequence[str], *, color: str) -> None:
    """Draw one of the two trees: names, marriages and children.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    people : sequence of str
        `family_trees.ENGLISH` or `family_trees.ITALIAN`.
    color : str
        Of the names.
    """
    places = dict(zip(people, _PLACES, strict=True))
    for marriage in family_trees.MARRIAGES:
        if marriage.husband not in places:
            continue
        (x0, y), (x1, _) = places[marriage.husband], places[marriage.wife]
        ax.plot([x0, x1], [y, y], color=GREY, linewidth=2.4, zorder=1)
        middle = (x0 + x1) / 2
        for child in marriage.children:
            x, below = places[child]
            half = (y + below) / 2
            ax.plot([middle, middle, x, x], [y, half, half, below], color=GREY, linewidth=1)
    for person, (x, y) in places.items():
        ax.text(
            x,
            y,
            person,
            color=color,
            ha="center",
            va="center",
            fontsize=9,
            fontweight="bold" if person in family_trees.MEN else "normal",
            fontstyle="normal" if person in family_trees.MEN else "italic",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
        )
    ax.set(xlim=(-0.9, 6.6), ylim=(-0.35, 2.35))
    ax.axis("off")


def receptive_fields(weights: Array, titles: Sequence[str]) -> Figure:
    """Draw the weights from the 24 people to each unit as the paper's Fig. 4 does.

    Parameters
    ----------
    weights : array, shape (24, units)
        In the order of `family_trees.PEOPLE`: English above, Italian below.
    titles : sequence of str
        One for each unit.

    Returns
    -------
    Figure
        Orange is positive, blue negative, area is size.
    """
    units = weights.shape[1]
    figure, grid = plt.subplots(
        units, 1, figsize=(5.6, 1.12 * units + 1.3), sharex=True, squeeze=False
    )
    axes = grid[:, 0]
    largest = float(np.abs(weights).max())
    for ax, column, title in zip(axes, weights.T, titles, strict=True):
        hinton(ax, column.reshape(2, 12), largest=largest)
        ax.set_yticks([0, 1], ["English", "Italian"], fontsize=8)
        ax.set_title(title, fontsize=10, fontweight="normal", pad=3)
    names = [f"{a}\n{b}" for a, b in zip(family_trees.ENGLISH, family_trees.ITALIAN, strict=True)]
    axes[-1].set_xticks(range(12), names, rotation=90, fontsize=8)
    return figure


def answers(ax: Axes, y: Array, right: Sequence[str], counterpart: Sequence[str]) -> None:
    """Draw the 24 outputs for one question, over several runs.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    y : array, shape (runs, 24)
        Outputs.
    right, counterpart : sequence of str
        People who are the right answers, and those in the same places of the other tree.
    """
    people = family_trees.PEOPLE
    low, middle, high = np.quantile(y, [0.1, 0.5, 0.9], axis=0)
    for i, person in enumerate(people):
        color = ORANGE if person in right else BLUE if person in counterpart else GREY
        ax.plot([i, i], [low[i], high[i]], color=color, linewidth=4, alpha=0.35)
        ax.plot(i, middle[i], "o", color=color, markersize=6)
    ax.axvline(11.5, color=LIGHT, zorder=0)
    ax.axhline(0.5, color=LIGHT, zorder=0)
    ax.set_xticks(range(24), people, rotation=90, fontsize=9)
    for label in ax.get_xticklabels():
        if label.get_text() in right:
            label.set_fontweight("bold")
    ax.set(ylim=(-0.03, 1.03), ylabel="activity of the output unit", xlim=(-0.7, 23.7))
