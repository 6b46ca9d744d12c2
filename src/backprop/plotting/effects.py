"""Differences to a base, with intervals, in groups: what a choice does to a result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from matplotlib.axes import Axes

from backprop.plotting.style import BLUE, GREY, LIGHT, ORANGE


class Difference(Protocol):
    """A difference with its interval."""

    @property
    def choice(self) -> str:
        """What was chosen otherwise."""

    @property
    def level(self) -> str:
        """And how."""

    @property
    def mean(self) -> float:
        """The difference."""

    @property
    def low(self) -> float:
        """Lower end of its interval."""

    @property
    def high(self) -> float:
        """Upper end of its interval."""

    @property
    def matters(self) -> bool:
        """Whether the interval excludes zero."""


def effects(ax: Axes, groups: Sequence[Sequence[Difference]], *, noise: float, end: float) -> None:
    """Draw each difference as a dot with its interval, group by group.

    Parameters
    ----------
    ax : Axes
        Where to draw; top to bottom.
    groups : sequence of sequences
        The levels of each choice. Filled dots: the interval excludes zero.
    noise : float
        Standard deviation between seeds, shaded on both sides of zero.
    end : float
        Differences beyond this are drawn as an arrow at the right edge, with the number.
    """
    y, ticks, labels = 0.0, [], []
    ax.axvspan(-noise, noise, color=LIGHT, zorder=0)
    ax.axvline(0, color=GREY, linewidth=1)
    for group in groups:
        ax.annotate(
            group[0].choice,
            (0, y),
            xycoords=ax.get_yaxis_transform(),
            xytext=(-6, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=10,
            fontweight="bold",
        )
        y += 1
        for effect in group:
            _one(ax, effect, y, end)
            ticks.append(y)
            labels.append(effect.level)
            y += 1
        y += 0.4
    ax.set_yticks(ticks, labels, fontsize=9)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(y - 0.4, -0.8)


def _one(ax: Axes, effect: Difference, y: float, end: float) -> None:
    """Draw one difference."""
    color = ORANGE if effect.matters else BLUE
    if effect.mean > end:
        ax.plot(end, y, ">", color=color, clip_on=False)
        ax.annotate(
            f"{effect.mean:+.1f}",
            (end, y),
            xytext=(-7, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=9,
        )
        return
    ax.plot([effect.low, min(effect.high, end)], [y, y], color=color, linewidth=1.5)
    ax.plot(effect.mean, y, "o", color=color, mfc=color if effect.matters else "white", ms=5.5)
