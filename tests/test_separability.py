"""What one layer can compute: weights or a proof that there are none, and counts that are known."""

from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.optimize

from backprop import Dense, Network, datasets, separability, uniform
from backprop.errors import BackpropError, InputError
from backprop.separability import (
    all_functions,
    by_small_weights,
    certificate,
    cover_count,
    fewest_units,
    four_cases,
    most_right,
    parity_most_right,
    parity_weights,
    separable,
    separating_weights,
    without_four_cases,
)

TASKS = {
    "xor": datasets.xor(),
    "symmetry": datasets.symmetry(),
    **{f"parity-{bits}": datasets.parity(bits) for bits in range(3, 9)},
}


def random_cases(seed):
    """Points in a few dimensions with answers, some of which a plane separates."""
    rng = np.random.default_rng(seed)
    cases, inputs = int(rng.integers(2, 12)), int(rng.integers(1, 4))
    return rng.standard_normal((cases, inputs)), rng.integers(0, 2, cases)


def on_the_right_side(w, x, answers):
    """Whether the total inputs have the signs that eq-single-layer asks for."""
    net = x @ w[:-1] + w[-1]
    return bool(np.all(np.where(np.ravel(answers) > 0.5, net, -net) > 0))


def proves_that_there_are_none(shares, x, answers):
    """Whether shares satisfy eq-certificate; then no weights exist, whatever found them."""
    on = np.ravel(answers) > 0.5
    return (
        (shares >= 0).all()
        and np.allclose([shares[on].sum(), shares[~on].sum()], 1)
        and np.allclose(shares[on] @ x[on], shares[~on] @ x[~on], atol=1e-8)
    )


@pytest.mark.parametrize("name", TASKS)
def test_tasks_that_no_single_layer_can_do_come_with_a_proof(name):
    x, answers = TASKS[name]
    assert not separable(x, answers)
    assert proves_that_there_are_none(certificate(x, answers), x, answers)
    a, b, c, d = four_cases(x, answers)
    assert [answers[row, 0] for row in (a, b, c, d)] == [1, 1, 0, 0]
    np.testing.assert_array_equal(x[a] + x[b], x[c] + x[d])


def test_the_certificate_of_exclusive_or_is_the_one_that_everybody_knows():
    np.testing.assert_allclose(certificate(*datasets.xor()), 0.5)


@pytest.mark.parametrize("seed", range(40))
def test_weights_or_a_certificate_never_both(seed):
    x, answers = random_cases(seed)
    w, shares = separating_weights(x, answers), certificate(x, answers)
    assert (w is None) != (shares is None)
    assert separable(x, answers) == (w is not None)
    if w is not None:
        assert on_the_right_side(w, x, answers)
        assert np.abs(x @ w[:-1] + w[-1]).min() == pytest.approx(1)
    else:
        assert proves_that_there_are_none(shares, x, answers)


def test_both_outcomes_are_among_the_random_cases():
    assert {separable(*random_cases(seed)) for seed in range(40)} == {True, False}


@pytest.mark.parametrize(("inputs", "known"), [(1, 4), (2, 14), (3, 104)])
def test_separable_functions_are_as_many_as_is_known(inputs, known):
    numbers = [i for i, case in enumerate(all_functions(inputs)) if separable(*case)]
    assert len(numbers) == known
    # Without linear programming: what small weights compute, what four cases do not rule out.
    np.testing.assert_array_equal(by_small_weights(inputs, 3), numbers)
    np.testing.assert_array_equal(without_four_cases(inputs), numbers)


def test_of_the_65536_functions_of_four_inputs_1882_are_separable():
    numbers = without_four_cases(4)
    assert len(numbers) == 1882
    np.testing.assert_array_equal(by_small_weights(4, 3), numbers)
    x, _ = datasets.parity(4)
    rng = np.random.default_rng(0)
    chosen = [*rng.choice(numbers, 40), *rng.choice(2**16, 40)]
    for number in chosen:
        assert separable(x, number >> np.arange(16) & 1) == (number in numbers)


def test_four_cases_are_not_found_where_there_are_weights():
    for x, answers in islice(all_functions(3), 0, None, 3):
        assert (four_cases(x, answers) is None) == separable(x, answers)


def test_inputs_of_very_different_sizes_change_nothing():
    """The outputs of hidden units with small weights are all alike but for a little."""
    x, answers = datasets.parity(3)
    layer = Network((Dense(3, 7),))
    hidden = layer.forward(layer.init(uniform(0.3), rng=np.random.default_rng(0)), x)[0]
    assert np.linalg.cond(hidden) > 1e4
    assert on_the_right_side(separating_weights(hidden, answers), hidden, answers)
    for scale in (1e-4, 1e4):
        assert not separable(x * [1, scale, 1], answers)
        assert separable(x * [1, scale, 1], x[:, 1])


def test_a_margin_that_only_the_solver_sees_is_none():
    """Saturated units: the solver reports a margin of some 1e-8, which is none."""
    x, answers = datasets.symmetry()
    layer = Network((Dense(6, 64),))
    hidden = layer.forward(layer.init(uniform(15.0), rng=np.random.default_rng(51)), x)[0][:, :12]
    rows, sign = separability._checked(hidden, answers)
    margin = separability._widest(separability._orthonormal(rows)[0], sign)[1]
    assert margin < separability.SMALLEST_MARGIN
    assert not separable(hidden, answers)
    assert proves_that_there_are_none(certificate(hidden, answers), hidden, answers)


def most_by_list(answers, inputs):
    """Most cases that any function on the list of `by_small_weights` has in common with answers."""
    number = int(np.ravel(answers).astype(int) @ (1 << np.arange(2**inputs)))
    return 2**inputs - np.bitwise_count(by_small_weights(inputs, 3) ^ number).min()


def test_most_right_agrees_with_trying_every_function_that_one_layer_has():
    rng = np.random.default_rng(0)
    for _ in range(12):
        answers = rng.integers(0, 2, 8)
        right, w = most_right(datasets.parity(3)[0], answers)
        assert right == most_by_list(answers, 3)
        net = datasets.parity(3)[0] @ w[:-1] + w[-1]
        assert ((net > 0) == answers).sum() == right


def test_one_layer_gets_57_of_the_64_patterns_of_symmetry_right():
    assert most_right(*datasets.symmetry())[0] == 64 - (2**3 - 1)


@pytest.mark.parametrize("inputs", range(1, 5))
def test_the_most_right_of_parity_is_predicted(inputs):
    x, answers = datasets.parity(inputs)
    assert parity_most_right(inputs) == most_by_list(answers, inputs)
    assert most_right(x, answers)[0] == parity_most_right(inputs)


def test_cover_counts_what_a_plane_separates():
    rng = np.random.default_rng(0)
    for cases, inputs in ((4, 1), (5, 2), (6, 3)):
        x = rng.standard_normal((cases, inputs))
        separated = sum(separable(x, number >> np.arange(cases) & 1) for number in range(2**cases))
        assert separated == cover_count(cases, inputs)
    assert cover_count(16, 7) == 2**15  # half of all answers where cases are twice the weights
    assert [cover_count(2**n, n) for n in (1, 2, 3)] == [4, 14, 128]


@pytest.mark.parametrize("inputs", range(1, 9))
def test_weights_for_parity_by_hand_give_parity(inputs):
    x, answers = datasets.parity(inputs)
    y, _ = Network((Dense(inputs, inputs), Dense(inputs, 1))).forward(parity_weights(inputs), x)
    assert np.abs(y - answers).max() < 0.01


def test_fewest_units_is_what_adding_one_after_the_other_finds():
    x, answers = datasets.parity(3)
    layer = Network((Dense(3, 8),))
    found = set()
    for seed in range(6):
        hidden = layer.forward(layer.init(uniform(5.0), rng=np.random.default_rng(seed)), x)[0]
        one_by_one = next(n for n in range(1, 9) if separable(hidden[:, :n], answers))
        assert fewest_units(hidden, answers) == one_by_one
        found.add(one_by_one)
    assert len(found) > 1
    assert fewest_units(x, answers) is None
    assert fewest_units(np.column_stack([answers, x]), answers) == 1


@pytest.mark.parametrize(
    ("x", "answers"),
    [
        (np.zeros((3, 2)), np.zeros(4)),
        (np.zeros(3), np.zeros(3)),
        (np.zeros((0, 2)), np.zeros(0)),
        (np.full((2, 1), np.nan), np.array([0, 1])),
    ],
)
def test_cases_that_do_not_fit_are_refused(x, answers):
    for function in (separable, separating_weights, certificate, four_cases, most_right):
        with pytest.raises(InputError, match="one row for each case"):
            function(x, answers)


def test_a_solver_that_gives_up_is_no_answer(monkeypatch):
    gave_up = SimpleNamespace(x=None, status=4, message="numerical difficulties")
    for name in ("linprog", "milp"):
        monkeypatch.setattr(scipy.optimize, name, lambda *args, **kwargs: gave_up)
    for function in (separable, certificate, most_right):
        with pytest.raises(BackpropError, match="gave up \\(numerical difficulties\\)"):
            function(*datasets.xor())


def test_shares_that_prove_nothing_and_weights_that_rounding_spoils_are_not_handed_out(monkeypatch):
    def wrong(margin):
        return lambda basis, sign: (np.ones(basis.shape[1]), margin, np.arange(1.0, len(sign) + 1))

    monkeypatch.setattr(separability, "_widest", wrong(0.0))
    with pytest.raises(BackpropError, match="no proof"):
        certificate(*datasets.xor())
    monkeypatch.setattr(separability, "_widest", wrong(1.0))
    with pytest.raises(BackpropError, match="rounding spoils"):
        separating_weights(*datasets.xor())


def test_the_hidden_plane_joins_cases_names_them_and_shows_the_line():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    from backprop import plotting

    _, answers = datasets.xor()
    points = np.array([[0.1, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    figure, ax = plt.subplots()
    plotting.hidden_plane(ax, points, answers[:, 0], "abcd", np.array([1.0, -1.0, -0.5]))
    off, on = (line.get_xydata() for line in ax.lines)
    np.testing.assert_array_equal(off, points[[0, 3]])
    np.testing.assert_array_equal(on, points[[1, 2]])
    assert [text.get_text() for text in ax.texts] == ["a", "b, c", "d"]
    (line,) = (path for each in ax.collections for path in each.get_paths())
    np.testing.assert_allclose(line.vertices @ [1, -1], 0.5, atol=1e-9)
    plotting.hidden_plane(ax, points, answers[:, 0], "abcd", np.array([1.0, 1.0, 9.0]))
    assert len(ax.collections) == 1  # that line is out of sight
    plt.close(figure)
