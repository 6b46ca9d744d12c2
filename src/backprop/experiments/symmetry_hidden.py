"""Mirror symmetry with more hidden units, at the paper's step and at a smaller one.

The 1986 paper names extra connections as a way round local minima. Four sizes, two steps and
both readings of the targets; everything else as in the experiment `symmetry`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from backprop.experiments import symmetry

BLOCK = 150
uses_zip_codes = False
Config = symmetry.Config

SIZES = (2, 3, 4, 8)
STEPS = (0.1, 0.03)
READINGS = ("targets-point-one", "targets-zero-one")


def preset(hidden: int, lr: float, reading: str) -> str:
    """Name the preset with so many hidden units, this step and one of `READINGS`."""
    return f"hidden-{hidden}-step-{lr:g}-{reading}"


PRESETS = {
    preset(hidden, lr, reading): Config(low=low, high=1 - low, lr=lr, hidden=hidden)
    for reading, low in zip(READINGS, (0.1, 0.0), strict=True)
    for lr in STEPS
    for hidden in SIZES
}
PRESETS["fast"] = Config.fast()


def runs(config: Config, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Train once for each seed and see whether and when it learned.

    Parameters
    ----------
    config : Config
        Settings.
    seeds : sequence of int
        Seeds of the initial weights.

    Returns
    -------
    dict of int to dict
        ``sweeps_to_margin`` (None if never met) and ``solved``.
    """
    result = symmetry.train(config, seeds, criteria=["margin"])
    reached = [result.sweeps_to(i) for i in range(len(seeds))]
    return {
        seed: {**own, "solved": own["sweeps_to_margin"] is not None}
        for seed, own in zip(seeds, reached, strict=True)
    }


def run(config: Config, *, seed: int) -> dict[str, Any]:
    """Train once; see `runs`."""
    return runs(config, [seed])[seed]


FACTS: dict[str, Callable[[], float]] = {}
