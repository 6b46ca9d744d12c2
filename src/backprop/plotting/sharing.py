"""Drawings of shared weights: windows over a line of inputs, and matrices with repeated entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Circle, Rectangle

from backprop.layers import Local
from backprop.plotting.style import BLACK, BLUE, GREY, LIGHT, ORANGE


def windows_over_line(ax: Axes, layer: Local, *, unit: int, source: int) -> None:
    """Draw a line of inputs and the units that read it, with one unit and one input marked.

    Blue: what `unit` reads. Orange: the units that read `source`. Below each input: how many
    units read it. Inputs of the border are dashed.

    Parameters
    ----------
    ax : Axes
        Where to draw, about 5 inches wide for 8 inputs.
    layer : Local
        A layer on an image of one row, with one map.
    unit : int
        The marked unit.
    source : int
        The marked input.
    """
    inputs, units = layer.in_shape[1], layer.out_shape[1]
    reach, stride = layer.size // 2, layer.stride
    reads = {i: range(stride * i - reach, stride * i + reach + 1) for i in range(units)}
    width = max(inputs, reads[units - 1].stop)
    high = 2.1
    for i in range(units):
        for k in reads[i]:
            marked = BLUE if i == unit else ORANGE if k == source else LIGHT
            both = i == unit and k == source
            ax.plot(
                [k, stride * i],
                [0.42, high - 0.36],
                color=ORANGE if both else marked,
                linewidth=0.8 if marked == LIGHT else 2.0,
                linestyle="-" if marked != ORANGE or both else (0, (4, 1.5)),
                zorder=1 if marked == LIGHT else 2,
            )
            if i == unit:
                x, y = 0.62 * k + 0.38 * stride * i, 0.62 * 0.42 + 0.38 * (high - 0.36)
                white = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
                text = f"$w_{{{k - stride * i}}}$"
                ax.text(x, y, text, color=BLUE, ha="center", va="center", fontsize=11, bbox=white)
        edge = BLUE if i == unit else ORANGE if source in reads[i] else BLACK
        place = (stride * i, high)
        ax.add_patch(Circle(place, 0.36, facecolor="white", edgecolor=edge, linewidth=1.6))
        ax.text(*place, f"$x_{{{i}}}$", ha="center", va="center", fontsize=12)
    for k in range(-reach, width):
        inside = 0 <= k < inputs
        box = Rectangle(
            (k - 0.42, -0.42),
            0.84,
            0.84,
            facecolor="white" if inside else "#F2F2F2",
            edgecolor=ORANGE if k == source else BLACK if inside else GREY,
            linewidth=1.6 if k == source else 1.0,
            linestyle="-" if inside else (0, (2, 2)),
            zorder=3,
        )
        ax.add_patch(box)
        text = f"$p_{{{k}}}$" if inside else f"{layer.border:g}".replace("-", "−")
        ax.text(k, 0, text, ha="center", va="center", fontsize=11, zorder=4)
        if inside:
            readers = sum(k in window for window in reads.values())
            ax.text(k, -0.85, f"{readers}", ha="center", va="center", fontsize=11)
    ax.text(-reach - 0.45, -0.85, "read by", ha="left", va="center", fontsize=10, color=GREY)
    ax.set(xlim=(-reach - 0.6, width - 0.4), ylim=(-1.15, high + 0.5), aspect="equal")
    ax.axis("off")


def repeated_entries(
    ax: Axes,
    entries: Sequence[Sequence[str]],
    colours: Mapping[str, str],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
) -> None:
    """Draw a matrix whose entries are names of free parameters; an empty entry is a zero.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    entries : sequence of sequences of str
        The name in each cell, without dollars; "" where there is no connection.
    colours : mapping of str to str
        Colour of the cells of each name.
    rows, columns : sequence of str
        What stands beside the rows and above the columns.
    """
    for i, row in enumerate(entries):
        for k, name in enumerate(row):
            face = colours[name] if name else "white"
            ax.add_patch(Rectangle((k, i), 1, 1, facecolor=face, edgecolor=LIGHT, linewidth=0.8))
            if name:
                ax.text(
                    k + 0.5,
                    i + 0.5,
                    f"${name}$",
                    ha="center",
                    va="center",
                    color="white",
                    fontsize=10,
                )
    high, wide = len(entries), len(entries[0])
    ax.set(xlim=(0, wide), ylim=(high, 0), aspect="equal")
    ax.set_xticks([k + 0.5 for k in range(wide)], columns)
    ax.set_yticks([i + 0.5 for i in range(high)], rows)
    ax.xaxis.tick_top()
    ax.tick_params(length=0, labelsize=10)
    for spine in ax.spines.values():
        spine.set(visible=True, color=GREY)
