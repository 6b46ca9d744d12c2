"""The book's style: one palette, one look, one way to write a title."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart by colour-blind readers, and in print.
BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
BLACK, GREY, LIGHT = "#1A1A1A", "#6B6B6B", "#D9D9D9"
PAPER: dict[str, Any] = {"color": BLACK, "linestyle": (0, (4, 2)), "linewidth": 1.4}


def use_style() -> None:
    """Set the book's style for all figures drawn afterwards."""
    plt.rcParams.update(mpl.rcParamsDefault)
    plt.rcParams.update(
        {
            "figure.figsize": (7.0, 3.6),
            "figure.dpi": 110,
            "savefig.dpi": 160,
            "figure.constrained_layout.use": True,
            "font.size": 11,
            "axes.titlesize": 12,
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": cycler(color=[BLUE, ORANGE, GREEN, PINK]),
            "legend.frameon": False,
            "lines.linewidth": 1.8,
        }
    )


def title(figure: Figure, text: str) -> None:
    """Write the finding over a figure of several panels, where single panels have theirs."""
    figure.suptitle(text, fontweight="bold", fontsize=12, x=0.02, ha="left")
