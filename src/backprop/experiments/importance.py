"""Do gradients tell which pixels matter? Maps of the trained zip-code networks, tested.

Nothing is trained here. Each recorded network of `zip_codes` reads test digits that it reads
correctly; the output looked at is always that of the unit of the right digit.

The area under a deletion curve goes over the whole curve, from the untouched digit to the empty
image; this was settled before any run. ``area_50`` stops after 50 pixels, as a first look at one
network had done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from backprop import attribution, datasets, results
from backprop.activations import Array
from backprop.evaluation import confidence, wrong
from backprop.experiments import zip_codes, zip_reading
from backprop.initialisers import uniform_fan_in
from backprop.layers.base import UnitLayer
from backprop.network import Network

BLOCK = 1
uses_zip_codes = True

Measured = dict[str, Any]
Mask = NDArray[np.bool_]

# In which order pixels are deleted.
ORDERS = (
    "gradient",
    "gradient_ink",
    "times_input",
    "integrated",
    "darkest",
    "random",
    "random_ink",
)
# How two maps are compared: sizes or values, at all pixels or those with ink.
WAYS = ("all", "signed", "ink", "signed_ink")


@dataclass(frozen=True)
class Config:
    """Settings.

    Parameters
    ----------
    trained : str
        Preset of `zip_codes` whose recorded networks are used.
    cases : int
        Number of test digits, drawn with the seed among those that the network reads correctly.
    counts : tuple of int
        Numbers of deleted pixels at the points of the curves; 0, 50 and 256 among them.
    steps : int
        Steps of the integrated gradients. The smallest power of two with which the maps of nine
        digits in ten add up to within 0.01 of an output; chosen on training digits.
    gap_steps : tuple of int
        Numbers of steps for which the gap of the sum is measured.
    parts : tuple of float
        How far a single pixel goes towards the background; 1 is deletion.
    few : int
        On so many of the digits the gap and the fading pixels are measured.
    shares : tuple of float
        Shares of the ink that are deleted at once, at random.
    sets : int
        Number of such random sets for each digit and share.
    path : int
        Points on the straight path from the empty image to the digit, both ends included.
    """

    trained: str = "pseudo-newton"
    cases: int = 200
    counts: tuple[int, ...] = (
        *range(0, 22, 2),
        *range(24, 50, 4),
        50,
        *range(52, 68, 4),
        *range(72, 136, 8),
        *range(144, 257, 16),
    )
    steps: int = 32
    gap_steps: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)
    parts: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3, 1.0)
    few: int = 50
    shares: tuple[float, ...] = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
    sets: int = 20
    path: int = 21

    @classmethod
    def paper(cls) -> Config:
        """Return the measurement that the page shows (no paper has it)."""
        return cls()

    @classmethod
    def fast(cls) -> Config:
        """Return a short measurement for tests."""
        return cls(
            cases=8,
            counts=(0, 10, 50, 256),
            steps=4,
            gap_steps=(1, 4),
            parts=(0.1, 1.0),
            few=2,
            shares=(0.1, 1.0),
            sets=3,
            path=3,
        )


PRESETS = {"pseudo-newton": Config.paper(), "fast": Config.fast()}


@dataclass(frozen=True)
class Reading:
    """A network, the digits that it reads, and the output unit that is looked at."""

    net: Network
    w: Array
    x: Array
    unit: attribution.Units

    @property
    def ink(self) -> Mask:
        """Which pixels are not background, ``(n, 256)``."""
        return self.x > attribution.EMPTY

    def map(self, kind: str, w: Array, steps: int) -> Array:
        """Compute one kind of map with the weights `w`, ``(n, 256)``."""
        more = {"steps": steps} if kind == "integrated" else {}
        return attribution.MAPS[kind](self.net, w, self.x, self.unit, **more)

    def maps(self, w: Array, steps: int) -> dict[str, Array]:
        """Compute all kinds of map."""
        return {kind: self.map(kind, w, steps) for kind in attribution.MAPS}


def reading(config: Config, *, seed: int) -> Reading:
    """Load a recorded network and draw digits that it reads correctly.

    Parameters
    ----------
    config : Config
        Settings.
    seed : int
        Seed of the network, and of the draw.

    Returns
    -------
    Reading
        With `config.cases` test digits, or all that are read correctly if they are fewer.
    """
    digits = datasets.zip_codes()
    net, w = zip_codes.network(), zip_reading.trained(config.trained, seed)[0]
    right = np.flatnonzero(~wrong(net.predict(w, digits.test_x), digits.test_digit))
    rng = np.random.default_rng(seed)
    drawn = np.sort(rng.choice(right, min(config.cases, len(right)), replace=False))
    return Reading(net, w, digits.test_x[drawn], digits.test_digit[drawn])


def order_of(name: str, maps: dict[str, Array], x: Array, *, rng: np.random.Generator) -> Any:
    """Order the pixels of each digit for deletion.

    Parameters
    ----------
    name : str
        One of `ORDERS`. The gradient ranks by its size; the other two maps by their value, since
        a positive one promises that the output falls.
    maps : dict of str to array
        From `Reading.maps`.
    x : array, shape (n, 256)
        The digits.
    rng : numpy.random.Generator
        For the random orders, and to break ties.

    Returns
    -------
    int array, shape (n, 256)
        Pixels, the first to go first. In ``gradient_ink`` and ``random_ink`` the background
        comes last.
    """
    ink = x > attribution.EMPTY
    scores: dict[str, Callable[[], Array]] = {
        "gradient": lambda: np.abs(maps["gradient"]),
        "gradient_ink": lambda: np.where(ink, np.abs(maps["gradient"]), -1.0),
        "times_input": lambda: maps["times_input"],
        "integrated": lambda: maps["integrated"],
        "darkest": lambda: x,
        "random": lambda: np.zeros_like(x),
        "random_ink": lambda: ink.astype(float),
    }
    return attribution.ranking(scores[name](), rng=rng)


def run(config: Config, *, seed: int) -> Measured:
    """Measure one recorded network.

    Parameters
    ----------
    config : Config
        Settings.
    seed : int
        Seed of the network.

    Returns
    -------
    dict
        ``weights_sha256`` and what `deletions`, `single_pixels`, `fading`, `many_pixels`,
        `path`, `gaps` and `sanity` give, each under the name of the function, with the four
        quantities that the claims ask for: ``gradient_beats_random``,
        ``times_input_beats_ink``, ``integrated_beats_times_input`` (areas under the whole
        deletion curve) and ``maps_change`` (for each kind of map the median rank correlation
        with the map of all weights drawn anew, sizes at all pixels, is below 0.5 in size).
    """
    case = reading(config, seed=seed)
    maps = case.maps(case.w, config.steps)
    curves = deletions(config, case, maps, rng=np.random.default_rng([seed, 1]))
    area = curves["area"]
    changed = sanity(config, case, maps, seed=seed)
    return {
        "gradient_beats_random": area["gradient"] < area["random"],
        "times_input_beats_ink": area["times_input"] < area["random_ink"],
        "integrated_beats_times_input": area["integrated"] < area["times_input"],
        "maps_change": all(abs(changed["all"][kind][-1]) < 0.5 for kind in maps),
        "deletions": curves,
        "single_pixels": single_pixels(case, maps),
        "fading": fading(config, case),
        "many_pixels": many_pixels(config, case, maps, rng=np.random.default_rng([seed, 2])),
        "path": path(config, case, maps),
        "gaps": gaps(config, case),
        "sanity": changed,
        "weights_sha256": zip_reading.trained(config.trained, seed)[1],
    }


def deletions(
    config: Config, case: Reading, maps: dict[str, Array], *, rng: np.random.Generator
) -> Measured:
    """Delete more and more pixels in each order.

    Returns
    -------
    dict
        For each of `ORDERS`, and for gradient times input with a new map at every point
        (``again``): ``output`` (mean over the digits at each of ``config.counts``), ``low`` and
        ``high`` (first and third quartile), ``right`` (share still read correctly), ``area`` and
        ``area_50`` (mean height of the mean curve, whole and over 50 pixels).
    """
    measured: Measured = {
        name: {} for name in ("output", "low", "high", "right", "area", "area_50")
    }
    asked = case.net, case.w, case.x
    outputs = {
        name: attribution.deletion(*asked, order_of(name, maps, case.x, rng=rng), config.counts)
        for name in ORDERS
    }
    outputs["again"] = attribution.deletion_asking_again(*asked, case.unit, config.counts, rng=rng)
    for name, y in outputs.items():
        own = attribution.of_unit(y, case.unit).astype(np.float64)
        low, high = np.quantile(own, (0.25, 0.75), axis=1)
        mean = own.mean(axis=1)
        measured["output"][name] = _listed(mean)
        measured["low"][name], measured["high"][name] = _listed(low, 3), _listed(high, 3)
        measured["right"][name] = _listed((~wrong(y, case.unit)).mean(axis=1), 3)
        for area, end in (("area", config.counts[-1]), ("area_50", 50)):
            mean_height = attribution.mean_up_to(config.counts, mean, end)
            measured[area][name] = float(f"{mean_height:.6g}")
    return measured


def halves(case: Reading) -> dict[str, Mask]:
    """Split the digits by how sure the network is, at the median.

    Sure means a large difference between the two highest outputs.
    """
    sure = confidence(case.net.predict(case.w, case.x))
    surer = sure > np.median(sure)
    return {"all": np.ones(len(sure), dtype=bool), "sure": surer, "unsure": ~surer}


def single_pixels(case: Reading, maps: dict[str, Array]) -> Measured:
    """Delete each pixel with ink alone, and correlate what happens with what was predicted.

    Returns
    -------
    dict
        For each of `halves`: the median over its digits of the rank correlation, over the pixels
        with ink, between the fall of the output and ``times_input``, ``integrated`` and
        ``darkness``, and between the sizes of the fall and of the ``gradient``.
    """
    fall = attribution.fall_for_each(case.net, case.w, case.x, case.unit)
    pairs = {
        "gradient": (np.abs(maps["gradient"]), np.abs(fall)),
        "times_input": (maps["times_input"], fall),
        "integrated": (maps["integrated"], fall),
        "darkness": (case.x, fall),
    }
    agreement = {
        name: attribution.rank_correlation(*pair, case.ink) for name, pair in pairs.items()
    }
    return {
        half: {name: _number(np.median(values[who])) for name, values in agreement.items()}
        for half, who in halves(case).items()
    }


def fading(config: Config, case: Reading) -> list[list[float]]:
    """Let each pixel with ink fade a little or more, and compare with the prediction.

    Returns
    -------
    list of lists of float
        For each of ``config.parts`` the median, over the digits, of the root of the summed
        squares of prediction less fall, in parts of that of the fall; and the median of the rank
        correlation between the two.
    """
    few = slice(config.few)
    # In double precision, since the output hardly moves for a small part.
    w, x, unit = case.w.astype(np.float64), case.x[few].astype(np.float64), case.unit[few]
    ink = case.ink[few]
    predicted = np.where(ink, attribution.times_input(case.net, w, x, unit), 0.0)
    rows = []
    for part in config.parts:
        fall = attribution.fall_for_each(case.net, w, x, unit, part=part)
        off = np.linalg.norm(part * predicted - fall, axis=1) / np.linalg.norm(fall, axis=1)
        ranks = attribution.rank_correlation(predicted, fall, ink)
        rows.append([_number(np.median(off)), _number(np.median(ranks))])
    return rows


def many_pixels(
    config: Config, case: Reading, maps: dict[str, Array], *, rng: np.random.Generator
) -> Measured:
    """Delete random sets of pixels with ink at once, and compare with the sum of a map over them.

    Returns
    -------
    dict
        For each of ``config.shares``: ``fall`` (mean of the output before less that after),
        ``times_input`` and ``integrated`` (mean of the sums), and ``rank_times_input`` and
        ``rank_integrated`` (median over the digits of the rank correlation between fall and sum
        over the sets of a digit; None where all ink goes and the sets are the same).
    """
    kinds = ("times_input", "integrated")
    measured: Measured = {name: [] for name in ("fall", *kinds, *(f"rank_{k}" for k in kinds))}
    before = attribution.output(case.net, case.w, case.x, case.unit)
    for share in config.shares:
        sets = [random_ink(case.ink, share, rng=rng) for _ in range(config.sets)]
        left = (np.where(gone, attribution.EMPTY, case.x).astype(case.x.dtype) for gone in sets)
        after = [attribution.output(case.net, case.w, each, case.unit) for each in left]
        fall = np.transpose(before - np.array(after))
        measured["fall"].append(_number(fall.mean()))
        for kind in kinds:
            sums = np.transpose([(maps[kind] * gone).sum(axis=1) for gone in sets])
            measured[kind].append(_number(sums.mean()))
            ranks = attribution.rank_correlation(sums, fall)
            measured[f"rank_{kind}"].append(_number(np.median(ranks)) if share < 1 else None)
    return measured


def random_ink(ink: Mask, share: float, *, rng: np.random.Generator) -> Mask:
    """Draw a share of the pixels with ink of each digit, at least one.

    Parameters
    ----------
    ink : bool array, shape (n, 256)
        Where there is ink.
    share : float
        From 0 to 1.
    rng : numpy.random.Generator
        For the draw.

    Returns
    -------
    bool array, shape (n, 256)
        The pixels drawn.
    """
    order = attribution.ranking(ink.astype(float), rng=rng)
    place = np.argsort(order, axis=1)  # of each pixel in the order
    wanted = np.maximum(np.round(share * ink.sum(axis=1, keepdims=True)), 1)
    drawn: Mask = place < wanted
    return drawn


def path(config: Config, case: Reading, maps: dict[str, Array]) -> Measured:
    """Follow the output along the straight path from the empty image to the digit.

    Returns
    -------
    dict
        For each of `halves`: ``output`` (mean at each of ``config.path`` equally spaced points),
        ``slope`` (mean sum of the gradient times input, the slope at the end), ``rise`` (mean
        of last less first), and ``steep`` (for each layer the mean over units and digits of the
        slope of the activation at the digit, in parts of its slope at 0).
    """
    points = np.linspace(0, 1, config.path)
    y = np.array(
        [attribution.along_path(case.net, case.w, case.x, case.unit, at=float(at)) for at in points]
    )
    slope = maps["times_input"].sum(axis=1)
    steep = steepness(case)
    return {
        half: {
            "output": _listed(y[:, who].mean(axis=1)),
            "slope": _number(slope[who].mean()),
            "rise": _number((y[-1] - y[0])[who].mean()),
            "steep": _listed(steep[:, who].mean(axis=1)),
        }
        for half, who in halves(case).items()
    }


def steepness(case: Reading) -> Array:
    """Measure how far the units are from saturation.

    Parameters
    ----------
    case : Reading
        Network and digits.

    Returns
    -------
    array, shape (layers, n)
        Mean over the units of each layer of the slope of the activation, in parts of its slope
        at a total input of 0; of the output layer only the unit that is looked at.
    """
    _, caches = case.net.forward(case.w, case.x)
    rows = []
    for layer, (_, y) in zip(case.net.layers, caches, strict=True):
        activation = cast(UnitLayer, layer).activation
        relative = activation.slope(y) / activation.slope(np.zeros(1, dtype=y.dtype))
        last = layer is case.net.layers[-1]
        rows.append(attribution.of_unit(relative, case.unit) if last else relative.mean(axis=-1))
    return np.array(rows)


def gaps(config: Config, case: Reading) -> list[list[float]]:
    """Measure how integrated gradients add up, for several numbers of steps.

    Returns
    -------
    list of lists of float
        For each of ``config.gap_steps`` the median and the 90 % quantile over the digits of the
        size of `attribution.gap`.
    """
    few = slice(config.few)
    asked = case.net, case.w, case.x[few], case.unit[few]
    rows = []
    for steps in config.gap_steps:
        size = np.abs(attribution.gap(*asked, attribution.integrated(*asked, steps=steps)))
        rows.append(_listed(np.quantile(size, (0.5, 0.9))))
    return rows


def sanity(config: Config, case: Reading, maps: dict[str, Array], *, seed: int) -> Measured:
    """Draw weights anew from the top layer down, and see how much of the maps stays.

    The new weights come from the network's own initialiser with another random generator than
    its first ones, so that nothing of the trained network is left when all are redrawn.

    Returns
    -------
    dict
        Medians over the digits of rank correlations with the maps of the trained network:
        ``all`` (sizes of the maps, all pixels), ``signed`` (values, all pixels), ``ink`` (sizes,
        pixels with ink) and ``signed_ink`` (values, pixels with ink), each with a list for each
        kind of map, over the number of redrawn layers, 1 to all. Beside them ``image`` (the
        amount of ink in place of the other map) and ``other`` (the maps of the next recorded
        network for the same digits), each with one number for every way and kind.
    """
    fresh = case.net.init(
        uniform_fan_in(2.4), rng=np.random.default_rng([seed, 3]), dtype=case.w.dtype
    )
    layers = range(1, len(case.net.layers) + 1)
    redrawn = [
        case.maps(attribution.redraw_top(case.net, case.w, fresh, number), config.steps)
        for number in layers
    ]
    next_door = case.maps(neighbour(config.trained, seed), config.steps)
    pictures = {kind: case.x - attribution.EMPTY for kind in maps}

    def like(others: dict[str, Array], how: str) -> dict[str, float]:
        size = (lambda map_: map_) if how.startswith("signed") else np.abs
        where = case.ink if how.endswith("ink") else None
        return {
            kind: _number(
                np.median(attribution.rank_correlation(size(maps[kind]), size(others[kind]), where))
            )
            for kind in maps
        }

    measured: Measured = {}
    for how in WAYS:
        steps = [like(others, how) for others in redrawn]
        measured[how] = {kind: [each[kind] for each in steps] for kind in maps}
    for name, others in (("image", pictures), ("other", next_door)):
        measured[name] = {how: like(others, how) for how in WAYS}
    return measured


def neighbour(preset: str, seed: int) -> Array:
    """Load the weights of the recorded network after this one; after the last comes the first."""
    seeds = results.load(results.default_folder(), "zip_codes", preset).seeds
    return zip_reading.trained(preset, seeds[(seeds.index(seed) + 1) % len(seeds)])[0]


def _number(value: Any) -> float:
    return float(f"{float(value):.5g}")


def _listed(values: Array, digits: int = 4) -> list[float]:
    return [round(float(value), digits) for value in values]


def runs(config: Config, seeds: Sequence[int]) -> dict[int, Measured]:
    """Measure for each seed; see `run`."""
    return {seed: run(config, seed=seed) for seed in seeds}


FACTS: dict[str, Callable[[], float]] = {}
