"""Networks: sizes, replicas, views, memory, errors, and one worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop import activations
from backprop.errors import InputError
from backprop.experiments import zip_codes, zip_training
from backprop.initialisers import constant, uniform, uniform_fan_in
from backprop.layers import Dense, Local, Mask, Part, Split, Unshared
from backprop.layers.mask import dropout
from backprop.losses import HALF_SUMMED_SQUARES
from backprop.network import Network

SMALL = Network((Local((4, 4, 1), maps=2, size=3), Dense(8, 3)))
UNSHARED = Network((Unshared((4, 4, 1), maps=2, size=3), Dense(8, 3)))


def test_one_network_worked_by_hand():
    """Two inputs, two hidden units, one output; each number can be checked with a pencil."""
    network = Network((Dense(2, 2), Dense(2, 1)))
    # Weights to the hidden units (rows: inputs), their biases, weights to the output, its bias.
    w = np.array([0.5, -1.0, 1.0, 0.5, 0.0, 0.5, 2.0, -1.0, -0.5])
    x, d = np.array([[1.0, 0.0]]), np.array([[1.0]])

    def logistic(net):
        return 1 / (1 + math.exp(-net))

    hidden = [logistic(0.5), logistic(-0.5)]
    out = logistic(2 * hidden[0] - hidden[1] - 0.5)
    y, caches = network.forward(w, x)
    assert y[0, 0] == pytest.approx(out, rel=1e-14)
    assert HALF_SUMMED_SQUARES.value(y, d) == pytest.approx((out - 1) ** 2 / 2, rel=1e-14)

    delta = (out - 1) * out * (1 - out)
    delta_1 = delta * 2 * hidden[0] * (1 - hidden[0])
    delta_2 = delta * -1 * hidden[1] * (1 - hidden[1])
    by_hand = [delta_1, delta_2, 0, 0, delta_1, delta_2]
    by_hand += [delta * hidden[0], delta * hidden[1], delta]
    gradient = network.backward(w, caches, HALF_SUMMED_SQUARES.slope(y, d))
    np.testing.assert_allclose(gradient, by_hand, rtol=1e-13)


def test_the_1989_network_has_the_published_sizes_layer_by_layer():
    counted = [tuple(layer) for layer in zip_codes.network().count()]
    assert counted == [
        (256, 0, 0),
        (768, 19_968, 1_068),
        (192, 38_592, 2_592),
        (30, 5_790, 5_790),
        (10, 310, 310),
    ]
    assert tuple(zip_codes.network().total()) == (1_256, 64_660, 9_760)
    assert zip_codes.network().n_params == 9_760


def test_fan_in_counts_the_bias_and_the_maps_that_are_read():
    assert [layer.parts[0].fan_in for layer in zip_codes.network().layers] == [26, 201, 193, 31]
    uneven = Local((4, 4, 2), maps=2, size=3, table=((0,), (0, 1)))
    assert uneven.parts[0].fan_in == 2 * 9 + 1


def test_each_h2_map_reads_eight_maps_and_each_h1_map_is_read():
    table = zip_training.groups()
    assert {len(row) for row in table} == {8}
    assert {source for row in table for source in row} == set(range(12))


def test_an_image_of_border_value_looks_the_same_everywhere():
    """A blank image continues its border, so all units of a map with equal biases agree."""
    network = zip_codes.network()
    w = network.init(uniform(0.3), constant(0.0), rng=np.random.default_rng(0))
    blank = np.full((1, 256), -1.0)
    _, caches = network.forward(w, blank)
    maps = caches[0][1].reshape(64, 12)
    np.testing.assert_allclose(maps, np.broadcast_to(maps[0], maps.shape), rtol=1e-12)
    # A white image does not: units at the edge see the black border.
    _, caches = network.forward(w, -blank)
    maps = caches[0][1].reshape(8, 8, 12)
    inner = maps[1:7, 1:7].reshape(-1, 12)
    np.testing.assert_allclose(inner, np.broadcast_to(inner[0], inner.shape), rtol=1e-12)
    assert np.abs(maps[0] - inner[0]).max() > 0.1


def test_border_units_of_both_feature_layers_see_minus_one():
    network = zip_codes.network()
    for layer in network.layers[:2]:
        kernel = np.zeros(layer.parts[0].size)
        # Ones in every corner of every kernel that looks up and to the left of its centre.
        full = layer.kernel(np.arange(1.0, len(kernel) + 1))
        kernel[full[0, 0][full[0, 0] > 0].astype(int) - 1] = 1
        y, _ = layer.forward([kernel, np.zeros(layer.n_out)], np.zeros((1, layer.n_in)))
        maps = y.reshape(layer.out_shape)
        sources = 1 if layer.table is None else 8
        at_border = activations.LECUN_TANH.value(np.array(-1.0 * sources))
        np.testing.assert_allclose(maps[0], at_border)
        np.testing.assert_allclose(maps[:, 0], at_border)
        np.testing.assert_array_equal(maps[1:, 1:], 0)


@settings(max_examples=25)
@given(
    network=st.sampled_from([SMALL, UNSHARED]),
    seeds=st.lists(st.integers(0, 2**32), min_size=1, max_size=4),
    cases=st.integers(1, 4),
)
def test_replicas_compute_what_single_networks_compute(network, seeds, cases):
    x = np.random.default_rng(0).standard_normal((cases, network.n_in))
    w = network.init_replicas(uniform(0.5), seeds=seeds)
    y, caches = network.forward(w, x)
    gradient, second = network.backward(w, caches, y), network.hessian_diagonal(w, caches, y**2)
    by_input = network.input_gradient(w, caches, y)
    assert y.shape == (len(seeds), cases, 3)
    assert gradient.shape == second.shape == w.shape
    for i, seed in enumerate(seeds):
        single = network.init(uniform(0.5), rng=np.random.default_rng(seed))
        np.testing.assert_array_equal(single, w[i])
        y_i, caches_i = network.forward(single, x)
        np.testing.assert_allclose(y_i, y[i], rtol=1e-12)
        np.testing.assert_allclose(network.backward(single, caches_i, y_i), gradient[i], rtol=1e-9)
        np.testing.assert_allclose(
            network.hessian_diagonal(single, caches_i, y_i**2), second[i], rtol=1e-9
        )
        np.testing.assert_allclose(
            network.input_gradient(single, caches_i, y_i), by_input[i], rtol=1e-9, atol=1e-15
        )


def test_each_replica_can_have_its_own_mask():
    rng = np.random.default_rng(0)
    factors = dropout((3, 1, 8), 0.5, rng=rng, dtype=float)
    local, dense = SMALL.layers
    w, x = SMALL.init_replicas(uniform(0.5), seeds=range(3)), rng.standard_normal((2, 16))
    together = Network((local, Mask(factors), dense))
    y, caches = together.forward(w, x)
    gradient = together.backward(w, caches, y)
    assert together.n_params == SMALL.n_params
    for i in range(3):
        alone = Network((local, Mask(factors[i]), dense))
        y_i, caches_i = alone.forward(w[i], x)
        np.testing.assert_allclose(y_i, y[i], rtol=1e-12)
        np.testing.assert_allclose(alone.backward(w[i], caches_i, y_i), gradient[i], rtol=1e-9)


def test_a_mask_adds_no_units_or_weights_and_one_array():
    mask = Mask(np.ones((1, 8)))
    masked = Network((SMALL.layers[0], mask, SMALL.layers[1]))
    assert (mask.n_in, mask.n_out) == (8, 8)
    assert masked.total() == SMALL.total()
    assert masked.cache_bytes(3) == SMALL.cache_bytes(3) + 3 * 8 * 8  # what it hands on
    x = np.random.default_rng(0).standard_normal((2, 16))
    w = SMALL.init(uniform(0.5), rng=np.random.default_rng(1))
    np.testing.assert_array_equal(masked.forward(w, x)[0], SMALL.forward(w, x)[0])


def test_dropout_drops_the_share_and_keeps_the_mean():
    factors = dropout((400, 250), 0.2, rng=np.random.default_rng(0))
    assert factors.dtype == np.float32
    assert set(np.unique(factors)) == {0, np.float32(1.25)}
    # Five standard deviations of 100,000 draws.
    assert (factors == 0).mean() == pytest.approx(0.2, abs=5 * math.sqrt(0.2 * 0.8 / 1e5))
    assert factors.mean() == pytest.approx(1, abs=5 * math.sqrt(0.25 / 1e5))
    again = dropout((400, 250), 0.2, rng=np.random.default_rng(0), dtype=np.float64)
    np.testing.assert_array_equal(factors, again)
    assert again.dtype == np.float64


def test_dropping_no_share_changes_nothing():
    factors = dropout((3, 5), 0.0, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(factors, np.ones((3, 5)))


@pytest.mark.parametrize("share", [-0.1, 1.0, 1.5, math.nan])
def test_a_share_to_drop_that_is_out_of_range_is_refused(share):
    with pytest.raises(InputError, match="0 <= share < 1"):
        dropout((2, 2), share, rng=np.random.default_rng(0))


def test_without_sharing_every_connection_has_its_own_weight():
    table = ((0,), (0, 1), (1,))
    local, unshared = (kind((4, 6, 2), maps=3, size=3, table=table) for kind in (Local, Unshared))
    assert unshared.count() == (18, 6 * 9 * 4 + 18, 6 * 9 * 4 + 18)
    assert unshared.count()[:2] == local.count()[:2]
    assert sum(part.size for part in unshared.parts) == unshared.count().free
    assert [part.fan_in for part in unshared.parts] == [part.fan_in for part in local.parts]


@settings(max_examples=40)
@given(
    rows=st.integers(1, 7),
    columns=st.integers(1, 7),
    in_maps=st.integers(1, 3),
    maps=st.integers(1, 3),
    size=st.sampled_from([1, 3, 5]),
    stride=st.integers(1, 3),
)
def test_local_layers_of_any_size_have_the_shapes_and_counts_they_state(
    rows, columns, in_maps, maps, size, stride
):
    layer = Local((rows, columns, in_maps), maps, size=size, stride=stride)
    assert layer.out_shape == (math.ceil(rows / stride), math.ceil(columns / stride), maps)
    network = Network((layer,))
    w = np.zeros(network.n_params)
    y, caches = network.forward(w, np.zeros((2, layer.n_in)))
    assert y.shape == (2, layer.n_out)
    assert network.input_gradient(w, caches, y).shape == (2, layer.n_in)
    counted = layer.count()
    assert counted.connections == layer.n_out * (size * size * in_maps + 1)
    assert counted.free == network.n_params == size * size * in_maps * maps + layer.n_out


def test_predict_in_batches_equals_one_forward_pass():
    rng = np.random.default_rng(0)
    w, x = SMALL.init(uniform(0.5), rng=rng), rng.standard_normal((7, SMALL.n_in))
    np.testing.assert_allclose(SMALL.predict(w, x, batch=3), SMALL.forward(w, x)[0], rtol=1e-12)


@pytest.mark.parametrize("layer", [Local, Unshared])
def test_cache_bytes_predicts_what_the_caches_hold(layer):
    network, cases = zip_training.feature_maps(zip_training.groups(), layer=layer), 3
    w = network.init(uniform_fan_in(), rng=np.random.default_rng(0), dtype=np.float32)
    x = np.zeros((cases, 256), dtype=np.float32)
    _, caches = network.forward(w, x)
    held = {id(array): array.nbytes for cache in caches for array in cache}
    # The first layer keeps windows of the image, the image itself is the caller's.
    assert sum(held.values()) + x.nbytes == network.cache_bytes(cases, dtype=np.float32)


def test_float32_stays_float32():
    w = SMALL.init(uniform(0.5), rng=np.random.default_rng(0), dtype=np.float32)
    y, caches = SMALL.forward(w, np.zeros((1, SMALL.n_in), dtype=np.float32))
    assert y.dtype == SMALL.backward(w, caches, y).dtype == np.float32
    assert SMALL.hessian_diagonal(w, caches, y).dtype == np.float32


def test_initial_ranges():
    network, rng = Network((Dense(99, 500),)), np.random.default_rng(0)
    for initialiser, half_width in (
        (uniform(0.3), 0.3),
        (uniform_fan_in(2.4), 2.4 / 100),
        (uniform_fan_in(2.4, power=0.5), 2.4 / 10),
    ):
        w = network.init(initialiser, rng=rng)
        assert 0.99 * half_width < np.abs(w).max() <= half_width
        assert abs(w.mean()) < 0.02 * half_width
    w = network.init(uniform(0.3), constant(0.0), rng=rng)
    assert (network.unpack(w)[0][1] == 0).all()


def test_the_bias_need_not_count_as_a_connection():
    part, rng = Part("w", (4, 100_000), fan_in=5), np.random.default_rng(0)
    for initialiser, half_width in (
        (uniform_fan_in(2.4, count_bias=False), 2.4 / 4),
        (uniform_fan_in(2.4, power=0.5, count_bias=False), 2.4 / 2),
        (uniform_fan_in(2.4, count_bias=True), 2.4 / 5),
    ):
        drawn = np.abs(initialiser(part, rng=rng)).max()
        assert 0.999 * half_width < drawn <= half_width


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(0, 2), "at least 1"),
        (lambda: Local((4, 4, 1), maps=2, size=4), "size odd"),
        (lambda: Local((4, 4, 2), maps=2, table=((0,), (2,))), r"row 1 .* between 0 and 1"),
        (lambda: Local((4, 4, 2), maps=2, table=((0,), ())), "at least one input map"),
        (lambda: Local((4, 4, 2), maps=2, table=((0,),)), "1 rows; the layer has 2"),
        (lambda: Unshared((4, 4, 1), maps=2, size=4), "size odd"),
        (lambda: Unshared((4, 4, 2), maps=2, table=((0,), (2,))), r"row 1 .* between 0 and 1"),
        (lambda: UNSHARED.unpack(np.zeros(SMALL.n_params)), "the last axis must be"),
        (lambda: UNSHARED.forward(np.zeros(UNSHARED.n_params), np.zeros((2, 5))), "expected"),
        (lambda: Mask(np.ones(3)), r"shape \(3,\); expected"),
        (lambda: Network((Dense(2, 3), Mask(np.ones((1, 4))))), "layer 2 expects 4"),
        (lambda: Network(()), "at least one"),
        (lambda: Network((Dense(2, 3), Dense(4, 1))), "layer 1 has 3 units, but layer 2 expects 4"),
        (lambda: SMALL.unpack(np.zeros(5)), "the last axis must be"),
        (
            lambda: SMALL.forward(np.zeros(SMALL.n_params), np.zeros((2, 5))),
            r"expected \(cases, 16",
        ),
        (lambda: SMALL.forward(np.zeros(SMALL.n_params), np.zeros(16)), "one row for each case"),
        (lambda: uniform(-1.0), "zero or more"),
        (lambda: uniform_fan_in(math.nan), "zero or more"),
    ],
)
def test_bad_input_is_refused_with_the_reason(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_a_split_layer_counts_its_branches():
    split = Split((Dense(3, 2), Dense(2, 4, bias=False)))
    assert (split.n_in, split.n_out) == (5, 6)
    assert split.count() == (6, 3 * 2 + 2 + 2 * 4, 3 * 2 + 2 + 2 * 4)
    # The outputs of the branches, and once more joined.
    assert Network((split,)).cache_bytes(7) == 7 * (5 + 6 + 6) * 8
    with pytest.raises(InputError, match="no branches"):
        Split(())
