"""What every layer offers to a network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from backprop.activations import Activation, Array


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


class Layer(Protocol):
    """Interface of a layer; shapes carry replicas as leading axes ``...``."""

    @property
    def n_in(self) -> int:
        """Number of inputs."""

    @property
    def n_out(self) -> int:
        """Number of units."""

    @property
    def activation(self) -> Activation:
        """Activation function of the units."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """Parameter arrays, in their order in the flat vector."""

    @property
    def cache_size(self) -> int:
        """Numbers kept for the backward pass per case, the layer's input not counted."""

    def count(self) -> LayerCount:
        """Count units, connections and free parameters."""

    def forward(self, parameters: list[Array], x: Array) -> tuple[Array, Any]:
        """Map inputs ``(..., n, n_in)`` to outputs ``(..., n, n_out)`` and a cache."""

    def backward(
        self, parameters: list[Array], cache: Any, dy: Array, *, to_input: bool = True
    ) -> tuple[Array | None, list[Array]]:
        """Map ``dE/dy`` to ``dE/dx`` (or None) and the gradient of each part."""

    def hessian_diagonal(
        self, parameters: list[Array], cache: Any, hy: Array, *, to_input: bool = True
    ) -> tuple[Array | None, list[Array]]:
        """Map ``d2E/dy2`` to ``d2E/dx2`` (or None) and the second derivatives of each part."""
