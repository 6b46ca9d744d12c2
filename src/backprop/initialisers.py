"""Initial weights: small, random, and scaled to the fan-in where asked."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from backprop.activations import Array
from backprop.errors import InputError
from backprop.layers.base import Part


class Initialiser(Protocol):
    """Draws the initial values of one parameter array."""

    def __call__(self, part: Part, *, rng: np.random.Generator) -> Array:
        """Return an array of shape ``part.shape``."""


def constant(value: float) -> Initialiser:
    """Give every parameter the same value.

    Parameters
    ----------
    value : float
        The value.

    Returns
    -------
    Initialiser
        Does not use its random generator.
    """
    return lambda part, *, rng: np.full(part.shape, float(value))


def uniform(half_width: float) -> Initialiser:
    """Draw uniformly between ``-half_width`` and ``half_width``.

    Parameters
    ----------
    half_width : float
        0.3 for the symmetry net of Rumelhart et al. 1986.

    Returns
    -------
    Initialiser
        The same range for every unit.

    Raises
    ------
    InputError
        If `half_width` is negative or not finite.
    """
    _check_width(half_width)
    return lambda part, *, rng: rng.uniform(-half_width, half_width, part.shape)


def uniform_fan_in(
    scale: float = 2.4, *, power: float = 1.0, count_bias: bool = True
) -> Initialiser:
    """Draw uniformly between ``-scale / F**power`` and ``scale / F**power``.

    Parameters
    ----------
    scale : float
        2.4 in LeCun et al. 1989.
    power : float
        1 divides by the fan-in ``F``, as printed; 0.5 divides by its root.
    count_bias : bool
        Whether the bias counts as one of the ``F`` connections.

    Returns
    -------
    Initialiser
        A range for each layer, from its fan-in.

    Raises
    ------
    InputError
        If `scale` is negative or not finite.
    """
    _check_width(scale)

    def draw(part: Part, *, rng: np.random.Generator) -> Array:
        half_width = scale / (part.fan_in - (not count_bias)) ** power
        return rng.uniform(-half_width, half_width, part.shape)

    return draw


def _check_width(width: float) -> None:
    if not (math.isfinite(width) and width >= 0):
        raise InputError(
            f"the range of initial weights was given as {width}; expected a finite number, "
            "zero or more. Give such a number."
        )
