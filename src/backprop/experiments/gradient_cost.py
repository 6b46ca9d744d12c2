"""What a gradient costs: time of all derivatives over time of the loss alone.

Networks with one hidden layer of growing width. Backpropagation needs one backward pass
whatever the number of weights; central differences need two losses for each weight.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop.activations import Array
from backprop.gradcheck import central_differences
from backprop.initialisers import uniform
from backprop.layers import Dense
from backprop.losses import HALF_SUMMED_SQUARES
from backprop.network import Network

BLOCK = 1
uses_zip_codes = False


@dataclass(frozen=True)
class Config:
    """Settings of a measurement.

    Parameters
    ----------
    widths : tuple of int
        Widths of the hidden layer.
    size : int
        Number of inputs, of outputs and of cases.
    repeats : int
        The shortest of so many times counts.
    slow_up_to : int
        Central differences are measured up to this many weights.
    """

    widths: tuple[int, ...] = (2, 8, 30, 100, 300, 1000, 2000)
    size: int = 64
    repeats: int = 30
    slow_up_to: int = 5000

    @classmethod
    def paper(cls) -> Config:
        """Return the measurement that the page shows (no paper has it)."""
        return cls()

    @classmethod
    def fast(cls) -> Config:
        """Return a short measurement for tests."""
        return cls(widths=(1, 4), size=8, repeats=2)


PRESETS = {"one-hidden-layer": Config.paper(), "fast": Config.fast()}


def shortest_time(function: Callable[..., object], *arguments: object, repeats: int) -> float:
    """Call a function several times and return the shortest time in seconds.

    Parameters
    ----------
    function : callable
        What is timed.
    *arguments : object
        Its arguments.
    repeats : int
        Number of calls.

    Returns
    -------
    float
        Seconds; the shortest, since other work on the machine only ever adds.
    """
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)


def loss(w: Array, network: Network, x: Array, d: Array) -> float:
    """Compute the loss from a forward pass."""
    return float(HALF_SUMMED_SQUARES.value(network.forward(w, x)[0], d))


def gradient(w: Array, network: Network, x: Array, d: Array) -> Array:
    """Compute all derivatives by backpropagation."""
    y, caches = network.forward(w, x)
    return network.backward(w, caches, HALF_SUMMED_SQUARES.slope(y, d))


def differences(w: Array, network: Network, x: Array, d: Array) -> Array:
    """Compute all derivatives by moving each weight."""
    return central_differences(lambda v: loss(v, network, x, d), w)


def run(config: Config, *, seed: int) -> dict[str, Any]:
    """Measure once, on one core.

    Parameters
    ----------
    config : Config
        Settings.
    seed : int
        Seed of weights and inputs.

    Returns
    -------
    dict
        ``weights`` (their number), ``backward`` and ``differences``: time of the gradient over
        time of the loss, for each width; None where central differences were not measured.
    """
    from threadpoolctl import threadpool_limits  # only needed here

    rng = np.random.default_rng(seed)
    x, d = rng.uniform(size=(config.size, config.size)), np.zeros((config.size, config.size))
    measured: dict[str, list[Any]] = {"weights": [], "backward": [], "differences": []}
    with threadpool_limits(1):
        for width in config.widths:
            network = Network((Dense(config.size, width), Dense(width, config.size)))
            case = network.init(uniform(0.1), rng=rng), network, x, d
            unit = shortest_time(loss, *case, repeats=config.repeats)
            backward = shortest_time(gradient, *case, repeats=config.repeats) / unit
            slow = None
            if network.n_params <= config.slow_up_to:
                slow = round(shortest_time(differences, *case, repeats=1) / unit, 1)
            measured["weights"].append(network.n_params)
            measured["backward"].append(round(backward, 3))
            measured["differences"].append(slow)
    return measured


def runs(config: Config, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Measure once for each seed; see `run`."""
    return {seed: run(config, seed=seed) for seed in seeds}


FACTS: dict[str, Callable[[], float]] = {}
