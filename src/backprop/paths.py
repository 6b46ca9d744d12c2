"""The gradient as a sum over paths, and what it saves to reuse δ.

A weight acts on the loss through every path that leads from it to an output. Along a path the
slopes are multiplied; over the paths the products are added. `gradient` does literally that.
The backward pass (`Network.backward`) computes the same numbers, but adds up all paths above a
unit once, as δ of that unit, and uses the sum for every path that comes from below.

`work` counts what either of them really takes; `work_over_paths` and `work_with_reuse` predict it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from operator import mul

import numpy as np

from backprop.activations import Array
from backprop.counting import Count, counted
from backprop.errors import InputError
from backprop.layers import Dense
from backprop.layers.base import Cache
from backprop.network import Network


def gradient(network: Network, w: Array, caches: list[Cache], dy: Array) -> Array:
    """Compute the gradient as a sum over all paths from each weight (eq-path-sum of the book).

    Takes and returns what `Network.backward` does, by another way: from each weight all paths are
    followed up to the outputs. Paths share the products of the stretch in which they have not
    parted yet, and nothing else, so the work grows exponentially with the number of layers.

    Parameters
    ----------
    network : Network
        Fully connected layers only.
    w : array, shape (P,)
        Parameters of one network.
    caches : list
        From `Network.forward` with the same parameters.
    dy : array, shape (n, n_out)
        ``dE/dy`` from the loss.

    Returns
    -------
    array, shape (P,)
        ``dE/dw``, summed over the cases.

    Raises
    ------
    InputError
        If a layer is not `Dense`, or there is more than one network.
    """
    layers = _dense_layers(network, w)
    weights = [parts[0] for parts in network.unpack(w)]
    slopes = [f.activation.slope(y) for f, (_, y) in zip(layers, caches, strict=True)]

    def onward(level: int, unit: int, product: Array) -> Array:
        """Follow all paths up from a total input; `product` is of the slopes so far."""
        product = product * slopes[level][:, unit]
        if level == len(slopes) - 1:
            return product * dy[:, unit]
        above = enumerate(weights[level + 1][unit])
        return np.sum([onward(level + 1, j, product * v) for j, v in above], axis=0)

    collected = []
    for level, (read, _) in enumerate(caches):
        inputs, units = list(read.T), range(layers[level].n_out)
        if layers[level].bias:  # the weight from an input that is always 1
            inputs.append(np.ones_like(inputs[0]))
        collected += [onward(level, j, y).sum() for y in inputs for j in units]
    return np.array(collected)


def count(widths: Sequence[int]) -> int:
    """Count the paths from one input to one output of a layered net (eq-path-count of the book).

    Parameters
    ----------
    widths : sequence of int
        Number of units in each layer, the inputs and the outputs included.

    Returns
    -------
    int
        The product of the widths in between: a path chooses one unit in each hidden layer.

    Raises
    ------
    InputError
        If there are fewer than two layers, or one without units.
    """
    _check_widths(widths)
    return math.prod(widths[1:-1])


def work_over_paths(widths: Sequence[int]) -> int:
    """Predict the multiplications of `gradient` for one case (eq-path-work of the book).

    For logistic units with biases, whose slope ``y (1 - y)`` takes one multiplication.

    Parameters
    ----------
    widths : sequence of int
        As in `count`.

    Returns
    -------
    int
        Multiplications.
    """
    _check_widths(widths)
    needed = sum(widths[1:])  # the slopes
    for level in range(1, len(widths)):
        # Units reached from one unit of this layer, counted once for each way to reach them.
        reached = list(accumulate([1, *widths[level + 1 :]], mul))
        at_slopes, at_weights, at_outputs = sum(reached), sum(reached[1:]), reached[-1]
        needed += (widths[level - 1] + 1) * widths[level] * (at_slopes + at_weights + at_outputs)
    return needed


def work_with_reuse(widths: Sequence[int]) -> int:
    """Predict the multiplications of a backward pass for one case (eq-reuse-work of the book).

    For logistic units with biases, whose slope ``y (1 - y)`` takes one multiplication.

    Parameters
    ----------
    widths : sequence of int
        As in `count`.

    Returns
    -------
    int
        Twice the number of connections (biases included) less the weights of the first layer,
        since nothing is passed down through these.
    """
    _check_widths(widths)
    connections = sum((below + 1) * above for below, above in pairwise(widths))
    return 2 * connections - widths[0] * widths[1]


def work(
    function: Callable[[Array, list[Cache], Array], Array],
    w: Array,
    caches: list[Cache],
    dy: Array,
) -> int:
    """Count the multiplications that a function really takes for a gradient.

    Parameters
    ----------
    function : callable
        `Network.backward` of a network, or `gradient` with its network filled in.
    w, caches, dy : arrays
        Its arguments.

    Returns
    -------
    int
        Multiplications, for all cases together.
    """
    count = Count()
    kept: list[Cache] = [(counted(read, count), counted(y, count)) for read, y in caches]
    function(counted(w, count), kept, counted(dy, count))
    return count.total


def _dense_layers(network: Network, w: Array) -> list[Dense]:
    """Return the layers after a check that they are fully connected, and one network only."""
    if w.ndim != 1:
        raise InputError(
            f"the parameters have shape {w.shape}; expected (P,), one network. Give one replica."
        )
    layers = [layer for layer in network.layers if isinstance(layer, Dense)]
    if len(layers) != len(network.layers):
        raise InputError(
            f"{len(network.layers) - len(layers)} of {len(network.layers)} layers are not Dense; "
            "expected fully connected layers only. Use Network.backward, which takes every kind."
        )
    return layers


def _check_widths(widths: Sequence[int]) -> None:
    if len(widths) < 2 or min(widths) < 1:
        raise InputError(
            f"the widths were given as {tuple(widths)}; expected at least two, all 1 or more. "
            "Give the number of units of each layer, inputs and outputs included."
        )
