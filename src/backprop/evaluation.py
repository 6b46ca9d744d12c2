"""How good outputs are: errors, mean squares, rejection; how sure a share of runs is."""

from __future__ import annotations

from collections.abc import Sequence

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
    """Smallest confidence to ask for so that at most `error` of the accepted cases is wrong.

    Parameters
    ----------
    y, digit
        As in `rejection_curve`; the cases on which the threshold is chosen.
    error : float
        Tolerated share of errors among the accepted cases.

    Returns
    -------
    float
        For `judge_threshold`. Zero if all cases can be accepted, infinite if no threshold is
        good enough.
    """
    _, errors = rejection_curve(y, digit)
    good = np.flatnonzero(errors <= error)
    if not len(good):
        return float("inf")
    return float(np.sort(confidence(y))[good[0]]) if good[0] else 0.0


def judge_threshold(y: Array, digit: Digits, threshold: float) -> tuple[float, float]:
    """Reject what is less confident than a threshold, which was chosen elsewhere.

    Parameters
    ----------
    y, digit
        As in `rejection_curve`.
    threshold : float
        Cases whose two highest outputs differ by less are rejected.

    Returns
    -------
    rejected, error : float
        Share of cases rejected, and share of errors among the others; zero errors if there are
        no others.
    """
    accepted = confidence(y) >= threshold
    errors = wrong(y, digit)[accepted]
    return float(1 - accepted.mean()), float(errors.mean()) if len(errors) else 0.0


def draw_probability(runs: Array, value: Array, *, variance: Array | None = None) -> float:
    """How probable it is that one more run falls at least as far from the others as `value`.

    Several quantities are judged at once, and as they vary together over the runs (Hotelling's
    T-squared for one more draw; the quantities are taken as normal).

    Parameters
    ----------
    runs : array, shape (n, k)
        ``k`` quantities of ``n`` runs, ``n`` greater than ``k``.
    value : array, shape (k,)
        The new draw.
    variance : array, shape (k,), optional
        How uncertain `value` itself is, as when it was rounded. Default: not at all.

    Returns
    -------
    float
        From 0 (not one of them) to 1.

    Raises
    ------
    InputError
        If the shapes do not fit, or there are too few runs.
    """
    n, k = runs.shape if runs.ndim == 2 else (0, 0)
    if value.shape != (k,) or n <= k:
        raise InputError(
            f"runs of shape {runs.shape} and a value of shape {value.shape} were given; expected "
            "(n, k) and (k,), with more runs than quantities. Correct them."
        )
    from scipy.stats import f  # slow to import, and only needed here

    spread = np.atleast_2d(np.cov(runs, rowvar=False))
    if variance is not None:
        spread = spread + np.diag(variance)
    off = value - runs.mean(axis=0)
    squared = off @ np.linalg.solve(spread, off) * n / (n + 1)
    return float(f.sf(squared * (n - k) / (k * (n - 1)), k, n - k))


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


def paired_interval(
    differences: Sequence[float] | Array, *, level: float = 0.95, comparisons: int = 1
) -> tuple[float, float]:
    """Interval for the mean behind differences between pairs of runs (Student's t).

    Parameters
    ----------
    differences : array, shape (pairs,)
        One number for each pair, at least two.
    level : float
        How sure the interval is, between 0 and 1.
    comparisons : int
        Number of intervals that shall hold together with this level (Bonferroni).

    Returns
    -------
    low, high : float
        Ends of the interval.

    Raises
    ------
    InputError
        If the numbers do not fit together.
    """
    values = np.asarray(differences, dtype=np.float64)
    if not (values.ndim == 1 and len(values) > 1 and 0 < level < 1 and comparisons >= 1):
        raise InputError(
            f"differences of shape {values.shape}, level {level} and {comparisons} comparisons "
            "were given; expected two pairs or more, a level between 0 and 1, and at least one "
            "comparison. Correct them."
        )
    from scipy.stats import t  # slow to import, and only needed here

    tail = (1 - level) / comparisons / 2
    reach = t.isf(tail, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean() - reach), float(values.mean() + reach)
