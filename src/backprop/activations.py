"""Activation functions: the output of a unit and its slope *from the output*.

The 1986 paper writes the slope of the logistic function as ``y (1 - y)``: once
the forward pass is done the total input is no longer needed. Every activation
here keeps to that, so a layer has to remember its outputs only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Activation:
    """An activation function and its slope.

    Parameters
    ----------
    name : str
        Name for messages and records.
    value : callable
        Total input ``net`` -> output ``y``, elementwise, same shape and dtype.
    slope : callable
        Output ``y`` -> ``dy/dnet``, elementwise, same shape and dtype.
    sigmoid : tuple of float, optional
        ``o``, ``A`` and ``S`` if the function is ``o + A tanh(S net)``; for compiled loops.
    """

    name: str
    value: Callable[[Array], Array] = field(repr=False)
    slope: Callable[[Array], Array] = field(repr=False)
    sigmoid: tuple[float, float, float] | None = field(default=None, repr=False)


def scaled_tanh(amplitude: float, steepness: float) -> Activation:
    """Symmetric sigmoid ``A tanh(S net)`` (LeCun et al. 1989).

    Parameters
    ----------
    amplitude : float
        ``A``, the height of the asymptotes.
    steepness : float
        ``S``, so that the slope at the origin is ``A S``.

    Returns
    -------
    Activation
        Its slope is ``S (A - y**2 / A)``.
    """
    return Activation(
        f"{amplitude:g} tanh({steepness:.4g} net)",
        lambda net: amplitude * np.tanh(steepness * net),
        lambda y: steepness * (amplitude - y * y * (1 / amplitude)),
        sigmoid=(0.0, amplitude, steepness),
    )


#: The logistic function ``1 / (1 + exp(-net))`` (Eq. 2 of Rumelhart et al. 1986).
LOGISTIC = Activation(
    "logistic",
    # The form that cannot overflow.
    lambda net: 0.5 * (1 + np.tanh(0.5 * net)),
    lambda y: y * (1 - y),
    sigmoid=(0.5, 0.5, 0.5),
)
#: The hyperbolic tangent.
TANH = Activation("tanh", np.tanh, lambda y: 1 - y * y, sigmoid=(0.0, 1.0, 1.0))
#: The scaled tanh of 1989. The constants make f(1) = 1 and f(-1) = -1. The paper does not print
#: them; they are recalled from its sibling papers.
LECUN_TANH = scaled_tanh(1.7159, 2 / 3)
#: No activation function: the output is the total input.
LINEAR = Activation("linear", lambda net: net, np.ones_like)
#: The larger one of zero and the total input; its slope at zero is taken as zero.
RELU = Activation("relu", lambda net: np.maximum(net, 0), lambda y: (y > 0).astype(y.dtype))

ALL: tuple[Activation, ...] = (LOGISTIC, TANH, LECUN_TANH, LINEAR, RELU)
