"""Where failed runs of the symmetry network end: minimum, valley or saddle.

A point is a local minimum if the gradient is zero and the loss curves upwards in every
direction. Both are computed here, and a second-order descent tries what gradient descent did
not manage.
"""

from __future__ import annotations

import numpy as np

from backprop import datasets
from backprop.activations import Array
from backprop.losses import HALF_SUMMED_SQUARES
from backprop.symmetry_weights import NETWORK


def outputs(w: Array) -> Array:
    """Compute the outputs for the 64 patterns, ``(..., 64)`` from ``(..., 17)``."""
    return NETWORK.forward(w, datasets.symmetry()[0])[0][..., 0]


def gradient(w: Array, d: Array) -> Array:
    """Compute the gradient of the loss.

    Parameters
    ----------
    w : array, shape (..., 17)
        Parameters of the network.
    d : array, shape (64, 1)
        Targets.

    Returns
    -------
    array, shape (..., 17)
        ``dE/dw``.
    """
    y, caches = NETWORK.forward(w, datasets.symmetry()[0])
    return NETWORK.backward(w, caches, HALF_SUMMED_SQUARES.slope(y, d))


def hessian(w: Array, d: Array, *, step: float = 1e-4) -> Array:
    """Compute all second derivatives, as central differences of the gradient.

    Parameters
    ----------
    w : array, shape (17,)
        Parameters of the network.
    d : array, shape (64, 1)
        Targets.
    step : float
        How far each weight is moved.

    Returns
    -------
    array, shape (17, 17)
        Symmetric.
    """
    moves = step * np.eye(w.size)
    differences = (gradient(w + moves, d) - gradient(w - moves, d)) / (2 * step)
    symmetric: Array = (differences + differences.T) / 2
    return symmetric


def least_curvature(w: Array, d: Array) -> float:
    """Return the smallest eigenvalue of the Hessian; below zero, a way down leads off."""
    return float(np.linalg.eigvalsh(hessian(w, d))[0])


def jacobian(w: Array) -> Array:
    """Compute the derivative of each output by each weight, ``(64, 17)`` from ``(17,)``."""
    x = datasets.symmetry()[0]
    copies = np.broadcast_to(w, (len(x), w.size))  # one replica for each pattern
    _, caches = NETWORK.forward(copies, x)
    return NETWORK.backward(copies, caches, np.eye(len(x))[..., None])


def descend(w: Array, d: Array, *, steps: int = 100) -> tuple[Array, float]:
    """Go on downhill with steps of second order, which are long where the slope is faint.

    Gauss-Newton steps within a trust region (`scipy.optimize.least_squares`).

    Parameters
    ----------
    w : array, shape (17,)
        Where to start.
    d : array, shape (64, 1)
        Targets.
    steps : int
        How often the loss may be computed at most.

    Returns
    -------
    w : array, shape (17,)
        Where it ended.
    loss : float
        The loss there.
    """
    from scipy.optimize import least_squares  # slow to import, and only needed here

    found = least_squares(
        lambda v: outputs(v) - d[:, 0],
        w,
        jac=jacobian,
        max_nfev=steps,
        xtol=1e-12,
        ftol=1e-12,
        gtol=1e-12,
    )
    return found.x, float(found.cost)


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
