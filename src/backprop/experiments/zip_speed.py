"""How long the zip-code network takes on a machine of today, beside the numbers of 1989.

Only time is measured, so random pictures serve as well as digits. Training is timed over a
few presentations and scaled up to the 167,693 of the paper: each costs the same.
"""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backprop import datasets
from backprop.activations import Array
from backprop.experiments import zip_codes
from backprop.experiments.gradient_cost import shortest_time
from backprop.initialisers import uniform_fan_in
from backprop.optimisers import Optimiser
from backprop.reading import Reader, classify
from backprop.training import train_online

BLOCK = 1
uses_zip_codes = False
DAY = 24 * 60 * 60  # seconds


@dataclass(frozen=True)
class Config:
    """Settings of a measurement.

    Parameters
    ----------
    presentations : int
        Patterns presented in the timed piece of training.
    at_once : int
        Networks trained side by side in the second timing.
    digits : int
        Digits recognised in each timing, one at a time and all in one batch.
    pictures : int
        Pictures read from files.
    repeats : int
        The shortest of so many times counts.
    """

    presentations: int = 300
    at_once: int = 10
    digits: int = 500
    pictures: int = 50
    repeats: int = 3

    @classmethod
    def paper(cls) -> Config:
        """Return the measurement that stands beside the paper's numbers."""
        return cls()

    @classmethod
    def fast(cls) -> Config:
        """Return a short measurement for tests."""
        return cls(presentations=5, at_once=2, digits=20, pictures=2, repeats=1)


PRESETS = {"one-core": Config.paper(), "fast": Config.fast()}


def machine() -> str:
    """Name the processor and the system, without the name of the computer.

    Returns
    -------
    str
        "<processor>, <number> cores, <system>".
    """
    name = platform.processor() or platform.machine()
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        lines = listed.read_text(encoding="utf-8", errors="replace").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        name = names[0] if names else name
    return f"{name}, {os.cpu_count()} cores, {platform.system()}"


def presentation_seconds(
    w: Array, x: Array, d: Array, optimiser: Optimiser, *, repeats: int
) -> float:
    """Time one presentation: forward, backward and the change of the weights.

    Parameters
    ----------
    w : array, shape (P,) or (S, P)
        Weights of one network or of several.
    x, d : array, shape (n, 256) and (n, 10)
        Patterns and targets; each is presented once.
    optimiser : Optimiser
        Changes the weights.
    repeats : int
        The shortest of so many times counts.

    Returns
    -------
    float
        Seconds for each pattern, for all networks together.
    """

    def train() -> None:
        train_online(zip_codes.network(), w, x, d, optimiser=optimiser, passes=1)

    return shortest_time(train, repeats=repeats) / len(x)


def run(config: Config, *, seed: int) -> dict[str, Any]:
    """Measure once, on one core.

    Parameters
    ----------
    config : Config
        Settings.
    seed : int
        Seed of weights and pictures.

    Returns
    -------
    dict
        ``training_days`` of 23 passes for one network, ``training_days_at_once`` for each of
        several trained together; digits recognised in a second: ``one_at_a_time``,
        ``in_a_batch`` and ``from_files``, where each is a picture of 160x160 pixels;
        ``multiply_adds``, in million a second, that the batch stands for; ``machine``.
    """
    from threadpoolctl import threadpool_limits  # only needed here

    net, rng = zip_codes.network(), np.random.default_rng(seed)
    start = net.init_replicas(
        uniform_fan_in(2.4), seeds=range(seed, seed + config.at_once), dtype=np.float32
    )
    x = rng.uniform(-1, 1, (max(config.presentations, config.digits), 256)).astype(np.float32)
    d = datasets.targets(rng.integers(0, 10, len(x))).astype(np.float32)
    optimiser = zip_codes.make_optimiser(zip_codes.Config.paper())
    shown = slice(config.presentations)
    presentations = zip_codes.FACTS["presentations"]()
    days = presentations / DAY

    def one_at_a_time() -> None:
        for i in range(config.digits):
            net.predict(start[0], x[i : i + 1])

    def in_a_batch() -> None:
        net.predict(start[0], x[: config.digits])

    reader = Reader(start[0], 0.0)
    with threadpool_limits(1), tempfile.TemporaryDirectory() as folder:
        path = datasets.save_picture(x[0], Path(folder) / "digit.png", enlarge=10)

        def from_files() -> None:
            for _ in range(config.pictures):
                classify(datasets.read_picture(path), reader)

        def timed(function: Callable[[], None]) -> float:
            return shortest_time(function, repeats=config.repeats)

        one = presentation_seconds(start[0], x[shown], d[shown], optimiser, repeats=config.repeats)
        several = presentation_seconds(start, x[shown], d[shown], optimiser, repeats=config.repeats)
        batch = config.digits / timed(in_a_batch)
        measured = {
            "training_days": one * days,
            "training_days_at_once": several * days / config.at_once,
            "one_at_a_time": config.digits / timed(one_at_a_time),
            "in_a_batch": batch,
            "from_files": config.pictures / timed(from_files),
            "multiply_adds": batch * net.total().connections / 1e6,
        }
    return {
        **{name: float(f"{value:.3g}") for name, value in measured.items()},
        "machine": machine(),
    }


def runs(config: Config, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Measure once for each seed; see `run`."""
    return {seed: run(config, seed=seed) for seed in seeds}


FACTS: dict[str, Callable[[], float]] = {}
