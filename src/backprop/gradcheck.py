"""Gradient checks: whether the backward pass is the derivative of the forward pass.

Derivatives can be measured by moving each variable a little (one-sided and central differences),
or by moving it in the imaginary direction (the complex step). In `check_network` the loss is
replaced by ``sum(c * y)`` with a random cotangent ``c``, so that every output counts. Each
parameter array and the inputs are checked apart: an error in a small array (a bias) must not hide
behind a large one.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any, NamedTuple

import numpy as np

from backprop import tape
from backprop.activations import Array
from backprop.network import Network


def central_differences(f: Callable[[Array], float], at: Array, *, step: float = 1e-5) -> Array:
    """Estimate a gradient from two values of `f` for each variable (eq-diff-central of the book).

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


def one_sided_differences(f: Callable[[Array], float], at: Array, *, step: float = 1e-8) -> Array:
    """Estimate a gradient from one more value of `f` each (eq-diff-one-sided of the book).

    Parameters
    ----------
    f, at
        As for `central_differences`.
    step : float
        Distance between the two points.

    Returns
    -------
    array, shape of `at`
        ``(f(at + step e_i) - f(at)) / step`` for every entry ``i``.
    """
    gradient = np.empty_like(at)
    here, moved = f(at), at.copy()
    for i in np.ndindex(at.shape):
        moved[i] = at[i] + step
        gradient[i] = (f(moved) - here) / step
        moved[i] = at[i]
    return gradient


def complex_step(f: Callable[[Any], Any], at: Array, *, step: float = 1e-200) -> Array:
    """Compute a gradient from one complex value of `f` each (eq-diff-complex of the book).

    Nothing is subtracted, so the step can be so small that no error is left but rounding. `f` must
    be an analytic function: no absolute value, no conjugate, no real part.

    Parameters
    ----------
    f : callable
        Complex array -> complex number; for a real array a real one.
    at : array
        Where the gradient is wanted, float64; any shape.
    step : float
        Size of the imaginary part.

    Returns
    -------
    array, shape of `at`
        ``Im f(at + 1j step e_i) / step`` for every entry ``i``.
    """
    gradient = np.empty_like(at)
    moved = at.astype(complex)
    for i in np.ndindex(at.shape):
        moved[i] = complex(at[i], step)
        gradient[i] = f(moved).imag / step
        moved[i] = at[i]
    return gradient


def best_step(truncation: float, rounding: float, order: int) -> float:
    """Compute where the error of a difference is smallest (eq-diff-best-step of the book).

    Parameters
    ----------
    truncation : float
        ``C``: with step ``h`` the formula itself is wrong by ``C h**order``.
    rounding : float
        ``R``: the values that are subtracted are wrong by about ``R``, which makes ``R / h``.
    order : int
        1 for one-sided differences, 2 for central ones.

    Returns
    -------
    float
        The step at which ``C h**order + R / h`` is smallest.
    """
    return float((rounding / (order * truncation)) ** (1 / (order + 1)))


def as_decimals(array: Array) -> Any:
    """Turn every number into a decimal, without rounding.

    Parameters
    ----------
    array : array
        Floats.

    Returns
    -------
    array of decimal.Decimal
        Of the same shape. Operations between them round to as many digits as Python's context
        for decimals says; `np.exp` and `np.log` work on them, `np.tanh` does not.
    """
    return np.vectorize(Decimal, otypes=[object])(array)


class Derivatives(NamedTuple):
    """Value and derivatives of a function along each variable, as arrays of decimals."""

    value: Any
    first: Any
    second: Any
    third: Any


def in_many_digits(
    f: Callable[..., Any], at: Array, *others: Array, digits: int = 50
) -> Derivatives:
    """Compute derivatives with so many digits that rounding does not matter.

    The first comes from the tape, the others from differences of a step that is far smaller than
    floats allow.

    Parameters
    ----------
    f : callable
        Arrays -> number. It runs on decimals, so whatever else enters must be a whole number.
    at : array
        Where the derivatives are wanted.
    *others : array
        Further arguments of `f`.
    digits : int
        Digits of every operation.

    Returns
    -------
    Derivatives
        ``df/dx_i``, ``d2f/dx_i2``, ``d3f/dx_i3`` for every entry ``i``.
    """
    with localcontext(prec=digits):
        x, *rest = (as_decimals(array) for array in (at, *others))
        here, step = f(x, *rest), Decimal(10) ** -(digits // 5)
        second, third = np.empty_like(x), np.empty_like(x)
        for i in np.ndindex(x.shape):
            moved = x.copy()
            around = {}
            for k in (-2, -1, 1, 2):
                moved[i] = x[i] + k * step
                around[k] = f(moved, *rest)
            second[i] = (around[1] - 2 * here + around[-1]) / step**2
            third[i] = (around[2] - 2 * around[1] + 2 * around[-1] - around[-2]) / (2 * step**3)
        return Derivatives(here, tape.gradient(lambda v: f(v, *rest), x)[0], second, third)


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
