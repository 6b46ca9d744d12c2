"""What the two live parts that train start from, as plain data (see `backprop.live`).

"Watch symmetry being learned" trains the symmetry network in the reader's browser, where
NumPy's random numbers cannot be had: the initial weights of the first seeds are exported, with
what is on record for them, so that the page can repeat recorded runs and say so.
"Step through backpropagation" computes the numbers of the page "How it works".
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from backprop import results
from backprop.errors import ResultsError
from backprop.experiments import symmetry as experiment
from backprop.initialisers import uniform
from backprop.symmetry_weights import NETWORK, MirrorShape

# Seeds with exported initial weights.
SEEDS = range(50)
# Presets that a reader can choose between: the two readings of the targets.
READINGS = ("targets-point-one", "targets-zero-one")

# The hand-worked network, as book/derivation/how-it-works.ipynb writes it (a test compares).
HAND_WORKED: dict[str, Any] = {
    "w": [0.5, -1.0, 1.0, 0.5, 0.0, 0.5, 2.0, -1.0, -0.5],
    "x": [1.0, 0.0],
    "d": 1.0,
    "lr": 0.5,
}


def symmetry() -> dict[str, Any]:
    """Export what "Watch symmetry being learned" needs.

    Returns
    -------
    dict
        The usual learning rate, momentum and half-width of the initial range; the limits of the
        criteria and the tolerance of the pattern; ``starts[seed]``, 17 initial weights for each
        of `SEEDS`; and for each of `READINGS` its settings and ``reached[criterion][seed]``, the
        recorded sweeps (None if never).

    Raises
    ------
    ResultsError
        If a run of these seeds is not on record.
    """
    config = experiment.Config.paper()
    starts = NETWORK.init_replicas(uniform(config.half_width), seeds=SEEDS)
    return {
        "lr": config.lr,
        "momentum": config.momentum,
        "half_width": config.half_width,
        "limits": experiment.LIMITS,
        "tolerance": inspect.signature(MirrorShape.one_two_four).parameters["tolerance"].default,
        "starts": starts.tolist(),
        "recorded": [recorded(preset, SEEDS) for preset in READINGS],
    }


def recorded(preset: str, seeds: Sequence[int]) -> dict[str, Any]:
    """Export when recorded runs of the symmetry network met the criteria.

    Parameters
    ----------
    preset : str
        Of the experiment "symmetry".
    seeds : sequence of int
        Which runs, in this order.

    Returns
    -------
    dict
        The targets, learning rate, momentum and largest number of sweeps; and ``reached``, for
        each criterion the sweeps of each run.

    Raises
    ------
    ResultsError
        If one of the runs is not on record.
    """
    record = results.load(results.default_folder(), "symmetry", preset)
    missing = [seed for seed in seeds if seed not in record.runs]
    if missing:
        raise ResultsError(
            f"the record symmetry/{preset} has no runs of the seeds {missing}, with which the page "
            "on symmetry compares. Record them with 'backprop sweep', or use the book's results."
        )
    settings = ("low", "high", "lr", "momentum", "sweeps")
    return {
        **{name: record.config[name] for name in settings},
        "reached": {
            name: [record.runs[seed][f"sweeps_to_{name}"] for seed in seeds]
            for name in experiment.LIMITS
        },
    }


def step_through() -> dict[str, Any]:
    """Export the hand-worked network: parameters, inputs, desired output and learning rate."""
    return HAND_WORKED
