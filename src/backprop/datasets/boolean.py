"""Small tasks on binary patterns: exclusive or, parity, encoders (the chapter of 1986)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backprop.errors import InputError

Cases = tuple[NDArray[np.float64], NDArray[np.float64]]


def parity(bits: int) -> Cases:
    """List all binary vectors of a length and say which have an odd number of ones.

    Parameters
    ----------
    bits : int
        Length, at least 1. With 2 the task is exclusive or.

    Returns
    -------
    x : array, shape (2**bits, bits)
        The vectors in counting order, 0 or 1, most significant bit first.
    answers : array, shape (2**bits, 1)
        1 where the number of ones is odd, else 0.
    """
    _at_least_one("parity", "bits", bits)
    x = np.arange(2**bits)[:, np.newaxis] >> np.arange(bits)[::-1] & 1
    return x.astype(np.float64), (x.sum(axis=1, keepdims=True) % 2).astype(np.float64)


def xor() -> Cases:
    """List the four cases of exclusive or: ``x (4, 2)`` and answers ``(4, 1)``, in 0 and 1."""
    return parity(2)


def encoder(units: int) -> Cases:
    """List the patterns of an encoder: one unit on, to be given back at the outputs.

    Parameters
    ----------
    units : int
        Number of inputs, of outputs and of cases, at least 1.

    Returns
    -------
    x, answers : array, shape (units, units)
        The same array twice, 1 on the diagonal and 0 elsewhere.
    """
    _at_least_one("encoder", "units", units)
    return np.eye(units), np.eye(units)


def _at_least_one(task: str, name: str, number: int) -> None:
    if number < 1:
        raise InputError(f"{task} was given {name}={number}; expected 1 or more. Correct it.")
