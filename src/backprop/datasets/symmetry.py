"""The 64 cases of the symmetry task (Rumelhart et al. 1986, Fig. 1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BITS = 6


def symmetry() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """List all binary vectors of length six and say which are mirror-symmetric.

    Returns
    -------
    x : array, shape (64, 6)
        The vectors in counting order, 0 or 1, most significant bit first.
    target : array, shape (64, 1)
        1 where the vector reads the same from both ends, else 0.
    """
    x = np.arange(2**BITS)[:, np.newaxis] >> np.arange(BITS)[::-1] & 1
    target = (x == x[:, ::-1]).all(axis=1, keepdims=True)
    return x.astype(np.float64), target.astype(np.float64)
