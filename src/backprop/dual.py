"""Forward mode: dual numbers, which carry a derivative along with every value.

A dual number is ``a + b ε`` with ``ε² = 0``. Whatever is computed with it, the factor of ε in the
result is the derivative in the direction ``b``. One run of a program gives one direction: the
gradient by ``P`` weights takes ``P`` runs (`backprop.tape` takes one run and one pass back).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from backprop.activations import Array
from backprop.tape import COMPARISONS, MATMUL_FORWARD, Value, Var, rules_of, stretched


class Dual(Value):
    """A value and its derivative in one direction.

    Parameters
    ----------
    value : array
        The value, ``a`` of ``a + b ε``.
    tangent : array, shape of the value
        Its derivative, ``b``.
    """

    def __init__(self, value: Any, tangent: Any) -> None:
        self.value, self.tangent = value, tangent

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Compute an operation with its derivative; NumPy calls this for +, @, np.tanh, ..."""
        if any(isinstance(x, Var) for x in inputs):
            return NotImplemented  # a tape may hold dual numbers
        values = [x.value if isinstance(x, Dual) else x for x in inputs]
        if ufunc in COMPARISONS:
            return ufunc(*values)
        rules = rules_of(MATMUL_FORWARD, ufunc, method, *inputs, **options)
        y = ufunc(*values)
        parts = [
            rule(x.tangent, y, *values)
            for x, rule in zip(inputs, rules, strict=True)
            if isinstance(x, Dual)
        ]
        tangent = parts[0] if len(parts) == 1 else parts[0] + parts[1]
        return Dual(y, stretched(tangent, y.shape))

    def _both(self, step: Callable[[Any], Any]) -> Dual:
        return Dual(step(self.value), step(self.tangent))

    def sum(self, axis: Any = None, keepdims: bool = False) -> Dual:
        """Add up over axes."""
        return self._both(lambda part: part.sum(axis=axis, keepdims=keepdims))

    def reshape(self, *shape: Any) -> Dual:
        """Give it another shape."""
        return self._both(lambda part: part.reshape(*shape))

    def swapaxes(self, a: int, b: int) -> Dual:
        """Swap two axes."""
        return self._both(lambda part: part.swapaxes(a, b))

    def __getitem__(self, index: Any) -> Dual:
        """Take entries."""
        return self._both(lambda part: part[index])


def derivative(f: Callable[[Any], Any], at: Array, direction: Array) -> Any:
    """Compute how a function changes in one direction: one run (eq-tape-forward of the book).

    Parameters
    ----------
    f : callable
        Array -> number or array.
    at : array
        Where the derivative is wanted.
    direction : array, shape of `at`
        In which direction.

    Returns
    -------
    number or array, shape of the result of `f`
        ``d/dt f(at + t direction)`` at ``t = 0``.
    """
    y = f(Dual(at, direction))
    return y.tangent if isinstance(y, Dual) else np.zeros(np.shape(y))


def jacobian(f: Callable[[Any], Any], at: Array) -> Array:
    """Compute all derivatives of all outputs: one run of `f` for each input.

    Parameters
    ----------
    f : callable
        Array -> number or array.
    at : array
        Where the derivatives are wanted.

    Returns
    -------
    array, shape (*output, *at)
        ``J[i, j]``, the derivative of output ``i`` by input ``j``.
    """
    columns = []
    for i in np.ndindex(at.shape):
        one_hot = np.zeros_like(at)
        one_hot[i] = 1
        columns.append(derivative(f, at, one_hot))
    stacked = np.stack(columns, axis=-1)
    return stacked.reshape(stacked.shape[:-1] + at.shape)


def gradient(f: Callable[[Any], Any], at: Array) -> Array:
    """Compute the gradient of a number: one run of `f` for each variable.

    Parameters
    ----------
    f : callable
        Array -> number.
    at : array
        Where the gradient is wanted.

    Returns
    -------
    array, shape of `at`
        The derivative by every entry.
    """
    return jacobian(f, at)
