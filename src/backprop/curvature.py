"""What the second backward pass leaves out: its estimate beside slower and more exact ones.

`Network.hessian_diagonal` drops terms to be fast. The other functions here drop none, or fewer,
and are for small networks or a few cases. The loss is half the summed squares throughout.
"""

from __future__ import annotations

import numpy as np

from backprop import minima
from backprop.activations import Array
from backprop.counting import Count, counted
from backprop.losses import HALF_SUMMED_SQUARES
from backprop.network import Network
from backprop.sharing import untie


def exact_diagonal(network: Network, w: Array, x: Array, d: Array) -> Array:
    """Measure the second derivative by every parameter (eq-exact-split of the book).

    Parameters
    ----------
    network : Network
        The network.
    w : array, shape (P,)
        Its parameters, float64.
    x : array, shape (n, n_in)
        Inputs.
    d : array, shape (n, n_out)
        Desired outputs.

    Returns
    -------
    array, shape (P,)
        ``d2E/dw2`` from central differences of the gradient, with nothing dropped.
    """
    return np.diagonal(minima.hessian(network, w, x, d, step=1e-5)).copy()


def gauss_newton_diagonal(network: Network, w: Array, x: Array) -> Array:
    """Compute the diagonal of the Gauss-Newton matrix (eq-gauss-newton of the book).

    Parameters
    ----------
    network, w, x
        As in `exact_diagonal`; the desired outputs play no part.

    Returns
    -------
    array, shape (P,)
        Sum over cases and outputs of the squared derivative of the output by each parameter.
    """
    # Case by case: all at once, larger networks would not fit into memory.
    rows = (minima.jacobian(network, w, x[i : i + 1]) for i in range(len(x)))
    return np.sum([(row**2).sum(axis=0) for row in rows], axis=0)


def gauss_newton_of_copies(network: Network, w: Array, x: Array) -> Array:
    """Compute the same for every copy of a shared weight by itself, and add up the copies.

    Parameters
    ----------
    network, w, x
        As in `gauss_newton_diagonal`.

    Returns
    -------
    array, shape (P,)
        The Gauss-Newton diagonal without products between two copies of one weight.
    """
    free, copies, owner = untie(network, w)
    summed = np.zeros_like(w)
    np.add.at(summed, owner, gauss_newton_diagonal(free, copies, x))
    return summed


def estimated_diagonal(network: Network, w: Array, x: Array) -> Array:
    """Run the second backward pass, which also drops terms between two units of a layer.

    Parameters
    ----------
    network, w, x
        As in `gauss_newton_diagonal`.

    Returns
    -------
    array, shape (P,)
        See `Network.hessian_diagonal`.
    """
    y, caches = network.forward(w, x)
    return network.hessian_diagonal(w, caches, HALF_SUMMED_SQUARES.curvature(y, y))


def work_of_passes(network: Network, w: Array, x: Array) -> dict[str, int]:
    """Count the multiplications of the three passes (eq-second-pass of the book).

    Parameters
    ----------
    network, w, x
        As in `gauss_newton_diagonal`.

    Returns
    -------
    dict of str to int
        "forward", "gradient" and "second derivatives", for all cases together; what the loss
        itself multiplies is left out.
    """
    count = Count()
    w, x = counted(w, count), counted(x, count)
    y, caches = network.forward(w, x)
    found = {"forward": count.total}
    passes = {"gradient": network.backward, "second derivatives": network.hessian_diagonal}
    for name, run in passes.items():
        before = count.total
        run(w, caches, np.ones_like(y))
        found[name] = count.total - before
    return found
