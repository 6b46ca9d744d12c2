"""Where descent ends: exact gradients and second derivatives of small networks.

A point is a local minimum if the gradient is zero and the loss curves upwards in every
direction. Both are computed here for half the summed squares, and a second-order descent goes
on where gradient descent is too slow.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backprop.activations import Array
from backprop.losses import HALF_SUMMED_SQUARES
from backprop.network import Network


def gradient(network: Network, w: Array, x: Array, d: Array) -> Array:
    """Compute the gradient of the loss over all cases.

    Parameters
    ----------
    network : Network
        The network.
    w : array, shape (..., P)
        Its parameters.
    x : array, shape (n, n_in)
        Inputs.
    d : array, shape (n, n_out)
        Desired outputs.

    Returns
    -------
    array, shape (..., P)
        ``dE/dw``.
    """
    y, caches = network.forward(w, x)
    return network.backward(w, caches, HALF_SUMMED_SQUARES.slope(y, d))


def hessian(network: Network, w: Array, x: Array, d: Array, *, step: float = 1e-4) -> Array:
    """Compute all second derivatives, as central differences of the gradient.

    Parameters
    ----------
    network, x, d
        As for `gradient`.
    w : array, shape (P,)
        Parameters.
    step : float
        How far each parameter is moved.

    Returns
    -------
    array, shape (P, P)
        Symmetric.
    """
    moves = step * np.eye(w.size)
    above, below = (gradient(network, w + sign * moves, x, d) for sign in (1, -1))
    differences = (above - below) / (2 * step)
    symmetric: Array = (differences + differences.T) / 2
    return symmetric


def curvatures(network: Network, w: Array, x: Array, d: Array) -> Array:
    """Return the eigenvalues of the Hessian, ``(P,)`` ascending; one below zero is a way down."""
    return np.linalg.eigvalsh(hessian(network, w, x, d))


def jacobian(network: Network, w: Array, x: Array) -> Array:
    """Compute the derivative of each output of each case by each parameter.

    Parameters
    ----------
    network, x
        As for `gradient`.
    w : array, shape (P,)
        Parameters.

    Returns
    -------
    array, shape (n * n_out, P)
        One row for each output, those of a case side by side.
    """
    cases, outputs = np.divmod(np.arange(len(x) * network.n_out), network.n_out)
    copies = np.broadcast_to(w, (len(cases), w.size))  # one replica for each output of each case
    _, caches = network.forward(copies, x)
    wanted = np.zeros((len(cases), len(x), network.n_out))
    wanted[np.arange(len(cases)), cases, outputs] = 1
    return network.backward(copies, caches, wanted)


def descend(
    network: Network, w: Array, x: Array, d: Array, *, steps: int = 100
) -> tuple[Array, float]:
    """Go on downhill with steps of second order, which are long where the slope is faint.

    Gauss-Newton steps within a trust region (`scipy.optimize.least_squares`).

    Parameters
    ----------
    network, x, d
        As for `gradient`.
    w : array, shape (P,)
        Where to start.
    steps : int
        How often the loss may be computed at most.

    Returns
    -------
    w : array, shape (P,)
        Where it ended.
    loss : float
        The loss there.
    """
    from scipy.optimize import least_squares  # slow to import, and only needed here

    found = least_squares(
        lambda v: (network.forward(v, x)[0] - d).ravel(),
        w,
        jac=lambda v: jacobian(network, v, x),
        max_nfev=steps,
        xtol=1e-12,
        ftol=1e-12,
        gtol=1e-12,
    )
    return found.x, float(found.cost)


def shared_answers_loss(d: Array, groups: Sequence[Sequence[int]]) -> float:
    """Loss if all cases of a group get one answer (eq-shared-answers of the book).

    The best such answer is the mean of what the group's cases ask for.

    Parameters
    ----------
    d : array, shape (n, k)
        Desired outputs.
    groups : sequence of sequences of int
        Numbers of the cases in each group; cases in no group are answered rightly.

    Returns
    -------
    float
        Half the summed squared distance of the desired outputs from the mean of their group.
    """
    return sum(0.5 * float(((d[list(g)] - d[list(g)].mean(axis=0)) ** 2).sum()) for g in groups)
