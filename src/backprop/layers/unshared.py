"""A layer of feature maps without shared weights: the same windows, a kernel for every unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backprop.activations import Array
from backprop.layers.base import Cache, LayerCount, Part
from backprop.layers.local import Local


@dataclass(frozen=True)
class Unshared(Local):
    """The connections of `Local`, each with a weight of its own.

    It answers what weight sharing is worth: the same units read the same windows, but nothing
    makes two units of a map look for the same feature.

    Parameters
    ----------
    in_shape, maps, size, stride, border, table, activation
        As for `Local`.
    """

    @property
    def parts(self) -> tuple[Part, ...]:
        """Weights ``w (positions * free,)``, window after window, and biases ``b (n_out,)``."""
        shared, biases = super().parts
        return Part("w", (self.positions * shared.size,), shared.fan_in), biases

    def count(self) -> LayerCount:
        """Count units, connections (border ones and biases included), free parameters."""
        shared = super().count()
        return shared._replace(free=shared.connections)

    def kernel(self, w: Array) -> Array:
        """Lay out the weights as kernels, ``(..., positions, size, size, in_maps, maps)``."""
        return super().kernel(self._by_window(w))

    def _by_window(self, w: Array) -> Array:
        return w.reshape(*w.shape[:-1], self.positions, -1)

    def forward(self, parameters: list[Array], x: Array) -> tuple[Array, Cache]:
        """Compute the feature maps.

        Parameters
        ----------
        parameters : list of arrays
            ``w (..., positions * free)`` and ``b (..., n_out)``.
        x : array, shape (..., n, n_in)
            Images of ``n`` cases.

        Returns
        -------
        y : array, shape (..., n, n_out)
            Feature maps in the order row, column, map.
        cache : tuple
            Contents of the windows ``(..., positions, n, size * size * in_maps)``, and outputs.
        """
        w, b = parameters
        windows = np.swapaxes(self.under_windows(x), -2, -3)
        net = np.swapaxes(windows @ self._matrix(self._by_window(w)), -2, -3)
        y = self.activation.value(net.reshape(*net.shape[:-2], self.n_out) + b[..., None, :])
        return y, (windows, y)

    def transport(
        self, read: Array, w: Array, delta: Array, to_input: bool
    ) -> tuple[Array | None, list[Array]]:
        """Carry `delta` (at the total inputs) to the inputs, the weights and the biases.

        Each copy keeps its own term of the sum in eq-copies of the book.

        Parameters
        ----------
        read : array, shape (..., positions, n, size * size * in_maps)
            Contents of the windows.
        w : array, shape (..., positions * free)
            Weights.
        delta : array, shape (..., n, n_out)
            Signal at the total inputs.
        to_input : bool
            Whether the signal at the inputs is wanted.

        Returns
        -------
        dx : array, shape (..., n, n_in), or None
            Signal at the inputs.
        parts : list of arrays
            Signals at the weights and the biases, summed over the cases.
        """
        by_window = delta.reshape(*delta.shape[:-1], self.positions, self.maps).swapaxes(-2, -3)
        dkernels = self._existing(np.swapaxes(read, -1, -2) @ by_window)
        gradients = [dkernels.reshape(*dkernels.shape[:-2], -1), delta.sum(axis=-2)]
        if not to_input:
            return None, gradients
        dwindows = by_window @ np.swapaxes(self._matrix(self._by_window(w)), -1, -2)
        return self.from_windows(np.swapaxes(dwindows, -2, -3)), gradients
