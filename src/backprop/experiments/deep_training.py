"""Does a deep network still train? One small task, networks of 2 to 50 layers.

**The task.** 100 points, spread evenly over a disc of radius 2 by a spiral of the golden angle (no
randomness): is a point among the inner 50 or the outer 50? One logistic output with cross-entropy,
20 hidden units in each layer, weights and biases drawn alike, batch learning with momentum 0.9 and
the gradient summed over the points. Learned means that all 100 points are on the right side of one
half, at some sweep up to the 2,000th.

**The step.** A comparison at one step size would be worthless: what is right for one network is
too small or too large for another. Every network is therefore trained anew, from the same initial
weights, with each step of one set, the same for all; it counts as having learned if it did with
any of them. A network whose loss becomes infinite has not learned.

**How this was chosen.** By a look at networks of *two* layers only, ten seeds of each preset for
2,000 sweeps. With steps of 0.003 and 0.01 all of them learned, with 0.03 nearly all, with 0.1 none
(the output unit alone is then unstable, whatever lies below it), and with 0.0003 some not in time.
The set goes from that largest useful step down to 0.0001, since networks in which the gradient
explodes need smaller steps. Nothing deeper had been run when task, width, sweeps, steps and
criterion were fixed.

Depth counts layers of weights: a network of ``L`` layers has ``L - 1`` hidden layers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.activations import LECUN_TANH, LINEAR, LOGISTIC, RELU, TANH, Array
from backprop.errors import TrainingDiverged, unknown_name
from backprop.initialisers import uniform_fan_in
from backprop.layers import Dense, Layer, Normalise, Residual
from backprop.losses import CROSS_ENTROPY
from backprop.network import Network
from backprop.optimisers import Momentum
from backprop.training import NEVER, all_errors_below, or_none, train_batch

BLOCK = 10
uses_zip_codes = False

UNITS = {"logistic": LOGISTIC, "tanh": TANH, "scaled-tanh": LECUN_TANH, "relu": RELU}
REMEDIES = ("none", "residual", "normalise")
SHALLOW = 10  # networks that train only below this depth are shallow


@dataclass(frozen=True)
class Config:
    """Settings of a run.

    Parameters
    ----------
    unit : str
        Key of `UNITS`: activation of the hidden units.
    scale, power : float
        Weights and biases are drawn between minus and plus ``scale / F**power``; power 0 is a
        range that is the same for every layer.
    remedy : str
        One of `REMEDIES`: a link past each hidden layer but the first (whose inputs are two), or
        normalised total inputs in every hidden layer.
    depths : tuple of int
        Layers of weights, ascending; each depth is a network of its own.
    steps : tuple of float
        Step sizes; the best one counts.
    sweeps : int
        Where a network that has not learned is given up.
    width, cases : int
        Hidden units in a layer; points of the task.
    momentum : float
        Of batch learning.
    """

    unit: str = "logistic"
    scale: float = 0.3
    power: float = 0.0
    remedy: str = "none"
    depths: tuple[int, ...] = (2, 3, 5, 10, 20, 30, 50)
    steps: tuple[float, ...] = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03)
    sweeps: int = 2000
    width: int = 20
    cases: int = 100
    momentum: float = 0.9

    @classmethod
    def paper(cls) -> Config:
        """Return logistic units with small weights, as in 1986 (no paper has this experiment)."""
        return cls()

    @classmethod
    def fast(cls) -> Config:
        """Return a short run for tests."""
        return cls(depths=(2, 3), steps=(0.03,), sweeps=150)


_TANH_ROOT = math.sqrt(3)  # a uniform range of variance 1 / F
_RELU_ROOT = math.sqrt(6)  # 2 / F: half of the units are silent (He et al. 2015, as recalled)
PRESETS = {
    "logistic": Config.paper(),
    "tanh": Config("tanh"),
    "relu": Config("relu"),
    "tanh-fan-in": Config("tanh", _TANH_ROOT, 0.5),
    "scaled-tanh-fan-in": Config("scaled-tanh", _TANH_ROOT, 0.5),
    "relu-fan-in": Config("relu", _RELU_ROOT, 0.5),
    "tanh-residual": Config("tanh", remedy="residual"),
    "tanh-normalised": Config("tanh", remedy="normalise"),
    "fast": Config.fast(),
}


def points(cases: int = 100) -> tuple[Array, Array]:
    """Spread points evenly over a disc: the inner half is to be told from the outer.

    Parameters
    ----------
    cases : int
        Number of points, even.

    Returns
    -------
    x : float32 array, shape (cases, 2)
        Points of a spiral of the golden angle, from the centre to a radius of 2: each coordinate
        has a variance of 1.
    d : float32 array, shape (cases, 1)
        1 for the inner half.
    """
    number = np.arange(cases)
    radius, angle = 2 * np.sqrt((number + 0.5) / cases), number * math.pi * (3 - math.sqrt(5))
    x = radius * np.array([np.cos(angle), np.sin(angle)])
    return x.T.astype(np.float32), (number[:, None] < cases // 2).astype(np.float32)


def network(config: Config, depth: int) -> Network:
    """Build a network with so many layers of weights.

    Parameters
    ----------
    config : Config
        Settings.
    depth : int
        Layers of weights, at least 2.

    Returns
    -------
    Network
        From two inputs to one logistic output.

    Raises
    ------
    UnknownName
        If there is no such unit or remedy.
    """
    hidden = [layer for n in range(depth - 1) for layer in _hidden(config, first=n == 0)]
    return Network((*hidden, Dense(config.width, 1, LOGISTIC)))


def _hidden(config: Config, *, first: bool) -> tuple[Layer, ...]:
    """Make one hidden layer of units, by its parts."""
    for kind, name, known in (
        ("unit", config.unit, UNITS),
        ("remedy", config.remedy, REMEDIES),
    ):
        if name not in known:
            raise unknown_name(kind, name, known)
    n_in, unit = 2 if first else config.width, UNITS[config.unit]
    if config.remedy == "normalise":
        return Dense(n_in, config.width, LINEAR), Normalise(config.width, unit)
    layer = Dense(n_in, config.width, unit)
    return (Residual(layer),) if config.remedy == "residual" and not first else (layer,)


def initial(config: Config, depth: int, seeds: Sequence[int]) -> Array:
    """Draw initial weights and biases, one row for each seed, float32, ``(S, P)``."""
    draw = uniform_fan_in(config.scale, power=config.power)
    return network(config, depth).init_replicas(draw, seeds=seeds, dtype=np.float32)


def sweeps_needed(
    config: Config, depth: int, seeds: Sequence[int], step: float
) -> NDArray[np.int64]:
    """Train one network for each seed.

    Parameters
    ----------
    config : Config
        Settings.
    depth : int
        Layers of weights.
    seeds : sequence of int
        Seeds of the initial weights.
    step : float
        Step size.

    Returns
    -------
    int array, shape (S,)
        Sweeps until all points were right; `NEVER` if they were not, or if the loss became
        infinite.
    """
    x, d = points(config.cases)
    net = network(config, depth)

    def train(w: Array) -> NDArray[np.int64]:
        try:
            return train_batch(
                net,
                w,
                x,
                d,
                optimiser=Momentum(step, config.momentum),
                sweeps=config.sweeps,
                loss=CROSS_ENTROPY,
                criteria={"side": all_errors_below(0.5)},
            ).reached["side"]
        except TrainingDiverged:
            # It ends all replicas, and its message is for people: halve until it stands alone.
            if len(w) == 1:
                return np.array([NEVER])
            half = len(w) // 2
            return np.concatenate([train(w[:half]), train(w[half:])])

    return train(initial(config, depth, seeds))


def deepest(depths: Sequence[int], learned: Sequence[bool]) -> int:
    """Find the largest depth up to which every smaller one was learned too.

    Parameters
    ----------
    depths : sequence of int
        Depths, ascending.
    learned : sequence of bool
        Whether the network of each depth learned.

    Returns
    -------
    int
        0 if the first one did not.
    """
    reached = 0
    for depth, success in zip(depths, learned, strict=True):
        if not success:
            break
        reached = depth
    return reached


def runs(config: Config, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Train networks of every depth with every step, from each seed.

    Parameters
    ----------
    config : Config
        Settings.
    seeds : sequence of int
        Seeds of the initial weights.

    Returns
    -------
    dict of int to dict
        ``sweeps``: for each depth the sweeps needed with each step (None if it did not learn);
        ``learned``: for each depth whether it learned with any; ``deepest``: see there;
        ``shallow_only``: whether that is less than `SHALLOW`.
    """
    needed = np.array(
        [[sweeps_needed(config, depth, seeds, s) for s in config.steps] for depth in config.depths]
    )
    measured = {}
    for i, seed in enumerate(seeds):
        learned = [bool(each) for each in (needed[..., i] != NEVER).any(axis=1)]
        reached = deepest(config.depths, learned)
        measured[seed] = {
            "sweeps": [[or_none(n) for n in row] for row in needed[..., i]],
            "learned": learned,
            "deepest": reached,
            "shallow_only": reached < SHALLOW,
        }
    return measured


def run(config: Config, *, seed: int) -> dict[str, Any]:
    """Train once; see `runs`."""
    return runs(config, [seed])[seed]


FACTS: dict[str, Callable[[], float]] = {}
