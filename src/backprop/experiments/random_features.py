"""Hidden units that learn beside hidden units that stay as they were drawn.

With the hidden layer fixed at random weights only the top is left to train, and whether any weights
of the top give the right answers is decided by linear programming: no training of it could do
better. The question is how many units such a layer needs, and how many one that learns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from backprop import datasets
from backprop.activations import Array
from backprop.errors import unknown_name
from backprop.initialisers import uniform
from backprop.layers import Dense
from backprop.network import Network
from backprop.optimisers import Momentum
from backprop.separability import fewest_units, separable
from backprop.training import NEVER, BatchResult, all_errors_below, train_batch

BLOCK = 50
uses_zip_codes = False

TASKS: dict[str, Callable[[], datasets.Cases]] = {
    **{f"parity-{bits}": partial(datasets.parity, bits) for bits in range(2, 7)},
    "symmetry": datasets.symmetry,
}


@dataclass(frozen=True)
class Config:
    """Settings of a run.

    Parameters
    ----------
    task : str
        Key of `TASKS`.
    half_widths : tuple of float
        Fixed hidden layers: weights and biases are drawn between minus and plus each of these.
    hidden : tuple of int
        Sizes of the hidden layers that learn.
    lr, momentum : float
        Of the training by backpropagation.
    half_width : float
        Its initial weights and biases.
    low, high : float
        Its target values for off and on.
    sweeps : int
        Where a run that has not learned is given up.
    """

    task: str = "parity-4"
    half_widths: tuple[float, ...] = (0.5, 1.5, 5.0, 15.0)
    hidden: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 8, 12)
    lr: float = 0.5
    momentum: float = 0.9
    half_width: float = 0.5
    low: float = 0.1
    high: float = 0.9
    sweeps: int = 20_000

    @classmethod
    def paper(cls) -> Config:
        """Return parity of four inputs; training as in the experiment `small_tasks`."""
        return cls()

    @classmethod
    def fast(cls) -> Config:
        """Return a short run for tests."""
        return cls("parity-2", (0.5, 5.0), hidden=(1, 2), sweeps=100)


# The chapter's step of 0.5 for up to 16 cases; it multiplies a sum over cases, so half of it for
# twice as many. Symmetry as in the experiment `small_tasks`.
PRESETS = {
    "parity-2": Config("parity-2", hidden=(1, 2, 3, 4)),
    "parity-3": Config("parity-3", hidden=(1, 2, 3, 4, 6)),
    "parity-4": Config.paper(),
    "parity-5": Config("parity-5", hidden=(3, 4, 5, 6, 8, 12), lr=0.25),
    "parity-6": Config("parity-6", hidden=(4, 6, 12, 24), lr=0.125),
    "symmetry": Config("symmetry", hidden=(1, 2, 4, 8), lr=0.1, half_width=0.3, low=0.0, high=1.0),
    "fast": Config.fast(),
}


def cases(config: Config) -> datasets.Cases:
    """Give inputs and answers, 0 or 1, of the task.

    Raises
    ------
    UnknownName
        If there is no such task.
    """
    if config.task not in TASKS:
        raise unknown_name("task", config.task, TASKS)
    return TASKS[config.task]()


def fixed_layer(config: Config, half_width: float, *, seed: int) -> Array:
    """Compute the outputs of a random hidden layer with as many units as there are cases.

    Parameters
    ----------
    config : Config
        Settings.
    half_width : float
        Weights and biases lie between minus and plus this.
    seed : int
        Seed of the weights.

    Returns
    -------
    array, shape (cases, cases)
        One column for each unit.
    """
    x, _ = cases(config)
    layer = Network((Dense(x.shape[1], len(x)),))
    return layer.forward(layer.init(uniform(half_width), rng=np.random.default_rng(seed)), x)[0]


def network(config: Config, hidden: int) -> Network:
    """Build the network that learns, with one hidden layer of logistic units."""
    x, _ = cases(config)
    return Network((Dense(x.shape[1], hidden), Dense(hidden, 1)))


def train(
    config: Config, hidden: int, seeds: Sequence[int], *, every: int = 0
) -> tuple[Array, BatchResult]:
    """Train all weights by backpropagation, one replica for each seed.

    Parameters
    ----------
    config : Config
        Settings.
    hidden : int
        Number of hidden units.
    seeds : sequence of int
        Seeds of the initial weights.
    every : int
        Note the loss each so many sweeps; 0 for no history.

    Returns
    -------
    start : array, shape (S, P)
        Initial weights.
    result : BatchResult
        With the criterion "margin": every output within 0.2 of its answer.
    """
    x, answers = cases(config)
    net = network(config, hidden)
    start = net.init_replicas(uniform(config.half_width), seeds=seeds)
    result = train_batch(
        net,
        start,
        x,
        config.low + (config.high - config.low) * answers,
        optimiser=Momentum(config.lr, config.momentum),
        sweeps=config.sweeps,
        criteria={"margin": all_errors_below(0.2)},
        every=every,
    )
    return start, result


def hidden_separable(net: Network, w: Array, x: Array, answers: Array) -> list[bool]:
    """Tell for each replica whether its hidden outputs can be separated by one more layer.

    Parameters
    ----------
    net : Network
        With one hidden layer.
    w : array, shape (S, P)
        Parameters.
    x, answers : array
        The cases.

    Returns
    -------
    list of bool
        One for each replica.
    """
    _, caches = net.forward(w, x)
    return [separable(outputs, answers) for outputs in caches[0][1]]


def runs(config: Config, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Count the units that fixed layers need, and train layers that learn.

    Parameters
    ----------
    config : Config
        Settings.
    seeds : sequence of int
        Seeds of all weights, and of the coins.

    Returns
    -------
    dict of int to dict
        ``units`` and ``units_for_coins``: how many units of a fixed layer make the task, and
        answers drawn by tossing coins, separable, for each of the half-widths (None if as many as
        there are cases are not enough). ``learned``, ``before`` and ``after``: for each size of a
        layer that learns, whether the network learned, and whether its hidden outputs were
        separable before and after.
    """
    x, answers = cases(config)
    measured: dict[int, dict[str, Any]] = {}
    for seed in seeds:
        coins = np.random.default_rng([seed, 1]).integers(0, 2, len(x)).astype(float)
        layers = [fixed_layer(config, width, seed=seed) for width in config.half_widths]
        measured[seed] = {
            "units": [fewest_units(outputs, answers) for outputs in layers],
            "units_for_coins": [fewest_units(outputs, coins) for outputs in layers],
            "learned": [],
            "before": [],
            "after": [],
        }
    for hidden in config.hidden:
        net = network(config, hidden)
        start, result = train(config, hidden, seeds)
        columns = {
            "learned": (result.reached["margin"] != NEVER).tolist(),
            "before": hidden_separable(net, start, x, answers),
            "after": hidden_separable(net, result.w, x, answers),
        }
        for name, values in columns.items():
            for seed, value in zip(seeds, values, strict=True):
                measured[seed][name].append(value)
    return measured


def run(config: Config, *, seed: int) -> dict[str, Any]:
    """Measure once; see `runs`."""
    return runs(config, [seed])[seed]


FACTS: dict[str, Callable[[], float]] = {}
