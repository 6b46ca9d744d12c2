"""What every layer offers to a network, and the two backward passes that layers of units share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from backprop.activations import Activation, Array

# What the weights were multiplied with, and the outputs.
Cache = tuple[Array, Array]
# Numbers to add up, below which one call of the method is faster.
_SHORT = 500


def sum_over_cases(signal: Array) -> Array:
    """Add up the cases: ``signal.sum(axis=-2)``, at several times its speed for many thin layers.

    Parameters
    ----------
    signal : array, shape (..., n, k)
        Numbers of ``n`` cases. Variables of `backprop.tape` and dual numbers are taken as well.

    Returns
    -------
    array, shape (..., k)
        Sums, the same to the last bit: both ways add the cases in their order.
    """
    # Where k is 1, the method adds pairwise; and short sums are not worth what einsum costs.
    if isinstance(signal, np.ndarray) and signal.shape[-1] > 1 and signal.size > _SHORT:
        return np.einsum("...ij->...j", signal)
    return signal.sum(axis=-2)


@dataclass(frozen=True)
class Part:
    """One array of parameters of a layer.

    Parameters
    ----------
    name : str
        "w" for weights, "b" for biases.
    shape : tuple of int
        Shape of the array in one replica.
    fan_in : int
        Number of connections into one unit of the layer, its bias included.
    """

    name: str
    shape: tuple[int, ...]
    fan_in: int

    @property
    def size(self) -> int:
        """Number of free parameters."""
        return math.prod(self.shape)


class LayerCount(NamedTuple):
    """Size of a layer, counted as LeCun et al. 1989 count (biases are connections)."""

    units: int
    connections: int
    free: int


class Layer(ABC):
    """One step of a network from inputs to outputs; holds no weights.

    Shapes carry replicas as leading axes ``...``.
    """

    if TYPE_CHECKING:
        # Fields in one kind, properties in another: at run time a property here would be
        # taken for the default value of the field.
        @property
        def n_in(self) -> int:
            """Number of inputs."""

        @property
        def n_out(self) -> int:
            """Number of units."""

    @property
    @abstractmethod
    def parts(self) -> tuple[Part, ...]:
        """Parameter arrays, in their order in the flat vector: weights, then biases."""

    @property
    @abstractmethod
    def cache_size(self) -> int:
        """Numbers that `forward` leaves in memory per case: in the cache or as outputs.

        The input is not counted, since it is the output of the layer below, nor is what is a
        view of it.
        """

    @abstractmethod
    def count(self) -> LayerCount:
        """Count units, connections and free parameters."""

    @abstractmethod
    def forward(self, parameters: list[Array], x: Array) -> tuple[Array, Any]:
        """Map inputs ``(..., n, n_in)`` to outputs ``(..., n, n_out)`` and a cache."""

    @abstractmethod
    def backward(
        self, parameters: list[Array], cache: Any, dy: Array, *, to_input: bool = True
    ) -> tuple[Array | None, list[Array]]:
        """Carry ``dE/dy`` to the inputs (or None) and to each part; see `UnitLayer.backward`."""

    @abstractmethod
    def hessian_diagonal(
        self, parameters: list[Array], cache: Any, hy: Array, *, to_input: bool = True
    ) -> tuple[Array | None, list[Array]]:
        """Carry ``d2E/dy2`` likewise; see `UnitLayer.hessian_diagonal`."""


class UnitLayer(Layer):
    """A layer of units that add up weighted inputs and pass the sum through an activation.

    A kind of layer says what it consists of, how it computes its outputs (`forward`), and how
    it carries a signal at its total inputs to the weights and to the layer below (`transport`).
    The two backward passes are the same for every kind.
    """

    if TYPE_CHECKING:

        @property
        def activation(self) -> Activation:
            """Activation function of the units."""

    @abstractmethod
    def transport(
        self, read: Array, w: Array, delta: Array, to_input: bool
    ) -> tuple[Array | None, list[Array]]:
        """Carry `delta` (at the total inputs) to the inputs (or None) and to each part.

        Parameters
        ----------
        read : array
            What the weights were multiplied with, as `forward` left it in the cache.
        w : array
            Weights, the first of the parts.
        delta : array, shape (..., n, n_out)
            Signal at the total inputs.
        to_input : bool
            Whether the signal at the inputs is wanted.
        """

    def backward(
        self, parameters: list[Array], cache: Cache, dy: Array, *, to_input: bool = True
    ) -> tuple[Array | None, list[Array]]:
        """Propagate the gradient (Eqs. 5, 6 and 7 of Rumelhart et al. 1986).

        ``dE/dy`` goes through the activation, which makes it δ at the total inputs
        (eq-chain-rule, eq-delta-output and eq-delta-down of the book); `transport` carries δ
        on to weights, biases and inputs. Both together: eq-backward of the book.

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
            ``dE/dw`` and ``dE/db``, summed over the cases; that of a shared weight is the sum
            over its copies.
        """
        read, y = cache
        delta = self.activation.slope(y) * dy
        return self.transport(read, parameters[0], delta, to_input)

    def hessian_diagonal(
        self, parameters: list[Array], cache: Cache, hy: Array, *, to_input: bool = True
    ) -> tuple[Array | None, list[Array]]:
        """Propagate second derivatives: the backward pass with every factor squared.

        Through the activation (eq-curvature-unit of the book), to the weights and biases
        (eq-curvature-weight of the book) and to the layer below (eq-curvature-below of the
        book). What is dropped: the term with the activation's own curvature
        (eq-curvature-exact of the book), terms off the diagonal, and products between copies
        of a shared weight. That leaves an estimate of the Gauss-Newton diagonal that is never
        negative (Becker & LeCun 1988, as recalled). It costs about as much as the gradient
        (eq-second-pass of the book).

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
            ``d2E/dw2`` and ``d2E/db2``, summed over the cases (and over copies).
        """
        read, y = cache
        slope = self.activation.slope(y)
        return self.transport(read * read, parameters[0] ** 2, slope * slope * hy, to_input)
