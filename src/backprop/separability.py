"""What one layer of weights can compute, decided over all weights and not by training.

A unit with a threshold answers "on" where ``w x + b > 0`` and "off" where it is negative. Whether
some weights give the wanted answers for all cases is a question of linear programming. Either there
are such weights, or there is a certificate that there are none: a mean of "on" cases that is also
a mean of "off" cases. Never both (Gordan's theorem).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.activations import Array
from backprop.datasets import parity
from backprop.errors import BackpropError, InputError

# Directions in which the cases differ by less than this share of the most are left out.
SMALLEST_DIFFERENCE = 1e-9
# A margin below this, with weights of at most 1 in orthonormal coordinates, counts as none: ten
# times what the solver takes for zero.
SMALLEST_MARGIN = 1e-6
# Where the weights of `most_right` are searched.
LARGEST_WEIGHT = 20


def separable(x: Array, answers: Array) -> bool:
    """Tell whether some weights of one layer give all the answers.

    Parameters
    ----------
    x : array, shape (n, inputs)
        One row for each case.
    answers : array, shape (n,) or (n, 1)
        Above one half: on; else off.

    Returns
    -------
    bool
        True if `separating_weights` finds some, False if `certificate` proves that there are none.
        For inputs that are no whole numbers this means: none that rounding does not spoil.

    Raises
    ------
    InputError
        If the arrays do not fit each other.
    BackpropError
        If the linear program cannot be solved in floating-point numbers.
    """
    rows, sign = _checked(x, answers)
    basis, _ = _orthonormal(rows)
    return _widest(basis, sign)[1] > SMALLEST_MARGIN


def separating_weights(x: Array, answers: Array) -> Array | None:
    """Find weights and a bias with the right sign for every case (eq-single-layer of the book).

    Parameters
    ----------
    x, answers : array
        As for `separable`.

    Returns
    -------
    array, shape (inputs + 1,), or None
        Weights and, last, the bias, scaled so that the closest case is at a distance of 1 in
        total input; None if there are none.

    Raises
    ------
    InputError, BackpropError
        As for `separable`.
    """
    rows, sign = _checked(x, answers)
    basis, back = _orthonormal(rows)
    best, margin, _ = _widest(basis, sign)
    if margin <= SMALLEST_MARGIN:
        return None
    w: Array = back @ best / margin
    if (sign * (rows @ w)).min() <= 0:
        raise BackpropError(
            "weights that separate the cases were found, but rounding spoils them; expected inputs "
            "that differ by more. Scale the inputs up, or leave out units that hardly change."
        )
    return w


def certificate(x: Array, answers: Array) -> Array | None:
    """Show that no weights exist: a mean of "on" cases is a mean of "off" cases.

    If ``sum_on p_c x_c = sum_off p_c x_c`` with shares ``p_c >= 0`` that add up to 1 on each side
    (eq-certificate of the book), no weights can give both sides total inputs of opposite signs.

    Parameters
    ----------
    x, answers : array
        As for `separable`.

    Returns
    -------
    array, shape (n,), or None
        The shares; None if there are weights.

    Raises
    ------
    InputError, BackpropError
        As for `separable`, and if the shares found do not satisfy the equation to rounding.
    """
    rows, sign = _checked(x, answers)
    basis, _ = _orthonormal(rows)
    _, margin, shares = _widest(basis, sign)
    if margin > SMALLEST_MARGIN:
        return None
    shares = shares / shares[sign > 0].sum()
    if np.abs((sign * shares) @ rows).max() > 10 * SMALLEST_MARGIN * np.linalg.norm(rows):
        raise BackpropError(
            "no weights were found, and no proof that there are none; expected one of the two. "
            "Scale the inputs so that they are of a similar size."
        )
    return shares


def four_cases(x: Array, answers: Array) -> tuple[int, int, int, int] | None:
    """Find two "on" cases with the same sum as two "off" cases.

    The shortest certificate, which can be checked by hand: each of the four has the share 1/2.

    Parameters
    ----------
    x, answers : array
        As for `separable`; the inputs should be whole numbers, whose sums are exact.

    Returns
    -------
    tuple of four int, or None
        Rows of the two "on" and of the two "off" cases; None if there are none, which does not
        yet mean that there are weights.

    Raises
    ------
    InputError
        If the arrays do not fit each other.
    """
    rows, sign = _checked(x, answers)
    on, off = (np.flatnonzero(sign == side).tolist() for side in (1, -1))
    sums = {tuple(rows[a] + rows[b]): (a, b) for a, b in combinations_with_replacement(on, 2)}
    for c, d in combinations_with_replacement(off, 2):
        if pair := sums.get(tuple(rows[c] + rows[d])):
            return (*pair, c, d)
    return None


def most_right(x: Array, answers: Array) -> tuple[int, Array]:
    """Find the weights of one layer that get the most cases right.

    A mixed-integer program: each case has a switch that gives it up. Weights are searched up to
    `LARGEST_WEIGHT`, with a total input of at least 1 on the right side.

    Parameters
    ----------
    x, answers : array
        As for `separable`.

    Returns
    -------
    right : int
        Number of cases, counted with the weights.
    w : array, shape (inputs + 1,)
        Weights and, last, the bias.

    Raises
    ------
    InputError, BackpropError
        As for `separable`.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp  # slow to import

    rows, sign = _checked(x, answers)
    cases, size = rows.shape
    # In units in which no total input is below -1, so that a switch is enough to give a case up.
    margin = 1 / (1 + LARGEST_WEIGHT * np.abs(rows).sum(axis=1).max())
    kept = LinearConstraint(np.hstack([sign[:, None] * rows, np.eye(cases)]), lb=margin)
    switch = np.repeat([False, True], [size, cases])
    limit = np.where(switch, 1, LARGEST_WEIGHT * margin)
    limits = Bounds(np.where(switch, 0, -limit), limit)
    found = milp(1.0 * switch, constraints=kept, integrality=switch, bounds=limits)
    _solved(found)
    w: Array = found.x[:size] / margin
    return int((sign * (rows @ w) > 0).sum()), w


def parity_most_right(inputs: int) -> int:
    """Predict how many cases of parity one layer can get right (eq-parity-bound of the book).

    Parameters
    ----------
    inputs : int
        Number of inputs ``n``, at least 1.

    Returns
    -------
    int
        Half of the ``2^n`` cases, and ``(n - 1 over m)`` more, ``m`` being half of ``n - 1``,
        rounded down.
    """
    return 2 ** (inputs - 1) + comb(inputs - 1, (inputs - 1) // 2)


def parity_weights(inputs: int, *, gain: float = 10.0) -> Array:
    """Write down weights that compute parity with as many hidden units as inputs.

    Hidden unit ``k`` counts: it is on from ``k`` inputs on. The output takes them with alternating
    signs (the solution of the chapter of 1986, its Figure 6).

    Parameters
    ----------
    inputs : int
        Number of inputs and of hidden units.
    gain : float
        Factor on all weights; the larger, the closer the logistic units come to 0 and 1.

    Returns
    -------
    array, shape (P,)
        Parameters of a network of two `Dense` layers.
    """
    thresholds = np.arange(1, inputs + 1) - 0.5
    signs = (-1.0) ** np.arange(inputs)
    return gain * np.concatenate([np.ones(inputs**2), -thresholds, signs, [-0.5]])


def cover_count(cases: int, inputs: int) -> int:
    """Count the answers that one layer can give to points in general position.

    ``2 sum_{k=0}^{inputs} (cases - 1 over k)`` of the ``2^cases`` (Cover 1965, as recalled;
    eq-cover of the book). For points that are not in general position it is an upper bound.

    Parameters
    ----------
    cases, inputs : int
        Number of points, at least 1, and of their coordinates.

    Returns
    -------
    int
        The number.
    """
    return 2 * sum(comb(cases - 1, k) for k in range(inputs + 1))


def all_functions(inputs: int) -> Iterator[tuple[Array, Array]]:
    """List every Boolean function of a number of inputs.

    Parameters
    ----------
    inputs : int
        Number of inputs; there are ``2^(2^inputs)`` functions.

    Yields
    ------
    x : array, shape (2**inputs, inputs)
        The cases.
    answers : array, shape (2**inputs,)
        0 or 1; bit ``c`` of the function's number is the answer to case ``c``.
    """
    x, _ = parity(inputs)
    for number in range(2 ** len(x)):
        yield x, (number >> np.arange(len(x)) & 1).astype(float)


def without_four_cases(inputs: int) -> NDArray[np.int64]:
    """List the Boolean functions that `four_cases` does not rule out.

    All functions at once: a function is the number whose bits are its answers. Meant for up to
    four inputs.

    Parameters
    ----------
    inputs : int
        Number of inputs.

    Returns
    -------
    array of int
        Numbers of the functions, ascending.
    """
    x, _ = parity(inputs)
    functions = np.arange(2 ** len(x))
    left = np.ones(len(functions), dtype=bool)
    pairs: dict[tuple[float, ...], list[int]] = {}
    for a, b in combinations_with_replacement(range(len(x)), 2):
        pairs.setdefault(tuple(x[a] + x[b]), []).append(1 << a | 1 << b)
    for same_sum in pairs.values():
        for one in same_sum:
            on = functions & one == one
            for other in same_sum:
                left &= ~(on & (functions & other == 0))
    return functions[left]


def by_small_weights(inputs: int, largest: int) -> NDArray[np.int64]:
    """List the Boolean functions that whole weights up to a size compute.

    Parameters
    ----------
    inputs : int
        Number of inputs.
    largest : int
        Weights run from minus to plus this; the bias lies between whole numbers, where it
        matters.

    Returns
    -------
    array of int
        Numbers of the functions, ascending; bits as in `all_functions`.
    """
    x, _ = parity(inputs)
    weights = np.stack(np.meshgrid(*[np.arange(-largest, largest + 1)] * inputs), axis=-1)
    sums = weights.reshape(-1, inputs) @ x.T
    reach = largest * inputs + 1
    thresholds = np.arange(-reach, reach) + 0.5
    on = sums[:, None] > thresholds[:, None]
    return np.unique(on @ (1 << np.arange(len(x))))


def fewest_units(hidden: Array, answers: Array) -> int | None:
    """Count how many hidden units, taken in their order, make the answers separable.

    More units never hurt, so the number is found by halving.

    Parameters
    ----------
    hidden : array, shape (n, units)
        Outputs of the hidden units for each case.
    answers : array, shape (n,) or (n, 1)
        As for `separable`.

    Returns
    -------
    int or None
        The number; None if all of them are not enough.

    Raises
    ------
    InputError, BackpropError
        As for `separable`.
    """
    few, enough = 0, hidden.shape[1]
    if not separable(hidden, answers):
        return None
    while enough - few > 1:
        middle = (few + enough) // 2
        if separable(hidden[:, :middle], answers):
            enough = middle
        else:
            few = middle
    return enough


def _checked(x: Array, answers: Array) -> tuple[Array, Array]:
    """Give the cases with a constant input added, and +1 for on, -1 for off."""
    flat = np.reshape(answers, -1)
    if x.ndim != 2 or len(x) != len(flat) or not len(x) or not np.isfinite(x).all():
        raise InputError(
            f"the cases have shape {np.shape(x)} and the answers {np.shape(answers)}; expected "
            "finite inputs (n, inputs) and answers (n,) or (n, 1). Give one row for each case."
        )
    return np.column_stack([x, np.ones(len(x))]), np.where(flat > 0.5, 1.0, -1.0)


def _orthonormal(rows: Array) -> tuple[Array, Array]:
    """Change coordinates, so that inputs that hardly differ do not trouble the solver.

    What can be separated stays the same: ``basis = rows @ back``.
    """
    _, sizes, turn = np.linalg.svd(rows, full_matrices=False)
    kept = sizes > SMALLEST_DIFFERENCE * sizes[0]
    back = turn[kept].T / sizes[kept]
    return rows @ back, back


def _widest(basis: Array, sign: Array) -> tuple[Array, float, Array]:
    """Find the largest margin with weights between -1 and 1.

    Returns the weights, the margin, and how much each case holds it back (the dual): if the margin
    is zero, these are the shares of the certificate, up to their scale.
    """
    from scipy.optimize import linprog  # slow to import

    size = basis.shape[1]
    found = linprog(
        np.append(np.zeros(size), -1),
        A_ub=np.column_stack([-sign[:, None] * basis, np.ones(len(basis))]),
        b_ub=np.zeros(len(basis)),
        bounds=[(-1, 1)] * size + [(0, None)],
        method="highs",
    )
    _solved(found)
    return found.x[:-1], float(found.x[-1]), -found.ineqlin.marginals


def _solved(found: Any) -> None:
    if found.x is None or found.status != 0:
        raise BackpropError(
            f"the solver gave up ({found.message}); expected inputs that differ by more than "
            "rounding. Leave out units that are saturated for all cases."
        )
