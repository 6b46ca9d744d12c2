"""Where failed runs of the symmetry network end: minimum, valley or saddle.

The computations are those of `backprop.minima`, for this network and its 64 patterns.
"""

from __future__ import annotations

from backprop import datasets, minima
from backprop.activations import Array
from backprop.symmetry_weights import NETWORK


def outputs(w: Array) -> Array:
    """Compute the outputs for the 64 patterns, ``(..., 64)`` from ``(..., 17)``."""
    return NETWORK.forward(w, datasets.symmetry()[0])[0][..., 0]


def gradient(w: Array, d: Array) -> Array:
    """Compute the gradient of the loss; see `minima.gradient`."""
    return minima.gradient(NETWORK, w, datasets.symmetry()[0], d)


def hessian(w: Array, d: Array) -> Array:
    """Compute all second derivatives; see `minima.hessian`."""
    return minima.hessian(NETWORK, w, datasets.symmetry()[0], d)


def least_curvature(w: Array, d: Array) -> float:
    """Return the smallest eigenvalue of the Hessian; below zero, a way down leads off."""
    return float(minima.curvatures(NETWORK, w, datasets.symmetry()[0], d)[0])


def descend(w: Array, d: Array, *, steps: int = 100) -> tuple[Array, float]:
    """Go on downhill with steps of second order; see `minima.descend`."""
    return minima.descend(NETWORK, w, datasets.symmetry()[0], d, steps=steps)


def missed_loss(missed: int, *, low: float, high: float) -> float:
    """Loss of a network that gives one output to `missed` symmetric patterns and all others.

    The symmetric patterns that it does recognise cost nothing; the rest are answered by the
    mean of their targets.

    Parameters
    ----------
    missed : int
        Number of symmetric patterns that are not recognised, from 0 to 8.
    low, high : float
        Target values.

    Returns
    -------
    float
        ``(high - low)^2 / 2 * missed * 56 / (missed + 56)``.
    """
    others = 56
    return 0.5 * (high - low) ** 2 * missed * others / (missed + others)
