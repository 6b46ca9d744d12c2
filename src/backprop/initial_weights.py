"""What theory says of initial weights: equal units, how fast they part, which steps overshoot."""

from __future__ import annotations

import numpy as np

from backprop import minima
from backprop.activations import Array
from backprop.errors import InputError
from backprop.network import Network


def chauvin(hidden: float | Array) -> float | Array:
    """Mean number of presentations to learn exclusive or (eq-chauvin of the book).

    A formula by Chauvin that Rumelhart et al. report in their chapter of 1986, as quoted by others.

    Parameters
    ----------
    hidden : float or array
        Number of hidden units.

    Returns
    -------
    float or array
        Sweeps through the four patterns.
    """
    return 280 - 33 * np.log2(hidden)


def apart(network: Network, w: Array) -> Array:
    """Measure how far the first two hidden units are from being equal.

    Parameters
    ----------
    network : Network
        With one hidden layer.
    w : array, shape (..., P)
        Its parameters.

    Returns
    -------
    array, shape (...,)
        Length of the difference of their weights, in, out and biases.
    """
    return np.sqrt((_differences(network, w) ** 2).sum(axis=-1))


def _differences(network: Network, w: Array) -> Array:
    (into, bias), (out, _) = network.unpack(w)
    parts = [into[..., 0] - into[..., 1], out[..., 0, :] - out[..., 1, :]]
    return np.concatenate([*parts, (bias[..., 0] - bias[..., 1])[..., np.newaxis]], axis=-1)


def nudged(
    network: Network, w: Array, sizes: Array | list[float], *, rng: np.random.Generator
) -> Array:
    """Move the second hidden unit away from the first in one random direction.

    Parameters
    ----------
    network : Network
        With one hidden layer.
    w : array, shape (P,)
        Parameters, as a rule with equal hidden units.
    sizes : array, shape (n,)
        How far.
    rng : numpy.random.Generator
        Draws the direction, the same for all sizes.

    Returns
    -------
    array, shape (n, P)
        One row for each size.
    """
    direction = np.zeros_like(w)
    (into, bias), (out, _) = network.unpack(direction)  # views: what is set here is set in it
    into[:, 1], bias[1], out[1] = (
        rng.standard_normal(part.shape) for part in (into[:, 1], bias[1], out[1])
    )
    direction /= np.linalg.norm(direction)
    return w + np.multiply.outer(np.asarray(sizes), direction)


def parting_curvature(network: Network, w: Array, x: Array, d: Array) -> float:
    """Return the smallest curvature of the loss along differences of the first two hidden units.

    Below zero, the smallest difference between the two grows.

    Parameters
    ----------
    network : Network
        With one hidden layer.
    w : array, shape (P,)
        Parameters.
    x, d : array, shapes (n, n_in) and (n, n_out)
        Inputs and desired outputs.

    Returns
    -------
    float
        Smallest eigenvalue of the Hessian among changes that add to one unit what they take from
        the other.
    """
    size = _differences(network, w).size
    # Row k: the change of all weights that moves the two units apart in their k-th weight.
    changes = np.array([_differences(network, row) for row in np.eye(w.size)]).T / np.sqrt(2)
    along = changes @ minima.hessian(network, w, x, d) @ changes.T
    return float(np.linalg.eigvalsh(along.reshape(size, size))[0])


def growth(curvature: float, *, lr: float, momentum: float) -> float:
    """Factor by which a small displacement grows in a sweep (eq-growth of the book).

    Parameters
    ----------
    curvature : float
        Second derivative along the displacement, at most 0: the loss falls off on both sides.
    lr, momentum : float
        Of the descent.

    Returns
    -------
    float
        At least 1. After some sweeps; the first ones depend on how it started.

    Raises
    ------
    InputError
        If the curvature is above zero.
    """
    if curvature > 0:
        raise InputError(
            f"the curvature was given as {curvature:g}; expected 0 or less, where displacements "
            "grow. For a step that is too long where the loss curves upwards, see longest_step."
        )
    b = 1 + momentum - lr * curvature
    return float((b + np.sqrt(b * b - 4 * momentum)) / 2)


def longest_step(curvature: float | Array, *, momentum: float) -> float | Array:
    """Find the step from which on descent jumps ever further (eq-overshoot of the book).

    Parameters
    ----------
    curvature : float or array
        Second derivative across the valley, above 0.
    momentum : float
        Of the descent.

    Returns
    -------
    float or array
        Learning rate.
    """
    return 2 * (1 + momentum) / curvature
