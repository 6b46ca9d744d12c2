"""Online training, compiled: one case a step, with Numba.

`train_online` hands each pass to `train_pass` when that is worth it. A network is written down as
a list of operations on one vector (`operations`), which a compiled loop runs (`kernels`). It
computes what the layers, losses and optimisers of the package compute, only with sums in another
order; what is of another kind is trained by the readable loop.

Numba is optional, and imported when the first pass is run.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from backprop.activations import Array
from backprop.compiled.operations import (
    LossRule,
    NotCompilable,
    Program,
    StepRule,
    loss_rule,
    program,
    step_rule,
)
from backprop.errors import InputError
from backprop.losses import Loss
from backprop.network import Network
from backprop.optimisers import Optimiser, Schedule

__all__ = [
    "WORTHWHILE",
    "LossRule",
    "NotCompilable",
    "OnlinePass",
    "Program",
    "StepRule",
    "available",
    "loss_rule",
    "online_pass",
    "program",
    "step_rule",
    "train_pass",
]


#: From so many presentations on, the compiled loop makes up for the time that loading it takes.
WORTHWHILE = 20_000

# Weights, state, inputs, desired outputs, cases in their order (None: as they come), optimiser
# -> new weights and state; with or without replicas as a first axis.
OnlinePass = Callable[
    [Array, Array | None, Array, Array, NDArray[np.intp] | None, Optimiser],
    tuple[Array, Array | None],
]


def available() -> bool:
    """Tell whether Numba is installed, without importing it."""
    return find_spec("numba") is not None


@cache
def _say_that_numba_is_missing() -> None:
    """Warn, once, that training takes longer than it could."""
    warnings.warn(
        "Numba is not installed, so training on one case at a time takes about ten times as long "
        "as it could; what is learned is the same. To install it: pip install numba.",
        stacklevel=4,
    )


def online_pass(
    network: Network,
    w: Array,
    x: Array,
    d: Array,
    loss: Loss,
    optimiser: Optimiser | Schedule,
    *,
    passes: int,
    whole: bool = True,
    wanted: bool | None = None,
) -> OnlinePass | None:
    """Prepare compiled passes through the cases, if they are possible and worth it.

    Parameters
    ----------
    network, w, x, d, loss, optimiser, passes
        As for `train_online`.
    whole : bool
        Whether each step takes one case and the whole network.
    wanted : bool, optional
        True to insist, False to refuse. Default: if Numba is there, everything has a compiled
        form and there are `WORTHWHILE` presentations.

    Returns
    -------
    OnlinePass, or None
        One pass; None for the readable loop.

    Raises
    ------
    InputError
        If `wanted` is True and there is no Numba, or something has no compiled form.
    """
    replicas = len(w) if w.ndim > 1 else 1
    if wanted is False or (not wanted and replicas * passes * x.shape[-2] < WORTHWHILE):
        return None
    try:
        run = _pass_of(network, w, x, d, loss, optimiser, whole)
    except NotCompilable:
        if wanted:
            raise
        return None
    if available():
        return run
    if wanted:
        raise InputError(
            "the compiled loop was asked for, but Numba is not installed. Install it with `pip "
            "install numba`, or train with compiled=False."
        )
    _say_that_numba_is_missing()
    return None


def _pass_of(
    network: Network,
    w: Array,
    x: Array,
    d: Array,
    loss: Loss,
    optimiser: Optimiser | Schedule,
    whole: bool,
) -> OnlinePass:
    """Bring everything into its compiled form; NotCompilable if something has none."""
    if not whole:
        raise NotCompilable(
            "steps of several cases, or with a part of the network, have no compiled form; "
            "expected one case a step. Train with compiled=False."
        )
    types = {each.dtype for each in (w, x, d)}
    if len(types) > 1 or w.dtype not in (np.float32, np.float64):
        raise NotCompilable(
            f"weights, inputs and desired outputs are of the types {w.dtype}, {x.dtype} and "
            f"{d.dtype}; expected float32 or float64, one for all. Bring them to one type."
        )
    both = (optimiser.first, optimiser.then) if isinstance(optimiser, Schedule) else (optimiser,)
    rules = {id(each): step_rule(each, network.n_params, w.dtype) for each in both}
    written, rule = program(network, w.dtype), loss_rule(loss, network.n_out, w.dtype)

    def one(
        w: Array, state: Array | None, x: Array, d: Array, rows: NDArray[np.intp], step: Optimiser
    ) -> tuple[Array, Array | None]:
        return train_pass(written, w, state, x, d, rows, loss=rule, step=rules[id(step)])

    def run(
        w: Array,
        state: Array | None,
        x: Array,
        d: Array,
        rows: NDArray[np.intp] | None,
        step: Optimiser,
    ) -> tuple[Array, Array | None]:
        rows = np.arange(x.shape[-2]) if rows is None else rows
        if w.ndim == 1:
            return one(w, state, x, d, rows, step)
        done = [
            one(
                w[i],
                None if state is None else state[i],
                x[i] if x.ndim == 3 else x,
                d[i] if d.ndim == 3 else d,
                rows,
                step,
            )
            for i in range(len(w))
        ]
        new = [state for _, state in done if state is not None]
        return np.stack([w for w, _ in done]), np.stack(new) if new else None

    return run


def train_pass(
    program: Program,
    w: Array,
    state: Array | None,
    x: Array,
    d: Array,
    rows: NDArray[np.intp],
    *,
    loss: LossRule,
    step: StepRule,
) -> tuple[Array, Array | None]:
    """Present cases one after the other and change the weights after each.

    Parameters
    ----------
    program : Program
        The network.
    w : array, shape (P,)
        Weights; left as they are.
    state : array, shape (P,) or (2 P + 1,), or None
        State of the optimiser; left as it is.
    x : array, shape (n, n_in)
        Inputs; brought to the type of `w`.
    d : array, shape (n, n_out)
        Desired outputs, likewise.
    rows : int array
        The cases in their order, each from 0 to below n.
    loss : LossRule
        What is minimised.
    step : StepRule
        The optimiser.

    Returns
    -------
    w, state
        New weights and state.

    Raises
    ------
    InputError
        If `rows` names a case that there is not.
    """
    from backprop.compiled import kernels

    if len(rows) and not 0 <= rows.min() <= rows.max() < len(x) == len(d):
        raise InputError(
            f"cases {rows.min()} to {rows.max()} were asked for; there are {len(x)} inputs and "
            f"{len(d)} desired outputs. Correct the order."
        )

    def laid_out(numbers: Array) -> Array:
        whole = np.zeros((*numbers.shape[:-1], program.size), dtype=w.dtype)
        whole[..., program.place] = numbers
        return whole

    own = np.zeros((step.rows, w.size), w.dtype)
    count = np.zeros(1, w.dtype)
    if state is not None:
        own[:] = state[: own.size].reshape(own.shape)
        count[:] = state[own.size :].sum()
    weights, own = laid_out(w), laid_out(own)
    kernels.train_pass(
        program.ops,
        program.constants,
        program.values.copy(),
        program.out_at,
        program.holes,
        np.ascontiguousarray(x, dtype=w.dtype),
        np.ascontiguousarray(d, dtype=w.dtype),
        rows,
        weights,
        own,
        count,
        loss.kind,
        loss.margin,
        loss.constants,
        step.kind,
        step.constants,
        laid_out(step.shrink) if step.shrink.size else step.shrink,
        step.shrink_gradient,
    )
    if state is None:
        return weights[program.place], None
    kept = own[:, program.place].ravel()
    return weights[program.place], np.concatenate([kept, count])[: state.size]
