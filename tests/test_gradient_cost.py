"""What a gradient costs: counts against formulas, and what is made of times."""

import math

import numpy as np
import pytest

from backprop import experiments, results
from backprop.activations import TANH
from backprop.experiments import gradient_cost, zip_codes
from backprop.experiments.gradient_cost import Square, count, dense, predicted_products
from backprop.layers import Dense, Unshared
from backprop.network import Network
from backprop.recurrent import Recurrent


@pytest.mark.parametrize("seed", range(20))
def test_equation_of_multiplications(seed):
    """What a loss and a gradient really multiply, against the formula, in random networks."""
    rng = np.random.default_rng(seed)
    network = dense(rng.integers(1, 30, size=rng.integers(2, 7)).tolist())
    cases = int(rng.integers(1, 9))
    loss, gradient = count(network, cases)
    assert (loss.products, gradient.products) == predicted_products(network, cases)


def test_the_count_of_the_network_worked_by_hand_is_that_on_paper():
    loss, gradient = count(dense([2, 2, 1]), 1)
    # Forward 2 * 2 + 2 * 1; backward the gradient of each weight, and w_5i δ_5 for two units.
    assert (loss.products, gradient.products) == (6, 6 + 6 + 2)
    # Each of three logistic units halves twice; the loss squares and halves. Backward each unit
    # takes y (1 - y) and multiplies by it.
    assert loss.elementwise == 3 * 2 + 2
    assert gradient.elementwise == 3 * 2 + 3 * 2


def test_shared_weights_multiply_at_every_place():
    network = zip_codes.network()
    h1, h2, h3, out = network.layers
    # A matrix product also multiplies by the zeros where the table has no connection.
    by_layer = [
        h1.positions * 25 * 12,
        h2.positions * 25 * 12 * 12,
        h3.n_in * h3.n_out,
        out.n_in * out.n_out,
    ]
    loss, gradient = count(network, 3)
    assert loss.products == 3 * sum(by_layer)
    assert gradient.products == 3 * (3 * sum(by_layer) - by_layer[0])


def test_weights_in_time_multiply_at_every_step():
    steps, cell = 4, Dense(5, 3, TANH)
    loss, gradient = count(Network((Recurrent(cell, steps=steps),)), 2)
    # At the first step no signal is needed below; the states before it are data.
    assert loss.products == 2 * steps * 15
    assert gradient.products == 2 * (3 * steps - 1) * 15


def test_weights_of_one_unit_each_cost_as_much_as_shared_ones():
    kernels = [
        kind((6, 6, 1), maps=2, size=3) for kind in (Unshared, type(zip_codes.network().layers[0]))
    ]
    counts = [count(Network((kernel,)), 2) for kernel in kernels]
    assert counts[0][0].products == counts[1][0].products
    assert counts[0][1].products == counts[1][1].products


def test_a_wasteful_gradient_would_be_noticed(monkeypatch):
    assert gradient_cost.operations_at_most_three() == 1
    once = gradient_cost.gradient

    def wasteful(*arguments):
        once(*arguments)
        return once(*arguments)

    monkeypatch.setattr(gradient_cost, "gradient", wasteful)
    assert gradient_cost.operations_at_most_three() == 0


def test_equation_of_days():
    """A way that costs as many losses takes as long, and twice as many twice as long."""
    assert gradient_cost.days_instead(2.5, gradient=2.5, days=3) == pytest.approx(3, rel=1e-12)
    days = gradient_cost.days_instead(19_520, gradient=2.75, days=3)
    assert days == pytest.approx(3 * 19_520 / 2.75, rel=1e-12)


# Times.


def test_the_power_of_a_growth_is_found():
    weights = [100, 1000, 10_000]
    assert gradient_cost.exponent(weights, [7, 7, 7]) == pytest.approx(0)
    assert gradient_cost.exponent(weights, [30, 300, 3000]) == pytest.approx(1)
    assert gradient_cost.exponent(weights, [1, 10, 1]) == pytest.approx(0)
    assert gradient_cost.exponent(weights[:1], [7]) is None


def test_the_shortest_of_several_rounds_counts_until_time_is_up():
    durations = {"a": iter([5, 3, 9, 9]), "b": iter([2, 4, 1, 9])}
    now = 0.0

    def clock():
        return now

    def work(name):
        def function(unit):
            nonlocal now
            now += unit * next(durations[name])

        return function

    found = gradient_cost.shortest_times(
        [work("a"), work("b")], 2.0, repeats=4, seconds=40, clock=clock
    )
    # After three rounds 48 seconds have passed; there is no fourth.
    assert found == [6, 2]
    assert len(list(durations["a"])) == 1
    assert gradient_cost.shortest_time(lambda: None, repeats=2) < 1


@pytest.mark.parametrize(
    ("backward", "differences", "expected"),
    [
        (2.5, 2.0, (True, True, True)),
        (6.0, 2.0, (False, True, True)),
        (lambda p: p**0.09, lambda p: p**0.09, (True, True, True)),
        (lambda p: p**0.11, lambda p: p**0.11, (True, False, False)),
        (lambda p: p**-0.11, lambda p: p**-0.11, (True, False, False)),
    ],
)
def test_a_run_answers_the_questions_of_the_claims(monkeypatch, backward, differences, expected):
    def at(value, weights):
        return value(weights) if callable(value) else value

    def costs(config, width, rng):
        slow = at(differences, width) * width if width <= 1000 else None
        cost = {"weights": width, "backward": at(backward, width)}
        return cost | {"differences": slow, "forward": slow}

    monkeypatch.setattr(gradient_cost, "_costs", costs)
    run = gradient_cost.run(Square(widths=(100, 1000, 10_000)), seed=0)
    names = ("within_five", "flat", "differences_linear")
    assert tuple(run[name] for name in names) == expected
    assert run["forward_linear"] == run["differences_linear"]
    assert run["forward"][-1] is None


def test_a_run_with_one_size_has_no_power():
    run = gradient_cost.run(Square(widths=(2,), size=2, repeats=1, slow_repeats=1), seed=0)
    assert run["weights"] == [12]
    assert run["exponent_backward"] is run["flat"] is run["forward_linear"] is None
    assert run["within_five"] in (True, False)


def test_all_ways_that_are_timed_compute_one_gradient():
    network = dense([3, 4, 2])
    rng = np.random.default_rng(0)
    case = rng.normal(size=network.n_params), network, rng.normal(size=(5, 3)), np.ones((5, 2))
    expected = gradient_cost.gradient(*case)
    np.testing.assert_allclose(gradient_cost.forward_mode(*case), expected, rtol=1e-12)
    np.testing.assert_allclose(gradient_cost.differences(*case), expected, rtol=1e-6)


def test_sizes_run_from_a_hundred_to_ten_million():
    config = experiments.preset(gradient_cost, "hundred-to-ten-million")
    weights = [dense([m] * 3).n_params for m in config.widths]
    assert weights == [2 * m * (m + 1) for m in config.widths]
    assert weights[0] == pytest.approx(1e2, rel=0.2)
    assert weights[-1] == pytest.approx(1e7, rel=0.01)
    ratios = np.diff(np.log10(weights))
    assert (abs(ratios - 0.5) < 0.07).all()  # half a power of ten from one to the next


@pytest.mark.parametrize("preset", ["hundred-to-ten-million", "cases-8", "cases-64"])
def test_recorded_answers_follow_from_the_recorded_costs(preset):
    record = results.load(results.default_folder(), "gradient_cost", preset)
    assert len(record.runs) >= 10
    for run in record.runs.values():
        assert run["within_five"] == (max(run["backward"]) <= 5)
        for way, centre, name in (
            ("backward", 0, "flat"),
            ("differences", 1, "differences_linear"),
            ("forward", 1, "forward_linear"),
        ):
            costs = [cost for cost in run[way] if cost is not None]
            x = np.log10(run["weights"][: len(costs)])
            y = np.log10(costs)
            power = ((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()
            assert power == pytest.approx(run[f"exponent_{way}"], abs=1e-3)
            assert run[name] == (abs(run[f"exponent_{way}"] - centre) <= 0.1) or math.isclose(
                abs(power - centre), 0.1, abs_tol=1e-3
            )
