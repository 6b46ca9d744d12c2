"""The backward passes are the derivatives of the forward passes, array by array."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from backprop import activations, losses
from backprop.errors import UnknownName
from backprop.gradcheck import central_differences, check_network, relative_error
from backprop.initialisers import uniform
from backprop.layers import Dense, Local, Mask, Split, Unshared
from backprop.layers.local import _gather
from backprop.network import Network

TABLE = ((0, 1), (1, 2), (0, 2))
FACTORS = np.array([[0, 2, 1], [2, 0, 2], [0, 0, 0.5], [1, 1, 1], [3, 0, 0]])  # five cases
NETWORKS = {
    "dense": Network((Dense(4, 3), Dense(3, 2))),
    "local, odd stride": Network((Local((7, 5, 2), maps=3, size=3, stride=3, border=0.5),)),
    "local with a table, then dense": Network(
        (
            Local((6, 6, 1), maps=3, size=5, stride=2),
            Local((3, 3, 3), maps=3, size=3, stride=2, table=TABLE),
            Dense(12, 4, activations.TANH),
            Dense(4, 2, activations.LECUN_TANH),
        )
    ),
    "unshared with a table, then dense": Network(
        (
            Unshared((6, 5, 1), maps=3, size=3, stride=2, border=0.5),
            Unshared((3, 3, 3), maps=3, size=3, stride=2, table=TABLE),
            Dense(12, 2),
        )
    ),
    "a mask between dense layers": Network((Dense(4, 3), Mask(FACTORS), Dense(3, 2))),
    "side by side, some without biases": Network(
        (
            Split((Dense(3, 2), Dense(2, 3, bias=False), Split((Dense(1, 1),)))),
            Dense(6, 2, bias=False),
        )
    ),
}


def start(network, rng, cases=5):
    w = network.init(uniform(0.5), rng=rng)
    return w, rng.standard_normal((cases, network.n_in))


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
@pytest.mark.parametrize("seed", range(3))
def test_backward_is_the_gradient_of_every_array(network, seed):
    rng = np.random.default_rng(seed)
    w, x = start(network, rng)
    errors = check_network(network, w, x, rng=rng)
    assert len(errors) == len(network.parts()) + 1
    assert max(errors.values()) < 1e-6, errors


def test_layers_side_by_side_are_a_dense_layer_with_zeros_between():
    split = Network((Split((Dense(3, 2), Dense(2, 4))), Dense(6, 2)))
    whole = Network((Dense(5, 6), Dense(6, 2)))
    rng = np.random.default_rng(0)
    w, x = start(split, rng)
    (first, b1, second, b2), _ = split.unpack(w)
    block = np.zeros((5, 6))
    block[:3, :2], block[3:, 2:] = first, second
    same = np.concatenate([block.ravel(), b1, b2, w[-14:]])
    assert split.count()[1] == (6, 3 * 2 + 2 * 4 + 6, 3 * 2 + 2 * 4 + 6)
    (y, caches), (y_whole, caches_whole) = split.forward(w, x), whole.forward(same, x)
    np.testing.assert_allclose(y, y_whole, rtol=1e-12)
    for method in ("backward", "hessian_diagonal"):
        ours = getattr(split, method)(w, caches, np.ones_like(y))
        theirs = getattr(whole, method)(same, caches_whole, np.ones_like(y))
        (g1, gb1, g2, gb2), _ = split.unpack(ours)
        (g, gb), _ = whole.unpack(theirs)
        np.testing.assert_allclose(g1, g[:3, :2])
        np.testing.assert_allclose(g2, g[3:, 2:])
        np.testing.assert_allclose(np.concatenate([gb1, gb2]), gb)


@pytest.mark.parametrize("activation", activations.ALL, ids=lambda a: a.name)
def test_slope_from_the_output_is_the_derivative(activation):
    net = np.random.default_rng(0).uniform(-3, 3, 50)
    net = net[np.abs(net) > 1e-3]  # ReLU has no slope at its corner
    measured = (activation.value(net + 1e-6) - activation.value(net - 1e-6)) / 2e-6
    assert relative_error(activation.slope(activation.value(net)), measured) < 1e-6


@pytest.mark.parametrize("activation", activations.ALL, ids=lambda a: a.name)
def test_activations_keep_float32_and_do_not_overflow(activation):
    net = np.array([-1e4, -1.0, 0.0, 1.0, 1e4], dtype=np.float32)
    y = activation.value(net)
    assert y.dtype == activation.slope(y).dtype == np.float32
    assert np.isfinite(y).all()


@pytest.mark.parametrize("loss", losses.ALL, ids=lambda loss: loss.name)
def test_loss_slope_and_curvature_are_its_derivatives(loss):
    rng = np.random.default_rng(1)
    y, d = rng.uniform(0.05, 0.95, (4, 3)), rng.integers(0, 2, (4, 3)).astype(float)
    measured = central_differences(lambda v: float(loss.value(v, d)), y)
    assert relative_error(loss.slope(y, d), measured) < 1e-6
    second = central_differences(lambda v: float(loss.slope(v, d).sum()), y)
    assert relative_error(loss.curvature(y, d), second) < 1e-6


def test_softmax_is_a_probability_and_cannot_overflow():
    y = np.array([[1.0, 2.0, 4.0], [1e4, -1e4, 0.0]], dtype=np.float32)
    p = losses.softmax(y)
    assert p.dtype == np.float32
    np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=1e-6)
    np.testing.assert_allclose(p[0], np.exp([1, 2, 4]) / np.exp([1, 2, 4]).sum(), rtol=1e-6)
    np.testing.assert_array_equal(p[1], [1, 0, 0])
    # Its loss takes the logarithm of no zero: the least likely answer costs what it is behind.
    d = np.array([[0, 0, 1.0], [0, 1.0, 0]], dtype=np.float32)
    loss = losses.SOFTMAX_CROSS_ENTROPY
    assert loss.value(y[1:], d[1:]) == pytest.approx(2e4)
    for part in (loss.slope, loss.curvature):
        assert part(y, d).dtype == np.float32
        assert np.isfinite(part(y, d)).all()


def test_softmax_cross_entropy_has_the_slope_and_the_diagonal_curvature_it_states():
    rng = np.random.default_rng(3)
    y, d = rng.normal(0, 2, (3, 4)), rng.dirichlet(np.ones(4), 3)
    loss = losses.SOFTMAX_CROSS_ENTROPY
    np.testing.assert_allclose(loss.value(y, d), -(d * np.log(losses.softmax(y))).sum())
    measured = central_differences(lambda v: float(loss.value(v, d)), y)
    assert relative_error(loss.slope(y, d), measured) < 1e-6
    # Outputs of a case share a denominator, so only the diagonal is asked for.
    for i in np.ndindex(y.shape):
        second = central_differences(lambda v, i=i: float(loss.slope(v, d)[i]), y)[i]
        assert loss.curvature(y, d)[i] == pytest.approx(second, rel=1e-6)


def test_a_loss_of_replicas_is_that_of_each():
    rng = np.random.default_rng(2)
    y, d = rng.uniform(0.1, 0.9, (3, 4, 2)), rng.integers(0, 2, (4, 2)).astype(float)
    for loss in (*losses.ALL, losses.SOFTMAX_CROSS_ENTROPY):
        for part in (loss.value, loss.slope, loss.curvature):
            np.testing.assert_allclose(part(y, d), np.stack([part(one, d) for one in y]))


def test_cross_entropy_is_finite_at_the_ends():
    y, d = np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]])
    loss = losses.CROSS_ENTROPY
    for part in (loss.value, loss.slope, loss.curvature):
        assert np.isfinite(part(y, d)).all()


def test_margin_loss_is_zero_beyond_the_margin():
    loss = losses.margin(0.2, 0.8)
    d = np.array([[1.0, 0.0]])
    assert loss.value(np.array([[0.81, 0.19]]), d) == 0
    assert loss.value(np.array([[0.7, 0.2]]), d) == pytest.approx(0.5 * 0.1**2)


def test_a_margin_draws_to_itself_or_to_the_answer():
    y, d = np.array([[0.7, 0.1, 0.3]]), np.array([[1.0, 0.0, 0.0]])
    np.testing.assert_allclose(losses.margin().slope(y, d), [[-0.1, 0, 0.1]])
    np.testing.assert_allclose(losses.margin(aim="answer").slope(y, d), [[-0.3, 0, 0.3]])
    # With cross-entropy a logistic unit receives the same, without its own slope y (1 - y).
    entropy = losses.margin(base=losses.CROSS_ENTROPY)
    np.testing.assert_allclose(entropy.slope(y, d) * y * (1 - y), [[-0.1, 0, 0.1]])
    assert entropy.value(np.array([[0.8, 0.2, 0.1]]), d) == pytest.approx(0)
    with pytest.raises(UnknownName, match="Did you mean 'answer'"):
        losses.margin(aim="answers")


# Three ways to write a backward pass wrongly. Each must be noticed, in its own array.


@dataclass(frozen=True)
class WrongSign(Dense):
    def backward(self, parameters, cache, dy, *, to_input=True):
        dx, (dw, db) = super().backward(parameters, cache, dy, to_input=to_input)
        return dx, [dw, -db]


@dataclass(frozen=True)
class MissingTerm(Dense):
    def backward(self, parameters, cache, dy, *, to_input=True):
        _, y = cache
        # The slope of the activation is forgotten.
        return super().backward(parameters, cache, dy / self.activation.slope(y), to_input=to_input)


@dataclass(frozen=True)
class TransposedIndex(Dense):
    def backward(self, parameters, cache, dy, *, to_input=True):
        w, b = parameters
        return super().backward([w.swapaxes(-1, -2), b], cache, dy, to_input=to_input)


@dataclass(frozen=True)
class ForgottenCopy(Local):
    def transport(self, read, w, delta, to_input):
        # Of all places that read an input only the first is counted.
        _, gradients = super().transport(read, w, delta, to_input)
        by_window = delta.reshape(*delta.shape[:-2], -1, self.maps)
        dwindows = (by_window @ self._matrix(w).swapaxes(-1, -2)).reshape(*delta.shape[:-1], -1)
        return _gather(dwindows, self.readers[0], 0.0), gradients


@pytest.mark.parametrize(
    ("broken", "noticed", "unharmed"),
    [
        (WrongSign(3, 3), {"layer 2 b"}, {"layer 2 w", "inputs"}),
        (MissingTerm(3, 3), {"layer 2 w", "layer 2 b", "layer 1 w"}, {"layer 3 w"}),
        (TransposedIndex(3, 3), {"layer 1 w", "layer 1 b", "inputs"}, {"layer 2 w"}),
    ],
    ids=["wrong sign", "missing term", "transposed index"],
)
def test_gradcheck_notices_a_broken_layer(broken, noticed, unharmed):
    rng = np.random.default_rng(2)
    network = Network((Dense(4, 3), broken, Dense(3, 2)))
    w, x = start(network, rng)
    errors = check_network(network, w, x, rng=rng)
    assert all(errors[name] > 1e-2 for name in noticed), errors
    assert all(errors[name] < 1e-6 for name in unharmed), errors


def test_gradcheck_notices_a_forgotten_copy_of_a_shared_weight():
    rng = np.random.default_rng(3)
    network = Network((ForgottenCopy((6, 6, 1), maps=2, size=5, stride=2), Dense(18, 2)))
    w, x = start(network, rng)
    errors = check_network(network, w, x, rng=rng)
    assert errors["inputs"] > 1e-2
    assert errors["layer 1 w"] < 1e-6


# Second derivatives.


def exact_gauss_newton_diagonal(network, w, x, curvature):
    """Brute force: sum over cases and outputs of curvature times (dy/dw)^2."""
    diagonal = np.zeros_like(w)
    for case in range(len(x)):
        y, caches = network.forward(w, x[case : case + 1])
        for output in range(network.n_out):
            one_hot = np.zeros_like(y)
            one_hot[0, output] = 1
            diagonal += curvature[case, output] * network.backward(w, caches, one_hot) ** 2
    return diagonal


@pytest.mark.parametrize(
    "network",
    [
        Network((Dense(4, 3), Dense(3, 2))),
        Network((Dense(3, 1), Dense(1, 1), Dense(1, 1), Dense(1, 2))),
    ],
    ids=["one hidden layer", "a chain of single units"],
)
def test_second_derivatives_are_exact_where_no_cross_terms_exist(network):
    rng = np.random.default_rng(4)
    w, x = start(network, rng)
    y, caches = network.forward(w, x)
    curvature = rng.uniform(0.5, 2, y.shape)
    ours = network.hessian_diagonal(w, caches, curvature)
    assert relative_error(ours, exact_gauss_newton_diagonal(network, w, x, curvature)) < 1e-12


def test_second_derivatives_of_deeper_layers_drop_cross_terms_only():
    # With a single output there are no cross terms at the layer below it, but there are
    # further down: the top two layers are exact, the bottom one is not.
    rng = np.random.default_rng(5)
    network = Network((Dense(4, 3), Dense(3, 3), Dense(3, 1)))
    w, x = start(network, rng)
    y, caches = network.forward(w, x)
    ones = np.ones_like(y)
    ours = network.unpack(network.hessian_diagonal(w, caches, ones))
    exact = network.unpack(exact_gauss_newton_diagonal(network, w, x, ones))
    for layer in (1, 2):
        assert relative_error(ours[layer][0], exact[layer][0]) < 1e-12
    assert relative_error(ours[0][0], exact[0][0]) > 1e-3


def untied(layer: Local, w, b):
    """Write a Local layer as a Dense one: one weight for each connection."""
    full = np.zeros((layer.n_in + 1, layer.n_out))
    kernel = layer.kernel(w).reshape(-1, layer.maps)
    copies = []  # (input, unit, free weight) of each connection
    number = np.full(kernel.shape, -1)
    number[layer.kernel(np.ones_like(w)).reshape(kernel.shape) > 0] = np.arange(len(w))
    for position, window in enumerate(layer.windows):
        for map_ in range(layer.maps):
            unit = position * layer.maps + map_
            for k, source in enumerate(window):
                full[source, unit] += kernel[k, map_]
                if number[k, map_] >= 0 and source < layer.n_in:
                    copies.append((source, unit, number[k, map_]))
    bias = b + layer.border * full[-1]
    return Dense(layer.n_in, layer.n_out, layer.activation), full[:-1], bias, copies


@pytest.mark.parametrize("table", [None, ((0,), (0, 1), (1,))], ids=["full", "table"])
def test_a_local_layer_is_a_dense_layer_with_tied_weights(table):
    """Outputs, gradients and second derivatives are those of the copies, summed."""
    rng = np.random.default_rng(6)
    local = Local((4, 6, 2), maps=3, size=3, stride=2, border=0.0, table=table)
    tied = Network((local, Dense(local.n_out, 2)))
    w, x = start(tied, rng)
    (kernel, biases), (above, above_b) = tied.unpack(w)
    dense, weights, bias, copies = untied(local, kernel, biases)
    free = Network((dense, Dense(local.n_out, 2)))
    v = np.concatenate([weights.ravel(), bias, above.ravel(), above_b])

    y, caches = tied.forward(w, x)
    y_free, caches_free = free.forward(v, x)
    np.testing.assert_allclose(y, y_free, rtol=1e-12)
    signal = rng.uniform(0.5, 2, y.shape)
    for method in ("backward", "hessian_diagonal"):
        ours = tied.unpack(getattr(tied, method)(w, caches, signal))
        theirs = free.unpack(getattr(free, method)(v, caches_free, signal))
        summed = np.zeros_like(kernel)
        for source, unit, number in copies:
            summed[number] += theirs[0][0][source, unit]
        np.testing.assert_allclose(ours[0][0], summed, rtol=1e-9)
        np.testing.assert_allclose(ours[0][1], theirs[0][1], rtol=1e-9)
        np.testing.assert_allclose(ours[1][0], theirs[1][0], rtol=1e-9)


@pytest.mark.parametrize("table", [None, ((0,), (0, 1), (1,))], ids=["full", "table"])
def test_an_unshared_layer_with_equal_kernels_is_a_local_layer(table):
    """Outputs are the same; a signal at a shared weight is the sum over its copies."""
    rng = np.random.default_rng(7)
    shape = {"maps": 3, "size": 3, "stride": 2, "border": 0.5, "table": table}
    local, unshared = Local((4, 6, 2), **shape), Unshared((4, 6, 2), **shape)
    shared, free = (Network((layer, Dense(18, 2))) for layer in (local, unshared))
    w, x = start(shared, rng)
    size = local.parts[0].size
    v = np.concatenate([np.tile(w[:size], local.positions), w[size:]])
    np.testing.assert_array_equal(
        unshared.kernel(v[: local.positions * size]),
        np.broadcast_to(local.kernel(w[:size]), (local.positions, 3, 3, 2, 3)),
    )
    y, caches = shared.forward(w, x)
    y_free, caches_free = free.forward(v, x)
    np.testing.assert_allclose(y_free, y, rtol=1e-12)
    signal = rng.uniform(0.5, 2, y.shape)
    np.testing.assert_allclose(
        free.input_gradient(v, caches_free, signal), shared.input_gradient(w, caches, signal)
    )
    for method in ("backward", "hessian_diagonal"):
        ours = getattr(free, method)(v, caches_free, signal)
        theirs = getattr(shared, method)(w, caches, signal)
        copies = ours[: local.positions * size].reshape(local.positions, size)
        assert not np.allclose(copies[0], copies[-1])
        np.testing.assert_allclose(copies.sum(axis=0), theirs[:size], rtol=1e-9)
        np.testing.assert_allclose(ours[local.positions * size :], theirs[size:], rtol=1e-9)


def test_weights_of_an_unshared_layer_belong_to_one_unit_each():
    layer = Unshared((4, 4, 1), maps=2, size=3, stride=2)
    w, b = np.random.default_rng(0).normal(size=layer.parts[0].size), np.zeros(layer.n_out)
    x = np.ones((1, 16))
    before, _ = layer.forward([w, b], x)
    for number in range(len(w)):
        moved = w + 0.1 * (np.arange(len(w)) == number)
        changed = np.flatnonzero(layer.forward([moved, b], x)[0] != before)
        # Weights lie window after window; of neighbouring ones, each is another map's.
        assert changed.tolist() == [number // 18 * 2 + number % 2]


def test_second_derivatives_of_an_unshared_layer_below_one_output_are_exact():
    # One output and no weight shared: no cross terms.
    rng = np.random.default_rng(8)
    network = Network((Unshared((4, 4, 1), maps=2, size=3, stride=2), Dense(8, 1)))
    w, x = start(network, rng)
    y, caches = network.forward(w, x)
    ours = network.hessian_diagonal(w, caches, np.ones_like(y))
    exact = exact_gauss_newton_diagonal(network, w, x, np.ones_like(y))
    assert relative_error(ours, exact) < 1e-12


def test_a_masked_unit_is_cut_out_and_the_others_carry_squared_factors():
    rng = np.random.default_rng(9)
    factors = np.array([[0.0, 2.0, 0.5]])
    network = Network((Dense(4, 3), Mask(factors), Dense(3, 1)))
    w, x = start(network, rng)
    y, caches = network.forward(w, x)
    for method in ("backward", "hessian_diagonal"):
        (below, below_b), _, (above, _) = network.unpack(
            getattr(network, method)(w, caches, np.ones_like(y))
        )
        assert (below[:, 0] == 0).all() and below_b[0] == 0 and above[0] == 0
        assert (below[:, 1:] != 0).all() and (above[1:] != 0).all()
    # The factors can as well stand in the weights above.
    whole = Network((Dense(4, 3), Dense(3, 1)))
    scaled = w.copy()
    scaled[15:18] *= factors[0]
    np.testing.assert_allclose(whole.forward(scaled, x)[0], y, rtol=1e-12)
    second = whole.hessian_diagonal(scaled, whole.forward(scaled, x)[1], np.ones_like(y))
    ours = network.hessian_diagonal(w, caches, np.ones_like(y))
    np.testing.assert_allclose(ours[:15], second[:15], rtol=1e-12)
    np.testing.assert_allclose(ours[15:18], second[15:18] * factors[0] ** 2, rtol=1e-12)


def test_untied_border_units_see_the_border_value():
    local = Local((4, 4, 1), maps=1, size=3, stride=2, border=-1.0, activation=activations.LINEAR)
    network = Network((local,))
    w = np.concatenate([np.ones(9), np.zeros(4)])
    y = network.forward(w, np.zeros((1, 16)))[0].reshape(2, 2)
    # Unit (0, 0) is centred on pixel (0, 0): five of its nine inputs lie outside.
    np.testing.assert_array_equal(y, [[-5, -3], [-3, 0]])
    y = replace(local, border=2.0).forward([w[:9], w[9:]], np.zeros((1, 16)))[0]
    np.testing.assert_array_equal(y.ravel(), [10, 6, 6, 0])
