"""Kernels of the 1989 network, and what shapes they have."""

import numpy as np
import pytest

from backprop import zip_weights
from backprop.errors import InputError
from backprop.experiments import zip_baselines, zip_codes


def test_the_kernels_are_those_that_the_first_layer_applies():
    net = zip_codes.network()
    w = np.random.default_rng(0).normal(0, 0.1, (2, net.n_params))
    kernels = zip_weights.first_kernels(net, w)
    assert kernels.shape == (2, 12, 5, 5)
    # Unit (4, 4) of map 7 is centred on pixel (8, 8); a small dot there and to the right of it.
    plain, dotted = np.zeros((1, 256)), np.zeros((1, 256))
    dotted.reshape(16, 16)[8, 9] = 1e-4
    layer, parts = net.layers[0], [part[1] for part in net.unpack(w)[0]]
    change = (layer.forward(parts, dotted)[0] - layer.forward(parts, plain)[0]).reshape(8, 8, 12)
    bias = parts[1].reshape(8, 8, 12)[4, 4, 7]
    slope = 1.7159 * 2 / 3 * (1 - np.tanh(2 / 3 * bias) ** 2)
    assert change[4, 4, 7] == pytest.approx(1e-4 * slope * kernels[1, 7, 2, 3], rel=1e-3)


def test_a_network_without_kernels_is_refused():
    net = zip_baselines.hidden_40()
    with pytest.raises(InputError, match="Dense, which has no kernels"):
        zip_weights.first_kernels(net, np.zeros(net.n_params))


def test_neighbours_correlate_in_smooth_kernels_only():
    ramp = np.tile(np.arange(5.0), (1, 5, 1))
    rough = np.random.default_rng(0).normal(size=(500, 5, 5))
    assert zip_weights.neighbour_correlation(ramp) > 0.7
    assert zip_weights.neighbour_correlation(rough) == pytest.approx(0, abs=0.02)


def test_pure_shapes_are_recognised():
    down, right = np.mgrid[-2:3, -2:3]
    kernels = np.stack([3 + 0 * down, 2.0 * down - right, down**2 + right**2 - 4.0, down * right])
    shares = zip_weights.shape_shares(kernels)
    np.testing.assert_allclose(shares["constant"], [1, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(shares["slope"], [0, 1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(shares["surround"], [0, 0, 1, 0], atol=1e-12)


def test_random_kernels_have_the_shares_of_chance():
    shares = zip_weights.shape_shares(np.random.default_rng(0).normal(size=(4000, 5, 5)))
    means = {name: values.mean() for name, values in shares.items()}
    assert means == pytest.approx(
        {"constant": 1 / 25, "slope": 2 / 25, "surround": 1 / 25}, rel=0.1
    )
