"""Losses: how far the outputs are from what was desired.

``y`` has shape ``(..., n, k)``: leading axes are replicas, then ``n`` cases and
``k`` outputs. ``d`` is the desired output, ``(n, k)``. A loss sums over the last
two axes, so that each replica has its own value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from backprop.activations import Array
from backprop.errors import unknown_name


class Margin(NamedTuple):
    """What `margin` was given; for compiled loops."""

    base: Loss
    low: float
    high: float
    aim: str


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
    margin : Margin, optional
        If the loss was made by `margin`, what it was made of.
    """

    name: str
    value: Callable[[Array, Array], Array]
    slope: Callable[[Array, Array], Array]
    curvature: Callable[[Array, Array], Array]
    margin: Margin | None = field(default=None, repr=False)


def _over_cases(values: Array) -> Array:
    return values.sum(axis=(-2, -1))


def _size(y: Array) -> int:
    return y.shape[-2] * y.shape[-1]


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


def softmax(y: Array) -> Array:
    """Turn outputs into probabilities that add up to one.

    Parameters
    ----------
    y : array, shape (..., k)
        Outputs of linear units.

    Returns
    -------
    array, shape (..., k)
        ``exp(y_j) / sum_k exp(y_k)``.
    """
    powers = np.exp(y - y.max(axis=-1, keepdims=True))  # the largest is 1: cannot overflow
    return powers / powers.sum(axis=-1, keepdims=True)


def _log_softmax(y: Array) -> Array:
    y = y - y.max(axis=-1, keepdims=True)
    return y - np.log(np.exp(y).sum(axis=-1, keepdims=True))


#: Half the summed squared error (Eq. 3 of Rumelhart et al. 1986); its slope is ``y - d``
#: (Eq. 4 of Rumelhart et al. 1986).
HALF_SUMMED_SQUARES = Loss(
    "half summed squares",
    lambda y, d: 0.5 * _over_cases((y - d) ** 2),
    lambda y, d: y - d,
    lambda y, d: np.ones_like(y),
)
#: The squared error averaged over patterns and output units (LeCun et al. 1989).
MEAN_SQUARES = Loss(
    "mean squares",
    lambda y, d: _over_cases((y - d) ** 2) / _size(y),
    lambda y, d: 2 * (y - d) / _size(y),
    lambda y, d: np.full_like(y, 2 / _size(y)),
)
#: Cross-entropy of outputs between 0 and 1, each a question of its own.
CROSS_ENTROPY = Loss(
    "cross-entropy", _cross_entropy, _cross_entropy_slope, _cross_entropy_curvature
)
#: Cross-entropy after softmax, for linear outputs and answers that add up to one.
SOFTMAX_CROSS_ENTROPY = Loss(
    "softmax and cross-entropy",
    lambda y, d: -_over_cases(d * _log_softmax(y)),
    lambda y, d: softmax(y) - d,
    # The diagonal only, as everywhere in the second-order pass.
    lambda y, d: softmax(y) * (1 - softmax(y)),
)


def margin(
    low: float = 0.2, high: float = 0.8, *, base: Loss | None = None, aim: str = "margin"
) -> Loss:
    """Make the loss zero where an output is beyond a margin on its right side.

    An output that should be on costs nothing above `high`; one that should be off
    costs nothing below `low` (Rumelhart et al. 1986, caption of Fig. 4).

    Parameters
    ----------
    low, high : float
        The margins for desired values below and above one half.
    base : Loss, optional
        The loss before the margin. Default: half summed squares.
    aim : str
        Where an output short of its margin is drawn to: "margin" (to `low` or `high`; the
        slope is continuous) or "answer" (to the desired value; the slope jumps).

    Returns
    -------
    Loss
        Zero with zero slope and curvature beyond the margin.

    Raises
    ------
    UnknownName
        If `aim` is neither.
    """
    loss = base or HALF_SUMMED_SQUARES
    if aim not in ("margin", "answer"):
        raise unknown_name("aim of a margin", aim, ("margin", "answer"))

    def target(d: Array) -> Array:
        return np.where(d > 0.5, high, low) if aim == "margin" else d

    def outside(y: Array, d: Array) -> Array:
        return np.where(d > 0.5, y < high, y > low)

    def value(y: Array, d: Array) -> Array:
        goal = np.broadcast_to(target(d), y.shape)
        short = np.where(outside(y, d), y, goal)
        # Cross-entropy is not zero at its goal unless that is 0 or 1: take away what it is there.
        return loss.value(short, goal) - loss.value(goal, goal)

    return Loss(
        f"{loss.name} beyond {low:g}/{high:g}"
        + (", drawn to the answer" if aim == "answer" else ""),
        value,
        lambda y, d: np.where(outside(y, d), loss.slope(y, target(d)), 0),
        lambda y, d: np.where(outside(y, d), loss.curvature(y, target(d)), 0),
        Margin(loss, low, high, aim),
    )


ALL: tuple[Loss, ...] = (
    HALF_SUMMED_SQUARES,
    MEAN_SQUARES,
    CROSS_ENTROPY,
    margin(),
    margin(aim="answer"),
    margin(base=CROSS_ENTROPY),
)
