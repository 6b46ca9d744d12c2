"""The equations of the pages on shared weights and on second derivatives, against the code.

"Symbolic": the library's own code is run on symbols and compared with SymPy's derivatives.
"""

import itertools
from dataclasses import replace

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
import sympy as sp
from matplotlib import pyplot as plt

from backprop import curvature, plotting, sharing
from backprop.activations import LECUN_TANH, LINEAR, LOGISTIC, RELU, TANH, Activation
from backprop.gradcheck import relative_error
from backprop.initialisers import uniform, uniform_fan_in
from backprop.layers import Dense, Local, Split, Unshared
from backprop.losses import HALF_SUMMED_SQUARES, MEAN_SQUARES
from backprop.network import Network
from backprop.optimisers import Decay, Momentum, PassNewton, PseudoNewton, SteepestDescent
from backprop.recurrent import Recurrent, Tied, copies, layered, layered_weights
from backprop.training import mean_curvature, train_batch

SYMBOLIC_TANH = Activation("tanh of symbols", np.frompyfunc(sp.tanh, 1, 1), lambda y: 1 - y * y)
TABLE = ((0, 1), (1,))
# On a line of inputs the kernel is a row; the rows above and below it see the border only.
LINE = Local((1, 6, 1), maps=1, size=5, stride=2, border=-1, activation=SYMBOLIC_TANH)
IMAGE = Local((3, 4, 2), maps=2, size=3, stride=2, border=-1, table=TABLE, activation=LINEAR)


def symbols(name, *shape):
    """An array of symbols."""
    array = np.empty(shape, dtype=object)
    for at in np.ndindex(*shape):
        array[at] = sp.Symbol(name + "_".join(map(str, at)))
    return array


def same(ours, theirs):
    """Whether two arrays of expressions are equal, entry by entry."""
    pairs = zip(np.ravel(ours), np.ravel(theirs), strict=True)
    return all(sp.expand(sp.sympify(a) - sp.sympify(b)) == 0 for a, b in pairs)


def derivatives(of, by):
    """Derivatives of an expression by each entry of an array."""
    return np.array([sp.diff(of, v) for v in np.ravel(by)], dtype=object).reshape(np.shape(by))


def line_parameters():
    """Kernel of LINE (a row of five symbols among zeros), that row, and the biases."""
    row = symbols("w", 5)
    kernel = np.full((5, 5), sp.Integer(0), dtype=object)
    kernel[2] = row
    return [kernel.ravel(), symbols("b", LINE.n_out)], row


# Shared weights.


@pytest.mark.parametrize(
    "layer", [replace(LINE, activation=LINEAR), IMAGE], ids=["line", "image with a table"]
)
def test_a_shared_weight_gets_the_sum_over_copies(layer):
    u, b = symbols("u", layer.parts[0].size), symbols("b", layer.n_out)
    x, d = symbols("p", 1, layer.n_in), symbols("d", 1, layer.n_out)
    free = Unshared(*(getattr(layer, name) for name in Local.__dataclass_fields__))
    w = symbols("w", free.parts[0].size)  # every copy by itself
    y, _ = free.forward([w, b], x)
    by_copy = derivatives(((y - d) ** 2).sum() / 2, w).reshape(layer.positions, -1)
    tied = dict(zip(w, np.tile(u, layer.positions), strict=True))
    summed = [sp.sympify(total).xreplace(tied) for total in by_copy.sum(axis=0)]

    y, cache = layer.forward([u, b], x)
    _, (of_shared, _) = layer.backward([u, b], cache, y - d)
    assert same(of_shared, summed)
    assert same(of_shared, derivatives(((y - d) ** 2).sum() / 2, u))

    dense, parameters = sharing.as_dense(layer, u, b)
    _, (dw, db) = dense.backward(parameters, dense.forward(parameters, x)[1], y - d)
    assert same(sharing.sum_over_copies(layer, dw, db), summed)


def test_the_average_is_the_sum_over_the_number():
    net = Recurrent(Dense(5, 3), steps=4)  # external input too: the twin has wires
    rng = np.random.default_rng(0)
    v = layered_weights(net, rng.normal(size=Network((net,)).n_params))
    gradient = rng.normal(size=v.shape)
    for inner in (SteepestDescent, Momentum):
        summed, averaged = Tied(inner(0.1), net), Tied(inner(0.4), net, average=True)
        ours, theirs = v, v
        states = [summed.start(v), averaged.start(v)]
        for _ in range(3):
            ours, states[0] = summed.step(ours, gradient, states[0])
            theirs, states[1] = averaged.step(theirs, gradient, states[1])
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    step = SteepestDescent(0.1).step(v, gradient, None)[0] - v
    assert np.ptp(copies(net, step), axis=0).max() > 0.1  # without either they would part


def test_a_unit_of_a_line_adds_up_its_window():
    parameters, row = line_parameters()
    p = symbols("p", 6)
    _, (_, y) = LINE.forward(parameters, p[np.newaxis])
    for i in range(3):
        reads = [2 * i + r for r in range(-2, 3)]
        inputs = [p[k] if 0 <= k < 6 else sp.Integer(-1) for k in reads]
        total = sum(w * q for w, q in zip(row, inputs, strict=True)) + parameters[1][i]
        assert same(y[0, i], sp.tanh(total))


@pytest.fixture(scope="module")
def backward_on_a_line():
    """What the library carries back through LINE, with delta as it meets it."""
    parameters, row = line_parameters()
    p, dy = symbols("p", 1, 6), symbols("g", 1, 3)
    y, cache = LINE.forward(parameters, p)
    dx, (dw, db) = LINE.backward(parameters, cache, dy)
    delta = (dy * (1 - y * y))[0]
    return row, p[0], (dy * y).sum(), delta, dx[0], dw.reshape(5, 5)[2], db


def test_the_kernel_of_a_line_collects_its_windows(backward_on_a_line):
    row, p, loss, delta, _, dw, db = backward_on_a_line
    padded = [-1, -1, *p, -1]  # input k is padded[k + 2]
    formula = [sum(delta[i] * padded[2 * i + r + 2] for i in range(3)) for r in range(-2, 3)]
    assert same(dw, formula)
    assert same(dw, derivatives(loss, row))
    assert same(db, delta)


def test_an_input_of_a_line_collects_its_readers(backward_on_a_line):
    row, p, loss, delta, dx, _, _ = backward_on_a_line
    formula = [
        sum(row[k - 2 * i + 2] * delta[i] for i in range(3) if abs(k - 2 * i) <= 2)
        for k in range(6)
    ]
    assert same(dx, formula)
    assert same(dx, derivatives(loss, p))


@pytest.mark.parametrize("size", [1, 3, 5, 7])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
def test_readers_are_counted_by_the_formula(size, stride):
    reach = size // 2
    for inputs in (1, 4, 7, 16):
        layer = Local((1, inputs, 1), maps=1, size=size, stride=stride)
        counts = (layer.readers < layer.windows.size).sum(axis=0)
        units = layer.out_shape[1]
        formula = [
            min(units - 1, (k + reach) // stride) - max(0, -((reach - k) // stride)) + 1
            for k in range(inputs)
        ]
        assert counts.tolist() == formula


def test_readers_of_a_pixel_are_those_of_its_row_times_those_of_its_column():
    counts = [
        (layer.readers < layer.windows.size).sum(axis=0)
        for layer in (
            Local((7, 10, 1), maps=1, size=5, stride=2),
            Local((1, 7, 1), maps=1, size=5, stride=2),
            Local((1, 10, 1), maps=1, size=5, stride=2),
        )
    ]
    np.testing.assert_array_equal(counts[0].reshape(7, 10), np.outer(counts[1], counts[2]))


def image_sum(term):
    """Add up a term for every connection of IMAGE, by four loops written for it alone."""
    for i, j, unit_map in np.ndindex(2, 2, 2):
        for source_map in TABLE[unit_map]:
            for r, c in itertools.product((-1, 0, 1), repeat=2):
                term((i, j, unit_map), (2 * i + r, 2 * j + c, source_map), (r, c))


def kernel_of(layer, w):
    """Symbols of the kernel where it exists, (size, size, in maps, maps)."""
    numbers = layer.kernel(np.arange(1.0, len(w) + 1)).astype(int)
    return np.vectorize(lambda n: w[n - 1] if n else sp.Integer(0), otypes=[object])(numbers)


@pytest.fixture(scope="module")
def on_an_image():
    """Forward and backward of IMAGE on symbols, and the same from the loops."""
    w, b = symbols("w", IMAGE.parts[0].size), symbols("b", IMAGE.n_out)
    p, dy = symbols("p", 1, IMAGE.n_in), symbols("g", 1, IMAGE.n_out)
    y, cache = IMAGE.forward([w, b], p)
    dx, (dw, _) = IMAGE.backward([w, b], cache, dy)
    kernel, pixels = kernel_of(IMAGE, w), p.reshape(3, 4, 2)
    delta = dy.reshape(2, 2, 2)  # linear units
    net = b.reshape(2, 2, 2).copy()
    of_kernel, of_pixel = (np.full(a.shape, sp.Integer(0)) for a in (kernel, pixels))

    def term(unit, source, offset):
        at = (*(o + 1 for o in offset), source[2], unit[2])
        inside = 0 <= source[0] < 3 and 0 <= source[1] < 4
        net[unit] += kernel[at] * (pixels[source] if inside else -1)
        of_kernel[at] += delta[unit] * (pixels[source] if inside else -1)
        if inside:
            of_pixel[source] += kernel[at] * delta[unit]

    image_sum(term)
    return (y, dw, dx), (net, of_kernel, of_pixel)


def test_a_unit_of_an_image_adds_up_its_windows(on_an_image):
    (y, _, _), (net, _, _) = on_an_image
    assert same(y, net)


def test_the_list_of_connections_has_every_term_of_the_sum():
    listed = sorted(zip(*sharing.connections(IMAGE), strict=True))
    numbers = IMAGE.kernel(np.arange(1.0, IMAGE.parts[0].size + 1)).astype(int) - 1
    expected = []

    def term(unit, source, offset):
        inside = 0 <= source[0] < 3 and 0 <= source[1] < 4
        pixel = np.ravel_multi_index(source, (3, 4, 2)) if inside else IMAGE.n_in
        weight = numbers[offset[0] + 1, offset[1] + 1, source[2], unit[2]]
        expected.append((pixel, np.ravel_multi_index(unit, (2, 2, 2)), weight))

    image_sum(term)
    assert listed == sorted(expected)


def test_the_kernel_of_an_image_collects_its_windows(on_an_image):
    (_, dw, _), (_, of_kernel, _) = on_an_image
    assert same(kernel_of(IMAGE, dw), of_kernel)


def test_a_pixel_collects_its_readers(on_an_image):
    (_, _, dx), (_, _, of_pixel) = on_an_image
    assert same(dx, of_pixel)


def test_the_border_shifts_what_hangs_over_it():
    layer = replace(LINE, activation=LINEAR)
    parameters, row = line_parameters()
    p = symbols("p", 1, 6)
    beta, gamma = sp.symbols("beta gamma")
    # The border value is a number for the library; the outputs are linear in it.
    at = {value: replace(layer, border=value).forward(parameters, p)[0][0] for value in (0, 1)}
    symbolic = {v: at[0] + v * (at[1] - at[0]) for v in (beta, gamma)}
    np.testing.assert_array_equal(
        replace(layer, border=-3).forward(parameters, p)[0][0], at[0] - 3 * (at[1] - at[0])
    )
    outside = [row[0] + row[1], 0, row[4]]  # windows -2..2, 0..4, 2..6 of six inputs
    assert same(symbolic[beta] - symbolic[gamma], [(beta - gamma) * each for each in outside])


@pytest.fixture(scope="module")
def in_time():
    """Forward and backward of two units over two steps on symbols, with an external input."""
    net = Recurrent(Dense(3, 2, SYMBOLIC_TANH), steps=2, last=2)
    w, b = symbols("w", 3, 2), symbols("b", 2)
    x, dy = symbols("p", 1, net.n_in), symbols("g", 1, net.n_out)
    y, cache = net.forward([w, b], x)
    dx, (dw, db) = net.backward([w, b], cache, dy)
    each = [step[0] for step in net.gradient_of_copies([w, b], cache, dy)]
    return w, b, x[0], dy[0], y[0], dx[0], dw, db, each


def test_states_follow_from_the_states_before(in_time):
    w, b, x, _, y, *_ = in_time
    state = list(x[:2])
    for t in range(2):
        read = [*state, x[2 + t]]
        state = [sp.tanh(sum(w[i, j] * read[i] for i in range(3)) + b[j]) for j in range(2)]
        assert same(y[2 * t : 2 * t + 2], state)


def test_delta_goes_back_from_step_to_step(in_time):
    w, _, x, dy, y, dx, _, db, _ = in_time
    slope = 1 - y * y
    later = [slope[2 + j] * dy[2 + j] for j in range(2)]
    earlier = [
        slope[j] * (dy[j] + sum(w[j, k] * later[k] for k in range(2))) for j in range(2)
    ]  # w[j, k]: from unit j to unit k
    assert same(db, [a + b for a, b in zip(earlier, later, strict=True)])
    assert same(dx[:2], [sum(w[i, k] * earlier[k] for k in range(2)) for i in range(2)])
    assert same(dx, derivatives((dy * y).sum(), x))


def test_the_gradient_in_time_is_a_sum_over_steps(in_time):
    w, _, x, dy, y, _, dw, _, each = in_time
    slope = 1 - y * y
    later = [slope[2 + j] * dy[2 + j] for j in range(2)]
    earlier = [slope[j] * (dy[j] + sum(w[j, k] * later[k] for k in range(2))) for j in range(2)]
    reads = ([*x[:2], x[2]], [*y[:2], x[3]])
    terms = [np.outer(read, delta) for read, delta in zip(reads, (earlier, later), strict=True)]
    assert same(each, terms)
    assert same(dw, terms[0] + terms[1])
    assert same(dw, derivatives((dy * y).sum(), w))


@pytest.mark.parametrize("table", [None, ((0,), (0, 1), (1,))], ids=["full", "table"])
def test_the_dense_twin_computes_what_the_layer_computes(table):
    layer = Local((5, 6, 2), maps=3, size=3, stride=2, table=table)
    rng = np.random.default_rng(1)
    w, b = (rng.normal(size=part.shape) for part in layer.parts)
    x, dy = rng.normal(size=(4, layer.n_in)), rng.normal(size=(4, layer.n_out))
    dense, parameters = sharing.as_dense(layer, w, b)
    (y, cache), (y_twin, cache_twin) = layer.forward([w, b], x), dense.forward(parameters, x)
    np.testing.assert_allclose(y, y_twin, rtol=0, atol=1e-12)
    dx, (dw, db) = layer.backward([w, b], cache, dy)
    dx_twin, (dw_twin, db_twin) = dense.backward(parameters, cache_twin, dy)
    np.testing.assert_allclose(dx, dx_twin, rtol=0, atol=1e-12)
    np.testing.assert_allclose(db, db_twin, rtol=0, atol=1e-12)
    collected = sharing.sum_over_copies(layer, dw_twin, db_twin)
    np.testing.assert_allclose(dw, collected, rtol=0, atol=1e-11)


def test_every_connection_is_listed_once_and_the_1989_layers_have_the_published_number():
    h1 = Local((16, 16, 1), maps=12)
    found = sharing.connections(h1)
    assert len(found.unit) + h1.n_out == h1.count().connections == 19_968
    assert len(set(zip(found.unit, found.weight, strict=True))) == len(found.unit)
    assert (np.bincount(found.weight) == 64).all()
    assert (np.bincount(found.source)[:-1] % 12 == 0).all()  # a pixel is read by all maps alike


def test_an_untied_network_computes_the_same_and_knows_its_owners():
    network = Network(
        (
            Local((6, 6, 1), maps=2, size=3),
            Unshared((3, 3, 2), maps=2, size=3),
            Split((Dense(4, 2), Dense(4, 1))),
        )
    )
    rng = np.random.default_rng(2)
    w, x = network.init(uniform(1), rng=rng), rng.normal(size=(3, 36))
    free, apart, owner = sharing.untie(network, w)
    assert free.n_params == network.n_params + 8 * 18  # nine kernels of 18 in place of one
    assert isinstance(free.layers[0], Unshared) and free.layers[1:] == network.layers[1:]
    (y, caches), (y_free, caches_free) = network.forward(w, x), free.forward(apart, x)
    np.testing.assert_allclose(y_free, y, rtol=0, atol=1e-12)
    dy = rng.normal(size=y.shape)
    summed = np.bincount(owner, weights=free.backward(apart, caches_free, dy))
    np.testing.assert_allclose(summed, network.backward(w, caches, dy), rtol=0, atol=1e-11)


def test_copies_that_start_apart_stay_as_far_apart():
    net = Recurrent(Dense(2, 2, bias=False), steps=3)
    twin, rng = layered(net), np.random.default_rng(3)
    x, d = rng.uniform(0, 1, (5, 2)), rng.uniform(0, 1, (5, 2))
    v = rng.normal(size=(1, twin.n_params))
    for decay, left in ((0.0, 1.0), (0.01, 0.99**50)):
        way = Tied(Decay(SteepestDescent(0.5), decay), net)
        trained = train_batch(twin, v, x, d, optimiser=way, sweeps=50)
        assert trained.loss[0] < HALF_SUMMED_SQUARES.value(twin.forward(v, x)[0], d)[0]
        apart = np.diff(copies(net, v), axis=0)
        np.testing.assert_allclose(np.diff(copies(net, trained.w), axis=0), left * apart)


# Second derivatives.

CHAIN = Network((Dense(1, 1, SYMBOLIC_TANH),))
SMALL = Network((Dense(2, 2, SYMBOLIC_TANH), Dense(2, 1, SYMBOLIC_TANH)))
DEEP = Network((Dense(2, 2, SYMBOLIC_TANH), Dense(2, 2, SYMBOLIC_TANH)))
SHARING = Network(
    (
        Local((6, 6, 1), maps=2, size=3, stride=2),
        Local((3, 3, 2), maps=3, size=3, stride=2, table=((0,), (0, 1), (1,))),
        Dense(12, 2, LECUN_TANH),
    )
)


def second(network, w, x, h):
    """The second backward pass on symbols."""
    _, caches = network.forward(w, x)
    return network.hessian_diagonal(w, caches, h)


def test_one_unit_has_two_terms():
    w, p, d = symbols("w", 2), symbols("p", 1, 1), sp.Symbol("d")
    y = CHAIN.forward(w, p)[0][0, 0]
    ours = second(CHAIN, w, p, np.full((1, 1), sp.Integer(1)))
    loss = (y - d) ** 2 / 2
    bend = -2 * y * (1 - y**2)  # second derivative of tanh
    exact = [sp.diff(loss, v, 2) for v in w]
    assert same(exact[1], ours[1] + bend * (y - d))  # by the bias, that is by the total input
    assert same(exact[0], ours[0] + p[0, 0] ** 2 * bend * (y - d))


@pytest.fixture(scope="module")
def second_pass():
    """The second pass through two layers of two units, layer by layer, for two cases."""
    w, p, h = symbols("w", DEEP.n_params), symbols("p", 2, 2), symbols("h", 2, 2)
    (lower, upper), parameters = DEEP.layers, DEEP.unpack(w)
    hidden, below = lower.forward(parameters[0], p)
    y, above = upper.forward(parameters[1], hidden)
    at_hidden, at_upper = upper.hessian_diagonal(parameters[1], above, h)
    _, at_lower = lower.hessian_diagonal(parameters[0], below, at_hidden)
    whole = second(DEEP, w, p, h)
    joined = np.concatenate([part.ravel() for part in (*at_lower, *at_upper)])
    assert same(whole, joined)
    return parameters, p, h, hidden, y, at_hidden, at_upper, at_lower


def test_units_pass_with_their_slope_squared(second_pass):
    _, _, h, hidden, y, at_hidden, at_upper, at_lower = second_pass
    assert same(at_upper[1], ((1 - y**2) ** 2 * h).sum(axis=0))
    assert same(at_lower[1], ((1 - hidden**2) ** 2 * at_hidden).sum(axis=0))


def test_weights_get_squared_inputs(second_pass):
    _, p, h, hidden, y, at_hidden, at_upper, at_lower = second_pass
    for read, out, signal, found in ((hidden, y, h, at_upper), (p, hidden, at_hidden, at_lower)):
        units = (1 - out**2) ** 2 * signal
        formula = [
            [sum(read[n, i] ** 2 * units[n, j] for n in range(2)) for j in range(2)]
            for i in range(2)
        ]
        assert same(found[0], formula)


def test_inputs_get_squared_weights(second_pass):
    (_, (w, _)), _, h, _, y, at_hidden, _, _ = second_pass
    units = (1 - y**2) ** 2 * h
    formula = [
        [sum(w[i, j] ** 2 * units[n, j] for j in range(2)) for i in range(2)] for n in range(2)
    ]
    assert same(at_hidden, formula)


def test_copies_add_up_their_estimates():
    rng = np.random.default_rng(4)
    w, x = SHARING.init(uniform(1), rng=rng), rng.normal(size=(3, 36))
    free, apart, owner = sharing.untie(SHARING, w)
    summed = np.bincount(owner, weights=curvature.estimated_diagonal(free, apart, x))
    ours = curvature.estimated_diagonal(SHARING, w, x)
    assert relative_error(ours, summed) < 1e-12

    net = Recurrent(Dense(3, 2, TANH), steps=3)
    w, x = rng.normal(size=8), rng.normal(size=(4, net.n_in))
    summed = copies(net, curvature.estimated_diagonal(layered(net), layered_weights(net, w), x))
    ours = curvature.estimated_diagonal(Network((net,)), w, x)
    assert relative_error(ours, summed.sum(axis=0)) < 1e-12


@pytest.fixture(scope="module")
def exactly():
    """Numbers for SMALL, and SymPy's diagonal of the Hessian and its two terms there."""
    rng = np.random.default_rng(5)
    numbers = [rng.uniform(-1.5, 1.5, shape) for shape in (9, (2, 2), (2, 1))]
    w, d = symbols("w", 9), numbers[2]
    y = SMALL.forward(w, numbers[1].astype(object))[0]

    def value(expressions):
        return np.array(sp.lambdify(list(w), list(expressions), "math", cse=True)(*numbers[0]))

    loss = ((y - d) ** 2).sum() / 2
    diagonal = value(sp.diff(loss, v, 2) for v in w)
    squares = value((derivatives_by(y, v) ** 2).sum() for v in w)
    bends = value(((y - d) * derivatives_by(y, v, 2)).sum() for v in w)
    return numbers, diagonal, squares, bends


def derivatives_by(outputs, v, times=1):
    return np.array([[sp.diff(each, v, times) for each in row] for row in outputs])


REAL = Network((Dense(2, 2, TANH), Dense(2, 1, TANH)))  # SMALL for numbers


def test_gauss_newton_squares_derivatives(exactly):
    (w, p, _), _, squares, _ = exactly
    np.testing.assert_allclose(
        curvature.gauss_newton_diagonal(REAL, w, p), squares, rtol=1e-8, atol=1e-8
    )


def test_the_exact_diagonal_has_two_terms(exactly):
    (w, p, d), diagonal, squares, bends = exactly
    np.testing.assert_allclose(squares + bends, diagonal, rtol=1e-10)
    assert np.abs(bends).max() > 0.1
    np.testing.assert_allclose(
        curvature.exact_diagonal(REAL, w, p, d), diagonal, rtol=1e-8, atol=1e-8
    )


def test_the_running_average_moves_to_the_newest():
    h, average = symbols("h", 3), symbols("a", 3)
    optimiser = PseudoNewton(sp.Rational(1, 10), gamma=sp.Rational(1, 4))
    _, ours = optimiser.step(symbols("w", 3), symbols("g", 3), average, h)
    assert same(ours, average + (h - average) / 4)
    assert same(4 * ours, 3 * average + h)


def test_the_step_divides_by_the_average_and_mu():
    w, g, h, average = (symbols(name, 3) for name in "wgha")
    lr, mu, gamma = sp.Rational(1, 10), sp.Rational(1, 50), sp.Rational(1, 4)
    moved, kept = PseudoNewton(lr, mu, gamma).step(w, g, average, h)
    assert same(moved, w - lr * g / (mu + average + gamma * (h - average)))
    moved, kept = PassNewton(lr, mu).step(w, g, average)
    assert same(moved, w - lr * g / (mu + average))
    assert kept is average


def test_the_mean_is_over_single_cases():
    rng = np.random.default_rng(6)
    w, x = SHARING.init(uniform(1), rng=rng), rng.normal(size=(5, 36))
    d = rng.normal(size=(5, 2))
    single = [curvature.estimated_diagonal(SHARING, w, x[i : i + 1]) for i in range(5)]
    ours = mean_curvature(SHARING, w, x, d, HALF_SUMMED_SQUARES)
    np.testing.assert_allclose(ours, np.mean(single, axis=0), rtol=1e-10)
    whole = mean_curvature(SHARING, w, x, d, MEAN_SQUARES)  # that loss divides by all outputs
    np.testing.assert_allclose(whole, ours * 2 / d.size, rtol=1e-10)


def test_own_steps_are_plain_in_other_units():
    a, b, c = sp.symbols("a b c")
    hessian = sp.Matrix([[a, b], [b, c]])
    w, average = sp.Matrix(sp.symbols("w0 w1")), sp.Matrix(sp.symbols("h0 h1", positive=True))
    lr, mu = sp.Rational(1, 10), sp.Rational(1, 50)
    root = sp.diag(*(sp.sqrt(mu + h) for h in average))
    gradient, state = (np.array(list(v), dtype=object) for v in (hessian * w, average))
    moved, _ = PassNewton(lr, mu).step(np.array(list(w), dtype=object), gradient, state)
    rescaled = root.inv() * hessian * root.inv()
    v = root * w
    assert sp.simplify(root * sp.Matrix(moved) - (v - lr * rescaled * v)) == sp.zeros(2, 1)


def test_the_best_step_shrinks_the_distance():
    rng = np.random.default_rng(7)
    x = rng.normal(size=(20, 4)) * [0.1, 1, 1, 10]
    hessian, mu = x.T @ x, 0.02
    diagonal = np.diag(hessian)
    root = np.sqrt(mu + diagonal)
    values, vectors = np.linalg.eigh(hessian / root / root[:, np.newaxis])
    kappa = values[-1] / values[0]
    optimiser = PassNewton(2 / (values[0] + values[-1]), mu)
    worst = (vectors[:, 0] + vectors[:, -1]) / root  # flattest and steepest direction together
    w = worst
    for sweep in range(1, 6):
        w, _ = optimiser.step(w, hessian @ w, diagonal)
        far = np.linalg.norm(root * w) / np.linalg.norm(root * worst)
        assert far == pytest.approx(((kappa - 1) / (kappa + 1)) ** sweep, rel=1e-8)
    w = rng.normal(size=4)
    moved, _ = optimiser.step(w, hessian @ w, diagonal)
    shrunk = np.linalg.norm(root * moved) / np.linalg.norm(root * w)
    assert shrunk < (kappa - 1) / (kappa + 1)  # from anywhere else it goes faster


@pytest.mark.parametrize(
    "widths", [(3, 2), (4, 3, 2), (5, 4, 4, 1)], ids=lambda widths: "-".join(map(str, widths))
)
@pytest.mark.parametrize("cases", [1, 3])
def test_the_second_pass_costs_what_is_said(widths, cases):
    layers = tuple(Dense(a, b, TANH) for a, b in itertools.pairwise(widths))
    network = Network(layers)
    rng = np.random.default_rng(8)
    w, x = network.init(uniform(1), rng=rng), rng.normal(size=(cases, widths[0]))
    inputs, units = np.array(widths[:-1]), np.array(widths[1:])
    connections = (inputs * units).sum()
    gradient = cases * (2 * units.sum() + 2 * connections - widths[0] * widths[1])
    counted = curvature.work_of_passes(network, w, x)
    assert counted["forward"] == cases * connections
    assert counted["gradient"] == gradient
    more = cases * (inputs + units).sum() + connections
    assert counted["second derivatives"] == gradient + more


# What the page on second derivatives predicts.


def four_diagonals(network, rng, cases=8):
    x = rng.uniform(-1, 1, (cases, network.n_in))
    d = rng.uniform(-1, 1, (cases, network.n_out))
    w = network.init(uniform_fan_in(), rng=rng)
    return (
        curvature.exact_diagonal(network, w, x, d),
        curvature.gauss_newton_diagonal(network, w, x),
        curvature.gauss_newton_of_copies(network, w, x),
        curvature.estimated_diagonal(network, w, x),
    )


def test_without_shared_weights_the_copies_are_the_weights():
    network = Network((Dense(4, 3, TANH), Dense(3, 3, TANH), Dense(3, 2, TANH)))
    _, whole, apart, _ = four_diagonals(network, np.random.default_rng(9))
    np.testing.assert_array_equal(whole, apart)


def test_below_one_output_the_second_pass_drops_pairs_of_copies_only():
    network = Network((Local((6, 6, 1), maps=2, size=3, stride=2), Dense(18, 1, TANH)))
    _, whole, apart, estimate = four_diagonals(network, np.random.default_rng(12))
    np.testing.assert_allclose(apart, estimate, rtol=1e-10)
    shared = slice(network.parts()[0].size)
    assert relative_error(whole[shared], apart[shared]) > 0.01
    np.testing.assert_allclose(whole[shared.stop :], apart[shared.stop :], rtol=1e-10)


def test_the_top_two_layers_are_exact_and_those_below_are_not():
    network = Network((Dense(4, 3, TANH), Dense(3, 3, TANH), Dense(3, 3, TANH), Dense(3, 2, TANH)))
    _, whole, _, estimate = four_diagonals(network, np.random.default_rng(10))
    off = np.abs(estimate / whole - 1)
    by_layer = [max(part.max() for part in parts) for parts in network.unpack(off)]
    assert by_layer[2] < 1e-10 and by_layer[3] < 1e-10
    assert by_layer[0] > 1e-2 and by_layer[1] > 1e-2


@pytest.mark.parametrize("activation", [LINEAR, RELU], ids=lambda a: a.name)
def test_straight_units_have_no_term_with_the_errors(activation):
    network = Network((Dense(4, 3, activation), Dense(3, 3, activation), Dense(3, 2, activation)))
    exact, whole, _, _ = four_diagonals(network, np.random.default_rng(11))
    np.testing.assert_allclose(exact, whole, rtol=0, atol=1e-6)


def test_the_exact_diagonal_can_be_negative_and_the_estimate_cannot():
    network = Network((Dense(3, 3, LOGISTIC), Dense(3, 2, LOGISTIC)))
    found = [four_diagonals(network, np.random.default_rng(seed)) for seed in range(5)]
    assert min(exact.min() for exact, *_ in found) < -1e-3
    assert min(each.min() for _, *others in found for each in others) >= 0


# Drawings.


def test_a_line_of_windows_shows_how_many_units_read_each_input():
    layer = Local((1, 8, 1), maps=1, size=5, stride=2)
    _, ax = plt.subplots()
    plotting.windows_over_line(ax, layer, unit=1, source=5)
    texts = [text.get_text() for text in ax.texts]
    counts = [text for text in texts if text.isdigit()]
    expected = (layer.readers < layer.windows.size).sum(axis=0)
    assert counts == [str(n) for n in expected]
    assert texts.count("−1") == 3  # two inputs of the border on the left, one on the right
    assert sum(text.startswith("$w_") for text in texts) == 5
    plt.close()


def test_a_matrix_shows_each_name_in_its_cell_and_colour():
    _, ax = plt.subplots()
    plotting.repeated_entries(
        ax,
        [["a", ""], ["b", "a"]],
        {"a": plotting.BLUE, "b": plotting.ORANGE},
        rows=["1", "2"],
        columns=["3", "4"],
    )
    assert [text.get_text() for text in ax.texts] == ["$a$", "$b$", "$a$"]
    filled = [patch for patch in ax.patches if patch.get_facecolor()[:3] != (1, 1, 1)]
    assert len(filled) == 3
    plt.close()
