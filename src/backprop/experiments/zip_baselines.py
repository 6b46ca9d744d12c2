"""What the network of LeCun et al. 1989 is compared with.

By the paper: a fully connected network with 40 hidden units, networks with fewer feature maps,
and the gradient over all cases instead of one. By us as well: the same connections without
shared weights, and a wider range of steps with and without second derivatives.

Every network gets its own step. It is the one, of those tried, with the smallest mean error on
the last training digits, held out, over the seeds of `zip_codes.CALIBRATION_SEEDS`; the test
digits play no part. For gradients over all cases, which are far from done after 23 passes, it is
the one with the smallest training error instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backprop import datasets
from backprop.activations import LECUN_TANH
from backprop.errors import unknown_name
from backprop.experiments import zip_training
from backprop.experiments.zip_codes import HELD_OUT, hold_out
from backprop.layers import Dense, Unshared
from backprop.network import Network
from backprop.optimisers import Optimiser, PassNewton, PseudoNewton, SteepestDescent

BLOCK = 10
uses_zip_codes = True
HIDDEN = 40


def hidden_40() -> Network:
    """Build the paper's baseline: 256 inputs, 40 hidden units, 10 outputs."""
    return Network((Dense(256, HIDDEN, LECUN_TANH), Dense(HIDDEN, 10, LECUN_TANH)))


def unshared() -> Network:
    """Build the 1989 network with a weight of its own for each of its connections."""
    return zip_training.feature_maps(zip_training.groups(), layer=Unshared)


def with_maps(maps: int) -> Callable[[], Network]:
    """Build the 1989 network with another number of maps in H1 and in H2."""
    return lambda: zip_training.feature_maps(zip_training.groups(maps), maps=maps)


MAPS = (3, 6, 9, 12, 24)
NETWORKS: dict[str, Callable[[], Network]] = {
    "hidden-40": hidden_40,
    "unshared": unshared,
    **{f"maps-{maps}": with_maps(maps) for maps in MAPS},
}
OPTIMISERS = ("pseudo-newton", "gradient-descent")


@dataclass(frozen=True)
class Config:
    """Settings of a run.

    Parameters
    ----------
    network : str
        A key of `NETWORKS`.
    optimiser : str
        "pseudo-newton" or "gradient-descent".
    lr : float
        Step, for the gradient of one case; for all cases, for their mean gradient.
    all_cases : bool
        Change the weights once a pass, after the gradient of all cases.
    passes : int
        23 in the paper.
    hold_out : int
        So many training digits, the last ones, take the place of the test digits.
    train_cases : int, optional
        Use the first cases only (for tests). Default: all.
    """

    network: str = "hidden-40"
    optimiser: str = "pseudo-newton"
    lr: float = 0.0003
    all_cases: bool = False
    passes: int = 23
    hold_out: int = 0
    train_cases: int | None = None

    @classmethod
    def paper(cls) -> Config:
        """Return the paper's baseline with 40 hidden units."""
        return cls(lr=CHOSEN["hidden-40"])

    @classmethod
    def fast(cls) -> Config:
        """Return a short run for tests."""
        return cls(network="unshared", passes=1, train_cases=100)


# Steps tried for each network (on one case at a time), and the ones chosen; a test repeats the
# choice from the recorded runs.
STEPS: dict[str, tuple[float, ...]] = {
    "hidden-40": (0.0001, 0.0003, 0.001, 0.003, 0.01),
    "unshared": (0.0001, 0.0003, 0.001),
    **{f"maps-{maps}": (0.0002, 0.0003, 0.0005) for maps in MAPS if maps != 12},
}
CHOSEN: dict[str, float] = {
    "hidden-40": 0.0003,
    "unshared": 0.0003,
    "maps-3": 0.0002,
    "maps-6": 0.0003,
    "maps-9": 0.0003,
    "maps-24": 0.0002,
}
# Steps for the mean gradient of all cases.
BATCH_STEPS: dict[str, tuple[float, ...]] = {
    "gradient-descent": (0.03, 0.1, 0.3, 1.0),
    "pseudo-newton": (0.003, 0.01, 0.03, 0.1),
}
BATCH_CHOSEN: dict[str, float] = {"gradient-descent": 0.1, "pseudo-newton": 0.01}
# Beyond the steps that `zip_codes` tries: where does learning stop working?
WIDE = {"pseudo-newton": (0.00003, 0.002), "gradient-descent": (0.001, 0.05)}


def validation_preset(network: str, lr: float) -> str:
    """Name the preset that holds out training digits, with one step."""
    return f"validation-{network}-{lr:g}"


def batch_preset(optimiser: str, lr: float) -> str:
    """Name the preset with the gradient of all cases, with one step."""
    return f"step-all-cases-{optimiser}-{lr:g}"


def wide_preset(optimiser: str, lr: float) -> str:
    """Name the preset of the paper's network with one more step."""
    return f"step-{optimiser}-{lr:g}"


PRESETS = {
    **{name: Config(name, lr=lr) for name, lr in CHOSEN.items()},
    **{
        validation_preset(name, lr): Config(name, lr=lr, hold_out=HELD_OUT)
        for name, steps in STEPS.items()
        for lr in steps
    },
    **{
        batch_preset(optimiser, lr): Config("maps-12", optimiser, lr, all_cases=True)
        for optimiser, steps in BATCH_STEPS.items()
        for lr in steps
    },
    **{
        wide_preset(optimiser, lr): Config("maps-12", optimiser, lr)
        for optimiser, steps in WIDE.items()
        for lr in steps
    },
    "fast": Config.fast(),
}
for _optimiser, _lr in BATCH_CHOSEN.items():
    _config = Config("maps-12", _optimiser, _lr, all_cases=True)
    PRESETS[f"all-cases-{_optimiser}"] = _config
    PRESETS[f"all-cases-{_optimiser}-longer"] = replace(_config, passes=230)


def make_optimiser(config: Config) -> Optimiser:
    """Build the optimiser that `config` describes."""
    if config.optimiser not in OPTIMISERS:
        raise unknown_name("optimiser", config.optimiser, OPTIMISERS)
    if config.optimiser == "gradient-descent":
        return SteepestDescent(config.lr)
    return PassNewton(config.lr) if config.all_cases else PseudoNewton(config.lr)


def chosen_step(network: str, errors: Callable[[str], Sequence[float]]) -> float:
    """Choose the step of a network. The test digits play no part in it.

    Parameters
    ----------
    network : str
        A key of `STEPS`.
    errors : callable
        Name of a validation preset -> errors on the digits held out, over the seeds.

    Returns
    -------
    float
        The step with the smallest mean error.
    """
    return min(STEPS[network], key=lambda lr: _mean(errors(validation_preset(network, lr))))


def chosen_batch_step(optimiser: str, train_mse: Callable[[str], Sequence[float]]) -> float:
    """Choose the step for the gradient of all cases.

    Parameters
    ----------
    optimiser : str
        A key of `BATCH_STEPS`.
    train_mse : callable
        Name of a step preset -> final training errors, over the seeds.

    Returns
    -------
    float
        The step with the smallest mean.
    """
    return min(BATCH_STEPS[optimiser], key=lambda lr: _mean(train_mse(batch_preset(optimiser, lr))))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def runs(config: Config, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Train one network for each seed, all at once.

    Parameters
    ----------
    config : Config
        Settings.
    seeds : sequence of int
        Seeds of the initial weights.

    Returns
    -------
    dict of int to dict
        By seed, what `zip_training.measure` gives, with its course over the passes.
    """
    if config.network not in NETWORKS:
        raise unknown_name("network", config.network, NETWORKS)
    digits = datasets.zip_codes()
    if config.hold_out:
        digits = hold_out(digits, config.hold_out)
    cases = len(digits.train_x[: config.train_cases])
    # The gradient is a sum over the cases of a step; the step is for their mean.
    per_case = replace(config, lr=config.lr / (cases if config.all_cases else 1))
    _, measured = zip_training.train_seeds(
        NETWORKS[config.network](),
        seeds,
        digits,
        optimiser=make_optimiser(per_case),
        passes=config.passes,
        batch=cases if config.all_cases else 1,
        train_cases=config.train_cases,
        course=True,
    )
    return dict(zip(seeds, measured, strict=True))


def run(config: Config, *, seed: int) -> dict[str, Any]:
    """Train once; see `runs`."""
    return runs(config, [seed])[seed]


FACTS: dict[str, Callable[[], float]] = {
    "hidden_40_connections": lambda: float(hidden_40().total().connections),
}
