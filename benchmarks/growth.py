"""How the cost of one change of the weights grows with depth, width, batch size and replicas."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

import work
from backprop.experiments import zip_codes
from backprop.experiments.gradient_cost import dense
from backprop.initialisers import uniform_fan_in
from backprop.network import Network
from backprop.optimisers import SteepestDescent
from backprop.training import train_online
from settings import Settings
from timing import exponent, in_turn, rounded

THIN = 32  # units in each layer of the deep networks
STEP = SteepestDescent(0.001)
ARITHMETIC = 2e8  # operations that a timing should consist of, so that it is neither short nor long
# Changes of the weights in a timing, of single cases in one network enough to make what a call of
# `train_online` does once, such as laying out the weights, not count.
ALONE, SEVERAL, AT_MOST = 400, 20, 2000
END = 10  # exponents are fitted where the size is within this factor of the smallest or the largest

# Size -> what to run, and how many changes of the weights that is.
Timed = tuple[Callable[[], object], int]


def sizes(largest: int) -> list[int]:
    """Powers of two."""
    return [2**i for i in range(largest.bit_length())]


def changes(network: Network, times: int = 1) -> int:
    """Choose how many changes of the weights to time."""
    at_least = max(SEVERAL, ALONE // times)
    return int(np.clip(ARITHMETIC / (work.operations(network) * times), at_least, AT_MOST))


def online(network: Network, *, batch: int = 1, replicas: int = 0, fast: bool = False) -> Timed:
    """Train on random cases, a few at a time; with replicas, so many networks at once."""
    rng = np.random.default_rng(0)
    steps = changes(network, max(replicas, 1) * batch)
    x = rng.uniform(-1, 1, (steps * batch, network.n_in)).astype(np.float32)
    d = rng.uniform(-1, 1, (steps * batch, network.n_out)).astype(np.float32)
    w = network.init_replicas(uniform_fan_in(2.4), seeds=range(replicas or 1), dtype=np.float32)
    run = partial(
        train_online,
        network,
        w if replicas else w[0],
        x,
        d,
        optimiser=STEP,
        passes=1,
        batch=batch,
        compiled=fast,
    )
    return run, steps


def curve(what: str, runs: Mapping[str, Mapping[int, Timed]], repeats: int) -> dict[str, Any]:
    """Time all sizes of all ways in turn, and fit both ends of each curve."""
    functions = {(way, size): run for way, each in runs.items() for size, (run, _) in each.items()}
    for function in functions.values():
        function()
    measured = in_turn(functions, repeats)
    ways = {}
    for way, each in runs.items():
        seconds = {
            size: rounded(min(seconds for seconds, _ in measured[way, size]) / steps)
            for size, (_, steps) in each.items()
        }
        ways[way] = {"sizes": list(seconds), "seconds": list(seconds.values()), **ends(seconds)}
    return {"what": what, "ways": ways}


def ends(seconds: Mapping[int, float]) -> dict[str, Any]:
    """Fit the exponents among the smallest and among the largest sizes."""
    smallest, largest = min(seconds), max(seconds)
    small = {size: value for size, value in seconds.items() if size <= smallest * END}
    large = {size: value for size, value in seconds.items() if size >= largest / END}
    return {
        name: exponent(list(part), list(part.values()))
        for name, part in (("small", small), ("large", large))
    }


def deep(depth: int) -> Network:
    """Build a chain of thin layers."""
    return dense([THIN] * (depth + 1))


def wide(width: int) -> Network:
    """Build two wide layers."""
    return dense([width] * 3)


def growth(settings: Settings) -> dict[str, Any]:
    """Measure all curves."""
    network, largest = zip_codes.network(), settings.largest
    few = sizes(max(largest // 16, END))  # of what is large itself
    both = {"readable": False, "compiled": True}

    def ways(build: Callable[[int], Network], over: list[int]) -> dict[str, dict[int, Timed]]:
        return {
            way: {size: online(build(size), fast=fast) for size in over}
            for way, fast in both.items()
        }

    return {
        "depth": curve("layers of 32 units", ways(deep, few), settings.repeats),
        "width": curve("units in each of two layers", ways(wide, sizes(largest)), settings.repeats),
        "batch": curve(
            "cases in a step of the 1989 network",
            {"readable": {size: online(network, batch=size) for size in sizes(largest)}},
            settings.repeats,
        ),
        "replicas": curve(
            "networks of 1989 side by side",
            {
                way: {size: online(network, replicas=size, fast=fast) for size in few}
                for way, fast in both.items()
            },
            settings.repeats,
        ),
    }
