"""Mirror symmetry over a map of learning rates and momenta.

A full factorial design: every learning rate with every momentum, the same initial weights in
each cell. The number of a run says both: ``number // replicas`` is the cell and
``number % replicas`` the seed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop.activations import Array
from backprop.errors import InputError
from backprop.experiments import symmetry
from backprop.training import or_none

BLOCK = 50
uses_zip_codes = False


@dataclass(frozen=True)
class Config:
    """Settings of a map.

    Parameters
    ----------
    lrs, momenta : tuple of float
        The design. The paper's run has 0.1 and 0.9.
    replicas : int
        Networks in each cell, with the seeds 0, 1, ...
    low, high : float
        Target values.
    sweeps : int
        Where a run that has not learned is given up, in every cell alike.
    """

    lrs: tuple[float, ...] = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
    momenta: tuple[float, ...] = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98)
    replicas: int = 50
    low: float = 0.1
    high: float = 0.9
    sweeps: int = 20_000

    @classmethod
    def paper(cls) -> Config:
        """Return the map with targets 0.1 and 0.9 (the paper shows one point of it)."""
        return cls()

    @classmethod
    def fast(cls) -> Config:
        """Return a small map for tests."""
        return cls(lrs=(0.1, 0.5), momenta=(0.5, 0.9), replicas=2, sweeps=200)

    @property
    def cells(self) -> list[tuple[float, float]]:
        """Learning rate and momentum of each cell, momenta changing fastest."""
        return list(itertools.product(self.lrs, self.momenta))

    @property
    def size(self) -> int:
        """Number of runs of the whole map."""
        return len(self.cells) * self.replicas


PRESETS = {
    "targets-point-one": Config.paper(),
    "targets-zero-one": Config(low=0.0, high=1.0),
    "fast": Config.fast(),
}


def runs(config: Config, numbers: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Train the runs with these numbers, cell by cell.

    Parameters
    ----------
    config : Config
        The map.
    numbers : sequence of int
        From 0 to ``config.size - 1``.

    Returns
    -------
    dict of int to dict
        ``sweeps_to_margin``: None if the margin of `symmetry.LIMITS` was never met.

    Raises
    ------
    InputError
        If a number is beyond the map.
    """
    if max(numbers) >= config.size:
        raise InputError(
            f"run {max(numbers)} of the map was asked for; it has {len(config.cells)} cells of "
            f"{config.replicas} runs. Give numbers from 0 to {config.size - 1}."
        )
    measured = {}
    for cell, members in itertools.groupby(sorted(numbers), lambda n: n // config.replicas):
        lr, momentum = config.cells[cell]
        chosen = list(members)
        settings = symmetry.Config(config.low, config.high, lr, momentum, sweeps=config.sweeps)
        seeds = [number % config.replicas for number in chosen]
        reached = symmetry.train(settings, seeds, criteria=["margin"]).reached["margin"]
        for number, at in zip(chosen, reached.tolist(), strict=True):
            measured[number] = {"sweeps_to_margin": or_none(at)}
    return measured


def run(config: Config, *, seed: int) -> dict[str, Any]:
    """Train the run of that number; see `runs`."""
    return runs(config, [seed])[seed]


def table(config: Config, measured: Mapping[int, Mapping[str, Any]]) -> Array:
    """Lay out the sweeps of a whole map by learning rate, momentum and replica.

    Parameters
    ----------
    config : Config
        The map.
    measured : mapping of int to mapping
        From `runs`, or the `runs` of a record; all numbers of the map.

    Returns
    -------
    array, shape (lrs, momenta, replicas)
        Sweeps to the margin; NaN where it was never met.

    Raises
    ------
    InputError
        If a run is missing.
    """
    missing = [number for number in range(config.size) if number not in measured]
    if missing:
        raise InputError(
            f"{len(missing)} of {config.size} runs of the map are missing, the first is "
            f"{missing[0]}. Run `backprop sweep symmetry_map` with --seeds 0:{config.size}."
        )
    values = [measured[number]["sweeps_to_margin"] for number in range(config.size)]
    shape = len(config.lrs), len(config.momenta), config.replicas
    return np.array(values, dtype=float).reshape(shape)


FACTS: dict[str, Callable[[], float]] = {}
