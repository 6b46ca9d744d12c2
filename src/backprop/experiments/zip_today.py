"""From 1989 to today on the same digits: one new means after another.

Every step changes the network or its training in one way and keeps what came before. Its
settings are tried on the training digits alone: the last `HELD_OUT` are held out, over the seeds of
`SELECTION_SEEDS`, and the setting with the smallest mean error there is taken. Fixed before
the runs: a step stays for those after it if its mean error on the digits held out is smaller than
that of the last step that stayed; if not, its test error is reported and it is dropped. The test
digits are looked at once for each step, by the recorded runs on all training digits, and decide
nothing.

The layers stay those of 1989: 9,760 free parameters in every step, but ten times as many in the
last, which averages ten networks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop import datasets
from backprop.activations import LECUN_TANH, LINEAR, RELU, Array
from backprop.datasets.distortions import distorted
from backprop.errors import unknown_name
from backprop.experiments import zip_training
from backprop.experiments.zip_codes import HELD_OUT, hold_out
from backprop.initialisers import Initialiser, constant, uniform_fan_in
from backprop.layers import Mask
from backprop.layers.mask import dropout
from backprop.losses import HALF_SUMMED_SQUARES, SOFTMAX_CROSS_ENTROPY, softmax
from backprop.network import Network
from backprop.optimisers import Adam, Momentum, Optimiser, PseudoNewton, Schedule
from backprop.training import train_online

BLOCK = 10
uses_zip_codes = True
SELECTION_SEEDS = range(1000, 1005)
MEMBERS = 10
OUTPUTS = ("squares", "softmax")
UNITS = ("tanh", "relu")
OPTIMISERS = ("pseudo-newton", "momentum", "adam")


@dataclass(frozen=True)
class Config:
    """Settings of a run; the defaults are those of 1989.

    Parameters
    ----------
    outputs : str
        "squares": tanh units and squared error. "softmax": with cross-entropy.
    units : str
        "tanh" or "relu" below the outputs; "relu" starts within ±sqrt(6 / F), biases at zero.
    optimiser : str
        One of `OPTIMISERS`. The two others than "pseudo-newton" go through the cases in another
        order in each pass, and take a tenth of the step in the last quarter of the passes.
    lr : float
        Step, for the mean gradient of the `batch` cases.
    batch : int
        Cases in a step.
    passes : int
        Number of passes.
    shift, elastic : float
        Distortion of the training digits, in pixels; anew in each pass.
    dropout : float
        Share of the units of H2 that is left out, drawn for each case.
    members : int
        Number of networks whose outputs are averaged.
    hold_out : int
        So many training digits, the last ones, take the place of the test digits.
    train_cases : int, optional
        Use the first cases only (for tests). Default: all.
    """

    outputs: str = "squares"
    units: str = "tanh"
    optimiser: str = "pseudo-newton"
    lr: float = 0.0003
    batch: int = 1
    passes: int = 23
    shift: float = 0.0
    elastic: float = 0.0
    dropout: float = 0.0
    members: int = 1
    hold_out: int = 0
    train_cases: int | None = None

    @classmethod
    def paper(cls) -> Config:
        """Return the settings of 1989."""
        return cls()

    @classmethod
    def fast(cls) -> Config:
        """Return a short run for tests, with all that is new."""
        return cls("softmax", "relu", "adam", 0.002, 32, 2, 1.0, 0.5, 0.1, 2, train_cases=100)


Changes = dict[str, Any]
# For each step the settings that are tried.
STEPS: dict[str, tuple[Changes, ...]] = {
    "softmax": tuple({"outputs": "softmax", "lr": lr} for lr in (0.0001, 0.0003, 0.001)),
    "relu": tuple({"units": "relu", "lr": lr} for lr in (0.0001, 0.0003, 0.001)),
    "momentum": tuple({"optimiser": "momentum", "batch": 16, "lr": lr} for lr in (0.01, 0.03, 0.1)),
    "adam": tuple({"optimiser": "adam", "batch": 16, "lr": lr} for lr in (0.001, 0.003, 0.01)),
    "longer": ({"passes": 40},),
    "shifts": tuple({"shift": shift} for shift in (0.5, 1.0)),
    "elastic": tuple({"elastic": elastic} for elastic in (0.3, 0.6)),
    # Added when "softmax" had been dropped, before its own runs: does it help after all, with
    # "relu", where the digits are distorted?
    "both again": tuple(
        {"outputs": "softmax", "units": "relu", "lr": lr} for lr in (0.001, 0.003, 0.01)
    ),
    "dropout": tuple({"dropout": share} for share in (0.1, 0.2)),
}
# The setting that each step took, and whether the step stays; a test repeats the choices from
# the recorded runs.
TAKEN: dict[str, tuple[Changes, bool]] = {
    "softmax": (STEPS["softmax"][1], False),
    "relu": (STEPS["relu"][1], True),
    "momentum": (STEPS["momentum"][0], False),
    "adam": (STEPS["adam"][1], True),
    "longer": (STEPS["longer"][0], True),
    "shifts": (STEPS["shifts"][1], True),
    "elastic": (STEPS["elastic"][0], True),
    "both again": (STEPS["both again"][1], True),
    "dropout": (STEPS["dropout"][1], False),
}


def before(step: str) -> Config:
    """Give the settings that a step changes: those of all steps before it that stayed."""
    config = Config()
    for name in STEPS:
        if name == step:
            break
        if name in TAKEN and TAKEN[name][1]:
            config = replace(config, **TAKEN[name][0])
    return config


def trial(step: str, number: int) -> str:
    """Name the preset that tries a setting with digits held out."""
    return f"trial-{step.replace(' ', '-')}-{number}"


def _presets() -> dict[str, Config]:
    presets = {"base": Config(), "trial-base": Config(hold_out=HELD_OUT)}
    for step, settings in STEPS.items():
        if step in TAKEN:
            presets[step.replace(" ", "-")] = replace(before(step), **TAKEN[step][0])
        for number, changes in enumerate(settings):
            presets[trial(step, number)] = replace(before(step), **changes, hold_out=HELD_OUT)
        if step not in TAKEN:  # what comes after it depends on it
            return presets
    presets["committee"] = replace(before(""), members=MEMBERS)
    return presets


PRESETS = {**_presets(), "fast": Config.fast()}


def choose(
    step: str, last: float, errors: Callable[[str], Sequence[float]]
) -> tuple[Changes, bool, float]:
    """Choose the setting of a step, and whether the step stays.

    Parameters
    ----------
    step : str
        A key of `STEPS`.
    last : float
        Mean error on the digits held out of the last step that stayed.
    errors : callable
        Name of a trial -> errors on the digits held out, over the seeds.

    Returns
    -------
    changes : dict
        The setting with the smallest mean error.
    stays : bool
        Whether that is smaller than `last`.
    error : float
        That error.
    """
    means = [float(np.mean(errors(trial(step, number)))) for number in range(len(STEPS[step]))]
    best = int(np.argmin(means))
    return STEPS[step][best], means[best] < last, means[best]


def network(config: Config) -> Network:
    """Build the network that `config` describes; it has the 9,760 parameters of 1989."""
    if config.outputs not in OUTPUTS:
        raise unknown_name("kind of outputs", config.outputs, OUTPUTS)
    if config.units not in UNITS:
        raise unknown_name("kind of units", config.units, UNITS)
    rectified = config.units == "relu"
    return zip_training.feature_maps(
        zip_training.groups(),
        activation=RELU if rectified else LECUN_TANH,
        output=LECUN_TANH if config.outputs == "squares" else LINEAR,
        # Beyond the edge of a map lies what a unit gives that sees nothing.
        off=0.0 if rectified else -1.0,
    )


def initial(config: Config, seeds: Sequence[int]) -> Array:
    """Draw the initial weights, ``(S, 9760)``."""
    weights: Initialiser = uniform_fan_in(2.4)
    biases: Initialiser | None = None
    if config.units == "relu":
        weights, biases = uniform_fan_in(6**0.5, power=0.5), constant(0.0)
    return network(config).init_replicas(weights, biases, seeds=seeds, dtype=np.float32)


def make_optimiser(config: Config) -> Optimiser | Schedule:
    """Build the optimiser that `config` describes, for gradients that are sums over a batch."""
    if config.optimiser not in OPTIMISERS:
        raise unknown_name("optimiser", config.optimiser, OPTIMISERS)
    if config.optimiser == "pseudo-newton":
        return PseudoNewton(config.lr)
    # The gradient of a batch is a sum; the step is for its mean. Adam does not see the scale.
    make: Callable[[float], Optimiser] = Adam
    scale = 1.0
    if config.optimiser == "momentum":
        make, scale = Momentum, 1 / config.batch
    first, then = make(scale * config.lr), make(scale * config.lr / 10)
    return Schedule(first, round(0.75 * config.passes), then)


def train(config: Config, seeds: Sequence[int], digits: datasets.Digits) -> Array:
    """Train one network for each seed, all at once.

    Parameters
    ----------
    config : Config
        Settings.
    seeds : sequence of int
        Seeds of the initial weights, the distortions and the units left out.
    digits : Digits
        Data.

    Returns
    -------
    array, shape (S, 9760), float32
        Final weights.
    """
    net, w = network(config), initial(config, seeds)
    x = digits.train_x[: config.train_cases]
    softmax_used = config.outputs == "softmax"
    d = encoding(config)(digits.train_digit[: config.train_cases])
    return train_online(
        net,
        w,
        x,
        d.astype(w.dtype),
        optimiser=make_optimiser(config),
        passes=config.passes,
        loss=SOFTMAX_CROSS_ENTROPY if softmax_used else HALF_SUMMED_SQUARES,
        batch=config.batch,
        order=None if config.optimiser == "pseudo-newton" else partial(_shuffled, len(x)),
        renew=_distortions(config, seeds, x, d) if config.shift or config.elastic else None,
        thin=_thinned(config, seeds, net) if config.dropout else None,
    )


def encoding(config: Config) -> Callable[[NDArray[Any]], Array]:
    """Code classes as desired outputs: 1 for the right one, -1 or (softmax) 0 for the others."""
    return partial(datasets.targets, low=0.0 if config.outputs == "softmax" else -1.0)


def _shuffled(cases: int, number: int) -> NDArray[np.intp]:
    """Order the cases for one pass; it is the same for all seeds."""
    return np.random.default_rng(number).permutation(cases)


def _distortions(
    config: Config, seeds: Sequence[int], x: Array, d: Array
) -> Callable[[int], tuple[Array, Array]]:
    """Distort the training digits for each pass, and for each seed in another way."""
    wanted = np.broadcast_to(d.astype(x.dtype), (len(seeds), *d.shape))

    def renew(number: int) -> tuple[Array, Array]:
        rngs = [np.random.default_rng((seed, number)) for seed in seeds]
        new = [distorted(x, shift=config.shift, elastic=config.elastic, rng=rng) for rng in rngs]
        return np.stack(new), wanted

    return renew


def _thinned(config: Config, seeds: Sequence[int], net: Network) -> Callable[[int], Network]:
    """Leave out units of H2, for each seed and case other ones."""
    rngs = [np.random.default_rng((seed, 0, 0)) for seed in seeds]
    h1, h2, *rest = net.layers

    def thin(cases: int) -> Network:
        factors = [dropout((cases, h2.n_out), config.dropout, rng=rng) for rng in rngs]
        return Network((h1, h2, Mask(np.stack(factors)), *rest))

    return thin


def answers(config: Config, w: Array, x: Array) -> Array:
    """Compute outputs: for softmax, probabilities.

    Parameters
    ----------
    config : Config
        Settings.
    w : array, shape (S, 9760)
        Weights of the replicas.
    x : array, shape (n, 256)
        Digits.

    Returns
    -------
    array, shape (S, n, 10)
        Outputs.
    """
    y = network(config).predict(w, x, batch=zip_training.BATCH)
    return softmax(y) if config.outputs == "softmax" else y


def runs(config: Config, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Train for each seed one network, or those that are averaged.

    Parameters
    ----------
    config : Config
        Settings.
    seeds : sequence of int
        Seeds. With several `members` m, seed s means the networks of seeds m s to m s + m - 1.

    Returns
    -------
    dict of int to dict
        By seed, what `zip_training.judge` gives.
    """
    digits = datasets.zip_codes()
    if config.hold_out:
        digits = hold_out(digits, config.hold_out)
    m = config.members
    groups = [seeds] if m == 1 else [range(m * seed, m * seed + m) for seed in seeds]
    judged = []
    for group in groups:
        w = train(config, group, digits)
        both = [answers(config, w, x) for x in (digits.train_x, digits.test_x)]
        if m > 1:
            both = [y.mean(axis=0, keepdims=True) for y in both]
        judged += [
            zip_training.judge(on_train, on_test, digits, encoding(config))
            for on_train, on_test in zip(*both, strict=True)
        ]
    return dict(zip(seeds, judged, strict=True))


def run(config: Config, *, seed: int) -> dict[str, Any]:
    """Train once; see `runs`."""
    return runs(config, [seed])[seed]


FACTS: dict[str, Callable[[], float]] = {}
