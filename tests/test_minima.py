"""Exact derivatives of small networks, and the printed minimum of exclusive or."""

import numpy as np
import pytest

from backprop import Dense, Network, datasets, minima, symmetry_minima
from backprop.experiments import xor_minimum
from backprop.gradcheck import central_differences
from backprop.losses import HALF_SUMMED_SQUARES

NET = Network((Dense(3, 2), Dense(2, 2)))
RNG = np.random.default_rng(0)
W, X, D = RNG.normal(size=NET.n_params), RNG.uniform(size=(5, 3)), RNG.uniform(size=(5, 2))


def loss(w):
    return float(HALF_SUMMED_SQUARES.value(NET.forward(w, X)[0], D))


def test_the_gradient_is_that_of_the_loss_also_for_replicas():
    np.testing.assert_allclose(
        minima.gradient(NET, W, X, D), central_differences(loss, W), rtol=1e-6, atol=1e-9
    )
    both = minima.gradient(NET, np.stack([W, 2 * W]), X, D)
    np.testing.assert_allclose(both[1], minima.gradient(NET, 2 * W, X, D))


def test_the_jacobian_has_a_row_for_each_output_of_each_case():
    rows = minima.jacobian(NET, W, X)
    assert rows.shape == (10, NET.n_params)
    for i, row in enumerate(rows):
        one = central_differences(lambda v, i=i: float(NET.forward(v, X)[0].ravel()[i]), W)
        np.testing.assert_allclose(row, one, rtol=1e-6, atol=1e-9)


def test_the_hessian_is_the_second_derivative_of_the_loss():
    h = minima.hessian(NET, W, X, D)
    e, step = np.eye(W.size) * 1e-3, 1e-3
    for i, j in ((0, 0), (1, 7), (12, 3)):
        mixed = loss(W + e[i] + e[j]) - loss(W + e[i] - e[j])
        mixed += loss(W - e[i] - e[j]) - loss(W - e[i] + e[j])
        assert h[i, j] == pytest.approx(mixed / (4 * step**2), rel=1e-3, abs=1e-5)
    np.testing.assert_allclose(minima.curvatures(NET, W, X, D), np.linalg.eigvalsh(h))


def test_descent_of_second_order_finds_a_loss_of_zero_where_there_is_one():
    teacher = RNG.normal(size=NET.n_params)
    d = NET.forward(teacher, X)[0]
    w, value = minima.descend(NET, teacher + 0.1, X, d, steps=500)
    assert value < 1e-12
    np.testing.assert_allclose(NET.forward(w, X)[0], d, atol=1e-5)


# The printed minimum.


def test_the_printed_weights_stop_halfway_between_two_answers():
    y = xor_minimum.NETWORK.forward(xor_minimum.PRINTED, datasets.xor()[0])[0].ravel()
    np.testing.assert_allclose(y, [0.1, 0.5, 0.9, 0.5], atol=0.005)  # 00, 01, 10, 11
    facts = {name: fact() for name, fact in xor_minimum.FACTS.items()}
    assert facts == {
        **{"output_00": 0.1, "output_01": 0.5, "output_10": 0.9, "output_11": 0.5},
        "is_minimum": 1.0,
    }


def test_descent_from_the_printed_weights_ends_on_the_floor_of_a_valley():
    w, value = xor_minimum.end_of_descent()
    assert value == pytest.approx(0.16, abs=1e-6)  # two targets of .1 and .9 answered by .5
    assert np.abs(w).max() > 2 * np.abs(xor_minimum.PRINTED).max()  # it runs away


def test_a_solution_and_a_slope_are_no_local_minimum(monkeypatch):
    x, d = xor_minimum.cases(xor_minimum.Config())
    solved = minima.descend(xor_minimum.NETWORK, np.array([6, -6, -6, 6, -3, -3, 8, 8, -4.0]), x, d)
    assert solved[1] < 1e-6
    for end in (solved, (xor_minimum.PRINTED, 0.16)):
        monkeypatch.setattr(xor_minimum, "end_of_descent", lambda end=end: end)
        assert not xor_minimum.is_minimum()


def test_weights_are_moved_by_just_the_sizes_asked_for():
    config = xor_minimum.Config(sizes=(0.5, 3.0))
    starts = xor_minimum.moved(config, seed=1)
    away = np.linalg.norm(starts - xor_minimum.PRINTED, axis=1)
    np.testing.assert_allclose(away, [0.5, 3.0])
    assert not np.allclose(starts, xor_minimum.moved(config, seed=2))


def test_descent_near_the_minimum_stays_and_a_run_does_not_depend_on_its_block():
    config = xor_minimum.Config(sizes=(0.01, 12.0), sweeps=2000)
    both = xor_minimum.runs(config, [0, 1])
    assert not both[0]["learned"][0] and not both[1]["learned"][0]
    assert both[1]["loss"][0] == pytest.approx(0.16, abs=0.001)
    assert both[1] == xor_minimum.run(config, seed=1)


def test_one_answer_for_a_group_costs_what_the_best_constant_costs():
    d = np.array([[0.1], [0.9], [0.9], [0.1]])
    for group in ([0, 1], [1, 2, 3], [0, 1, 2, 3]):
        answers = np.linspace(0, 1, 10_001)
        best = min(0.5 * ((d[group] - y) ** 2).sum() for y in answers)
        assert minima.shared_answers_loss(d, [group]) == pytest.approx(best, abs=1e-8)
    assert minima.shared_answers_loss(d, [[1, 2]]) == 0
    two = minima.shared_answers_loss(d, [[0, 1], [2, 3]])
    assert two == pytest.approx(2 * minima.shared_answers_loss(d, [[0, 1]]))
    targets = np.where(datasets.symmetry()[1] > 0.5, 0.9, 0.1)
    missed = [*np.flatnonzero(targets[:, 0] > 0.5)[:3], *np.flatnonzero(targets[:, 0] < 0.5)]
    assert minima.shared_answers_loss(targets, [missed]) == pytest.approx(
        symmetry_minima.missed_loss(3, low=0.1, high=0.9)
    )
