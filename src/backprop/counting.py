"""Counting multiplications: arrays that note how many are carried out with them.

Nothing is estimated from a formula. The program runs as it is, on arrays that count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop.activations import Array

# Multiplications and divisions of single numbers; powers count as one.
ELEMENTWISE = (np.multiply, np.square, np.divide, np.reciprocal, np.power)


@dataclass
class Count:
    """Number of multiplications so far.

    Parameters
    ----------
    products : int
        Inside matrix products: inputs times weights, and what corresponds to them.
    elementwise : int
        All others, divisions included.
    """

    products: int = 0
    elementwise: int = 0

    @property
    def total(self) -> int:
        """All multiplications."""
        return self.products + self.elementwise


class Counted(np.ndarray[Any, Any]):
    """An array whose multiplications are counted, and those of all that is computed from it.

    A complex multiplication counts as the four real ones that it consists of.

    Parameters
    ----------
    count : Count
        Where they are counted; set by `counted`.
    """

    count: Count

    def __array_finalize__(self, other: Any) -> None:
        """Hand the count on to views and copies."""
        if hasattr(other, "count"):
            self.count = other.count

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Compute an operation with plain arrays, count it and wrap the result."""
        if any(hasattr(x, "__array_ufunc__") and not _is_plain(x) for x in inputs):
            return NotImplemented  # a variable of a tape, or a dual number: it holds such arrays
        plain = [x.view(np.ndarray) if isinstance(x, Counted) else x for x in inputs]
        if options.get("out"):
            options["out"] = tuple(
                x.view(np.ndarray) if isinstance(x, Counted) else x for x in options["out"]
            )
        result = getattr(ufunc, method)(*plain, **options)
        if method == "__call__":
            each = 4 if np.iscomplexobj(result) else 1
            if ufunc is np.matmul:
                self.count.products += each * result.size * plain[0].shape[-1]
            elif ufunc in ELEMENTWISE:
                self.count.elementwise += each * np.size(result)
        return None if result is None else counted(result, self.count)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Hand the count on to what is joined, stacked or otherwise rearranged."""
        result = super().__array_function__(func, types, args, kwargs)
        return counted(result, self.count) if isinstance(result, np.ndarray) else result


def _is_plain(x: Any) -> bool:
    return isinstance(x, np.ndarray | np.generic)


def counted(array: Any, count: Count) -> Counted:
    """Give an array (or a number) that counts.

    Parameters
    ----------
    array : array
        The values.
    count : Count
        Where multiplications are counted from now on.

    Returns
    -------
    Counted
        The same values.
    """
    wrapped = np.asarray(array).view(Counted)
    wrapped.count = count
    return wrapped


def multiplications(function: Callable[..., Any], *arrays: Array) -> Count:
    """Run a function once and count.

    Parameters
    ----------
    function : callable
        What is counted. Operations between numbers that do not come from `arrays` are not seen.
    *arrays : array
        Its arguments.

    Returns
    -------
    Count
        How many multiplications it took.
    """
    count = Count()
    function(*(counted(array, count) for array in arrays))
    return count
