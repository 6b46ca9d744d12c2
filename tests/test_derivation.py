"""The equations of the derivation against the library: on letters where possible, else on numbers.

The library's own functions run on SymPy's letters, in arrays of objects. What comes out is compared
with the equation as the page has it, and with the derivative that SymPy takes by itself.
"""

import itertools
import math
from functools import partial

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
import sympy as sp
from matplotlib import pyplot as plt

from backprop import paths
from backprop.activations import LINEAR, LOGISTIC, TANH, Activation
from backprop.errors import InputError
from backprop.gradcheck import relative_error
from backprop.initialisers import uniform
from backprop.layers import Dense, Local
from backprop.losses import HALF_SUMMED_SQUARES
from backprop.network import Network
from backprop.optimisers import Momentum, SteepestDescent
from backprop.plotting.derivation import paths_up, worked_network
from backprop.training import train_batch


class Logistic(sp.Function):
    """A function of which SymPy knows one thing: its slope is y (1 - y)."""

    def fdiff(self, argindex=1):
        return self * (1 - self)


ON_LETTERS = Activation("logistic", np.frompyfunc(Logistic, 1, 1), LOGISTIC.slope)


def letters(text):
    return np.array(sp.symbols(text), dtype=object)


def same(found, expected):
    """Whether two expressions, or arrays of them, are the same."""
    difference = np.ravel(np.asarray(found, dtype=object) - np.asarray(expected, dtype=object))
    return all(sp.simplify(sp.expand(each)) == 0 for each in difference)


# Two inputs (1, 2), two hidden units (3, 4), one output (5), as on the first page.
W = letters("w31 w41 w32 w42 b3 b4 w53 w54 b5")
w31, w41, w32, w42, b3, b4, w53, w54, b5 = W
Y1, Y2, D = sp.symbols("y1 y2 d")
NETWORK = Network((Dense(2, 2, ON_LETTERS), Dense(2, 1, ON_LETTERS)))


@pytest.fixture(scope="module")
def on_letters():
    """Outputs of units 3, 4 and 5, the loss, and the gradient by parameter, from the library."""
    target = np.array([[D]])
    y, caches = NETWORK.forward(W, np.array([[Y1, Y2]]))
    loss = HALF_SUMMED_SQUARES.value(y, target)
    gradient = NETWORK.backward(W, caches, HALF_SUMMED_SQUARES.slope(y, target))
    return (*caches[0][1][0], y.item(), loss, dict(zip(W, gradient, strict=True)))


@pytest.fixture
def tanh_on_letters(monkeypatch):
    """Let the library's own logistic function run on letters."""
    monkeypatch.setattr(np, "tanh", np.frompyfunc(sp.tanh, 1, 1))


def as_logistic(expression):
    """The library writes the logistic function with a hyperbolic tangent; write it with exp."""
    return sp.simplify(sp.nsimplify(expression).rewrite(sp.exp))


# How it works


def test_initial_parameters_are_uniform():
    """w ~ U(-r, r): r (2 u - 1) with u the generator's numbers between 0 and 1, one for each."""
    network, r = Network((Dense(3, 4), Dense(4, 2))), 0.3
    drawn = network.init(uniform(r), rng=np.random.default_rng(5))
    u = np.random.default_rng(5).random(network.n_params)
    np.testing.assert_allclose(drawn, r * (2 * u - 1), rtol=0, atol=1e-8)


@pytest.mark.usefixtures("tanh_on_letters")
def test_forward_is_logistic_of_the_weighted_sum():
    y, _ = Dense(2, 2).forward([W[:4].reshape(2, 2), W[4:6]], np.array([[Y1, Y2]]))
    expected = [1 / (1 + sp.exp(-(wj1 * Y1 + wj2 * Y2 + b))) for wj1, wj2, b in
                ((w31, w32, b3), (w41, w42, b4))]  # fmt: skip
    assert all(
        sp.simplify(as_logistic(found) - each) == 0
        for found, each in zip(y[0], expected, strict=True)
    )


def test_the_loss_is_half_the_summed_squares():
    y, d = letters("y:6").reshape(3, 2), letters("d:6").reshape(3, 2)
    expected = sum((y[c, j] - d[c, j]) ** 2 for c in range(3) for j in range(2)) / 2
    assert same(HALF_SUMMED_SQUARES.value(y, d), expected)


def test_a_hidden_weight_gets_its_gradient(on_letters):
    y3, y4, _, loss, gradient = on_letters
    delta5 = gradient[b5]
    for weight, below, own, up in (
        (w31, Y1, y3, w53), (w32, Y2, y3, w53), (w41, Y1, y4, w54), (w42, Y2, y4, w54),
    ):  # fmt: skip
        assert same(gradient[weight], below * own * (1 - own) * up * delta5)
        assert same(gradient[weight], sp.diff(loss, weight))


def test_descent_is_against_the_gradient():
    w, g = letters("w:3"), letters("g:3")
    epsilon = sp.Symbol("epsilon", positive=True)
    after, state = SteepestDescent(epsilon).step(w, g, None)
    assert same(after - w, -epsilon * g)
    assert state is None


def test_momentum_adds_a_share_of_the_last_change():
    w, g, last = letters("w:3"), letters("g:3"), letters("c:3")
    epsilon, alpha = sp.Symbol("epsilon", positive=True), sp.Rational(9, 10)
    after, change = Momentum(epsilon, alpha).step(w, g, last)
    assert same(change, -epsilon * g + alpha * last)
    assert same(after, w + change)


def test_repeating_adds_the_change():
    """w(t+1) = w(t) + change(t), in one step on letters, and sweep by sweep in the loop."""
    w, change = letters("w:3"), letters("c:3")
    optimiser = Momentum(sp.Symbol("epsilon", positive=True), 0.5)
    after, made = optimiser.step(w, letters("g:3"), change)
    assert same(after - w, made)

    network, optimiser = Network((Dense(2, 1),)), Momentum(0.5, 0.9)
    x, d = np.array([[1.0, 0.5], [0.0, 1.0]]), np.array([[1.0], [0.0]])
    w = network.init(uniform(1.0), rng=np.random.default_rng(0))[None]
    result = train_batch(network, w, x, d, optimiser=optimiser, sweeps=4, snapshots=range(5))
    state = optimiser.start(w)
    for t in range(4):
        y, caches = network.forward(result.snapshots[t], x)
        gradient = network.backward(result.snapshots[t], caches, y - d)
        state = 0.9 * state - 0.5 * gradient
        np.testing.assert_allclose(
            result.snapshots[t + 1], result.snapshots[t] + state, rtol=0, atol=1e-8
        )


# One function after another


@pytest.mark.parametrize(
    ("activation", "function"),
    [
        (LOGISTIC, lambda x: 1 / (1 + sp.exp(-x))),
        (TANH, sp.tanh),
        (LINEAR, lambda x: x),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_chain_rule_at_one_unit(activation, function):
    """dE/dx = dE/dy dy/dx with SymPy's own dy/dx; the gradient at a bias is dE/dx."""
    x, slope_of_loss = sp.symbols("x g")
    one = np.array([[sp.Integer(1)]])
    y = np.array([[function(x)]])
    parameters = [np.array([[sp.Symbol("w")]]), np.array([sp.Symbol("b")])]
    _, (_, delta) = Dense(1, 1, activation).backward(
        parameters, (one, y), np.array([[slope_of_loss]])
    )
    assert same(delta[0], slope_of_loss * sp.diff(function(x), x))


def test_slopes_in_a_row_are_multiplied():
    row = Network((Dense(1, 1, ON_LETTERS),) * 3)
    w, y0 = letters("w1 b1 w2 b2 w3 b3"), sp.Symbol("y0")
    y, caches = row.forward(w, np.array([[y0]]))
    found = row.input_gradient(w, caches, np.array([[sp.Integer(1)]])).item()
    outputs = [output.item() for _, output in caches]
    product = math.prod(w[2 * i] * out * (1 - out) for i, out in enumerate(outputs))
    assert same(found, product)
    assert same(found, sp.diff(y.item(), y0))


# Sums over paths


def test_the_total_input_is_a_weighted_sum():
    """Linear units show their total inputs. A bias is the weight from an input of 1."""
    layer = Dense(2, 2, LINEAR)
    x, _ = layer.forward([W[:4].reshape(2, 2), W[4:6]], np.array([[Y1, Y2]]))
    assert same(x[0], [Y1 * w31 + Y2 * w32 + 1 * b3, Y1 * w41 + Y2 * w42 + 1 * b4])


@pytest.mark.usefixtures("tanh_on_letters")
def test_the_logistic_function_and_its_slope():
    x = sp.Symbol("x")
    logistic = 1 / (1 + sp.exp(-x))
    y = as_logistic(LOGISTIC.value(np.array([x]))[0])
    assert sp.simplify(y - logistic) == 0
    in_layer, _ = Dense(1, 1, bias=False).forward([np.array([[sp.Integer(1)]])], np.array([[x]]))
    assert sp.simplify(as_logistic(in_layer.item()) - logistic) == 0
    # What the other tests let SymPy know of it.
    assert sp.simplify(sp.diff(logistic, x) - LOGISTIC.slope(logistic)) == 0


def test_paths_add_up_to_the_derivative():
    """Two outputs, so two paths from each hidden weight."""
    network = Network((Dense(2, 2, ON_LETTERS), Dense(2, 2, ON_LETTERS)))
    w = letters("w31 w41 w32 w42 b3 b4 w53 w63 w54 w64 b5 b6")
    d = letters("d5 d6")[None]
    y, caches = network.forward(w, np.array([[Y1, Y2]]))
    found = paths.gradient(network, w, caches, y - d)
    y3, y5, y6 = caches[0][1][0, 0], *y[0]
    written = Y1 * (
        y3 * (1 - y3) * (w[6] * y5 * (1 - y5)) * (y5 - d[0, 0])
        + y3 * (1 - y3) * (w[7] * y6 * (1 - y6)) * (y6 - d[0, 1])
    )
    assert same(found[0], written)
    loss = HALF_SUMMED_SQUARES.value(y, d)
    assert same(found, [sp.diff(loss, each) for each in w])


def network_of(widths, activation=LOGISTIC, bias=True):
    return Network(tuple(Dense(a, b, activation, bias) for a, b in itertools.pairwise(widths)))


def random_case(network, seed, cases=1):
    rng = np.random.default_rng(seed)
    w = network.init(uniform(1.0), rng=rng)
    y, caches = network.forward(w, rng.normal(size=(cases, network.n_in)))
    return w, caches, rng.normal(size=y.shape)


@pytest.mark.parametrize("activation", [LOGISTIC, TANH, LINEAR], ids=lambda a: a.name)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("widths", [(2, 3), (1, 1, 1, 1), (3, 2, 4, 2), (2, 3, 3, 2, 3)])
def test_the_sum_over_paths_is_the_backward_pass(widths, bias, activation):
    network = network_of(widths, activation, bias)
    arguments = random_case(network, seed=1, cases=3)
    found = paths.gradient(network, *arguments)
    assert relative_error(found, network.backward(*arguments)) < 1e-10


def test_paths_are_as_many_as_can_be_listed():
    for widths in ((4, 5), (2, 3, 2), (3, 1, 4, 2), (5, 2, 2, 2, 2, 3)):
        listed = set(itertools.product(*(range(width) for width in widths[1:-1])))
        # Another way: in a product of matrices of ones each path counts once.
        ones = [np.ones(shape, dtype=int) for shape in itertools.pairwise(widths)]
        product = ones[0] if len(ones) == 1 else np.linalg.multi_dot(ones)
        assert paths.count(widths) == len(listed) == product[0, 0]
    m, depth = 3, 6
    assert paths.count([m] * (depth + 1)) == m ** (depth - 1)


UNEVEN = [(2, 3), (3, 1, 2), (2, 4, 3, 2), (1, 2, 3, 2, 1)]


@pytest.mark.parametrize("widths", UNEVEN)
def test_counted_work_over_paths_is_as_predicted(widths):
    network = network_of(widths)
    arguments = random_case(network, seed=2)
    counted = paths.work(partial(paths.gradient, network), *arguments)
    assert counted == paths.work_over_paths(widths)


def test_work_over_paths_is_the_formula():
    for m, depth in itertools.product((1, 2, 5), (1, 2, 4, 7)):
        trees = sum(1 + m**r + 2 * sum(m**t for t in range(1, r + 1)) for r in range(depth))
        assert paths.work_over_paths([m] * (depth + 1)) == m * depth + m * (m + 1) * trees


@pytest.mark.parametrize("widths", UNEVEN)
def test_backward_work_is_as_predicted(widths):
    network = network_of(widths)
    arguments = random_case(network, seed=2)
    counted = paths.work(network.backward, *arguments)
    connections = sum(layer.count().connections for layer in network.layers)
    assert counted == paths.work_with_reuse(widths) == 2 * connections - widths[0] * widths[1]


def test_work_is_counted_for_all_cases_together():
    network = network_of((2, 3, 2))
    one, five = (random_case(network, seed=0, cases=cases) for cases in (1, 5))
    assert paths.work(network.backward, *five) == 5 * paths.work(network.backward, *one)


def test_paths_refuse_what_they_cannot_follow():
    local = Network((Local((4, 4, 1), maps=1, size=3), Dense(4, 2)))
    w, caches, dy = random_case(local, seed=0)
    with pytest.raises(InputError, match="1 of 2 layers are not Dense"):
        paths.gradient(local, w, caches, dy)
    dense = network_of((2, 2))
    w, caches, dy = random_case(dense, seed=0)
    with pytest.raises(InputError, match=r"expected \(P,\), one network"):
        paths.gradient(dense, w[None], caches, dy)
    for function in (paths.count, paths.work_over_paths, paths.work_with_reuse):
        for widths in ((3,), (3, 0, 2)):
            with pytest.raises(InputError, match="at least two, all 1 or more"):
                function(widths)


# The four equations


def test_the_derivative_at_an_output():
    y, d = letters("y:6").reshape(3, 2), letters("d:6").reshape(3, 2)
    slope = HALF_SUMMED_SQUARES.slope(y, d)
    assert same(slope, y - d)
    loss = HALF_SUMMED_SQUARES.value(y, d)
    assert same(slope.ravel(), [sp.diff(loss, each) for each in y.ravel()])


def test_delta_is_derivative_times_slope():
    """E is any function of y; its derivative by the total input x is asked for."""
    x, g = sp.Symbol("x"), sp.Function("g")
    y, inner = Logistic(x), sp.Symbol("inner")
    by_output = sp.diff(g(inner), inner).subs(inner, y)
    cache = (np.array([[sp.Integer(1)]]), np.array([[y]]))
    parameters = [np.array([[sp.Symbol("w")]]), np.array([sp.Symbol("b")])]
    _, (_, delta) = Dense(1, 1).backward(parameters, cache, np.array([[by_output]]))
    assert same(delta[0], by_output * y * (1 - y))
    assert same(delta[0].doit(), sp.diff(g(y), x).doit())


def test_delta_at_an_output_and_delta_going_down(on_letters):
    """In layers with biases the gradient at a bias is δ of its unit."""
    y3, y4, y5, loss, gradient = on_letters
    assert same(gradient[b5], (y5 - D) * y5 * (1 - y5))
    assert same(gradient[b3], y3 * (1 - y3) * (w53 * gradient[b5]))
    assert same(gradient[b4], y4 * (1 - y4) * (w54 * gradient[b5]))
    assert all(same(gradient[b], sp.diff(loss, b)) for b in (b3, b4, b5))


@pytest.fixture
def carried():
    """Dense.transport on letters, and a scalar whose derivatives by the total inputs are δ."""
    y, w, b, delta = letters("y1:3"), W[:4].reshape(2, 2), W[4:6], letters("delta3 delta4")
    back, (dw, db) = Dense(2, 2).transport(y[None], w, delta[None], True)
    scalar = sum(delta[j] * (y @ w + b)[j] for j in range(2))
    return y, w, b, delta, back[0], dw, db, scalar


def test_the_gradient_at_a_weight(carried):
    y, w, _, delta, _, dw, _, scalar = carried
    for i, j in np.ndindex(2, 2):
        assert same(dw[i, j], delta[j] * y[i])
        assert same(dw[i, j], sp.diff(scalar, w[i, j]))


def test_going_back_sums_over_the_units_above(carried):
    y, w, _, delta, back, *_, scalar = carried
    for i in range(2):
        assert same(back[i], sum(delta[j] * w[i, j] for j in range(2)))
        assert same(back[i], sp.diff(scalar, y[i]))


def test_the_gradient_at_a_bias_is_delta(carried):
    _, _, b, delta, *_, db, scalar = carried
    assert same(db, delta)
    assert same(db, [sp.diff(scalar, each) for each in b])


# Layers and batches


@pytest.fixture
def arrays():
    rng = np.random.default_rng(3)
    n, below, above = 5, 4, 3
    return rng.normal(size=(n, below)), rng.normal(size=(below, above)), rng.normal(size=(n, above))


def test_one_case_in_matrices(arrays):
    """Each entry by the equations with indices, in loops."""
    y, w, delta = arrays[0][:1], arrays[1], arrays[2][:1]
    b = np.array([0.5, -1.0, 2.0])
    layer = Dense(4, 3, LINEAR)
    x, _ = layer.forward([w, b], y)
    back, (dw, _) = layer.transport(y, w, delta, True)
    assert (x.shape, back.shape, dw.shape) == ((1, 3), (1, 4), (4, 3))
    for i, j in np.ndindex(4, 3):
        assert x[0, j] == pytest.approx(sum(y[0, k] * w[k, j] for k in range(4)) + b[j], abs=1e-8)
        assert back[0, i] == pytest.approx(sum(delta[0, k] * w[i, k] for k in range(3)), abs=1e-8)
        assert dw[i, j] == pytest.approx(y[0, i] * delta[0, j], abs=1e-8)


def test_a_batch_in_matrices(arrays):
    y, w, delta = arrays
    back, (dw, db) = Dense(4, 3).transport(y, w, delta, True)
    singly = [Dense(4, 3).transport(y[c : c + 1], w, delta[c : c + 1], True) for c in range(5)]
    np.testing.assert_allclose(back, np.concatenate([each for each, _ in singly]), atol=1e-8)
    np.testing.assert_allclose(dw, sum(parts[0] for _, parts in singly), atol=1e-8)
    np.testing.assert_allclose(db, sum(parts[1] for _, parts in singly), atol=1e-8)
    np.testing.assert_allclose(back, delta @ w.T, atol=1e-8)
    np.testing.assert_allclose(dw, y.T @ delta, atol=1e-8)
    np.testing.assert_allclose(db, np.ones(5) @ delta, atol=1e-8)
    assert (back.shape, dw.shape, db.shape) == ((5, 4), (4, 3), (3,))


# Drawings


@pytest.fixture
def ax():
    _, ax = plt.subplots()
    yield ax
    plt.close("all")


def test_the_worked_network_shows_every_text_and_points_the_right_way(ax):
    units = [[[("i1", "k")], [("i2", "k")]], [[("o1", "k"), ("o2", "k")]]]
    connections = [[[[("a", "b")]], [[("b", "b")]]]]
    worked_network(ax, units, connections, backward=True)
    texts = [text for text in ax.texts if text.get_text()]
    assert {text.get_text() for text in texts} == {"i1", "i2", "o1", "o2", "a", "b"}
    place = {text.get_text(): text.get_position() for text in texts}
    assert place["i1"][1] < place["a"][1] < place["o2"][1] < place["o1"][1]
    assert place["i1"][0] < place["a"][0] < place["o1"][0]
    arrows = [text for text in ax.texts if not text.get_text()]
    assert len(arrows) == 2
    assert all(arrow.xy[1] < arrow.xyann[1] for arrow in arrows)  # the tip is lower


@pytest.mark.parametrize(("shared", "lines"), [(False, 3 + 6 + 12), (True, 3 + 6 + 4)])
def test_paths_are_a_tree_when_apart_and_the_network_when_shared(ax, shared, lines):
    assert paths_up(ax, (3, 2, 2), shared=shared) == lines
    # One line for each connection, and one of dots for each layer.
    assert len(ax.lines) == lines + 4
    assert sum(line.get_linewidth() > 2 for line in ax.lines[:lines]) == 3
