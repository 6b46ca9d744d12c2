"""Two training loops: batch (1986) and online (1989).

Both are the same six steps: initialise (before the call), forward pass, loss,
backward pass, update, repeat. Batch learning adds the gradient over all cases
before it changes the weights; online learning changes them after each case.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from backprop import compiled as compiled_loop
from backprop.activations import Array
from backprop.errors import InputError, TrainingDiverged
from backprop.losses import HALF_SUMMED_SQUARES, Loss
from backprop.network import Network
from backprop.optimisers import Optimiser, Schedule, at_sweep

# Outputs (S, n, k), desired outputs (n, k) or (S, n, k) -> whether each replica has learned, (S,).
Criterion = Callable[[Array, Array], NDArray[np.bool_]]

NEVER = -1

#: Working memory of `train_batch` in bytes; as many replicas as fit into it are trained at once.
#: Enough for many thin networks to share the interpreted part of a sweep, little enough for their
#: arrays to stay near the processor.
BUDGET = 8 * 2**20
# What `replica_bytes` allows for, counted in copies of a layer's outputs and of the parameters.
_BESIDE_CACHES, _FOR_EACH_PARAMETER = 6, 16


def or_none(reached: int) -> int | None:
    """Write a number of sweeps as it is recorded: None stands for `NEVER`."""
    return None if reached == NEVER else int(reached)


def all_errors_below(limit: float) -> Criterion:
    """Criterion: each output of each case is within `limit` of its 0/1 answer.

    Parameters
    ----------
    limit : float
        0.5 asks for the right side of one half; 0.2 for the margins that the 1986 paper
        uses for its family trees.

    Returns
    -------
    Criterion
        From outputs ``(..., n, k)`` and desired outputs to booleans ``(...,)``. The answer
        is 1 where more than one half is desired, whatever the target values are.
    """
    return lambda y, d: np.abs(y - (d > 0.5)).max(axis=(-2, -1)) < limit


@dataclass(frozen=True)
class BatchResult:
    """What `train_batch` returns.

    Parameters
    ----------
    w : array, shape (S, P)
        Final weights; those of a replica that stopped early are from its last sweep.
    loss : array, shape (S,)
        Final loss of each replica.
    reached : dict of str to int array, shape (S,)
        For each criterion the number of sweeps (weight changes) before it first held,
        or `NEVER`.
    sweeps : int array, shape (S,)
        Sweeps trained.
    history : array, shape (records, S)
        Loss before sweep 0, `every`, 2 `every`, ...; not a number after a replica stopped.
        Empty if no history was asked for.
    snapshots : dict of int to array, shape (S, P)
        Weights after as many sweeps as were asked for, those of a replica that stopped
        earlier being its last ones.
    """

    w: Array
    loss: Array
    reached: dict[str, NDArray[np.int64]]
    sweeps: NDArray[np.int64]
    history: Array
    snapshots: dict[int, Array] = field(default_factory=dict)

    def sweeps_to(self, replica: int) -> dict[str, int | None]:
        """List when one replica first met each criterion: ``sweeps_to_<criterion>``, or None."""
        return {f"sweeps_to_{name}": or_none(at[replica]) for name, at in self.reached.items()}


def train_batch(
    network: Network,
    w: Array,
    x: Array,
    d: Array,
    *,
    optimiser: Optimiser | Schedule,
    sweeps: int,
    loss: Loss = HALF_SUMMED_SQUARES,
    criteria: Mapping[str, Criterion] | None = None,
    every: int = 0,
    snapshots: Collection[int] = (),
    keep_going: bool = False,
    budget: int = BUDGET,
) -> BatchResult:
    """Train replicas on all cases at once (Rumelhart et al. 1986, p. 535).

    A replica that has met every criterion stops and costs nothing more, unless told to
    keep going. Replicas that do not fit into the budget together are trained in blocks, one
    after the other; the results are the same.

    Parameters
    ----------
    network : Network
        What is trained.
    w : array, shape (S, P)
        Initial weights, one row for each replica; left as they are.
    x : array, shape (n, n_in) or (S, n, n_in)
        Inputs, the same for all replicas or each one's own.
    d : array, shape (n, n_out) or (S, n, n_out)
        Desired outputs, likewise.
    optimiser : Optimiser or Schedule
        Changes the weights once a sweep.
    sweeps : int
        Largest number of sweeps.
    loss : Loss
        What is minimised.
    criteria : mapping of str to Criterion, optional
        When each was first met is noted. Without criteria all sweeps are run.
    every : int
        Note the loss each so many sweeps; 0 for no history.
    snapshots : collection of int
        Numbers of sweeps after which the weights are kept.
    keep_going : bool
        Train for all `sweeps`, also after every criterion was met.
    budget : int
        Working memory in bytes, besides arguments and result: caches, signals, gradients and
        the optimiser's state (see `replica_bytes`). A single replica that needs more is trained
        by itself.

    Returns
    -------
    BatchResult
        Final weights, losses and sweeps to each criterion.

    Raises
    ------
    InputError
        If an array has the wrong shape or a value that is not finite, or the budget is no
        number of bytes.
    TrainingDiverged
        If the loss of a replica stops being finite; says at which sweep. No other replica of the
        call has a result then.
    """
    _check_cases(network, x, d, w)
    _check_start(w, "sweeps", sweeps)
    if w.ndim != 2:
        raise InputError(
            f"the initial weights have shape {w.shape}; expected (replicas, {network.n_params}). "
            "Use w[None] for one network."
        )
    if at_sweep(optimiser, 0).curvature_cases:
        raise InputError(
            "train_batch was given an optimiser that measures second derivatives before each pass; "
            "expected one that gets them at every step, or none. Use train_online for that one."
        )
    criteria = criteria or {}
    together = _budget(budget) // replica_bytes(network, x, np.result_type(w, x))
    starts, inputs, answers = w, x, d
    final_w, final_loss = w.copy(), np.full(len(w), np.nan)
    trained = np.zeros(len(w), dtype=np.int64)
    reached = {name: np.full(len(w), NEVER) for name in criteria}
    history: list[Array] = []
    kept = {sweep: w.copy() for sweep in snapshots}
    with np.errstate(
        over="ignore", invalid="ignore", divide="ignore"
    ):  # noticed below, by the loss
        for block in _blocks(len(starts), together):
            active = np.arange(len(starts))[block]  # replicas still trained; rows of w and state
            w, x, d = starts[block], _own(inputs, block), _own(answers, block)
            state = at_sweep(optimiser, 0).start(w)
            for sweep in range(sweeps + 1):
                y, caches = network.forward(w, x)
                value = loss.value(y, d)
                if not np.isfinite(value).all():
                    bad = active[~np.isfinite(value)]
                    raise _diverged(f"the loss of replica {bad[0]}", f"sweep {sweep}")
                final_loss[active] = value
                if every and sweep % every == 0:
                    if len(history) == sweep // every:
                        history.append(np.full(len(starts), np.nan))
                    history[sweep // every][active] = value
                stop = _note_first(criteria, reached, active, y, d, sweep) & (not keep_going)
                if stop.any() or sweep == sweeps or sweep in kept:
                    final_w[active], trained[active] = w, sweep
                if sweep in kept:
                    kept[sweep][block] = final_w[block]
                if stop.all() or sweep == sweeps:
                    break
                step = at_sweep(optimiser, sweep)
                w, state = _update(network, w, state, caches, y, d, loss, step)
                if stop.any():
                    active, w = active[~stop], w[~stop]
                    state = None if state is None else state[~stop]
                    x, d = _own(x, ~stop), _own(d, ~stop)
            for missed in kept:
                if missed not in range(sweep + 1):
                    kept[missed][block] = final_w[block]
    return BatchResult(final_w, final_loss, reached, trained, np.array(history), kept)


def train_online(
    network: Network,
    w: Array,
    x: Array,
    d: Array,
    *,
    optimiser: Optimiser | Schedule,
    passes: int,
    loss: Loss = HALF_SUMMED_SQUARES,
    batch: int = 1,
    order: Callable[[int], Iterable[int]] | None = None,
    renew: Callable[[int], tuple[Array, Array]] | None = None,
    thin: Callable[[int], Network] | None = None,
    after_pass: Callable[[int, Array], None] | None = None,
    compiled: bool | None = None,
) -> Array:
    """Train on one case at a time (LeCun et al. 1989), or on a few.

    Long training with one case a step is handed to `backprop.compiled` if Numba is installed:
    the same steps, ten times as fast, equal but for the rounding of sums.

    Parameters
    ----------
    network : Network
        What is trained.
    w : array, shape (P,) or (S, P)
        Initial weights; left as they are.
    x : array, shape (n, n_in) or (S, n, n_in)
        Inputs, the same for all replicas or each one's own.
    d : array, shape (n, n_out) or (S, n, n_out)
        Desired outputs, likewise.
    optimiser : Optimiser or Schedule
        Changes the weights after each case; a schedule counts passes.
    passes : int
        Number of passes through the cases.
    loss : Loss
        What is minimised, for each case by itself.
    batch : int
        Cases in a step; the gradient is their sum.
    order : callable, optional
        Pass number (from 0) -> the cases in their order. Default: as they come.
    renew : callable, optional
        Pass number -> inputs and desired outputs of that pass, in place of `x` and `d`.
    thin : callable, optional
        Number of cases in a step -> the network of that step, with the same parameters; such as
        one with units left out.
    after_pass : callable, optional
        Called with the number of passes done and the weights.
    compiled : bool, optional
        True for the compiled loop, False for the readable one. Default: compiled where it can
        be and there are enough presentations to make up for loading it.

    Returns
    -------
    array, shape of `w`
        Final weights.

    Raises
    ------
    InputError
        If an array has the wrong shape or a value that is not finite, or if the compiled loop
        was asked for and cannot be had.
    TrainingDiverged
        If a weight stops being finite; says in which pass.
    """
    _check_cases(network, x, d, w)
    _check_start(w, "passes", passes)
    if batch < 1:
        raise InputError(f"batch was given as {batch}; expected 1 case a step or more.")
    fast_pass = compiled_loop.online_pass(
        network,
        w,
        x,
        d,
        loss,
        optimiser,
        passes=passes,
        whole=batch == 1 and not thin,
        wanted=compiled,
    )
    state = at_sweep(optimiser, 0).start(w)
    with np.errstate(
        over="ignore", invalid="ignore", divide="ignore"
    ):  # noticed below, by the weights
        for number in range(passes):
            step = at_sweep(optimiser, number)
            if renew:
                x, d = renew(number)
                _check_cases(network, x, d, w)
            if step.curvature_cases:
                first = slice(step.curvature_cases)
                state = mean_curvature(network, w, x[..., first, :], d[..., first, :], loss)
            shown = _checked(order(number), x.shape[-2]) if order else None
            if fast_pass:
                w, state = fast_pass(w, state, x, d, shown, step)
            else:
                for rows in _batches(x.shape[-2], batch, shown):
                    some = x[..., rows, :]
                    used = thin(some.shape[-2]) if thin else network
                    y, caches = used.forward(w, some)
                    w, state = _update(used, w, state, caches, y, d[..., rows, :], loss, step)
            if not np.isfinite(w).all():
                raise _diverged("the weights", f"pass {number + 1}")
            if after_pass:
                after_pass(number + 1, w)
    return w


def replica_bytes(network: Network, x: Array, dtype: DTypeLike = np.float64) -> int:
    """Estimate the working memory that `train_batch` needs for one replica.

    An upper estimate: caches, the arrays that live beside them while the widest layer is passed
    through, own cases (twice, when others are dropped), and for every parameter its gradient, the
    state and the steps of an optimiser.

    Parameters
    ----------
    network : Network
        What is trained.
    x : array, shape (n, n_in) or (S, n, n_in)
        Inputs, the same for all replicas or each one's own.
    dtype : dtype
        Type of the weights.

    Returns
    -------
    int
        Bytes.
    """
    cases = x.shape[-2]
    widest = max(layer.cache_size for layer in network.layers)
    own = 2 * (network.n_in + network.n_out) if x.ndim == 3 else 0
    numbers = cases * (_BESIDE_CACHES * widest + own) + _FOR_EACH_PARAMETER * network.n_params
    return network.cache_bytes(cases, dtype=dtype) + numbers * np.dtype(dtype).itemsize


def _budget(budget: int) -> int:
    """Refuse a budget that is no number of bytes."""
    try:
        given = operator.index(budget)
    except TypeError:
        given = 0
    if given < 1:
        raise InputError(
            f"the budget was given as {budget!r}; expected a whole number of bytes, 1 or more. "
            f"Leave it out for {BUDGET} bytes."
        )
    return given


def _blocks(replicas: int, together: int) -> list[slice]:
    """Cut replicas into blocks of about equal size, none larger than `together` (or 1)."""
    number = max(1, -(-replicas // max(1, together)))
    ends = [replicas * i // number for i in range(number + 1)]
    return [slice(*pair) for pair in pairwise(ends)]


def _note_first(
    criteria: Mapping[str, Criterion],
    reached: dict[str, NDArray[np.int64]],
    active: NDArray[np.int64],
    y: Array,
    d: Array,
    sweep: int,
) -> NDArray[np.bool_]:
    """Note where a criterion holds for the first time; tell which replicas have met them all."""
    met = np.full(len(active), bool(criteria))
    for name, holds in criteria.items():
        unmet = reached[name][active] == NEVER
        if unmet.any():
            reached[name][active[unmet & holds(y, d)]] = sweep
        met &= reached[name][active] != NEVER
    return met


def _own(cases: Array, replicas: slice | NDArray[np.bool_]) -> Array:
    """Take the cases of some replicas, where each has its own."""
    return cases[replicas] if cases.ndim == 3 else cases


def mean_curvature(network: Network, w: Array, x: Array, d: Array, loss: Loss) -> Array:
    """Estimate the second derivatives of the loss of one case, averaged over cases.

    That is eq-mean-curvature of the book.

    Parameters
    ----------
    network, w, x, d, loss
        As in `train_online`.

    Returns
    -------
    array, shape of `w`
        See `Network.hessian_diagonal`.
    """
    y, caches = network.forward(w, x)
    return network.hessian_diagonal(w, caches, loss.curvature(y, d)) / x.shape[-2]


def _batches(
    cases: int, batch: int, rows: NDArray[np.intp] | None
) -> Iterator[slice | NDArray[np.intp]]:
    """Cut the cases into groups, in their order."""
    if rows is None:
        return (slice(i, i + batch) for i in range(0, cases, batch))
    return (rows[i : i + batch] for i in range(0, len(rows), batch))


def _update(
    network: Network,
    w: Array,
    state: Array | None,
    caches: list[Any],
    y: Array,
    d: Array,
    loss: Loss,
    optimiser: Optimiser,
) -> tuple[Array, Array | None]:
    """Backward pass and update: the second half of both loops."""
    gradient = network.backward(w, caches, loss.slope(y, d))
    curvature = None
    if optimiser.uses_curvature:
        curvature = network.hessian_diagonal(w, caches, loss.curvature(y, d))
    return optimiser.step(w, gradient, state, curvature)


def _diverged(what: str, when: str) -> TrainingDiverged:
    return TrainingDiverged(
        f"{what} became infinite or not a number in {when}; expected finite numbers. "
        "Use a smaller learning rate or smaller initial weights."
    )


def _checked(order: Iterable[int], cases: int) -> NDArray[np.intp]:
    """Refuse an order that names a case which does not exist."""
    rows = np.fromiter(order, dtype=np.intp)
    wrong = rows[(rows < 0) | (rows >= cases)]
    if len(wrong):
        raise InputError(
            f"the order of the cases names case {wrong[0]}; expected numbers from 0 to "
            f"{cases - 1}. Correct the order."
        )
    return rows


def _check_start(w: Array, name: str, number: int) -> None:
    """Refuse initial weights that cannot be trained, and a negative duration."""
    if not np.issubdtype(w.dtype, np.floating) or not np.isfinite(w).all():
        raise InputError(
            f"the initial weights are of type {w.dtype} or hold a value that is not finite; "
            "expected finite floating-point numbers. Use Network.init to make them."
        )
    if number < 0:
        raise InputError(f"{name} was given as {number}; expected 0 or more. Correct it.")


def _check_cases(network: Network, x: Array, d: Array, w: Array) -> None:
    expected = (
        f"inputs (n, {network.n_in}) and desired outputs (n, {network.n_out}), n at least 1, or "
        "both with the replicas as a first axis"
    )
    shapes_fit = (
        x.ndim == d.ndim
        and x.ndim in (2, 3)
        and x.shape[:-1] == d.shape[:-1]
        and x.shape[-2] > 0
        and x.shape[-1] == network.n_in
        and d.shape[-1] == network.n_out
        and (x.ndim == 2 or x.shape[:1] == w.shape[:-1])
    )
    if not shapes_fit:
        raise InputError(
            f"the cases have shapes {x.shape} and {d.shape} and the weights {w.shape}; expected "
            f"{expected}. Give one row for each case."
        )
    for name, values in (("inputs", x), ("desired outputs", d)):
        if not np.isfinite(values).all():
            row = int(np.argwhere(~np.isfinite(values))[0][-2])
            raise InputError(
                f"the {name} hold a value that is not finite (first in case {row}); expected "
                "finite numbers. Mend or leave out that case."
            )
