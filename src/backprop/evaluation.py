"""How good outputs are: errors, mean squares, rejection; how sure a share of runs is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backprop.activations import Array
from backprop.errors import InputError

Digits = NDArray[np.integer]


def wrong(y: Array, digit: Digits) -> NDArray[np.bool_]:
    """Tell which cases are classified wrongly.

    Parameters
    ----------
    y : array, shape (..., n, classes)
        Outputs; the largest one is the answer.
    digit : int array, shape (n,)
        True classes.

    Returns
    -------
    bool array, shape (..., n)
        True where the answer is not the true class.
    """
    return y.argmax(axis=-1) != digit


def half_mean_squares(y: Array, d: Array) -> float:
    """Half the squared error averaged over patterns and output units.

    Departure: whether the 1989 paper's mean squared error has the half is not stated
    (claim zip-test-mse); the mean without the half is twice this.

    Parameters
    ----------
    y, d : array, shape (n, k)
        Outputs and desired outputs.

    Returns
    -------
    float
        ``sum((y - d)**2) / (2 n k)``.
    """
    return 0.5 * float(np.mean((y.astype(np.float64) - d) ** 2))


def confidence(y: Array) -> Array:
    """Difference between the two largest outputs, ``(..., n)`` from ``(..., n, classes)``."""
    top = np.partition(y, -2, axis=-1)
    return top[..., -1] - top[..., -2]


def rejection_curve(y: Array, digit: Digits) -> tuple[Array, Array]:
    """Error among the accepted cases against the share rejected, least confident first.

    Parameters
    ----------
    y : array, shape (n, classes)
        Outputs.
    digit : int array, shape (n,)
        True classes.

    Returns
    -------
    rejected : array, shape (n,)
        Share of cases rejected, 0, 1/n, ..., (n-1)/n.
    error : array, shape (n,)
        Share of errors among the cases that are left.
    """
    order = np.argsort(confidence(y), kind="stable")
    errors = wrong(y, digit)[order]
    left = np.arange(len(errors), 0, -1)
    return 1 - left / len(errors), errors[::-1].cumsum()[::-1] / left


def rejected_for(y: Array, digit: Digits, *, error: float = 0.01) -> float:
    """Smallest share to reject so that at most `error` of the rest is wrong.

    The threshold is chosen on the very cases on which it is judged, as in the 1989 paper.

    Parameters
    ----------
    y, digit
        As in `rejection_curve`.
    error : float
        Tolerated share of errors among the accepted cases.

    Returns
    -------
    float
        Share rejected; 1.0 if no threshold is good enough.
    """
    rejected, errors = rejection_curve(y, digit)
    good = np.flatnonzero(errors <= error)
    return float(rejected[good[0]]) if len(good) else 1.0


def threshold_for(y: Array, digit: Digits, *, error: float = 0.01) -> float:
    """Smallest difference between the two largest outputs at which a case is accepted.

    Rejecting what has less (see `confidence`) is what `rejected_for` counts.

    Parameters
    ----------
    y, digit, error
        As in `rejected_for`.

    Returns
    -------
    float
        The threshold; infinite if none is good enough.
    """
    _, errors = rejection_curve(y, digit)
    good = np.flatnonzero(errors <= error)
    return float(np.sort(confidence(y))[good[0]]) if len(good) else np.inf


def share_interval(successes: int, runs: int, *, level: float = 0.95) -> tuple[float, float]:
    """Interval for the true share behind so many successes in so many runs (Wilson 1927).

    Parameters
    ----------
    successes, runs : int
        From 0 to `runs`, and at least 1.
    level : float
        How sure the interval is, between 0 and 1.

    Returns
    -------
    low, high : float
        Ends of the interval, as shares.

    Raises
    ------
    InputError
        If the numbers do not fit together.
    """
    if not (runs >= 1 and 0 <= successes <= runs and 0 < level < 1):
        raise InputError(
            f"{successes} successes in {runs} runs at level {level} were given; expected at least "
            "one run, no more successes than runs, and a level between 0 and 1. Correct them."
        )
    from scipy.stats import binomtest  # slow to import, and only needed here

    interval = binomtest(int(successes), int(runs)).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)
