"""Shared weights taken apart: every connection of a layer listed, every copy set free.

`Local` and `Recurrent` never make the copies of a weight. What is here does, so that what they
compute can be compared with layers that know nothing of sharing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backprop.activations import Array
from backprop.layers import Dense, Layer, Local, Unshared
from backprop.network import Network

Index = NDArray[np.intp]


class Connections(NamedTuple):
    """Every connection of a layer of feature maps, biases left out; three arrays of one length.

    In each place: the input that is read (``n_in`` stands for the border), the unit that reads
    it, and the free weight that stands on the connection.
    """

    source: Index
    unit: Index
    weight: Index


def connections(layer: Local) -> Connections:
    """List the connections of a layer one by one (eq-local-forward of the book).

    Parameters
    ----------
    layer : Local
        A layer with shared kernels.

    Returns
    -------
    Connections
        One entry for each term of the sum, for all units.
    """
    (rows, columns, below), (high, wide, maps) = layer.in_shape, layer.out_shape
    reach, free = layer.size // 2, layer.parts[0].size
    weights = layer.kernel(np.arange(1.0, free + 1)).astype(int) - 1  # -1 where there is none
    found = []
    for (r, c, source_map, unit_map), weight in np.ndenumerate(weights):
        for i, j in np.ndindex(high, wide):
            row, column = layer.stride * i + r - reach, layer.stride * j + c - reach
            inside = 0 <= row < rows and 0 <= column < columns
            source = (row * columns + column) * below + source_map if inside else layer.n_in
            if weight >= 0:
                found.append((source, (i * wide + j) * maps + unit_map, weight))
    return Connections(*np.array(found, dtype=np.intp).T)


def as_dense(layer: Local, w: Array, b: Array) -> tuple[Dense, list[Array]]:
    """Write a layer of feature maps as a fully connected one, mostly of zeros.

    What the border contributes to a unit does not depend on the input, so it goes into the
    unit's bias.

    Parameters
    ----------
    layer : Local
        A layer with shared kernels.
    w : array, shape (free,)
        Its free weights.
    b : array, shape (n_out,)
        Its biases.

    Returns
    -------
    dense : Dense
        A layer with as many inputs and units.
    parameters : list of arrays
        ``w (n_in, n_out)`` and ``b (n_out,)`` with which it computes the same.
    """
    source, unit, weight = connections(layer)
    matrix = np.zeros((layer.n_in + 1, layer.n_out), dtype=w.dtype)
    np.add.at(matrix, (source, unit), w[weight])
    twin = Dense(layer.n_in, layer.n_out, layer.activation)
    return twin, [matrix[:-1], b + layer.border * matrix[-1]]


def sum_over_copies(layer: Local, dw: Array, db: Array) -> Array:
    """Collect the gradient of a fully connected twin into that of the shared weights.

    Parameters
    ----------
    layer : Local
        The layer of which `as_dense` made the twin.
    dw : array, shape (n_in, n_out)
        Gradient of the twin's weights.
    db : array, shape (n_out,)
        Gradient of its biases, in which the border is.

    Returns
    -------
    array, shape (free,)
        For each free weight the sum over its copies (eq-copies of the book).
    """
    source, unit, weight = connections(layer)
    every = np.vstack([dw, layer.border * db])
    summed = np.zeros(layer.parts[0].size, dtype=dw.dtype)
    np.add.at(summed, weight, every[source, unit])
    return summed


def untie(network: Network, w: Array) -> tuple[Network, Array, Index]:
    """Give every connection of the feature maps of a network a weight of its own.

    Parameters
    ----------
    network : Network
        With layers that share kernels, or without.
    w : array, shape (P,)
        Its parameters.

    Returns
    -------
    free : Network
        `Unshared` in place of each `Local`; it computes the same.
    copies : array, shape (P of the free network,)
        Its parameters: each shared weight repeated at every place.
    owner : array of int, shape (P of the free network,)
        Which parameter of `network` each is a copy of.
    """
    layers: list[Layer] = []
    owner: list[Index] = []
    start = 0
    for layer in network.layers:
        sizes = [part.size for part in layer.parts]
        own = np.arange(start, start + sum(sizes))
        start += sum(sizes)
        if isinstance(layer, Local) and not isinstance(layer, Unshared):
            settings = {name: getattr(layer, name) for name in Local.__dataclass_fields__}
            layer = Unshared(**settings)
            own = np.concatenate([np.tile(own[: sizes[0]], layer.positions), own[sizes[0] :]])
        layers.append(layer)
        owner.append(own)
    places = np.concatenate(owner)
    return Network(tuple(layers)), w[places], places
