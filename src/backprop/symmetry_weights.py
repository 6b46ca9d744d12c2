"""What the weights of the symmetry network say (Rumelhart et al. 1986, Fig. 1).

The network, the weights that were printed, the pattern in them, and the target values for
which printed weights are at rest. Nothing here trains.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from backprop import datasets
from backprop.activations import Array
from backprop.layers import Dense
from backprop.network import Network


@cache
def network(hidden: int = 2) -> Network:
    """Build the network: six inputs, hidden units (two in the paper), one output."""
    return Network((Dense(6, hidden), Dense(hidden, 1)))


NETWORK = network()

# Weights read off the published figures (confidence: seen in a scan), inputs top to bottom.
PUBLISHED_HIDDEN = np.array(
    [[14.2, -3.6, 7.2, -7.2, 3.6, -14.2], [-14.2, 3.6, -7.1, 7.1, -3.6, 14.2]]
).T
PUBLISHED = np.concatenate([PUBLISHED_HIDDEN.ravel(), [-1.1, -1.1], [-8.8, -8.8], [6.4]])
PUBLISHED_ROUNDING = np.full(17, 0.05)

# Figure 9 of chapter 8 of Parallel Distributed Processing: another run of the same task.
PDP_HIDDEN = np.array(
    [[-3.18, 6.32, -12.56, 12.56, -6.33, 3.17], [3.16, -6.34, 12.52, -12.51, 6.31, -3.17]]
).T
PDP = np.concatenate([PDP_HIDDEN.ravel(), [-1.0, -1.0], [-9.44, -9.44], [6.89]])
PDP_ROUNDING = np.where(PDP == -1.0, 0.05, 0.005)  # the biases are printed less precisely


@dataclass(frozen=True)
class MirrorShape:
    """The pattern in the weights from the inputs to the hidden units.

    Parameters
    ----------
    antisymmetry : float
        Largest ``|left + mirrored right|`` over the largest weight; 0 is perfect.
    ratios : array, shape (2, 3)
        Size of the three mirrored pairs in each hidden unit, ascending, smallest = 1.
    opposite : bool
        Whether the two hidden units have opposite signs at every input.
    """

    antisymmetry: float
    ratios: NDArray[np.floating]
    opposite: bool

    def antisymmetric(self, tolerance: float = 0.15) -> bool:
        """Say whether weights are equal and opposite about the midpoint, within `tolerance`."""
        return self.antisymmetry < tolerance

    def has_ratios(self, ratios: tuple[float, float, float], tolerance: float = 0.15) -> bool:
        """Say whether the pairs have these ratios and cancel, within a relative `tolerance`."""
        fit = np.abs(self.ratios / (np.array(ratios) / ratios[0]) - 1).max() < tolerance
        return bool(fit) and self.antisymmetric(tolerance)

    def one_two_four(self, tolerance: float = 0.15) -> bool:
        """Say whether the pairs stand 1:2:4 and cancel, within a relative `tolerance`."""
        return self.has_ratios((1, 2, 4), tolerance)


def pair_sizes(w: Array) -> Array:
    """Size of the weights onto the three mirrored pairs, outer pair first.

    Parameters
    ----------
    w : array, shape (..., 17)
        Parameters of the network.

    Returns
    -------
    array, shape (..., 3, 2)
        Half the difference of the two weights of a pair, without its sign, for each hidden
        unit.
    """
    hidden = NETWORK.unpack(w)[0][0]  # (..., 6 inputs, 2 hidden units)
    return np.abs(hidden[..., :3, :] - hidden[..., :2:-1, :]) / 2


def largest_and_output(w: Array) -> Array:
    """Measure the two sizes in which the printed weights differ from ours.

    Parameters
    ----------
    w : array, shape (..., 17)
        Parameters of the network.

    Returns
    -------
    array, shape (..., 2)
        Size of the largest pair of weights onto the hidden units, and of the weights to the
        output; each is the mean over the two hidden units.
    """
    largest = pair_sizes(w).mean(axis=-1).max(axis=-1)
    out = np.abs(NETWORK.unpack(w)[1][0]).mean(axis=(-2, -1))
    return np.stack([largest, out], axis=-1)


def mirror_shape(w: Array) -> MirrorShape:
    """Measure how far the weights have the published pattern.

    Parameters
    ----------
    w : array, shape (17,)
        Parameters of the network.

    Returns
    -------
    MirrorShape
        Antisymmetry, ratios of the pairs and signs.
    """
    hidden = NETWORK.unpack(w)[0][0]
    left, right = hidden[:3], hidden[:2:-1]
    pairs = np.sort(pair_sizes(w), axis=0).T
    with np.errstate(divide="ignore", invalid="ignore"):  # a pair of failed runs can vanish
        ratios = pairs / pairs[:, :1]
    return MirrorShape(
        antisymmetry=float(np.abs(left + right).max() / np.abs(hidden).max()),
        ratios=ratios,
        opposite=bool((hidden[:, 0] * hidden[:, 1] < 0).all()),
    )


def order_of_pairs(w: Array) -> tuple[int, ...]:
    """Rank of each pair by its size, outer pair first: (3, 1, 2) in the paper.

    Parameters
    ----------
    w : array, shape (17,)
        Parameters of the network; the two hidden units are averaged.

    Returns
    -------
    tuple of int
        1 for the smallest, 3 for the largest.
    """
    sizes = pair_sizes(w).mean(axis=-1)
    return tuple(int(rank) + 1 for rank in sizes.argsort().argsort())


def in_the_papers_order(w: Array) -> Array:
    """Rename inputs so that pairs and signs stand as in the published figure.

    Three changes leave the task as it is: swapping two pairs, swapping the two inputs of a
    pair, and swapping the hidden units. Networks that differ by them only are one solution.
    The hidden units are left as they are.

    Parameters
    ----------
    w : array, shape (17,)
        Parameters of the network.

    Returns
    -------
    array, shape (17,)
        The same network with renamed inputs: the largest pair outside, the smallest in the
        middle; the signs of the first hidden unit as printed.
    """
    renamed = w.copy()
    hidden = NETWORK.unpack(renamed)[0][0]  # a view
    ours = np.array(order_of_pairs(w)).argsort()  # positions, smallest pair first
    papers = np.array(order_of_pairs(PUBLISHED)).argsort()
    left, right = hidden[:3].copy(), hidden[:2:-1].copy()
    for source, target in zip(ours, papers, strict=True):
        pair = [left[source], right[source]]
        if np.sign(pair[0][0] - pair[1][0]) != np.sign(PUBLISHED_HIDDEN[target, 0]):
            pair.reverse()
        hidden[target], hidden[5 - target] = pair
    return renamed


def pair_signs() -> Array:
    """List what the three pairs can add to a hidden unit: -1, 0 or 1 times each, ``(27, 3)``."""
    return np.array(list(itertools.product((-1, 0, 1), repeat=3)))


def smallest_sum(pairs: Array) -> Array:
    """Smallest signal by which a non-symmetric pattern differs from a symmetric one.

    With weights ``+p`` and ``-p`` onto a mirrored pair of inputs, the pair adds ``-p``, 0 or
    ``p`` to the total input of the hidden unit; a symmetric pattern adds 0 in all three.

    Parameters
    ----------
    pairs : array, shape (..., 3)
        Sizes of the weights of the three pairs.

    Returns
    -------
    array, shape (...)
        The smallest absolute sum over all patterns that are not symmetric.
    """
    signs = pair_signs()
    signs = signs[signs.any(axis=1)]
    return np.abs(pairs @ signs.T).min(axis=-1)


def correct(w: Array) -> int:
    """Count the patterns, of 64, whose output is on the right side of one half."""
    x, answers = datasets.symmetry()
    return int(((NETWORK.forward(w, x)[0] > 0.5) == (answers > 0.5)).sum())


def gradient_by_targets(w: Array) -> tuple[Array, Array]:
    """Write the gradient as a function of the target values, which enter linearly.

    With ``E = 1/2 sum (y - d)^2`` and ``d`` equal to `low` or `high`, the gradient is
    ``constant - slope @ [low, high]``.

    Parameters
    ----------
    w : array, shape (..., 17)
        Parameters of the network.

    Returns
    -------
    constant : array, shape (..., 17)
        The gradient for targets of zero.
    slope : array, shape (..., 17, 2)
        How it falls with the low and with the high target.
    """
    x, answers = datasets.symmetry()
    y, caches = NETWORK.forward(w, x)
    parts = [
        NETWORK.backward(w, caches, np.broadcast_to(signal, y.shape))
        for signal in (y, 1 - answers, answers)
    ]
    return parts[0], np.stack(parts[1:], axis=-1)


def targets_at_rest(w: Array) -> Array:
    """Find the target values for which the gradient is smallest.

    Parameters
    ----------
    w : array, shape (..., 17)
        Parameters of the network.

    Returns
    -------
    array, shape (..., 2)
        The low and the high target that minimise the Euclidean length of the gradient.
    """
    constant, slope = gradient_by_targets(w)
    return (np.linalg.pinv(slope) @ constant[..., None])[..., 0]


def gradient_length(w: Array, targets: Array) -> Array:
    """Compute the length of the gradient for given target values; zero at rest.

    Parameters
    ----------
    w : array, shape (..., 17)
        Parameters of the network.
    targets : array, shape (2,) or (..., 2)
        The low and the high target, the same for all networks or each one's own.

    Returns
    -------
    array, shape (...)
        Euclidean length of ``dE/dw``.
    """
    constant, slope = gradient_by_targets(w)
    length: Array = np.linalg.norm(constant - (slope @ targets[..., None])[..., 0], axis=-1)
    return length


def within_rounding(
    w: Array, rounding: Array, draws: int, *, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw weights that would have been printed alike.

    Parameters
    ----------
    w : array, shape (17,)
        Printed weights.
    rounding : array, shape (17,)
        Half a unit of the last printed digit.
    draws : int
        How many.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    array, shape (draws, 17)
        Uniform within the rounding.
    """
    return w + rounding * rng.uniform(-1, 1, (draws, w.size))
