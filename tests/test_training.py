"""Optimisers and the two training loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop import datasets
from backprop.errors import InputError, TrainingDiverged
from backprop.initialisers import uniform
from backprop.layers import Dense, Mask
from backprop.losses import CROSS_ENTROPY, HALF_SUMMED_SQUARES, MEAN_SQUARES
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
from backprop.training import (
    NEVER,
    all_errors_below,
    mean_curvature,
    train_batch,
    train_online,
)

XOR_X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
XOR_D = np.array([[0.0], [1], [1], [0]])
NETWORK = Network((Dense(2, 3), Dense(3, 1)))
OPTIMISERS = [
    SteepestDescent(0.5),
    Momentum(0.5, 0.9),
    Decay(Momentum(0.5, 0.9), 1e-4),
    PseudoNewton(0.05),
    Adam(0.01),
]


def weights(seeds):
    return NETWORK.init_replicas(uniform(0.5), seeds=seeds)


def loss_at(w):
    return HALF_SUMMED_SQUARES.value(NETWORK.forward(w, XOR_X)[0], XOR_D)


def test_two_steps_of_each_optimiser_by_hand():
    w, g = np.array([1.0, -2.0]), np.array([0.5, 1.0])
    w1, state = SteepestDescent(0.1).step(w, g, None)
    np.testing.assert_allclose(w1, [0.95, -2.1])

    momentum = Momentum(0.1, 0.9)
    w1, state = momentum.step(w, g, momentum.start(w))
    w2, state = momentum.step(w1, g, state)
    np.testing.assert_allclose(w1, [0.95, -2.1])
    np.testing.assert_allclose(w2, [0.95 - 0.045 - 0.05, -2.1 - 0.09 - 0.1])

    decay = Decay(SteepestDescent(0.1), 0.002)
    np.testing.assert_allclose(decay.step(w, g, decay.start(w))[0], [0.95 * 0.998, -2.1 * 0.998])

    newton, h = PseudoNewton(0.1, mu=0.5, gamma=0.25), np.array([4.0, 0.0])
    w1, average = newton.step(w, g, newton.start(w), h)
    np.testing.assert_allclose(average, [1.0, 0.0])
    np.testing.assert_allclose(w1, [1 - 0.1 * 0.5 / 1.5, -2 - 0.1 * 1.0 / 0.5])
    _, average = newton.step(w1, g, average, h)
    np.testing.assert_allclose(average, [1.75, 0.0])


def test_two_steps_of_adam_by_hand():
    w, g = np.array([1.0, -2.0]), np.array([0.5, 1.0])
    adam = Adam(0.1, beta1=0.5, beta2=0.75, epsilon=0.25)
    w1, state = adam.step(w, g, adam.start(w))
    # Averages m = g / 2 and v = g^2 / 4; corrected by 1 - 0.5 and 1 - 0.75 they are g and g^2.
    np.testing.assert_allclose(state, [0.25, 0.5, 0.0625, 0.25, 1])
    np.testing.assert_allclose(w1, [1 - 0.1 * 0.5 / 0.75, -2 - 0.1 * 1 / 1.25])
    # Then the gradient of the first weight turns round, and that of the second vanishes.
    w2, state = adam.step(w1, np.array([-0.5, 0.0]), state)
    m, v = np.array([-0.125, 0.25]), np.array([0.109375, 0.1875])
    np.testing.assert_allclose(state, [*m, *v, 2])
    corrected = (m / 0.75) / (np.sqrt(v / 0.4375) + 0.25)
    np.testing.assert_allclose(w2, w1 - 0.1 * corrected)


def test_the_first_step_of_adam_has_the_same_size_for_every_weight():
    adam, g = Adam(0.01), np.array([1e-3, -5.0, 200.0])
    w, _ = adam.step(np.zeros(3), g, adam.start(np.zeros(3)))
    np.testing.assert_allclose(w, -0.01 * np.sign(g), rtol=1e-4)


def test_adam_keeps_its_averages_and_its_number_of_steps_for_each_replica():
    w = weights(range(4)).astype(np.float32)
    adam = Adam()
    state = adam.start(w)
    assert state.shape == (4, 2 * 13 + 1)
    w, state = adam.step(w, np.ones_like(w), state)
    assert state.shape == (4, 2 * 13 + 1)
    assert w.dtype == state.dtype == np.float32
    np.testing.assert_array_equal(state[:, -1], 1)


def test_the_step_of_pass_newton_leaves_the_curvature_as_it_is():
    w, g, h = np.array([1.0, -2.0]), np.array([0.5, 1.0]), np.array([4.0, 0.0])
    newton = PassNewton(0.1, mu=0.5)
    w1, kept = newton.step(w, g, h)
    np.testing.assert_allclose(w1, [1 - 0.1 * 0.5 / 4.5, -2 - 0.1 * 1.0 / 0.5])
    np.testing.assert_array_equal(kept, h)


@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=lambda o: type(o).__name__)
def test_every_optimiser_lowers_the_loss(optimiser):
    w = weights(range(5))
    result = train_batch(NETWORK, w, XOR_X, XOR_D, optimiser=optimiser, sweeps=300)
    np.testing.assert_allclose(result.loss, loss_at(result.w))
    assert (result.loss < loss_at(w)).all()
    online = train_online(NETWORK, w, XOR_X, XOR_D, optimiser=optimiser, passes=300)
    assert (loss_at(online) < loss_at(w)).all()


@settings(max_examples=10)
@given(
    seeds=st.lists(st.integers(0, 10_000), min_size=1, max_size=4, unique=True),
    which=st.integers(0, len(OPTIMISERS) - 1),
)
def test_training_replicas_at_once_equals_training_them_one_by_one(seeds, which):
    optimiser = OPTIMISERS[which]
    criteria = {"learned": all_errors_below(0.4)}
    options = {"optimiser": optimiser, "sweeps": 120, "criteria": criteria, "every": 10}
    together = train_batch(NETWORK, weights(seeds), XOR_X, XOR_D, **options)
    online = train_online(NETWORK, weights(seeds), XOR_X, XOR_D, optimiser=optimiser, passes=20)
    for i, seed in enumerate(seeds):
        alone = train_batch(NETWORK, weights([seed]), XOR_X, XOR_D, **options)
        np.testing.assert_allclose(alone.w[0], together.w[i], rtol=1e-7, atol=1e-9)
        assert alone.reached["learned"][0] == together.reached["learned"][i]
        assert alone.sweeps[0] == together.sweeps[i]
        single = train_online(
            NETWORK, weights([seed])[0], XOR_X, XOR_D, optimiser=optimiser, passes=20
        )
        np.testing.assert_allclose(single, online[i], rtol=1e-7, atol=1e-9)


def test_sweeps_to_the_criterion_count_weight_changes():
    criteria = {"learned": all_errors_below(0.4)}
    options = {"optimiser": Momentum(0.5, 0.9), "criteria": criteria}
    result = train_batch(NETWORK, weights([1]), XOR_X, XOR_D, sweeps=2000, **options)
    needed = result.reached["learned"][0]
    assert 0 < needed < 2000
    # One sweep fewer is not enough; exactly as many are, and the weights are those.
    short = train_batch(NETWORK, weights([1]), XOR_X, XOR_D, sweeps=needed - 1, **options)
    assert short.reached["learned"][0] == NEVER
    exact = train_batch(NETWORK, weights([1]), XOR_X, XOR_D, sweeps=needed, **options)
    assert exact.reached["learned"][0] == exact.sweeps[0] == needed
    np.testing.assert_array_equal(exact.w, result.w)
    assert np.abs(NETWORK.forward(result.w[0], XOR_X)[0] - XOR_D).max() < 0.4


def test_the_first_sweep_that_meets_a_criterion_counts():
    side, tight = all_errors_below(0.5), all_errors_below(0.1)
    options = {"optimiser": Momentum(0.5, 0.9), "sweeps": 3000}
    one = train_batch(NETWORK, weights([1, 2]), XOR_X, XOR_D, criteria={"side": side}, **options)
    both = train_batch(
        NETWORK, weights([1, 2]), XOR_X, XOR_D, criteria={"side": side, "tight": tight}, **options
    )
    np.testing.assert_array_equal(both.reached["side"], one.reached["side"])
    assert (both.reached["side"] < both.reached["tight"]).all()


def test_the_history_begins_before_the_first_sweep_and_ends_after_the_last():
    w = weights([0])
    result = train_batch(
        NETWORK, w, XOR_X, XOR_D, optimiser=SteepestDescent(0.5), sweeps=4, every=2
    )
    np.testing.assert_allclose(result.history[[0, -1], 0], [loss_at(w)[0], result.loss[0]])


def test_replicas_stop_on_their_own_and_keep_their_place():
    criteria = {"learned": all_errors_below(0.4)}
    seeds = range(6)
    result = train_batch(
        NETWORK,
        weights(seeds),
        XOR_X,
        XOR_D,
        optimiser=Momentum(0.5, 0.9),
        sweeps=400,
        criteria=criteria,
        every=50,
    )
    stopped = result.reached["learned"]
    assert len(set(stopped)) > 2, "the test needs replicas that stop at different times"
    assert result.history.shape == (result.sweeps.max() // 50 + 1, 6)
    for i, sweeps in enumerate(result.sweeps):
        written = np.isfinite(result.history[:, i])
        assert written.sum() == sweeps // 50 + 1
    np.testing.assert_allclose(result.loss, loss_at(result.w))


def test_initial_weights_are_left_as_they_are():
    w = weights([0])
    before = w.copy()
    train_batch(NETWORK, w, XOR_X, XOR_D, optimiser=Momentum(0.5), sweeps=5)
    train_online(NETWORK, w, XOR_X, XOR_D, optimiser=PseudoNewton(0.1), passes=2)
    np.testing.assert_array_equal(w, before)


def test_online_learning_follows_the_order_it_is_given():
    seen = []

    def order(number):
        seen.append(number)
        return [3, 1]

    w = weights([0])[0]
    reached = []
    ours = train_online(
        NETWORK,
        w,
        XOR_X,
        XOR_D,
        optimiser=SteepestDescent(0.5),
        passes=2,
        order=order,
        after_pass=lambda number, w: reached.append((number, w)),
    )
    expected = w
    for case in [3, 1, 3, 1]:
        y, caches = NETWORK.forward(expected, XOR_X[[case]])
        expected = expected - 0.5 * NETWORK.backward(expected, caches, y - XOR_D[[case]])
    np.testing.assert_allclose(ours, expected, rtol=1e-12)
    assert seen == [0, 1]
    assert [number for number, _ in reached] == [1, 2]
    np.testing.assert_array_equal(reached[-1][1], ours)


def test_a_loss_that_is_not_finite_stops_training_and_says_when():
    linear = Network((Dense(2, 1, activation=_linear()),))
    w = linear.init_replicas(uniform(0.5), seeds=[0, 1])
    with pytest.raises(TrainingDiverged, match=r"replica \d .* in sweep \d+; .* smaller learning"):
        train_batch(linear, w, XOR_X, XOR_D, optimiser=SteepestDescent(1e6), sweeps=500)
    with pytest.raises(TrainingDiverged, match=r"in pass \d+"):
        train_online(linear, w, XOR_X, XOR_D, optimiser=SteepestDescent(1e6), passes=500)


def _linear():
    from backprop.activations import LINEAR

    return LINEAR


@pytest.mark.parametrize(
    ("x", "d", "message"),
    [
        (XOR_X[:, :1], XOR_D, "expected inputs"),
        (XOR_X, XOR_D[:3], "one row for each case"),
        (XOR_X[:0], XOR_D[:0], "n at least 1"),
        (np.where(XOR_X == 1, np.nan, XOR_X), XOR_D, "first in case 1"),
        (XOR_X, np.where(XOR_D == 1, np.inf, XOR_D), "desired outputs hold a value"),
    ],
)
def test_bad_cases_are_refused_by_both_loops(x, d, message):
    optimiser = SteepestDescent(0.1)
    with pytest.raises(InputError, match=message):
        train_batch(NETWORK, weights([0]), x, d, optimiser=optimiser, sweeps=1)
    with pytest.raises(InputError, match=message):
        train_online(NETWORK, weights([0])[0], x, d, optimiser=optimiser, passes=1)


def test_batch_training_asks_for_a_replica_axis():
    with pytest.raises(InputError, match=r"Use w\[None\]"):
        train_batch(
            NETWORK, weights([0])[0], XOR_X, XOR_D, optimiser=SteepestDescent(0.1), sweeps=1
        )


@pytest.mark.parametrize(
    "make",
    [
        lambda: SteepestDescent(0.0),
        lambda: Momentum(0.1, 1.0),
        lambda: Momentum(-0.1, 0.9),
        lambda: Decay(SteepestDescent(0.1), 1.5),
        lambda: PseudoNewton(0.1, mu=0.0),
        lambda: PseudoNewton(0.1, gamma=0.0),
        lambda: PseudoNewton(0.0),
        lambda: PassNewton(0.0),
        lambda: PassNewton(0.1, mu=0.0),
        lambda: PassNewton(0.1, curvature_cases=0),
        lambda: Adam(0.0),
        lambda: Adam(epsilon=0.0),
        lambda: Adam(beta1=1.0),
        lambda: Adam(beta2=-0.1),
    ],
)
def test_settings_out_of_range_are_refused(make):
    with pytest.raises(InputError, match="was given; expected"):
        make()


def test_the_pseudo_newton_step_asks_for_second_derivatives():
    with pytest.raises(InputError, match="hessian_diagonal"):
        PseudoNewton(0.1).step(np.zeros(2), np.zeros(2), None)


@pytest.mark.parametrize("optimiser", [Momentum(0.1), PassNewton(0.1), Adam()])
def test_a_step_without_state_says_where_to_get_it(optimiser):
    with pytest.raises(InputError, match=r"pass what start\(\) returned"):
        optimiser.step(np.zeros(2), np.zeros(2), None)


def test_symmetry_cannot_be_learned_without_hidden_units():
    """A single layer never gets all 64 right, however long it trains."""
    x, d = datasets.symmetry()
    single = Network((Dense(6, 1),))
    result = train_batch(
        single,
        single.init_replicas(uniform(0.3), seeds=range(5)),
        x,
        d,
        optimiser=Momentum(0.05, 0.9),
        sweeps=1000,
        criteria={"side": all_errors_below(0.5)},
    )
    assert (result.reached["side"] == NEVER).all()


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (np.ones((1, 13), dtype=int), "of type int"),
        (np.full((1, 13), np.nan), "not finite"),
    ],
)
def test_initial_weights_that_cannot_be_trained_are_refused(start, message):
    optimiser = SteepestDescent(0.1)
    with pytest.raises(InputError, match=message):
        train_batch(NETWORK, start, XOR_X, XOR_D, optimiser=optimiser, sweeps=1)
    with pytest.raises(InputError, match=message):
        train_online(NETWORK, start[0], XOR_X, XOR_D, optimiser=optimiser, passes=1)


def test_a_negative_duration_is_refused():
    optimiser = SteepestDescent(0.1)
    with pytest.raises(InputError, match="sweeps was given as -1"):
        train_batch(NETWORK, weights([0]), XOR_X, XOR_D, optimiser=optimiser, sweeps=-1)
    with pytest.raises(InputError, match="passes was given as -1"):
        train_online(NETWORK, weights([0])[0], XOR_X, XOR_D, optimiser=optimiser, passes=-1)


@pytest.mark.parametrize("order", [[-1], [0, 4]])
def test_an_order_that_names_a_missing_case_is_refused(order):
    with pytest.raises(InputError, match=f"names case {order[-1]}"):
        train_online(
            NETWORK,
            weights([0])[0],
            XOR_X,
            XOR_D,
            optimiser=SteepestDescent(0.1),
            passes=1,
            order=lambda number: order,
        )


def test_a_criterion_takes_the_answer_from_the_targets():
    y = np.array([[0.7], [0.25]])
    for d in (np.array([[1.0], [0.0]]), np.array([[0.9], [0.1]])):
        assert all_errors_below(0.31)(y, d)
        assert not all_errors_below(0.29)(y, d)


def test_decay_in_the_gradient_and_on_some_parameters_only_by_hand():
    w, g = np.array([1.0, -2.0]), np.array([0.5, 1.0])
    inside = Decay(SteepestDescent(0.1), 0.5, in_gradient=True)
    np.testing.assert_allclose(inside.step(w, g, None)[0], [1 - 0.1, -2 - 0.1 * 0.0])
    first_only = Decay(SteepestDescent(0.1), 0.5, only=np.array([True, False]))
    np.testing.assert_allclose(first_only.step(w, g, None)[0], [0.95 / 2, -2.1])


def test_a_schedule_changes_the_optimiser_and_keeps_the_momentum():
    slow, quick = Momentum(0.05, 0.5), Momentum(0.2, 0.9)
    plan = Schedule(slow, 2, quick)
    assert [plan.at(sweep) for sweep in range(4)] == [slow, slow, quick, quick]
    w, state = weights([0]), None
    state = slow.start(w)
    for sweep in range(4):
        y, caches = NETWORK.forward(w, XOR_X)
        gradient = NETWORK.backward(w, caches, y - XOR_D)
        w, state = plan.at(sweep).step(w, gradient, state)
    trained = train_batch(NETWORK, weights([0]), XOR_X, XOR_D, optimiser=plan, sweeps=4)
    np.testing.assert_array_equal(trained.w, w)
    with pytest.raises(InputError, match="from Momentum to SteepestDescent"):
        Schedule(slow, 2, SteepestDescent(0.1))


def test_a_schedule_counts_passes_online():
    plan = Schedule(Momentum(0.05, 0.5), 1, Momentum(0.2, 0.9))
    longer = train_online(NETWORK, weights([0]), XOR_X, XOR_D, optimiser=plan, passes=2)
    first = train_online(NETWORK, weights([0]), XOR_X, XOR_D, optimiser=plan, passes=1)
    alone = train_online(NETWORK, weights([0]), XOR_X, XOR_D, optimiser=plan.first, passes=1)
    slow = train_online(NETWORK, weights([0]), XOR_X, XOR_D, optimiser=plan.first, passes=2)
    np.testing.assert_array_equal(first, alone)
    assert not np.allclose(longer, slow)


def test_each_replica_can_have_its_own_cases():
    """Also after others have stopped."""
    rng = np.random.default_rng(0)
    order = np.array([rng.permutation(4)[:3] for _ in range(6)])
    options = {
        "optimiser": Momentum(0.5, 0.9),
        "sweeps": 400,
        "criteria": {"learned": all_errors_below(0.4)},
    }
    together = train_batch(NETWORK, weights(range(6)), XOR_X[order], XOR_D[order], **options)
    assert len(set(together.sweeps)) > 1
    for i, own in enumerate(order):
        alone = train_batch(NETWORK, weights([i]), XOR_X[own], XOR_D[own], **options)
        np.testing.assert_allclose(together.w[i], alone.w[0], rtol=1e-9)
        assert together.reached["learned"][i] == alone.reached["learned"][0]
    online = train_online(
        NETWORK, weights(range(6)), XOR_X[order], XOR_D[order], optimiser=Momentum(0.5), passes=3
    )
    alone = train_online(
        NETWORK,
        weights([4])[0],
        XOR_X[order[4]],
        XOR_D[order[4]],
        optimiser=Momentum(0.5),
        passes=3,
    )
    np.testing.assert_allclose(online[4], alone, rtol=1e-9)
    with pytest.raises(InputError, match="the replicas as a first axis"):
        train_batch(NETWORK, weights(range(5)), XOR_X[order], XOR_D[order], **options)


def test_snapshots_are_the_weights_of_shorter_runs():
    options = {"optimiser": Momentum(0.5, 0.9), "criteria": {"learned": all_errors_below(0.4)}}
    w = weights(range(4))
    result = train_batch(
        NETWORK, w, XOR_X, XOR_D, sweeps=300, snapshots=(0, 50, 200, 900), **options
    )
    assert sorted(result.snapshots) == [0, 50, 200, 900]
    np.testing.assert_array_equal(result.snapshots[0], w)
    np.testing.assert_array_equal(result.snapshots[900], result.w)
    for sweeps in (50, 200):
        short = train_batch(NETWORK, w, XOR_X, XOR_D, sweeps=sweeps, **options)
        np.testing.assert_array_equal(result.snapshots[sweeps], short.w)


def test_decay_asks_for_what_its_inner_optimiser_needs():
    assert Decay(PseudoNewton(0.1), 0.1).uses_curvature
    assert not Decay(Momentum(0.1), 0.1).uses_curvature
    assert Decay(PassNewton(0.1, curvature_cases=7), 0.1).curvature_cases == 7
    assert [optimiser.curvature_cases for optimiser in OPTIMISERS] == [0] * len(OPTIMISERS)


# Curvature measured before each pass.


@pytest.mark.parametrize("loss", [HALF_SUMMED_SQUARES, CROSS_ENTROPY], ids=lambda loss: loss.name)
def test_mean_curvature_is_the_average_over_the_cases(loss):
    w = weights([0, 1])
    each = []
    for i in range(4):
        y, caches = NETWORK.forward(w, XOR_X[[i]])
        each.append(NETWORK.hessian_diagonal(w, caches, loss.curvature(y, XOR_D[[i]])))
    ours = mean_curvature(NETWORK, w, XOR_X, XOR_D, loss)
    np.testing.assert_allclose(ours, np.mean(each, axis=0), rtol=1e-12)


@pytest.mark.parametrize("cases", [2, 500], ids=["the first two cases", "more than there are"])
def test_pass_newton_measures_before_each_pass_and_keeps_it_during_the_pass(cases):
    newton = PassNewton(0.05, mu=0.1, curvature_cases=cases)
    w = expected = weights([0, 1])
    for _ in range(2):
        first = slice(cases)
        h = mean_curvature(NETWORK, expected, XOR_X[first], XOR_D[first], HALF_SUMMED_SQUARES)
        for i in range(4):
            y, caches = NETWORK.forward(expected, XOR_X[[i]])
            gradient = NETWORK.backward(expected, caches, y - XOR_D[[i]])
            expected = expected - 0.05 * gradient / (0.1 + h)
    ours = train_online(NETWORK, w, XOR_X, XOR_D, optimiser=newton, passes=2)
    np.testing.assert_allclose(ours, expected, rtol=1e-12)
    # Also inside another optimiser.
    inner = train_online(NETWORK, w, XOR_X, XOR_D, optimiser=Decay(newton, 0.0), passes=2)
    np.testing.assert_array_equal(inner, ours)


def test_pass_newton_lowers_the_loss():
    w = weights(range(5))
    ours = train_online(NETWORK, w, XOR_X, XOR_D, optimiser=PassNewton(0.05), passes=300)
    assert (loss_at(ours) < loss_at(w)).all()


# A few cases in a step, new cases for each pass, thinned networks.


def steps_by_hand(w, groups, lr=0.5):
    """Go down the summed gradient of one group of cases after the other."""
    for rows in groups:
        y, caches = NETWORK.forward(w, XOR_X[rows])
        w = w - lr * NETWORK.backward(w, caches, y - XOR_D[rows])
    return w


@pytest.mark.parametrize(
    ("batch", "order", "groups"),
    [
        (1, None, [[0], [1], [2], [3]]),
        (3, None, [[0, 1, 2], [3]]),
        (4, None, [[0, 1, 2, 3]]),
        (9, None, [[0, 1, 2, 3]]),
        (1, [3, 1], [[3], [1]]),
        (2, [3, 1, 0], [[3, 1], [0]]),
    ],
)
def test_a_step_takes_the_summed_gradient_of_its_cases_and_the_last_what_is_left(
    batch, order, groups
):
    w = weights([0, 1])
    ours = train_online(
        NETWORK,
        w,
        XOR_X,
        XOR_D,
        optimiser=SteepestDescent(0.5),
        passes=2,
        batch=batch,
        order=None if order is None else lambda number: iter(order),
    )
    np.testing.assert_allclose(ours, steps_by_hand(w, groups * 2), rtol=1e-12)


@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=lambda o: type(o).__name__)
@pytest.mark.parametrize("loss", [HALF_SUMMED_SQUARES, MEAN_SQUARES], ids=lambda loss: loss.name)
def test_a_pass_with_all_cases_in_one_step_is_a_sweep_of_batch_learning(optimiser, loss):
    w = weights([0, 1])
    how = {"optimiser": optimiser, "loss": loss}
    ours = train_online(NETWORK, w, XOR_X, XOR_D, passes=5, batch=4, **how)
    sweeps = train_batch(NETWORK, w, XOR_X, XOR_D, sweeps=5, **how).w
    np.testing.assert_allclose(ours, sweeps, rtol=1e-10)


@pytest.mark.parametrize("batch", [0, -2])
def test_a_step_without_cases_is_refused(batch):
    with pytest.raises(InputError, match=f"batch was given as {batch}; expected 1 case"):
        train_online(
            NETWORK,
            weights([0])[0],
            XOR_X,
            XOR_D,
            optimiser=SteepestDescent(0.1),
            passes=1,
            batch=batch,
        )


def test_each_pass_has_the_cases_that_renew_gives_for_it():
    asked = []
    given = [(XOR_X[:2], XOR_D[:2]), (XOR_X[1:], XOR_D[1:]), (XOR_X[3:], XOR_D[3:])]

    def renew(number):
        asked.append(number)
        return given[number]

    w = weights([0, 1])
    ours = train_online(
        NETWORK, w, XOR_X, XOR_D, optimiser=SteepestDescent(0.5), passes=3, renew=renew
    )
    assert asked == [0, 1, 2]
    cases = [[0], [1], [1], [2], [3], [3]]
    np.testing.assert_allclose(ours, steps_by_hand(w, cases), rtol=1e-12)


def test_curvature_and_order_are_those_of_the_renewed_cases():
    newton, w = PassNewton(0.05), weights([0])
    options = {"optimiser": newton, "passes": 1, "order": lambda number: [1, 0]}
    ours = train_online(
        NETWORK, w, XOR_X, XOR_D, renew=lambda number: (XOR_X[2:], XOR_D[2:]), **options
    )
    alone = train_online(NETWORK, w, XOR_X[2:], XOR_D[2:], **options)
    np.testing.assert_array_equal(ours, alone)


@pytest.mark.parametrize(
    ("x", "d", "message"),
    [
        (XOR_X[:, :1], XOR_D, "expected inputs"),
        (XOR_X, XOR_D[:3], "one row for each case"),
        (np.where(XOR_X == 1, np.nan, XOR_X), XOR_D, "first in case 1"),
    ],
)
def test_renewed_cases_that_do_not_fit_are_refused(x, d, message):
    with pytest.raises(InputError, match=message):
        train_online(
            NETWORK,
            weights([0])[0],
            XOR_X,
            XOR_D,
            optimiser=SteepestDescent(0.1),
            passes=1,
            renew=lambda number: (x, d),
        )


def thinned(off):
    """Leave one hidden unit out of the network."""
    factors = np.ones((1, 3))
    factors[0, off] = 0
    return Network((NETWORK.layers[0], Mask(factors), NETWORK.layers[1]))


def test_every_step_has_a_thinned_network_of_its_own():
    w = weights([0])
    left_out = iter([0, 2, 1, 0, 1, 1])
    ours = train_online(
        NETWORK,
        w,
        XOR_X,
        XOR_D,
        optimiser=SteepestDescent(0.5),
        passes=3,
        batch=2,
        thin=lambda cases: thinned(next(left_out)),
    )
    assert next(left_out, None) is None, "one network a step"
    expected = w
    for off, rows in zip([0, 2, 1, 0, 1, 1], [[0, 1], [2, 3]] * 3, strict=True):
        network = thinned(off)
        y, caches = network.forward(expected, XOR_X[rows])
        expected = expected - 0.5 * network.backward(expected, caches, y - XOR_D[rows])
    np.testing.assert_allclose(ours, expected, rtol=1e-12)


def test_a_thinned_network_is_told_the_number_of_its_cases():
    told = []

    def thin(cases):
        told.append(cases)
        return NETWORK

    optimiser = SteepestDescent(0.5)
    train_online(
        NETWORK, weights([0]), XOR_X, XOR_D, optimiser=optimiser, passes=2, batch=3, thin=thin
    )
    assert told == [3, 1, 3, 1]


def test_the_curvature_before_a_pass_is_that_of_the_whole_network():
    w, newton = weights([0]), PassNewton(0.05, mu=0.1)
    ours = train_online(
        NETWORK, w, XOR_X, XOR_D, optimiser=newton, passes=1, batch=4, thin=lambda cases: thinned(0)
    )
    h = mean_curvature(NETWORK, w, XOR_X, XOR_D, HALF_SUMMED_SQUARES)
    y, caches = thinned(0).forward(w, XOR_X)
    gradient = thinned(0).backward(w, caches, y - XOR_D)
    np.testing.assert_allclose(ours, w - 0.05 * gradient / (0.1 + h), rtol=1e-12)


def test_batch_training_refuses_an_optimiser_that_would_never_see_the_curvature():
    with pytest.raises(InputError, match="Use train_online"):
        train_batch(NETWORK, weights([0]), XOR_X, XOR_D, optimiser=PassNewton(0.1), sweeps=1)
