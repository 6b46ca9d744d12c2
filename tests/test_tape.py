"""Reverse mode, forward mode, differences and the complex step: four ways to one derivative."""

import ast
import inspect
import itertools
from decimal import Decimal, localcontext

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
import sympy as sp
from matplotlib import pyplot as plt
from scipy.optimize import minimize_scalar

from backprop import dual, gradcheck, plotting, tape
from backprop.activations import LECUN_TANH, LOGISTIC, RELU, TANH
from backprop.counting import Count, counted, multiplications
from backprop.errors import InputError
from backprop.gradcheck import (
    best_step,
    central_differences,
    complex_step,
    one_sided_differences,
    relative_error,
)
from backprop.initialisers import uniform
from backprop.layers import Dense, Local
from backprop.losses import CROSS_ENTROPY, HALF_SUMMED_SQUARES, MEAN_SQUARES
from backprop.network import Network
from backprop.recurrent import Recurrent


def by_hand(network, w, x, d, loss=HALF_SUMMED_SQUARES):
    y, caches = network.forward(w, x)
    return network.backward(w, caches, loss.slope(y, d))


def loss_of(network, x, d, loss=HALF_SUMMED_SQUARES):
    return lambda w: loss.value(network.forward(w, x)[0], d)


def draw(network, cases=4, seed=0):
    rng = np.random.default_rng(seed)
    x, d = rng.normal(size=(cases, network.n_in)), rng.uniform(size=(cases, network.n_out))
    return network.init(uniform(0.8), rng=rng), x, d


# The gradient of the library, from rules that know nothing of layers.

NETWORKS = {
    "as on the first page": Network((Dense(2, 2), Dense(2, 1))),
    "three kinds of units": Network((Dense(5, 4, TANH), Dense(4, 4), Dense(4, 3, LECUN_TANH))),
    "kinks": Network((Dense(5, 6, RELU), Dense(6, 2))),
    "without biases": Network((Dense(3, 4, bias=False), Dense(4, 2))),
    "a shared kernel": Network((Local((6, 6, 1), maps=2, size=3), Dense(18, 2))),
}


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_the_tape_gives_the_gradient_of_the_backward_pass(network):
    w, x, d = draw(network)
    (found,) = tape.gradient(loss_of(network, x, d), w)
    assert relative_error(found, by_hand(network, w, x, d)) < 1e-12


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_forward_mode_gives_it_too(network):
    w, x, d = draw(network)
    found = dual.gradient(loss_of(network, x, d), w)
    assert relative_error(found, by_hand(network, w, x, d)) < 1e-12


def test_the_tape_gives_the_gradient_of_replicas():
    network = NETWORKS["three kinds of units"]
    _, x, d = draw(network)
    w = network.init_replicas(uniform(0.8), seeds=range(3))
    (found,) = tape.gradient(lambda v: loss_of(network, x, d)(v).sum(), w)
    assert relative_error(found, by_hand(network, w, x, d)) < 1e-12


@pytest.mark.parametrize("loss", [MEAN_SQUARES, HALF_SUMMED_SQUARES], ids=lambda loss: loss.name)
def test_the_tape_gives_the_gradient_by_the_inputs(loss):
    network = NETWORKS["three kinds of units"]
    w, x, d = draw(network)

    def of_both(v, inputs):
        return loss.value(network.forward(v, inputs)[0], d)

    by_weights, by_inputs = tape.gradient(of_both, w, x)
    y, caches = network.forward(w, x)
    assert relative_error(by_weights, by_hand(network, w, x, d, loss)) < 1e-12
    expected = network.input_gradient(w, caches, loss.slope(y, d))
    assert relative_error(by_inputs, expected) < 1e-12


def test_a_weight_that_is_used_at_every_step_gets_the_sum():
    net = Recurrent(Dense(3, 3, TANH, bias=False), steps=3)
    network = Network((net,))
    w, x, d = draw(network)

    def in_time(v):
        state = x
        for _ in range(3):
            state = np.tanh(state @ v)
        return ((state - d) ** 2).sum() / 2

    (found,) = tape.gradient(in_time, w.reshape(3, 3))
    assert relative_error(found.ravel(), by_hand(network, w, x, d)) < 1e-12


# Rules, one by one.

POSITIVE = np.array([[0.7, 1.3, 2.1], [0.4, 1.9, 0.9]])
SHAPES = [POSITIVE, POSITIVE[:1], POSITIVE[:, :1], POSITIVE[0], np.array(1.4)]


@pytest.mark.parametrize("operation", tape.ELEMENTWISE, ids=lambda each: each.__name__)
def test_every_rule_is_the_derivative_in_both_modes_for_every_input(operation):
    cotangent = np.random.default_rng(0).normal(size=(2, 3))
    shapes = itertools.product(SHAPES, repeat=operation.nin)
    for arrays in shapes:
        arrays = [np.asarray(array + 0.13 * i) for i, array in enumerate(arrays)]

        def total(*given):
            return (cotangent * operation(*given)).sum()

        for i, (array, found) in enumerate(zip(arrays, tape.gradient(total, *arrays), strict=True)):

            def of_one(v, i=i, arrays=arrays):
                return total(*arrays[:i], v, *arrays[i + 1 :])

            expected = complex_step(of_one, array)
            assert found.shape == array.shape
            np.testing.assert_allclose(found, expected, rtol=1e-12)
            np.testing.assert_allclose(dual.gradient(of_one, array), expected, rtol=1e-12)


def test_operators_reach_the_rules_from_either_side():
    a = np.array([0.5, 2.0])

    def mixed(v):
        v = 3 * v - v / 2 + 1 / v - (-v) + 2.0**v
        v += a
        v *= a
        return (a - v).sum()

    np.testing.assert_allclose(tape.gradient(mixed, a)[0], complex_step(mixed, a), rtol=1e-13)


LAYOUTS = {
    "a sum over an axis": lambda v: (v.sum(axis=0) ** 2).sum(),
    "over the last, kept": lambda v: (v / v.sum(axis=-1, keepdims=True) ** 2).sum(axis=(0, 1)),
    "over both": lambda v: v.sum(axis=(-2, -1)) ** 2,
    "a slice": lambda v: (v[1:, ::2] ** 3).sum(),
    "entries taken twice": lambda v: (v[[0, 0, 1], [2, 2, 1]] ** 2).sum(),
    "a new axis": lambda v: (v[..., None, :] * v[:, None]).sum() ** 2,
    "another shape": lambda v: (v.reshape(3, 2)[0] ** 2).sum() + (v.reshape((6,))[4] ** 2).sum(),
    "swapped axes": lambda v: (v @ v.swapaxes(0, 1)).sum() ** 2,
}


@pytest.mark.parametrize("f", LAYOUTS.values(), ids=LAYOUTS)
def test_rearranged_arrays_get_their_gradient_in_place(f):
    f_number = f if not np.shape(f(POSITIVE)) else lambda v: f(v).sum()
    expected = complex_step(f_number, POSITIVE)
    np.testing.assert_allclose(tape.gradient(f_number, POSITIVE)[0], expected, rtol=1e-12)
    np.testing.assert_allclose(dual.gradient(f_number, POSITIVE), expected, rtol=1e-12)


def test_what_is_read_for_every_row_counts_once_for_each():
    rows = np.zeros((4, 3))
    for f in (lambda v: (rows + v).sum(), lambda v: (v - rows).sum(), lambda v: -(rows - v).sum()):
        np.testing.assert_array_equal(tape.gradient(f, np.ones(3))[0], [4, 4, 4])
        np.testing.assert_array_equal(dual.gradient(f, np.ones(3)), [4, 4, 4])


def test_matrix_products_of_stacks_are_summed_where_one_matrix_served_many():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(3, 2, 4)), rng.normal(size=(4, 5))

    def f(left, right):
        return ((left @ right) ** 2).sum()

    for found, i in zip(tape.gradient(f, a, b), (0, 1), strict=True):
        expected = complex_step(lambda v, i=i: f(*((v, b) if i == 0 else (a, v))), (a, b)[i])
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("kind", [np.float32, np.float64, complex])
def test_gradients_are_of_the_kind_of_the_argument(kind):
    w = np.array([[0.3, 0.7]], dtype=kind)
    (found,) = tape.gradient(lambda v: (np.tanh(v) ** 2).sum(), w)
    assert found.dtype == kind
    np.testing.assert_allclose(found, 2 * np.tanh(w) * (1 - np.tanh(w) ** 2), rtol=1e-6)


def test_the_argument_is_left_alone_and_calls_do_not_disturb_each_other():
    w = np.array([1.0, 2.0])
    first = tape.gradient(lambda v: (v * v).sum(), w)[0]
    again = tape.gradient(lambda v: (v * v).sum(), w)[0]
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(w, [1, 2])


def test_the_tape_is_a_list_in_the_order_of_the_program():
    output, (x,) = tape.record(lambda v: np.exp(v) * v, np.array(2.0))
    assert [var.operation for var in output.tape] == ["input", "exp", "multiply"]
    assert [source for source, _ in output.sources] == [output.tape[1], x]
    tape.backward(output, 1.0)
    assert x.gradient == pytest.approx(3 * np.exp(2))
    tape.backward(output, 2.0)  # from the start, and not on top
    assert x.gradient == pytest.approx(6 * np.exp(2))


def test_only_the_branch_that_was_taken_is_differentiated():
    def f(v):
        return (v**2).sum() if v[0] > 1 else (3 * v).sum()

    assert tape.gradient(f, np.array([2.0]))[0] == 4
    assert tape.gradient(f, np.array([1.0]))[0] == 3
    assert dual.gradient(f, np.array([2.0])) == 4


def test_at_a_kink_both_modes_take_the_side_of_the_library():
    zero = np.zeros(1)

    def relu(v):
        return np.maximum(v, 0).sum()

    assert tape.gradient(relu, zero)[0] == dual.gradient(relu, zero) == RELU.slope(zero) == 0


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda v: np.rint(v).sum(), r"no rule .* rint"),
        (lambda v: np.add(v, v, out=np.zeros(2)).sum(), r"no rule .* add"),
        (lambda v: np.add.reduce(v), r"no rule .* add"),
        (lambda v: CROSS_ENTROPY.value(v[None], np.ones((1, 2))), "makes plain arrays"),
        (lambda v: v @ v, r"at least two axes"),
        (lambda v: 2 * v, r"shape \(2,\); expected a number"),
        (lambda v: 1.0, "a float that is not on the tape"),
        (lambda v: v.value.sum(), "not on the tape"),
        (lambda v: tape.gradient(lambda u: (u * v).sum(), v)[0].sum(), "two tapes"),
    ],
)
def test_what_cannot_be_differentiated_is_refused(f, message):
    with pytest.raises(InputError, match=message):
        tape.gradient(f, np.ones(2))


def test_a_constant_has_no_slope_in_any_direction():
    assert dual.derivative(lambda v: 5.0, np.ones(2), np.ones(2)) == 0


def test_both_modes_give_one_jacobian():
    network = NETWORKS["three kinds of units"]
    w, x, _ = draw(network, cases=2)

    def outputs(v):
        return network.forward(v, x)[0]

    reverse, forward = tape.jacobian(outputs, w), dual.jacobian(outputs, w)
    assert reverse.shape == forward.shape == (2, 3, len(w))
    np.testing.assert_allclose(reverse, forward, rtol=1e-12, atol=1e-15)
    column = central_differences(lambda v: outputs(v)[1, 2], w)
    np.testing.assert_allclose(reverse[1, 2], column, atol=1e-8)


def test_modes_go_into_each_other():
    rng = np.random.default_rng(0)
    x, above, at, direction = (rng.normal(size=s) for s in ((5, 4), (3, 2), (4, 3), (4, 3)))

    def f(v):
        return ((np.tanh(np.tanh(x @ v) @ above)) ** 2).sum()

    def slope(v):
        return tape.gradient(f, v)[0]

    forward_over_reverse = dual.derivative(slope, at, direction)
    reverse_over_reverse = tape.gradient(lambda v: (slope(v) * direction).sum(), at)[0]
    step = 1e-5
    measured = (slope(at + step * direction) - slope(at - step * direction)) / (2 * step)
    assert relative_error(forward_over_reverse, measured) < 1e-8
    assert relative_error(forward_over_reverse, reverse_over_reverse) < 1e-12


def test_the_module_without_comments_is_about_a_hundred_lines():
    tree = ast.parse(inspect.getsource(tape))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:] or [ast.Pass()]
    assert len([text for text in ast.unparse(tree).splitlines() if text.strip()]) < 120


# Equations of the page.


def test_equation_of_reverse_mode():
    """The gradient at an entry is the sum over all that read it, here written out."""
    found = {}

    def f(v):
        u = np.tanh(v)
        found["u"], found["readers"] = u, [np.exp(u), u * v, u**3]
        return found["readers"][0] + found["readers"][1] * found["readers"][2]

    output, (x,) = tape.record(f, np.array(0.8))
    tape.backward(output, 1.0)
    at, y = 0.8, np.tanh(0.8)
    at_readers = [1.0, y**3, y * at]  # by the last line of f
    slopes = [np.exp(y), at, 3 * y**2]  # of the readers, by u
    for reader, expected in zip(found["readers"], at_readers, strict=True):
        assert reader.gradient == pytest.approx(expected, rel=1e-12)
    total = sum(a * b for a, b in zip(at_readers, slopes, strict=True))
    assert found["u"].gradient == pytest.approx(total, rel=1e-12)
    assert x.gradient == pytest.approx(total * (1 - y**2) + y**3 * y, rel=1e-12)


def test_equation_of_forward_mode():
    """The change of a result, against SymPy's derivatives times the direction."""
    a, b = sp.symbols("a b")
    expression = sp.tanh(a * b) + sp.log(a) / b - sp.exp(-b) * a**3
    at, direction = np.array([0.7, 1.4]), np.array([0.3, -1.1])
    point = {a: 0.7, b: 1.4}
    expected = sum(
        float(expression.diff(letter).subs(point)) * step
        for letter, step in zip((a, b), direction, strict=True)
    )

    def f(v):
        return np.tanh(v[0] * v[1]) + np.log(v[0]) / v[1] - np.exp(-v[1]) * v[0] ** 3

    assert dual.derivative(f, at, direction) == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(tape.gradient(f, at)[0] @ direction, expected, rtol=1e-12)


def test_equation_of_matrix_products():
    """The rules run on letters, and the derivative of a trace is taken by SymPy."""
    shapes = {"a": (2, 3), "b": (3, 2), "s": (2, 2)}
    a, b, s = (
        np.array(sp.symbols(f"{name}:{n * m}"), dtype=object).reshape(n, m)
        for name, (n, m) in shapes.items()
    )
    total = (s * (a @ b)).sum()  # its gradient at the product is s
    for rule, matrix in zip(tape.MATMUL_BACK, (a, b), strict=True):
        expected = np.vectorize(total.diff, otypes=[object])(matrix)
        assert (rule(s, a @ b, a, b) == expected).all()


def cubic(c):
    return lambda v: (c[3] * v**3 + c[2] * v**2 + c[1] * v).sum()


def slopes_of_cubic(c, v):
    return c[1] + 2 * c[2] * v + 3 * c[3] * v**2, 2 * c[2] + 6 * c[3] * v, 6 * c[3] + 0 * v


@pytest.fixture
def cubics():
    rng = np.random.default_rng(0)
    return [(rng.normal(size=4), rng.normal(size=3)) for _ in range(10)]


def test_equation_of_one_sided_differences(cubics):
    """For a cubic the series ends, with one more term than the page shows."""
    h = 0.01
    for c, v in cubics:
        first, second, third = slopes_of_cubic(c, v)
        found = one_sided_differences(cubic(c), v, step=h)
        expected = first + h / 2 * second + h**2 / 6 * third
        np.testing.assert_allclose(found, expected, atol=1e-10)


def test_equation_of_central_differences(cubics):
    h = 0.01
    for c, v in cubics:
        first, _, third = slopes_of_cubic(c, v)
        found = central_differences(cubic(c), v, step=h)
        np.testing.assert_allclose(found, first + h**2 / 6 * third, atol=1e-10)


def test_equation_of_the_complex_step(cubics):
    h = 0.1
    for c, v in cubics:
        first, _, third = slopes_of_cubic(c, v)
        found = complex_step(cubic(c), v, step=h)
        np.testing.assert_allclose(found, first - h**2 / 6 * third, atol=1e-12)
        np.testing.assert_allclose(complex_step(cubic(c), v), first, rtol=1e-14)


@pytest.mark.parametrize("order", [1, 2])
def test_equation_of_the_best_step(order):
    """No step has a smaller error; found by search, and by the derivative being zero."""
    truncation, rounding = 0.37, 2e-16
    found = best_step(truncation, rounding, order)
    slope = order * truncation * found ** (order - 1) - rounding / found**2
    assert abs(slope) < 1e-8 * rounding / found**2
    searched = minimize_scalar(
        lambda u: np.log(truncation * np.exp(order * u) + rounding / np.exp(u)),
        bounds=(-30, 0),
        method="bounded",
        options={"xatol": 1e-10},
    )
    assert np.exp(searched.x) == pytest.approx(found, rel=1e-4)


# Many digits.


def test_decimals_give_all_derivatives():
    def f(v, c):
        return (np.exp(v * c)).sum()

    at, c = np.array([0.3, -1.2]), np.array([1.5, 0.5])
    found = gradcheck.in_many_digits(f, at, c)
    with localcontext(prec=60):
        exact = [Decimal(b) * (Decimal(a) * Decimal(b)).exp() for a, b in zip(at, c, strict=True)]
        assert max(abs(a - b) for a, b in zip(found.first, exact, strict=True)) < Decimal("1e-45")
    for power, part in enumerate(found[1:], start=1):
        np.testing.assert_allclose(part.astype(float), c**power * np.exp(at * c), rtol=1e-14)
    assert float(found.value) == pytest.approx(np.exp(at * c).sum())


def test_decimals_are_not_rounded():
    (tenth,) = gradcheck.as_decimals(np.array([0.1]))
    assert tenth == Decimal.from_float(0.1) != Decimal("0.1")


def test_the_reference_agrees_with_differences_of_many_digits():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(3, 2)), rng.normal(size=(2, 2))

    def f(v, inputs):
        return ((1 / (1 + np.exp(-(inputs @ v)))) ** 2).sum()

    found = gradcheck.in_many_digits(f, w, x).first
    with localcontext(prec=50):
        inputs, v = gradcheck.as_decimals(x), gradcheck.as_decimals(w)
        measured = central_differences(lambda u: f(u, inputs), v, step=Decimal("1e-15"))
        assert np.abs(found - measured).max() < Decimal("1e-29")


# Counting.


def test_multiplications_are_counted_as_they_happen():
    a, b = np.ones((2, 3)), np.ones((3, 4))
    assert multiplications(lambda u, v: u @ v, a, b) == Count(2 * 3 * 4, 0)
    assert multiplications(lambda u: u * u + 2 * u - u, a) == Count(0, 12)
    assert multiplications(lambda u: (u**2).sum() / 3, a) == Count(0, 7)
    assert multiplications(lambda u: np.tanh(u) + np.exp(-u), a).total == 0
    assert multiplications(lambda u, v: (u + 1j) @ v, a, b) == Count(4 * 24, 0)


def test_the_count_follows_arrays_that_are_cut_joined_and_filled_in_place():
    def f(u):
        joined = np.concatenate([u[:1], np.zeros((1, 3)), u.reshape(3, 2)[:, :1].T])
        joined += 1
        return joined.take([0, 1], axis=1).swapaxes(0, 1) * 2

    assert multiplications(f, np.ones((2, 3))).total == 6
    count = Count()
    stacked = np.stack([counted(np.ones(2), count), np.ones(2)])
    assert (stacked * stacked).count is count
    assert count.total == 4


@pytest.mark.parametrize("way", [lambda f, v: tape.gradient(f, v)[0], dual.gradient])
def test_variables_and_dual_numbers_hold_arrays_that_count(way):
    """Two layers of equal size: five matrix products by reverse mode, and in a forward run."""
    network = Network((Dense(3, 3), Dense(3, 3)))
    w, x, d = draw(network, cases=2)
    spent = multiplications(lambda v, i: way(lambda u: loss_of(network, i, d)(u), v), w, x)
    runs = 1 if way is not dual.gradient else len(w)
    assert spent.products == runs * 5 * 2 * 3 * 3


def test_a_tape_is_drawn_with_every_part_of_the_gradient_of_an_input():
    output, _ = tape.record(lambda v: (v * np.exp(v)).sum(), np.array([0.5]))
    tape.backward(output, 1.0)
    figure, ax = plt.subplots()
    plotting.tape_graph(ax, output, {0: "w"})
    texts = [text.get_text() for text in ax.texts]
    for expected in ("w", "exp", "×", "sum", f"{np.exp(0.5):.3f}", f"{1.5 * np.exp(0.5):.3f}"):
        assert expected in texts
    plt.close(figure)


def test_logistic_units_have_one_slope_however_they_are_written():
    at = np.linspace(-3, 3, 7)
    written = tape.gradient(lambda v: (1 / (1 + np.exp(-v))).sum(), at)[0]
    np.testing.assert_allclose(written, LOGISTIC.slope(LOGISTIC.value(at)), rtol=1e-13)
