"""What images of digits show about how they were made: slant, frame, order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.activations import Array


def slants(pictures: Array) -> Array:
    """Measure how much each digit leans.

    Parameters
    ----------
    pictures : array, shape (n, rows, columns)
        Amount of ink, from 0; none of the pictures empty.

    Returns
    -------
    array, shape (n,)
        Columns to the right for each row downwards of the line that fits the ink best: the mixed
        second moment of the ink by the vertical one. Negative for digits that lean to the right.
    """
    _, rows, columns = pictures.shape
    down, right = np.mgrid[:rows, :columns]
    ink = pictures.sum(axis=(1, 2), keepdims=True)
    down = down - (pictures * down).sum(axis=(1, 2), keepdims=True) / ink
    right = right - (pictures * right).sum(axis=(1, 2), keepdims=True) / ink
    slant: Array = (pictures * down * right).sum(axis=(1, 2)) / (pictures * down**2).sum(
        axis=(1, 2)
    )
    return slant


def filled(pictures: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which digits reach from edge to edge.

    Parameters
    ----------
    pictures : array, shape (n, rows, columns)
        Amount of ink, from 0.

    Returns
    -------
    upright, across : bool array, shape (n,)
        Whether there is ink in the first and the last row; in the first and the last column.
    """
    inked = pictures > 0
    ends = [0, -1]
    upright: NDArray[np.bool_] = np.any(inked[:, ends], axis=2).all(axis=1)
    across: NDArray[np.bool_] = np.any(inked[:, :, ends], axis=1).all(axis=1)
    return upright, across


def darkness_correlation(x: Array, digit: NDArray[Any], lags: Iterable[int]) -> Array:
    """Correlate how dark a digit is with how dark those are that follow in the file.

    A pen, or a hand, that writes dark writes the next digit dark as well.

    Parameters
    ----------
    x : array, shape (n, pixels)
        Grey values in the order of the file.
    digit : int array, shape (n,)
        Classes; the mean darkness of each is taken off first.
    lags : iterable of int
        How far apart two digits are in the file, 1 for neighbours.

    Returns
    -------
    array, shape (number of lags,)
        Correlations.
    """
    dark = x.mean(axis=1)
    for each in np.unique(digit):
        dark[digit == each] -= dark[digit == each].mean()
    return np.array([np.corrcoef(dark[:-lag], dark[lag:])[0, 1] for lag in lags])


def nearest(x: Array, among: Array) -> NDArray[np.intp]:
    """Find the nearest picture for each picture.

    Parameters
    ----------
    x : array, shape (n, pixels)
        Pictures.
    among : array, shape (m, pixels)
        Pictures that are looked through.

    Returns
    -------
    int array, shape (n,)
        Which one of `among` has the smallest Euclidean distance.
    """
    # The squares of x are the same for all candidates and do not matter.
    which: NDArray[np.intp] = ((among**2).sum(axis=1) - 2 * (x @ among.T)).argmin(axis=1)
    return which
