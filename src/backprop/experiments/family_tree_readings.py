"""Readings of the family-tree recipe: a full factorial design (Rumelhart et al. 1986).

The paper's captions can be read in more than one way, and the obvious reading does not
train. Here every combination of the levels in `LEVELS` is run several times. The number of
a run is its seed: runs ``replicas * k`` to ``replicas * (k + 1) - 1`` are reading ``k``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from backprop.activations import Array
from backprop.experiments import family_trees
from backprop.training import or_none

BLOCK = 18
uses_zip_codes = False

# The learning rate is that for the summed gradient: 0.01 with the gradient averaged over the
# 100 cases is 0.0001 here. The first sweeps have half of it, as printed.
LEVELS: dict[str, tuple[Any, ...]] = {
    "lr": (0.0001, 0.001, 0.01, 0.03, 0.1),
    "decay": ("after", "in gradient", "none"),
    "biases": ("decay", "stay", "none"),
    "targets": ("answer", "margin", "plain"),
    "loss": ("squares", "cross-entropy"),
    "half_width": (0.3, 1.0, 2.0),
}
# What the captions print, and what they leave open (claim family-train-minimal).
PRINTED = {
    "lr": (0.01,),
    "decay": ("after",),
    "targets": ("answer", "margin"),
    "loss": ("squares",),
}
OPEN = {"half_width": 0.3, "biases": "decay", "targets": "answer"}
WITHIN = 1500
# Online there is no sum to average, and a sweep costs ten times as much.
ONLINE_LEVELS = LEVELS | {"lr": (0.001, 0.01, 0.03, 0.1), "biases": ("decay",)}


@dataclass(frozen=True)
class Config:
    """Settings of a design.

    Parameters
    ----------
    replicas : int
        Runs for each reading; each has its own initial weights and held-out cases.
    sweeps : int
        Sweeps trained.
    snapshots : tuple of int
        Sweeps after which the answers are counted.
    online : bool
        Change the weights after each case.
    """

    replicas: int = 6
    sweeps: int = 3000
    snapshots: tuple[int, ...] = (500, 1500, 3000)
    online: bool = False

    @classmethod
    def paper(cls) -> Config:
        """Return the design with batch learning."""
        return cls()

    @classmethod
    def fast(cls) -> Config:
        """Return a short run for tests."""
        return cls(replicas=2, sweeps=6, snapshots=(2, 6))


PRESETS = {
    "batch": Config.paper(),
    "online": Config(sweeps=1500, snapshots=(500, 1500), online=True),
    "fast": Config.fast(),
}


def readings(config: Config) -> list[dict[str, Any]]:
    """List all combinations of the levels.

    Parameters
    ----------
    config : Config
        Settings.

    Returns
    -------
    list of dict
        Factor -> level; the last factor changes fastest.
    """
    levels = ONLINE_LEVELS if config.online else LEVELS
    return [dict(zip(levels, row, strict=True)) for row in itertools.product(*levels.values())]


def settings(config: Config, reading: Mapping[str, Any]) -> family_trees.Config:
    """Write a reading as settings of the experiment.

    Parameters
    ----------
    config : Config
        Settings of the design.
    reading : mapping of str to level
        One of `readings`.

    Returns
    -------
    family_trees.Config
        All else as printed.
    """
    base = family_trees.Config(online=config.online, sweeps=config.sweeps)
    decays: dict[str, dict[str, Any]] = {
        "after": {},
        "in gradient": {"decay_in_gradient": True},
        "none": {"decay": 0.0},
    }
    same = {name: reading[name] for name in ("half_width", "lr", "biases", "targets", "loss")}
    return replace(base, first_lr=reading["lr"] / 2, **decays[reading["decay"]], **same)


def total(config: Config) -> int:
    """Count the runs of the whole design."""
    return len(readings(config)) * config.replicas


def runs(config: Config, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Make runs of the design.

    Parameters
    ----------
    config : Config
        Settings.
    seeds : sequence of int
        Numbers of the runs.

    Returns
    -------
    dict of int to dict
        Correct answers among the training and the held-out cases after each snapshot, and
        ``sweeps_to_learned``. Runs beyond the last reading begin again with the first.
    """
    table = [settings(config, reading) for reading in readings(config)]
    own = {seed: table[seed // config.replicas % len(table)] for seed in seeds}
    measured = {}
    # Readings that differ in the initial range only are trained together: it is quicker.
    for shared, group in itertools.groupby(seeds, lambda seed: replace(own[seed], half_width=1.0)):
        members = list(group)
        w = np.concatenate([family_trees.start(own[seed], [seed]) for seed in members])
        trained = family_trees.train(shared, members, w=w, snapshots=config.snapshots)
        counts = {
            sweep: family_trees.count_right(trained, trained.snapshots[sweep])
            for sweep in config.snapshots
        }
        for i, seed in enumerate(members):
            measured[seed] = {
                **{
                    f"{part}_{sweep}": int(counts[sweep][part][i])
                    for sweep in config.snapshots
                    for part in ("train", "test")
                },
                "sweeps_to_learned": or_none(trained.sweeps_to_learned[i]),
            }
    return measured


def run(config: Config, *, seed: int) -> dict[str, Any]:
    """Make one run; see `runs`."""
    return runs(config, [seed])[seed]


def departures(reading: Mapping[str, Any]) -> tuple[int, int]:
    """Count how far a reading is from the recipe.

    Parameters
    ----------
    reading : mapping of str to level
        One of `readings`.

    Returns
    -------
    contradicted : int
        Printed settings that it contradicts.
    chosen : int
        Settings that the paper leaves open, chosen otherwise than at first.
    """
    contradicted = sum(reading[name] not in levels for name, levels in PRINTED.items())
    return contradicted, sum(reading[name] != level for name, level in OPEN.items())


def ranked(config: Config, sweeps_to_learned: Array) -> list[tuple[dict[str, Any], float]]:
    """Rank the readings that train, the smallest departure from print first.

    A reading trains if all its runs have learned their training cases within 1,500 sweeps.
    Fewest contradictions come first, then fewest other choices, then fewest sweeps. The
    held-out cases have no part in it.

    Parameters
    ----------
    config : Config
        Settings of the design.
    sweeps_to_learned : array, shape (total,)
        Of all runs in their order; not a number where a run did not learn.

    Returns
    -------
    list of (dict, float)
        Readings with the median number of sweeps they took.
    """
    table = readings(config)
    took = sweeps_to_learned.reshape(len(table), config.replicas)
    trains = (took <= WITHIN).all(axis=1)
    medians = np.median(took, axis=1)
    order = sorted(np.flatnonzero(trains), key=lambda k: (departures(table[k]), medians[k]))
    return [(table[k], float(medians[k])) for k in order]


def by_level(
    config: Config, values: Array, over: Callable[[Array], Any] = np.mean
) -> dict[str, dict[Any, float]]:
    """Bring together the readings that have a level in common.

    Parameters
    ----------
    config : Config
        Settings of the design.
    values : array, shape (readings,)
        A number for each reading; readings without one (not a number) do not count.
    over : callable
        What to do with those of one level; the mean if not given.

    Returns
    -------
    dict of str to dict
        Factor -> level -> number; not a number if no reading has one.
    """
    table = readings(config)
    levels = ONLINE_LEVELS if config.online else LEVELS
    present = np.isfinite(values)

    def of(name: str, level: Any) -> float:
        own = values[present & np.array([reading[name] == level for reading in table])]
        return float(over(own)) if len(own) else float("nan")

    return {name: {level: of(name, level) for level in levels[name]} for name in levels}


FACTS: dict[str, Callable[[], float]] = {
    "readings": lambda: float(len(readings(Config()))),
}
