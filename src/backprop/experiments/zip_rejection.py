"""A threshold for rejection that has never seen the test digits.

The 1989 paper rejects a digit when its two highest outputs differ too little, and chooses the
threshold on the test set itself. Here the threshold is chosen on training digits that were held out
of the training, as whoever had to put the network to work would have to, and then judged on the
test digits. Digits that the network was trained on are of no use for this: it gets fewer than 1 %
of them wrong without rejecting any.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop import datasets
from backprop.activations import Array
from backprop.evaluation import judge_threshold, rejection_curve, threshold_for, wrong
from backprop.experiments import zip_codes, zip_training
from backprop.experiments.zip_training import rounded

BLOCK = 10
uses_zip_codes = True
# Shares of cases rejected at which the rejection curve is recorded: 0 to 40 % by half a percent.
REJECTED = np.arange(81) / 200


@dataclass(frozen=True)
class Config:
    """Settings of a run; the network and its training are those of `zip_codes`.

    Parameters
    ----------
    lr : float
        Step of the pseudo-Newton method.
    error : float
        Tolerated share of errors among the accepted digits.
    hold_out : int
        So many training digits, the last ones, are kept for choosing the threshold.
    passes : int
        23 in the paper.
    train_cases : int, optional
        Train on the first cases only (for tests). Default: all that are left.
    """

    lr: float = 0.0003
    error: float = 0.01
    hold_out: int = zip_codes.HELD_OUT
    passes: int = 23
    train_cases: int | None = None

    @classmethod
    def paper(cls) -> Config:
        """Return the paper's network and tolerated error, with an honest threshold."""
        return cls()

    @classmethod
    def fast(cls) -> Config:
        """Return a short run for tests."""
        return cls(error=0.5, passes=1, train_cases=500)


PRESETS = {"held-out": Config.paper(), "fast": Config.fast()}


def curve_on_grid(y: Array, digit: NDArray[Any], grid: Array = REJECTED) -> Array:
    """Measure the error among the accepted digits at given shares of rejected ones.

    Parameters
    ----------
    y : array, shape (n, 10)
        Outputs.
    digit : int array, shape (n,)
        True classes.
    grid : array, shape (m,)
        Shares to reject, each from 0 to less than 1; at most these are rejected.

    Returns
    -------
    array, shape (m,)
        Share of errors among the accepted digits.
    """
    _, errors = rejection_curve(y, digit)
    at: Array = errors[np.floor(grid * len(digit) + 1e-9).astype(int)]
    return at


def compare_thresholds(
    held: tuple[Array, NDArray[Any]], test: tuple[Array, NDArray[Any]], *, error: float
) -> dict[str, Any]:
    """Choose a threshold twice, on digits held out and on the test digits, and judge both.

    Parameters
    ----------
    held, test : tuple of array, shape (n, 10), and int array, shape (n,)
        Outputs and true classes.
    error : float
        Tolerated share of errors among the accepted digits.

    Returns
    -------
    dict
        All shares in percent. ``held_error``, ``test_error``: without rejection. ``threshold``:
        chosen on the held-out digits (None if there is none), with ``held_rejected`` there, and
        ``rejected`` and ``accepted_error`` on the test digits. ``seen_rejected``: rejected if the
        threshold is chosen on the test digits. ``held_curve``, ``test_curve``: errors among the
        accepted at each of `REJECTED`.
    """
    threshold = threshold_for(*held, error=error)
    rejected, accepted_error = judge_threshold(*test, threshold)
    seen, _ = judge_threshold(*test, threshold_for(*test, error=error))
    return {
        "held_error": rounded(100 * wrong(*held).mean()),
        "test_error": rounded(100 * wrong(*test).mean()),
        "threshold": rounded(threshold) if math.isfinite(threshold) else None,
        "held_rejected": rounded(100 * judge_threshold(*held, threshold)[0]),
        "rejected": rounded(100 * rejected),
        "accepted_error": rounded(100 * accepted_error),
        "seen_rejected": rounded(100 * seen),
        "held_curve": [rounded(100 * value) for value in curve_on_grid(*held)],
        "test_curve": [rounded(100 * value) for value in curve_on_grid(*test)],
    }


def runs(config: Config, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Train one network for each seed without the held-out digits, all at once.

    Parameters
    ----------
    config : Config
        Settings.
    seeds : sequence of int
        Seeds of the initial weights.

    Returns
    -------
    dict of int to dict
        By seed, what `compare_thresholds` gives.
    """
    digits = datasets.zip_codes()
    held = zip_codes.hold_out(digits, config.hold_out)
    net = zip_codes.network()
    w, _ = zip_training.train_seeds(
        net,
        seeds,
        held,
        optimiser=zip_codes.make_optimiser(zip_codes.Config(lr=config.lr)),
        passes=config.passes,
        train_cases=config.train_cases,
    )
    on_held, on_test = (
        net.predict(w, x, batch=zip_training.BATCH) for x in (held.test_x, digits.test_x)
    )
    return {
        seed: compare_thresholds(
            (on_held[i], held.test_digit), (on_test[i], digits.test_digit), error=config.error
        )
        for i, seed in enumerate(seeds)
    }


def run(config: Config, *, seed: int) -> dict[str, Any]:
    """Train once; see `runs`."""
    return runs(config, [seed])[seed]


FACTS: dict[str, Callable[[], float]] = {}
