"""A layer of feature maps: local receptive fields with shared weights.

This is the convolutional layer of LeCun et al. 1989: one kernel a map, moved over
the image in steps of two, with a border of fixed value around the image, *a bias
of its own for every unit*, and a table saying which maps read which.

Images are flat vectors in the order row, column, map. The moving window is one
gather: ``windows`` lists, for each position, the inputs that it covers. Its
backward pass is a gather too: ``readers`` lists, for each input, the places where
it is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from backprop.activations import LECUN_TANH, Activation, Array
from backprop.errors import InputError
from backprop.layers.base import Cache, LayerCount, Part, UnitLayer

Index = NDArray[np.intp]


@dataclass(frozen=True)
class Local(UnitLayer):
    """Feature maps with a shared kernel, a stride, a border and a bias per unit.

    Unit ``(i, j)`` of a map is centred on pixel ``(stride i, stride j)``.

    Parameters
    ----------
    in_shape : tuple of int
        Rows, columns and maps of the input.
    maps : int
        Number of feature maps.
    size : int
        Side of the square kernel, odd.
    stride : int
        Step between neighbouring units, in pixels.
    border : float
        Value of the inputs outside the image.
    table : tuple of tuples of int, optional
        For each feature map, the input maps that it reads. Default: all of them.
    activation : Activation
        Activation function of the units.

    Raises
    ------
    InputError
        If a size does not fit, or `table` names a map that does not exist.
    """

    in_shape: tuple[int, int, int]
    maps: int
    size: int = 5
    stride: int = 2
    border: float = -1.0
    table: tuple[tuple[int, ...], ...] | None = None
    activation: Activation = LECUN_TANH

    def __post_init__(self) -> None:
        """Check sizes and table."""
        if min(*self.in_shape, self.maps, self.size, self.stride) < 1 or self.size % 2 == 0:
            raise InputError(
                f"Local was given in_shape={self.in_shape}, maps={self.maps}, size={self.size}, "
                f"stride={self.stride}; all must be at least 1 and the size odd. Correct them."
            )
        if self.table is not None:
            _check_table(self.table, self.in_shape[2], self.maps)

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        rows, columns, maps = self.in_shape
        return rows * columns * maps

    @property
    def out_shape(self) -> tuple[int, int, int]:
        """Rows, columns and maps of the output."""
        rows, columns, _ = self.in_shape
        return -(-rows // self.stride), -(-columns // self.stride), self.maps

    @property
    def positions(self) -> int:
        """Number of places at which the kernel is applied."""
        return self.out_shape[0] * self.out_shape[1]

    @property
    def n_out(self) -> int:
        """Number of units."""
        return self.positions * self.maps

    @cached_property
    def windows(self) -> Index:
        """Inputs under the kernel, ``(positions, size * size * in_maps)``.

        The number ``n_in`` stands for the border.
        """
        rows, columns, maps = self.in_shape
        reach = self.size // 2
        inside = np.arange(self.n_in).reshape(rows, columns, maps)
        # Wide enough on the far side for strides that overshoot the image.
        around = ((reach, reach + self.stride), (reach, reach + self.stride), (0, 0))
        padded = np.pad(inside, around, constant_values=self.n_in)
        return np.stack(
            [
                padded[
                    i * self.stride : i * self.stride + self.size,
                    j * self.stride : j * self.stride + self.size,
                ].ravel()
                for i in range(self.out_shape[0])
                for j in range(self.out_shape[1])
            ]
        )

    @cached_property
    def readers(self) -> Index:
        """Places of each input in the windows, ``(most readers of an input, n_in)``.

        How many there are: eq-window-readers of the book. Places are numbers in the flattened
        windows; ``windows.size`` stands for none.
        """
        flat = self.windows.ravel()
        places = [np.flatnonzero(flat == i) for i in range(self.n_in)]
        readers = np.full((self.n_in, max(map(len, places))), flat.size)
        for row, found in zip(readers, places, strict=True):
            row[: len(found)] = found
        return np.ascontiguousarray(readers.T)

    @cached_property
    def _kernel_mask(self) -> NDArray[np.bool_]:
        """Which entries of the kernel ``(size, size, in_maps, maps)`` exist."""
        reads = np.ones((self.in_shape[2], self.maps), dtype=bool)
        if self.table is not None:
            reads[:] = False
            for map_, sources in enumerate(self.table):
                reads[list(sources), map_] = True
        return np.broadcast_to(reads, (self.size, self.size, *reads.shape))

    @cached_property
    def _used(self) -> Index:
        """Places of the free weights in the flattened kernel."""
        return np.flatnonzero(self._kernel_mask)

    @cached_property
    def _expand(self) -> Index:
        """For each entry of the kernel its free weight; ``_used.size`` stands for none."""
        expand = np.full(self._kernel_mask.size, self._used.size)
        expand[self._used] = np.arange(self._used.size)
        return expand.reshape(-1, self.maps)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Kernel weights that exist ``w (free,)`` and biases ``b (n_out,)``.

        The fan-in is that of the unit with most connections.
        """
        return Part("w", (self._used.size,), self._fan_in), Part("b", (self.n_out,), self._fan_in)

    @cached_property
    def _fan_in(self) -> int:
        """Connections of the unit that has most, its bias included."""
        return int(self._kernel_mask.reshape(-1, self.maps).sum(axis=0).max()) + 1

    @property
    def cache_size(self) -> int:
        """Numbers kept per case: the windows' contents and the outputs."""
        return self.windows.size + self.n_out

    def count(self) -> LayerCount:
        """Count units, connections (border ones and biases included), free parameters."""
        connections = self.positions * self._used.size + self.n_out
        return LayerCount(self.n_out, connections, self._used.size + self.n_out)

    def kernel(self, w: Array) -> Array:
        """Lay out the free weights as kernels.

        Parameters
        ----------
        w : array, shape (..., free)
            Weights of the layer, the first of its parts.

        Returns
        -------
        array, shape (..., size, size, in_maps, maps)
            Kernels, zero where the table has no connection.
        """
        return self._matrix(w).reshape(*w.shape[:-1], *self._kernel_mask.shape)

    def _matrix(self, w: Array) -> Array:
        """Lay out the free weights as ``(..., size * size * in_maps, maps)``."""
        if self._used.size == self._expand.size:
            return w.reshape(*w.shape[:-1], *self._expand.shape)
        return _gather(w, self._expand, 0.0)

    def _existing(self, kernel: Array) -> Array:
        """Take the free weights out of ``(..., size * size * in_maps, maps)``."""
        kernel = kernel.reshape(*kernel.shape[:-2], -1)
        whole = self._used.size == kernel.shape[-1]
        return kernel if whole else kernel.take(self._used, axis=-1, mode="clip")

    def under_windows(self, x: Array) -> Array:
        """Look at images ``(..., n_in)`` through the windows, ``(..., *windows.shape)``.

        What lies outside is the border, whose value reaches every unit that hangs over the edge
        (eq-border-shift of the book).
        """
        return _gather(x, self.windows, self.border)

    def from_windows(self, signal: Array) -> Array:
        """Carry a signal ``(..., *windows.shape)`` to the inputs: add up where each is read.

        For a line of inputs eq-window-input of the book, for images eq-local-input of the book.
        """
        flat = signal.reshape(*signal.shape[:-2], -1)
        return _gather(flat, self.readers, 0.0).sum(axis=-2)

    def forward(self, parameters: list[Array], x: Array) -> tuple[Array, Cache]:
        """Compute the feature maps (LeCun et al. 1989).

        On a line of inputs eq-window-forward of the book, on images eq-local-forward of the
        book.

        Parameters
        ----------
        parameters : list of arrays
            ``w (..., free)`` and ``b (..., n_out)``.
        x : array, shape (..., n, n_in)
            Images of ``n`` cases.

        Returns
        -------
        y : array, shape (..., n, n_out)
            Feature maps in the order row, column, map.
        cache : tuple
            Contents of the windows, and outputs.
        """
        w, b = parameters
        # (..., n, positions, k) -> (..., n * positions, k): one matrix product for all.
        windows = self.under_windows(x).reshape(*x.shape[:-2], -1, self.windows.shape[1])
        net = windows @ self._matrix(w)
        net = net.reshape(*net.shape[:-2], x.shape[-2], self.n_out)
        y = self.activation.value(net + b[..., None, :])
        return y, (windows, y)

    def transport(
        self, read: Array, w: Array, delta: Array, to_input: bool
    ) -> tuple[Array | None, list[Array]]:
        """Carry `delta` (at the total inputs) to the inputs, the weights and the biases.

        A weight gets the sum over its copies (eq-copies of the book): eq-window-kernel and
        eq-local-kernel of the book. An input gets the sum over the windows that read it:
        eq-window-input and eq-local-input of the book. Second derivatives are added up over
        the copies in the same way (eq-curvature-copies of the book).

        Parameters
        ----------
        read : array, shape (..., n * positions, size * size * in_maps)
            Contents of the windows.
        w : array, shape (..., free)
            Free weights.
        delta : array, shape (..., n, n_out)
            Signal at the total inputs.
        to_input : bool
            Whether the signal at the inputs is wanted.

        Returns
        -------
        dx : array, shape (..., n, n_in), or None
            Signal at the inputs: the sum over the windows that read each input.
        parts : list of arrays
            Signals at the free weights (summed over their copies) and the biases, summed
            over the cases.
        """
        by_window = delta.reshape(*delta.shape[:-2], -1, self.maps)
        dkernel = self._existing(np.swapaxes(read, -1, -2) @ by_window)
        gradients = [dkernel, delta.sum(axis=-2)]
        if not to_input:
            return None, gradients
        dwindows = by_window @ np.swapaxes(self._matrix(w), -1, -2)
        return self.from_windows(
            dwindows.reshape(*delta.shape[:-1], *self.windows.shape)
        ), gradients


def _gather(values: Array, index: Index, outside: float) -> Array:
    """Take entries of the last axis; the index one past the end means `outside`."""
    padding = np.full((*values.shape[:-1], 1), outside, dtype=values.dtype)
    # The index fits by construction: "clip" only saves the time for checking it.
    return np.concatenate([values, padding], axis=-1).take(index, axis=-1, mode="clip")


def _check_table(table: tuple[tuple[int, ...], ...], in_maps: int, maps: int) -> None:
    if len(table) != maps:
        raise InputError(
            f"the connection table has {len(table)} rows; the layer has {maps} feature maps. "
            "Give one row of input maps for each feature map."
        )
    for row, sources in enumerate(table):
        missing = [source for source in sources if not 0 <= source < in_maps]
        if missing or not sources or len(set(sources)) != len(sources):
            raise InputError(
                f"row {row} of the connection table is {tuple(sources)}; it must name at least "
                f"one input map, each once, between 0 and {in_maps - 1}. Correct that row."
            )
