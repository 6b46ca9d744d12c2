"""Still figures of the live parts: one case on its way through the layers of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from backprop.activations import LECUN_TANH, Array
from backprop.datasets import family_trees
from backprop.plotting.style import BLUE, GREY, LIGHT, ORANGE

_SIGNED = LinearSegmentedColormap.from_list("signed", [BLUE, "white", ORANGE])
assert LECUN_TANH.sigmoid is not None
_LIMIT = LECUN_TANH.sigmoid[1]  # of the outputs of the 1989 units


def _bars(
    ax: Axes, values: Array, names: Sequence[str], first: Sequence[int], start: float
) -> None:
    """Draw horizontal bars with their names, some of them marked."""
    colours = [ORANGE if k in first else BLUE for k in range(len(values))]
    ax.barh(range(len(values)), values - start, left=start, color=colours)
    ax.set_yticks(range(len(values)), names, fontsize=9)
    ax.tick_params(axis="y", length=0)
    ax.tick_params(axis="x", labelsize=9)
    ax.invert_yaxis()


def _tiled(maps: Array, columns: int) -> Array:
    """Put maps ``(rows, columns, maps)`` side by side, with empty lines between them."""
    side = maps.shape[0] + 1
    lines = -(-maps.shape[2] // columns)
    sheet = np.full((lines * side - 1, columns * side - 1), np.nan)
    for number in range(maps.shape[2]):
        top, left = (side * place for place in divmod(number, columns))
        sheet[top : top + side - 1, left : left + side - 1] = maps[:, :, number]
    return sheet


def reading_in_layers(x: Array, h1: Array, h2: Array, outputs: Array) -> Figure:
    """Draw one digit on its way through the 1989 network.

    Parameters
    ----------
    x : array, shape (256,)
        What the network sees, -1 is paper and 1 ink.
    h1, h2 : array, shape (768,), (192,)
        Outputs of its two layers of feature maps.
    outputs : array, shape (10,)
        Its outputs.

    Returns
    -------
    Figure
        Picture, maps (orange is positive, blue negative) and outputs, the largest one orange.
    """
    figure, axes = plt.subplot_mosaic(
        [["picture", "h1"], ["outputs", "h2"]],
        figsize=(5.8, 4.4),
        width_ratios=[1, 1.9],
        height_ratios=[1, 1.1],
    )
    axes["picture"].imshow(x.reshape(16, 16), cmap="gray_r", vmin=-1, vmax=1)
    axes["picture"].set_title("what it sees", fontsize=10, fontweight="normal")
    for name, maps in (("h1", h1.reshape(8, 8, 12)), ("h2", h2.reshape(4, 4, 12))):
        axes[name].imshow(_tiled(maps, 6), cmap=_SIGNED, vmin=-_LIMIT, vmax=_LIMIT)
        size = "{} × {}".format(*maps.shape)
        axes[name].set_title(f"{name.upper()}: 12 maps, {size}", fontsize=10, fontweight="normal")
    for name in ("picture", "h1", "h2"):
        axes[name].set(xticks=[], yticks=[])
        for spine in axes[name].spines.values():
            spine.set(visible=name == "picture", color=LIGHT)
    _bars(axes["outputs"], outputs, [str(k) for k in range(10)], [int(outputs.argmax())], -_LIMIT)
    axes["outputs"].set(xlim=(-_LIMIT, _LIMIT), xticks=(-1, 0, 1))
    axes["outputs"].set_title("outputs", fontsize=10, fontweight="normal")
    return figure


def question_in_layers(layers: Mapping[str, Array], outputs: Array, right: Sequence[str]) -> Figure:
    """Draw one question to the family-tree network on its way through the layers.

    Parameters
    ----------
    layers : mapping of str to array
        Name of a group of hidden units -> their outputs, from 0 to 1.
    outputs : array, shape (24,)
        The network's outputs.
    right : sequence of str
        The people who are the answer.

    Returns
    -------
    Figure
        Groups of units (dark is 1) above, the outputs of both families below, right answers
        orange.
    """
    names = list(layers)
    rows: list[Any] = [[name, name] for name in names]
    figure, axes = plt.subplot_mosaic(
        [*rows, ["English", "Italian"]],
        figsize=(5.8, 1.9 + 0.55 * len(names) + 1.6),
        height_ratios=[*([0.5] * len(names)), 3.4],
    )
    widest = max(map(len, layers.values()))
    for name, values in layers.items():
        ax = axes[name]
        ax.imshow(values[np.newaxis], cmap="gray_r", vmin=0, vmax=1)
        for k, value in enumerate(values):
            color = "white" if value > 0.5 else "black"
            ax.text(k, 0, f"{value:.1f}", color=color, ha="center", va="center", fontsize=9)
        ax.set(xlim=(-0.5, widest - 0.5), xticks=[], yticks=[])
        ax.set_title(name, fontsize=10, fontweight="normal", pad=3)
        for spine in ax.spines.values():
            spine.set_visible(False)
    for nation, people, share in (
        ("English", family_trees.ENGLISH, outputs[:12]),
        ("Italian", family_trees.ITALIAN, outputs[12:]),
    ):
        ax = axes[nation]
        _bars(ax, share, people, [people.index(p) for p in right if p in people], 0.0)
        ax.axvline(0.5, color=GREY, linewidth=1)
        ax.set(xlim=(0, 1), xticks=(0, 0.5, 1))
        ax.set_title(nation, fontsize=10, fontweight="normal")
    return figure
