"""A layer that brings the total inputs of a layer of units to one mean and one spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from backprop.activations import LINEAR, Activation, Array
from backprop.errors import InputError
from backprop.layers.base import Layer, LayerCount, Part


class Normalised(NamedTuple):
    """What `Normalise.forward` keeps: normalised values, 1 / spread of each case, outputs."""

    values: Array
    scale: Array
    y: Array


@dataclass(frozen=True)
class Normalise(Layer):
    """Total inputs of one case brought to mean 0 and spread 1, then gain, bias and activation.

    This is layer normalisation (Ba et al. 2016, as recalled). Mean and spread are taken over
    the units, for each case by itself. So the answer to a case does not depend on the other
    cases, and one case at a time, as in online learning, will do; batch normalisation (Ioffe &
    Szegedy 2015) needs many.

    Put it above a `Dense` layer of linear units that have biases. Without biases, inputs and
    twice these inputs would give the same answer.

    Both parameters are kept as differences from a plain normalisation: the gain is ``1 + g``.
    They are named "b": they start where biases start, and decay of the weights spares them.

    Parameters
    ----------
    units : int
        Number of units; at least 2, since one alone has no spread.
    activation : Activation
        Activation function, applied last.
    epsilon : float
        Added to the variance, so that equal total inputs can be divided by their spread.

    Raises
    ------
    InputError
        If there are fewer than two units, or `epsilon` is not positive.
    """

    units: int
    activation: Activation = LINEAR
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.units < 2 or not self.epsilon > 0:
            raise InputError(
                f"Normalise was given {self.units} units and epsilon={self.epsilon}; expected at "
                "least 2 units and an epsilon above 0. Correct the settings."
            )

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return self.units

    @property
    def n_out(self) -> int:
        """Number of outputs, as many."""
        return self.units

    @property
    def parts(self) -> tuple[Part, ...]:
        """Gains less one ``g (units,)`` and biases ``b (units,)``."""
        return (Part("b", (self.units,), self.units + 1),) * 2

    @property
    def cache_size(self) -> int:
        """Numbers kept per case: the normalised values, their scale and the outputs."""
        return 2 * self.units + 1

    def count(self) -> LayerCount:
        """Count a gain and a bias for each unit; the units are those of the layer below."""
        return LayerCount(0, 2 * self.units, 2 * self.units)

    def forward(self, parameters: list[Array], x: Array) -> tuple[Array, Normalised]:
        """Compute the outputs (eq-normalise of the book).

        Parameters
        ----------
        parameters : list of arrays
            ``g (..., units)`` and ``b (..., units)``.
        x : array, shape (..., n, units)
            Total inputs of ``n`` cases.

        Returns
        -------
        y : array, shape (..., n, units)
            Outputs.
        cache : Normalised
            What the backward pass needs.
        """
        gain, bias = parameters
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = (centred * centred).mean(axis=-1, keepdims=True)
        scale = 1 / np.sqrt(variance + self.epsilon)
        values = centred * scale
        y = self.activation.value((1 + gain)[..., None, :] * values + bias[..., None, :])
        return y, Normalised(values, scale, y)

    def backward(
        self, parameters: list[Array], cache: Normalised, dy: Array, *, to_input: bool = True
    ) -> tuple[Array | None, list[Array]]:
        """Propagate the gradient; arguments and result as in `UnitLayer.backward`.

        A signal at the normalised values loses its mean and its share along them: no change
        of the total inputs in these two directions would be seen.
        """
        values, scale, y = cache
        delta = self.activation.slope(y) * dy
        dx = None
        if to_input:
            signal = (1 + parameters[0])[..., None, :] * delta
            along = (signal * values).mean(axis=-1, keepdims=True)
            dx = scale * (signal - signal.mean(axis=-1, keepdims=True) - along * values)
        return dx, [(delta * values).sum(axis=-2), delta.sum(axis=-2)]

    def hessian_diagonal(
        self, parameters: list[Array], cache: Normalised, hy: Array, *, to_input: bool = True
    ) -> tuple[Array | None, list[Array]]:
        """Propagate second derivatives; arguments and result as in `UnitLayer.hessian_diagonal`.

        Each derivative of a normalised value by a total input is squared, the dependence
        through mean and spread included.
        """
        values, scale, y = cache
        slope = self.activation.slope(y)
        second = slope * slope * hy
        hx = None
        if to_input:
            n = self.units
            h = ((1 + parameters[0]) ** 2)[..., None, :] * second
            zeroth, first, square = (
                (h * values**power).sum(axis=-1, keepdims=True) for power in range(3)
            )
            own = h * (1 - 2 * (1 + values**2) / n)
            others = (zeroth + 2 * values * first + values**2 * square) / n**2
            hx = scale**2 * (own + others)
        return hx, [(second * values**2).sum(axis=-2), second.sum(axis=-2)]
