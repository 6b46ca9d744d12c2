"""What a forward pass keeps, and the gradient from less of it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pytest

from backprop import checkpointing, experiments, results
from backprop.activations import RELU, TANH
from backprop.errors import InputError, UnknownName
from backprop.experiments import memory
from backprop.layers import Dense, Local, Mask, Split, Unshared
from backprop.losses import HALF_SUMMED_SQUARES
from backprop.network import Network
from backprop.recurrent import Recurrent, layered

CELL = Dense(4 + 3, 4, TANH)
NETWORKS = {
    "dense": Network(tuple(Dense(*sizes, TANH) for sizes in pairwise((5, 4, 6, 3, 3, 2)))),
    "without biases": Network((Dense(5, 4, RELU, bias=False), Dense(4, 2, bias=False))),
    "feature maps": Network((Local((6, 6, 1), 2, size=3), Local((3, 3, 2), 3, size=3))),
    "not shared": Network((Unshared((6, 6, 1), 2, size=3), Dense(18, 3))),
    "side by side": Network((Split((Dense(3, 2), Dense(2, 3))), Dense(5, 4), Dense(4, 1))),
    "masked": Network(
        (Dense(4, 6), Mask(np.full((1, 6), 2, np.float32)), Dense(6, 3), Dense(3, 2))
    ),
    "in time": Network((Recurrent(CELL, steps=5, last=2), Dense(8, 3))),
    "in time from a start": Network(
        (
            Recurrent(CELL, steps=5, last=5, start=0.5),
            Recurrent(Dense(4, 2), steps=5, last=5, feedback=False),
        )
    ),
    "in layers": layered(Recurrent(CELL, steps=4)),
}


def arrays(kept: Any) -> Iterator[np.ndarray]:
    """All arrays in nested lists and tuples; of a view the array that it looks into."""
    if isinstance(kept, np.ndarray):
        yield kept if kept.base is None else kept.base
    elif isinstance(kept, list | tuple):
        for each in kept:
            yield from arrays(each)


@pytest.fixture(params=NETWORKS.values(), ids=NETWORKS.keys())
def network(request: pytest.FixtureRequest) -> Network:
    """One network of each kind."""
    return request.param


def start(network, *, replicas=(), cases=7, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    w = rng.uniform(-1, 1, (*replicas, network.n_params)).astype(dtype)
    return w, rng.uniform(-1, 1, (cases, network.n_in)).astype(dtype)


# What is kept.


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_bytes_of_the_arrays_alive(network, dtype):
    """Each array counted once, whoever holds it (eq-memory-kept)."""
    w, x = start(network, dtype=dtype)
    alive = {id(array): array for array in arrays([x, *network.forward(w, x)])}
    counted = sum(array.nbytes for array in alive.values())
    assert counted == network.cache_bytes(len(x), dtype=dtype)


def test_the_tracer_finds_what_is_predicted(network):
    cases = 2000
    assert memory.kept_forward(network, cases) == pytest.approx(
        network.cache_bytes(cases), rel=0.05
    )


def test_single_precision_keeps_half():
    network = memory.chain(5, 16)
    half, whole = (memory.kept_forward(network, 1000, dtype) for dtype in (np.float32, np.float64))
    assert half == pytest.approx(whole / 2, rel=0.01)


# The gradient from less.


def gradients(network, w, x, **options):
    def slope(y):
        return HALF_SUMMED_SQUARES.slope(y, np.zeros(network.n_out, dtype=y.dtype))

    y, caches = network.forward(w, x)
    whole = network.backward(w, caches, slope(y))
    if options:
        again, recomputed = checkpointing.gradient(network, w, x, slope, **options)
    else:
        again, recomputed = checkpointing.gradient_by_halving(network, w, x, slope)
    np.testing.assert_array_equal(y, again, strict=True)
    return whole, recomputed


def with_parameters(network):
    return sum(bool(layer.parts) for layer in network.layers)


@pytest.mark.parametrize("replicas", [(), (3,), (2, 2)])
def test_recomputation_gives_the_same_gradient_bit_for_bit(network, replicas):
    w, x = start(network, replicas=replicas)
    for segments in (None, *range(1, with_parameters(network) + 1)):
        np.testing.assert_array_equal(*gradients(network, w, x, segments=segments), strict=True)
    np.testing.assert_array_equal(*gradients(network, w, x), strict=True)


def test_recomputation_with_replicas_of_the_inputs_and_in_single_precision():
    network = NETWORKS["dense"]
    w, x = start(network, dtype=np.float32)
    x = np.stack([x, 2 * x])
    whole, recomputed = gradients(network, w, x, segments=(1, 3, 1))
    assert whole.shape == (2, network.n_params)
    assert recomputed.dtype == np.float32
    np.testing.assert_array_equal(whole, recomputed, strict=True)
    np.testing.assert_array_equal(*gradients(network, w, x), strict=True)


def test_a_segment_with_another_signal_is_noticed():
    """The comparison above can fail: a segment that is handed twice its signal."""

    class Loud(Network):
        def gradients(self, w, caches, dy):
            return super().gradients(w, caches, 2 * dy)

    network = NETWORKS["dense"]
    w, x = start(network)
    pieces = checkpointing.cut(network, w, 2)
    pieces[1] = (Loud(pieces[1][0].layers), pieces[1][1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpointing, "cut", lambda *_: pieces)
        whole, recomputed = gradients(network, w, x, segments=2)
    assert not np.array_equal(whole, recomputed)


def test_segments_are_networks_with_their_own_parameters():
    network = NETWORKS["masked"]
    w, _ = start(network)
    pieces = checkpointing.cut(network, w, (2, 1))
    assert [len(piece.layers) for piece, _ in pieces] == [3, 1]
    assert all(np.shares_memory(own, w) for _, own in pieces)
    np.testing.assert_array_equal(np.concatenate([own for _, own in pieces]), w)
    # A layer without parameters stays with the one below; the longer segments come first.
    assert [len(piece.layers) for piece, _ in checkpointing.cut(network, w, 3)] == [2, 1, 1]
    w, _ = start(NETWORKS["dense"])
    assert [len(piece.layers) for piece, _ in checkpointing.cut(NETWORKS["dense"], w, 2)] == [3, 2]


def test_a_mask_at_the_inputs_stays_with_the_layer_above():
    network = Network((Mask(np.full((1, 3), 0.5)), Dense(3, 2), Dense(2, 2)))
    w, x = start(network)
    assert [len(piece.layers) for piece, _ in checkpointing.cut(network, w, 2)] == [2, 1]
    np.testing.assert_array_equal(*gradients(network, w, x, segments=2))


@pytest.mark.parametrize(
    ("segments", "message"),
    [
        (0, "into 0 segments; it has 5 layers"),
        (6, "from 1 to 5"),
        (-1, "from 1 to 5"),
        ((2, 2), r"given as \(2, 2\) layers; .* 5 in all"),
        ((5, 0), "at least 1 in each"),
        ((), "at least 1 in each"),
    ],
)
def test_bad_segments_are_refused_with_the_reason(segments, message):
    network = NETWORKS["dense"]
    w, x = start(network)
    with pytest.raises(InputError, match=message):
        checkpointing.gradient(network, w, x, lambda y: y, segments=segments)


def test_parameters_and_inputs_of_another_network_are_refused():
    network = NETWORKS["dense"]
    w, x = start(network)
    with pytest.raises(InputError, match="the last axis must be"):
        checkpointing.gradient(network, w[:-1], x, lambda y: y)
    with pytest.raises(InputError, match="the inputs have shape"):
        checkpointing.gradient_by_halving(network, w, x[:, :-1], lambda y: y)


# What it costs, counted.


@dataclass(frozen=True)
class Counting(Dense):
    """A layer that notes how often it runs forward and back."""

    calls: ClassVar[dict[str, int]] = {"forward": 0, "backward": 0}

    def forward(self, parameters, x):
        self.calls["forward"] += 1
        return super().forward(parameters, x)

    def backward(self, parameters, cache, dy, *, to_input=True):
        self.calls["backward"] += 1
        return super().backward(parameters, cache, dy, to_input=to_input)


def counted(depth, way):
    network = Network((Counting(2, 2),) * depth)
    Counting.calls.update(forward=0, backward=0)
    way(network, *start(network), memory.to_zero)
    return Counting.calls["forward"], Counting.calls["backward"]


@pytest.mark.parametrize("segments", [1, 2, 3, 4, 6, 12])
def test_operations_in_segments(segments):
    """Forward counts 1, backward 2 (eq-memory-time)."""
    forward, backward = counted(12, memory.in_segments(segments))
    assert backward == 12
    expected = (forward + 2 * backward) / (3 * 12)
    assert checkpointing.relative_operations(segments) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16, 32])
def test_layers_run_by_halving(depth):
    """By counting the calls (eq-memory-halving)."""
    assert counted(depth, memory.halving) == (checkpointing.forwards_by_halving(depth), depth)
    expected = depth + depth / 2 * math.log2(depth)
    assert checkpointing.forwards_by_halving(depth) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("depth", [0, -4, 3, 12])
def test_halving_is_counted_for_powers_of_two_only(depth):
    with pytest.raises(InputError, match="power of two"):
        checkpointing.forwards_by_halving(depth)


def test_bytes_kept_in_segments():
    """Over the segments the most, from the sizes of the layers (eq-memory-segments)."""
    sizes, cases = (5, 4, 6, 3, 3, 2), 7
    for cut in ((1, 1, 1, 1, 1), (2, 3), (3, 2), (1, 3, 1), (5,)):
        ends = np.cumsum([0, *cut])
        alive = [
            sum(sizes[first] for first in ends[: i + 1]) + sum(sizes[ends[i] + 1 : ends[i + 1] + 1])
            for i in range(len(cut))
        ]
        predicted = checkpointing.kept_bytes(NETWORKS["dense"], cases, segments=cut)
        assert predicted == 8 * cases * max(alive)


@pytest.mark.parametrize("root", range(2, 11))
def test_the_root_keeps_least(root):
    """By trying every number (eq-memory-root)."""
    depth = root**2
    network, unit = memory.chain(depth, 3), 3 * 8
    kept = [
        checkpointing.kept_bytes(network, 1, segments=k) / unit
        for k in range(1, depth + 1)
        if depth % k == 0
    ]
    best = checkpointing.default_segments(depth)
    assert best == root
    assert checkpointing.kept_bytes(network, 1) == min(kept) * unit
    assert min(kept) == pytest.approx(2 * math.sqrt(depth), rel=1e-12)


def test_longer_segments_below_keep_less_still():
    network = memory.chain(15, 3)
    falling = checkpointing.kept_bytes(network, 1, segments=(5, 4, 3, 2, 1))
    equal = [checkpointing.kept_bytes(network, 1, segments=k) for k in range(1, 16)]
    assert falling < min(equal)


CUTS = [(9, None), (16, None), (12, 2), (15, (5, 4, 3, 2, 1))]


@pytest.mark.parametrize(("depth", "segments"), CUTS)
def test_the_tracer_finds_the_kept_arrays_and_four_to_work_with(depth, segments):
    cases, width = 8192, 4
    network = memory.chain(depth, width)
    array = cases * width * 8
    predicted = checkpointing.kept_bytes(network, cases, segments=segments) / array
    measured = memory.peak_of(memory.in_segments(segments), network, cases).peak / array
    # Four, where the interpreter reuses what an expression leaves behind; else one or two more.
    assert predicted + 3.5 < measured < predicted + 6.5
    whole = memory.peak_of(memory.ordinary, network, cases).peak / array
    assert depth + 1 + 3.5 < whole < depth + 1 + 6.5


def test_halving_keeps_one_array_for_each_halving():
    cases, width = 8192, 4
    array = cases * width * 8
    peaks = [
        memory.peak_of(memory.halving, memory.chain(depth, width), cases).peak / array
        for depth in (8, 16, 32)
    ]
    np.testing.assert_allclose(np.diff(peaks), 1, atol=0.1)


# The experiment.


def test_the_tracer_counts_an_array_and_forgets_what_is_gone():
    def function():
        np.zeros(200_000)
        return np.zeros(100_000)

    kept, peak, result = memory.traced(function)
    assert kept == pytest.approx(800_000, rel=0.01)
    assert peak == pytest.approx(1_600_000, rel=0.01)
    assert result.shape == (100_000,)


def test_a_function_that_fails_stops_the_tracer():
    with pytest.raises(ZeroDivisionError):
        memory.traced(lambda: 1 / 0)
    import tracemalloc

    assert not tracemalloc.is_tracing()


def test_exponents_are_those_of_powers():
    sizes = np.array([1, 2, 5, 10])
    assert memory.exponent(sizes, 7 * sizes**1.5) == pytest.approx(1.5)


def test_a_process_of_its_own_grows_by_what_is_kept_and_by_less_with_recomputation():
    """The caches are 33 arrays of 1 MB; with recomputation about a third of them are kept."""
    width, cases, depth = 16, 8192, 32
    kept = memory.chain(depth, width).cache_bytes(cases)
    grown = {
        name: memory.in_own_process("resident_peak", name, depth, width, cases, 0)
        for name in ("ordinary", "segments")
    }
    assert 0.9 * kept < grown["ordinary"] < 1.6 * kept
    assert grown["segments"] < 0.7 * grown["ordinary"]


def test_the_resident_set_is_no_larger_than_it_has_been():
    now, highest = memory.resident()
    assert 0 < now <= highest * 1.01  # the kernel counts both in lots


def test_an_unknown_way_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'segments'"):
        memory.resident_peak("segment", 2, 2, 2, 0)


def test_a_fast_run_measures_what_it_says():
    config = memory.Config.fast()
    run = memory.run(config, seed=0)
    assert run["identical"] is True
    assert run["predicted"] is True
    assert len(run["kept"]) == len(config.depths) * len(config.cases)
    assert len(run["time_by_segments"]) == len(run["peak_by_segments"]) == len(config.segments)
    assert run["peak_ordinary"] > run["peak_segments"]
    assert run["time_within_half"] is (run["time_ratio"] <= 1.5)
    assert run["linear"] is all(
        abs(run[f"exponent_{name}"] - 1) <= 0.05 for name in ("depth", "cases", "steps")
    )
    assert run["root"] is (abs(run["exponent_root"] - 0.5) <= 0.1)


@pytest.mark.parametrize("wrong", ["segments", "halving"])
def test_a_gradient_that_differs_is_not_called_identical(monkeypatch, wrong):
    right = memory.WAYS[wrong]
    monkeypatch.setitem(memory.WAYS, wrong, lambda *each: np.nextafter(right(*each), np.inf))
    config = memory.Config(peak_cases=8, squares=(4, 9), deep=(4, 9), segments=(1,), cut_depth=4)
    assert memory.measure_peaks(config, 0)["identical"] is False


def test_recorded_answers_follow_from_the_recorded_bytes_and_the_bytes_come_out_again():
    record = results.load(results.default_folder(), "memory", "layers")
    config = memory.Config.paper()
    assert record.config == results.settings(experiments.preset(memory, "layers"))
    for run in record.runs.values():
        fitted = memory.exponent(config.squares, run["peak_segments"])
        assert run["exponent_root"] == pytest.approx(fitted, abs=1e-5)
        assert run["root"] is (abs(fitted - 0.5) <= 0.1)
        assert run["time_within_half"] is (run["time_ratio"] <= 1.5)
    (network, cases, dtype), *_ = memory.kept_sizes(config)["kept_steps"]
    again = memory.kept_forward(network, cases, dtype)
    assert record.runs[0]["kept_steps"][0] == pytest.approx(again, rel=0.01)
