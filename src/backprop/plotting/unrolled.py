"""Drawings of nets that run in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch

from backprop.activations import Array
from backprop.plotting.networks import hinton
from backprop.plotting.style import BLACK, LIGHT


def unrolled(
    axes: Sequence[Axes], *, units: int, steps: int, marked: Mapping[tuple[int, int], str]
) -> None:
    """Draw a fully connected net in time, and beside it its layered twin.

    Parameters
    ----------
    axes : sequence of two Axes
        For the net in time and for the layered net.
    units, steps : int
        Size of the net, and layers of weights in its twin.
    marked : mapping of (int, int) to str
        Colours of single connections (from, to); the others are grey.
    """
    left, right = axes
    pairs = [(i, j) for i in range(units) for j in range(units)]
    angles = np.pi / 2 - 2 * np.pi * np.arange(units) / units
    ring = [(float(np.cos(angle)), float(np.sin(angle))) for angle in angles]
    for i, j in sorted(pairs, key=lambda pair: pair in marked):  # coloured ones on top
        color, width = marked.get((i, j), LIGHT), 2.2 if (i, j) in marked else 1.3
        name = f"$w_{{{j + 1}{i + 1}}}$" if (i, j) in marked else ""
        if i == j:
            middle = (1.33 * ring[i][0], 1.33 * ring[i][1])
            left.add_patch(Circle(middle, 0.24, fill=False, color=color, linewidth=width))
        else:
            _arrow(left, ring[i], ring[j], name, color=color, width=width, room=12, bend=0.16)
        for step in range(steps):
            _arrow(right, (i, step), (j, step + 1), name, color=color, width=width, room=9)
    for unit in range(units):
        x, y = ring[unit]
        _unit(left, x, y, f"{unit + 1}", radius=0.2)
        for step in range(steps + 1):
            _unit(right, unit, step, f"{unit + 1}", radius=0.16)
    for step in range(steps + 1):
        right.text(-0.45, step, f"t = {step}", ha="right", va="center")
    left.set(xlim=(-1.65, 1.65), ylim=(-1.35, 1.75), aspect="equal")
    right.set(xlim=(-1.1, units - 0.6), ylim=(-0.4, steps + 0.4), aspect="equal")
    for ax in axes:
        ax.set_anchor("N")
        ax.axis("off")


def _arrow(
    ax: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    name: str,
    *,
    color: str,
    width: float,
    room: float,
    bend: float = 0.0,
) -> None:
    """Draw an arrow that leaves `room` for the units, with its name on it."""
    arrow = FancyArrowPatch(
        start,
        end,
        arrowstyle="-|>",
        mutation_scale=9,
        connectionstyle=f"arc3,rad={bend}",
        shrinkA=room,
        shrinkB=room,
        color=color,
        linewidth=width,
        zorder=2,
    )
    ax.add_patch(arrow)
    x = (start[0] + end[0] + bend * (end[1] - start[1])) / 2
    y = (start[1] + end[1] - bend * (end[0] - start[0])) / 2
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
    if name:
        ax.text(x, y, name, color=color, ha="center", va="center", fontsize=10, bbox=box, zorder=3)


def _unit(ax: Axes, x: float, y: float, text: str, *, radius: float) -> None:
    ax.add_patch(Circle((x, y), radius, facecolor="white", edgecolor=BLACK, zorder=3))
    ax.text(x, y, text, ha="center", va="center", zorder=4, fontsize=10)


def copies_and_sum(copies: Array, names: Sequence[str]) -> Figure:
    """Draw the gradient of each copy of a square matrix of weights, and the sum.

    Parameters
    ----------
    copies : array, shape (steps, units, units)
        Gradient of each copy, ``[from, to]``.
    names : sequence of str
        Over each panel; one more than there are copies, for the sum.

    Returns
    -------
    Figure
        Without a title.
    """
    panels = [*copies, copies.sum(axis=0)]
    largest = max(float(np.abs(panel).max()) for panel in panels)
    rows = (len(panels) + 1) // 2  # two in a row: readable on a phone
    figure, grid = plt.subplots(rows, 2, figsize=(5.2, 0.5 + 2.4 * rows))
    axes = grid.flat[: len(panels)]
    for spare in grid.flat[len(panels) :]:
        spare.remove()
    for ax, panel, name in zip(axes, panels, names, strict=True):
        hinton(ax, panel, largest=largest)
        units = range(len(panel))
        ax.set(xticks=units, yticks=units)
        ax.set_xticklabels([f"to {unit + 1}" for unit in units], fontsize=10)
        ax.set_yticklabels([f"from {unit + 1}" for unit in units], fontsize=10)
        ax.set_title(name, fontsize=11, fontweight="normal", loc="center")
    return figure


def roots_and_nets(exact: Array, learned: Array, histories: Array, names: Sequence[str]) -> Figure:
    """Draw matrices, the weights of nets that resemble them, and what these nets do.

    Parameters
    ----------
    exact, learned : array, shape (nets, units, units)
        A column for each net: the matrix, and below it the weights, ``[from, to]``.
    histories : array, shape (nets, patterns, moments, units)
        States of the units from the first moment on, between 0 (white) and 1 (black).
    names : sequence of str
        Over each column.

    Returns
    -------
    Figure
        Without a title.
    """
    patterns, moments = histories.shape[1:3]
    figure, axes = plt.subplots(2 + patterns, len(exact), figsize=(5.4, 3.0 + 1.4 * patterns))
    for net, name in enumerate(names):
        column = axes[:, net]
        hinton(column[0], exact[net])
        hinton(column[1], learned[net])
        column[0].set_title(name, fontsize=10, fontweight="normal", loc="center")
        for ax, states in zip(column[2:], histories[net], strict=True):
            ax.imshow(states, cmap="gray_r", vmin=0, vmax=1, aspect="auto")
            for edge in range(1, moments):
                ax.axhline(edge - 0.5, color="white", linewidth=7)
            for spine in ax.spines.values():
                spine.set(visible=True, color=LIGHT)
        for ax in column:
            ax.set(xticks=[], yticks=[])
    for ax, text in zip(axes[:2, 0], ("exact root", "learned weights"), strict=True):
        ax.set_ylabel(text, fontsize=10)
    for ax in axes[2:, 0]:
        ax.set_yticks(range(moments), [f"t = {moment}" for moment in range(moments)], fontsize=10)
        ax.tick_params(length=0)
    return figure
