"""Nets in time: equal to their layered twins, with gradients that are derivatives."""

from dataclasses import dataclass, replace

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.patches import Circle, FancyArrowPatch

from backprop import plotting, results
from backprop.activations import LOGISTIC, TANH
from backprop.datasets import sequences as task
from backprop.errors import InputError
from backprop.experiments import sequences, shift_register
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
    y, (cache,) = network.forward(np.zeros(12), np.zeros((5, 3)))
    kept = y.size + sum(array.size for pair in cache for array in pair)
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


# The two tasks.


def test_a_shift_register_moves_every_bit_to_the_left():
    x, answers = task.shift_register(3, 2)
    assert (x.shape, answers.shape) == ((8, 3), (8, 2, 3))
    assert sorted(map(tuple, x)) == sorted(set(map(tuple, x)))
    np.testing.assert_array_equal(x[1], [0, 0, 1])
    np.testing.assert_array_equal(answers[1], [[0, 1, 0], [1, 0, 0]])
    np.testing.assert_array_equal(task.shift_register(5, 5)[1][:, -1], task.shift_register(5, 1)[0])


@pytest.mark.parametrize("sizes", [(1, 2), (3, 0)])
def test_a_shift_register_without_room_is_refused(sizes):
    with pytest.raises(InputError, match="at least 2 units and 1 shift"):
        task.shift_register(*sizes)


def test_letters_stand_for_two_digits_each():
    assert [task.complete(pair) for pair in ("AD", "BE", "CA", "DB", "EC")] == [
        "1221",
        "2313",
        "3112",
        "2123",
        "1331",
    ]
    assert len(set(task.SEQUENCES)) == 25
    assert len(task.TRAINED) == 20
    assert set(task.TRAINED) | set(task.HELD_OUT) == set(task.SEQUENCES)
    # Each letter is trained in both places, so that the held-out pairs can be completed.
    for place in (0, 1):
        assert sorted(pair[place] for pair in task.TRAINED) == sorted("ABCDE" * 4)


def test_a_sequence_is_two_letters_then_four_digits():
    x, answers = task.letter_inputs(["AD"]), task.digit_answers(["AD"])
    assert (x.shape, answers.shape) == ((1, 6, 5), (1, 4, 3))
    np.testing.assert_array_equal(x[0, :2], np.eye(5)[[0, 3]])
    assert not x[0, 2:].any()
    np.testing.assert_array_equal(answers[0], np.eye(3)[[0, 1, 1, 0]])


@pytest.mark.parametrize(
    ("pair", "message"), [("AF", "letter 'F'"), ("aB", "capital"), ("ABC", "has 3 letters")]
)
def test_sequences_with_other_letters_are_refused(pair, message):
    for prepare in (task.letter_inputs, task.digit_answers):
        with pytest.raises(InputError, match=message):
            prepare(["AB", pair])


# Shift registers.


@pytest.mark.parametrize(
    ("units", "steps", "number"), [(3, 2, 4), (5, 2, 8), (5, 3, 9), (5, 4, 32)]
)
def test_the_roots_of_a_rotation_are_all_there_and_rotate(units, steps, number):
    """Two signs if the steps are even, and `steps` choices for each conjugate pair."""
    found = shift_register.roots(units, steps)
    assert len(found) == number
    one_place = np.roll(np.eye(units), -1, axis=1)
    np.testing.assert_allclose(found[0], one_place, atol=1e-12)
    target = np.linalg.matrix_power(one_place, steps)
    for root in found:
        np.testing.assert_allclose(np.linalg.matrix_power(root, steps), target, atol=1e-12)
    for i, root in enumerate(found):
        assert all(np.abs(root - other).max() > 0.1 for other in found[:i])
    x, answers = task.shift_register(units, steps)
    np.testing.assert_allclose(x @ target, answers[:, -1], atol=1e-12)


@pytest.mark.parametrize(("units", "steps"), [(4, 3), (9, 3), (1, 2), (3, 0)])
def test_roots_are_listed_only_where_the_list_is_complete(units, steps):
    with pytest.raises(InputError, match="odd number of at least 3"):
        shift_register.roots(units, steps)


def test_the_nearest_root_is_found_whatever_its_size_and_named():
    config = shift_register.Config(each_step=False)
    known = shift_register.roots(3, 2)
    rng = np.random.default_rng(7)
    for i, root in enumerate(known):
        w = np.concatenate([7 * root.ravel(), rng.standard_normal(3)])
        w[:9] += rng.uniform(-0.5, 0.5, 9)
        found, match = shift_register.nearest_root(w, config)
        assert found == i
        assert 0.9 < match < 1
    assert sorted(shift_register.route(i, config) for i in range(4)) == [
        "mixture",
        "mixture",
        "negative",
        "shift",
    ]
    assert shift_register.route(0, config) == "shift"


def test_a_shift_register_run_measures_what_it_says():
    config = shift_register.Config(each_step=False, sweeps=400)
    measured = shift_register.runs(config, range(6))
    result = shift_register.train(config, range(6))
    x, answers = shift_register.cases(config)
    y, _ = shift_register.network(config).forward(result.w, x)
    for i, run in measured.items():
        assert run["learned"] == bool((np.abs(y[i] - answers) < 0.2).all())
        assert run["quick"] == (run["learned"] and run["sweeps_to_margin"] < 200)
    assert any(run["learned"] for run in measured.values())
    assert shift_register.run(config, seed=3) == measured[3]
    never = shift_register.run(replace(config, sweeps=1), seed=3)
    assert (never["sweeps_to_margin"], never["learned"], never["quick"]) == (None, False, False)


def test_a_target_at_each_step_asks_for_every_pattern_on_the_way():
    each = shift_register.Config(units=5, steps=4)
    assert shift_register.cases(each)[1].shape == (32, 20)
    assert shift_register.cases(replace(each, each_step=False))[1].shape == (32, 5)
    result = shift_register.train(each, [0])
    y, _ = shift_register.network(each).forward(result.w, shift_register.cases(each)[0])
    np.testing.assert_array_equal(y[0].round(), shift_register.cases(each)[1])


def test_the_history_holds_the_pattern_and_the_states_after_each_step():
    config = shift_register.Config(units=5, steps=4, each_step=False)
    ring = np.roll(np.eye(5), -1, axis=1)
    w = np.stack([np.concatenate([40 * ring.ravel(), np.full(5, -20)])] * 2)
    x, answers = task.shift_register(5, 4)
    states = shift_register.history(config, w, x)
    assert states.shape == (2, 32, 5, 5)
    for one in states:
        np.testing.assert_array_equal(one[:, 0], x)
        np.testing.assert_array_equal(one[:, 1:].round(6), answers)


def test_settings_of_the_shift_register_are_used():
    base = shift_register.Config(sweeps=20)
    usual = shift_register.train(base, [0]).w
    changes = {
        "half_width": 0.5,
        "momentum": 0.5,
        "lr": 0.2,
        "low": 0.0,
        "high": 1.0,
        "steps": 3,
    }
    for name, value in changes.items():
        other = shift_register.train(replace(base, **{name: value}), [0]).w
        assert not np.allclose(other, usual), name


# Sequence completion.


def test_outputs_are_asked_for_at_the_four_digits_only():
    config = sequences.Config()
    net = sequences.network(config)
    assert (net.n_in, net.n_out) == (6 * 5, 4 * 3)
    # Hidden: 35 inputs and a bias each; outputs: 33 inputs and a bias each.
    assert net.n_params == 30 * 36 + 3 * 34
    assert sequences.network(replace(config, feedback=False)).n_params == 30 * 36 + 3 * 31


def test_right_digits_are_those_with_the_largest_output():
    answers = task.digit_answers(task.HELD_OUT)
    y = np.stack([0.3 + 0.4 * answers, 0.5 - 0.1 * answers])
    y[0, 1, 2] = [0.1, 0.53, 0.48]
    correct = sequences.right(y)
    assert correct.shape == (2, 5, 4)
    assert not correct[1].any()
    assert correct[0].sum() == 19
    assert not correct[0, 1, 2]


def test_a_sequence_run_measures_what_it_says():
    config = sequences.Config(sweeps=400, keep_outputs=True)
    measured = sequences.runs(config, [0, 1])
    result = sequences.train(config, [0, 1])
    for i, seed in enumerate([0, 1]):
        run = measured[seed]
        y = sequences.answer(config, result.w[i])
        np.testing.assert_allclose(run["outputs"], y.ravel(), atol=0.0051)
        trained = sequences.answer(config, result.w[i], task.TRAINED)
        error = np.abs(trained - task.digit_answers(task.TRAINED)).max()
        assert run["learned"] == (error < 0.3)
        correct = sequences.right(y)
        assert run["right"] == correct.sum() == 20 - len(run["wrong"])
        assert run["right"] == sum(run[f"right_{k}"] for k in (1, 2, 3, 4))
        assert run["sequences_right"] == 5 - len({name[:2] for name in run["wrong"]})
        for name in run["wrong"]:
            assert not correct[task.HELD_OUT.index(name[:2]), int(name[2]) - 1]
        early = sequences.answer(config, result.snapshots[260][i])
        assert run["right_at_260"] == sequences.right(early).sum()
    assert "outputs" not in sequences.run(replace(config, keep_outputs=False, sweeps=1), seed=0)


def test_held_out_sequences_play_no_part_in_training(monkeypatch):
    config = sequences.Config(sweeps=3)
    seen = []

    def watch(pairs):
        seen.append(tuple(pairs))
        return task.letter_inputs(pairs)

    monkeypatch.setattr(sequences, "letter_inputs", watch)
    sequences.train(config, [0])
    assert seen == [task.TRAINED]
    assert not set(task.TRAINED) & set(task.HELD_OUT)


def test_settings_of_the_sequences_are_used():
    base = sequences.Config(sweeps=5)
    usual = sequences.train(base, [0]).w
    changes = {
        "half_width": 0.5,
        "momentum": 0.5,
        "lr": 0.05,
        "low": 0.1,
        "high": 0.9,
        "start": 0.5,
        "margin": True,
    }
    for name, value in changes.items():
        other = sequences.train(replace(base, **{name: value}), [0]).w
        assert not np.allclose(other, usual), name


@pytest.mark.parametrize(
    ("module", "preset"),
    [
        (shift_register, "three-at-end"),
        (shift_register, "five-each-step"),
        (sequences, "targets"),
        (sequences, "margin"),
    ],
)
def test_recorded_runs_come_out_again(module, preset):
    name = module.__name__.rpartition(".")[2]
    record = results.load(results.default_folder(), name, preset)
    for seed, run in module.runs(module.PRESETS[preset], [0, 1]).items():
        for key, old in record.runs[seed].items():
            if isinstance(old, bool | str) or key == "wrong":
                assert run[key] == old, key
            else:
                np.testing.assert_allclose(run[key], old, rtol=0.02, atol=0.03, err_msg=key)


def test_differences_between_the_two_nets_of_figure_five_are_noticed(monkeypatch):
    assert shift_register.FACTS["equal_outputs"]() == 1
    assert shift_register.FACTS["equal_gradients"]() == 1

    def one_copy_changed(net, w):
        v = layered_weights(net, w).copy()
        v[..., 0] += 1e-6
        return v

    monkeypatch.setattr(shift_register, "layered_weights", one_copy_changed)
    assert shift_register.FACTS["equal_outputs"]() == 0
    assert shift_register.FACTS["equal_gradients"]() == 0


# Drawings.


@pytest.fixture
def axes():
    plotting.use_style()
    yield plt.subplots(1, 2)[1]
    plt.close("all")


def test_every_connection_is_drawn_once_a_step_with_its_colour_and_name(axes):
    plotting.unrolled(axes, units=3, steps=2, marked={(0, 1): plotting.BLUE})
    blue = matplotlib.colors.to_rgba(plotting.BLUE)
    for ax, loops, arrows, named in ((axes[0], 3, 6, 1), (axes[1], 0, 18, 2)):
        drawn = [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]
        circles = [patch for patch in ax.patches if isinstance(patch, Circle)]
        assert len(drawn) == arrows
        assert sum(not circle.get_fill() for circle in circles) == loops
        assert sum(patch.get_edgecolor() == blue for patch in drawn) == named
        assert [text.get_text() for text in ax.texts].count("$w_{21}$") == named


def test_outputs_are_drawn_with_their_mean_and_the_wanted_one_in_blue(axes):
    outputs = np.random.default_rng(0).uniform(size=(50, 2, 3))
    wanted = np.array([[0, 1, 0], [1, 0, 0]])
    plotting.outputs_over_runs(axes[0], outputs, wanted, labels="123", level=0.5)
    (others, blue) = axes[0].lines
    np.testing.assert_allclose(blue.get_ydata(), outputs.mean(axis=0)[wanted == 1])
    np.testing.assert_allclose(others.get_ydata(), outputs.mean(axis=0)[wanted == 0])
    (_, bars) = axes[0].collections
    ends = [path.vertices[:, 1] for path in bars.get_paths()]
    np.testing.assert_allclose(ends[0], np.quantile(outputs[:, 0, 1], [0.25, 0.75]))


@pytest.mark.usefixtures("axes")
def test_copies_are_drawn_on_the_scale_of_the_largest_of_them_and_the_sum():
    copies_ = np.zeros((2, 2, 2))
    copies_[:, 0, 1] = 1, 3
    figure = plotting.copies_and_sum(copies_, ["one", "two", "sum"])
    areas = [max((patch.get_width() ** 2 for patch in ax.patches), default=0) for ax in figure.axes]
    np.testing.assert_allclose(np.array(areas) / areas[2], [0.25, 0.75, 1])


@pytest.mark.usefixtures("axes")
def test_the_history_of_each_net_is_drawn_below_its_weights():
    config = shift_register.Config(each_step=False)
    w = shift_register.train(replace(config, sweeps=5), [0, 1]).w
    states = shift_register.history(config, w, np.eye(3)[:2])
    weights = shift_register.network(config).unpack(w)[0][0]
    figure = plotting.roots_and_nets(weights, weights, states, ["a", "b"])
    drawn = np.array(figure.axes).reshape(4, 2)
    assert [ax.get_title(loc="center") for ax in drawn[0]] == ["a", "b"]
    np.testing.assert_array_equal(drawn[3, 1].images[0].get_array(), states[1, 1])
