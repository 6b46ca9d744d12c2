"""The experiments: settings, what they measure, and what was recorded."""

from dataclasses import replace

import numpy as np
import pytest

from backprop import datasets, experiments, results, symmetry_weights
from backprop.errors import InputError, UnknownName
from backprop.evaluation import rejected_for, wrong
from backprop.experiments import symmetry, zip_codes
from backprop.initialisers import uniform


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'symmetry'"):
        experiments.get("symetry")
    with pytest.raises(UnknownName, match="Did you mean 'pseudo-newton'"):
        experiments.preset(zip_codes, "pseudonewton")
    with pytest.raises(UnknownName, match="unknown optimiser 'newton'"):
        zip_codes.make_optimiser(zip_codes.Config(optimiser="newton"))


@pytest.mark.parametrize("name", experiments.NAMES)
def test_every_experiment_offers_the_same_things(name):
    module = experiments.get(name)
    assert module.Config.paper() in module.PRESETS.values()
    assert module.PRESETS["fast"] == module.Config.fast()
    assert module.BLOCK >= 1
    assert all(isinstance(fact(), float) for fact in module.FACTS.values())


# Symmetry.


def test_the_published_weights_classify_all_patterns_and_favour_targets_of_point_one():
    x, answers, _ = symmetry.cases(symmetry.Config())
    w = symmetry_weights.PUBLISHED
    y, caches = symmetry.NETWORK.forward(w, x)
    assert (np.abs(y - answers) < 0.16).all()
    largest = {
        name: np.abs(symmetry.NETWORK.backward(w, caches, y - symmetry.cases(config)[2])).max()
        for name, config in symmetry.PRESETS.items()
    }
    assert largest["targets-point-one"] < largest["targets-zero-one"] / 50


def test_the_published_weights_have_the_pattern_and_random_ones_do_not():
    shape = symmetry_weights.mirror_shape(symmetry_weights.PUBLISHED)
    assert shape.one_two_four(tolerance=0.05)
    assert shape.opposite
    rng = np.random.default_rng(0)
    random = [symmetry_weights.mirror_shape(rng.uniform(-1, 1, 17)) for _ in range(20)]
    assert not any(s.one_two_four() for s in random)


def test_the_pattern_is_recognised_whatever_the_order_of_the_pairs_and_spoilt_by_one_weight():
    w = symmetry_weights.PUBLISHED.copy()
    hidden = symmetry.NETWORK.unpack(w)[0][0]
    hidden[:] = hidden[[1, 0, 2, 3, 5, 4]]
    assert symmetry_weights.mirror_shape(w).one_two_four()
    hidden[0, 0] *= 1.5
    assert not symmetry_weights.mirror_shape(w).one_two_four()
    hidden[0, 0] *= -1
    assert not symmetry_weights.mirror_shape(w).opposite


def test_one_two_four_and_two_three_four_keep_patterns_apart_equally_well():
    """Over all ratios the smallest sum is at most a quarter of the largest weight."""
    np.testing.assert_allclose(symmetry_weights.smallest_sum(np.array([[1, 2, 4], [2, 3, 4]])), 1)
    a, b = np.meshgrid(np.linspace(0, 1, 101), np.linspace(0, 1, 101))
    sums = symmetry_weights.smallest_sum(np.stack([a, b, np.ones_like(a)], axis=-1))
    assert sums.max() == pytest.approx(0.25)
    best = {
        (round(float(x), 2), round(float(y), 2))
        for x, y in zip(a[sums > 0.2499], b[sums > 0.2499], strict=True)
    }
    assert best == {(0.25, 0.5), (0.5, 0.25), (0.5, 0.75), (0.75, 0.5)}
    # The 56 patterns that are not symmetric are those with a difference.
    x, answers = datasets.symmetry()
    differences = x[:, :3] - x[:, :2:-1]
    np.testing.assert_array_equal((differences @ [4, 1, 2] == 0), answers[:, 0] == 1)


def test_a_symmetry_run_measures_what_it_says():
    config = symmetry.Config(sweeps=3000)
    measured = symmetry.runs(config, [3, 4, 5, 6])
    assert list(measured) == [3, 4, 5, 6]
    assert any(run["solved"] for run in measured.values())
    for run in measured.values():
        x, answers, _ = symmetry.cases(config)
        error = np.abs(symmetry.NETWORK.forward(np.array(run["w"]), x)[0] - answers).max()
        assert run["solved"] == (run["sweeps_to_margin"] is not None)
        if run["sweeps_to_published"] is not None:
            assert run["sweeps_to_side"] <= run["sweeps_to_margin"] <= run["sweeps_to_published"]
            assert error < 0.161
    assert symmetry.run(config, seed=4)["sweeps_to_margin"] == measured[4]["sweeps_to_margin"]


@pytest.mark.parametrize("preset", ["targets-point-one", "targets-zero-one"])
def test_recorded_symmetry_runs_come_out_again(preset):
    record = results.load(results.default_folder(), "symmetry", preset)
    solved = [seed for seed in record.seeds if record.runs[seed]["solved"]][:2]
    failed = [seed for seed in record.seeds if not record.runs[seed]["solved"]][:1]
    for seed, run in symmetry.runs(symmetry.PRESETS[preset], solved + failed).items():
        for key, old in record.runs[seed].items():
            if old is None or isinstance(old, bool):
                assert run[key] is old, key
            else:
                np.testing.assert_allclose(run[key], old, rtol=1e-2, err_msg=key)


def test_settings_of_the_symmetry_net_are_used():
    base = symmetry.Config(sweeps=30)
    changes = {"half_width": 0.5, "momentum": 0.5, "lr": 0.2, "low": 0.0}
    usual = symmetry.train(base, [0]).w
    for name, value in changes.items():
        assert not np.allclose(symmetry.train(replace(base, **{name: value}), [0]).w, usual), name


# Zip codes.


def test_a_zip_code_run_learns_and_measures_after_every_pass(small_digits):
    seen = []
    config = zip_codes.Config(passes=12, lr=0.003)
    w, history = zip_codes.train(
        config, seed=0, digits=small_digits, after_pass=lambda n, row: seen.append(n)
    )
    assert seen == list(range(1, 13))
    assert len(history) == 13
    assert w.dtype == np.float32
    assert history[-1]["train_half_mse"] < 0.5 * history[0]["train_half_mse"]
    y = zip_codes.network().predict(w, small_digits.train_x)
    error = 100 * wrong(y, small_digits.train_digit).mean()
    assert history[-1]["train_error"] == pytest.approx(error, rel=1e-5)


def test_both_optimisers_and_a_shorter_training_set(small_digits):
    one = zip_codes.Config(optimiser="gradient-descent", lr=0.01, passes=1, train_cases=10)
    two = zip_codes.Config(passes=1, train_cases=10)
    finals = [zip_codes.train(c, seed=0, digits=small_digits)[0] for c in (one, two)]
    assert not np.array_equal(*finals)


def by_step(values):
    """Answer for a preset name, from made-up values for each step."""
    return lambda preset: np.array([values[preset.rpartition("-")[2]]])


def test_the_step_is_chosen_by_training_error_and_held_out_digits():
    mse = by_step(
        {"0.0001": 9e-3, "0.0002": 3e-3, "0.0003": 2.4e-3, "0.0005": 1e-3, "0.001": 2.6e-3}
    )
    assert zip_codes.candidates("pseudo-newton", mse) == [0.0002, 0.0003, 0.001]
    held_out = by_step({"0.0002": 2.0, "0.0003": 3.0, "0.001": 2.5})
    assert zip_codes.chosen_lr("pseudo-newton", mse, held_out) == 0.0002


def test_a_single_candidate_or_the_nearest_step_needs_no_held_out_digits():
    def never(preset):
        raise AssertionError("held-out digits were asked for")

    mse = by_step({"0.002": 5e-3, "0.005": 3.4e-3, "0.01": 3.6e-3, "0.02": 8e-3})
    assert zip_codes.candidates("gradient-descent", mse) == [0.005]
    assert zip_codes.chosen_lr("gradient-descent", mse, never) == 0.005


@pytest.mark.parametrize("optimiser", zip_codes.STEPS)
def test_the_step_of_the_recorded_runs_is_the_one_that_the_calibration_chooses(optimiser):
    folder = results.default_folder()

    def column(quantity):
        return lambda preset: results.load(folder, "zip_codes", preset).column(quantity)

    chosen = zip_codes.chosen_lr(optimiser, column("train_half_mse"), column("test_error"))
    assert zip_codes.PRESETS[optimiser].lr == chosen
    used = results.load(folder, "zip_codes", optimiser)
    assert not set(used.runs) & set(zip_codes.CALIBRATION_SEEDS)
    for lr in zip_codes.STEPS[optimiser]:
        calibration = results.load(folder, "zip_codes", zip_codes.calibration_preset(optimiser, lr))
        assert calibration.seeds == list(zip_codes.CALIBRATION_SEEDS)


def test_a_run_with_held_out_digits_never_looks_at_the_test_digits(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (60, 256)).astype(np.float32)
    unseen = np.full((20, 256), np.nan, dtype=np.float32)
    digits = datasets.Digits(x, np.arange(60) % 10, unseen, np.arange(20) % 10, "test", {}, True)
    monkeypatch.setattr(datasets, "zip_codes", lambda: digits)
    config = zip_codes.Config(passes=2, hold_out=20, mu=0.5, gamma=0.3, lr=0.01)
    measured = zip_codes.run(config, seed=7)

    held = zip_codes.hold_out(digits, 20)
    w, history = zip_codes.train(config, seed=7, digits=held)
    np.testing.assert_array_equal(measured["w"], w)
    y = zip_codes.network().predict(w, x[40:])
    assert measured["rejected"] == pytest.approx(100 * rejected_for(y, held.test_digit))
    assert measured["test_error"] == pytest.approx(100 * wrong(y, held.test_digit).mean())
    for key in ("train_error", "test_error", "train_half_mse", "test_half_mse"):
        assert measured["history"][key] == [row[key] for row in history]
        assert measured["history"][key][-1] == measured[key]
    for other in (replace(config, mu=0.02), replace(config, gamma=0.01), replace(config, lr=0.02)):
        assert not np.array_equal(w, zip_codes.train(other, seed=7, digits=held)[0])
    assert not np.array_equal(w, zip_codes.train(config, seed=8, digits=held)[0])
    assert "w" not in zip_codes.run(replace(config, keep_weights=False), seed=7)


@pytest.mark.parametrize("cases", [0, -5, 60, 9000])
def test_holding_out_none_or_all_is_refused(small_digits, cases):
    with pytest.raises(InputError, match="held out"):
        zip_codes.hold_out(small_digits, cases)


@pytest.mark.needs_digits
def test_held_out_digits_come_from_the_training_set_only():
    digits = datasets.zip_codes(download=False, stand_in=False)
    held = zip_codes.hold_out(digits, zip_codes.HELD_OUT)
    assert len(held.train_x) == 6000
    np.testing.assert_array_equal(np.concatenate([held.train_x, held.test_x]), digits.train_x)
    np.testing.assert_array_equal(
        np.concatenate([held.train_digit, held.test_digit]), digits.train_digit
    )


@pytest.mark.parametrize(("name", "preset"), results.recorded(results.default_folder()))
def test_recorded_configurations_are_the_presets(name, preset):
    module = experiments.get(name)
    record = results.load(results.default_folder(), name, preset)
    assert record.config == results.settings(experiments.preset(module, preset))
    assert record.data == (dict(datasets.CHECKSUMS) if module.uses_zip_codes else None)


@pytest.mark.needs_digits
def test_recorded_weights_give_the_recorded_errors_on_the_real_digits():
    folder = results.default_folder()
    record = results.load(folder, "zip_codes", "pseudo-newton")
    digits = datasets.zip_codes(download=False, stand_in=False)
    for seed in sorted(record.runs)[:3]:
        path = results.arrays_path(folder, "zip_codes", "pseudo-newton", seed)
        w = results.load_arrays(path)["w"]
        measured, y = zip_codes.evaluate(zip_codes.network(), w, digits)
        run = record.runs[seed]
        # One digit on the edge may fall to the other side on another machine.
        assert measured["test_error"] == pytest.approx(run["test_error"], abs=0.051)
        assert measured["train_error"] == pytest.approx(run["train_error"], abs=0.015)
        assert measured["test_half_mse"] == pytest.approx(run["test_half_mse"], rel=1e-4)
        rejected = 100 * rejected_for(y, digits.test_digit)
        assert rejected == pytest.approx(run["rejected"], abs=0.15)


@pytest.mark.needs_digits
def test_a_fast_run_on_the_real_digits_learns_something():
    measured = zip_codes.run(zip_codes.Config.fast(), seed=0)
    assert measured["test_error"] < 60
    assert len(measured["history"]["test_error"]) == 2


def test_seeds_recorded_are_enough_for_the_headline():
    folder = results.default_folder()
    assert len(results.load(folder, "zip_codes", "pseudo-newton").runs) >= 10
    for preset in ("targets-point-one", "targets-zero-one"):
        assert len(results.load(folder, "symmetry", preset).runs) >= 1000


# The cost of a gradient.


def test_the_three_functions_timed_compute_one_gradient():
    module = experiments.get("gradient_cost")
    rng = np.random.default_rng(0)
    network = symmetry.NETWORK
    case = network.init(uniform(0.5), rng=rng), network, *symmetry.cases(symmetry.Config())[::2]
    np.testing.assert_allclose(module.gradient(*case), module.differences(*case), rtol=1e-6)


def test_a_cost_is_measured_for_every_width():
    module = experiments.get("gradient_cost")
    measured = module.run(module.Config(widths=(1, 3), size=8, repeats=2, slow_up_to=30), seed=0)
    assert measured["weights"] == [25, 59]
    assert min(measured["backward"]) > 0
    assert measured["differences"][0] > measured["backward"][0]
    assert measured["differences"][1] is None
