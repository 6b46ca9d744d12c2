"""The benchmarks: peers compute what we do, a small run goes through, the recorded one is whole."""

import cProfile
import importlib
import json
import math
import os
import pstats
import subprocess
import sys
from pathlib import Path

import jsonschema
import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt

import contests
import growth
import settings
import suite
import targets
import timing
import work
from backprop import counting, results
from backprop.errors import DataError
from backprop.experiments import zip_codes
from backprop.initialisers import uniform_fan_in
from backprop.losses import HALF_SUMMED_SQUARES
from backprop.plotting import speed
from backprop.training import train_online
from peers import same_weights

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
matplotlib.use("Agg")
SCHEMA = json.loads((BENCHMARKS / "schema.json").read_text(encoding="utf-8"))
recorded = pytest.mark.skipif(not suite.FILE.exists(), reason="no benchmark is recorded")


def valid(file):
    jsonschema.Draft202012Validator(SCHEMA).validate(file)


# Peers


@pytest.mark.parametrize(
    ("module", "package", "network", "scale"),
    [
        ("torch_eager", "torch", zip_codes.network(), contests.TO_MEAN),
        ("torch_compiled", "torch", zip_codes.network(), contests.TO_MEAN),
        ("jax_scan", "jax", zip_codes.network(), contests.TO_MEAN),
        ("sklearn_mlp", "sklearn", contests.dense_network(), 1),
    ],
)
def test_twenty_steps_of_a_peer_are_ours(module, package, network, scale, monkeypatch):
    library = pytest.importorskip(package, reason=f"{package} is an optional peer")
    if module == "torch_compiled":  # as it stands: compiling takes half a minute
        monkeypatch.setattr(library, "compile", lambda function: function)
        monkeypatch.delitem(sys.modules, "peers.torch_compiled", raising=False)
    peer = importlib.import_module(f"peers.{module}")
    rng, lr = np.random.default_rng(1), 0.01
    w = network.init(uniform_fan_in(2.4), rng=rng, dtype=np.float32)
    x = rng.uniform(-1, 1, (20, 256)).astype(np.float32)
    d = rng.choice([-1, 1], (20, 10)).astype(np.float32)
    theirs = peer.train(peer.make(same_weights.arrays(network, w), lr * scale), x, d)
    ours = train_online(network, w, x, d, optimiser=contests.SteepestDescent(lr), passes=1)
    assert np.abs(ours - w).max() > 0.01  # there is something to compare
    np.testing.assert_allclose(
        same_weights.vector(network, peer.weights(theirs)), ours, rtol=1e-4, atol=1e-6
    )


def test_the_weights_of_a_peer_come_back_in_their_places():
    network = zip_codes.network()
    w = np.arange(network.n_params) + 0.5
    np.testing.assert_array_equal(same_weights.vector(network, same_weights.arrays(network, w)), w)


# Counting and fitting


def test_the_count_of_a_presentation_is_what_runs():
    network = contests.dense_network()
    x, d = np.zeros((1, 256)), np.zeros((1, 10))
    w = np.zeros(network.n_params)

    def presentation(w):
        y, caches = network.forward(w, x)
        network.backward(w, caches, HALF_SUMMED_SQUARES.slope(y, d))

    # Biases are connections, but nothing is multiplied with them; nor is their gradient a product.
    biases = int(network.mask("b").sum())
    counted = work.multiply_adds(network)
    products = counting.multiplications(presentation, w).products
    assert (
        counted["forward"] + counted["to_weights"] - 2 * biases + counted["to_inputs"] == products
    )
    assert counted["update"] == network.n_params


def test_the_1989_network_takes_a_multiplication_for_each_connection():
    counted = work.multiply_adds(zip_codes.network())
    connections = zip_codes.network().total().connections
    assert counted["forward"] == counted["to_weights"] == connections == 64_660
    first = zip_codes.network().count()[1].connections
    assert counted["to_inputs"] == connections - first - (192 + 30 + 10)
    assert work.operations(zip_codes.network(), "pseudo-newton") > work.operations(
        zip_codes.network()
    )


def test_a_fit_recovers_a_known_exponent_and_says_where_it_was_fitted():
    sizes = [1, 2, 4, 8, 16, 32, 64]
    fit = timing.exponent(sizes[2:], [3e-6 * size**1.5 for size in sizes[2:]])
    assert (fit["from"], fit["to"]) == (4, 64)
    assert fit["exponent"] == pytest.approx(1.5)
    assert fit["factor"] == pytest.approx(3e-6)
    assert fit["error"] == pytest.approx(0, abs=1e-6)


def test_both_ends_of_a_curve_are_fitted_apart():
    ends = growth.ends({size: 1.0 if size < 100 else size / 100 for size in growth.sizes(4096)})
    assert ends["small"]["exponent"] == pytest.approx(0, abs=1e-6)
    assert ends["large"]["exponent"] == pytest.approx(1, abs=1e-3)
    assert (ends["small"]["to"], ends["large"]["from"]) == (8, 512)


def test_a_ratio_is_of_the_shortest_times_and_its_range_is_over_the_rounds():
    slow = {"seconds_per_pass": 4.0, "repeats": [4.0, 6.0]}
    fast = {"seconds_per_pass": 1.0, "repeats": [2.0, 1.0]}
    assert timing.ratio(slow, fast) == {"times": 4.0, "lowest": 2.0, "highest": 6.0}


def test_competitors_take_turns():
    calls = []
    timing.in_turn({name: lambda name=name: calls.append(name) for name in "ab"}, 3)
    assert "".join(calls) == "ababab"


# What a presentation costs, in calls: the same on every machine


def calls(presentations, kind, *, compiled):
    """Calls of Python functions and of NumPy's, in a pass of so many presentations."""
    network, rng = zip_codes.network(), np.random.default_rng(0)
    w = network.init(uniform_fan_in(2.4), rng=rng, dtype=np.float32)
    x = rng.uniform(-1, 1, (presentations, 256)).astype(np.float32)
    d = rng.choice([-1, 1], (presentations, 10)).astype(np.float32)
    step = zip_codes.make_optimiser(zip_codes.PRESETS[kind])
    profile = cProfile.Profile()
    with profile:
        train_online(network, w, x, d, optimiser=step, passes=1, compiled=compiled)
    return pstats.Stats(profile).total_calls


@pytest.mark.parametrize(("kind", "most"), [("gradient-descent", 200), ("pseudo-newton", 330)])
def test_a_readable_presentation_takes_few_calls(kind, most):
    calls(5, kind, compiled=False)  # what is worked out once, and kept
    few, many = (calls(number, kind, compiled=False) for number in (10, 20))
    assert (many - few) / 10 <= most


@pytest.mark.parametrize("kind", ["gradient-descent", "pseudo-newton"])
def test_a_compiled_presentation_takes_none(kind):
    calls(5, kind, compiled=True)  # compiles
    assert calls(10, kind, compiled=True) == calls(100, kind, compiled=True)


# Drawings


def test_the_contest_is_drawn_from_the_fastest_up_in_units_of_the_limit():
    figure, ax = plt.subplots()
    speed.times_the_limit(ax, {"theirs": [60.0, 50.0], "ours": [4.0, 6.0]}, 2.0)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["ours", "theirs"]
    assert {text.get_text() for text in ax.texts} == {"2.0", "25", "limit"}
    plt.close(figure)


def test_the_fitted_line_is_drawn_where_it_was_fitted():
    fit = {"from": 8, "to": 64, "exponent": 2.0, "factor": 3e-6}
    way = {"sizes": [1, 8, 64], "seconds": [1e-5, 2e-4, 1e-2], "large": fit}
    figure, ax = plt.subplots()
    speed.growing_cost(ax, {"readable": way})
    line, points = ax.lines
    np.testing.assert_allclose(line.get_xdata(), [8, 64])
    np.testing.assert_allclose(line.get_ydata(), [3 * 64, 3 * 64**2])
    np.testing.assert_allclose(points.get_ydata(), [10, 200, 10_000])
    assert points.get_label() == "readable: power 2.0"
    plt.close(figure)


# Who does not take part


def test_a_peer_that_fails_is_skipped_with_its_reason_and_we_are_not():
    def fail():
        raise RuntimeError("no compiler here")

    ok = timing.Competitor(lambda: None, 1, 1)
    items, failed = timing.contest(
        {"well": ok, "ill": timing.Competitor(fail, 1, 1, may_fail=True)}, cases=1, repeats=1
    )
    assert list(items) == ["well"]
    assert failed == {"ill": "failed with RuntimeError: no compiler here"}
    with pytest.raises(RuntimeError):
        timing.contest({"ours": timing.Competitor(fail, 1, 1)}, cases=1, repeats=1)


def test_the_whole_run_refuses_to_do_without_the_real_digits(monkeypatch, tmp_path):
    monkeypatch.setenv("BACKPROP_DATA", str(tmp_path))
    monkeypatch.setenv("BACKPROP_OFFLINE", "1")
    with pytest.raises(DataError):
        settings.cases(settings.FULL)


# A small run

ABSENT = """
import runpy, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in ("torch", "jax", "sklearn"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""


def test_a_small_run_goes_through_and_names_who_is_absent(tmp_path):
    path = tmp_path / "quick.json"
    command = [sys.executable, "-c", ABSENT, BENCHMARKS / "run.py", "--quick", "--to", path]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(BENCHMARKS)},
    )
    assert done.returncode == 0, done.stderr
    file = json.loads(path.read_text(encoding="utf-8"))
    valid(file)
    skipped = {**file["networks"]["skipped"], **file["baseline"]["skipped"]}
    assert set(skipped) == {"PyTorch", "PyTorch, compiled", "JAX, compiled", "scikit-learn"}
    for name in skipped:
        assert f"skipped: {name}: not installed" in done.stderr
    assert file["targets"]["plain-loop"]["measured"] is None
    assert targets.reached(file["targets"]["plain-loop"]) is None


# The recorded run


@pytest.fixture(scope="module")
def file():
    return json.loads(suite.FILE.read_text(encoding="utf-8"))


def numbers(value):
    """All numbers in a file."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from numbers(each)
    elif isinstance(value, int | float):
        yield value


@recorded
def test_the_recorded_run_is_whole(file):
    valid(file)
    assert all(map(math.isfinite, numbers(file)))
    assert suite.FILE.parent == results.default_folder()


@recorded
def test_the_recorded_run_was_on_the_digits_of_all_other_records(file):
    record = results.load(results.default_folder(), "zip_codes", "pseudo-newton")
    assert file["data"] == record.data
    assert file["networks"]["cases"] == file["baseline"]["cases"] == 7291


@recorded
def test_every_peer_took_part_with_its_version_and_one_core(file):
    assert {"torch", "jax", "scikit-learn"} <= set(file["versions"])
    for part, peers in (("networks", contests.ZIP_PEERS), ("baseline", contests.DENSE_PEERS)):
        assert set(peers) <= set(file[part]["items"]) | set(file[part]["skipped"])
        assert all(item["cores"] < 1.1 for item in file[part]["items"].values())


@recorded
def test_the_recorded_operations_are_those_of_the_network(file):
    counted = work.multiply_adds(zip_codes.network())
    assert file["networks"]["multiply_adds"] == counted
    ours = file["networks"]["items"][contests.COMPILED]
    assert ours["operations_per_second"] * ours["seconds_per_pass"] == pytest.approx(
        2 * sum(counted.values()) * 7291, rel=1e-3
    )


@recorded
def test_the_recorded_targets_follow_from_the_measurements(file):
    assert file["targets"] == targets.judged(file)


@recorded
def test_the_recorded_ratios_and_exponents_follow_from_the_times(file):
    for part in ("networks", "baseline"):
        items = file[part]["items"]
        for item in items.values():
            again = timing.ratio(item, items[contests.COMPILED])
            assert item["against_ours"] == pytest.approx(again, rel=2e-3)
            assert item["seconds_per_pass"] == min(item["repeats"])
            assert len(item["repeats"]) >= 3
    ways = [way for curve in file["growth"].values() for way in curve["ways"].values()]
    seeds = file["seeds"]
    together = np.multiply(seeds["replicas"], seeds["seconds_per_sweep"])
    ways.append({"sizes": seeds["replicas"], "seconds": together, **seeds["fits"]})
    for way in ways:
        ends = growth.ends(dict(zip(way["sizes"], way["seconds"], strict=True)))
        for end, fit in ends.items():
            assert (way[end]["from"], way[end]["to"]) == (fit["from"], fit["to"])
            assert way[end]["factor"] == pytest.approx(fit["factor"], rel=2e-3)
            for name in ("exponent", "error"):
                assert way[end][name] == pytest.approx(fit[name], abs=2e-3)


@recorded
def test_the_file_is_written_as_the_suite_writes_it(file):
    text = json.dumps(file, indent=1, allow_nan=False) + "\n"
    assert suite.FILE.read_text(encoding="utf-8") == text
