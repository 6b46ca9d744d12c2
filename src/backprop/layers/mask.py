"""A layer without weights that multiplies each input with a fixed factor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop.activations import Array
from backprop.errors import InputError
from backprop.layers.base import Layer, LayerCount, Part


@dataclass(frozen=True, eq=False)
class Mask(Layer):
    """Inputs times fixed factors: zeros cut units out of a network.

    Dropout (Srivastava et al. 2014) trains another thinned network at every change of the
    weights. Here that is said as it is: a network with a new `Mask` for every change, and the
    whole network, with the same weights, for answering.

    Parameters
    ----------
    factors : array, shape (..., n, units)
        For each replica, case and unit.

    Raises
    ------
    InputError
        If `factors` has no axis of cases.
    """

    factors: Array

    def __post_init__(self) -> None:
        """Check the shape."""
        if np.ndim(self.factors) < 2:
            raise InputError(
                f"Mask was given factors of shape {np.shape(self.factors)}; expected "
                "(cases, units), with replicas in front if there are any. Correct the shape."
            )

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return int(self.factors.shape[-1])

    @property
    def n_out(self) -> int:
        """Number of outputs, as many."""
        return self.n_in

    @property
    def parts(self) -> tuple[Part, ...]:
        """No parameters."""
        return ()

    @property
    def cache_size(self) -> int:
        """Numbers kept per case: the outputs, which the layer above reads."""
        return self.n_out

    def count(self) -> LayerCount:
        """Count nothing: the units are those of the layer below."""
        return LayerCount(0, 0, 0)

    def forward(self, parameters: list[Array], x: Array) -> tuple[Array, None]:
        """Multiply with the factors."""
        return x * self.factors, None

    def backward(
        self, parameters: list[Array], cache: Any, dy: Array, *, to_input: bool = True
    ) -> tuple[Array, list[Array]]:
        """Carry ``dE/dy`` to the inputs: the same factors."""
        return dy * self.factors, []

    def hessian_diagonal(
        self, parameters: list[Array], cache: Any, hy: Array, *, to_input: bool = True
    ) -> tuple[Array, list[Array]]:
        """Carry ``d2E/dy2`` to the inputs: the factors squared."""
        return hy * self.factors**2, []


def dropout(
    shape: tuple[int, ...], share: float, *, rng: np.random.Generator, dtype: Any = np.float32
) -> Array:
    """Draw factors that drop a share of the units.

    Parameters
    ----------
    shape : tuple of int
        Shape of the factors.
    share : float
        Probability with which a unit is dropped, from 0 to below 1.
    rng : numpy.random.Generator
        Source of randomness.
    dtype : dtype
        Type of the result.

    Returns
    -------
    array, shape `shape`
        0 where a unit is dropped, else ``1 / (1 - share)``, so that the sums over units keep
        their mean and the whole network can answer with the weights as they are.

    Raises
    ------
    InputError
        If `share` is out of range.
    """
    if not 0 <= share < 1:
        raise InputError(f"the share to drop was given as {share}; expected 0 <= share < 1.")
    return ((rng.random(shape) >= share) / (1 - share)).astype(dtype)
