"""Memory of the graph: what the forward pass keeps, and what computing it again saves.

No training. Chains of fully connected layers of equal width, a net in time and the zip-code
network are run forward and back, and what they hold is measured: by Python's own allocation
tracer, and as the resident set of a process of its own. A seed draws weights and inputs. What is
allocated does not depend on them; times do, and on whatever else the machine was doing.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from backprop import checkpointing
from backprop.activations import TANH, Array
from backprop.errors import unknown_name
from backprop.experiments import zip_codes
from backprop.initialisers import uniform
from backprop.layers import Dense
from backprop.losses import HALF_SUMMED_SQUARES
from backprop.network import Network
from backprop.recurrent import Recurrent

BLOCK = 1
uses_zip_codes = False

NEAR = 0.05  # relative, of measured to predicted memory
EXPONENTS = {"linear": (1.0, 0.05), "root": (0.5, 0.1)}  # exponent, and how far from it
TIME_LIMIT = 1.5  # times an ordinary gradient


@dataclass(frozen=True)
class Config:
    """Sizes at which memory and time are measured.

    Every array is large beside the few hundred bytes that Python adds to it, and the cases are
    many beside the width, so that what is kept outweighs weights and gradient. For the time it
    is the other way round: wide layers, in which multiplications take most of it.

    Parameters
    ----------
    width, depths, cases : int, tuple of int, tuple of int
        Memory kept by layers of that width, for every depth with every number of cases.
    steps, units, external : tuple of int, int, int
        Memory kept by a net in time, at the middle number of cases.
    widths : tuple of int
        Memory kept by the middle depth, at the middle number of cases.
    zip_cases : tuple of int
        Numbers of cases for the zip-code network, in float32.
    small : tuple of int
        Numbers of cases of one number each, where Python's share shows.
    peak_width, peak_cases : int
        Size of the arrays where the largest memory of a whole gradient is measured.
    squares, deep : tuple of int
        Depths there; for the second only with recomputation.
    segments : tuple of int
        Numbers of segments in which the depth `cut_depth` is cut.
    cut_depth : int
        Depth for these, in memory and time.
    time_width, time_cases, repeats : int
        Sizes where time is measured; the shortest of so many times counts.
    resident_depths : tuple of int
        Depths whose resident set is measured, in a process for each.
    """

    width: int = 32
    depths: tuple[int, ...] = (10, 20, 40, 80, 160)
    cases: tuple[int, ...] = (100, 400, 1600)
    steps: tuple[int, ...] = (8, 16, 32, 64, 128)
    units: int = 32
    external: int = 8
    widths: tuple[int, ...] = (16, 32, 64, 128, 256)
    zip_cases: tuple[int, ...] = (10, 100, 1000)
    small: tuple[int, ...] = (1, 4, 16, 64, 256, 1024)
    peak_width: int = 16
    peak_cases: int = 8192
    squares: tuple[int, ...] = (4, 9, 16, 25, 36, 49, 64, 81, 100)
    deep: tuple[int, ...] = (144, 256, 400, 625, 1024)
    segments: tuple[int, ...] = (1, 2, 3, 4, 6, 9, 12, 18, 36)
    cut_depth: int = 36
    time_width: int = 400
    time_cases: int = 256
    repeats: int = 5
    resident_depths: tuple[int, ...] = (16, 36, 64, 100)

    @classmethod
    def paper(cls) -> Config:
        """Return the measurement that the page shows (no paper has it)."""
        return cls()

    @classmethod
    def fast(cls) -> Config:
        """Return a short measurement for tests."""
        return cls(
            depths=(10, 20),
            steps=(8, 16),
            widths=(16, 32),
            zip_cases=(10,),
            small=(1, 4),
            peak_cases=2048,
            squares=(4, 9),
            deep=(16, 25),
            segments=(1, 2, 4),
            cut_depth=4,
            time_width=16,
            time_cases=16,
            repeats=1,
            resident_depths=(4,),
        )


PRESETS = {"layers": Config.paper(), "fast": Config.fast()}


def chain(depth: int, width: int) -> Network:
    """Build a chain of layers of tanh units, all of one width."""
    return Network((Dense(width, width, TANH),) * depth)


# Ways to the same gradient. Each takes a network, its parameters, inputs and the slope of the
# loss at the outputs.
Way = Callable[[Network, Array, Array, checkpointing.Slope], Array]


def ordinary(network: Network, w: Array, x: Array, slope: checkpointing.Slope) -> Array:
    """Compute the gradient with everything kept."""
    y, caches = network.forward(w, x)
    return network.backward(w, caches, slope(y))


def in_segments(segments: int | Sequence[int] | None = None) -> Way:
    """Return the way that recomputes, by default with the root of the depth as segments."""
    return lambda network, w, x, slope: checkpointing.gradient(
        network, w, x, slope, segments=segments
    )[1]


def halving(network: Network, w: Array, x: Array, slope: checkpointing.Slope) -> Array:
    """Compute the gradient by halving again and again."""
    return checkpointing.gradient_by_halving(network, w, x, slope)[1]


def outputs_only(network: Network, w: Array, x: Array, slope: checkpointing.Slope) -> Array:
    """Run forward layer by layer, keeping nothing: no gradient, for comparison."""
    for piece, own in checkpointing.cut(network, w, len(network.layers)):
        x = piece.forward(own, x)[0]
    return slope(x)


WAYS: dict[str, Way] = {
    "ordinary": ordinary,
    "segments": in_segments(),
    "halving": halving,
    "outputs": outputs_only,
}


def to_zero(y: Array) -> Array:
    """Slope of half the summed squares where every desired output is 0."""
    return HALF_SUMMED_SQUARES.slope(y, np.zeros(1, dtype=y.dtype))


class Traced(NamedTuple):
    """What a function allocated, in bytes, and what it returned."""

    kept: int
    peak: int
    result: Any


def traced(function: Callable[[], Any]) -> Traced:
    """Call a function under Python's allocation tracer.

    Parameters
    ----------
    function : callable
        What is measured.

    Returns
    -------
    Traced
        Bytes that are still allocated when it has returned (its result among them), the most
        that were allocated at one time, and the result.
    """
    tracemalloc.start()
    try:
        result = function()
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return Traced(kept, peak, result)


def inputs(network: Network, cases: int, *, seed: int, dtype: Any = np.float64) -> Array:
    """Draw inputs between -1 and 1, ``(cases, n_in)``."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (cases, network.n_in)).astype(dtype, copy=False)


def weights(network: Network, *, seed: int, dtype: Any = np.float64) -> Array:
    """Draw weights that keep the outputs of tanh units in their middle range, ``(P,)``."""
    return network.init(uniform(0.3), rng=np.random.default_rng(seed), dtype=dtype)


def kept_forward(network: Network, cases: int, dtype: Any = np.float64, *, seed: int = 0) -> int:
    """Measure what inputs, caches and outputs hold after a forward pass.

    Parameters
    ----------
    network : Network
        The network.
    cases : int
        Number of cases.
    dtype : dtype
        Of all arrays.
    seed : int
        Of weights and inputs.

    Returns
    -------
    int
        Bytes; the weights are not among them.
    """
    w = weights(network, seed=seed, dtype=dtype)
    network.forward(w, np.zeros((1, network.n_in), dtype))  # what is worked out once is there now

    def run() -> tuple[Array, Any]:
        x = inputs(network, cases, seed=seed, dtype=dtype)
        return x, network.forward(w, x)

    return traced(run).kept


def peak_of(way: Way, network: Network, cases: int, *, seed: int = 0) -> Traced:
    """Measure the most that inputs, caches, signals and gradient hold at one time.

    Parameters
    ----------
    way : callable
        One of `WAYS`.
    network : Network
        The network.
    cases : int
        Number of cases.
    seed : int
        Of weights and inputs.

    Returns
    -------
    Traced
        Its `result` is the gradient. The weights are not counted, the gradient is.
    """
    w = weights(network, seed=seed)
    return traced(lambda: way(network, w, inputs(network, cases, seed=seed), to_zero))


def exponent(sizes: Sequence[float] | Array, measured: Sequence[float] | Array) -> float:
    """Fit ``measured = constant * sizes ** exponent`` to logarithms by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(measured), 1)[0])


def _lies(value: float, name: str) -> bool:
    goal, reach = EXPONENTS[name]
    return abs(value - goal) <= reach


def measure_kept(config: Config, seed: int) -> dict[str, Any]:
    """Measure what forward passes keep, and compare with `Network.cache_bytes`."""
    measured, predicted = {}, {}
    for name, rows in kept_sizes(config).items():
        measured[name] = [kept_forward(*row, seed=seed) for row in rows]
        predicted[name] = [network.cache_bytes(n, dtype=dtype) for network, n, dtype in rows]
    errors = [np.abs(np.divide(measured[name], predicted[name]) - 1) for name in measured]
    error = float(np.concatenate(errors).max())
    grid = np.reshape(measured["kept"], (len(config.depths), len(config.cases)))
    exponents = {
        "exponent_depth": exponent(config.depths, grid[:, len(config.cases) // 2]),
        "exponent_cases": exponent(config.cases, grid[len(config.depths) // 2]),
        "exponent_steps": exponent(config.steps, measured["kept_steps"]),
        "exponent_width": exponent(config.widths, measured["kept_widths"]),
    }
    claimed = ("exponent_depth", "exponent_cases", "exponent_steps")
    narrow = chain(_middle(config.depths), 1)
    return {
        **measured,
        "kept_small": [kept_forward(narrow, n, seed=seed) for n in config.small],
        "largest_error": round(error, 6),
        "predicted": error <= NEAR,
        **{name: round(value, 5) for name, value in exponents.items()},
        "linear": all(_lies(exponents[name], "linear") for name in claimed),
    }


def kept_sizes(config: Config) -> dict[str, list[tuple[Network, int, Any]]]:
    """List what forward passes are measured on.

    Parameters
    ----------
    config : Config
        Sizes.

    Returns
    -------
    dict of str to list of (Network, int, dtype)
        Under the names that `run` gives them: networks, numbers of cases, types. Under "kept"
        each depth with each number of cases, the cases running fastest.
    """
    cell = Dense(config.units + config.external, config.units, TANH)
    middle, cases = _middle(config.depths), _middle(config.cases)
    return {
        "kept": [
            (chain(d, config.width), n, np.float64) for d in config.depths for n in config.cases
        ],
        "kept_steps": [
            (Network((Recurrent(cell, steps, start=0.0),)), cases, np.float64)
            for steps in config.steps
        ],
        "kept_widths": [(chain(middle, width), cases, np.float64) for width in config.widths],
        "kept_zip": [(zip_codes.network(), n, np.float32) for n in config.zip_cases],
    }


def _middle(values: Sequence[int]) -> int:
    return values[len(values) // 2]


def measure_peaks(config: Config, seed: int) -> dict[str, Any]:
    """Measure the peak of a whole gradient, kept, recomputed and by halving."""
    peaks: dict[str, list[int]] = {"ordinary": [], "segments": [], "halving": [], "outputs": []}
    same = []
    for depth in config.squares:
        network = chain(depth, config.peak_width)
        measured = {
            name: peak_of(WAYS[name], network, config.peak_cases, seed=seed) for name in peaks
        }
        for name, each in measured.items():
            peaks[name].append(each.peak)
        same += [_equal(measured["ordinary"], measured[name]) for name in ("segments", "halving")]
    deep = [
        peak_of(WAYS["segments"], chain(depth, config.peak_width), config.peak_cases, seed=seed)
        for depth in config.deep
    ]
    network = chain(config.cut_depth, config.peak_width)
    whole = peak_of(ordinary, network, config.peak_cases, seed=seed)
    cuts = [
        peak_of(in_segments(count), network, config.peak_cases, seed=seed)
        for count in config.segments
    ]
    same += [_equal(whole, each) for each in cuts]
    root = exponent(config.squares, peaks["segments"])
    return {
        **{f"peak_{name}": values for name, values in peaks.items()},
        "peak_deep": [each.peak for each in deep],
        "peak_by_segments": [each.peak for each in cuts],
        "exponent_ordinary": round(exponent(config.squares, peaks["ordinary"]), 5),
        "exponent_root": round(root, 5),
        "exponent_deep": round(exponent(config.deep, [each.peak for each in deep]), 5),
        "root": _lies(root, "root"),
        "identical": all(same),
    }


def _equal(one: Traced, other: Traced) -> bool:
    return bool((one.result == other.result).all())


def measure_times(config: Config, seed: int) -> dict[str, Any]:
    """Time the ordinary gradient, every number of segments, and halving.

    The ways take turns, so that a busy spell of the machine meets them all.
    """
    network = chain(config.cut_depth, config.time_width)
    w = weights(network, seed=seed) * 0.1  # sums of hundreds of inputs: smaller weights
    x = inputs(network, config.time_cases, seed=seed)
    ways: dict[str, Way] = {
        "ordinary": ordinary,
        **{str(count): in_segments(count) for count in config.segments},
        "halving": halving,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(config.repeats):
        for name, way in ways.items():
            start = time.perf_counter()
            way(network, w, x, to_zero)
            times[name].append(time.perf_counter() - start)
    unit = min(times["ordinary"])
    relative = {name: round(min(each) / unit, 4) for name, each in times.items()}
    ratio = relative[str(checkpointing.default_segments(config.cut_depth))]
    return {
        "seconds": round(unit, 4),
        "time_by_segments": [relative[str(count)] for count in config.segments],
        "time_halving": relative["halving"],
        "time_ratio": ratio,
        "time_within_half": ratio <= TIME_LIMIT,
    }


def resident() -> tuple[int, int]:
    """Ask the operating system for the memory of this process.

    On Linux the kernel's own file about the process is read. `resource.getrusage` will not do
    there: the highest value that it reports for a new process includes that of its parent.

    Returns
    -------
    now, highest : int
        Resident set in bytes, and the largest that it has been. Where there is no such file,
        both are the largest.
    """
    status = Path("/proc/self/status")
    if status.exists():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        now, highest = (int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
        return now, highest
    unit = 1 if sys.platform == "darwin" else 1024
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return highest, highest


def resident_peak(name: str, depth: int, width: int, cases: int, seed: int) -> int:
    """Measure by how many bytes a gradient makes the resident set of this process grow.

    Parameters
    ----------
    name : str
        Key of `WAYS`.
    depth, width, cases, seed : int
        Size of the chain, and where weights and inputs come from.

    Returns
    -------
    int
        Largest resident set less the one before.
    """
    if name not in WAYS:
        raise unknown_name("way to a gradient", name, WAYS)
    network = chain(depth, width)
    w = weights(network, seed=seed)
    # The arithmetic library sets up its own store at the first product: before we look.
    ordinary(chain(1, width), w[: width * (width + 1)], np.zeros((cases, width)), to_zero)
    before = resident()[0]
    WAYS[name](network, w, inputs(network, cases, seed=seed), to_zero)
    return resident()[1] - before


def resident_when_freed(width: int, cases: int, count: int) -> list[int]:
    """Measure what the operating system still counts when arrays are let go.

    Parameters
    ----------
    width, cases, count : int
        Shape of the arrays, and their number.

    Returns
    -------
    list of int
        Growth of the resident set in bytes: with all arrays, with every second one let go,
        and with none.
    """
    before = resident()[0]
    np.ones((cases, width))  # the allocator raises its limit for small blocks at the first return
    arrays = [np.ones((cases, width)) for _ in range(count)]
    stages = [resident()[0] - before]
    del arrays[::2]
    stages.append(resident()[0] - before)
    arrays.clear()
    return [*stages, resident()[0] - before]


def in_own_process(function: str, *arguments: str | int) -> Any:
    """Call a function of this module in a new process, which has one core.

    Parameters
    ----------
    function : str
        Its name.
    *arguments : str or int
        Its arguments.

    Returns
    -------
    object
        What it returns, by way of JSON.
    """
    code = (
        "import json, sys; from threadpoolctl import threadpool_limits; "
        "from backprop.experiments import memory; threadpool_limits(1); "
        "name, *rest = json.loads(sys.argv[1]); "
        "print(json.dumps(getattr(memory, name)(*rest)))"
    )
    call = [sys.executable, "-c", code, json.dumps([function, *arguments])]
    return json.loads(subprocess.run(call, check=True, capture_output=True, text=True).stdout)


def measure_resident(config: Config, seed: int) -> dict[str, Any]:
    """Measure resident sets, one process for each depth and way."""
    size = config.peak_width, config.peak_cases
    grown = {
        f"resident_{name}": [
            in_own_process("resident_peak", name, depth, *size, seed)
            for depth in config.resident_depths
        ]
        for name in ("ordinary", "segments", "outputs")
    }
    freed = in_own_process("resident_when_freed", *size, config.resident_depths[-1])
    return {**grown, "resident_freed": freed}


def run(config: Config, *, seed: int) -> dict[str, Any]:
    """Measure once, on one core.

    Parameters
    ----------
    config : Config
        Sizes.
    seed : int
        Seed of weights and inputs.

    Returns
    -------
    dict
        Bytes: ``kept`` (each depth with each number of cases), ``kept_steps``, ``kept_widths``,
        ``kept_zip``, ``kept_small``, ``peak_<way>`` (over `squares`), ``peak_deep``,
        ``peak_by_segments``, ``resident_<way>`` and ``resident_freed``. Times: ``seconds`` of an
        ordinary gradient, and in units of that ``time_by_segments``, ``time_halving``,
        ``time_ratio``. Fitted exponents: ``exponent_<of what>``. Answers: ``predicted`` (every
        measured size within `NEAR` of its prediction), ``linear`` (depth, cases, steps),
        ``root``, ``identical`` (every gradient), ``time_within_half``.
    """
    from threadpoolctl import threadpool_limits  # only needed here

    with threadpool_limits(1):
        return {
            **measure_kept(config, seed),
            **measure_peaks(config, seed),
            **measure_times(config, seed),
            **measure_resident(config, seed),
        }


def runs(config: Config, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Measure once for each seed; see `run`."""
    return {seed: run(config, seed=seed) for seed in seeds}


FACTS: dict[str, Callable[[], float]] = {}
