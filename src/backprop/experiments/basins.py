"""Exclusive or from every point of a plane in weight space: which starts learn, and how fast.

Two of the nine weights of the smallest network are varied over a grid, the other seven stay at
random values. Each point of the grid is the start of a run by itself. Kolen & Pollack (1991) drew
such maps; their settings are recalled, not read (claim initial-fractal).

The border between the starts that learn and those that do not may be a smooth curve or a fractal.
Its dimension is measured by the uncertainty of the answer (McDonald et al. 1985).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop import datasets
from backprop.activations import Array
from backprop.errors import InputError
from backprop.layers import Dense
from backprop.network import Network
from backprop.optimisers import Momentum
from backprop.training import all_errors_below, train_batch

BLOCK = 1
uses_zip_codes = False

NETWORK = Network((Dense(2, 2), Dense(2, 1)))
LIMIT = 0.2  # learned: each output within this of its 0/1 answer, as in `small_tasks`
SHIFTS = (1, 2, 4)  # in cells of the grid
FRACTAL = 1.1  # from this dimension on a border counts as fractal (claim initial-fractal)
NEVER = np.iinfo(np.uint16).max


@dataclass(frozen=True)
class Config:
    """Settings of a map.

    Parameters
    ----------
    lr, momentum : float
        Departure: 3.25 and 0.4 are recalled as those of one figure of Kolen & Pollack
        (claim initial-fractal).
    low, high : float
        Target values for off and on.
    sweeps : int
        Where a run that has not learned is given up; below 65,535.
    half_width : float
        The weights that are not varied are drawn between minus and plus this. Of all ranges in
        `small_tasks`, within 5 about half of the starts learn.
    points : int
        Points along each side of the map.
    centre : tuple of float
        Values of the two varied weights in the middle of the map.
    width : float
        How far each of the two varies over the whole map.
    magnify : tuple of int
        Also measure parts of the map that are so many times smaller; each lies around the point
        of the border that is nearest to the middle of the part before it.
    zoom_points : int
        Points along each side of those parts.
    keep : bool
        Record the maps themselves.
    """

    lr: float = 3.25
    momentum: float = 0.4
    low: float = 0.1
    high: float = 0.9
    sweeps: int = 400
    half_width: float = 5.0
    points: int = 200
    centre: tuple[float, float] = (0.0, 0.0)
    width: float = 10.0
    magnify: tuple[int, ...] = (10, 100)
    zoom_points: int = 100
    keep: bool = False

    def __post_init__(self) -> None:
        """Check what would otherwise give a map of nothing."""
        if not (self.points > 1 and self.width > 0 and 1 <= self.sweeps < NEVER):
            raise InputError(
                f"points={self.points}, width={self.width:g} and sweeps={self.sweeps} were given; "
                f"expected at least 2 points, a width above 0, and 1 to {NEVER - 1} sweeps. "
                "Correct the settings."
            )

    @classmethod
    def paper(cls) -> Config:
        """Return the step and the momentum that are recalled from Kolen & Pollack."""
        return cls()

    @classmethod
    def fast(cls) -> Config:
        """Return a small map for tests."""
        return cls(points=12, zoom_points=8, sweeps=60)


PRESETS = {
    "large-step": Config.paper(),
    # A fifth of the step, five times the sweeps: as far down the slope, in finer steps.
    "small-step": Config(lr=0.65, sweeps=2_000, magnify=()),
    # Does what looks rough at a small step become smooth when it is enlarged?
    "small-step-enlarged": Config(lr=0.65, sweeps=2_000, points=100, zoom_points=50),
    **{f"step-{lr:g}": Config(lr=lr) for lr in (6.5, 13.0, 26.0)},
    # The first design, in which most planes have no border at all.
    "wide": Config(half_width=10.0, width=20.0),
    "figure-small-step": Config(lr=0.65, sweeps=2_000, magnify=(), keep=True),
    "figure-large-step": Config(points=600, zoom_points=300, keep=True),
    "figure-step-13": Config(lr=13.0, points=600, zoom_points=300, keep=True),
    "fast": Config.fast(),
}


def plane(config: Config, seed: int) -> tuple[Array, tuple[int, int]]:
    """Draw the plane: nine weights, and which two of them are varied.

    Parameters
    ----------
    config : Config
        Settings.
    seed : int
        Seed of the plane.

    Returns
    -------
    w : array, shape (9,)
        Initial weights; the two that are varied are to be replaced.
    varied : tuple of int
        Places of the two in the flat vector: first across the map, then up.
    """
    rng = np.random.default_rng(seed)
    w = rng.uniform(-config.half_width, config.half_width, NETWORK.n_params)
    across, up = rng.choice(NETWORK.n_params, 2, replace=False).tolist()
    return w, (across, up)


def axes(config: Config) -> tuple[Array, Array]:
    """Return the values of the two varied weights: across, up, each of shape (points,)."""
    middles = ((np.arange(config.points) + 0.5) / config.points - 0.5) * config.width
    return config.centre[0] + middles, config.centre[1] + middles


def starts(config: Config, seed: int) -> Array:
    """List the initial weights of all points of a map.

    Parameters
    ----------
    config, seed
        As in `plane`.

    Returns
    -------
    array, shape (points * points, 9)
        Row by row from the bottom of the map.
    """
    w, (across, up) = plane(config, seed)
    rows = np.tile(w, (config.points**2, 1))
    x, y = axes(config)
    rows[:, across], rows[:, up] = np.tile(x, config.points), np.repeat(y, config.points)
    return rows


def sweeps_to_learn(config: Config, seed: int) -> NDArray[np.uint16]:
    """Train from every point of a map.

    Parameters
    ----------
    config, seed
        As in `plane`.

    Returns
    -------
    int array, shape (points, points)
        Sweeps until every output was within `LIMIT` of its answer; `NEVER` if none was. The first
        row is the bottom of the map.
    """
    x, answers = datasets.xor()
    d = config.low + (config.high - config.low) * answers
    reached = train_batch(
        NETWORK,
        starts(config, seed),
        x,
        d,
        optimiser=Momentum(config.lr, config.momentum),
        sweeps=config.sweeps,
        criteria={"margin": all_errors_below(LIMIT)},
    ).reached["margin"]
    every = reached.reshape(config.points, config.points)
    return np.where(every < 0, NEVER, every).astype(np.uint16)


def share_changed(learned: NDArray[np.bool_], shift: int, *, longest: int) -> float:
    """Share of points whose answer changes under a shift to the right, or up.

    Parameters
    ----------
    learned : bool array, shape (points, points)
        The answers.
    shift : int
        In cells, from 1 to `longest`.
    longest : int
        The longest shift that will be asked for. Points nearer than this to the end of the map are
        left out for every shift, so that all shifts are judged on the same points.

    Returns
    -------
    float
        Mean over the two directions.
    """
    keep = len(learned) - longest
    return float(
        np.mean(
            [
                np.mean(some[:, :keep] != some[:, shift : keep + shift])
                for some in (learned, learned.T)
            ]
        )
    )


def dimension(learned: NDArray[np.bool_], shifts: Sequence[int] = SHIFTS) -> float | None:
    """Estimate the dimension of a border from uncertain points (eq-uncertainty of the book).

    Parameters
    ----------
    learned : bool array, shape (points, points)
        The answers.
    shifts : sequence of int
        In cells, at least two.

    Returns
    -------
    float or None
        2 minus the slope of the line through the logarithms of share and shift (least squares):
        1 for a smooth curve, 2 if the answers are noise. None if a share is zero: no border.
    """
    shares = [share_changed(learned, shift, longest=max(shifts)) for shift in shifts]
    if min(shares) == 0:
        return None
    slope = np.polyfit(np.log(shifts), np.log(shares), 1)[0]
    return float(2 - slope)


def border_point(learned: NDArray[np.bool_]) -> tuple[float, float] | None:
    """Find the point of the border that is nearest to the middle.

    Parameters
    ----------
    learned : bool array, shape (points, points)
        The answers.

    Returns
    -------
    tuple of float, or None
        Across and up, as shares of the width, from the middle: each between -1/2 and 1/2. It lies
        between two neighbours with different answers. None if there is no border.
    """
    # Rows and columns of the cells whose upper, or right, neighbour has the other answer.
    below = np.add(np.argwhere(learned[1:] != learned[:-1]), (1.0, 0.5))
    left = np.add(np.argwhere(learned[:, 1:] != learned[:, :-1]), (0.5, 1.0))
    places = np.concatenate([below, left]) / len(learned) - 0.5
    if not len(places):
        return None
    up, across = places[np.argmin((places**2).sum(axis=1))].tolist()
    return across, up


def zoom(config: Config, learned: NDArray[np.bool_], *, width: float) -> Config | None:
    """Centre a smaller map on the border of a larger one.

    Parameters
    ----------
    config : Config
        Settings of the larger map.
    learned : bool array, shape (points, points)
        Its answers.
    width : float
        Of the smaller map.

    Returns
    -------
    Config or None
        With another centre, width and number of points. None if there is no border.
    """
    at = border_point(learned)
    if at is None:
        return None
    x, y = (c + config.width * share for c, share in zip(config.centre, at, strict=True))
    return replace(config, centre=(x, y), width=width, points=config.zoom_points)


def runs(config: Config, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Map a plane for each seed and measure the border.

    Parameters
    ----------
    config : Config
        Settings.
    seeds : sequence of int
        Seeds of the planes.

    Returns
    -------
    dict of int to dict
        ``learned`` (share of the points), ``dimension`` (None without a border), ``fractal``
        (dimension at least `FRACTAL`), ``smooth`` (not so; a plane without a border counts),
        ``changed`` (share of points whose answer changes, for each of `SHIFTS`), ``varied``
        (places of the two weights); for the magnified parts, lists of ``zoom_centre``,
        ``zoom_dimension`` and ``zoom_learned`` (None where there was no border to magnify). If maps
        are kept, arrays ``map`` and ``map_10``, ... of sweeps.
    """
    return {seed: _measure(config, seed) for seed in seeds}


def _measure(config: Config, seed: int) -> dict[str, Any]:
    sweeps = sweeps_to_learn(config, seed)
    learned = sweeps != NEVER
    d = dimension(learned)
    measured: dict[str, Any] = {
        "learned": float(learned.mean()),
        "dimension": _rounded(d),
        "fractal": d is not None and d >= FRACTAL,
        "smooth": d is None or d < FRACTAL,
        "changed": [
            _rounded(share_changed(learned, shift, longest=max(SHIFTS))) for shift in SHIFTS
        ],
        "varied": list(plane(config, seed)[1]),
        "zoom_centre": [],
        "zoom_dimension": [],
        "zoom_learned": [],
    }
    maps = {"map": sweeps}
    part: Config | None = config
    for times in config.magnify:
        part = part and zoom(part, learned, width=config.width / times)
        if part is not None:
            maps[f"map_{times}"] = sweeps_to_learn(part, seed)
            learned = maps[f"map_{times}"] != NEVER
        measured["zoom_centre"].append(part and list(part.centre))
        measured["zoom_dimension"].append(part and _rounded(dimension(learned)))
        measured["zoom_learned"].append(part and float(learned.mean()))
    return {**measured, **maps} if config.keep else measured


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


def run(config: Config, *, seed: int) -> dict[str, Any]:
    """Map one plane; see `runs`."""
    return runs(config, [seed])[seed]


FACTS: dict[str, Callable[[], float]] = {}
