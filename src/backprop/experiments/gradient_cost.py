"""What a gradient costs, counted in multiplications and timed, in units of the loss alone.

Networks of growing width. Backpropagation needs one backward pass whatever the number of weights;
central differences need two losses for each weight, forward mode one run on dual numbers.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from backprop import dual, minima
from backprop.activations import Array
from backprop.counting import Count, multiplications
from backprop.gradcheck import central_differences
from backprop.initialisers import uniform
from backprop.layers import Dense
from backprop.losses import HALF_SUMMED_SQUARES
from backprop.network import Network

BLOCK = 1
uses_zip_codes = False


@dataclass(frozen=True)
class Config:
    """Settings of a measurement with a fixed number of inputs and outputs.

    Parameters
    ----------
    widths : tuple of int
        Widths of the hidden layer.
    size : int
        Number of inputs, of outputs and of cases.
    repeats : int
        The shortest of so many times counts.
    slow_up_to : int
        Central differences and forward mode are measured up to this many weights.
    """

    widths: tuple[int, ...] = (2, 8, 30, 100, 300, 1000, 2000)
    size: int = 64
    repeats: int = 30
    slow_up_to: int = 5000

    # As in `Square`, but no settings here.
    square = False
    slow_repeats = 1
    seconds = math.inf

    @classmethod
    def paper(cls) -> Config:
        """Return the first measurement (no paper has one)."""
        return cls()

    @classmethod
    def fast(cls) -> Config:
        """Return a short measurement for tests."""
        return cls(widths=(1, 4), size=8, repeats=2)


@dataclass(frozen=True)
class Square(Config):
    """Settings of a measurement in which inputs, hidden units and outputs are equally many.

    Parameters
    ----------
    widths : tuple of int
        Number of inputs, of hidden units and of outputs; ``m`` of each make ``2 m (m + 1)``
        weights and biases.
    size : int
        Number of cases. The more there are, the less it matters that every call of NumPy takes
        about a microsecond, however small its arrays.
    repeats, slow_up_to
        As for `Config`.
    square : bool
        Always true.
    slow_repeats : int
        As `repeats`, for central differences and forward mode.
    seconds : float
        No measurement is repeated after so much time.
    """

    widths: tuple[int, ...] = (7, 12, 22, 39, 70, 124, 223, 397, 706, 1256, 2235)
    size: int = 256
    repeats: int = 300
    slow_up_to: int = 10_000
    square: bool = True
    slow_repeats: int = 5
    seconds: float = 2.0


PRESETS = {
    "one-hidden-layer": Config.paper(),
    "hundred-to-ten-million": Square(),
    # The same with fewer cases, where calls matter more.
    "cases-8": Square(widths=Square.widths[:8], size=8),
    "cases-64": Square(widths=Square.widths[:8], size=64),
    "fast": Config.fast(),
}


def shortest_times(
    functions: Sequence[Callable[..., object]],
    *arguments: object,
    repeats: int,
    seconds: float = math.inf,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Call functions in turn, several times, and return the shortest time of each.

    In turn, so that a slow moment of the machine does not fall on one of them alone.

    Parameters
    ----------
    functions : sequence of callable
        What is timed.
    *arguments : object
        Arguments, the same for all.
    repeats : int
        Number of rounds.
    seconds : float
        No round begins after so much time.
    clock : callable
        Gives the seconds: of the clock on the wall or, with `time.process_time`, those that the
        processor spent on this process and on no other.

    Returns
    -------
    list of float
        Seconds; the shortest, since other work on the machine only ever adds.
    """
    shortest = [math.inf] * len(functions)
    began = clock()
    for _ in range(repeats):
        for i, function in enumerate(functions):
            start = clock()
            function(*arguments)
            shortest[i] = min(shortest[i], clock() - start)
        if clock() - began > seconds:
            break
    return shortest


def shortest_time(function: Callable[..., object], *arguments: object, repeats: int) -> float:
    """Call one function several times and return the shortest time in seconds.

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
        Seconds.
    """
    return shortest_times([function], *arguments, repeats=repeats)[0]


def loss(w: Array, network: Network, x: Array, d: Array) -> float:
    """Compute the loss from a forward pass."""
    return float(HALF_SUMMED_SQUARES.value(network.forward(w, x)[0], d))


def gradient(w: Array, network: Network, x: Array, d: Array) -> Array:
    """Compute all derivatives by backpropagation."""
    return minima.gradient(network, w, x, d)


def differences(w: Array, network: Network, x: Array, d: Array) -> Array:
    """Compute all derivatives by moving each weight."""
    return central_differences(lambda v: loss(v, network, x, d), w)


def forward_mode(w: Array, network: Network, x: Array, d: Array) -> Array:
    """Compute all derivatives by running the loss on dual numbers, once for each weight."""
    return dual.gradient(lambda v: HALF_SUMMED_SQUARES.value(network.forward(v, x)[0], d), w)


def exponent(weights: Sequence[int], costs: Sequence[float]) -> float | None:
    """Fit the power of the number of weights with which a cost grows.

    Parameters
    ----------
    weights : sequence of int
        Numbers of weights.
    costs : sequence of float
        What each costs.

    Returns
    -------
    float or None
        Slope of the straight line through the logarithms, by least squares; None if there is
        only one point.
    """
    if len(costs) < 2:
        return None
    return float(np.polyfit(np.log(weights), np.log(costs), 1)[0])


def run(config: Config, *, seed: int) -> dict[str, Any]:
    """Measure once, on one core, in seconds that the processor spent on it.

    Parameters
    ----------
    config : Config
        Settings.
    seed : int
        Seed of weights and inputs.

    Returns
    -------
    dict
        ``weights`` (their number), ``backward``, ``differences`` and ``forward``: time of the
        gradient over time of the loss, for each width; the last two None where they were not
        measured. ``exponent_<way>``: the power of the number of weights with which it grows.
        ``within_five``: no gradient by backpropagation took longer than five losses. ``flat``:
        its exponent lies within 0.1 of 0. ``differences_linear``, ``forward_linear``: theirs
        lies within 0.1 of 1.
    """
    from threadpoolctl import threadpool_limits  # only needed here

    rng = np.random.default_rng(seed)
    measured: dict[str, list[Any]] = {"weights": [], "backward": []}
    measured |= {"differences": [], "forward": []}
    with threadpool_limits(1):
        for width in config.widths:
            for name, value in _costs(config, width, rng).items():
                measured[name].append(value)
    result: dict[str, Any] = dict(measured)
    for way, expected, name in (
        ("backward", 0, "flat"),
        ("differences", 1, "differences_linear"),
        ("forward", 1, "forward_linear"),
    ):
        costs = [cost for cost in measured[way] if cost is not None]
        power = exponent(measured["weights"][: len(costs)], costs)
        result[f"exponent_{way}"] = power if power is None else round(power, 4)
        result[name] = power if power is None else abs(power - expected) <= 0.1
    return result | {"within_five": max(measured["backward"]) <= 5}


def _costs(config: Config, width: int, rng: np.random.Generator) -> dict[str, Any]:
    """Measure one width: the number of weights, and each way in units of the loss."""
    ends = width if config.square else config.size
    network = Network((Dense(ends, width), Dense(width, ends)))
    w = network.init(uniform(0.1), rng=rng)
    case = w, network, rng.uniform(size=(config.size, ends)), np.zeros((config.size, ends))
    limits: dict[str, Any] = {"seconds": config.seconds, "clock": time.process_time}
    unit, backward = shortest_times((loss, gradient), *case, repeats=config.repeats, **limits)
    costs: dict[str, Any] = {"weights": network.n_params, "backward": round(backward / unit, 3)}
    for name, way in (("differences", differences), ("forward", forward_mode)):
        costs[name] = None
        if network.n_params <= config.slow_up_to:
            (taken,) = shortest_times((way,), *case, repeats=config.slow_repeats, **limits)
            costs[name] = round(taken / unit, 1)
    return costs


def runs(config: Config, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Measure once for each seed; see `run`."""
    return {seed: run(config, seed=seed) for seed in seeds}


# Counted, not timed.


def count(network: Network, cases: int, *, seed: int = 0) -> tuple[Count, Count]:
    """Count the multiplications of a loss, and of the loss with its gradient, as they happen.

    Parameters
    ----------
    network : Network
        Any.
    cases : int
        Number of cases.
    seed : int
        Seed of weights and inputs.

    Returns
    -------
    loss, gradient : Count
        From a run on arrays that count.
    """
    rng = np.random.default_rng(seed)
    w, x = network.init(uniform(0.1), rng=rng), rng.uniform(size=(cases, network.n_in))
    d = np.zeros((cases, network.n_out))
    forward, all_of_it = (
        multiplications(lambda v, inputs, f=f: f(v, network, inputs, d), w, x)
        for f in (loss, gradient)
    )
    return forward, all_of_it


def predicted_products(network: Network, cases: int) -> tuple[int, int]:
    """Predict the multiplications in matrix products (eq-efficiency-count of the book).

    Parameters
    ----------
    network : Network
        Fully connected layers.
    cases : int
        Number of cases.

    Returns
    -------
    loss, gradient : int
        Of a forward pass, and of a forward and a backward pass.
    """
    by_layer = [cases * layer.n_in * layer.n_out for layer in network.layers]
    return sum(by_layer), 3 * sum(by_layer) - by_layer[0]


def dense(sizes: Sequence[int]) -> Network:
    """Make a network of fully connected logistic layers from its numbers of units."""
    return Network(tuple(Dense(*pair) for pair in pairwise(sizes)))


def operations_at_most_three() -> float:
    """Tell whether a gradient takes at most three times the multiplications of its loss.

    Counted in chains of single units, in wide layers, and in 100 networks of random depth, widths
    and number of cases: in matrix products alone, and with all other multiplications.

    Returns
    -------
    float
        1 if it holds for all of them by both counts, otherwise 0.
    """
    rng = np.random.default_rng(0)
    sizes = [[1] * (depth + 1) for depth in (1, 2, 10, 40)] + [[300] * 3, [1, 1000, 1], [1000, 1]]
    sizes += [rng.integers(1, 65, size=rng.integers(2, 10)).tolist() for _ in range(100)]
    held = []
    for each in sizes:
        forward, both = count(dense(each), int(rng.integers(1, 21)))
        held.append(both.products <= 3 * forward.products and both.total <= 3 * forward.total)
    return float(all(held))


def days_instead(losses: float, *, gradient: float, days: float) -> float:
    """Convert the time of a training by backpropagation (eq-efficiency-days of the book).

    Parameters
    ----------
    losses : float
        What another way to the gradient costs, in losses.
    gradient : float
        What backpropagation costs, in losses.
    days : float
        How long the training took by backpropagation.

    Returns
    -------
    float
        Days that it would have taken the other way.
    """
    return days * losses / gradient


FACTS: dict[str, Callable[[], float]] = {"operations_at_most_three": operations_at_most_three}
