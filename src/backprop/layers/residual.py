"""A layer with a link past it: its inputs are added to its outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backprop.activations import Array
from backprop.errors import InputError
from backprop.layers.base import Layer, LayerCount, Part


@dataclass(frozen=True)
class Residual(Layer):
    """What an inner layer computes, added to its own inputs (He et al. 2016, as recalled).

    Whatever the inner layer does to a gradient, the gradient also passes by it unchanged.

    Parameters
    ----------
    inner : Layer
        The layer that is passed by.

    Raises
    ------
    InputError
        If the inner layer has not as many units as inputs.
    """

    inner: Layer

    def __post_init__(self) -> None:
        """Check that inputs and outputs can be added."""
        if self.inner.n_in != self.inner.n_out:
            raise InputError(
                f"Residual was given a layer of {self.inner.n_in} inputs and {self.inner.n_out} "
                "units; expected as many units as inputs, since the two are added. Change one."
            )

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return self.inner.n_in

    @property
    def n_out(self) -> int:
        """Number of outputs, as many."""
        return self.inner.n_out

    @property
    def parts(self) -> tuple[Part, ...]:
        """Parts of the inner layer; the link has none."""
        return self.inner.parts

    @property
    def cache_size(self) -> int:
        """Numbers kept per case: those of the inner layer, and the sums, which are read above."""
        return self.inner.cache_size + self.n_out

    def count(self) -> LayerCount:
        """Count the inner layer; a link has no weight and is not counted."""
        return self.inner.count()

    def forward(self, parameters: list[Array], x: Array) -> tuple[Array, Any]:
        """Compute the outputs (eq-residual of the book).

        Parameters
        ----------
        parameters : list of arrays
            Of the inner layer.
        x : array, shape (..., n, n_in)
            Inputs of ``n`` cases.

        Returns
        -------
        y : array, shape (..., n, n_out)
            Inputs plus outputs of the inner layer.
        cache : object
            Of the inner layer.
        """
        y, cache = self.inner.forward(parameters, x)
        return x + y, cache

    def backward(
        self, parameters: list[Array], cache: Any, dy: Array, *, to_input: bool = True
    ) -> tuple[Array | None, list[Array]]:
        """Carry ``dE/dy`` through the inner layer and past it; as `UnitLayer.backward`."""
        dx, gradients = self.inner.backward(parameters, cache, dy, to_input=to_input)
        return (None if dx is None else dy + dx), gradients

    def hessian_diagonal(
        self, parameters: list[Array], cache: Any, hy: Array, *, to_input: bool = True
    ) -> tuple[Array | None, list[Array]]:
        """Carry ``d2E/dy2`` through the inner layer and past it.

        The product of the two ways from an input to the output of the same number is dropped,
        as the products of any two ways are (see `UnitLayer.hessian_diagonal`). Without it the
        estimate is never negative.
        """
        hx, second = self.inner.hessian_diagonal(parameters, cache, hy, to_input=to_input)
        return (None if hx is None else hy + hx), second
