"""Experiments, one file a page.

Each module has a frozen `Config`, named `PRESETS`, `runs(config, seeds)` that trains
and measures (nothing is plotted or written), and `FACTS`, numbers that need no training.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

from backprop.errors import unknown_name

NAMES = (
    "symmetry",
    "symmetry_hidden",
    "symmetry_map",
    "small_tasks",
    "basins",
    "xor_minimum",
    "random_features",
    "family_trees",
    "family_tree_readings",
    "shift_register",
    "sequences",
    "zip_codes",
    "zip_baselines",
    "zip_choices",
    "zip_today",
    "zip_rejection",
    "zip_errors",
    "zip_reading",
    "zip_speed",
    "gradient_cost",
    "memory",
    "deep_gradients",
    "deep_training",
    "importance",
)


class Experiment(Protocol):
    """What each module of this package offers."""

    __name__: str
    Config: Any
    PRESETS: Mapping[str, Any]
    BLOCK: int
    FACTS: Mapping[str, Callable[[], float]]
    uses_zip_codes: bool

    def runs(self, config: Any, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Train once for each seed; return what was measured, by seed."""

    def run(self, config: Any, *, seed: int) -> dict[str, Any]:
        """Train once."""


def get(name: str) -> Experiment:
    """Find an experiment by its name.

    Parameters
    ----------
    name : str
        One of `NAMES`.

    Returns
    -------
    Experiment
        The module.

    Raises
    ------
    UnknownName
        If there is none of that name; the message holds the nearest one.
    """
    if name not in NAMES:
        raise unknown_name("experiment", name, NAMES)
    return cast(Experiment, importlib.import_module(f"backprop.experiments.{name}"))


def preset(experiment: Experiment, name: str) -> Any:
    """Find a named configuration of an experiment.

    Parameters
    ----------
    experiment : Experiment
        From `get`.
    name : str
        A key of its `PRESETS`.

    Returns
    -------
    Config
        The configuration.

    Raises
    ------
    UnknownName
        If there is none of that name; the message holds the nearest one.
    """
    if name not in experiment.PRESETS:
        raise unknown_name("preset", name, experiment.PRESETS)
    return experiment.PRESETS[name]
