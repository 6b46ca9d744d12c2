"""A drawing of a tape: what was computed from what."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from backprop.plotting.style import BLACK, BLUE, GREY, ORANGE
from backprop.tape import Var

_SIGNS = {
    "matmul": "@",
    "add": "+",
    "subtract": "−",
    "multiply": "×",
    "divide": "÷",
    "power": "power",
    "negative": "minus",
}


def _number(value: Any) -> str:
    return f"{value.item():.3f}".replace("-", "−")


def tape_graph(ax: Axes, output: Var, names: dict[int, str]) -> None:
    """Draw a tape of single numbers, top to bottom, with values and gradients.

    Inputs stand on the left, results in the middle, each below the one before. On every arrow
    from an input stands the part of its gradient that comes back along it.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    output : Var
        After `backprop.tape.backward`; every variable on its tape has one entry.
    names : dict of int to str
        Names of some variables, by their place on the tape.
    """
    tape = output.tape
    computed = [var for var in tape if var.sources]
    places = {id(var): (2.2, -1.0 * row) for row, var in enumerate(computed)}
    inputs = [var for var in tape if not var.sources]
    for row, var in enumerate(inputs):
        readers = [places[id(v)][1] for v in computed for s, _ in v.sources if s is var]
        places[id(var)] = (0.3, sum(readers) / len(readers) - 0.2 * row)
    for var in computed:
        x, y = places[id(var)]
        for source, back in var.sources:
            x0, y0 = places[id(source)]
            look = {"arrowstyle": "-|>", "color": GREY, "shrinkA": 13, "shrinkB": 13}
            ax.annotate("", (x, y), (x0, y0), arrowprops=look)
            if not source.sources:
                part = _number(back(var.gradient))
                box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
                middle = (0.5 * (x + x0), 0.5 * (y + y0))
                ax.text(*middle, part, color=ORANGE, ha="center", va="center", bbox=box)
    for number, var in enumerate(tape):
        x, y = places[id(var)]
        text = names.get(number) or _SIGNS.get(var.operation, var.operation)
        box = {"boxstyle": "round,pad=0.3", "facecolor": "white", "edgecolor": BLACK}
        ax.text(x, y, text, ha="center", va="center", bbox=box, zorder=3)
        # Results have their numbers beside them, inputs below.
        value_at, gradient_at = (
            ((3.3, y), (4.4, y)) if var.sources else ((x, y - 0.65), (x, y - 1.1))
        )
        ax.text(*value_at, _number(var.value), color=BLUE, ha="center", va="center")
        ax.text(*gradient_at, _number(var.gradient), color=ORANGE, ha="center", va="center")
    for x, word, color in ((3.3, "value", BLUE), (4.4, "gradient", ORANGE)):
        ax.text(x, 0.8, word, color=color, ha="center", va="center", fontweight="bold")
    ax.set(xlim=(-0.4, 4.9), ylim=(-len(computed) + 0.4, 1.2))
    ax.axis("off")
