"""What the first layer of the 1989 network has learned, in numbers."""

from __future__ import annotations

import numpy as np

from backprop.activations import Array
from backprop.errors import InputError
from backprop.layers import Local
from backprop.network import Network


def first_kernels(net: Network, w: Array) -> Array:
    """Cut the kernels of the first layer out of the parameters.

    Parameters
    ----------
    net : Network
        Its first layer is `Local` and reads one map.
    w : array, shape (..., P)
        Parameters.

    Returns
    -------
    array, shape (..., maps, size, size)
        One kernel for each feature map.

    Raises
    ------
    InputError
        If the first layer has no kernels.
    """
    layer = net.layers[0]
    if not isinstance(layer, Local):
        raise InputError(
            f"the first layer of the network is {type(layer).__name__}, which has no kernels; "
            "expected Local."
        )
    kernel = layer.kernel(net.unpack(w)[0][0])  # (..., size, size, 1, maps)
    return np.moveaxis(kernel[..., 0, :], -1, -3)


def neighbour_correlation(kernels: Array) -> float:
    """Correlate weights that are next to each other, in rows and in columns.

    Parameters
    ----------
    kernels : array, shape (..., size, size)
        Kernels.

    Returns
    -------
    float
        Correlation over all pairs of neighbours: near 0 for random weights, 1 for smooth ones.
    """
    right, below = kernels[..., 1:], kernels[..., 1:, :]
    left, above = kernels[..., :-1], kernels[..., :-1, :]
    first = np.concatenate([left.ravel(), above.ravel()])
    second = np.concatenate([right.ravel(), below.ravel()])
    return float(np.corrcoef(first, second)[0, 1])


def _shapes(size: int) -> dict[str, Array]:
    """Build orthonormal patterns by kind, ``(number of patterns, size, size)`` each."""
    down, right = np.mgrid[:size, :size] - (size - 1) / 2
    distance = down**2 + right**2
    kinds = {
        "constant": np.ones((1, size, size)),
        "slope": np.stack([down, right]),
        "surround": (distance - distance.mean())[np.newaxis],
    }
    return {
        name: patterns / np.sqrt((patterns**2).sum(axis=(-2, -1), keepdims=True))
        for name, patterns in kinds.items()
    }


def shape_shares(kernels: Array) -> dict[str, Array]:
    """Say how much of each kernel is of a simple shape.

    A kernel that estimates a derivative is a *slope*: its weights rise evenly in one direction,
    whichever it is. A spot with a surround of the other sign is a *surround*: its weights rise or
    fall with the squared distance from the centre. The shapes are orthogonal, so their shares add
    up to at most 1.

    Parameters
    ----------
    kernels : array, shape (..., size, size)
        Kernels, none of them all zero.

    Returns
    -------
    dict of str to array, shape (...)
        For "constant", "slope" and "surround" the share of the summed squares. Random kernels of
        25 weights have 1/25, 2/25 and 1/25 on average.
    """
    total = (kernels**2).sum(axis=(-2, -1))
    return {
        name: np.sum([(kernels * shape).sum(axis=(-2, -1)) ** 2 for shape in patterns], axis=0)
        / total
        for name, patterns in _shapes(kernels.shape[-1]).items()
    }
