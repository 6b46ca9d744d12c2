"""The gradient in less memory: keep a few arrays on the way up, compute the others again.

A network is cut into segments, each of which is a network itself. The forward pass keeps only
what enters each segment. The backward pass runs each segment forward again, just before it
needs what that computes (Griewank 1992; Chen et al. 2016, both as recalled). The numbers
that come out are those of `Network.backward`, bit for bit: they are computed in the same way,
only later.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from backprop.activations import Array
from backprop.errors import InputError
from backprop.network import Network

Piece = tuple[Network, Array]  # some layers in a row, and their parameters
Slope = Callable[[Array], Array]  # outputs -> dE/dy
# At the outputs of a piece: dE/dy; at the top, where that is not known yet, the slope.
Signal = Any


def gradient(
    network: Network,
    w: Array,
    x: Array,
    slope: Slope,
    *,
    segments: int | Sequence[int] | None = None,
) -> tuple[Array, Array]:
    """Compute the gradient, keeping only what enters each segment.

    Parameters
    ----------
    network : Network
        The network.
    w : array, shape (..., P)
        Its parameters.
    x : array, shape (n, n_in) or (..., n, n_in)
        Inputs of ``n`` cases.
    slope : callable
        Outputs ``(..., n, n_out)`` -> ``dE/dy`` of the same shape, such as
        ``lambda y: loss.slope(y, d)``.
    segments : int or sequence of int, optional
        As for `cut`.

    Returns
    -------
    y : array, shape (..., n, n_out)
        Outputs.
    gradient : array, shape (..., P)
        ``dE/dw``, summed over the cases.

    Raises
    ------
    InputError
        If the network cannot be cut so, or a shape does not fit it.
    """
    pieces = cut(network, w, segments)
    inputs = [x]
    for piece, own in pieces[:-1]:
        inputs.append(piece.forward(own, inputs[-1])[0])
    signal, outputs = _noting(slope)
    parts: list[Array] = []
    for i in reversed(range(len(pieces))):
        signal, part = _back(pieces[i], inputs.pop(), signal, below=i > 0)
        parts.insert(0, part)
    return outputs[0], np.concatenate(parts, axis=-1)


def gradient_by_halving(network: Network, w: Array, x: Array, slope: Slope) -> tuple[Array, Array]:
    """Compute the gradient, keeping one array each time that the rest is halved.

    Run the lower half forward, keeping nothing on the way; find the gradient of the upper
    half; then that of the lower half; both in this same way.

    Parameters
    ----------
    network, w, x, slope
        As for `gradient`.

    Returns
    -------
    y, gradient
        As for `gradient`.

    Raises
    ------
    InputError
        If a shape does not fit the network.
    """
    signal, outputs = _noting(slope)
    pieces = cut(network, w, len(_starts(network)))
    _, joined = _halve(pieces, x, signal, below=False)
    return outputs[0], joined


def _noting(slope: Slope) -> tuple[Signal, list[Array]]:
    """Make a slope that also notes the outputs that it is given, in a list."""
    outputs: list[Array] = []

    def keeping(y: Array) -> Array:
        outputs.append(y)
        return slope(y)

    return keeping, outputs


def _back(piece: Piece, x: Array, signal: Signal, *, below: bool) -> tuple[Signal, Array]:
    """Run a piece forward, keeping all, and back: its signal at the inputs, its gradient."""
    network, w = piece
    y, caches = network.forward(w, x)
    dy = signal(y) if callable(signal) else signal
    if below:
        return network.gradients(w, caches, dy)
    return None, network.backward(w, caches, dy)


def _halve(
    pieces: Sequence[Piece], x: Array, signal: Signal, *, below: bool
) -> tuple[Signal, Array]:
    if len(pieces) == 1:
        return _back(pieces[0], x, signal, below=below)
    lower, upper = pieces[: len(pieces) // 2], pieces[len(pieces) // 2 :]
    # The array in the middle gets no name: it has to be gone when the lower half is worked on.
    signal, above = _halve(upper, _run(lower, x), signal, below=True)
    signal, part = _halve(lower, x, signal, below=below)
    return signal, np.concatenate([part, above], axis=-1)


def _run(pieces: Sequence[Piece], x: Array) -> Array:
    """Run forward without keeping anything."""
    for network, w in pieces:
        x = network.forward(w, x)[0]
    return x


def _starts(network: Network) -> list[int]:
    """Where a segment can start. A layer without parameters stays with the one below it."""
    with_parameters = [i for i, layer in enumerate(network.layers) if layer.parts]
    return [0, *with_parameters[1:]]


def default_segments(layers: int) -> int:
    """Choose the number of segments: the square root of the depth (eq-memory-root of the book).

    Parameters
    ----------
    layers : int
        Number of layers with parameters.

    Returns
    -------
    int
        The nearest whole number.
    """
    return round(math.sqrt(layers))


def cut(network: Network, w: Array, segments: int | Sequence[int] | None = None) -> list[Piece]:
    """Cut a network into segments that are networks themselves.

    Layers without parameters are not counted; each stays with the layer below it.

    Parameters
    ----------
    network : Network
        The network.
    w : array, shape (..., P)
        Its parameters.
    segments : int or sequence of int, optional
        Number of segments, as nearly equal as can be and the longer ones first; or the number
        of layers in each, from the inputs upwards. Default: see `default_segments`.

    Returns
    -------
    list of (Network, array)
        Each segment with its own parameters, a view of `w`.

    Raises
    ------
    InputError
        If there would be no segment or an empty one, or if the layers do not add up.
    """
    network.unpack(w)  # refuses parameters of another network
    starts = _starts(network)
    sizes = _sizes(len(starts), segments)
    firsts = [starts[i] for i in np.cumsum([0, *sizes[:-1]])]
    pieces, used = [], 0
    for first, last in zip(firsts, [*firsts[1:], len(network.layers)], strict=True):
        piece = Network(network.layers[first:last])
        pieces.append((piece, w[..., used : used + piece.n_params]))
        used += piece.n_params
    return pieces


def _sizes(layers: int, segments: int | Sequence[int] | None) -> list[int]:
    """Layers with parameters in each segment."""
    if segments is None:
        segments = default_segments(layers)
    if isinstance(segments, int | np.integer):
        if not 1 <= segments <= layers:
            raise InputError(
                f"the network was to be cut into {segments} segments; it has {layers} layers with "
                f"parameters. Give a number from 1 to {layers}."
            )
        return [len(part) for part in np.array_split(range(layers), segments)]
    if min(segments, default=0) < 1 or sum(segments) != layers:
        raise InputError(
            f"the segments were given as {tuple(segments)} layers; expected at least 1 in each and "
            f"{layers} in all, the layers with parameters. Correct the list."
        )
    return list(segments)


def kept_bytes(
    network: Network,
    cases: int,
    *,
    segments: int | Sequence[int] | None = None,
    dtype: DTypeLike = np.float64,
) -> int:
    """Predict what `gradient` keeps where it keeps most (eq-memory-segments of the book).

    Parameters
    ----------
    network : Network
        The network.
    cases : int
        Number of cases.
    segments : int or sequence of int, optional
        As for `cut`.
    dtype : dtype
        Type of the arrays.

    Returns
    -------
    int
        Bytes for one replica: what enters the segments up to one, and the caches of that one.
    """
    pieces = [piece for piece, _ in cut(network, np.zeros(network.n_params), segments)]
    entered, most = 0, 0
    for piece in pieces:
        most = max(most, entered + piece.cache_bytes(cases, dtype=dtype))
        entered += cases * piece.n_in * np.dtype(dtype).itemsize
    return most


def relative_operations(segments: int) -> float:
    """Count operations, those of an ordinary gradient being 1 (eq-memory-time of the book).

    A forward pass counts 1, a backward pass 2. All segments but the last run forward twice.

    Parameters
    ----------
    segments : int
        Number of segments of equal length.

    Returns
    -------
    float
        From 1, for one segment, to less than 4/3.
    """
    return (3 + (1 - 1 / segments)) / 3


def forwards_by_halving(layers: int) -> int:
    """Count how often `gradient_by_halving` runs a layer forward (eq-memory-halving of the book).

    Parameters
    ----------
    layers : int
        Number of layers with parameters, a power of two.

    Returns
    -------
    int
        Each layer once for its own gradient, and half of them for each halving.

    Raises
    ------
    InputError
        If the number is no power of two.
    """
    halvings = layers.bit_length() - 1
    if layers < 1 or layers != 1 << halvings:
        raise InputError(
            f"halving was to be counted for {layers} layers; expected a power of two, which can be "
            "halved down to 1. Give 1, 2, 4, 8 ..."
        )
    return layers + layers * halvings // 2
