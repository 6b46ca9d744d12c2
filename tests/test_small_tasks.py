"""Small tasks with and without hidden units, and hidden layers that stay as they were drawn."""

from dataclasses import replace

import numpy as np
import pytest

from backprop import datasets, results
from backprop.errors import UnknownName
from backprop.experiments import random_features, small_tasks
from backprop.separability import separable


def test_facts_say_what_no_single_layer_can_do_and_would_say_what_it_can(monkeypatch):
    assert [fact() for fact in small_tasks.FACTS.values()] == [1.0, 1.0, 1.0]
    x, _ = datasets.xor()
    both = x.all(axis=1, keepdims=True).astype(float)
    monkeypatch.setitem(small_tasks.TASKS, "xor", lambda: (x, both))
    assert small_tasks.FACTS["xor_impossible"]() == 0.0


def test_a_run_measures_what_it_says():
    config = small_tasks.Config(sweeps=1500)
    seeds = range(30)
    result = small_tasks.train(config, seeds)
    net = small_tasks.network(config)
    x, answers = datasets.xor()
    learned = 0
    for i, run in small_tasks.runs(config, seeds).items():
        y, caches = net.forward(result.w[i], x)
        error = np.abs(y - answers)
        assert run["correct"] == (error < 0.5).sum()
        assert run["loss"] == pytest.approx(
            0.5 * ((y - 0.1 - 0.8 * answers) ** 2).sum(), rel=1e-4, abs=1e-9
        )
        assert run["solved"] == (error.max() < 0.2)
        hidden = caches[0][1]
        assert run["intermediate"] == bool(((hidden > 0.25) & (hidden < 0.75)).any())
        assert run["units_equal"] is False
        if run["solved"]:
            assert run["sweeps_to_side"] <= run["sweeps_to_margin"] == result.sweeps[i]
            learned += 1
        else:
            assert run["sweeps_to_margin"] is None
    assert 0 < learned < len(seeds)


def test_without_hidden_units_nothing_is_said_about_them():
    run = small_tasks.run(small_tasks.Config(hidden=0, sweeps=300), seed=0)
    assert run["intermediate"] is run["units_equal"] is None
    assert run["solved"] is False
    assert run["loss"] == pytest.approx(0.32, abs=1e-3)  # one half for everything


def test_a_single_layer_learns_what_it_can(monkeypatch):
    x, _ = datasets.xor()
    monkeypatch.setitem(small_tasks.TASKS, "xor", lambda: (x, x[:, :1]))
    assert small_tasks.run(small_tasks.Config(hidden=0, sweeps=300), seed=0)["correct"] == 4


def test_units_that_start_equal_are_seen_to_stay_equal():
    config = small_tasks.Config(equal=True, sweeps=300)
    net = small_tasks.network(config)
    start = small_tasks.initial(config, [0])[0]
    assert small_tasks.units_equal(net, start)
    assert small_tasks.run(config, seed=0)["units_equal"] is True
    for at in range(net.n_params - 1):  # the last one is the bias of the output
        moved = start.copy()
        moved[at] += 1e-6
        assert not small_tasks.units_equal(net, moved), at


def test_settings_of_the_small_tasks_are_used():
    base = small_tasks.Config(sweeps=30)
    changes = {"half_width": 0.7, "momentum": 0.5, "lr": 0.2, "low": 0.0, "high": 1.0}
    usual = small_tasks.train(base, [0]).w
    for name, value in changes.items():
        assert not np.allclose(small_tasks.train(replace(base, **{name: value}), [0]).w, usual), (
            name
        )
    assert small_tasks.network(replace(base, task="encoder-8", hidden=3)).n_params == 59
    for module in (small_tasks, random_features):
        with pytest.raises(UnknownName, match="unknown task 'nand'"):
            module.run(replace(module.Config.fast(), task="nand"), seed=0)


@pytest.mark.parametrize("preset", ["xor", "parity-4", "symmetry"])
def test_recorded_runs_of_the_small_tasks_come_out_again(preset):
    record = results.load(results.default_folder(), "small_tasks", preset)
    config = small_tasks.PRESETS[preset]
    trained = record.column("sweeps_to_margin").astype(float)
    seed = record.seeds[int(np.argmin(np.where(np.isnan(trained), config.sweeps, trained)))]
    again = small_tasks.run(config, seed=seed)
    assert again.keys() == record.runs[seed].keys()
    for key, old in record.runs[seed].items():
        same = old is None or isinstance(old, bool)
        assert again[key] is old if same else again[key] == pytest.approx(old, rel=0.01), key


# Hidden layers that stay as they were drawn.


def test_units_of_a_fixed_layer_are_counted_until_the_task_is_separable():
    config = replace(random_features.Config.fast(), task="parity-3", half_widths=(5.0,))
    _, answers = datasets.parity(3)
    for seed, run in random_features.runs(config, range(5)).items():
        hidden = random_features.fixed_layer(config, 5.0, seed=seed)
        assert hidden.shape == (8, 8)
        (units,) = run["units"]
        assert separable(hidden[:, :units], answers)
        assert not separable(hidden[:, : units - 1], answers)


def test_a_network_that_learned_has_made_its_cases_separable():
    config = replace(random_features.Config.fast(), hidden=(1, 2, 4), sweeps=600)
    x, answers = datasets.xor()
    measured = random_features.runs(config, range(20)).values()
    shares = {}
    for at, hidden in enumerate(config.hidden):
        net = random_features.network(config, hidden)
        start, result = random_features.train(config, hidden, range(20))
        for name, w in (("before", start), ("after", result.w)):
            outputs = net.forward(w, x)[1][0][1]
            expected = [separable(each, answers) for each in outputs]
            assert [run[name][at] for run in measured] == expected
            shares[name, hidden] = np.mean(expected)
        y, _ = net.forward(result.w, x)
        learned = (np.abs(y - answers) < 0.2).all(axis=(1, 2)).tolist()
        assert [run["learned"][at] for run in measured] == learned
        assert all(run["after"][at] or not run["learned"][at] for run in measured)
    # One unit cuts the plane once, trained or not; four are enough for any answers, trained or not.
    assert shares["before", 1] == shares["after", 1] == 0
    assert shares["before", 2] < 0.2 < 0.8 < shares["after", 2]
    assert shares["before", 4] == shares["after", 4] == 1


def test_training_beside_fixed_layers_is_that_of_the_small_tasks():
    for task in ("parity-4", "symmetry"):
        theirs = small_tasks.PRESETS[task]
        ours = random_features.PRESETS[task]
        for name in ("lr", "momentum", "half_width", "low", "high", "sweeps"):
            assert getattr(ours, name) == getattr(theirs, name), (task, name)
    start, _ = random_features.train(random_features.Config(sweeps=0), 4, [3])
    np.testing.assert_array_equal(start, small_tasks.initial(small_tasks.PRESETS["parity-4"], [3]))


def test_recorded_counts_of_units_come_out_again():
    for preset in ("parity-2", "parity-3"):
        record = results.load(results.default_folder(), "random_features", preset)
        seed = record.seeds[-1]
        again = random_features.run(replace(random_features.PRESETS[preset], hidden=()), seed=seed)
        for name in ("units", "units_for_coins"):
            assert again[name] == record.runs[seed][name]
