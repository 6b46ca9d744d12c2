"""Optimisers: how a gradient changes the weights.

An optimiser is a frozen dataclass without state. `start` makes the state (arrays of
the shape of the weights, or None) and `step` returns new weights and new state. They
are arithmetic on the flat parameter vector and do not know about layers or replicas.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from backprop.activations import Array
from backprop.errors import InputError


class Optimiser(Protocol):
    """Interface of an optimiser."""

    @property
    def uses_curvature(self) -> bool:
        """Whether `step` needs the second derivatives."""

    @property
    def curvature_cases(self) -> int:
        """Cases that second derivatives are averaged over before a pass; 0 for none."""

    def start(self, w: Array) -> Array | None:
        """Return the state before the first step, of the shape of `w`, or None."""

    def step(
        self, w: Array, gradient: Array, state: Array | None, curvature: Array | None = None
    ) -> tuple[Array, Array | None]:
        """Return the changed weights and the new state."""


def _require(condition: bool, given: str, expected: str) -> None:
    if not condition:
        raise InputError(f"{given} was given; expected {expected}. Correct the setting.")


@dataclass(frozen=True)
class SteepestDescent:
    """``w <- w - lr dE/dw`` (Eq. 8 of Rumelhart et al. 1986).

    Parameters
    ----------
    lr : float
        Learning rate, the paper's epsilon, above zero.
    """

    lr: float
    uses_curvature = False
    curvature_cases = 0

    def __post_init__(self) -> None:
        """Check the setting."""
        _require(self.lr > 0, f"lr={self.lr}", "a learning rate above 0")

    def start(self, w: Array) -> None:
        """Return no state."""
        return None

    def step(
        self, w: Array, gradient: Array, state: Array | None, curvature: Array | None = None
    ) -> tuple[Array, Array | None]:
        """Go down the gradient (Eq. 8 of Rumelhart et al. 1986), ``(..., P)`` as all arguments."""
        return w - self.lr * gradient, None


@dataclass(frozen=True)
class Momentum:
    """``change(t) = -lr dE/dw(t) + momentum change(t-1)`` (Eq. 9 of Rumelhart et al. 1986).

    Parameters
    ----------
    lr : float
        Learning rate, the paper's epsilon, above zero.
    momentum : float
        The paper's alpha, from 0 to below 1.
    """

    lr: float
    momentum: float = 0.9
    uses_curvature = False
    curvature_cases = 0

    def __post_init__(self) -> None:
        """Check the settings."""
        _require(self.lr > 0, f"lr={self.lr}", "a learning rate above 0")
        _require(0 <= self.momentum < 1, f"momentum={self.momentum}", "0 <= momentum < 1")

    def start(self, w: Array) -> Array:
        """Return a change of zero."""
        return np.zeros_like(w)

    def step(
        self, w: Array, gradient: Array, state: Array | None, curvature: Array | None = None
    ) -> tuple[Array, Array | None]:
        """Add the new change, which remembers the last one, ``(..., P)`` as all arguments.

        The change is Eq. 9 of Rumelhart et al. 1986; adding it is eq-repeat of the book.
        """
        if state is None:
            raise InputError("Momentum.step was given no state; pass what start() returned.")
        change = self.momentum * state - self.lr * gradient
        return w + change, change


@dataclass(frozen=True)
class Decay:
    """Another optimiser with weights that shrink.

    As the paper words it, ``w <- w (1 - decay)`` follows each change. The other reading
    counts the decay to the gradient, ``dE/dw + decay w``, so that the learning rate scales
    it and the momentum remembers it.

    Parameters
    ----------
    inner : Optimiser
        Makes the change.
    decay : float
        0.002 in the family-tree runs of Rumelhart et al. 1986 (caption of Fig. 4). From 0
        to 1.
    in_gradient : bool
        Count the decay to the gradient.
    only : bool array, shape (P,), optional
        Which parameters decay; see `Network.mask`. Default: all.
    """

    inner: Optimiser
    decay: float
    in_gradient: bool = False
    only: NDArray[np.bool_] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Check the setting."""
        _require(0 <= self.decay <= 1, f"decay={self.decay}", "0 <= decay <= 1")

    @property
    def uses_curvature(self) -> bool:
        """Whether the inner optimiser needs the second derivatives."""
        return self.inner.uses_curvature

    @property
    def curvature_cases(self) -> int:
        """Cases that the inner optimiser averages the second derivatives over."""
        return self.inner.curvature_cases

    def start(self, w: Array) -> Array | None:
        """Return the state of the inner optimiser."""
        return self.inner.start(w)

    def step(
        self, w: Array, gradient: Array, state: Array | None, curvature: Array | None = None
    ) -> tuple[Array, Array | None]:
        """Step with the inner optimiser and shrink the weights, ``(..., P)`` as all arguments."""
        decay = self.decay if self.only is None else self.decay * self.only
        if self.in_gradient:
            return self.inner.step(w, gradient + decay * w, state, curvature)
        w, state = self.inner.step(w, gradient, state, curvature)
        return w * (1 - decay), state


@dataclass(frozen=True)
class Schedule:
    """One optimiser for the first sweeps, another one of the same kind after them.

    The state goes on: the momentum of the first phase is remembered in the second.

    Parameters
    ----------
    first : Optimiser
        For the first sweeps.
    sweeps : int
        How many they are; 20 in the family-tree runs of Rumelhart et al. 1986.
    then : Optimiser
        For all others.
    """

    first: Optimiser
    sweeps: int
    then: Optimiser

    def __post_init__(self) -> None:
        """Check that the state of one optimiser means the same to the other."""
        _require(self.sweeps >= 0, f"sweeps={self.sweeps}", "0 or more")
        kinds = type(self.first).__name__, type(self.then).__name__
        _require(kinds[0] == kinds[1], f"a schedule from {kinds[0]} to {kinds[1]}", "one kind")

    def at(self, sweep: int) -> Optimiser:
        """Return the optimiser for the change after `sweep` sweeps."""
        return self.first if sweep < self.sweeps else self.then


def at_sweep(optimiser: Optimiser | Schedule, sweep: int) -> Optimiser:
    """Return the optimiser for one sweep, whether there is a schedule or not.

    Parameters
    ----------
    optimiser : Optimiser or Schedule
        The optimiser.
    sweep : int
        Number of sweeps done.

    Returns
    -------
    Optimiser
        The one to step with.
    """
    return optimiser.at(sweep) if isinstance(optimiser, Schedule) else optimiser


@dataclass(frozen=True)
class PseudoNewton:
    """``w <- w - lr / (mu + <h>) dE/dw`` with a running average ``<h>`` of second derivatives.

    The 1989 paper names the method and prints no constants. The form is recalled from
    Becker & LeCun 1988; the average starts at zero.

    Parameters
    ----------
    lr : float
        The global step, above zero.
    mu : float
        Keeps the step finite where the curvature vanishes, above zero.
    gamma : float
        Weight of the newest pattern in ``<h>``, above 0 and at most 1.
    """

    lr: float
    mu: float = 0.02
    gamma: float = 0.01
    uses_curvature = True
    curvature_cases = 0

    def __post_init__(self) -> None:
        """Check the settings."""
        _require(self.lr > 0, f"lr={self.lr}", "a step above 0")
        _require(self.mu > 0, f"mu={self.mu}", "mu above 0")
        _require(0 < self.gamma <= 1, f"gamma={self.gamma}", "0 < gamma <= 1")

    def start(self, w: Array) -> Array:
        """Return an average of zero."""
        return np.zeros_like(w)

    def step(
        self, w: Array, gradient: Array, state: Array | None, curvature: Array | None = None
    ) -> tuple[Array, Array | None]:
        """Update the average, then step, ``(..., P)`` as all arguments.

        First eq-running-average of the book, then eq-newton-diagonal of the book.
        """
        if state is None or curvature is None:
            raise InputError(
                "PseudoNewton.step was given no second derivatives; it needs `state` from start() "
                "and `curvature` from Network.hessian_diagonal. Pass both."
            )
        average = state + self.gamma * (curvature - state)
        return w - self.lr * gradient / (self.mu + average), average


@dataclass(frozen=True)
class PassNewton:
    """The step of `PseudoNewton` with ``<h>`` measured before each pass, then kept.

    This is the form that later papers of the same group describe (LeCun et al. 1998, as
    recalled): the average is over the first cases of the training set.

    Parameters
    ----------
    lr : float
        The global step, above zero.
    mu : float
        Keeps the step finite where the curvature vanishes, above zero.
    curvature_cases : int
        Number of cases averaged over, at least 1.
    """

    lr: float
    mu: float = 0.02
    curvature_cases: int = 500
    uses_curvature = False

    def __post_init__(self) -> None:
        """Check the settings."""
        _require(self.lr > 0, f"lr={self.lr}", "a step above 0")
        _require(self.mu > 0, f"mu={self.mu}", "mu above 0")
        given = f"curvature_cases={self.curvature_cases}"
        _require(self.curvature_cases >= 1, given, "at least one case")

    def start(self, w: Array) -> Array:
        """Return an average of zero; it is replaced before the first step."""
        return np.zeros_like(w)

    def step(
        self, w: Array, gradient: Array, state: Array | None, curvature: Array | None = None
    ) -> tuple[Array, Array | None]:
        """Step with the average as it is, ``(..., P)`` as all arguments.

        The step is eq-newton-diagonal of the book. While the average stays as it is, this is
        plain descent in other units (eq-rescaled of the book), with the rate that follows
        (eq-rate of the book).
        """
        if state is None:
            raise InputError("PassNewton.step was given no state; pass what start() returned.")
        return w - self.lr * gradient / (self.mu + state), state


@dataclass(frozen=True)
class Adam:
    """Steps of about ``lr`` for every weight, whatever the size of its gradient.

    ``w <- w - lr m / (sqrt(v) + epsilon)`` with running averages ``m`` of the gradient and
    ``v`` of its square, both corrected for their start at zero (Kingma & Ba 2015).

    Parameters
    ----------
    lr : float
        Step, above zero.
    beta1, beta2 : float
        What the two averages keep at each step, from 0 to below 1.
    epsilon : float
        Keeps the step finite, above zero.
    """

    lr: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    uses_curvature = False
    curvature_cases = 0

    def __post_init__(self) -> None:
        """Check the settings."""
        _require(self.lr > 0, f"lr={self.lr}", "a step above 0")
        _require(self.epsilon > 0, f"epsilon={self.epsilon}", "epsilon above 0")
        for beta in (self.beta1, self.beta2):
            _require(0 <= beta < 1, f"beta={beta}", "0 <= beta < 1")

    def start(self, w: Array) -> Array:
        """Return both averages, zero, and the number of steps, ``(..., 2 P + 1)``."""
        return np.zeros((*w.shape[:-1], 2 * w.shape[-1] + 1), dtype=w.dtype)

    def step(
        self, w: Array, gradient: Array, state: Array | None, curvature: Array | None = None
    ) -> tuple[Array, Array | None]:
        """Update the averages, then step; `state` is ``(..., 2 P + 1)``."""
        if state is None:
            raise InputError("Adam.step was given no state; pass what start() returned.")
        size, steps = w.shape[-1], state[..., -1:] + 1
        m = self.beta1 * state[..., :size] + (1 - self.beta1) * gradient
        v = self.beta2 * state[..., size:-1] + (1 - self.beta2) * gradient**2
        far = np.sqrt(v / (1 - self.beta2**steps)) + self.epsilon
        change = self.lr * (m / (1 - self.beta1**steps)) / far
        return w - change, np.concatenate([m, v, steps], axis=-1)
