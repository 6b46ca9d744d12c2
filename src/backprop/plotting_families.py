"""Drawings of the family-tree experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from backprop.activations import Array
from backprop.datasets import family_trees
from backprop.plotting import BLACK, BLUE, GREY, LIGHT, ORANGE, hinton

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
        units, 1, figsize=(7, 0.92 * units + 1.0), sharex=True, squeeze=False
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
    ax.set_xticks(range(24), people, rotation=90, fontsize=8)
    for label in ax.get_xticklabels():
        if label.get_text() in right:
            label.set_fontweight("bold")
    ax.set(ylim=(-0.03, 1.03), ylabel="activity of the output unit", xlim=(-0.7, 23.7))


def factors(
    ax: Axes, effects: Mapping[str, Mapping[str, float]], printed: Mapping[str, str]
) -> None:
    """Draw, for each choice of a design, the share of successful runs at each of its levels.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    effects : mapping of str to mapping of str to float
        Choice -> level -> share, 0 to 1. Drawn with the choice that matters most on top.
    printed : mapping of str to str
        Choice -> the level that the paper prints, drawn as a diamond.
    """
    spread = {name: max(levels.values()) - min(levels.values()) for name, levels in effects.items()}
    order = sorted(effects, key=lambda name: spread[name])
    for row, name in enumerate(order):
        levels = effects[name]
        ax.plot([min(levels.values()), max(levels.values())], [row, row], color=LIGHT, linewidth=7)
        for rank, (level, share) in enumerate(sorted(levels.items(), key=lambda item: item[1])):
            is_printed = printed.get(name) == level
            style: dict[str, Any] = {"markersize": 9 if is_printed else 7}
            style["color"] = BLACK if is_printed else BLUE
            ax.plot(share, row, "D" if is_printed else "o", **style)
            up = rank % 2 == 0
            ax.annotate(
                level,
                (share, row),
                xytext=(0, 9 if up else -9),
                textcoords="offset points",
                ha="center",
                va="bottom" if up else "top",
                fontsize=8,
                color=BLACK if is_printed else BLUE,
            )
    ax.set_yticks(range(len(order)), order)
    ax.set(ylim=(-0.6, len(order) - 0.4), xlim=(-0.03, 1.0))
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
