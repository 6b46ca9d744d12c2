"""Importance of inputs: the maps, deletion, and the experiment that tests them."""

from dataclasses import replace
from functools import cache

import matplotlib
import numpy as np
import pytest
import sympy as sp

matplotlib.use("Agg")

from matplotlib import pyplot as plt
from scipy.integrate import quad
from scipy.stats import spearmanr

from backprop import attribution, datasets, plotting
from backprop.activations import LECUN_TANH, LINEAR
from backprop.errors import InputError
from backprop.experiments import importance, zip_codes, zip_reading
from backprop.initialisers import uniform, uniform_fan_in
from backprop.layers import Dense
from backprop.network import Network

NET = Network((Dense(3, 4, LECUN_TANH), Dense(4, 2)))
RNG = np.random.default_rng(0)
W = NET.init(uniform(1.5), rng=RNG)
X = RNG.uniform(-1, 1, (5, 3))
UNIT = np.array([0, 1, 1, 0, 1])
EMPTY = np.array([-1.0, 0.5, -0.3])
CASE = (NET, W, X, UNIT)


@cache
def symbolic_gradient(unit):
    """Differentiate the output of one unit of `NET`, written as a formula in its inputs."""
    x = sp.symbols("x:3")
    (w1, b1), (w2, b2) = NET.unpack(W)
    nets = [sum(x[i] * w1[i, j] for i in range(3)) + b1[j] for j in range(4)]
    hidden = [sp.Float(1.7159) * sp.tanh(sp.Rational(2, 3) * net) for net in nets]
    y = 1 / (1 + sp.exp(-sum(hidden[j] * w2[j, unit] for j in range(4)) - b2[unit]))
    return sp.lambdify([x], [sp.diff(y, each) for each in x])


def output_on_path(case, t):
    """Output of the case's unit at part `t` of the way from `EMPTY`."""
    point = EMPTY + t * (X[case] - EMPTY)
    return NET.forward(W, point[np.newaxis])[0][0, UNIT[case]]


# The equations of the page.


@pytest.mark.parametrize("case", range(2))
def test_first_order_fall(case):
    expected = (X[case] - EMPTY) * np.array(symbolic_gradient(int(UNIT[case]))(X[case]))
    ours = attribution.times_input(*CASE, empty=EMPTY)[case]
    np.testing.assert_allclose(ours, expected, rtol=1e-9)
    # A pixel that fades by a small part makes the output fall by that part of the prediction.
    part = 1e-6
    fall = attribution.fall_for_each(*CASE, empty=-1.0, part=part)[case]
    np.testing.assert_allclose(attribution.times_input(*CASE)[case], fall / part, rtol=1e-4)


def test_slope_at_the_end_of_the_path():
    sums = attribution.times_input(*CASE, empty=EMPTY).sum(axis=1)
    h = 1e-5
    slope = [(output_on_path(i, 1 + h) - output_on_path(i, 1 - h)) / (2 * h) for i in range(5)]
    np.testing.assert_allclose(sums, slope, atol=1e-8)


def test_mean_along_the_path():
    midpoints = (np.arange(3) + 0.5) / 3
    for case in range(2):
        way = X[case] - EMPTY
        mean = np.mean(
            [symbolic_gradient(int(UNIT[case]))(EMPTY + t * way) for t in midpoints], axis=0
        )
        ours = attribution.integrated(*CASE, empty=EMPTY, steps=3)[case]
        np.testing.assert_allclose(ours, way * mean, rtol=1e-9)


def test_completeness():
    importance_map = attribution.integrated(*CASE, empty=EMPTY, steps=5000)
    change = [output_on_path(i, 1) - output_on_path(i, 0) for i in range(5)]
    np.testing.assert_allclose(importance_map.sum(axis=1), change, atol=1e-8)
    np.testing.assert_allclose(attribution.gap(*CASE, importance_map, empty=EMPTY), 0, atol=1e-8)


def test_integrated_gradients_agree_with_an_adaptive_integral():
    def slope(t, i):
        point = EMPTY + t * (X[0] - EMPTY)
        return attribution.gradient(NET, W, point[np.newaxis], UNIT[:1])[0, i]

    exact = [(X[0] - EMPTY)[i] * quad(slope, 0, 1, args=(i,))[0] for i in range(3)]
    ours = attribution.integrated(*CASE, empty=EMPTY, steps=2000)[0]
    np.testing.assert_allclose(ours, exact, atol=1e-7)


# The maps.


def test_the_gap_falls_with_the_square_of_the_number_of_steps():
    size = [
        np.abs(attribution.gap(*CASE, attribution.integrated(*CASE, steps=m))).max()
        for m in (20, 40)
    ]
    assert size[0] > 1e-6
    assert size[0] / size[1] == pytest.approx(4, rel=0.1)


def test_all_maps_agree_for_a_linear_network_whatever_the_steps():
    net = Network((Dense(3, 2, LINEAR),))
    w = net.init(uniform(1), rng=np.random.default_rng(1))
    weights = net.unpack(w)[0][0]
    expected = (X - EMPTY) * weights[:, UNIT].T
    for steps in (1, 7):
        ours = attribution.integrated(net, w, X, UNIT, empty=EMPTY, steps=steps)
        np.testing.assert_allclose(ours, expected)
    np.testing.assert_allclose(attribution.times_input(net, w, X, UNIT, empty=EMPTY), expected)


def test_replicas_have_maps_of_their_own():
    w = np.stack([W, -W])
    both = attribution.integrated(NET, w, X, UNIT, steps=3)
    for row, each in zip(both, w, strict=True):
        np.testing.assert_allclose(row, attribution.integrated(NET, each, X, UNIT, steps=3))


def test_the_activation_of_the_unit_looked_at_only_scales_the_gradient():
    linear = Network((NET.layers[0], Dense(4, 2, LINEAR)))
    ratio = attribution.gradient(*CASE) / attribution.gradient(linear, W, X, UNIT)
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1], ratio.shape))
    assert np.ptp(ratio[:, 0]) > 1e-3  # another scale for each case


def test_a_saturated_unit_hides_its_input_from_the_gradient_only():
    net = Network((Dense(1, 1, LECUN_TANH, bias=False),))
    asked = net, np.array([6.0]), np.array([[1.0]]), np.array([0])
    change = 2 * 1.7159 * np.tanh(4)
    assert attribution.times_input(*asked).item() < 0.01 * change
    assert attribution.integrated(*asked, steps=100).item() == pytest.approx(change, rel=1e-3)


# Deletion.


def test_ranking_puts_high_scores_first_and_draws_lots_between_equal_ones():
    score = np.tile([0.0, 2.0, 1.0, 0.0], (200, 1))
    order = attribution.ranking(score, rng=np.random.default_rng(0))
    assert (order[:, :2] == [1, 2]).all()
    assert 60 < (order[:, 2] == 0).sum() < 140
    again = attribution.ranking(score, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(order, again)


def test_deleted_inputs_are_the_first_of_the_order_and_the_digit_is_left_alone():
    order = attribution.ranking(X, rng=np.random.default_rng(0))
    before = X.copy()
    left = attribution.without(X, order, 2)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(np.sort(left, axis=1)[:, 2], X.min(axis=1).clip(-1))
    assert ((left == -1).sum(axis=1) == 2).all()
    y = attribution.deletion(NET, W, X, order, (0, 2, 3))
    np.testing.assert_allclose(y[0], NET.predict(W, X))
    np.testing.assert_allclose(y[1], NET.predict(W, left))
    assert np.ptp(y[2], axis=0).max() < 1e-12  # nothing is left of any case


def test_asking_again_looks_at_what_is_left():
    """Two inputs that do the same for one output, and one that matters less, by itself."""
    net = Network((Dense(3, 1, LECUN_TANH, bias=False),))
    w = np.array([5.0, 4.0, -1.0])
    asked = net, w, np.ones((1, 3)), np.array([0])
    rng = np.random.default_rng(0)
    y = attribution.deletion_asking_again(*asked, (0, 1, 2, 3), rng=rng, empty=0.0)
    expected = LECUN_TANH.value(np.array([8.0, 3.0, -1.0, 0.0]))
    np.testing.assert_allclose(y.ravel(), expected)


def test_asking_again_is_the_same_as_asking_once_where_the_map_does_not_change():
    net = Network((Dense(3, 2, LINEAR),))
    w = net.init(uniform(1), rng=np.random.default_rng(1))
    rng = np.random.default_rng(0)
    order = attribution.ranking(attribution.times_input(net, w, X, UNIT), rng=rng)
    counts = (0, 1, 2, 3)
    again = attribution.deletion_asking_again(net, w, X, UNIT, counts, rng=rng)
    np.testing.assert_allclose(again, attribution.deletion(net, w, X, order, counts))


def test_the_mean_height_of_a_curve():
    curve = np.array([4.0, 2.0, 0.0, -5.0])
    assert attribution.mean_up_to((0, 1, 3, 9), curve, 3) == pytest.approx((3 + 2) / 3)
    for counts in ((0, 1, 2, 9), (1, 3), ()):
        with pytest.raises(InputError, match="averaged from 0 to 3"):
            attribution.mean_up_to(counts, curve, 3)


def test_rank_correlation_is_spearmans_and_can_look_at_some_inputs_only():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 5, (2, 6, 30)).astype(float)  # with ties
    where = rng.random(a.shape) < 0.6
    for mask in (None, where):
        ours = attribution.rank_correlation(a, b, mask)
        used = np.ones_like(where) if mask is None else mask
        expected = [spearmanr(a[i][used[i]], b[i][used[i]]).statistic for i in range(6)]
        np.testing.assert_allclose(ours, expected)
    assert attribution.rank_correlation(np.ones((1, 3)), a[:1, :3])[0] == 0
    assert attribution.rank_correlation(a[:1], b[:1], np.zeros((1, 30), dtype=bool))[0] == 0


def test_weights_are_redrawn_from_the_top():
    fresh = np.arange(NET.n_params) + 100.0
    np.testing.assert_array_equal(attribution.redraw_top(NET, W, fresh, 0), W)
    np.testing.assert_array_equal(attribution.redraw_top(NET, W, fresh, 2), fresh)
    (kept, replaced), (old, new) = (
        NET.unpack(w) for w in (attribution.redraw_top(NET, W, fresh, 1), W)
    )
    np.testing.assert_array_equal(kept[0], old[0])
    assert (replaced[0] >= 100).all()
    assert not (new[0] >= 100).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: attribution.output(NET, W, X, UNIT[:2]), "one integer from 0 to 1"),
        (lambda: attribution.gradient(NET, W, X, UNIT + 1), "one integer from 0 to 1"),
        (lambda: attribution.gradient(NET, W, X, UNIT * 1.0), "type float64"),
        (lambda: attribution.integrated(*CASE, steps=0), "at least 1"),
        (lambda: attribution.without(X, np.zeros((5, 3), dtype=int), 4), "from 0 to 3"),
        (lambda: attribution.redraw_top(NET, W, W, 3), "from 0 to 2"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


# The experiment.


@pytest.fixture
def recorded(monkeypatch, digits):
    """Random networks in place of the recorded ones, and digits that the first one reads."""
    net = zip_codes.network()
    weights = [
        net.init(uniform_fan_in(8), rng=np.random.default_rng(seed), dtype=np.float32)
        for seed in range(2)
    ]
    answers = net.predict(weights[0], digits.test_x).argmax(axis=1)
    labelled = replace(digits, test_digit=np.where(np.arange(25) < 20, answers, 9 - answers))
    monkeypatch.setattr(datasets, "zip_codes", lambda: labelled)
    monkeypatch.setattr(zip_reading, "trained", lambda preset, seed: (weights[seed], "sum"))
    monkeypatch.setattr(importance, "neighbour", lambda preset, seed: weights[1 - seed])
    return labelled


def test_only_digits_that_the_network_reads_are_drawn(recorded):
    config = importance.Config.fast()
    case = importance.reading(replace(config, cases=12), seed=0)
    assert case.x.shape == (12, 256)
    np.testing.assert_array_equal(case.net.predict(case.w, case.x).argmax(axis=1), case.unit)
    assert len(importance.reading(replace(config, cases=99), seed=0).x) == 20


def test_a_run_measures_what_it_says(recorded):
    config = importance.Config.fast()
    measured = importance.run(config, seed=0)
    curves = measured["deletions"]
    area = curves["area"]
    by_hand = attribution.mean_up_to(config.counts, np.array(curves["output"]["random"]), 256)
    assert area["random"] == pytest.approx(by_hand, abs=1e-4)
    starts, ends = ({output[i] for output in curves["output"].values()} for i in (0, -1))
    assert len(starts) == len(ends) == 1  # the digit, and the empty image
    assert all(right[0] == 1 for right in curves["right"].values())
    case = importance.reading(config, seed=0)
    by_hand = attribution.output(case.net, case.w, case.x, case.unit).mean()
    assert starts.pop() == pytest.approx(by_hand, abs=1e-4)
    # All ink deleted at once: what integrated gradients add up to, and what the path rises by.
    many, path = measured["many_pixels"], measured["path"]["all"]
    assert many["fall"][-1] == pytest.approx(path["rise"], rel=1e-3)
    assert many["times_input"][-1] == pytest.approx(path["slope"], rel=1e-3)
    assert many["rank_times_input"][-1] is None
    small, large = measured["fading"]
    assert small[0] < large[0]
    assert measured["sanity"]["all"].keys() == attribution.MAPS.keys()


@pytest.mark.parametrize(
    ("quantity", "better", "worse"),
    [
        ("gradient_beats_random", "gradient", "random"),
        ("times_input_beats_ink", "times_input", "random_ink"),
        ("integrated_beats_times_input", "integrated", "times_input"),
    ],
)
def test_the_claims_compare_whole_areas(recorded, monkeypatch, quantity, better, worse):
    def pretend(first, second):
        area = dict.fromkeys(importance.ORDERS, 0.5) | {better: first, worse: second}
        curves = {"area": area, "area_50": dict.fromkeys(importance.ORDERS, 0.5)}
        monkeypatch.setattr(importance, "deletions", lambda *_, **__: curves)
        return importance.run(importance.Config.fast(), seed=0)[quantity]

    assert pretend(0.6, 0.7)  # on one side of the others, then on the other
    assert not pretend(0.4, 0.3)


def test_the_sanity_check_looks_at_the_last_step_of_each_kind_of_map(recorded, monkeypatch):
    def pretend(of_integrated):
        rest = {kind: [0.9, 0.1] for kind in ("gradient", "times_input")}
        table = {"all": {**rest, "integrated": [0.9, of_integrated]}}
        monkeypatch.setattr(importance, "sanity", lambda *_, **__: table)
        return importance.run(importance.Config.fast(), seed=0)["maps_change"]

    assert pretend(0.4)
    assert not pretend(0.6)
    assert not pretend(-0.6)


def test_maps_of_the_same_weights_correlate_fully(recorded, monkeypatch):
    monkeypatch.setattr(attribution, "redraw_top", lambda net, w, fresh, layers: w)
    config = importance.Config.fast()
    case = importance.reading(config, seed=0)
    measured = importance.sanity(config, case, case.maps(case.w, config.steps), seed=0)
    for how in importance.WAYS:
        assert all(np.allclose(row, 1) for row in measured[how].values())
    assert measured["other"]["ink"]["gradient"] < 0.9


def test_orders_of_deletion_follow_their_names(recorded):
    config = importance.Config.fast()
    case = importance.reading(config, seed=0)
    x = np.where(np.arange(256) < 100, case.x, -1)  # some background
    maps = replace(case, x=x).maps(case.w, config.steps)
    rng = np.random.default_rng(0)
    orders = {name: importance.order_of(name, maps, x, rng=rng) for name in importance.ORDERS}
    assert all((np.sort(order, axis=1) == np.arange(256)).all() for order in orders.values())
    ranked = np.take_along_axis(np.abs(maps["gradient"]), orders["gradient"], axis=1)
    assert (np.diff(ranked, axis=1) <= 0).all()
    assert (np.diff(np.take_along_axis(x, orders["darkest"], axis=1), axis=1) <= 0).all()
    assert (orders["random_ink"][:, :100] < 100).all()
    assert (orders["gradient_ink"][:, :100] < 100).all()
    inside = np.take_along_axis(np.abs(maps["gradient"]), orders["gradient_ink"][:, :100], axis=1)
    assert (np.diff(inside, axis=1) <= 0).all()
    assert (orders["random"][:, :100] >= 100).any()


def test_random_ink_is_ink_and_as_much_as_asked_for():
    rng = np.random.default_rng(0)
    ink = rng.random((30, 256)) < rng.uniform(0.1, 0.9, (30, 1))
    for share in (0.0, 0.3, 1.0):
        drawn = importance.random_ink(ink, share, rng=rng)
        assert not (drawn & ~ink).any()
        wanted = np.maximum(np.round(share * ink.sum(axis=1)), 1)
        np.testing.assert_array_equal(drawn.sum(axis=1), wanted)


def test_halves_are_split_by_how_sure_the_network_is(recorded):
    case = importance.reading(importance.Config.fast(), seed=0)
    parts = importance.halves(case)
    y = np.sort(case.net.predict(case.w, case.x), axis=1)
    margin = y[:, -1] - y[:, -2]
    assert (parts["sure"] ^ parts["unsure"]).all()
    assert margin[parts["sure"]].min() > margin[parts["unsure"]].max()


@pytest.mark.needs_digits
def test_the_number_of_steps_is_the_smallest_that_adds_up_on_training_digits():
    config = importance.Config.paper()
    digits, net = datasets.zip_codes(), zip_codes.network()
    w, _ = zip_reading.trained(config.trained, 0)
    asked = net, w, digits.train_x[:100], digits.train_digit[:100]

    def off(steps):
        size = np.abs(attribution.gap(*asked, attribution.integrated(*asked, steps=steps)))
        return np.quantile(size, 0.9)

    assert off(config.steps) < 0.01 < off(config.steps // 2)


# The drawings.


@pytest.fixture
def closed():
    yield
    plt.close("all")


def test_each_digit_stands_beside_its_maps_on_their_own_scales(closed):
    pictures = np.stack([np.eye(4), -np.eye(4)])
    maps = {"one": np.stack([np.eye(4), 5 * np.eye(4)]), "two": np.zeros((2, 4, 4))}
    figure = plotting.importance_maps(pictures, maps, labels=["7", "8"])
    axes = np.reshape(figure.axes, (2, 3))
    assert [ax.get_title() for ax in axes[0]] == ["digit", "one", "two"]
    assert [ax.get_ylabel() for ax in axes[:, 0]] == ["7", "8"]
    for row in range(2):
        np.testing.assert_array_equal(axes[row, 0].images[0].get_array(), pictures[row])
        np.testing.assert_array_equal(axes[row, 1].images[0].get_array(), maps["one"][row])
        assert axes[row, 1].images[0].get_clim() == (
            -maps["one"][row].max(),
            maps["one"][row].max(),
        )
    assert axes[0, 2].images[0].get_clim() == (-1, 1)  # an empty map is white, not an error


def test_the_tangent_leaves_the_end_of_the_path_with_the_slope(closed):
    _, ax = plt.subplots()
    outputs = np.array([[0.0, 1, 3], [0, 1, 5], [0, 1, 4]])
    plotting.along_the_path(ax, outputs, np.array([1.0, 2, 6]), color=plotting.BLUE, label="output")
    path, tangent, end = ax.lines
    np.testing.assert_array_equal(path.get_xydata(), [[0, 0], [0.5, 1], [1, 4]])
    np.testing.assert_array_equal(tangent.get_xydata(), [[0, 2], [1, 4]])
    np.testing.assert_array_equal(end.get_xydata(), [[1, 4]])


def test_correlations_start_at_one_and_end_with_the_comparisons(closed):
    _, ax = plt.subplots()
    steps = {"a": np.array([[0.5, 0.1], [0.7, 0.3], [0.6, 0.2]])}
    beside = {"ink": {"a": np.array([0.9, 0.8, 0.7])}}
    plotting.correlations_by_layer(
        ax, steps, beside, colors={"a": plotting.BLUE}, names=["none", "one", "two"]
    )
    drawn = [container.lines[0].get_ydata().tolist() for container in ax.containers]
    assert drawn == [[1.0, 0.6, 0.2], [0.8]]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["none", "one", "two", "ink"]
    whiskers = ax.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose(
        [segment[:, 1] for segment in whiskers[1:]], [[0.5, 0.7], [0.1, 0.3]]
    )
