"""Nets in time: a synchronous net run for some steps, with the same weights at each step.

Rumelhart et al. 1986 (Fig. 5) turn such a net into a layered one: one layer for each time
step, equal weights in all of them. `Recurrent` is written that way. It is a `Layer`: its
inputs and outputs hold all time steps side by side, so that `Network`, `train_batch` and
`check_network` work on it unchanged and no second training loop is needed.

`layered` makes the equivalent layered net out of layers that know nothing of time, so that
the equality can be measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop.activations import LINEAR, Array
from backprop.errors import InputError
from backprop.layers import Dense, Layer, LayerCount, Part, Split
from backprop.layers.base import Cache
from backprop.network import Network
from backprop.optimisers import Optimiser


@dataclass(frozen=True)
class Recurrent(Layer):
    """A net whose units all change at once, at every time step, by the same weights.

    At step ``t`` each unit reads the states of all units after step ``t - 1`` and the
    external input of step ``t``. The inputs of a case are the states before the first step
    (unless `start` gives them), then the external input of step 1, of step 2, and so on. Its
    outputs are the states after each of the `last` steps, the earliest first.

    Parameters
    ----------
    cell : Dense
        One time step: from the states (first) and the external input to the new states.
    steps : int
        Number of time steps.
    last : int
        At how many of the last steps the states are outputs; 1 gives the final states only.
    start : float, optional
        State of every unit before the first step. Default: part of the input.
    feedback : bool
        Whether units read the states of the last step. Without it the cell is a layer
        applied at each step, such as output units that read recurrent hidden units.

    Raises
    ------
    InputError
        If the sizes do not fit each other.
    """

    cell: Dense
    steps: int
    last: int = 1
    start: float | None = None
    feedback: bool = True

    def __post_init__(self) -> None:
        """Check the sizes."""
        if not 1 <= self.last <= self.steps:
            raise InputError(
                f"Recurrent was given steps={self.steps} and last={self.last}; expected at least "
                "one step, and `last` from 1 to the number of steps. Correct them."
            )
        if self.external < 0 or self.n_in < 1:
            raise InputError(
                f"the cell has {self.cell.n_in} inputs and {self.cell.n_out} units; expected the "
                "states of all units (with feedback) and at least one input from outside (with "
                "a start, or without feedback). Give it more inputs."
            )

    @property
    def external(self) -> int:
        """Number of inputs from outside at each step."""
        return self.cell.n_in - self.feedback * self.cell.n_out

    @property
    def n_in(self) -> int:
        """Number of inputs (states before the first step, if asked for, and all external ones)."""
        given = self.feedback and self.start is None
        return given * self.cell.n_out + self.steps * self.external

    @property
    def n_out(self) -> int:
        """Number of outputs (the units, once for each of the last steps)."""
        return self.last * self.cell.n_out

    @property
    def parts(self) -> tuple[Part, ...]:
        """Parts of the cell; all steps share them."""
        return self.cell.parts

    @property
    def cache_size(self) -> int:
        """Numbers kept per case: at each step what the cell read, and its states; the outputs.

        With feedback, states and external input are copied side by side for the cell to read;
        without, it reads a view of the input. The outputs are a copy of the last states.
        """
        read = self.feedback * self.cell.n_in
        return self.steps * (read + self.cell.cache_size) + self.n_out

    def count(self) -> LayerCount:
        """Count units and connections once for each step, free parameters once."""
        cell = self.cell.count()
        return LayerCount(self.steps * cell.units, self.steps * cell.connections, cell.free)

    def forward(self, parameters: list[Array], x: Array) -> tuple[Array, list[Cache]]:
        """Run the net, keeping the history of its states (eq-time-forward of the book).

        Parameters
        ----------
        parameters : list of arrays
            Of the cell: ``w (..., states + external, units)`` and biases, if it has them.
        x : array, shape (..., n, n_in)
            States before the first step (without `start`) and external inputs.

        Returns
        -------
        y : array, shape (..., n, last * units)
            States after the last steps.
        caches : list of tuples
            For each step what the units read and their new states.
        """
        state, given = self._unfold(x)
        caches = []
        for outside in given:
            read = outside
            if self.feedback:
                outside = np.broadcast_to(outside, (*state.shape[:-1], self.external))
                read = np.concatenate([state, outside], axis=-1)
            state, cache = self.cell.forward(parameters, read)
            caches.append(cache)
        return np.concatenate([y for _, y in caches[-self.last :]], axis=-1), caches

    def _unfold(self, x: Array) -> tuple[Array, list[Array]]:
        """Cut the inputs into the first states ``(..., n, units)`` and one array a step."""
        before = self.n_in - self.steps * self.external
        state = x[..., :before]
        if self.start is not None:
            state = np.full((*x.shape[:-1], self.cell.n_out), self.start, dtype=x.dtype)
        by_step = x[..., before:].reshape(*x.shape[:-1], self.steps, self.external)
        return state, [by_step[..., t, :] for t in range(self.steps)]

    def backward(
        self, parameters: list[Array], cache: Any, dy: Array, *, to_input: bool = True
    ) -> tuple[Array | None, list[Array]]:
        """Propagate the gradient through time and sum it over the copies of each weight.

        From step to step eq-time-delta of the book; the sum is eq-time-gradient of the book,
        which is eq-copies of the book for copies at different moments.

        Parameters
        ----------
        parameters : list of arrays
            As in `forward`.
        cache : list
            From `forward`.
        dy : array, shape (..., n, last * units)
            ``dE/dy`` at each of the last steps.
        to_input : bool
            Whether ``dE/dx`` is wanted.

        Returns
        -------
        dx : array, shape (..., n, n_in), or None
            ``dE/dx``: at the states before the first step, then at the external inputs.
        gradients : list of arrays
            ``dE/dw`` and ``dE/db``, summed over cases and steps.
        """
        dx, copies = self._pass_back("backward", parameters, cache, dy, to_input)
        return dx, [np.sum(each, axis=0) for each in zip(*copies, strict=True)]

    def hessian_diagonal(
        self, parameters: list[Array], cache: Any, hy: Array, *, to_input: bool = True
    ) -> tuple[Array | None, list[Array]]:
        """Propagate second derivatives through time; as `UnitLayer.hessian_diagonal`.

        They are summed over the copies of each weight (eq-curvature-copies of the book).
        """
        hx, copies = self._pass_back("hessian_diagonal", parameters, cache, hy, to_input)
        return hx, [np.sum(each, axis=0) for each in zip(*copies, strict=True)]

    def gradient_of_copies(
        self, parameters: list[Array], cache: list[Cache], dy: Array
    ) -> list[list[Array]]:
        """Compute the gradient of each copy by itself, before they are summed.

        One step's term of eq-time-gradient of the book.

        Parameters
        ----------
        parameters, cache, dy
            As in `backward`.

        Returns
        -------
        list of lists of arrays
            For each step ``dE/dw`` and ``dE/db`` of the copy used in that step.
        """
        return self._pass_back("backward", parameters, cache, dy, to_input=False)[1]

    def _pass_back(
        self, method: str, parameters: list[Array], caches: list[Cache], dy: Array, to_input: bool
    ) -> tuple[Array | None, list[list[Array]]]:
        """Run `method` of the cell from the last step to the first; one list of parts a step."""
        units = self.cell.n_out
        by_step = [dy[..., k * units : (k + 1) * units] for k in range(self.last)]
        signal: Array | float = 0.0  # from the later steps to the states
        outside: list[Array] = []
        copies: list[list[Array]] = []
        for t in reversed(range(self.steps)):
            if by_step:
                signal = signal + by_step.pop()
            wanted = to_input or (self.feedback and t > 0)
            below, parts = getattr(self.cell, method)(
                parameters, caches[t], signal, to_input=wanted
            )
            copies.insert(0, parts)
            signal = 0.0
            if below is not None:
                states = self.feedback * units
                outside.insert(0, below[..., states:])
                signal = below[..., :states] if self.feedback else 0.0
        if not to_input:
            return None, copies
        first = [signal] if self.feedback and self.start is None else []
        return np.concatenate([*first, *outside], axis=-1), copies


def layered(net: Recurrent) -> Network:
    """Make the layered net that does the same (Rumelhart et al. 1986, Fig. 5).

    One fully connected layer for each time step. External input of later steps is handed on
    by linear units with a weight of 1.

    Parameters
    ----------
    net : Recurrent
        The net in time, with feedback.

    Returns
    -------
    Network
        From the states before the first step and all external inputs to the states after
        the last step.

    Raises
    ------
    InputError
        If the net has no feedback.
    """
    if not net.feedback:
        raise InputError(
            "a net without feedback was given; expected one whose units read their last states. "
            "Use Recurrent(..., feedback=True)."
        )
    layers: list[Layer] = []
    for step in range(net.steps):
        wires = _wires(net, step)
        handed_on = Dense(wires, wires, LINEAR, bias=False) if wires else None
        layers.append(Split((net.cell, handed_on)) if handed_on else net.cell)
    return Network(tuple(layers))


def layered_weights(net: Recurrent, w: Array, *, wire: float = 1.0) -> Array:
    """Copy the weights of a net in time into each layer of its layered twin.

    Parameters
    ----------
    net : Recurrent
        The net in time.
    w : array, shape (..., P)
        Its parameters.
    wire : float
        Weight of the units that hand external input on.

    Returns
    -------
    array, shape (..., P of the layered net)
        Parameters of `layered`.
    """
    pieces = []
    for step in range(net.steps):
        wires = wire * np.eye(_wires(net, step), dtype=w.dtype).ravel()
        pieces += [w, np.broadcast_to(wires, (*w.shape[:-1], wires.size))]
    return np.concatenate(pieces, axis=-1)


def copies(net: Recurrent, v: Array) -> Array:
    """Cut parameters of the layered twin, or their gradient, into the copies of one time step.

    The mean over the first axis is the paper's "average", the sum is its "sum"; either keeps
    the copies equal, and they differ by a factor that the learning rate can take up.

    Parameters
    ----------
    net : Recurrent
        The net in time.
    v : array, shape (..., P of the layered net)
        Parameters or gradient of `layered`.

    Returns
    -------
    array, shape (steps, ..., P)
        One entry for each time step.
    """
    own = sum(part.size for part in net.parts)
    starts = np.cumsum([0, *(own + _wires(net, step) ** 2 for step in range(net.steps - 1))])
    return np.stack([v[..., start : start + own] for start in starts])


def _wires(net: Recurrent, step: int) -> int:
    """External inputs that still have to be handed on after `step`, counted from 0."""
    return (net.steps - 1 - step) * net.external


@dataclass(frozen=True)
class Tied:
    """Another optimiser, in whose steps the copies of a layered twin stay equal.

    The gradient of each copy is replaced by the sum, or the average, of the gradients of all
    copies (Rumelhart et al. 1986, with Fig. 5). `Recurrent` trains the same net without the
    copies; this is the paper's recipe to the letter, for comparison.

    Parameters
    ----------
    inner : Optimiser
        Makes the change.
    net : Recurrent
        The net in time whose `layered` twin is trained.
    average : bool
        Average instead of sum.
    """

    inner: Optimiser
    net: Recurrent
    average: bool = False
    uses_curvature = False
    curvature_cases = 0

    def start(self, w: Array) -> Array | None:
        """Return the state of the inner optimiser."""
        return self.inner.start(w)

    def step(
        self, w: Array, gradient: Array, state: Array | None, curvature: Array | None = None
    ) -> tuple[Array, Array | None]:
        """Step with one gradient for all copies, ``(..., P of the layered net)`` all arguments.

        The sum (eq-copies of the book) or the average (eq-copies-average of the book).
        """
        combined = copies(self.net, gradient).sum(axis=0)
        if self.average:
            combined = combined / self.net.steps
        shared = layered_weights(self.net, combined, wire=0.0)
        return self.inner.step(w, shared, state)
