"""Deep networks: layers that keep a gradient alive, predictions of it, and the experiments."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad

from backprop import results
from backprop.activations import LECUN_TANH, LINEAR, LOGISTIC, RELU, TANH
from backprop.errors import InputError, UnknownName
from backprop.experiments import deep_gradients, deep_training
from backprop.gradcheck import central_differences, check_network, relative_error
from backprop.initialisers import uniform
from backprop.layers import Dense, Local, Normalise, Residual, Split
from backprop.network import Network
from backprop.recurrent import Recurrent
from backprop.training import NEVER

NETWORKS = {
    "normalise": Network((Normalise(4),)),
    "normalise, then tanh": Network((Normalise(5, TANH),)),
    "residual": Network((Residual(Dense(4, 4, TANH)),)),
    "residual of residual": Network((Residual(Residual(Dense(3, 3))), Dense(3, 2))),
    "residual of normalise": Network((Dense(3, 4, LINEAR), Residual(Normalise(4, TANH)))),
    "all of them": Network(
        (
            Dense(3, 5, LINEAR),
            Normalise(5, LECUN_TANH),
            Residual(Dense(5, 5, TANH)),
            Residual(Dense(5, 5, LOGISTIC, bias=False)),
            Dense(5, 4, LINEAR),
            Normalise(4, LOGISTIC),
            Dense(4, 2),
        )
    ),
    "side by side, above a map": Network(
        (
            Local((4, 4, 1), maps=2, size=3, stride=2),
            Split((Residual(Dense(4, 4, TANH)), Normalise(4, TANH))),
            Dense(8, 2),
        )
    ),
}
over_networks = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())


def start(network, seed, cases=4):
    rng = np.random.default_rng(seed)
    return network.init(uniform(0.5), rng=rng), rng.standard_normal((cases, network.n_in)), rng


# The layers.


@over_networks
@pytest.mark.parametrize("seed", range(3))
def test_backward_is_the_gradient_of_every_array(network, seed):
    w, x, rng = start(network, seed)
    errors = check_network(network, w, x, rng=rng)
    assert len(errors) == len(network.parts()) + 1
    assert max(errors.values()) < 1e-6, errors


class NoLink(Residual):
    """Forgets the link on the way down."""

    def backward(self, parameters, cache, dy, *, to_input=True):
        return self.inner.backward(parameters, cache, dy, to_input=to_input)


class FixedSpread(Normalise):
    """Takes the spread for a constant on the way down."""

    def backward(self, parameters, cache, dy, *, to_input=True):
        _, parts = super().backward(parameters, cache, dy, to_input=False)
        signal = (1 + parameters[0]) * self.activation.slope(cache.y) * dy
        return cache.scale * (signal - signal.mean(axis=-1, keepdims=True)), parts


@pytest.mark.parametrize("broken", [NoLink(Dense(4, 4, TANH)), FixedSpread(4, TANH)])
def test_a_wrong_backward_pass_is_noticed_below_it_and_not_above(broken):
    network = Network((Dense(3, 4, TANH), broken, Dense(4, 2)))
    w, x, rng = start(network, 0)
    errors = check_network(network, w, x, rng=rng)
    for name, error in errors.items():
        assert (error > 1e-3) == (name == "inputs" or name.startswith("layer 1")), name


@over_networks
def test_replicas_and_float32_give_what_one_network_gives(network):
    starts = [start(network, seed) for seed in range(3)]
    w, x = np.stack([each[0] for each in starts]), starts[0][1]
    y, caches = network.forward(w, x)
    for method in ("backward", "hessian_diagonal"):
        together = getattr(network, method)(w, caches, np.ones_like(y))
        for i, (own, _, _) in enumerate(starts):
            y_own, caches_own = network.forward(own, x)
            np.testing.assert_allclose(y[i], y_own, rtol=1e-12)
            alone = getattr(network, method)(own, caches_own, np.ones_like(y_own))
            np.testing.assert_allclose(together[i], alone, rtol=1e-9, atol=1e-12)
        small = [each.astype(np.float32) for each in (w, x)]
        y32, caches32 = network.forward(*small)
        half = getattr(network, method)(small[0], caches32, np.ones_like(y32))
        assert y32.dtype == half.dtype == np.float32
        np.testing.assert_allclose(half, together, rtol=1e-3, atol=1e-3)


def gauss_newton(function, at, curvature):
    """Sum over outputs and cases of curvature times derivative squared, by moving each entry."""
    total = np.zeros_like(at)
    for i in np.ndindex(curvature.shape):
        total += curvature[i] * central_differences(lambda v, i=i: float(function(v)[i]), at) ** 2
    return total


@pytest.mark.parametrize(
    "network",
    [
        Network((Normalise(5, TANH),)),
        Network((Dense(3, 5, LINEAR), Normalise(5, TANH))),
        Network((Dense(2, 3, TANH), Dense(3, 4, LINEAR), Normalise(4, LOGISTIC))),
        Network((Residual(Dense(4, 4, TANH)),)),
    ],
    ids=["normalise", "dense below", "two below", "residual"],
)
def test_second_derivatives_are_exact_where_no_cross_terms_exist(network):
    w, x, rng = start(network, 5)
    y, caches = network.forward(w, x)
    curvature = rng.uniform(0.5, 2, y.shape)
    ours = network.unpack(network.hessian_diagonal(w, caches, curvature))
    exact = network.unpack(gauss_newton(lambda v: network.forward(v, x)[0], w, curvature))
    # In the network of three layers the lowest one has products of ways: left out there.
    for layer in range(len(network.layers))[-2:]:
        for a, b in zip(ours[layer], exact[layer], strict=True):
            assert relative_error(a, b) < 1e-8


@pytest.mark.parametrize("layer", [Normalise(5, TANH), Residual(Dense(5, 5, TANH))])
def test_second_derivatives_at_the_inputs(layer):
    """Exact for `Normalise`; of `Residual` the square of the link and of the layer, apart."""
    rng = np.random.default_rng(6)
    parameters = [rng.uniform(-0.5, 0.5, part.shape) for part in layer.parts]
    x = rng.standard_normal((1, 5))
    y, cache = layer.forward(parameters, x)
    curvature = rng.uniform(0.5, 2, y.shape)
    ours, _ = layer.hessian_diagonal(parameters, cache, curvature)
    squared = layer.inner if isinstance(layer, Residual) else layer
    exact = gauss_newton(lambda v: squared.forward(parameters, v)[0], x, curvature)
    linked = curvature if isinstance(layer, Residual) else 0
    assert relative_error(ours, exact + linked) < 1e-8
    assert layer.hessian_diagonal(parameters, cache, curvature, to_input=False)[0] is None
    assert layer.backward(parameters, cache, curvature, to_input=False)[0] is None


def test_second_derivatives_past_a_link_are_exact_if_no_unit_feeds_its_own_place():
    network = Network((Dense(2, 3, TANH), Residual(Dense(3, 3, LINEAR, bias=False))))
    w, x, _ = start(network, 7)
    between = network.unpack(w)[1][0]
    between[:] = np.array([[0, 0.7, 0], [0, 0, 0], [-0.4, 0, 0]])
    y, caches = network.forward(w, x)
    ours = network.hessian_diagonal(w, caches, np.ones_like(y))
    exact = gauss_newton(lambda v: network.forward(v, x)[0], w, np.ones_like(y))
    assert relative_error(ours, exact) < 1e-8


def distinct(kept):
    """All arrays in nested tuples and lists, by identity."""
    if isinstance(kept, np.ndarray):
        return {id(kept): kept}
    return {key: array for each in kept for key, array in distinct(each).items()}


@pytest.mark.parametrize("name", ["normalise, then tanh", "residual", "all of them"])
def test_what_is_kept_is_what_the_library_predicts(name):
    network = NETWORKS[name]
    w, x, _ = start(network, 0, cases=7)
    y, caches = network.forward(w, x)
    kept = distinct([x, y, *caches])
    assert sum(array.nbytes for array in kept.values()) == network.cache_bytes(7)


def test_units_and_parameters_are_counted():
    network = NETWORKS["all of them"]
    assert sum(count.free for count in network.count()) == network.n_params
    assert network.total().units == 3 + 5 + 5 + 5 + 4 + 2
    assert Normalise(5).count() == (0, 10, 10)
    assert Residual(Dense(4, 4)).count() == Dense(4, 4).count()


def test_layers_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="3 inputs and 4 units"):
        Residual(Dense(3, 4))
    with pytest.raises(InputError, match="at least 2 units"):
        Normalise(1)
    with pytest.raises(InputError, match="epsilon above 0"):
        Normalise(3, epsilon=0.0)


def test_normalised_values_have_mean_zero_spread_one_and_do_not_feel_a_scale():
    layer, zeros = Normalise(6), [np.zeros(6), np.zeros(6)]
    x = np.random.default_rng(0).normal(3, 2, (5, 6))
    y, _ = layer.forward(zeros, x)
    np.testing.assert_allclose(y.mean(axis=-1), 0, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=-1), 1, rtol=1e-5)
    np.testing.assert_allclose(layer.forward(zeros, 100 * x + 7)[0], y, rtol=1e-4, atol=1e-4)
    assert np.isfinite(layer.forward(zeros, np.ones((2, 6)))[0]).all()


# Equations of the page.


def test_equation_of_residual():
    inner = Dense(4, 4, TANH)
    w, x, _ = start(Network((inner,)), 0)
    w, b = Network((inner,)).unpack(w)[0]
    np.testing.assert_allclose(
        Residual(inner).forward([w, b], x)[0], x + np.tanh(x @ w + b), rtol=0, atol=1e-12
    )


def test_equation_of_normalise():
    rng = np.random.default_rng(0)
    gain, bias, x = rng.normal(size=5), rng.normal(size=5), rng.normal(size=(3, 5))
    ours = Normalise(5, LOGISTIC, epsilon=0.01).forward([gain - 1, bias], x)[0]
    for case, row in zip(x, ours, strict=True):
        mean = sum(case) / 5
        spread = (sum((value - mean) ** 2 for value in case) / 5 + 0.01) ** 0.5
        for j in range(5):
            net = gain[j] * (case[j] - mean) / spread + bias[j]
            assert row[j] == pytest.approx(1 / (1 + np.exp(-net)), abs=1e-8)


def integral(function, spread):
    """Mean over a Gaussian by adaptive quadrature."""

    def weighed(z):
        return function(np.sqrt(spread) * z) * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)

    return quad(weighed, -10, 0, epsabs=1e-13)[0] + quad(weighed, 0, 10, epsabs=1e-13)[0]


SLOPES = {  # written from the total input, not from the output as in the library
    LOGISTIC: lambda net: 1 / (2 + 2 * np.cosh(np.minimum(abs(net), 300))),
    TANH: lambda net: 1 / np.cosh(np.minimum(abs(net), 300)) ** 2,
    RELU: lambda net: float(net > 0),
}
VALUES = {
    LOGISTIC: lambda net: 1 / (1 + np.exp(-net)),
    TANH: np.tanh,
    RELU: lambda net: max(net, 0.0),
}


@pytest.mark.parametrize("spread", [1e-3, 0.5, 20.0, 3000.0])
@pytest.mark.parametrize("unit", VALUES, ids=lambda unit: unit.name)
def test_equation_of_spread(unit, spread):
    expected = 30 * 0.07 * integral(lambda net: VALUES[unit](net) ** 2, spread)
    ours = deep_gradients.spread_above(spread, unit, 30, 0.07)
    assert ours == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("spread", [1e-3, 0.5, 20.0, 3000.0])
@pytest.mark.parametrize("unit", SLOPES, ids=lambda unit: unit.name)
def test_equation_of_factor(unit, spread):
    expected = 30 * 0.07 * integral(lambda net: SLOPES[unit](net) ** 2, spread)
    ours = deep_gradients.layer_factor(spread, unit, 30, 0.07)
    assert ours == pytest.approx(expected**0.5, rel=1e-8)


def test_equation_of_product():
    spread, below = 40 * 0.1 * 0.25, []
    for _ in range(4):
        below.append(deep_gradients.layer_factor(spread, TANH, 40, 0.1))
        spread = deep_gradients.spread_above(spread, TANH, 40, 0.1)
    ours = deep_gradients.predicted_delta(TANH, 0.1, 5, width=40, inputs=0.25)
    for layer in range(5):
        assert ours[layer] == pytest.approx(np.prod(below[layer:]), rel=1e-8)


def test_the_factor_of_one_layer_is_that_of_many_wide_ones():
    """A check of the formula itself: one layer of 400 units, averaged over 20 draws."""
    config, sizes = deep_gradients.Config(width=400, cases=4), []
    for seed in range(20):
        delta = deep_gradients.measure(config, TANH, 0.1, 2, seed=seed).delta
        sizes.append(delta[0] / delta[1])
    expected = deep_gradients.predicted_delta(TANH, 0.01 / 3, 2, width=400, inputs=1 / 3)[0]
    assert np.sqrt(np.mean(np.square(sizes))) == pytest.approx(expected, rel=0.02)


# The gradient in untrained networks.


def test_delta_is_the_gradient_at_the_biases():
    """With one case the gradient at a bias is delta of its unit; in time, at the bias's copy."""
    layers = (Dense(4, 3, TANH), Dense(3, 5), Dense(5, 2, RELU))
    network = Network(layers)
    w, x, rng = start(network, 0, cases=1)
    y, caches = network.forward(w, x)
    signal = rng.standard_normal(y.shape)
    parameters = network.unpack(w)
    sizes = deep_gradients.delta_sizes(layers, parameters, caches, signal)
    gradient = network.unpack(network.backward(w, caches, signal))
    np.testing.assert_allclose(sizes, [np.sqrt((b**2).mean()) for _, b in gradient], rtol=1e-12)

    replicas = np.stack([w, 2 * w])
    y, caches = network.forward(replicas, x)
    both = deep_gradients.delta_sizes(layers, network.unpack(replicas), caches, signal)
    assert both.shape == (3, 2)
    np.testing.assert_allclose(both[:, 0], sizes, rtol=1e-12)

    net = Recurrent(Dense(3, 3, TANH), steps=6)
    w, x, rng = start(Network((net,)), 1, cases=1)
    parameters = Network((net,)).unpack(w)[0]
    y, caches = net.forward(parameters, x)
    signal = rng.standard_normal(y.shape)
    sizes = deep_gradients.delta_sizes([net.cell] * 6, [parameters] * 6, caches, signal)
    copies = net.gradient_of_copies(parameters, caches, signal)
    np.testing.assert_allclose(sizes, [np.sqrt((b**2).mean()) for _, b in copies], rtol=1e-12)


def test_a_net_in_time_uses_one_set_of_weights_and_a_deep_one_does_not():
    sizes = [
        deep_gradients.measure(
            deep_gradients.Config(shared=shared, width=6, cases=1), LINEAR, 0.5, 3, seed=0
        )
        for shared in (True, False)
    ]
    weights = np.random.default_rng([0, 3]).uniform(-0.5, 0.5, (3, 6, 6))
    x = np.random.default_rng([0, 3])
    x.uniform(size=(1, 6, 6))  # in time only one set of weights is drawn before the inputs
    x = x.uniform(-1, 1, (1, 6))
    np.testing.assert_allclose(
        sizes[0].outputs[-1], x @ np.linalg.matrix_power(weights[0], 3), rtol=1e-10
    )
    rng = np.random.default_rng([0, 3])
    rng.uniform(size=(3, 6, 6))
    x = rng.uniform(-1, 1, (1, 6))
    np.testing.assert_allclose(
        sizes[1].outputs[-1], x @ weights[0] @ weights[1] @ weights[2], rtol=1e-10
    )


def test_ranges_have_the_variance_that_they_promise():
    assert deep_gradients.half_width("root", "tanh", 50) ** 2 / 3 == pytest.approx(1 / 50)
    assert deep_gradients.half_width("root", "relu", 50) ** 2 / 3 == pytest.approx(2 / 50)
    assert deep_gradients.half_width("fan-in", "tanh", 48) == pytest.approx(0.05)
    assert deep_gradients.half_width("0.6", "tanh", 48) == 0.6


def test_a_gradient_run_judges_what_it_measured():
    config = replace(deep_gradients.Config.fast(), depths=(2, 20))
    run = deep_gradients.run(config, seed=1)
    expected = deep_gradients.predictions(config)
    far = max(
        abs(a - b) for key in expected for a, b in zip(run["left"][key], expected[key], strict=True)
    )
    assert run["off"] == pytest.approx(far, abs=1e-4)
    assert run["predicted"] == (run["off"] <= 1)
    assert run["logistic_vanishes"] == (run["left"]["logistic 0.3"][1] < -6)
    assert run["large_tanh_explodes"] == (run["left"]["tanh 0.6"][1] > 1)
    assert run["scaled_tanh_survives"] == (abs(run["left"]["tanh root"][1]) < 1)


@pytest.mark.parametrize("preset", ["layers", "time"])
def test_recorded_gradients_come_out_again(preset):
    record = results.load(results.default_folder(), "deep_gradients", preset)
    config = deep_gradients.PRESETS[preset]
    old = record.runs[3]["left"]["tanh 0.6"]
    for depth in (2, 20):
        delta = deep_gradients.measure(config, TANH, 0.6, depth, seed=3).delta
        assert np.log10(delta[0] / delta[-1]) == pytest.approx(
            old[config.depths.index(depth)], abs=0.01
        )


# Training deep networks.


def test_the_points_are_spread_evenly_and_half_of_them_are_inside():
    x, d = deep_training.points(100)
    radius = np.linalg.norm(x, axis=1)
    assert d.sum() == 50
    assert radius[d[:, 0] == 1].max() < radius[d[:, 0] == 0].min() < radius.max() < 2
    np.testing.assert_allclose(x.var(axis=0), 1, rtol=0.02)
    assert x.dtype == d.dtype == np.float32


@pytest.mark.parametrize("preset", deep_training.PRESETS)
def test_depth_counts_layers_of_weights(preset):
    config = deep_training.PRESETS[preset]
    for depth in (2, 3, 10):
        net = deep_training.network(config, depth)
        w = [part for part in net.parts() if part.name == "w"]
        assert len(w) == depth
        assert [part.shape for part in w[1:-1]] == [(20, 20)] * (depth - 2)
        links = sum(isinstance(layer, Residual) for layer in net.layers)
        assert links == (depth - 2 if config.remedy == "residual" else 0)
        normalised = sum(isinstance(layer, Normalise) for layer in net.layers)
        assert normalised == (depth - 1 if config.remedy == "normalise" else 0)


def test_unknown_units_and_remedies_are_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'tanh'"):
        deep_training.network(deep_training.Config(unit="tahn"), 3)
    with pytest.raises(UnknownName, match="Did you mean 'normalise'"):
        deep_training.network(deep_training.Config(remedy="normalize"), 3)


def test_the_deepest_network_that_learned_has_no_failure_below_it():
    depths = (2, 3, 5, 10)
    assert deep_training.deepest(depths, [True, True, False, True]) == 3
    assert deep_training.deepest(depths, [False, True, True, True]) == 0
    assert deep_training.deepest(depths, [True] * 4) == 10


def test_sweeps_needed_are_those_after_which_all_points_are_right():
    config = deep_training.Config("tanh", sweeps=300)
    needed = deep_training.sweeps_needed(config, 2, range(4), 0.01)
    assert (needed > 0).all()
    shorter = deep_training.sweeps_needed(replace(config, sweeps=int(needed[0]) - 1), 2, [0], 0.01)
    assert shorter == [NEVER]
    assert deep_training.sweeps_needed(replace(config, sweeps=int(needed[0])), 2, [0], 0.01) > 0


def test_a_network_that_diverges_does_not_end_the_others(monkeypatch):
    """Each of five networks meets the fate that it meets alone."""
    config = deep_training.Config("relu", remedy="residual", depths=(30,), sweeps=5)
    real, calls = deep_training.train_batch, []

    def explosive(network, w, x, d, **settings):
        calls.append(len(w))
        w = w.copy()
        w[w[:, 0] > 0.1] *= np.float32(1e20)
        return real(network, w, x, d, **settings)

    monkeypatch.setattr(deep_training, "train_batch", explosive)
    monkeypatch.setattr(
        deep_training, "all_errors_below", lambda _: lambda y, d: np.ones(len(y), dtype=bool)
    )
    bad = deep_training.initial(config, 30, range(5))[:, 0] > 0.1
    assert 0 < bad.sum() < 5
    needed = deep_training.sweeps_needed(config, 30, range(5), 0.01)
    np.testing.assert_array_equal(needed == NEVER, bad)
    assert calls[0] == 5 and len(calls) > 1


def test_a_training_run_counts_the_best_step():
    config = replace(deep_training.Config.fast(), unit="tanh", steps=(1e-9, 0.02), depths=(2, 3))
    run = deep_training.run(config, seed=0)
    assert [row[0] for row in run["sweeps"]] == [None, None]
    assert run["learned"] == [row[1] is not None for row in run["sweeps"]]
    assert run["learned"][0]
    assert run["deepest"] == deep_training.deepest((2, 3), run["learned"])
    assert run["shallow_only"] is True


def test_a_recorded_training_comes_out_again():
    record = results.load(results.default_folder(), "deep_training", "tanh-fan-in")
    config = deep_training.PRESETS["tanh-fan-in"]
    again = deep_training.sweeps_needed(config, 3, record.seeds[:3], 0.01)
    old = [record.runs[seed]["sweeps"][1][4] for seed in record.seeds[:3]]
    assert config.steps[4] == 0.01
    np.testing.assert_allclose(again, old, rtol=0.1)
