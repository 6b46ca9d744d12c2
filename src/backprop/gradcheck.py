"""Gradient checks: whether the backward pass is the derivative of the forward pass.

The loss is replaced by ``sum(c * y)`` with a random cotangent ``c``, so that every
output counts. Each parameter array and the inputs are checked apart: an error in a
small array (a bias) must not hide behind a large one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backprop.activations import Array
from backprop.network import Network


def central_differences(f: Callable[[Array], float], at: Array, *, step: float = 1e-5) -> Array:
    """Estimate a gradient from two values of `f` for each variable.

    Parameters
    ----------
    f : callable
        Array -> number.
    at : array
        Where the gradient is wanted, float64; any shape.
    step : float
        Half the distance between the two points.

    Returns
    -------
    array, shape of `at`
        ``(f(at + step e_i) - f(at - step e_i)) / (2 step)`` for every entry ``i``.
    """
    gradient = np.empty_like(at)
    moved = at.copy()
    for i in np.ndindex(at.shape):
        moved[i] = at[i] + step
        above = f(moved)
        moved[i] = at[i] - step
        gradient[i] = (above - f(moved)) / (2 * step)
        moved[i] = at[i]
    return gradient


def relative_error(a: Array, b: Array) -> float:
    """Distance between two arrays over the sum of their lengths (0 if both are zero).

    Parameters
    ----------
    a, b : array
        Arrays of the same shape.

    Returns
    -------
    float
        Between 0 (equal) and 1 (opposite).
    """
    scale = float(np.linalg.norm(a) + np.linalg.norm(b))
    return float(np.linalg.norm(a - b)) / scale if scale else 0.0


def check_network(
    network: Network, w: Array, x: Array, *, rng: np.random.Generator, step: float = 1e-5
) -> dict[str, float]:
    """Compare `Network.backward` with central differences, array by array.

    Parameters
    ----------
    network : Network
        What is checked.
    w : array, shape (P,)
        Parameters, float64.
    x : array, shape (n, n_in)
        Inputs, float64.
    rng : numpy.random.Generator
        Draws the cotangent.
    step : float
        Of the central differences.

    Returns
    -------
    dict of str to float
        Relative error of each array: "layer 1 w", "layer 1 b", ..., "inputs". A second array
        of the same name in one layer is "layer 1 w'".
    """
    y, caches = network.forward(w, x)
    cotangent = rng.standard_normal(y.shape)

    def total(w: Array, x: Array) -> float:
        return float((cotangent * network.forward(w, x)[0]).sum())

    exact = network.unpack(network.backward(w, caches, cotangent))
    measured = network.unpack(central_differences(lambda v: total(v, x), w, step=step))
    errors: dict[str, float] = {}
    for number, layer in enumerate(network.layers):
        for part, a, b in zip(layer.parts, exact[number], measured[number], strict=True):
            name = f"layer {number + 1} {part.name}"
            while name in errors:
                name += "'"
            errors[name] = relative_error(a, b)
    by_input = network.input_gradient(w, caches, cotangent)
    errors["inputs"] = relative_error(
        by_input, central_differences(lambda v: total(w, v), x, step=step)
    )
    return errors
