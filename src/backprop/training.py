"""Two training loops: batch (1986) and online (1989).

Both are the same six steps: initialise (before the call), forward pass, loss,
backward pass, update, repeat. Batch learning adds the gradient over all cases
before it changes the weights; online learning changes them after each case.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.activations import Array
from backprop.errors import InputError, TrainingDiverged
from backprop.losses import HALF_SUMMED_SQUARES, Loss
from backprop.network import Network
from backprop.optimisers import Optimiser, Schedule, at_sweep

# Outputs (S, n, k), desired outputs (n, k) or (S, n, k) -> whether each replica has learned, (S,).
Criterion = Callable[[Array, Array], NDArray[np.bool_]]

NEVER = -1


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
) -> BatchResult:
    """Train replicas on all cases at once (Rumelhart et al. 1986, p. 535).

    A replica that has met every criterion stops and costs nothing more, unless told to
    keep going.

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

    Returns
    -------
    BatchResult
        Final weights, losses and sweeps to each criterion.

    Raises
    ------
    InputError
        If an array has the wrong shape or a value that is not finite.
    TrainingDiverged
        If the loss of a replica stops being finite; says at which sweep.
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
    active = np.arange(len(w))  # replicas that are still trained; rows of w and state
    final_w, final_loss = w.copy(), np.full(len(w), np.nan)
    trained = np.zeros(len(w), dtype=np.int64)
    reached = {name: np.full(len(w), NEVER) for name in criteria}
    history = []
    kept = {}
    state = at_sweep(optimiser, 0).start(w)
    with np.errstate(
        over="ignore", invalid="ignore", divide="ignore"
    ):  # noticed below, by the loss
        for sweep in range(sweeps + 1):
            y, caches = network.forward(w, x)
            value = loss.value(y, d)
            if not np.isfinite(value).all():
                bad = active[~np.isfinite(value)]
                raise _diverged(f"the loss of replica {bad[0]}", f"sweep {sweep}")
            final_loss[active] = value
            if every and sweep % every == 0:
                history.append(np.full(len(final_w), np.nan))
                history[-1][active] = value
            for name, holds in criteria.items():
                first = holds(y, d) & (reached[name][active] == NEVER)
                reached[name][active[first]] = sweep
            stop = np.full(len(active), bool(criteria) and not keep_going)
            for name in criteria:
                stop &= reached[name][active] != NEVER
            if stop.any() or sweep == sweeps or sweep in snapshots:
                final_w[active], trained[active] = w, sweep
            if sweep in snapshots:
                kept[sweep] = final_w.copy()
            if stop.all() or sweep == sweeps:
                break
            step = at_sweep(optimiser, sweep)
            w, state = _update(network, w, state, caches, y, d, loss, step)
            if stop.any():
                active, w = active[~stop], w[~stop]
                state = None if state is None else state[~stop]
                x, d = (each[~stop] if each.ndim == 3 else each for each in (x, d))
    for missed in snapshots:
        kept.setdefault(missed, final_w)
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
) -> Array:
    """Train on one case at a time (LeCun et al. 1989), or on a few.

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

    Returns
    -------
    array, shape of `w`
        Final weights.

    Raises
    ------
    InputError
        If an array has the wrong shape or a value that is not finite.
    TrainingDiverged
        If a weight stops being finite; says in which pass.
    """
    _check_cases(network, x, d, w)
    _check_start(w, "passes", passes)
    if batch < 1:
        raise InputError(f"batch was given as {batch}; expected 1 case a step or more.")
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
            for rows in _batches(x.shape[-2], batch, order(number) if order else None):
                some = x[..., rows, :]
                used = thin(some.shape[-2]) if thin else network
                y, caches = used.forward(w, some)
                w, state = _update(used, w, state, caches, y, d[..., rows, :], loss, step)
            if not np.isfinite(w).all():
                raise _diverged("the weights", f"pass {number + 1}")
            if after_pass:
                after_pass(number + 1, w)
    return w


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
    cases: int, batch: int, order: Iterable[int] | None
) -> Iterator[slice | NDArray[np.intp]]:
    """Cut the cases into groups, in their order."""
    if order is None:
        return (slice(i, i + batch) for i in range(0, cases, batch))
    rows = _checked(order, cases)
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
