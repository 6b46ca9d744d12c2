"""Nets in time: equal to their layered twins, with gradients that are derivatives."""

from dataclasses import dataclass

import numpy as np
import pytest

from backprop.activations import LOGISTIC, TANH
from backprop.errors import InputError
from backprop.gradcheck import check_network
from backprop.initialisers import uniform
from backprop.layers import Dense
from backprop.network import Network
from backprop.optimisers import Momentum
from backprop.recurrent import Recurrent, Tied, copies, layered, layered_weights
from backprop.training import train_batch

FIGURE_5 = Recurrent(Dense(3, 3), steps=3)
NETS = {
    "figure 5": FIGURE_5,
    "one step": Recurrent(Dense(2, 2), steps=1),
    "without biases": Recurrent(Dense(4, 4, TANH, bias=False), steps=4),
    "external input": Recurrent(Dense(5, 3), steps=3),
    "external input and a start": Recurrent(Dense(5, 2), steps=4, start=0.2),
}


def start(net, rng, *, cases=4, replicas=()):
    network = Network((net,))
    w = rng.uniform(-1, 1, (*replicas, network.n_params))
    return network, w, rng.uniform(0, 1, (cases, net.n_in))


def with_states(net, x):
    """Inputs of the layered twin, which is always given the states before the first step."""
    if net.start is None:
        return x
    return np.concatenate([np.full((len(x), net.cell.n_out), net.start), x], axis=-1)


@pytest.mark.parametrize("replicas", [(), (3,)], ids=["one net", "replicas"])
@pytest.mark.parametrize("net", NETS.values(), ids=NETS.keys())
def test_a_net_in_time_is_a_layered_net_with_equal_weights(net, replicas):
    """Outputs and gradients agree; the gradient is the sum of those of the copies."""
    rng = np.random.default_rng(0)
    network, w, x = start(net, rng, replicas=replicas)
    twin, v = layered(net), layered_weights(net, w)
    y, caches = network.forward(w, x)
    y_twin, caches_twin = twin.forward(v, with_states(net, x))
    np.testing.assert_allclose(y, y_twin, rtol=0, atol=1e-12)

    dy = rng.standard_normal(y.shape)
    apart = copies(net, twin.backward(v, caches_twin, dy))
    assert apart.shape == (net.steps, *replicas, network.n_params)
    gradient = network.backward(w, caches, dy)
    np.testing.assert_allclose(gradient, apart.sum(axis=0), rtol=0, atol=1e-12)
    second = copies(net, twin.hessian_diagonal(v, caches_twin, dy)).sum(axis=0)
    np.testing.assert_allclose(network.hessian_diagonal(w, caches, dy), second, rtol=0, atol=1e-12)
    ours = net.gradient_of_copies(network.unpack(w)[0], caches[0], dy)
    for step, parts in enumerate(ours):
        flat = np.concatenate([part.reshape(*replicas, -1) for part in parts], axis=-1)
        np.testing.assert_allclose(flat, apart[step], rtol=0, atol=1e-12)
    by_input = network.input_gradient(w, caches, dy)
    by_input_twin = twin.input_gradient(v, caches_twin, dy)
    np.testing.assert_allclose(by_input, by_input_twin[..., -net.n_in :], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(copies(net, v), np.stack([w] * net.steps))


def test_copies_have_equal_weights_and_unequal_gradients():
    rng = np.random.default_rng(1)
    network, w, x = start(FIGURE_5, rng)
    y, caches = network.forward(w, x)
    parts = FIGURE_5.gradient_of_copies(network.unpack(w)[0], caches[0], y - 1)
    first, second, third = (gradient for gradient, _ in parts)
    assert np.abs(first - second).max() > 0.1 * np.abs(second).max()
    assert np.abs(second - third).max() > 0.1 * np.abs(third).max()


def test_outputs_at_several_steps_add_up_the_twins_of_every_length():
    """A loss at steps 2, 3 and 4 has the gradient of three nets together."""
    rng = np.random.default_rng(2)
    net = Recurrent(Dense(5, 3), steps=4, last=3)
    network, w, x = start(net, rng)
    y, caches = network.forward(w, x)
    dy = rng.standard_normal(y.shape)
    expected = np.zeros_like(w)
    for steps, end, signal in zip(
        (2, 3, 4), np.split(y, 3, axis=-1), np.split(dy, 3, axis=-1), strict=True
    ):
        shorter = Network((Recurrent(net.cell, steps),))
        alone, caches_alone = shorter.forward(w, x[:, : shorter.n_in])
        np.testing.assert_array_equal(alone, end)
        expected += shorter.backward(w, caches_alone, signal)
    np.testing.assert_allclose(network.backward(w, caches, dy), expected, rtol=0, atol=1e-12)


def test_without_feedback_each_step_is_the_cell_applied_to_its_input():
    rng = np.random.default_rng(3)
    net = Recurrent(Dense(4, 2), steps=3, last=2, feedback=False)
    network, w, x = start(net, rng)
    cell = Network((net.cell,))
    single, caches_cell = cell.forward(w, x.reshape(-1, 4))
    y, caches = network.forward(w, x)
    np.testing.assert_allclose(y, single.reshape(len(x), -1)[:, 2:], rtol=1e-12)
    dy = single.reshape(len(x), -1).copy()
    dy[:, :2] = 0
    summed = cell.backward(w, caches_cell, dy.reshape(-1, 2))
    np.testing.assert_allclose(network.backward(w, caches, dy[:, 2:]), summed, rtol=1e-12)


CHECKED = {
    **{name: Network((net,)) for name, net in NETS.items()},
    "targets at each step": Network((Recurrent(Dense(3, 3), steps=3, last=3),)),
    "hidden and output units, each recurrent": Network(
        (
            Recurrent(Dense(6, 4), steps=4, last=4, start=0.2),
            Recurrent(Dense(7, 3), steps=4, last=2, start=0.2),
        )
    ),
    "outputs without feedback": Network(
        (
            Recurrent(Dense(6, 4), steps=3, last=3),
            Recurrent(Dense(4, 2), steps=3, last=2, feedback=False),
        )
    ),
}


@pytest.mark.parametrize("network", CHECKED.values(), ids=CHECKED.keys())
def test_the_gradient_through_time_is_the_derivative(network):
    rng = np.random.default_rng(4)
    w = network.init(uniform(1.0), rng=rng)
    errors = check_network(network, w, rng.uniform(0, 1, (5, network.n_in)), rng=rng)
    assert max(errors.values()) < 1e-6, errors


@dataclass(frozen=True)
class LastCopyOnly(Recurrent):
    """A mistake: the other copies of each weight are forgotten."""

    def backward(self, parameters, cache, dy, *, to_input=True):
        dx, _ = super().backward(parameters, cache, dy, to_input=to_input)
        return dx, self.gradient_of_copies(parameters, cache, dy)[-1]


@dataclass(frozen=True)
class NoMemory(Recurrent):
    """A mistake: the gradient of a step is not carried to the steps before it."""

    def backward(self, parameters, cache, dy, *, to_input=True):
        dx, _ = super().backward(parameters, cache, dy, to_input=to_input)
        signals = np.split(dy, self.last, axis=-1)
        alone = [
            self.cell.backward(parameters, *pair)[1] for pair in zip(cache, signals, strict=True)
        ]
        return dx, [np.sum(each, axis=0) for each in zip(*alone, strict=True)]


@pytest.mark.parametrize("broken", [LastCopyOnly, NoMemory])
def test_gradcheck_notices_a_broken_step_back_in_time(broken):
    rng = np.random.default_rng(5)
    network = Network((broken(Dense(3, 3), steps=3, last=3),))
    w = network.init(uniform(1.0), rng=rng)
    errors = check_network(network, w, rng.uniform(0, 1, (5, 3)), rng=rng)
    assert errors["layer 1 w"] > 1e-2
    assert errors["inputs"] < 1e-6


def test_units_change_all_at_once():
    """Each unit copies its neighbour: a synchronous net shifts the whole pattern."""
    ring = np.roll(np.eye(3), 1, axis=1)
    w = np.concatenate([40 * ring.ravel(), np.full(3, -20)])
    y, _ = Network((Recurrent(Dense(3, 3), steps=2, last=2),)).forward(w, np.array([[1.0, 0, 0]]))
    np.testing.assert_array_equal(y.round(6), [[0, 1, 0, 0, 0, 1]])


def test_a_net_in_time_is_counted_with_its_copies_and_its_free_parameters_once():
    network = Network((FIGURE_5,))
    assert network.count()[1] == (9, 36, 12)
    assert network.n_params == 12
    _, (cache,) = network.forward(np.zeros(12), np.zeros((5, 3)))
    kept = sum(array.size for pair in cache for array in pair)
    assert kept == 5 * FIGURE_5.cache_size
    twin = layered(FIGURE_5)
    assert twin.layers == (Dense(3, 3),) * 3
    assert twin.count()[1:] == [(3, 12, 12)] * 3


@pytest.mark.parametrize("net", [FIGURE_5, NETS["external input"]], ids=["figure 5", "external"])
def test_summed_or_averaged_gradients_keep_the_copies_equal_and_others_do_not(net):
    """The layered twin, trained as the paper says, stays the net in time."""
    rng = np.random.default_rng(6)
    network, w, x = start(net, rng, replicas=(2,))
    d = rng.uniform(0, 1, (len(x), net.n_out))
    trained = train_batch(network, w, x, d, optimiser=Momentum(0.1), sweeps=50).w
    twin, v = layered(net), layered_weights(net, w)
    optimisers = (
        Tied(Momentum(0.1), net),
        Tied(Momentum(0.1 * net.steps), net, average=True),
        Momentum(0.1),
    )
    summed, averaged, apart = (
        train_batch(twin, v, x, d, optimiser=optimiser, sweeps=50).w for optimiser in optimisers
    )
    for same in (summed, averaged):
        np.testing.assert_allclose(same, layered_weights(net, trained), rtol=0, atol=1e-12)
    assert np.ptp(copies(net, apart), axis=0).max() > 1e-2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": Dense(3, 3), "steps": 0}, "at least one step"),
        ({"cell": Dense(3, 3), "steps": 2, "last": 3}, "`last` from 1"),
        ({"cell": Dense(2, 3), "steps": 2}, "states of all units"),
        ({"cell": Dense(3, 3), "steps": 2, "start": 0.2}, "at least one input from outside"),
    ],
)
def test_nets_that_do_not_fit_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        Recurrent(**options)


def test_only_a_net_with_feedback_has_a_layered_twin():
    with pytest.raises(InputError, match="feedback=True"):
        layered(Recurrent(Dense(2, 2, LOGISTIC), steps=2, feedback=False))
