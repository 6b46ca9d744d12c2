"""A fully connected layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backprop.activations import LOGISTIC, Activation, Array
from backprop.errors import InputError
from backprop.layers.base import LayerCount, Part


@dataclass(frozen=True)
class Dense:
    """Every unit reads every input and has a bias.

    Parameters
    ----------
    n_in, n_out : int
        Number of inputs and of units.
    activation : Activation
        Activation function of the units.

    Raises
    ------
    InputError
        If a size is not positive.
    """

    n_in: int
    n_out: int
    activation: Activation = LOGISTIC

    def __post_init__(self) -> None:
        """Check the sizes."""
        if self.n_in < 1 or self.n_out < 1:
            raise InputError(
                f"Dense was given {self.n_in} inputs and {self.n_out} units; "
                "both must be at least 1. Correct the sizes."
            )

    @property
    def parts(self) -> tuple[Part, ...]:
        """Weights ``w (n_in, n_out)`` and biases ``b (n_out,)``."""
        fan_in = self.n_in + 1
        return Part("w", (self.n_in, self.n_out), fan_in), Part("b", (self.n_out,), fan_in)

    @property
    def cache_size(self) -> int:
        """Numbers kept per case: the outputs (the inputs are the layer below's outputs)."""
        return self.n_out

    def count(self) -> LayerCount:
        """Count units, connections and free parameters."""
        connections = self.n_out * (self.n_in + 1)
        return LayerCount(self.n_out, connections, connections)

    def forward(self, parameters: list[Array], x: Array) -> tuple[Array, tuple[Array, Array]]:
        """Compute the outputs (Eqs. 1 and 2 of Rumelhart et al. 1986).

        Parameters
        ----------
        parameters : list of arrays
            ``w (..., n_in, n_out)`` and ``b (..., n_out)``.
        x : array, shape (..., n, n_in)
            Inputs of ``n`` cases.

        Returns
        -------
        y : array, shape (..., n, n_out)
            Outputs.
        cache : tuple
            What `backward` needs: inputs and outputs.
        """
        w, b = parameters
        y = self.activation.value(x @ w + b[..., None, :])
        return y, (x, y)

    def backward(
        self,
        parameters: list[Array],
        cache: tuple[Array, Array],
        dy: Array,
        *,
        to_input: bool = True,
    ) -> tuple[Array | None, list[Array]]:
        """Propagate the gradient (Eqs. 5, 6 and 7 of Rumelhart et al. 1986).

        Parameters
        ----------
        parameters : list of arrays
            As in `forward`.
        cache : tuple
            From `forward`.
        dy : array, shape (..., n, n_out)
            ``dE/dy``.
        to_input : bool
            Whether ``dE/dx`` is wanted.

        Returns
        -------
        dx : array, shape (..., n, n_in), or None
            ``dE/dx``.
        gradients : list of arrays
            ``dE/dw`` and ``dE/db``, summed over the cases.
        """
        x, y = cache
        delta = self.activation.slope(y) * dy
        return _transport(x, parameters[0], delta, to_input)

    def hessian_diagonal(
        self,
        parameters: list[Array],
        cache: tuple[Array, Array],
        hy: Array,
        *,
        to_input: bool = True,
    ) -> tuple[Array | None, list[Array]]:
        """Propagate second derivatives: the backward pass with every factor squared.

        Terms off the diagonal and the term with the activation's own curvature are
        dropped, which leaves a Gauss-Newton estimate that is never negative (Becker &
        LeCun 1988, as recalled).

        Parameters
        ----------
        parameters, cache, to_input
            As in `backward`.
        hy : array, shape (..., n, n_out)
            ``d2E/dy2``.

        Returns
        -------
        hx : array, shape (..., n, n_in), or None
            ``d2E/dx2``.
        second : list of arrays
            ``d2E/dw2`` and ``d2E/db2``, summed over the cases.
        """
        x, y = cache
        slope = self.activation.slope(y)
        return _transport(x * x, parameters[0] ** 2, slope * slope * hy, to_input)


def _transport(
    x: Array, w: Array, delta: Array, to_input: bool
) -> tuple[Array | None, list[Array]]:
    """Carry `delta` (at the total inputs) to the weights, the biases and the inputs."""
    dw = np.swapaxes(x, -1, -2) @ delta
    db = delta.sum(axis=-2)
    dx = delta @ np.swapaxes(w, -1, -2) if to_input else None
    return dx, [dw, db]
