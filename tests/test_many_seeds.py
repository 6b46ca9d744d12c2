"""Many replicas at once: in blocks of bounded memory, at a cost that does not grow with them."""

import sys
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from backprop import counting, datasets, dual, tape
from backprop.activations import LECUN_TANH, LINEAR, TANH
from backprop.errors import InputError, TrainingDiverged
from backprop.experiments import family_trees, symmetry
from backprop.initialisers import uniform
from backprop.layers import Dense, Local
from backprop.layers.base import sum_over_cases
from backprop.layers.normalise import Normalise
from backprop.losses import CROSS_ENTROPY, margin
from backprop.network import Network
from backprop.optimisers import Adam, Decay, Momentum, PseudoNewton, Schedule, SteepestDescent
from backprop.recurrent import Recurrent
from backprop.training import (
    BUDGET,
    NEVER,
    BatchResult,
    all_errors_below,
    replica_bytes,
    train_batch,
)

XOR = Network((Dense(2, 2), Dense(2, 1)))
XOR_X, XOR_D = datasets.xor()


def weights(seeds, network=XOR):
    return network.init_replicas(uniform(0.5), seeds=seeds)


def room_for(replicas, network=XOR, x=XOR_X):
    return replicas * replica_bytes(network, x)


def assert_identical(one: BatchResult, other: BatchResult):
    for name in ("w", "loss", "sweeps", "history"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for name in ("reached", "snapshots"):
        ours, theirs = getattr(one, name), getattr(other, name)
        assert ours.keys() == theirs.keys()
        for key in ours:
            np.testing.assert_array_equal(ours[key], theirs[key], err_msg=f"{name} {key}")


# The same results.


def test_a_thousand_symmetry_seeds_equal_single_networks():
    """Bit for bit: batched products call the same routine for each replica."""
    config = replace(symmetry.Config.paper(), sweeps=150)
    together = symmetry.train(config, range(1000), every=50)
    for seed in (0, 1, 499, 500, 999):
        alone = symmetry.train(config, [seed], every=50)
        np.testing.assert_array_equal(together.w[seed], alone.w[0])
        np.testing.assert_array_equal(together.history[:, seed], alone.history[:, 0])
        assert together.loss[seed] == alone.loss[0]


RULES = {
    "momentum": Momentum(0.5, 0.9),
    "schedule": Schedule(Momentum(0.5, 0.5), 20, Momentum(0.5, 0.9)),
    "adam": Adam(0.05),
    "newton": Decay(PseudoNewton(0.5), 1e-4),
}


@pytest.mark.parametrize("keep_going", [False, True])
@pytest.mark.parametrize("optimiser", RULES.values(), ids=RULES)
@pytest.mark.parametrize("own", [False, True], ids=["shared", "own"])
def test_results_do_not_depend_on_the_budget(optimiser, own, keep_going):
    rng = np.random.default_rng(0)
    order = np.array([rng.permutation(4)[:3] for _ in range(11)]) if own else np.arange(4)
    x, d = XOR_X[order], XOR_D[order]

    def train(budget):
        return train_batch(
            XOR,
            weights(range(11)),
            x,
            d,
            optimiser=optimiser,
            sweeps=250,
            criteria={"side": all_errors_below(0.5), "learned": all_errors_below(0.45)},
            every=20,
            snapshots=(0, 30, 250, 900),
            keep_going=keep_going,
            budget=budget,
        )

    whole = train(room_for(11, x=x))
    learned = whole.reached["learned"]
    assert len(set(learned)) > 2, "the test needs replicas that learn at different times"
    for replicas in (1, 3, 10):
        assert_identical(train(room_for(replicas, x=x)), whole)


def test_the_family_trees_do_not_depend_on_the_budget(monkeypatch):
    """Split layers, a loss with margins, a schedule, decay, and held-out cases of each replica."""
    config = replace(family_trees.Config.fast(), sweeps=30)
    whole = family_trees.train(config, range(4))
    monkeypatch.setitem(train_batch.__kwdefaults__, "budget", 1)
    single = family_trees.train(config, range(4))
    np.testing.assert_array_equal(whole.w, single.w)


def test_a_history_is_as_long_as_the_longest_run_of_any_block():
    """And has no value where a replica of an earlier or a later block had stopped."""
    options = {
        "optimiser": Momentum(0.5, 0.9),
        "sweeps": 400,
        "criteria": {"learned": all_errors_below(0.4)},
        "every": 10,
    }
    longest = train_batch(XOR, weights(range(6)), XOR_X, XOR_D, **options).sweeps
    for order in (np.argsort(longest), np.argsort(-longest)):
        result = train_batch(
            XOR, weights(range(6))[order], XOR_X, XOR_D, budget=room_for(1), **options
        )
        assert result.history.shape == (longest.max() // 10 + 1, 6)
        written = np.isfinite(result.history).sum(axis=0)
        np.testing.assert_array_equal(written, longest[order] // 10 + 1)


@pytest.mark.parametrize("bad", [0, 4, 6])
@pytest.mark.parametrize("replicas", [1, 2, 7])
def test_a_replica_that_diverges_is_named_by_its_number_in_the_call(bad, replicas):
    linear = Network((Dense(2, 1, LINEAR),))
    w = np.zeros((7, 3))
    w[bad] = 1e200
    with pytest.raises(TrainingDiverged, match=rf"replica {bad} .* in sweep 0;"):
        train_batch(
            linear,
            w,
            XOR_X,
            XOR_D,
            optimiser=SteepestDescent(0.1),
            sweeps=3,
            budget=room_for(replicas, linear),
        )


def test_no_replicas_give_an_empty_result():
    result = train_batch(
        XOR, weights([0])[:0], XOR_X, XOR_D, optimiser=Momentum(0.1), sweeps=3, snapshots=[2]
    )
    assert result.w.shape == result.snapshots[2].shape == (0, XOR.n_params)


# Bounded memory.


def peak(run):
    """Bytes allocated at the most, and what was returned."""
    tracemalloc.start()
    try:
        result = run()
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()


def kept(result):
    arrays = [result.w, result.loss, result.sweeps, result.history]
    arrays += [*result.reached.values(), *result.snapshots.values()]
    return sum(array.nbytes for array in arrays)


def test_a_hundred_thousand_replicas_need_no_more_memory_than_the_budget():
    w = np.random.default_rng(0).uniform(-0.5, 0.5, (100_000, XOR.n_params))

    def train(some, **budget):
        return train_batch(
            XOR, some, XOR_X, XOR_D, optimiser=Momentum(0.1), sweeps=2, every=1, **budget
        )

    needed, result = peak(lambda: train(w))
    assert needed - kept(result) <= BUDGET
    # Four times as many in one go as the budget allows for need more: the bound is no empty one.
    many = w[: 4 * BUDGET // replica_bytes(XOR, XOR_X)]
    at_once, result = peak(lambda: train(many, budget=4 * BUDGET))
    assert at_once - kept(result) > BUDGET


NETWORKS = {
    "symmetry": (symmetry.NETWORK, 64),
    "one wide layer": (Network((Dense(2, 50),)), 20),
    "few cases": (Network((Dense(60, 60), Dense(60, 60))), 2),
    "deep": (Network((Dense(8, 8, TANH),) * 20), 40),
    "family trees": (family_trees.network(), 100),
    "local": (
        Network(
            (Local((8, 8, 1), maps=4, size=5, stride=2, activation=LECUN_TANH), Dense(64, 3)),
        ),
        12,
    ),
    "normalised": (Network((Dense(6, 10, LINEAR), Normalise(10, TANH), Dense(10, 1))), 30),
    "in time": (Network((Recurrent(Dense(23, 20), steps=10, start=0.5),)), 3),
}


@pytest.mark.parametrize("own", [False, True], ids=["shared", "own"])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_kind_of_network_keeps_to_its_budget(name, own):
    """With an optimiser and a loss that need much; and not by allowing for far too much."""
    network, cases = NETWORKS[name]
    rng = np.random.default_rng(0)
    w = weights(range(24), network)
    x = rng.uniform(size=(*([24] if own else []), cases, network.n_in))
    d = rng.integers(2, size=(*x.shape[:-1], network.n_out)).astype(float)
    budget = room_for(12, network, x)
    for optimiser in (Adam(), Decay(PseudoNewton(0.01), 0.01, in_gradient=True)):
        for loss in (CROSS_ENTROPY, margin(base=CROSS_ENTROPY)):

            def train(optimiser=optimiser, loss=loss):
                return train_batch(
                    network,
                    w,
                    x,
                    d,
                    optimiser=optimiser,
                    sweeps=2,
                    loss=loss,
                    criteria={"learned": all_errors_below(0.5)},
                    budget=budget,
                )

            train()  # what is worked out once is there now
            needed, result = peak(train)
            assert needed - kept(result) <= budget
    assert needed - kept(result) > budget / 10


def test_float32_halves_the_estimate_and_own_cases_add_to_it():
    single = replica_bytes(XOR, XOR_X, np.float32)
    assert 2 * single == replica_bytes(XOR, XOR_X)
    assert replica_bytes(XOR, XOR_X[None]) > replica_bytes(XOR, XOR_X)


def test_a_replica_that_needs_more_than_the_budget_is_trained_by_itself(monkeypatch):
    sizes = rows_of_forward(monkeypatch)
    train_batch(XOR, weights(range(3)), XOR_X, XOR_D, optimiser=Momentum(0.1), sweeps=0, budget=1)
    assert sizes == [1, 1, 1]


def test_blocks_are_as_large_as_the_budget_allows_and_about_equal(monkeypatch):
    sizes = rows_of_forward(monkeypatch)
    options = {"optimiser": Momentum(0.1), "sweeps": 0}
    for replicas, expected in ((10, [10]), (9, [5, 5]), (4, [3, 3, 4])):
        sizes.clear()
        train_batch(XOR, weights(range(10)), XOR_X, XOR_D, budget=room_for(replicas), **options)
        assert sizes == expected


@pytest.mark.parametrize("budget", [0, -1, 1.5, float("nan"), "2 GB", None])
def test_a_budget_that_is_no_number_of_bytes_is_refused(budget):
    with pytest.raises(InputError, match=r"the budget was given as .*; expected a whole number"):
        train_batch(
            XOR, weights([0]), XOR_X, XOR_D, optimiser=Momentum(0.1), sweeps=1, budget=budget
        )


# What it costs, counted.


def rows_of_forward(monkeypatch):
    """Note how many replicas go through each forward pass."""
    sizes, forward = [], Network.forward

    def noted(network, w, x):
        sizes.append(len(w))
        return forward(network, w, x)

    monkeypatch.setattr(Network, "forward", noted)
    return sizes


@pytest.mark.parametrize("together", [1, 4, 30])
def test_a_replica_that_has_learned_costs_nothing_more(monkeypatch, together):
    """Each goes through one forward pass a sweep, its last one included, and no more."""
    sizes = rows_of_forward(monkeypatch)
    options = {"optimiser": Momentum(0.5, 0.9), "sweeps": 300, "budget": room_for(together)}
    criteria = {"learned": all_errors_below(0.4)}
    result = train_batch(XOR, weights(range(30)), XOR_X, XOR_D, criteria=criteria, **options)
    assert (result.reached["learned"] != NEVER).sum() > 5
    assert sum(sizes) == (result.sweeps + 1).sum() < 30 * 301
    sizes.clear()
    train_batch(
        XOR, weights(range(30)), XOR_X, XOR_D, criteria=criteria, keep_going=True, **options
    )
    assert sum(sizes) == 30 * 301


def test_a_criterion_that_all_have_met_is_not_looked_at_again():
    looked = []

    def side(y, d):
        looked.append(len(y))
        return np.ones(len(y), dtype=bool)

    options = {"optimiser": Momentum(0.1), "sweeps": 5, "keep_going": True}
    train_batch(XOR, weights([0, 1]), XOR_X, XOR_D, criteria={"side": side}, **options)
    assert looked == [2]


class Noted(np.ndarray):
    """An array that notes the operations with it, and hands that on to what comes of them."""

    operations = 0

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        Noted.operations += 1
        plain = [x.view(np.ndarray) if isinstance(x, Noted) else x for x in inputs]
        if options.get("out"):
            options["out"] = tuple(
                x.view(np.ndarray) if isinstance(x, Noted) else x for x in options["out"]
            )
        result = getattr(ufunc, method)(*plain, **options)
        return result.view(Noted) if isinstance(result, np.ndarray) else result


def operations(replicas, sweeps):
    """Operations of NumPy with the weights, and what comes of them, in a training run."""
    Noted.operations = 0
    config = symmetry.Config.paper()
    x, _, d = symmetry.cases(config)
    w = weights(range(replicas), symmetry.NETWORK).view(Noted)
    train_batch(symmetry.NETWORK, w, x, d, optimiser=Momentum(0.1), sweeps=sweeps)
    return Noted.operations


def calls(replicas, sweeps):
    """Functions that are called in a training run, those written in Python and those in C."""
    config = symmetry.Config.paper()
    x, _, d = symmetry.cases(config)
    w = weights(range(replicas), symmetry.NETWORK)
    number, before = 0, sys.getprofile()

    def count(frame, event, argument):
        nonlocal number
        number += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        train_batch(symmetry.NETWORK, w, x, d, optimiser=Momentum(0.1), sweeps=sweeps)
    finally:
        sys.setprofile(before)
    return number


@pytest.mark.parametrize(
    ("counted", "most"), [(operations, 35), (calls, 120)], ids=["operations", "calls"]
)
def test_the_interpreted_work_of_a_sweep_does_not_grow_with_the_replicas(counted, most):
    """The check of speed that no machine can upset."""

    def of_a_sweep(replicas):
        return (counted(replicas, 7) - counted(replicas, 2)) / 5

    x = symmetry.cases(symmetry.Config.paper())[0]
    block = BUDGET // replica_bytes(symmetry.NETWORK, x)
    assert block > 400
    assert of_a_sweep(10) == of_a_sweep(100) == of_a_sweep(block) <= most
    assert of_a_sweep(block + 1) == 2 * of_a_sweep(block)


# Adding up cases.


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("lead", [(), (1,), (7,), (40,), (3, 5)])
def test_sums_over_cases_are_those_of_the_method_to_the_last_bit(lead, dtype):
    rng = np.random.default_rng(0)
    for cases in (1, 2, 5, 64, 129):
        for units in (1, 2, 3, 8, 24, 65):
            signal = rng.normal(size=(*lead, cases, units)).astype(dtype)
            ours, expected = sum_over_cases(signal), signal.sum(axis=-2)
            assert ours.dtype == dtype
            assert ours.tobytes() == expected.tobytes()


def test_sums_over_cases_keep_the_derivative_and_the_count():
    rng = np.random.default_rng(0)
    signal, weight = rng.normal(size=(40, 16, 2)), rng.normal(size=(40, 2))

    def weighted(v):
        return (sum_over_cases(v) * weight).sum()

    expected = np.broadcast_to(weight[:, None], signal.shape)
    np.testing.assert_array_equal(tape.gradient(weighted, signal)[0], expected)
    np.testing.assert_allclose(dual.derivative(weighted, signal, signal), weighted(signal))
    assert counting.multiplications(weighted, signal).total == weight.size
