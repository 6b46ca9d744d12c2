"""Charts of results over runs, with the paper's value beside them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from backprop.activations import Array
from backprop.plotting.style import BLACK, BLUE, GREY, LIGHT, ORANGE, PAPER, PINK


def band(ax: Axes, x: Sequence[float] | Array, runs: Array, *, color: str, label: str) -> None:
    """Draw the median of several runs as a line and their full range as a band.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    x : array, shape (m,)
        Common abscissa.
    runs : array, shape (runs, m)
        One row for each run.
    color, label : str
        Of the line.
    """
    ax.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=color, alpha=0.25, linewidth=0)
    ax.plot(x, np.median(runs, axis=0), color=color, label=label)


def cumulative(
    ax: Axes, counts: Array, total: int, *, end: float, color: str, label: str, style: str = "-"
) -> None:
    """Draw the share of all runs that have reached something, as a staircase.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    counts : array
        Where each successful run reached it.
    total : int
        Number of all runs, failures included.
    end : float
        Where the runs were given up; the line is drawn as far.
    color, label, style : str
        Of the line.
    """
    steps = np.concatenate([np.sort(counts), [end]])
    share = np.arange(1, len(counts) + 1) / total
    ax.step(
        steps,
        np.concatenate([share, share[-1:]]) if len(counts) else [0],
        where="post",
        color=color,
        label=label,
        linestyle=style,
    )


def dots_beside_paper(
    ax: Axes, values: Array, published: float, *, label: str, color: str = BLUE
) -> None:
    """Draw one dot a run on a line of its own, and the published value as a mark.

    Parameters
    ----------
    ax : Axes
        Where to draw; its vertical axis is hidden.
    values : array, shape (runs,)
        Results of the runs.
    published : float
        The paper's number.
    label : str
        What is measured, with its unit.
    color : str
        Of the dots.
    """
    # Ties are stacked, so that every run is seen.
    order = np.argsort(values, kind="stable")
    heights = np.zeros(len(values))
    close = 0.02 * max(np.ptp(np.append(values, published)), 1e-12)
    for previous, current in pairwise(order):
        if values[current] - values[previous] < close:
            heights[current] = heights[previous] + 1
    ax.plot(values, heights, "o", color=color, markersize=6, alpha=0.8)
    ax.axvline(published, **PAPER)
    ax.set_ylim(-1, max(4, heights.max() + 1))
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(label)
    ax.margins(x=0.12)
    ax.xaxis.set_major_locator(MaxNLocator(5))


def panels_beside_paper(items: Sequence[tuple[Array, float, str]], *, columns: int = 2) -> Figure:
    """Draw several results, each in a panel of its own, and a key in the next free place.

    Parameters
    ----------
    items : sequence of (array, float, str)
        For each panel the results of the runs, the paper's number and the label.
    columns : int
        Panels in a row.

    Returns
    -------
    Figure
        Its title says how many of the published values lie among the runs.
    """
    rows = -(-(len(items) + 1) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(7, 1.8 * rows), squeeze=False)
    for ax, (values, published, label) in zip(axes.flat, items, strict=False):
        dots_beside_paper(ax, values, published, label=label)
    for ax in axes.flat[len(items) :]:
        ax.axis("off")
    key = axes.flat[len(items)]
    key.plot([], [], "o", color=BLUE, label="one seed of ours")
    key.plot([], [], label="the paper", **PAPER)
    key.legend(loc="center")
    inside = sum(values.min() <= published <= values.max() for values, published, _ in items)
    title = f"{inside} of {len(items)} published values lie between our smallest and largest"
    figure.suptitle(title, fontweight="bold", fontsize=12, x=0.02, ha="left")
    return figure


def mark_paper(ax: Axes, x: float, y: float, text: str, *, dy: float = 0.0) -> None:
    """Mark a published value by an open diamond and a word.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    x, y : float
        The published point.
    text : str
        Its label, to the left of the mark.
    dy : float
        Shift of the label in points.
    """
    ax.plot([x], [y], "D", markersize=8, markerfacecolor="white", color=BLACK, zorder=5)
    ax.annotate(text, (x, y), xytext=(-10, dy), textcoords="offset points", ha="right", va="center")


def stacked_sums(ax: Axes, sums: Array, special: NDArray[np.bool_]) -> int:
    """Draw one square for each pattern at its sum, equal sums stacked.

    Parameters
    ----------
    ax : Axes
        Where to draw; its vertical axis is hidden.
    sums : array, shape (n,)
        Whole numbers.
    special : bool array, shape (n,)
        Patterns in orange, drawn first; the others are blue, and pink where they share the
        sum of a special one.

    Returns
    -------
    int
        How many are pink.
    """
    order = np.argsort(~special, kind="stable")
    confused = ~special & np.isin(sums, sums[special])
    heights: dict[int, int] = {}
    for i in order:
        at = round(float(sums[i]))
        height = heights.get(at, 0)
        heights[at] = height + 1
        colour = ORANGE if special[i] else PINK if confused[i] else BLUE
        corner = (at - 0.42, height + 0.08)
        ax.add_patch(Rectangle(corner, 0.84, 0.84, color=colour, linewidth=0))
    reach = int(np.abs(sums).max())
    ax.set(xlim=(-reach - 0.8, reach + 0.8), ylim=(0, max(heights.values()) + 0.5))
    ax.set_xticks(range(-reach, reach + 1))
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    return int(confused.sum())


def annotated_map(
    ax: Axes,
    values: Array,
    texts: Sequence[Sequence[str]],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    limits: tuple[float, float],
    marked: tuple[int, int] | None = None,
    outlined: Collection[tuple[int, int]] = (),
) -> None:
    """Draw a table as coloured cells with a text in each.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    values : array, shape (m, n)
        What the colour shows; a cell that is not a number stays white.
    texts : sequence of sequences of str
        What is written.
    rows, columns : sequence of str
        Labels of the ticks, top to bottom and left to right.
    limits : tuple of float
        Values of the darkest and the brightest colour.
    marked : tuple of int, optional
        Row and column of a cell to frame: the paper's.
    outlined : collection of tuple of int
        Cells to frame with thin broken lines.
    """
    ax.imshow(values, cmap="cividis", vmin=limits[0], vmax=limits[1], aspect="auto")
    # A value that is not a number is not smaller than anything, so its white cell gets black.
    colours = np.where(values < sum(limits) / 2, "white", BLACK)
    for (row, column), colour in np.ndenumerate(colours):
        text = texts[row][column]
        ax.text(column, row, text, ha="center", va="center", color=str(colour), fontsize=8.5)
    if marked:
        corner = (marked[1] - 0.5, marked[0] - 0.5)
        ax.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=ORANGE, linewidth=2.5))
    thin: dict[str, Any] = {"linewidth": 1.2, "linestyle": (0, (3, 2)), "fill": False}
    for row, column in outlined:  # inside the thick frame, in the colour of the text
        corner = (column - 0.44, row - 0.42)
        ax.add_patch(Rectangle(corner, 0.88, 0.84, edgecolor=colours[row, column], **thin))
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0)


def factors(
    axes: Sequence[Axes],
    measures: Sequence[Mapping[str, Mapping[str, float]]],
    printed: Mapping[str, str],
    *,
    best: Mapping[str, Mapping[str, float]] | None = None,
) -> None:
    """Draw the levels of each choice of a design, one line for each level.

    Parameters
    ----------
    axes : sequence of Axes
        Side by side, one for each measure.
    measures : sequence of mappings
        Choice -> level -> value; the choices in the order in which they are drawn. A level that
        is missing from a measure is left blank there.
    printed : mapping of str to str
        Choice -> the level that the paper prints, drawn as a diamond.
    best : mapping, optional
        As a measure: a second value for the first one, drawn as a circle.
    """
    places: dict[tuple[str, str | None], int] = {}
    for name, levels in measures[0].items():
        for level in (None, *levels):
            places[name, level] = -len(places)
    for ax, measure in zip(axes, measures, strict=True):
        for name, levels in measure.items():
            for level, value in levels.items():
                row, is_printed = places[name, level], printed.get(name) == level
                color = BLACK if is_printed else BLUE
                if best is not None and ax is axes[0]:
                    furthest = best[name][level]
                    ax.plot([value, furthest], [row, row], color=LIGHT, linewidth=1.2, zorder=1)
                    ax.plot(furthest, row, "o", color=color, markerfacecolor="white", markersize=6)
                ax.plot(value, row, "D" if is_printed else "o", color=color, markersize=7)
        for (_, level), row in places.items():
            if level is None:
                ax.axhline(row + 0.55, color=LIGHT, linewidth=0.8, zorder=0)
        ax.set(yticks=[], ylim=(min(places.values()) - 0.7, 0.7))
    labels = [name.upper() if level is None else level for name, level in places]
    axes[0].set_yticks(list(places.values()), labels, fontsize=9)
    for label, (name, level) in zip(axes[0].get_yticklabels(), places, strict=True):
        label.set_fontweight("bold" if level is None or printed.get(name) == level else "normal")
        label.set_color(GREY if level is None else BLACK)
    axes[0].tick_params(axis="y", length=0)


def outputs_over_runs(
    ax: Axes, outputs: Array, answers: Array, *, labels: Sequence[str], level: float = 0.8
) -> None:
    """Draw the outputs of many runs, group by group: means, and the range of most runs.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    outputs : array, shape (runs, groups, k)
        Outputs of each run; a group is one answer.
    answers : array, shape (groups, k)
        1 for the output that should be on, drawn in blue; the others are grey.
    labels : sequence of str
        Below each of the ``k`` outputs of a group.
    level : float
        Share of the runs inside the vertical lines.
    """
    _, groups, k = outputs.shape
    low, high = np.quantile(outputs, [(1 - level) / 2, (1 + level) / 2], axis=0)
    x = np.arange(groups)[:, np.newaxis] * (k + 1.0) + np.arange(k)
    for wanted, color in ((0, GREY), (1, BLUE)):
        these = answers == wanted
        ax.vlines(x[these], low[these], high[these], color=color, linewidth=5, alpha=0.35)
        ax.plot(x[these], outputs.mean(axis=0)[these], "o", color=color, markersize=5)
    ax.set(ylim=(0, 1), yticks=(0, 0.5, 1), xlim=(-1, x.max() + 1))
    ax.set_xticks(x.ravel(), list(labels) * groups)
    ax.tick_params(axis="x", length=0)
