"""Tasks for nets in time: shift registers, and letters that stand for digits.

Both are from the longer chapter of Rumelhart, Hinton & Williams 1986 (PDP, vol. 1, ch. 8).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backprop.errors import InputError

# Each letter stands for two digits (seen in a scan of the chapter's Table 10).
CODES = {"A": "12", "B": "23", "C": "31", "D": "21", "E": "13"}
LETTERS, DIGITS = "".join(CODES), "123"
HELD_OUT = ("AD", "BE", "CA", "DB", "EC")
SEQUENCES = tuple("".join(pair) for pair in itertools.product(LETTERS, repeat=2))
TRAINED = tuple(pair for pair in SEQUENCES if pair not in HELD_OUT)


def shift_register(units: int, shifts: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """List all binary patterns, and each one rotated to the left once, twice, and so on.

    Parameters
    ----------
    units : int
        Length of the patterns, at least 2.
    shifts : int
        How many rotations, at least 1.

    Returns
    -------
    x : array, shape (2**units, units)
        The patterns in counting order, 0 or 1.
    answers : array, shape (2**units, shifts, units)
        The patterns after 1 to `shifts` rotations by one place.

    Raises
    ------
    InputError
        If a number is too small.
    """
    if units < 2 or shifts < 1:
        raise InputError(
            f"a shift register of {units} units and {shifts} shifts was asked for; expected at "
            "least 2 units and 1 shift. Give larger numbers."
        )
    x = (np.arange(2**units)[:, np.newaxis] >> np.arange(units)[::-1] & 1).astype(np.float64)
    return x, np.stack([np.roll(x, -k, axis=1) for k in range(1, shifts + 1)], axis=1)


def complete(letters: str) -> str:
    """Give the digits that letters stand for.

    Parameters
    ----------
    letters : str
        Letters from A to E.

    Returns
    -------
    str
        Two digits a letter: "AD" gives "1221".

    Raises
    ------
    InputError
        If a letter has no code.
    """
    for letter in letters:
        if letter not in CODES:
            raise InputError(
                f"the sequence '{letters}' has the letter '{letter}'; expected letters out of "
                f"{LETTERS}. Use capital letters from that list."
            )
    return "".join(CODES[letter] for letter in letters)


def letter_inputs(pairs: Sequence[str]) -> NDArray[np.float64]:
    """Show letters to a net, one at a time step, followed by silence.

    Parameters
    ----------
    pairs : sequence of str
        Two letters each.

    Returns
    -------
    array, shape (n, 6, 5)
        For each of the six steps one input for each letter: 1 for the letter shown, 0 for
        the others, and 0 for all of them at the four steps of the digits.

    Raises
    ------
    InputError
        If a sequence has not two letters, or a letter has no code.
    """
    x = np.zeros((len(pairs), 6, len(LETTERS)))
    for case, pair in enumerate(_checked(pairs)):
        for step, letter in enumerate(pair):
            x[case, step, LETTERS.index(letter)] = 1
    return x


def digit_answers(pairs: Sequence[str]) -> NDArray[np.float64]:
    """Give the answers to `letter_inputs`: the four digits, one after the other.

    Parameters
    ----------
    pairs : sequence of str
        Two letters each.

    Returns
    -------
    array, shape (n, 4, 3)
        For each digit 1 at the output that stands for it, else 0.

    Raises
    ------
    InputError
        As `letter_inputs`.
    """
    digits = [[DIGITS.index(digit) for digit in complete(pair)] for pair in _checked(pairs)]
    return np.eye(len(DIGITS))[np.array(digits, dtype=np.intp).reshape(-1, 4)]


def _checked(pairs: Sequence[str]) -> Sequence[str]:
    for pair in pairs:
        if len(pair) != 2:
            raise InputError(
                f"the sequence '{pair}' has {len(pair)} letters; expected 2. Give two letters."
            )
        complete(pair)
    return pairs
