"""Losses: how far the outputs are from what was desired.

``y`` has shape ``(..., n, k)``: leading axes are replicas, then ``n`` cases and
``k`` outputs. ``d`` is the desired output, ``(n, k)``. A loss sums over the last
two axes, so that each replica has its own value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from backprop.activations import Array


@dataclass(frozen=True)
class Loss:
    """A loss ``E`` with its first and second derivative by the outputs.

    Parameters
    ----------
    name : str
        Name for messages and records.
    value : callable
        ``(y, d)`` -> ``E``, shape ``(...,)``.
    slope : callable
        ``(y, d)`` -> ``dE/dy``, shape of ``y``.
    curvature : callable
        ``(y, d)`` -> ``d2E/dy2``, shape of ``y``: where the second-order pass starts.
    """

    name: str
    value: Callable[[Array, Array], Array]
    slope: Callable[[Array, Array], Array]
    curvature: Callable[[Array, Array], Array]


def _over_cases(values: Array) -> Array:
    return values.sum(axis=(-2, -1))


def _size(y: Array) -> int:
    return y.shape[-2] * y.shape[-1]


def margin(low: float = 0.2, high: float = 0.8) -> Loss:
    """Half the squared distance to a margin, zero beyond it.

    An output that should be on costs nothing above `high`; one that should be off
    costs nothing below `low` (Rumelhart et al. 1986, caption of Fig. 4).

    Parameters
    ----------
    low, high : float
        The margins for desired values below and above one half.

    Returns
    -------
    Loss
        Continuous with a continuous slope. Its curvature is one outside the zero zone.
    """

    def distance(y: Array, d: Array) -> Array:
        return np.where(d > 0.5, np.minimum(y - high, 0), np.maximum(y - low, 0))

    return Loss(
        f"half summed squares beyond {low:g}/{high:g}",
        lambda y, d: 0.5 * _over_cases(distance(y, d) ** 2),
        distance,
        lambda y, d: (distance(y, d) != 0).astype(y.dtype),
    )


def _inside(y: Array) -> Array:
    # Logarithms and quotients need outputs strictly between 0 and 1.
    edge = np.finfo(y.dtype).eps
    return np.clip(y, edge, 1 - edge)


def _cross_entropy(y: Array, d: Array) -> Array:
    p = _inside(y)
    return -_over_cases(d * np.log(p) + (1 - d) * np.log(1 - p))


def _cross_entropy_slope(y: Array, d: Array) -> Array:
    p = _inside(y)
    return (p - d) / (p * (1 - p))


def _cross_entropy_curvature(y: Array, d: Array) -> Array:
    p = _inside(y)
    return d / p**2 + (1 - d) / (1 - p) ** 2


HALF_SUMMED_SQUARES = Loss(
    "half summed squares",  # Eq. 3 of Rumelhart et al. 1986; its slope is Eq. 4.
    lambda y, d: 0.5 * _over_cases((y - d) ** 2),
    lambda y, d: y - d,
    lambda y, d: np.ones_like(y),
)
MEAN_SQUARES = Loss(
    "mean squares",  # Averaged over patterns and output units (LeCun et al. 1989).
    lambda y, d: _over_cases((y - d) ** 2) / _size(y),
    lambda y, d: 2 * (y - d) / _size(y),
    lambda y, d: np.full_like(y, 2 / _size(y)),
)
CROSS_ENTROPY = Loss(
    "cross-entropy", _cross_entropy, _cross_entropy_slope, _cross_entropy_curvature
)

ALL: tuple[Loss, ...] = (HALF_SUMMED_SQUARES, MEAN_SQUARES, margin(), CROSS_ENTROPY)
