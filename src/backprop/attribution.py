"""How much each input of a network matters to one of its outputs, by gradients.

Three kinds of map, each a number for every input: the gradient of an output unit, the gradient
times the input, and integrated gradients. What they are compared with: what the output does when
inputs are deleted, that is set to the value of the empty image.

Throughout, ``unit`` names the output unit in question, one for each case, and the output is that
of the unit itself, after its activation function. The activation of that unit scales the gradient
of a case as a whole and so has no say in how its inputs are ranked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from backprop.activations import Array
from backprop.errors import InputError
from backprop.network import Network

EMPTY = -1.0  # grey value of the background of the zip-code digits

Units = NDArray[np.integer[Any]]
Index = NDArray[np.intp]


def output(net: Network, w: Array, x: Array, unit: Units) -> Array:
    """Compute the output of one unit for each case.

    Parameters
    ----------
    net : Network
        The network.
    w : array, shape (..., P)
        Its parameters.
    x : array, shape (n, n_in)
        Inputs.
    unit : int array, shape (n,)
        The output unit of each case.

    Returns
    -------
    array, shape (..., n)
        Its output.

    Raises
    ------
    InputError
        If `unit` does not name an output unit for each case.
    """
    _check_units(net, x, unit)
    return of_unit(net.predict(w, x), unit)


def of_unit(y: Array, unit: Units) -> Array:
    """Pick from outputs ``(..., n, n_out)`` the one unit of each case, ``(..., n)``."""
    picked: Array = y[..., np.arange(len(unit)), unit]
    return picked


def _check_units(net: Network, x: Array, unit: Units) -> None:
    fits = unit.shape == x.shape[-2:-1] and np.issubdtype(unit.dtype, np.integer)
    if not fits or (unit.size and not 0 <= unit.min() <= unit.max() < net.n_out):
        raise InputError(
            f"output units of shape {unit.shape} and type {unit.dtype} were given for inputs of "
            f"shape {x.shape}; expected one integer from 0 to {net.n_out - 1} for each case. "
            "Correct them."
        )


def gradient(net: Network, w: Array, x: Array, unit: Units) -> Array:
    """Differentiate the output of one unit by every input.

    The backward pass starts from a 1 at that unit and 0 at the others, in place of the slope of
    a loss, and goes on below the first layer.

    Parameters
    ----------
    net, w, x, unit
        As for `output`.

    Returns
    -------
    array, shape (..., n, n_in)
        ``dy/dx``.

    Raises
    ------
    InputError
        As `output` does.
    """
    _check_units(net, x, unit)
    _, caches = net.forward(w, x)
    one = np.eye(net.n_out, dtype=w.dtype)[unit]
    return net.input_gradient(w, caches, one)


def times_input(
    net: Network, w: Array, x: Array, unit: Units, *, empty: float | Array = EMPTY
) -> Array:
    """Multiply the gradient by the distance from the empty image.

    To first order this is by how much the output falls if the input is deleted
    (eq-importance-first-order of the book); the sum over all inputs is the slope of the output at
    the end of the straight path from the empty image (eq-importance-path-slope of the book).

    Parameters
    ----------
    net, w, x, unit
        As for `output`.
    empty : float or array, shape (n_in,)
        The empty image.

    Returns
    -------
    array, shape (..., n, n_in)
        ``(x - empty) dy/dx``.

    Raises
    ------
    InputError
        As `output` does.
    """
    return (x - empty) * gradient(net, w, x, unit)


def integrated(
    net: Network,
    w: Array,
    x: Array,
    unit: Units,
    *,
    empty: float | Array = EMPTY,
    steps: int = 32,
) -> Array:
    """Average the gradient along the straight path from the empty image, times the distance.

    The mean over the path is taken at the midpoints of equal steps (eq-importance-integrated of
    the book; Sundararajan et al. 2017).

    Parameters
    ----------
    net, w, x, unit, empty
        As for `times_input`.
    steps : int
        Number of steps, and of backward passes.

    Returns
    -------
    array, shape (..., n, n_in)
        Integrated gradients.

    Raises
    ------
    InputError
        If there is no step, or as `output` does.
    """
    if steps < 1:
        raise InputError(f"integrated gradients were asked for in {steps} steps; give at least 1.")
    way = x - empty
    total: Any = 0.0
    for k in range(steps):
        total = total + gradient(net, w, empty + (k + 0.5) / steps * way, unit)
    importance: Array = way * (total / steps)
    return importance


def gap(
    net: Network,
    w: Array,
    x: Array,
    unit: Units,
    importance: Array,
    *,
    empty: float | Array = EMPTY,
) -> Array:
    """Tell by how much a map fails to add up to what all inputs together do.

    With integrated gradients the gap closes as the number of steps grows
    (eq-importance-completeness of the book).

    Parameters
    ----------
    net, w, x, unit, empty
        As for `times_input`.
    importance : array, shape (..., n, n_in)
        A map.

    Returns
    -------
    array, shape (..., n)
        Its sum, less the output for the image, plus the output for the empty image.

    Raises
    ------
    InputError
        As `output` does.
    """
    whole, none = (along_path(net, w, x, unit, at=at, empty=empty) for at in (1.0, 0.0))
    left: Array = importance.sum(axis=-1) - (whole - none)
    return left


def along_path(
    net: Network, w: Array, x: Array, unit: Units, *, at: float, empty: float | Array = EMPTY
) -> Array:
    """Compute the output at a point of the straight path from the empty image.

    Parameters
    ----------
    net, w, x, unit, empty
        As for `times_input`.
    at : float
        0 for the empty image, 1 for the image itself.

    Returns
    -------
    array, shape (..., n)
        Output of the unit.

    Raises
    ------
    InputError
        As `output` does.
    """
    return output(net, w, empty + at * (x - empty), unit)


def ranking(score: Array, *, rng: np.random.Generator) -> Index:
    """Order the inputs of each case by their score, the highest first.

    Parameters
    ----------
    score : array, shape (n, n_in)
        Scores.
    rng : numpy.random.Generator
        Breaks ties.

    Returns
    -------
    int array, shape (n, n_in)
        Numbers of the inputs.
    """
    order: Index = np.lexsort((rng.random(score.shape), -score), axis=-1)
    return order


def without(x: Array, order: Index, count: int, *, empty: float = EMPTY) -> Array:
    """Delete inputs: set the first ones of an order to the empty image.

    Parameters
    ----------
    x : array, shape (n, n_in)
        Inputs; they are not changed.
    order : int array, shape (n, n_in)
        For each case its inputs in the order in which they go.
    count : int
        How many go.
    empty : float
        Their new value.

    Returns
    -------
    array, shape (n, n_in)
        What is left.

    Raises
    ------
    InputError
        If `count` is negative or more than there are.
    """
    if not 0 <= count <= x.shape[-1]:
        raise InputError(
            f"{count} of {x.shape[-1]} inputs were to be deleted; give a number from 0 to "
            f"{x.shape[-1]}."
        )
    left = x.copy()
    np.put_along_axis(left, order[:, :count], empty, axis=-1)
    return left


def deletion(
    net: Network, w: Array, x: Array, order: Index, counts: Sequence[int], *, empty: float = EMPTY
) -> Array:
    """Compute all outputs while more and more inputs are deleted.

    Parameters
    ----------
    net, w, x, order, empty
        As for `output` and `without`.
    counts : sequence of int
        How many inputs are deleted at each point of the curve.

    Returns
    -------
    array, shape (points, n, n_out)
        Outputs.

    Raises
    ------
    InputError
        As `without` does.
    """
    return np.stack([net.predict(w, without(x, order, count, empty=empty)) for count in counts])


def deletion_asking_again(
    net: Network,
    w: Array,
    x: Array,
    unit: Units,
    counts: Sequence[int],
    *,
    rng: np.random.Generator,
    empty: float = EMPTY,
) -> Array:
    """Delete inputs by gradient times input, with a new map of what is left at every point.

    Parameters
    ----------
    net, w, x, unit, empty
        As for `times_input`.
    counts : sequence of int
        As for `deletion`, ascending.
    rng : numpy.random.Generator
        Breaks ties.

    Returns
    -------
    array, shape (points, n, n_out)
        Outputs.

    Raises
    ------
    InputError
        As `output` and `without` do.
    """
    left, gone, outputs = x.copy(), np.zeros(x.shape, dtype=bool), []
    for count in counts:
        score = times_input(net, w, left, unit, empty=empty)
        order = ranking(np.where(gone, np.inf, score), rng=rng)
        left = without(left, order, count, empty=empty)
        np.put_along_axis(gone, order[:, :count], True, axis=-1)
        outputs.append(net.predict(w, left))
    return np.stack(outputs)


def fall_for_each(
    net: Network, w: Array, x: Array, unit: Units, *, empty: float = EMPTY, part: float = 1.0
) -> Array:
    """Measure by how much the output falls when one input fades, for each input.

    Parameters
    ----------
    net, w, x, unit, empty
        As for `times_input`.
    part : float
        How far the input goes towards the empty image; 1 deletes it.

    Returns
    -------
    array, shape (n, n_in)
        Output before less output after: what `times_input` predicts, times `part`.

    Raises
    ------
    InputError
        As `output` does.
    """
    before = output(net, w, x, unit)
    fall = np.zeros_like(x)
    for i in range(x.shape[-1]):
        left = x.copy()
        left[:, i] += part * (empty - x[:, i])
        fall[:, i] = before - output(net, w, left, unit)
    return fall


def mean_up_to(counts: Sequence[int], values: Array, end: int) -> float:
    """Average a curve over the number of deleted inputs, from none to `end`.

    The area under the curve, divided by its width.

    Parameters
    ----------
    counts : sequence of int
        Ascending, from 0; `end` is one of them.
    values : array, shape (points,)
        The curve, taken as straight between its points.
    end : int
        Where the average stops.

    Returns
    -------
    float
        Mean height.

    Raises
    ------
    InputError
        If `counts` does not hold 0 first, and `end` later.
    """
    if len(counts) == 0 or counts[0] != 0 or end not in counts[1:]:
        raise InputError(
            f"a curve over {list(counts)} was to be averaged from 0 to {end}; both must be among "
            "its points. Add them."
        )
    used = slice(list(counts).index(end) + 1)
    return float(np.trapezoid(values[used], counts[used]) / end)


def rank_correlation(a: Array, b: Array, where: NDArray[np.bool_] | None = None) -> Array:
    """Correlate the ranks of two maps, case by case (Spearman).

    Parameters
    ----------
    a, b : array, shape (n, n_in)
        Two maps of the same cases.
    where : bool array, shape (n, n_in), optional
        The inputs that count. Default: all.

    Returns
    -------
    array, shape (n,)
        From -1 to 1. Ties share the mean of their ranks; where all values of a map are the same
        there is no correlation, and the result is 0.
    """
    used = np.ones(a.shape, dtype=bool) if where is None else where
    number = np.maximum(used.sum(axis=-1, keepdims=True), 1)

    def centred(values: Array) -> Array:
        # What does not count goes behind everything else and leaves the other ranks alone.
        ranks = np.where(used, rankdata(np.where(used, values, np.inf), axis=-1), 0.0)
        return np.where(used, ranks - ranks.sum(axis=-1, keepdims=True) / number, 0.0)

    first, second = centred(a), centred(b)
    both = np.sqrt((first**2).sum(axis=-1) * (second**2).sum(axis=-1))
    together = (first * second).sum(axis=-1)
    correlation: Array = np.divide(together, both, out=np.zeros_like(both), where=both > 0)
    return correlation


def redraw_top(net: Network, w: Array, fresh: Array, layers: int) -> Array:
    """Replace the weights and biases of the top layers.

    Parameters
    ----------
    net : Network
        The network.
    w, fresh : array, shape (P,)
        Its parameters, and those that take their place.
    layers : int
        How many layers, counted from the output.

    Returns
    -------
    array, shape (P,)
        Parameters of both kinds.

    Raises
    ------
    InputError
        If there are not so many layers.
    """
    if not 0 <= layers <= len(net.layers):
        raise InputError(
            f"{layers} layers were to be redrawn in a network of {len(net.layers)}; give a number "
            f"from 0 to {len(net.layers)}."
        )
    below = len(net.layers) - layers
    kept = sum(part.size for layer in net.layers[:below] for part in layer.parts)
    return np.concatenate([w[:kept], fresh[kept:]])


Map = Callable[..., Array]

# The three kinds of map, from the cheapest on.
MAPS: dict[str, Map] = {
    "gradient": gradient,
    "times_input": times_input,
    "integrated": integrated,
}
