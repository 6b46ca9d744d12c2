"""A network: a chain of layers with all its parameters in one flat vector.

The parameter vector ``w`` has shape ``(..., P)``. Leading axes are replicas: with
``w (P,)`` every function works on one network, with ``w (S, P)`` on ``S`` of them at
once, through the same code. The gradient and the second derivatives have the shape
of ``w``, so that an optimiser is arithmetic on vectors.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from backprop.activations import Array
from backprop.errors import InputError
from backprop.initialisers import Initialiser
from backprop.layers import Layer, LayerCount, Part


@dataclass(frozen=True)
class Network:
    """Layers, one behind the other.

    Parameters
    ----------
    layers : tuple of Layer
        From the input to the output.

    Raises
    ------
    InputError
        If there is no layer, or a layer does not fit the one before it.
    """

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        """Check that the layers fit together."""
        if not self.layers:
            raise InputError("a network was given no layers; give at least one.")
        for number, (below, above) in enumerate(pairwise(self.layers), start=1):
            if below.n_out != above.n_in:
                raise InputError(
                    f"layer {number} has {below.n_out} units, but layer {number + 1} expects "
                    f"{above.n_in} inputs. Make the two numbers equal."
                )

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return self.layers[0].n_in

    @property
    def n_out(self) -> int:
        """Number of output units."""
        return self.layers[-1].n_out

    @cached_property
    def n_params(self) -> int:
        """Number of free parameters ``P``."""
        return sum(part.size for layer in self.layers for part in layer.parts)

    @cached_property
    def _slices(self) -> tuple[tuple[tuple[int, int, tuple[int, ...]], ...], ...]:
        """Start, stop and shape of each part of each layer in the flat vector."""
        start, slices = 0, []
        for layer in self.layers:
            rows = []
            for part in layer.parts:
                rows.append((start, start + part.size, part.shape))
                start += part.size
            slices.append(tuple(rows))
        return tuple(slices)

    @cached_property
    def _last_shape(self) -> tuple[int, ...]:
        """Shape of the last part."""
        return self.parts()[-1].shape

    def unpack(self, w: Array) -> list[list[Array]]:
        """Give each parameter array as a view of the flat vector.

        Parameters
        ----------
        w : array, shape (..., P)
            Parameters (or a gradient, or second derivatives).

        Returns
        -------
        list of lists of arrays
            For each layer its parts, each of shape ``(..., *part.shape)``.

        Raises
        ------
        InputError
            If the last axis of `w` is not ``P``.
        """
        if w.shape[-1:] != (self.n_params,):
            raise InputError(
                f"the parameters have shape {w.shape}; the last axis must be {self.n_params}, the "
                "number of free parameters of this network. Use Network.init to make them."
            )
        lead = w.shape[:-1]
        return [
            [w[..., start:stop].reshape(lead + shape) for start, stop, shape in rows]
            for rows in self._slices
        ]

    def init(
        self,
        weights: Initialiser,
        biases: Initialiser | None = None,
        *,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float64,
    ) -> Array:
        """Draw initial parameters, each by itself (eq-initialise of the book).

        Parameters
        ----------
        weights : Initialiser
            For the weights.
        biases : Initialiser, optional
            For the biases. Default: as for the weights.
        rng : numpy.random.Generator
            Source of randomness.
        dtype : dtype
            Type of the result. Draws are made in float64, so a seed means the same
            numbers in both precisions.

        Returns
        -------
        array, shape (P,)
            Initial parameters.
        """
        by_name = {"w": weights, "b": biases or weights}
        drawn = [by_name[part.name](part, rng=rng) for part in self.parts()]
        return np.concatenate([array.ravel() for array in drawn]).astype(dtype)

    def init_replicas(
        self,
        weights: Initialiser,
        biases: Initialiser | None = None,
        *,
        seeds: Iterable[int],
        dtype: DTypeLike = np.float64,
    ) -> Array:
        """Draw one replica for each seed, equal to `init` with that seed alone.

        Parameters
        ----------
        weights, biases, dtype
            As in `init`.
        seeds : iterable of int
            One seed for each replica.

        Returns
        -------
        array, shape (S, P)
            Initial parameters.
        """
        rngs = [np.random.default_rng(seed) for seed in seeds]
        return np.stack([self.init(weights, biases, rng=rng, dtype=dtype) for rng in rngs])

    def parts(self) -> list[Part]:
        """List the parameter arrays in their order in the flat vector."""
        return [part for layer in self.layers for part in layer.parts]

    def mask(self, name: str) -> NDArray[np.bool_]:
        """Tell which parameters are weights ("w") or biases ("b"), ``(P,)``."""
        return np.concatenate([np.full(part.size, part.name == name) for part in self.parts()])

    def forward(self, w: Array, x: Array) -> tuple[Array, list[Any]]:
        """Compute the outputs and keep what the backward pass needs.

        Parameters
        ----------
        w : array, shape (..., P)
            Parameters.
        x : array, shape (n, n_in) or (..., n, n_in)
            Inputs of ``n`` cases.

        Returns
        -------
        y : array, shape (..., n, n_out)
            Outputs.
        caches : list
            One cache for each layer.

        Raises
        ------
        InputError
            If a shape does not fit the network.
        """
        if x.ndim < 2 or x.shape[-1] != self.n_in:
            raise InputError(
                f"the inputs have shape {x.shape}; expected (cases, {self.n_in}). "
                "Give one row for each case."
            )
        caches = []
        for layer, parameters in zip(self.layers, self.unpack(w), strict=True):
            x, cache = layer.forward(parameters, x)
            caches.append(cache)
        return x, caches

    def predict(self, w: Array, x: Array, *, batch: int = 512) -> Array:
        """Compute outputs only, in batches, so that memory stays small.

        Parameters
        ----------
        w, x
            As in `forward`.
        batch : int
            Number of cases handled at once.

        Returns
        -------
        array, shape (..., n, n_out)
            Outputs.
        """
        cases = x.shape[-2] if x.ndim > 1 else 1
        pieces = [
            self.forward(w, x[..., start : start + batch, :])[0]
            for start in range(0, max(cases, 1), batch)
        ]
        return np.concatenate(pieces, axis=-2)

    def backward(self, w: Array, caches: list[Any], dy: Array) -> Array:
        """Compute the gradient of the loss with respect to every parameter.

        What this takes for one case in fully connected logistic layers: eq-reuse-work of the book.

        Parameters
        ----------
        w : array, shape (..., P)
            Parameters.
        caches : list
            From `forward` with the same parameters.
        dy : array, shape (..., n, n_out)
            ``dE/dy`` from the loss.

        Returns
        -------
        array, shape (..., P)
            ``dE/dw``, summed over the cases.
        """
        return self._pass_back("backward", w, caches, dy)[1]

    def input_gradient(self, w: Array, caches: list[Any], dy: Array) -> Array:
        """Compute the gradient with respect to the inputs, ``(..., n, n_in)``.

        In a network of single units: eq-chain of the book.

        Parameters
        ----------
        w, caches, dy
            As in `backward`.

        Returns
        -------
        array, shape (..., n, n_in)
            ``dE/dx`` of each case.
        """
        return self._pass_back("backward", w, caches, dy, to_input=True)[0]

    def gradients(self, w: Array, caches: list[Any], dy: Array) -> tuple[Array, Array]:
        """Compute both gradients in one backward pass: for a network below which there is more.

        Parameters
        ----------
        w, caches, dy
            As in `backward`.

        Returns
        -------
        dx : array, shape (..., n, n_in)
            As from `input_gradient`.
        dw : array, shape (..., P)
            As from `backward`.
        """
        return self._pass_back("backward", w, caches, dy, to_input=True)

    def hessian_diagonal(self, w: Array, caches: list[Any], hy: Array) -> Array:
        """Estimate the second derivative by every parameter (diagonal Gauss-Newton).

        Parameters
        ----------
        w, caches
            As in `backward`.
        hy : array, shape (..., n, n_out)
            ``d2E/dy2`` from the loss.

        Returns
        -------
        array, shape (..., P)
            Second derivatives, summed over the cases, none negative if `hy` has none.
        """
        return self._pass_back("hessian_diagonal", w, caches, hy)[1]

    def _pass_back(
        self, method: str, w: Array, caches: list[Any], signal: Array, to_input: bool = False
    ) -> tuple[Any, Array]:
        """Run `method` of every layer from the output to the input; join the parts."""
        parameters = self.unpack(w)
        collected: list[Array] = []
        for i in reversed(range(len(self.layers))):
            signal, parts = getattr(self.layers[i], method)(
                parameters[i], caches[i], signal, to_input=to_input or i > 0
            )
            collected = [*parts, *collected]
        # Replicas can enter with the weights, the inputs, or both.
        lead = collected[-1].shape[: -len(self._last_shape)]
        return signal, np.concatenate([p.reshape(*lead, -1) for p in collected], axis=-1)

    def count(self) -> list[LayerCount]:
        """Count units, connections and free parameters, input layer first."""
        return [LayerCount(self.n_in, 0, 0), *(layer.count() for layer in self.layers)]

    def total(self) -> LayerCount:
        """Add up `count` over the layers, the input units included."""
        return LayerCount(*(sum(column) for column in zip(*self.count(), strict=True)))

    def cache_bytes(self, cases: int, *, dtype: DTypeLike = np.float64) -> int:
        """Predict what `forward` keeps for the backward pass (eq-memory-kept of the book).

        An output that the layer above copies for itself (`Local`, or `Recurrent` with feedback,
        above a `Split` or a `Recurrent`) is counted although it is let go.

        Parameters
        ----------
        cases : int
            Number of cases in the forward pass.
        dtype : dtype
            Type of the arrays.

        Returns
        -------
        int
            Bytes of the inputs, of all caches and of the outputs, for one replica.
        """
        numbers = self.n_in + sum(layer.cache_size for layer in self.layers)
        return cases * numbers * np.dtype(dtype).itemsize
