"""How large the gradient is in each layer of a deep network before any training.

Networks of 50 units a layer, without biases, of three kinds of unit, four ranges of initial weights
and seven depths; every combination is measured. A random signal enters at the top, as if from a
loss, and delta is followed down. The same for a net in time: one layer, applied again and again
with the same weights, left to itself.

Beside each measurement stands a prediction that uses nothing of the network but the kind of unit,
the range of the weights and the size of the inputs: the product, layer after layer, of weight
size and slope (`predicted_delta`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from backprop.activations import LOGISTIC, RELU, TANH, Activation, Array
from backprop.initialisers import uniform
from backprop.layers import Dense
from backprop.layers.base import Cache, UnitLayer
from backprop.network import Network
from backprop.recurrent import Recurrent

BLOCK = 1
uses_zip_codes = False

UNITS = {"logistic": LOGISTIC, "tanh": TANH, "relu": RELU}
RANGES = ("0.3", "0.6", "root", "fan-in")
CLAIMED = 20  # the depth that the claims are about


@dataclass(frozen=True)
class Config:
    """Settings of a measurement.

    Parameters
    ----------
    shared : bool
        One layer applied ``depth`` times (a net in time) instead of ``depth`` layers.
    depths : tuple of int
        Numbers of layers, or of time steps; each is a network of its own.
    width, cases : int
        Units in a layer, which are also the inputs; cases over which sizes are averaged.
    """

    shared: bool = False
    depths: tuple[int, ...] = (2, 3, 5, 10, 20, 30, 50)
    width: int = 50
    cases: int = 32

    @classmethod
    def paper(cls) -> Config:
        """Return the measurement of layers (no paper has it)."""
        return cls()

    @classmethod
    def fast(cls) -> Config:
        """Return a small measurement for tests."""
        return cls(depths=(2, 20), cases=4)


PRESETS = {"layers": Config.paper(), "time": Config(shared=True), "fast": Config.fast()}


def half_width(name: str, unit: str, fan_in: int) -> float:
    """Give the half-width of a range of initial weights.

    Parameters
    ----------
    name : str
        One of `RANGES`: "0.3" (1986) and "0.6" are what they say; "root" has a variance of
        ``1 / F``, for ReLU ``2 / F``; "fan-in" is ``2.4 / F`` (1989).
    unit : str
        Key of `UNITS`.
    fan_in : int
        Number of inputs ``F``.

    Returns
    -------
    float
        Weights lie between minus and plus this.
    """
    if name == "root":
        return math.sqrt((6 if unit == "relu" else 3) / fan_in)
    return 2.4 / fan_in if name == "fan-in" else float(name)


def delta_sizes(
    layers: Sequence[UnitLayer],
    parameters: Sequence[list[Array]],
    caches: Sequence[Cache],
    signal: Array,
) -> Array:
    """Follow delta from the top to the bottom and measure its size in each layer.

    Parameters
    ----------
    layers : sequence of UnitLayer
        From the bottom to the top; for a net in time the same one again and again.
    parameters, caches : sequences
        Of each layer, from the forward pass.
    signal : array, shape (..., n, units)
        ``dE/dy`` at the top.

    Returns
    -------
    array, shape (layers, ...)
        Root mean square of delta over units and cases, bottom layer first.
    """
    sizes = []
    for layer, own, cache in reversed(list(zip(layers, parameters, caches, strict=True))):
        delta = layer.activation.slope(cache[1]) * signal
        sizes.append(np.sqrt((delta**2).mean(axis=(-2, -1))))
        signal = cast(Array, layer.backward(own, cache, signal)[0])
    return np.array(sizes[::-1])


def gaussian_mean(function: Callable[[Array], Array], variance: float) -> float:
    """Average a function over a Gaussian of mean zero.

    By the midpoint rule on 20,000 pieces of plus and minus ten standard deviations: to many digits
    for smooth functions, also for slopes that are far steeper than the Gaussian is wide (where
    the nodes of Gauss and Hermite lie too far apart), and exact for a corner at zero.

    Parameters
    ----------
    function : callable
        Elementwise.
    variance : float
        Of the Gaussian.

    Returns
    -------
    float
        The mean.
    """
    z = 10 * (np.arange(-10_000, 10_000) + 0.5) / 10_000
    density = np.exp(-z * z / 2)
    return float((density * function(math.sqrt(variance) * z)).sum() / density.sum())


def spread_above(spread: float, activation: Activation, fan_in: int, variance: float) -> float:
    """Predict the variance of the total inputs of a layer (eq-deep-spread of the book).

    Parameters
    ----------
    spread : float
        That of the layer below.
    activation : Activation
        Of the units below.
    fan_in : int
        Number of inputs of a unit.
    variance : float
        Of the weights, whose mean is zero.

    Returns
    -------
    float
        In the layer above.
    """
    return fan_in * variance * gaussian_mean(lambda net: activation.value(net) ** 2, spread)


def layer_factor(spread: float, activation: Activation, units: int, variance: float) -> float:
    """Predict by what a layer multiplies delta on its way down (eq-deep-factor of the book).

    Parameters
    ----------
    spread : float
        Variance of the total inputs in the lower layer.
    activation : Activation
        Of its units.
    units : int
        Units of the upper layer, that each unit of the lower one feeds.
    variance : float
        Of the weights between them.

    Returns
    -------
    float
        Size in the lower layer over size in the upper one (root mean squares).
    """
    square = gaussian_mean(lambda net: activation.slope(activation.value(net)) ** 2, spread)
    return math.sqrt(units * variance * square)


def predicted_delta(
    activation: Activation, variance: float, depth: int, *, width: int, inputs: float
) -> Array:
    """Predict the size of delta in each layer, a product (eq-deep-product of the book).

    Parameters
    ----------
    activation : Activation
        Of all units.
    variance : float
        Of all weights.
    depth : int
        Number of layers.
    width : int
        Units in each layer, and inputs.
    inputs : float
        Mean square of the inputs.

    Returns
    -------
    array, shape (depth,)
        Bottom layer first; that of the top layer is 1.
    """
    spread = width * variance * inputs
    factors = [1.0]
    for _ in range(depth - 1):
        factors.append(layer_factor(spread, activation, width, variance))
        spread = spread_above(spread, activation, width, variance)
    return np.cumprod([1.0, *factors[:0:-1]])[::-1]


@dataclass(frozen=True)
class Measured:
    """One network before training, measured.

    Parameters
    ----------
    delta : array, shape (depth,)
        Root mean square of delta in each layer, bottom first.
    outputs : list of arrays, shape (cases, width)
        Outputs of each layer.
    weights : list of arrays, shape (width, width)
        Weights of each layer; in time ``depth`` times the same array.
    """

    delta: Array
    outputs: list[Array]
    weights: list[Array]


def measure(
    config: Config, activation: Activation, width_of_weights: float, depth: int, *, seed: int
) -> Measured:
    """Draw weights, inputs and a signal at the top, and follow the signal down.

    Parameters
    ----------
    config : Config
        Settings.
    activation : Activation
        Of all units.
    width_of_weights : float
        Weights lie between minus and plus this.
    depth : int
        Number of layers or time steps.
    seed : int
        Seed; together with `depth` it gives all random numbers.

    Returns
    -------
    Measured
        Sizes of delta, outputs and weights.
    """
    rng = np.random.default_rng([seed, depth])
    layer = Dense(config.width, config.width, activation, bias=False)
    copies = 1 if config.shared else depth
    weights = [uniform(width_of_weights)(layer.parts[0], rng=rng) for _ in range(copies)]
    x = rng.uniform(-1, 1, (config.cases, config.width))
    signal = rng.standard_normal(x.shape)
    if config.shared:
        caches = Recurrent(layer, depth).forward(weights, x)[1]
        weights *= depth
    else:
        w = np.concatenate([each.ravel() for each in weights])
        caches = Network((layer,) * depth).forward(w, x)[1]
    sizes = delta_sizes([layer] * depth, [[w] for w in weights], caches, signal)
    return Measured(sizes, [y for _, y in caches], weights)


INPUT_SQUARE = 1 / 3  # mean square of inputs drawn evenly from -1 to 1


def predictions(config: Config) -> dict[str, list[float]]:
    """Predict how much of delta is left at the bottom, for every combination.

    Parameters
    ----------
    config : Config
        Settings.

    Returns
    -------
    dict of str to list of float
        "unit range" -> for each depth the decimal logarithm of size at the bottom over size at
        the top.
    """
    result = {}
    for unit, activation in UNITS.items():
        for name in RANGES:
            size = half_width(name, unit, config.width)
            deep = predicted_delta(
                activation, size**2 / 3, max(config.depths), width=config.width, inputs=INPUT_SQUARE
            )
            # The factors do not depend on the layers above: a shallower one has the first of them.
            result[f"{unit} {name}"] = [
                math.log10(deep[0] / deep[depth - 1]) for depth in config.depths
            ]
    return result


def run(config: Config, *, seed: int) -> dict[str, Any]:
    """Measure every combination of unit, range and depth.

    Parameters
    ----------
    config : Config
        Settings.
    seed : int
        Seed of weights, inputs and signal.

    Returns
    -------
    dict
        ``left``: "unit range" -> for each depth the decimal logarithm of the size of delta at
        the bottom over that at the top (None if nothing is left); ``outputs``: likewise the root
        mean square of the outputs at the top; ``off``: the largest distance of ``left`` from its
        prediction, ``off_at`` where that is; ``predicted``: whether it is at most 1, a factor of
        ten; and at a depth of 20 ``logistic_vanishes``, ``large_tanh_explodes`` and
        ``scaled_tanh_survives``.
    """
    left: dict[str, list[float | None]] = {}
    outputs: dict[str, list[float]] = {}
    for unit, activation in UNITS.items():
        for name in RANGES:
            size = half_width(name, unit, config.width)
            nets = [measure(config, activation, size, each, seed=seed) for each in config.depths]
            left[f"{unit} {name}"] = [_logarithm(net.delta[0], net.delta[-1]) for net in nets]
            outputs[f"{unit} {name}"] = [
                float(f"{np.sqrt((net.outputs[-1] ** 2).mean()):.4g}") for net in nets
            ]
    off = {
        f"{name}, depth {depth}": math.inf if ours is None else abs(ours - expected)
        for name, row in predictions(config).items()
        for depth, ours, expected in zip(config.depths, left[name], row, strict=True)
    }
    worst = max(off, key=lambda key: off[key])
    at = config.depths.index(CLAIMED)
    logistic, large, scaled = (
        -math.inf if (value := left[name][at]) is None else value
        for name in ("logistic 0.3", "tanh 0.6", "tanh root")
    )
    return {
        "left": left,
        "outputs": outputs,
        "off": round(off[worst], 4) if math.isfinite(off[worst]) else None,
        "off_at": worst,
        "predicted": off[worst] <= 1,
        "logistic_vanishes": logistic < -6,
        "large_tanh_explodes": large > 1,
        "scaled_tanh_survives": abs(scaled) < 1,
    }


def _logarithm(bottom: float, top: float) -> float | None:
    return round(math.log10(bottom / top), 4) if bottom > 0 and top > 0 else None


def runs(config: Config, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Measure once for each seed; see `run`."""
    return {seed: run(config, seed=seed) for seed in seeds}


FACTS: dict[str, Callable[[], float]] = {}
