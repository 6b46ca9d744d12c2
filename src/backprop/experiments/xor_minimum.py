"""The local minimum of exclusive or that the chapter of 1986 prints (Fig. 5), and how wide it is.

Two hidden units, printed weights, printed outputs. From the printed weights, moved by a random
amount, descent either comes back or learns exclusive or after all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from backprop import datasets, minima
from backprop.activations import Array
from backprop.experiments import small_tasks
from backprop.optimisers import SteepestDescent
from backprop.training import all_errors_below, train_batch

BLOCK = 25
uses_zip_codes = False

NETWORK = small_tasks.network(small_tasks.Config())
# Weights onto the left and the right hidden unit (a row for each input), their biases, their
# weights to the output, its bias: read off a scan of Fig. 5.
PRINTED = np.array([-2.0, 4.3, 9.2, 8.8, 2.0, -0.1, -4.5, 5.3, -0.8])
PRINTED.setflags(write=False)
PATTERNS = {"00": 0, "01": 1, "10": 2, "11": 3}  # as the figure names them, left input first


@dataclass(frozen=True)
class Config:
    """Settings of a run.

    Parameters
    ----------
    sizes : tuple of float
        How far the printed weights are moved before descent begins, in a random direction.
    lr : float
        Step of steepest descent; 0.25 is the chapter's, in the run that met a local minimum.
    low, high : float
        Target values, as recalled.
    sweeps : int
        Where a run that has not learned is given up.
    """

    sizes: tuple[float, ...] = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
    lr: float = 0.25
    low: float = 0.1
    high: float = 0.9
    sweeps: int = 30_000

    @classmethod
    def paper(cls) -> Config:
        """Return the moves that the page shows (the chapter has none)."""
        return cls()

    @classmethod
    def fast(cls) -> Config:
        """Return a short run for tests."""
        return cls(sizes=(0.5, 8.0), sweeps=300)


PRESETS = {"moved": Config.paper(), "moved-step-2": Config(lr=2.0), "fast": Config.fast()}


def cases(config: Config) -> tuple[Array, Array]:
    """Return the inputs ``(4, 2)`` and the targets ``(4, 1)``."""
    x, answers = datasets.xor()
    return x, config.low + (config.high - config.low) * answers


def moved(config: Config, seed: int) -> Array:
    """Move the printed weights in one random direction by each size, ``(sizes, 9)``."""
    direction = np.random.default_rng(seed).standard_normal(PRINTED.size)
    direction /= np.linalg.norm(direction)
    return PRINTED + np.outer(config.sizes, direction)


def runs(config: Config, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Descend from the moved weights, for each seed in one direction.

    Parameters
    ----------
    config : Config
        Settings.
    seeds : sequence of int
        Seeds of the directions.

    Returns
    -------
    dict of int to dict
        ``learned`` (every output within 0.2 of its 0/1 answer in time) and ``loss``, a list
        with one entry for each size.
    """
    x, d = cases(config)
    starts = np.concatenate([moved(config, seed) for seed in seeds])
    result = train_batch(
        NETWORK,
        starts,
        x,
        d,
        optimiser=SteepestDescent(config.lr),
        sweeps=config.sweeps,
        criteria={"margin": all_errors_below(0.2)},
    )
    learned = (result.reached["margin"] >= 0).reshape(len(seeds), -1)
    loss = result.loss.reshape(len(seeds), -1)
    return {
        seed: {
            "learned": learned[i].tolist(),
            "loss": [float(f"{value:.4g}") for value in loss[i]],
        }
        for i, seed in enumerate(seeds)
    }


def run(config: Config, *, seed: int) -> dict[str, Any]:
    """Descend in one direction; see `runs`."""
    return runs(config, [seed])[seed]


@cache
def end_of_descent() -> tuple[Array, float]:
    """Descend from the printed weights with steps of second order.

    Returns
    -------
    w : array, shape (9,)
        Where it ends.
    loss : float
        The loss there.
    """
    return minima.descend(NETWORK, PRINTED, *cases(Config()), steps=1000)


def is_minimum() -> bool:
    """Tell whether descent from the printed weights ends in a local minimum.

    Returns
    -------
    bool
        Whether every component of the gradient is below 1e-8 there, no eigenvalue of the Hessian
        is below -1e-8, and the loss is above 0.1 (at a global minimum it is 0).
    """
    w, loss = end_of_descent()
    x, d = cases(Config())
    at_rest = np.abs(minima.gradient(NETWORK, w, x, d)).max() < 1e-8
    return bool(at_rest and minima.curvatures(NETWORK, w, x, d)[0] > -1e-8 and loss > 0.1)


def _output(pattern: str) -> Callable[[], float]:
    y = NETWORK.forward(PRINTED, datasets.xor()[0])[0]
    return lambda: round(float(y[PATTERNS[pattern], 0]), 1)


FACTS: dict[str, Callable[[], float]] = {
    **{f"output_{pattern}": _output(pattern) for pattern in PATTERNS},
    "is_minimum": lambda: float(is_minimum()),
}
