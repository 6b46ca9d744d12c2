"""Drawings of what the benchmarks measured: who is how fast, and how a cost grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from backprop.plotting.style import BLUE, GREY, LIGHT, ORANGE, PAPER

# Told apart without colour.
LOOKS: tuple[dict[str, Any], ...] = (
    {"color": BLUE, "marker": "o"},
    {"color": ORANGE, "marker": "s"},
)


def times_the_limit(
    ax: Axes, rounds: Mapping[str, Sequence[float]], limit: float, *, own: str = "ours"
) -> None:
    """Draw how long each competitor takes for the same work, in units of a limit.

    Parameters
    ----------
    ax : Axes
        Where to draw; both its axes are set.
    rounds : mapping of str to sequence of float
        Name -> time in each round. The slowest one is drawn at the top.
    limit : float
        The least time possible, in the same unit; a broken line.
    own : str
        Names that begin so are drawn in blue, all others in orange.
    """
    names = sorted(rounds, key=lambda name: min(rounds[name]))
    for row, name in enumerate(names):
        look = LOOKS[0 if name.startswith(own) else 1]
        values = np.asarray(rounds[name]) / limit
        ax.plot([1, values.min()], [row, row], color=LIGHT, zorder=1)
        ax.plot(values, np.full(len(values), row), linestyle="", markersize=5, alpha=0.45, **look)
        ax.plot(values.min(), row, linestyle="", markersize=7, **look)
        label = f"{values.min():,.1f}" if values.min() < 10 else f"{values.min():,.0f}"
        above = (0, 9)
        ax.annotate(
            label, (values.min(), row), xytext=above, textcoords="offset points",
            ha="center", va="center", fontsize=9,
        )  # fmt: skip
    ax.axvline(1, **PAPER)
    ax.text(1.08, len(names) - 0.35, "limit", color=GREY, fontsize=9, va="center")
    ax.set(xscale="log", ylim=(-0.6, len(names)))
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))


def growing_cost(ax: Axes, ways: Mapping[str, Mapping[str, Any]], *, unit: float = 1e-6) -> None:
    """Draw a cost against a size on logarithmic axes, and the lines fitted to the large sizes.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    ways : mapping of str to mapping
        Label -> ``sizes`` and ``seconds`` (sequences of equal length) and ``large``, the fitted
        line: ``seconds = factor * size ** exponent`` between ``from`` and ``to``.
    unit : float
        Unit of the vertical axis in seconds.
    """
    for look, (label, way) in zip(LOOKS, ways.items(), strict=False):
        fit = way["large"]
        ends = np.array([fit["from"], fit["to"]], dtype=float)
        line = fit["factor"] * ends ** fit["exponent"] / unit
        ax.plot(ends, line, color=look["color"], linewidth=4, alpha=0.3, solid_capstyle="round")
        ax.plot(
            way["sizes"], np.divide(way["seconds"], unit), markersize=5, linewidth=1,
            label=f"{label}: power {fit['exponent']:.1f}", **look,
        )  # fmt: skip
    ax.set(xscale="log", yscale="log")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    ax.legend()
