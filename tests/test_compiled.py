"""The compiled loop of online learning takes the same steps as the readable one."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

from backprop import compiled, datasets, optimisers
from backprop.activations import LECUN_TANH, LINEAR, LOGISTIC, RELU, TANH, Activation, scaled_tanh
from backprop.compiled import kernels, operations
from backprop.errors import InputError, TrainingDiverged
from backprop.experiments import zip_codes, zip_training
from backprop.initialisers import uniform, uniform_fan_in
from backprop.layers import Dense, Local, Mask, Normalise, Residual, Split, Unshared
from backprop.losses import (
    CROSS_ENTROPY,
    HALF_SUMMED_SQUARES,
    MEAN_SQUARES,
    SOFTMAX_CROSS_ENTROPY,
    Loss,
    margin,
)
from backprop.network import Network
from backprop.optimisers import (
    Adam,
    Decay,
    Momentum,
    PassNewton,
    PseudoNewton,
    Schedule,
    SteepestDescent,
)
from backprop.recurrent import Recurrent, Tied
from backprop.training import train_online

TABLE = ((0, 1), (1, 2), (0, 2), (0, 1, 2))
CELL = Dense(5, 3, TANH)

NETWORKS = {
    "one layer": (Dense(4, 3),),
    "no biases": (Dense(4, 3, TANH, bias=False), Dense(3, 2)),
    "every activation": (
        Dense(4, 5, LECUN_TANH),
        Dense(5, 5, RELU),
        Dense(5, 5, LINEAR),
        Dense(5, 4, scaled_tanh(1.2, 0.7)),
        Dense(4, 2, LOGISTIC),
    ),
    "feature maps": (
        Local((5, 6, 1), maps=3, size=3),
        Local((3, 3, 3), maps=4, size=3, border=0.3, table=TABLE, activation=TANH),
        Dense(16, 2),
    ),
    "wide strides": (Local((4, 7, 2), maps=2, size=1, stride=3), Dense(12, 2)),
    "weights not shared": (
        Unshared((5, 4, 1), maps=3, size=5),
        Unshared((3, 2, 3), maps=4, size=3, table=TABLE, border=0.5),
        Dense(8, 2),
    ),
    "branches": (
        Split((Dense(3, 2), Local((3, 3, 1), maps=2, size=3, stride=1), Dense(2, 2, RELU))),
        Dense(22, 2, TANH),
    ),
    "past the layer": (
        Residual(Dense(4, 4, TANH)),
        Residual(Split((Dense(2, 2), Residual(Dense(2, 2))))),
        Dense(4, 3),
    ),
    "masked": (Dense(4, 3, TANH), Mask(np.array([[0.0, 2.0, 0.5]])), Dense(3, 2)),
    "normalised": (
        Dense(4, 5, LINEAR),
        Normalise(5, TANH),
        Residual(Dense(5, 5)),
        Normalise(5, RELU, epsilon=0.1),
        Dense(5, 2),
    ),
    "in time": (Recurrent(CELL, steps=4), Dense(3, 2)),
    "in time, all steps seen": (
        Dense(4, 8, TANH),
        Recurrent(CELL, steps=4, last=3, start=0.2),
        Recurrent(Dense(3, 2), steps=3, last=3, feedback=False),
    ),
}

OPTIMISERS = {
    "descent": SteepestDescent(0.1),
    "momentum": Momentum(0.05, 0.8),
    "decay": Decay(Momentum(0.05, 0.8), 0.01),
    "decay in the gradient": Decay(SteepestDescent(0.1), 0.02, in_gradient=True),
    "pseudo-Newton": PseudoNewton(0.01, mu=0.1, gamma=0.05),
    "pseudo-Newton with decay": Decay(PseudoNewton(0.01, mu=0.1, gamma=0.05), 0.01),
    "curvature before each pass": PassNewton(0.01, mu=0.1, curvature_cases=5),
    "Adam": Adam(0.01),
    "schedule": Schedule(Momentum(0.05, 0.5), 1, Momentum(0.02, 0.9)),
}

LOSSES = (
    HALF_SUMMED_SQUARES,
    MEAN_SQUARES,
    CROSS_ENTROPY,
    margin(),
    margin(0.3, 0.6, aim="answer"),
    margin(base=CROSS_ENTROPY),
)


def cases(network, seed=0, number=30, dtype=np.float64):
    rng = np.random.default_rng(seed)
    w = network.init(uniform(0.7), rng=rng, dtype=dtype)
    x = rng.normal(size=(number, network.n_in)).astype(dtype)
    return w, x, rng.integers(0, 2, (number, network.n_out)).astype(dtype)


def both(network, w, x, d, **how):
    """Train with the compiled and with the readable loop."""
    how = {"passes": 2, "optimiser": SteepestDescent(0.1), **how}
    return tuple(train_online(network, w, x, d, compiled=way, **how) for way in (True, False))


def assert_same(fast, readable, start, tolerance=1e-10):
    """The changes of the weights agree, relative to the largest of them."""
    change = np.abs(readable - start).max()
    assert change > 1e-4  # something was learned
    np.testing.assert_allclose(fast, readable, rtol=0, atol=tolerance * change)


@pytest.mark.parametrize("optimiser", [OPTIMISERS["descent"], OPTIMISERS["pseudo-Newton"]])
@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
def test_every_chain_of_layers_takes_the_same_steps(layers, optimiser):
    network = Network(layers)
    w, x, d = cases(network)
    assert_same(*both(network, w, x, d, optimiser=optimiser), w)


@pytest.mark.parametrize("optimiser", OPTIMISERS.values(), ids=OPTIMISERS)
def test_every_optimiser_takes_the_same_steps(optimiser):
    network = Network(NETWORKS["feature maps"])
    w, x, d = cases(network)
    assert_same(*both(network, w, x, d, optimiser=optimiser, passes=3), w)


def test_decay_of_some_parameters_only():
    network = Network(NETWORKS["feature maps"])
    w, x, d = cases(network)
    decay = Decay(SteepestDescent(0.1), 0.02, only=network.mask("w"))
    fast, readable = both(network, w, x, d, optimiser=decay)
    assert_same(fast, readable, w)
    everywhere = train_online(
        network, w, x, d, optimiser=Decay(SteepestDescent(0.1), 0.02), passes=2, compiled=True
    )
    assert np.abs(everywhere - fast).max() > 1e-3


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
@pytest.mark.parametrize("optimiser", [SteepestDescent(0.1), PseudoNewton(0.01, mu=0.1)])
def test_every_loss_takes_the_same_steps(loss, optimiser):
    network = Network((Dense(4, 3, TANH), Dense(3, 3)))
    w, x, d = cases(network)
    assert_same(*both(network, w, x, d, loss=loss, optimiser=optimiser), w)


@pytest.mark.parametrize("optimiser", [SteepestDescent(0.1), PseudoNewton(0.01, mu=0.1)])
def test_cross_entropy_of_outputs_that_are_exactly_zero_or_one(optimiser):
    network = Network((Dense(4, 3),))
    w, x, d = cases(network)
    w = 100 * w
    y = network.predict(w, x)
    assert (y == 0).any() and (y == 1).any()
    assert_same(*both(network, w, x, d, loss=CROSS_ENTROPY, optimiser=optimiser), w)


@pytest.mark.parametrize("optimiser", [SteepestDescent(0.1), PseudoNewton(0.01, mu=0.1)])
def test_softmax_takes_the_same_steps(optimiser):
    network = Network((Dense(4, 3, TANH), Dense(3, 3, LINEAR)))
    w, x, _ = cases(network)
    d = np.eye(3)[np.arange(len(x)) % 3]
    assert_same(*both(network, w, x, d, loss=SOFTMAX_CROSS_ENTROPY, optimiser=optimiser), w)


@pytest.mark.parametrize("table", [zip_training.groups(), None], ids=["table", "all maps"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_1989_network_over_200_patterns(dtype, table):
    network = zip_training.feature_maps(table)
    digits = datasets.zip_codes()
    x = digits.train_x[:200].astype(dtype)
    d = datasets.targets(digits.train_digit[:200]).astype(dtype)
    w = network.init(uniform_fan_in(2.4), rng=np.random.default_rng(0), dtype=dtype)
    tolerance = {np.float64: 1e-10, np.float32: 1e-4}[dtype]
    for optimiser in (SteepestDescent(0.01), PseudoNewton(0.0003)):
        fast, readable = both(network, w, x, d, optimiser=optimiser, passes=1)
        assert fast.dtype == dtype
        assert_same(fast, readable, w, tolerance)


def test_the_diagonal_hessian_of_the_1989_network_over_200_patterns():
    network = zip_codes.network()
    digits = datasets.zip_codes()
    x = digits.train_x[:200].astype(np.float64)
    d = datasets.targets(digits.train_digit[:200])
    w = network.init(uniform_fan_in(2.4), rng=np.random.default_rng(0))
    optimiser = PseudoNewton(0.0003)
    # The state is the running average of the second derivatives over these patterns.
    _, average = compiled.train_pass(
        compiled.program(network, w.dtype),
        w,
        optimiser.start(w),
        x,
        d,
        np.arange(200),
        loss=compiled.loss_rule(HALF_SUMMED_SQUARES, 10, w.dtype),
        step=compiled.step_rule(optimiser, w.size, w.dtype),
    )
    expected = optimiser.start(w)
    for i in range(200):
        y, caches = network.forward(w, x[i : i + 1])
        case = d[i : i + 1]
        gradient = network.backward(w, caches, HALF_SUMMED_SQUARES.slope(y, case))
        second = network.hessian_diagonal(w, caches, HALF_SUMMED_SQUARES.curvature(y, case))
        w, expected = optimiser.step(w, gradient, expected, second)
    assert expected.max() > 1e-3
    np.testing.assert_allclose(average, expected, rtol=1e-10, atol=1e-13 * expected.max())


def test_replicas_order_and_renewed_cases():
    network = Network(NETWORKS["feature maps"])
    starts = [cases(network, seed) for seed in range(3)]
    w, x, d = (np.stack(each) for each in zip(*starts, strict=True))
    for optimiser in (SteepestDescent(0.1), Momentum(0.05, 0.5)):
        assert_same(*both(network, w, x, d, optimiser=optimiser), w)
        assert_same(*both(network, w, x[0], d[0], optimiser=optimiser), w)
    orders = [[3, 1, 1], range(29, -1, -1)]
    assert_same(*both(network, w[0], x[0], d[0], order=lambda number: orders[number]), w[0])
    new = [(x[1], d[1]), (x[2][:7], d[2][:7])]
    assert_same(*both(network, w[0], x[0], d[0], renew=lambda number: new[number]), w[0])


def test_the_weights_are_seen_after_each_pass_and_the_start_is_left_alone():
    network = Network(NETWORKS["feature maps"])
    w, x, d = cases(network)
    before, seen = w.copy(), {}
    last = train_online(
        network, w, x, d, optimiser=Momentum(0.05), passes=3, compiled=True,
        after_pass=lambda number, w: seen.update({number: w.copy()}),
    )  # fmt: skip
    assert list(seen) == [1, 2, 3]
    np.testing.assert_array_equal(seen[3], last)
    assert np.abs(seen[1] - seen[2]).max() > 0
    np.testing.assert_array_equal(w, before)
    one = train_online(network, w, x, d, optimiser=Momentum(0.05), passes=1, compiled=True)
    np.testing.assert_array_equal(seen[1], one)


def test_tanh_is_that_of_numpy():
    x = np.concatenate([np.linspace(-25, 25, 100_001), [1e-30, -1e-12, 0.0, -0.0, 1e30]])
    y = x.copy()
    kernels.tanh_in_place(y)
    np.testing.assert_allclose(y, np.tanh(x), rtol=1e-15, atol=0)
    assert np.signbit(y[-2]) and not np.signbit(y[-3])
    single = x.astype(np.float32)
    y = single.copy()
    kernels.tanh_in_place(y)
    np.testing.assert_allclose(y, np.tanh(single), rtol=2e-7, atol=0)
    special = np.array([np.nan, np.inf, -np.inf])
    kernels.tanh_in_place(special)
    np.testing.assert_array_equal(special, [np.nan, 1, -1])


# What is not a number stays visible.


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimiser", [SteepestDescent(1e30), PseudoNewton(1e30)])
@pytest.mark.parametrize("way", [True, False])
def test_overflow_is_noticed(dtype, optimiser, way):
    network = Network((Dense(4, 3, LINEAR), Dense(3, 2, LINEAR)))
    w, x, d = cases(network, dtype=dtype)
    with pytest.raises(TrainingDiverged, match="infinite or not a number in pass"):
        train_online(network, w, x, d, optimiser=optimiser, passes=3, compiled=way)


@pytest.mark.parametrize("activation", [LOGISTIC, TANH, LINEAR, RELU], ids=lambda a: a.name)
def test_what_is_not_a_number_reaches_the_weights(activation):
    network = Network((Dense(4, 3, activation), Dense(3, 2, TANH)))
    w, x, d = cases(network)
    x[3, 2] = np.nan  # train_online would refuse it
    w, _ = compiled.train_pass(
        compiled.program(network, w.dtype), w, None, x, d, np.arange(30),
        loss=compiled.loss_rule(MEAN_SQUARES, 2, w.dtype),
        step=compiled.step_rule(SteepestDescent(0.1), w.size, w.dtype),
    )  # fmt: skip
    assert np.isnan(w).any()


# When it is used, and when not.


def test_long_training_is_compiled_and_short_training_is_not(monkeypatch):
    taken = []
    monkeypatch.setattr(
        compiled, "train_pass", lambda program, w, state, *_, **__: taken.append(1) or (w, state)
    )
    network = Network((Dense(4, 3),))
    w, x, d = cases(network, number=100)
    for passes, expected in ((199, 0), (200, 200)):
        taken.clear()
        train_online(network, w, x, d, optimiser=SteepestDescent(0.1), passes=passes)
        assert len(taken) == expected
    taken.clear()
    train_online(network, np.stack([w] * 20), x, d, optimiser=SteepestDescent(0.1), passes=10)
    assert len(taken) == 200  # presentations to replicas count


ODD = Activation("odd", np.sin, np.cos)
OWN = Loss("own", *[lambda y, d: y - d] * 3)


class Other(Dense):
    """A layer that is not the package's."""


@pytest.mark.parametrize(
    ("layers", "how", "message"),
    [
        ((Dense(4, 3, ODD),), {}, "activation odd"),
        ((Other(4, 3),), {}, "layer Other"),
        ((Mask(np.ones((2, 4))), Dense(4, 3)), {}, "Mask has factors"),
        ((Dense(4, 3),), {"loss": OWN}, "loss 'own'"),
        ((Dense(4, 3),), {"loss": margin(base=SOFTMAX_CROSS_ENTROPY)}, "no compiled form"),
        ((Dense(4, 3),), {"optimiser": Decay(Decay(SteepestDescent(0.1), 0.1), 0.1)}, "Decay"),
        ((Dense(4, 3),), {"batch": 2}, "several cases"),
        ((Dense(4, 3),), {"thin": lambda cases: Network((Dense(4, 3),))}, "several cases"),
    ],
)
def test_what_has_no_compiled_form_is_said_and_trained_by_the_readable_loop(
    monkeypatch, layers, how, message
):
    monkeypatch.setattr(compiled, "WORTHWHILE", 0)
    network = Network(layers)
    w, x, d = cases(network)
    how = {"passes": 1, "optimiser": SteepestDescent(0.1), **how}
    if message != "Mask has factors":
        automatic = train_online(network, w, x, d, **how)
        np.testing.assert_array_equal(
            automatic, train_online(network, w, x, d, compiled=False, **how)
        )
    with pytest.raises(InputError, match=message):
        train_online(network, w, x, d, compiled=True, **how)


def test_an_optimiser_for_layered_nets_in_time_has_no_compiled_form():
    tied = Tied(SteepestDescent(0.1), Recurrent(CELL, steps=2))
    with pytest.raises(operations.NotCompilable, match="Tied"):
        compiled.step_rule(tied, 1, np.float64)


def test_types_that_differ_are_named():
    network = Network((Dense(4, 3),))
    w, x, d = cases(network)
    with pytest.raises(InputError, match="float32, float64 and float64"):
        train_online(
            network, w.astype(np.float32), x, d, optimiser=SteepestDescent(0.1), passes=1,
            compiled=True,
        )  # fmt: skip


def test_cases_that_do_not_exist_are_refused():
    network = Network((Dense(4, 3),))
    w, x, d = cases(network)
    with pytest.raises(InputError, match="cases 0 to 30 were asked for; there are 30"):
        compiled.train_pass(
            compiled.program(network, w.dtype), w, None, x, d, np.arange(31),
            loss=compiled.loss_rule(MEAN_SQUARES, 3, w.dtype),
            step=compiled.step_rule(SteepestDescent(0.1), w.size, w.dtype),
        )  # fmt: skip


def test_without_numba_it_is_said_once_and_everything_works(monkeypatch):
    monkeypatch.setattr(compiled, "available", lambda: False)
    monkeypatch.setattr(compiled, "WORTHWHILE", 0)
    compiled._say_that_numba_is_missing.cache_clear()
    network = Network((Dense(4, 3),))
    w, x, d = cases(network)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        results = [
            train_online(network, w, x, d, optimiser=SteepestDescent(0.1), passes=1)
            for _ in range(2)
        ]
    assert [str(each.message).partition(",")[0] for each in said] == ["Numba is not installed"]
    readable = train_online(
        network, w, x, d, optimiser=SteepestDescent(0.1), passes=1, compiled=False
    )
    np.testing.assert_array_equal(results[0], readable)
    with pytest.raises(InputError, match="pip install numba"):
        train_online(network, w, x, d, optimiser=SteepestDescent(0.1), passes=1, compiled=True)


def test_it_runs_where_numba_cannot_be_imported():
    code = (
        "import sys, importlib.util\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *a: None if name == 'numba' else find(name, *a)\n"
        "sys.modules['numba'] = None\n"
        "import numpy as np\n"
        "from backprop import datasets, train_online, Dense, Network, SteepestDescent\n"
        "x, d = datasets.xor()\n"
        "net = Network((Dense(2, 1),))\n"
        "w = train_online(net, np.zeros(3), x, d, optimiser=SteepestDescent(.1), passes=5001)\n"
        "print(np.isfinite(w).all())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
    assert done.stderr.count("Numba is not installed") == 1


def test_every_optimiser_of_the_package_was_tried():
    tried = {type(each) for each in OPTIMISERS.values()}
    known = {
        each
        for each in vars(optimisers).values()
        if isinstance(each, type) and hasattr(each, "step") and each is not optimisers.Optimiser
    }
    assert known - {Schedule} <= tried
