"""A fully connected layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backprop.activations import LOGISTIC, Activation, Array
from backprop.errors import InputError
from backprop.layers.base import Cache, LayerCount, Part, UnitLayer, sum_over_cases


@dataclass(frozen=True)
class Dense(UnitLayer):
    """Every unit reads every input, and has a bias unless told otherwise.

    Parameters
    ----------
    n_in, n_out : int
        Number of inputs and of units.
    activation : Activation
        Activation function of the units.
    bias : bool
        Whether the units have biases.

    Raises
    ------
    InputError
        If a size is not positive.
    """

    n_in: int
    n_out: int
    activation: Activation = LOGISTIC
    bias: bool = True

    def __post_init__(self) -> None:
        """Check the sizes."""
        if self.n_in < 1 or self.n_out < 1:
            raise InputError(
                f"Dense was given {self.n_in} inputs and {self.n_out} units; "
                "both must be at least 1. Correct the sizes."
            )

    @property
    def parts(self) -> tuple[Part, ...]:
        """Weights ``w (n_in, n_out)`` and, if there are any, biases ``b (n_out,)``."""
        fan_in = self.n_in + self.bias
        weights = Part("w", (self.n_in, self.n_out), fan_in)
        return (weights, Part("b", (self.n_out,), fan_in)) if self.bias else (weights,)

    @property
    def cache_size(self) -> int:
        """Numbers kept per case: the outputs (the inputs are the layer below's outputs)."""
        return self.n_out

    def count(self) -> LayerCount:
        """Count units, connections and free parameters."""
        connections = self.n_out * (self.n_in + self.bias)
        return LayerCount(self.n_out, connections, connections)

    def forward(self, parameters: list[Array], x: Array) -> tuple[Array, Cache]:
        """Compute the outputs (Eqs. 1 and 2 of Rumelhart et al. 1986).

        Both at once: eq-forward of the book, and for a layer at a time eq-vector-forward of the
        book.

        Parameters
        ----------
        parameters : list of arrays
            ``w (..., n_in, n_out)`` and, if there are any, ``b (..., n_out)``.
        x : array, shape (..., n, n_in)
            Inputs of ``n`` cases.

        Returns
        -------
        y : array, shape (..., n, n_out)
            Outputs.
        cache : tuple
            Inputs and outputs.
        """
        net = x @ parameters[0]
        for b in parameters[1:]:
            net += b[..., None, :]
        y = self.activation.value(net)
        return y, (x, y)

    def transport(
        self, read: Array, w: Array, delta: Array, to_input: bool
    ) -> tuple[Array | None, list[Array]]:
        """Carry `delta` (at the total inputs) to the inputs, the weights and the biases.

        Unit by unit: Eqs. 6 and 7 of Rumelhart et al. 1986, and eq-bias-gradient of the book. A
        layer at a time: eq-vector-back and eq-vector-weights of the book. All cases at a time:
        eq-batch-back, eq-batch-weights and eq-batch-biases of the book.

        Parameters
        ----------
        read : array, shape (..., n, n_in)
            Inputs.
        w : array, shape (..., n_in, n_out)
            Weights.
        delta : array, shape (..., n, n_out)
            Signal at the total inputs.
        to_input : bool
            Whether the signal at the inputs is wanted.

        Returns
        -------
        dx : array, shape (..., n, n_in), or None
            Signal at the inputs: the sum over the units that each input feeds.
        parts : list of arrays
            Signals at the weights and the biases, summed over the cases.
        """
        dw = np.swapaxes(read, -1, -2) @ delta
        dx = delta @ np.swapaxes(w, -1, -2) if to_input else None
        return dx, [dw, sum_over_cases(delta)] if self.bias else [dw]
