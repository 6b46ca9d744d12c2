"""Networks, losses and optimisers written down as numbers, for the compiled loop.

A network becomes a list of operations on one vector of values. The inputs come first in it, then
what each operation writes. The parameters are laid out anew too: the weights into a unit are
neighbours, and a kernel has a place for each map that it could read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from backprop import losses
from backprop.activations import LINEAR as LINEAR_FUNCTION
from backprop.activations import RELU as RELU_FUNCTION
from backprop.activations import Activation, Array
from backprop.errors import InputError
from backprop.layers import Dense, Layer, Local, Mask, Normalise, Residual, Split, Unshared
from backprop.losses import Loss
from backprop.network import Network
from backprop.optimisers import (
    Adam,
    Decay,
    Momentum,
    Optimiser,
    PassNewton,
    PseudoNewton,
    SteepestDescent,
)
from backprop.recurrent import Recurrent

Index = NDArray[np.int64]

# Kinds of operations, activations, losses, margins and optimisers.
UNITS, FRAME, WINDOWS, COPY, SUM, SCALE, NORMALISE = range(7)
SIGMOID, LINEAR, RELU = range(3)
SQUARES, CROSS_ENTROPY, SOFTMAX = range(3)
NO_MARGIN, TO_MARGIN, TO_ANSWER = range(3)
DESCENT, MOMENTUM, NEWTON, PASS_NEWTON, ADAM = range(5)

COLUMNS = 11  # numbers that describe an operation
NONE = -1  # in place of a position: no biases


class NotCompilable(InputError):
    """Something has no compiled form; the readable loop trains it."""


class Program(NamedTuple):
    """A network as the compiled loop reads it.

    Parameters
    ----------
    ops : int array, shape (operations, COLUMNS)
        What is done, in this order; the meaning of a row depends on its kind.
    constants : array, shape (operations, 7)
        Real numbers that belong to each operation: ``o``, ``A`` and ``S`` of its activation, the
        three coefficients of its slope as a polynomial in the output, and the epsilon of a
        normalisation.
    values : array, shape (values,)
        Vector of values before the first case; the inputs come first.
    out_at : int
        Where the outputs are in it.
    place : int array, shape (P,)
        Where each free parameter is in the vector of weights of the compiled loop.
    holes : int array
        Places in that vector which belong to no parameter: connections that do not exist.
    """

    ops: Index
    constants: Array
    values: Array
    out_at: int
    place: Index
    holes: Index

    @property
    def size(self) -> int:
        """Length of the compiled loop's vector of weights."""
        return len(self.place) + len(self.holes)


@dataclass
class _Plan:
    """A program while it is being written."""

    ops: list[list[int]] = field(default_factory=list)
    constants: list[list[float]] = field(default_factory=list)
    fixed: list[tuple[int, Array]] = field(default_factory=list)  # values that never change
    place: list[Index] = field(default_factory=list)
    holes: list[Index] = field(default_factory=list)
    values: int = 0
    weights: int = 0

    def room(self, size: int) -> int:
        """Reserve a stretch of values; return where it begins."""
        self.values += size
        return self.values - size

    def constant(self, numbers: Array) -> int:
        """Reserve a stretch for numbers that stay as they are."""
        at = self.room(numbers.size)
        self.fixed.append((at, numbers.ravel()))
        return at

    def add(self, *op: int, activation: Activation | None = None, extra: float = 0.0) -> None:
        """Append an operation."""
        self.ops.append([*op, *[0] * (COLUMNS - len(op))])
        self.constants.append([*_sigmoid(activation), extra])

    def parameters(self, numbers: Array) -> int:
        """Reserve weights; `numbers` has that of each one's parameter, from 1; 0 for none."""
        order = numbers.ravel().astype(np.int64)
        at, exists = self.weights, order > 0
        place = np.empty(exists.sum(), dtype=np.int64)
        place[order[exists] - 1] = at + np.flatnonzero(exists)
        self.place.append(place)
        self.holes.append(at + np.flatnonzero(~exists))
        self.weights += order.size
        return at


def _sigmoid(activation: Activation | None) -> list[float]:
    """``o``, ``A``, ``S`` of ``o + A tanh(S net)``, and the slope as a polynomial in the output."""
    if activation is None or activation.sigmoid is None:
        return [0.0] * 6
    o, a, s = activation.sigmoid
    return [o, a, s, s * a - s * o * o / a, 2 * s * o / a, -s / a]


def _kind(activation: Activation) -> int:
    if activation.sigmoid is not None:
        return SIGMOID
    for kind, function in ((LINEAR, LINEAR_FUNCTION), (RELU, RELU_FUNCTION)):
        if activation == function:
            return kind
    raise NotCompilable(
        f"the activation {activation.name} has no compiled form; expected one of the package's. "
        "Train with compiled=False."
    )


def _numbers(size: int) -> Array:
    """Give parameters numbers from 1; as reals, so that layers can lay them out."""
    return np.arange(1.0, size + 1)


# One function for each kind of layer: it reads the values from `src` on and writes those from
# `dst` on. `wanted` tells whether the signal at its inputs is needed.


def _dense(plan: _Plan, layer: Dense, src: int, dst: int, wanted: bool) -> None:
    _cell(plan, layer, src, dst, wanted, *_cell_weights(plan, layer))


def _cell_weights(plan: _Plan, layer: Dense) -> tuple[int, int]:
    order = _numbers(layer.n_in * layer.n_out).reshape(layer.n_in, layer.n_out)
    at = plan.parameters(order.T)
    return at, plan.parameters(_numbers(layer.n_out)) if layer.bias else NONE


def _cell(
    plan: _Plan,
    layer: Dense,
    src: int,
    dst: int,
    wanted: bool,
    at: int,
    bias_at: int,
    again: bool = False,
) -> None:
    kind = _kind(layer.activation)
    shape = (1, layer.n_in, layer.n_out)
    plan.add(UNITS, src, dst, *shape, at, bias_at, kind, wanted, again, activation=layer.activation)


def _windows(plan: _Plan, layer: Local, src: int, wanted: bool) -> int:
    """Put the image into a frame and lay what the windows cover side by side; return where."""
    rows, columns, maps = layer.in_shape
    reach, stride, size = layer.size // 2, layer.stride, layer.size
    # Wide enough on the far side for strides that overshoot the image, as in `Local.windows`.
    framed = rows + 2 * reach + stride, (columns + 2 * reach + stride) * maps
    frame = plan.constant(np.full(framed, layer.border))
    corner = frame + reach * framed[1] + reach * maps
    plan.add(FRAME, src, corner, rows, columns * maps, framed[1], wanted)
    covered = plan.room(layer.windows.size)
    steps = framed[1], stride * framed[1], stride * maps
    plan.add(WINDOWS, frame, covered, *layer.out_shape[:2], size, size * maps, *steps, wanted)
    return covered


def _local(plan: _Plan, layer: Local, src: int, dst: int, wanted: bool) -> None:
    covered = _windows(plan, layer, src, wanted)
    reads = layer.windows.shape[1]
    kernel = layer.kernel(_numbers(layer.parts[0].size)).reshape(reads, layer.maps)
    at = plan.parameters(kernel.T)
    bias_at = plan.parameters(_numbers(layer.n_out))
    kind = _kind(layer.activation)
    shape = (layer.positions, reads, layer.maps)
    plan.add(UNITS, covered, dst, *shape, at, bias_at, kind, wanted, activation=layer.activation)


def _unshared(plan: _Plan, layer: Unshared, src: int, dst: int, wanted: bool) -> None:
    covered = _windows(plan, layer, src, wanted)
    reads, maps = layer.windows.shape[1], layer.maps
    kernels = layer.kernel(_numbers(layer.parts[0].size)).reshape(-1, reads, maps)
    at = plan.parameters(np.swapaxes(kernels, 1, 2))
    bias_at = plan.parameters(_numbers(layer.n_out))
    kind = _kind(layer.activation)
    for i in range(layer.positions):
        places = covered + i * reads, dst + i * maps
        own = at + i * reads * maps, bias_at + i * maps
        plan.add(UNITS, *places, 1, reads, maps, *own, kind, wanted, activation=layer.activation)


def _split(plan: _Plan, layer: Split, src: int, dst: int, wanted: bool) -> None:
    for branch in layer.branches:
        _layer(plan, branch, src, dst, wanted)
        src, dst = src + branch.n_in, dst + branch.n_out


def _residual(plan: _Plan, layer: Residual, src: int, dst: int, wanted: bool) -> None:
    copy, inside = plan.room(layer.n_in), plan.room(layer.n_out)
    plan.add(COPY, src, copy, layer.n_in)
    _layer(plan, layer.inner, copy, inside, wanted)
    plan.add(SUM, src, dst, layer.n_out, inside)


def _mask(plan: _Plan, layer: Mask, src: int, dst: int, wanted: bool) -> None:
    if layer.factors.size != layer.n_in:
        raise NotCompilable(
            f"a Mask has factors of shape {layer.factors.shape}; expected (1, {layer.n_in}), the "
            "same for each case. Train with compiled=False."
        )
    plan.add(SCALE, src, dst, layer.n_in, plan.constant(layer.factors))


def _normalise(plan: _Plan, layer: Normalise, src: int, dst: int, wanted: bool) -> None:
    kept = plan.room(layer.units + 1)
    gains, biases = (plan.parameters(_numbers(layer.units)) for _ in range(2))
    kind = _kind(layer.activation)
    plan.add(
        NORMALISE, src, dst, layer.units, kept, gains, biases, kind,
        activation=layer.activation, extra=layer.epsilon,
    )  # fmt: skip


def _recurrent(plan: _Plan, layer: Recurrent, src: int, dst: int, wanted: bool) -> None:
    cell, units, outside = layer.cell, layer.cell.n_out, layer.external
    weights = _cell_weights(plan, cell)
    state, given = src, src + layer.n_in - layer.steps * outside
    if layer.feedback and layer.start is not None:
        state = plan.constant(np.full(units, layer.start))
    for t in range(layer.steps):
        read = given + t * outside
        if layer.feedback:
            before, read = state, plan.room(cell.n_in)
            plan.add(COPY, before, read, units)
            plan.add(COPY, given + t * outside, read + units, outside)
        state = plan.room(units)
        # Backwards in time: the last step is the first one to write the shared gradient.
        again = t < layer.steps - 1
        _cell(plan, cell, read, state, wanted or layer.feedback, *weights, again)
        if t >= layer.steps - layer.last:
            plan.add(COPY, state, dst + (t - layer.steps + layer.last) * units, units)


_WRITERS: dict[type[Layer], Callable[[_Plan, Any, int, int, bool], None]] = {
    Dense: _dense,
    Local: _local,
    Unshared: _unshared,
    Split: _split,
    Residual: _residual,
    Mask: _mask,
    Normalise: _normalise,
    Recurrent: _recurrent,
}


def _layer(plan: _Plan, layer: Layer, src: int, dst: int, wanted: bool) -> None:
    if type(layer) not in _WRITERS:
        raise NotCompilable(
            f"the layer {type(layer).__name__} has no compiled form; expected one of "
            f"{', '.join(kind.__name__ for kind in _WRITERS)}. Train with compiled=False."
        )
    _WRITERS[type(layer)](plan, layer, src, dst, wanted)


def program(network: Network, dtype: DTypeLike) -> Program:
    """Write a network down as a list of operations.

    Parameters
    ----------
    network : Network
        A chain of the package's layers.
    dtype : dtype
        float32 or float64, that of the weights.

    Returns
    -------
    Program
        For `backprop.compiled.train_pass`.

    Raises
    ------
    NotCompilable
        If a layer or an activation is not one of the package's.
    """
    plan = _Plan()
    src = plan.room(network.n_in)
    for number, layer in enumerate(network.layers):
        dst = plan.room(layer.n_out)
        _layer(plan, layer, src, dst, wanted=number > 0)
        src = dst
    values = np.zeros(plan.values, dtype=dtype)
    for at, numbers in plan.fixed:
        values[at : at + numbers.size] = numbers
    return Program(
        np.array(plan.ops, dtype=np.int64),
        np.array(plan.constants, dtype=dtype),
        values,
        src,
        np.concatenate(plan.place),
        np.concatenate(plan.holes),
    )


class LossRule(NamedTuple):
    """A loss for the compiled loop: its kind, its margin, and factor, margins and edge."""

    kind: int
    margin: int
    constants: Array


def loss_rule(loss: Loss, outputs: int, dtype: DTypeLike) -> LossRule:
    """Write a loss down.

    Parameters
    ----------
    loss : Loss
        One of the package's.
    outputs : int
        Number of output units.
    dtype : dtype
        That of the weights.

    Returns
    -------
    LossRule
        For `backprop.compiled.train_pass`.

    Raises
    ------
    NotCompilable
        If it is not one of the package's.
    """
    base, low, high, aim = loss.margin or (loss, 0.0, 0.0, "")
    known = {
        losses.HALF_SUMMED_SQUARES: (SQUARES, 1.0),
        losses.MEAN_SQUARES: (SQUARES, 2 / outputs),
        losses.CROSS_ENTROPY: (CROSS_ENTROPY, 0.0),
    }
    if loss.margin is None:
        known[losses.SOFTMAX_CROSS_ENTROPY] = (SOFTMAX, 0.0)
    if base not in known:
        raise NotCompilable(
            f"the loss '{loss.name}' has no compiled form; expected one of the package's. Train "
            "with compiled=False."
        )
    kind, factor = known[base]
    edge = float(np.finfo(np.dtype(dtype)).eps)
    margin = {"": NO_MARGIN, "margin": TO_MARGIN, "answer": TO_ANSWER}[aim]
    return LossRule(kind, margin, np.array([factor, low, high, edge], dtype=dtype))


class StepRule(NamedTuple):
    """An optimiser for the compiled loop.

    Parameters
    ----------
    kind : int
        What it is.
    constants : array, shape (4,)
        Its settings, in the order in which its step uses them.
    rows : int
        How many numbers of state it keeps for each parameter.
    shrink : array, shape (P,) or (0,)
        Decay of each parameter.
    shrink_gradient : bool
        Whether the decay counts to the gradient.
    """

    kind: int
    constants: Array
    rows: int
    shrink: Array
    shrink_gradient: bool


def step_rule(optimiser: Optimiser, n_params: int, dtype: DTypeLike) -> StepRule:
    """Write an optimiser down.

    Parameters
    ----------
    optimiser : Optimiser
        One of the package's; at most one `Decay` around it.
    n_params : int
        Number of free parameters.
    dtype : dtype
        That of the weights.

    Returns
    -------
    StepRule
        For `backprop.compiled.train_pass`.

    Raises
    ------
    NotCompilable
        If it is of another kind.
    """
    shrink, in_gradient = np.zeros(0, dtype), False
    if isinstance(optimiser, Decay):
        only = np.ones(n_params) if optimiser.only is None else optimiser.only
        shrink, in_gradient = (optimiser.decay * only).astype(dtype), optimiser.in_gradient
        optimiser = optimiser.inner
    match optimiser:
        case SteepestDescent(lr):
            kind, rows, numbers = DESCENT, 0, [lr]
        case Momentum(lr, momentum):
            kind, rows, numbers = MOMENTUM, 1, [lr, momentum]
        case PseudoNewton(lr, mu, gamma):
            kind, rows, numbers = NEWTON, 1, [lr, mu, gamma]
        case PassNewton(lr, mu):
            kind, rows, numbers = PASS_NEWTON, 1, [lr, mu]
        case Adam(lr, beta1, beta2, epsilon):
            kind, rows, numbers = ADAM, 2, [lr, beta1, beta2, epsilon]
        case _:
            raise NotCompilable(
                f"the optimiser {type(optimiser).__name__} has no compiled form; expected one of "
                "the package's. Train with compiled=False."
            )
    constants = np.array([*numbers, *[0.0] * (4 - len(numbers))], dtype=dtype)
    return StepRule(kind, constants, rows, shrink, in_gradient)
