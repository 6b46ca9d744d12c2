"""Exclusive or, parity, encoders and symmetry from many initial weights.

The tasks of Rumelhart et al. 1986 (the paper and the longer chapter) that take a network of one
hidden layer, and the same tasks without hidden units, where the learning rule is the delta rule.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from backprop import datasets
from backprop.activations import Array
from backprop.errors import unknown_name
from backprop.initialisers import uniform
from backprop.layers import Dense
from backprop.network import Network
from backprop.optimisers import Momentum
from backprop.separability import separable
from backprop.training import BatchResult, all_errors_below, train_batch

BLOCK = 500
uses_zip_codes = False

TASKS: dict[str, Callable[[], datasets.Cases]] = {
    "xor": datasets.xor,
    "parity-4": lambda: datasets.parity(4),
    "encoder-8": lambda: datasets.encoder(8),
    "symmetry": datasets.symmetry,
}
# What counts as learned: every output within this of its 0/1 answer.
LIMITS = {"side": 0.5, "margin": 0.2}


@dataclass(frozen=True)
class Config:
    """Settings of a run.

    Parameters
    ----------
    task : str
        Key of `TASKS`.
    hidden : int
        Number of hidden units; 0 for a single layer, which the delta rule trains.
    lr, momentum : float
        The chapter prints 0.5 for exclusive or and parity, and about 0.9 for most simulations.
    half_width : float
        Initial weights and biases are drawn between minus and plus this. The chapter only says
        "small" (claim initial-xor-spread).
    low, high : float
        Target values for off and on; 0.1 and 0.9 in the chapter, as recalled.
    sweeps : int
        Where a run that has not learned is given up.
    equal : bool
        Give all hidden units the same initial weights.
    """

    task: str = "xor"
    hidden: int = 2
    lr: float = 0.5
    momentum: float = 0.9
    half_width: float = 0.5
    low: float = 0.1
    high: float = 0.9
    sweeps: int = 10_000
    equal: bool = False

    @classmethod
    def paper(cls) -> Config:
        """Return exclusive or with two hidden units, as the chapter has it."""
        return cls()

    @classmethod
    def fast(cls) -> Config:
        """Return a short run for tests."""
        return cls(sweeps=200)


WIDTHS = (0.05, 0.15, 0.5, 1.5, 5.0, 15.0)
_SYMMETRY = Config("symmetry", lr=0.1, half_width=0.3, low=0.0, high=1.0, sweeps=20_000)
PRESETS = {
    "xor": Config.paper(),
    "xor-delta": Config(hidden=0),
    "xor-equal": Config(equal=True),
    **{f"xor-range-{width:g}": Config(half_width=width) for width in WIDTHS if width != 0.5},
    **{f"xor-hidden-{hidden}": Config(hidden=hidden) for hidden in (4, 8, 16, 32)},
    "xor-range-0.05-longer": Config(half_width=0.05, sweeps=40_000),
    # Steps around the chapter's 0.25 and 0.5, with time in proportion.
    "xor-step-0.05": Config(lr=0.05, sweeps=100_000),
    "xor-step-0.25": Config(lr=0.25, sweeps=20_000),
    "xor-step-2": Config(lr=2.0),
    "xor-no-momentum": Config(momentum=0.0, sweeps=100_000),
    "parity-4": Config(task="parity-4", hidden=4, sweeps=20_000),
    "parity-4-delta": Config(task="parity-4", hidden=0),
    "encoder-8": Config(task="encoder-8", hidden=3),
    "symmetry": _SYMMETRY,
    "symmetry-delta": replace(_SYMMETRY, hidden=0, sweeps=10_000),
    "fast": Config.fast(),
}


def network(config: Config) -> Network:
    """Build the network: one hidden layer of logistic units, or none."""
    x, answers = _cases(config)
    sizes = [x.shape[1], *([config.hidden] if config.hidden else []), answers.shape[1]]
    return Network(tuple(Dense(*pair) for pair in pairwise(sizes)))


def _cases(config: Config) -> datasets.Cases:
    if config.task not in TASKS:
        raise unknown_name("task", config.task, TASKS)
    return TASKS[config.task]()


def initial(config: Config, seeds: Sequence[int]) -> Array:
    """Draw initial weights, one row for each seed, ``(S, P)``."""
    net = network(config)
    w = net.init_replicas(uniform(config.half_width), seeds=seeds)
    if config.equal:
        (into, bias), (out, _) = net.unpack(w)  # views: what is set here is set in w
        into[:], bias[:], out[:] = into[..., :1], bias[..., :1], out[..., :1, :]
    return w


def train(
    config: Config,
    seeds: Sequence[int],
    *,
    criteria: Collection[str] = tuple(LIMITS),
    every: int = 0,
) -> BatchResult:
    """Train one replica for each seed on all cases at once.

    Parameters
    ----------
    config : Config
        Settings.
    seeds : sequence of int
        Seeds of the initial weights.
    criteria : collection of str
        Keys of `LIMITS`. A replica that has met all of them stops; without any, none does.
    every : int
        Note the loss each so many sweeps; 0 for no history.

    Returns
    -------
    BatchResult
        With the criteria, counted in sweeps.
    """
    x, answers = _cases(config)
    return train_batch(
        network(config),
        initial(config, seeds),
        x,
        config.low + (config.high - config.low) * answers,
        optimiser=Momentum(config.lr, config.momentum),
        sweeps=config.sweeps,
        criteria={name: all_errors_below(LIMITS[name]) for name in criteria},
        every=every,
    )


def runs(config: Config, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Train once for each seed and measure.

    Parameters
    ----------
    config : Config
        Settings.
    seeds : sequence of int
        Seeds of the initial weights.

    Returns
    -------
    dict of int to dict
        ``sweeps_to_<criterion>`` (None if never met), ``solved``, ``correct`` (cases with all
        outputs on the right side of one half), ``loss``, ``intermediate`` (whether a hidden
        output lies between 0.25 and 0.75 for some case) and ``units_equal`` (whether all hidden
        units still have the same weights, to 1e-9); the last two are None without hidden units.
    """
    x, answers = _cases(config)
    net, result = network(config), train(config, seeds)
    y, caches = net.forward(result.w, x)
    right = (np.abs(y - answers) < LIMITS["side"]).all(axis=-1).sum(axis=-1)
    measured = {}
    for i, seed in enumerate(seeds):
        reached = result.sweeps_to(i)
        hidden = caches[0][1][i] if config.hidden else None
        measured[seed] = {
            **reached,
            "solved": reached["sweeps_to_margin"] is not None,
            "correct": int(right[i]),
            "loss": float(f"{result.loss[i]:.5g}"),
            "intermediate": None
            if hidden is None
            else bool(((hidden > 0.25) & (hidden < 0.75)).any()),
            "units_equal": None if hidden is None else units_equal(net, result.w[i]),
        }
    return measured


def units_equal(net: Network, w: Array) -> bool:
    """Tell whether all hidden units have the same weights, in and out, to 1e-9.

    Parameters
    ----------
    net : Network
        With one hidden layer.
    w : array, shape (P,)
        Its parameters.

    Returns
    -------
    bool
        True if no weight of a unit differs from that of the first one.
    """
    (into, bias), (out, _) = net.unpack(w)
    apart = [into - into[:, :1], bias - bias[:1], out - out[:1]]
    return max(float(np.abs(each).max()) for each in apart) <= 1e-9


def run(config: Config, *, seed: int) -> dict[str, Any]:
    """Train once; see `runs`."""
    return runs(config, [seed])[seed]


def impossible(task: str) -> float:
    """Tell whether no weights of a single layer give the answers of a task (1 is yes, 0 is no).

    Decided by linear programming over all weights; see `backprop.separability`.
    """
    return float(not separable(*_cases(Config(task=task))))


FACTS: dict[str, Callable[[], float]] = {
    "xor_impossible": lambda: impossible("xor"),
    "symmetry_impossible": lambda: impossible("symmetry"),
    "parity_impossible": lambda: impossible("parity-4"),
}
