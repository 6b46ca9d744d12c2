"""The zip-code experiments beside the paper's own run: choices left open, and baselines."""

import re
from dataclasses import asdict, replace

import numpy as np
import pytest

from backprop import datasets, results
from backprop.activations import LECUN_TANH
from backprop.errors import UnknownName
from backprop.evaluation import paired_interval, rejected_for
from backprop.experiments import zip_baselines, zip_choices, zip_codes, zip_training
from backprop.losses import HALF_SUMMED_SQUARES
from backprop.optimisers import PassNewton, PseudoNewton, SteepestDescent
from backprop.training import mean_curvature

BASE = zip_choices.Config()
# Single precision, and sums in another order with replicas than without.
CLOSE = {"rtol": 1e-3, "atol": 1e-5}


@pytest.fixture
def final_weights(monkeypatch, digits):
    """Run an experiment and give its final weights, (seeds, P), in place of what it measures."""
    kept = []

    def keep(net, w, *rest):
        kept.append(w)
        return [{}] * len(w)

    def run(module, config, seeds=(0,)):
        module.runs(config, list(seeds))
        return kept[-1]

    monkeypatch.setattr(zip_training, "measure", keep)
    return run


def initial(net, seeds=(0,)):
    weights = zip_choices.RANGES["2.4/F"]
    return net.init_replicas(weights, seeds=seeds, dtype=np.float32)


# What they share.


def test_three_groups_read_two_thirds_of_the_maps_each():
    first, *_, last = zip_training.groups()
    assert first == (0, 1, 2, 3, 4, 5, 6, 7)
    assert last == (0, 1, 2, 3, 8, 9, 10, 11)
    for maps in zip_baselines.MAPS:
        table = zip_training.groups(maps)
        assert {len(row) for row in table} == {2 * maps // 3}
        assert {source for row in table for source in row} == set(range(maps))
        assert [table.count(row) for row in set(table)] == [maps // 3] * 3


def test_networks_of_feature_maps_are_built_like_the_one_of_1989():
    net = zip_training.feature_maps(zip_training.groups())
    assert net == zip_codes.network()
    assert tuple(net.total()) == (1_256, 64_660, 9_760)
    every = zip_training.feature_maps(None, maps=2, off=0.5)
    assert [layer.border for layer in every.layers[:2]] == [-1, 0.5]
    assert [tuple(layer) for layer in every.count()] == [
        (256, 0, 0),
        (128, 128 * 26, 2 * 25 + 128),
        (32, 32 * 51, 2 * 50 + 32),
        (30, 30 * 33, 30 * 33),
        (10, 310, 310),
    ]


def test_replicas_are_measured_like_single_networks(digits):
    net = zip_training.feature_maps(zip_training.groups(3), maps=3)
    w = net.init_replicas(zip_choices.RANGES["2.4/sqrt(F)"], seeds=[3, 4], dtype=np.float32)
    measured = zip_training.measure(net, w, digits)
    assert measured[0]["train_half_mse"] != measured[1]["train_half_mse"]
    for own, row in zip(w, measured, strict=True):
        single, y = zip_codes.evaluate(net, own, digits)
        single["rejected"] = 100 * rejected_for(y, digits.test_digit)
        assert row == pytest.approx(single, rel=1e-4)


def test_the_mean_squares_are_those_of_the_targets_in_use(digits):
    net = zip_baselines.hidden_40()
    w = initial(net)
    usual = zip_training.measure(net, w, digits)[0]
    doubled = zip_training.measure(net, w, digits, lambda digit: 2 * datasets.targets(digit))[0]
    y = net.predict(w[0], digits.test_x).astype(float)
    expected = 0.5 * np.mean((y - 2 * datasets.targets(digits.test_digit)) ** 2)
    assert doubled["test_half_mse"] == pytest.approx(expected, rel=1e-4)
    changed = {key for key in usual if usual[key] != doubled[key]}
    assert changed == {"train_half_mse", "test_half_mse"}


def test_seeds_trained_together_are_those_trained_one_by_one(digits):
    net = zip_training.feature_maps(zip_training.groups(3), maps=3)
    how = {"optimiser": PseudoNewton(0.001), "passes": 2, "course": True}
    w, measured = zip_training.train_seeds(net, [5, 6], digits, **how)
    assert w.dtype == np.float32
    assert not np.allclose(w[0], w[1])
    for i, seed in enumerate([5, 6]):
        (alone,), (row,) = zip_training.train_seeds(net, [seed], digits, **how)
        np.testing.assert_allclose(alone, w[i], **CLOSE)
        for key in ("train_half_mse", "test_half_mse"):
            assert row["history"][key] == pytest.approx(measured[i]["history"][key], rel=1e-3)


def test_the_course_begins_before_the_first_pass_and_ends_with_what_is_measured(digits):
    net = zip_baselines.hidden_40()
    how = {"optimiser": SteepestDescent(0.01), "passes": 3}
    w, (row,) = zip_training.train_seeds(net, [0], digits, course=True, **how)
    history = row.pop("history")
    assert {len(values) for values in history.values()} == {4}
    before, after = (zip_training.measure(net, at, digits)[0] for at in (initial(net), w))
    assert {key: values[0] for key, values in history.items()} == before
    assert {key: values[-1] for key, values in history.items()} == after == row
    assert zip_training.train_seeds(net, [0], digits, **how)[1] == [row]


def test_only_the_first_cases_are_trained_on_and_all_are_measured(digits):
    net = zip_baselines.hidden_40()
    how = {"optimiser": SteepestDescent(0.01), "passes": 2}
    w, measured = zip_training.train_seeds(net, [0], digits, train_cases=15, **how)
    fewer = replace(digits, train_x=digits.train_x[:15], train_digit=digits.train_digit[:15])
    np.testing.assert_array_equal(w, zip_training.train_seeds(net, [0], fewer, **how)[0])
    assert measured == zip_training.measure(net, w, digits)


# Choices that the paper leaves open.

SETTINGS = {
    "H1-H2 table": {"table"},
    "initial range": {"weights"},
    "initial biases": {"biases", "output_bias"},
    "step": {"lr"},
    "mu": {"mu"},
    "Hessian average": {"gamma", "curvature"},
    "pattern order": {"order"},
    "targets": {"target"},
    "tanh constants": {"amplitude", "steepness"},
}


def test_the_base_is_the_run_of_the_1989_network(final_weights, digits):
    own = zip_codes.PRESETS["pseudo-newton"]
    assert zip_choices.PRESETS["base"] == BASE
    assert zip_choices.make_optimiser(BASE) == zip_codes.make_optimiser(own)
    assert own.passes == BASE.passes
    layers = [replace(layer, activation=LECUN_TANH) for layer in zip_choices.network(BASE).layers]
    assert tuple(layers) == zip_codes.network().layers
    # 200 steps of both.
    ours = final_weights(zip_choices, replace(BASE, passes=5), [0, 1])
    for seed in (0, 1):
        w, _ = zip_codes.train(replace(own, passes=5), seed=seed, digits=digits)
        np.testing.assert_allclose(ours[seed], w, **CLOSE)
    assert not np.allclose(ours, initial(zip_codes.network(), [0, 1]), **CLOSE)


@pytest.mark.parametrize("choice", zip_choices.LEVELS)
def test_every_preset_makes_one_choice_otherwise(choice):
    for level in zip_choices.LEVELS[choice]:
        preset = zip_choices.PRESETS[zip_choices.preset_name(choice, level)]
        usual = asdict(BASE)
        changed = {name for name, value in asdict(preset).items() if value != usual[name]}
        assert changed, f"{level} is the base"
        assert changed <= SETTINGS[choice], level


def test_every_level_has_a_preset_of_its_own_with_a_plain_name():
    levels = sum(len(levels) for levels in zip_choices.LEVELS.values())
    others = 2 + len(zip_choices.ROOT_STEPS)  # the base and the one for tests
    assert len(zip_choices.PRESETS) == len(set(zip_choices.PRESETS.values())) == levels + others
    assert all(re.fullmatch(r"[a-z0-9.]+(-[a-z0-9.]+)*", name) for name in zip_choices.PRESETS)
    assert zip_choices.preset_name("initial biases", "outputs -1") in zip_choices.PRESETS


def test_every_choice_has_an_effect(final_weights):
    final = {
        name: final_weights(zip_choices, replace(config, passes=2, train_cases=15))
        for name, config in zip_choices.PRESETS.items()
    }
    assert len({w.tobytes() for w in final.values()}) == len(final)


@pytest.mark.parametrize("name", zip_choices.TABLES)
def test_tables_connect_twelve_maps_with_eight_of_twelve(name):
    table = zip_choices.TABLES[name]()
    if name == "all":
        assert table is None
        return
    assert len(table) == 12
    assert {len(row) for row in table} == ({3, 6} if name == "sibling" else {8})
    assert all(list(row) == sorted(set(row)) for row in table)
    assert {source for row in table for source in row} == set(range(12))
    assert zip_choices.TABLES[name]() == table


def test_tables_are_what_their_names_say():
    tables = {name: table() for name, table in zip_choices.TABLES.items()}
    assert len(set(tables.values())) == len(tables)
    assert tables["ring"][10] == (0, 1, 2, 3, 4, 5, 10, 11)
    for map_, row in enumerate(tables["two modules"]):
        own = range(6) if map_ < 6 else range(6, 12)
        assert set(own) <= set(row)
    for map_, row in enumerate(tables["sibling"]):
        assert all((source < 6) == (map_ < 6) for source in row)
        # Three copies of each of the sibling's four maps.
        assert {source // 3 for source in row} == {
            group for group in range(4) if {3 * group, 3 * group + 1, 3 * group + 2} <= set(row)
        }


def test_the_order_is_as_filed_or_shuffled_once_or_for_each_pass():
    assert zip_choices.make_order(BASE, 50) is None
    once, each = (
        zip_choices.make_order(replace(BASE, order=order), 50) for order in zip_choices.ORDERS[1:]
    )
    for order in (once, each):
        assert sorted(order(1)) == list(range(50))
        assert list(order(1)) == list(order(1)) != list(range(50))
    assert list(once(0)) == list(once(1))
    assert list(each(0)) != list(each(1))


def test_the_second_derivatives_are_averaged_as_chosen():
    running = zip_choices.make_optimiser(replace(BASE, lr=0.1, mu=0.2, gamma=0.3))
    assert running == PseudoNewton(0.1, 0.2, 0.3)
    before = replace(BASE, lr=0.1, mu=0.2, curvature="before each pass")
    assert zip_choices.make_optimiser(before) == PassNewton(0.1, 0.2, 500)


def test_biases_start_as_chosen_and_the_other_choices_leave_the_start_alone(final_weights):
    def start(**changes):
        config = replace(BASE, passes=0, **changes)
        return final_weights(zip_choices, config)[0]

    net, usual = zip_choices.network(BASE), start()
    biases, outputs = net.mask("b"), np.arange(len(usual)) >= len(usual) - 10
    np.testing.assert_array_equal(usual, initial(net)[0])
    np.testing.assert_array_equal(start(biases="zero") == 0, biases)
    np.testing.assert_array_equal(start(output_bias=-1.0), np.where(outputs, -1, usual))
    both = start(biases="zero", output_bias=-1.0)
    np.testing.assert_array_equal(both[biases], np.where(outputs, -1, 0)[biases])
    for choice in ("step", "mu", "Hessian average", "pattern order", "targets", "tanh constants"):
        for changes in zip_choices.LEVELS[choice].values():
            np.testing.assert_array_equal(start(**changes), usual)
    for name in ("ring", "two modules", "random 1"):
        np.testing.assert_array_equal(start(table=name), usual)


@pytest.mark.parametrize(
    ("field", "given", "near"),
    [
        ("table", "rings", "ring"),
        ("weights", "2.4/f", "2.4/F"),
        ("biases", "zeros", "zero"),
        ("order", "shuffled", "shuffled once"),
        ("curvature", "before a pass", "before each pass"),
    ],
)
def test_names_of_choices_that_do_not_exist_are_refused(digits, field, given, near):
    with pytest.raises(UnknownName, match=f"'{given}'. Did you mean '{near}'"):
        zip_choices.runs(replace(BASE, **{field: given}), [0])


def test_a_fast_run_of_the_choices_measures_each_seed(digits):
    measured = zip_choices.runs(zip_choices.Config.fast(), [3, 1])
    assert list(measured) == [3, 1]
    alone = zip_choices.run(zip_choices.Config.fast(), seed=1)
    assert alone["train_half_mse"] == pytest.approx(measured[1]["train_half_mse"], rel=1e-3)
    assert alone["train_half_mse"] != pytest.approx(measured[3]["train_half_mse"], rel=1e-3)
    assert (
        set(alone)
        == set(measured[1])
        == {*("train_half_mse", "train_error", "test_half_mse", "test_error", "rejected")}
    )


# Baselines.


def test_baselines_have_the_sizes_they_are_meant_to_have():
    nets = {name: build() for name, build in zip_baselines.NETWORKS.items()}
    assert tuple(nets["hidden-40"].total()) == (306, 10_690, 10_690)
    assert zip_baselines.FACTS["hidden_40_connections"]() == 10_690
    assert tuple(nets["unshared"].total()) == (1_256, 64_660, 64_660)
    assert nets["maps-12"] == zip_codes.network()
    assert {(net.n_in, net.n_out) for net in nets.values()} == {(256, 10)}
    for maps in zip_baselines.MAPS:
        _, h1, h2, _, _ = nets[f"maps-{maps}"].count()
        assert (h1.units, h2.units) == (64 * maps, 16 * maps)
        assert h2.free == 25 * maps * (2 * maps // 3) + 16 * maps


def by_preset(values):
    """Answer for a preset name, from made-up values for each step."""
    return lambda preset: values[float(preset.rpartition("-")[2])]


def test_the_step_of_a_baseline_has_the_smallest_mean_error_on_held_out_digits():
    errors = {0.0001: [5.0, 5.0, 5.0], 0.0003: [1.0, 2.0, 30.0], 0.001: [4.0, 4.5, 5.0]}
    errors |= {0.003: [9.0, 9.0, 9.0], 0.01: [4.9, 4.9, 4.9]}
    assert zip_baselines.chosen_step("hidden-40", by_preset(errors)) == 0.001


@pytest.mark.parametrize("optimiser", zip_baselines.BATCH_STEPS)
def test_the_step_for_all_cases_has_the_smallest_mean_training_error(optimiser):
    steps = zip_baselines.BATCH_STEPS[optimiser]
    errors = {lr: [0.2, 0.3] for lr in steps} | {steps[1]: [0.01, 0.9], steps[2]: [0.2, 0.2]}
    assert zip_baselines.chosen_batch_step(optimiser, by_preset(errors)) == steps[2]


def test_presets_of_the_baselines_are_named_for_what_they_do():
    presets = dict(zip_baselines.PRESETS)
    assert presets.pop("fast") == zip_baselines.Config.fast()
    # For all cases, the chosen step is run again on other seeds.
    assert len(set(presets.values())) == len(presets) - len(zip_baselines.BATCH_CHOSEN)
    for name, config in presets.items():
        assert config.network in zip_baselines.NETWORKS, name
        assert config.optimiser in zip_baselines.OPTIMISERS, name
        assert (config.hold_out > 0) == name.startswith("validation-"), name
        assert config.all_cases == ("all-cases" in name), name
        assert config.passes == (230 if name.endswith("-longer") else 23), name
        assert config.train_cases is None, name
        if config.hold_out:
            assert config.hold_out == zip_codes.HELD_OUT
            assert name == zip_baselines.validation_preset(config.network, config.lr)
        elif name.startswith("step-"):
            named = zip_baselines.batch_preset if config.all_cases else zip_baselines.wide_preset
            assert name == named(config.optimiser, config.lr)
            assert config.network == "maps-12"
        elif not config.all_cases:
            assert name == config.network


def test_every_step_that_can_be_chosen_has_a_preset():
    for network, steps in zip_baselines.STEPS.items():
        for lr in steps:
            preset = zip_baselines.PRESETS[zip_baselines.validation_preset(network, lr)]
            assert (preset.network, preset.lr) == (network, lr)
        assert zip_baselines.CHOSEN.get(network, steps[0]) in steps
    for optimiser, steps in zip_baselines.BATCH_STEPS.items():
        for lr in steps:
            preset = zip_baselines.PRESETS[zip_baselines.batch_preset(optimiser, lr)]
            assert (preset.optimiser, preset.lr) == (optimiser, lr)
        assert zip_baselines.BATCH_CHOSEN.get(optimiser, steps[0]) in steps
    for optimiser, steps in zip_baselines.WIDE.items():
        assert not set(steps) & set(zip_codes.STEPS[optimiser]), "recorded with zip_codes"


def test_recorded_baselines_have_the_step_that_the_held_out_digits_choose():
    folder = results.default_folder()

    def column(quantity):
        def values(preset):
            record = results.load(folder, "zip_baselines", preset)
            assert record.seeds == list(zip_codes.CALIBRATION_SEEDS)
            return record.column(quantity)

        return values

    for experiment, preset in results.recorded(folder):
        if experiment != "zip_baselines" or preset.startswith(("validation-", "step-")):
            continue
        config = zip_baselines.PRESETS[preset]
        if config.all_cases:
            error = column("train_half_mse")
            chosen = zip_baselines.chosen_batch_step(config.optimiser, error)
        else:
            chosen = zip_baselines.chosen_step(config.network, column("test_error"))
        assert config.lr == chosen, preset
        used = results.load(folder, experiment, preset).seeds
        assert not set(used) & set(zip_codes.CALIBRATION_SEEDS), preset


@pytest.mark.parametrize("cases", [None, 10])
@pytest.mark.parametrize("optimiser", zip_baselines.OPTIMISERS)
def test_with_all_cases_a_pass_is_one_step_down_their_mean_gradient(
    final_weights, digits, optimiser, cases
):
    config = zip_baselines.Config(
        "hidden-40", optimiser, 0.1, all_cases=True, passes=1, train_cases=cases
    )
    net = zip_baselines.hidden_40()
    w, x, d = initial(net), digits.train_x[:cases], datasets.targets(digits.train_digit[:cases])
    y, caches = net.forward(w, x)
    mean = net.backward(w, caches, y - d) / len(x)
    if optimiser == "pseudo-newton":
        mean = mean / (0.02 + mean_curvature(net, w, x, d, HALF_SUMMED_SQUARES))
    ours = final_weights(zip_baselines, config)
    np.testing.assert_allclose(ours, w - 0.1 * mean, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("optimiser", "made"),
    [("pseudo-newton", PseudoNewton(0.001)), ("gradient-descent", SteepestDescent(0.001))],
)
def test_with_one_case_at_a_time_the_step_is_that_of_the_paper(
    final_weights, digits, optimiser, made
):
    config = zip_baselines.Config("maps-3", optimiser, 0.001, passes=2)
    net = zip_baselines.NETWORKS["maps-3"]()
    w, _ = zip_training.train_seeds(net, [0, 1], digits, optimiser=made, passes=2)
    np.testing.assert_array_equal(final_weights(zip_baselines, config, [0, 1]), w)


def test_a_baseline_with_held_out_digits_never_looks_at_the_test_digits(monkeypatch, digits):
    unseen = replace(digits, test_x=np.full_like(digits.test_x, np.nan))
    monkeypatch.setattr(datasets, "zip_codes", lambda: unseen)
    config = zip_baselines.Config(lr=0.001, passes=2, hold_out=15)
    measured = zip_baselines.run(config, seed=0)
    kept = zip_codes.hold_out(digits, 15)
    monkeypatch.setattr(datasets, "zip_codes", lambda: kept)
    assert zip_baselines.run(replace(config, hold_out=0), seed=0) == measured


def test_a_fast_run_of_the_baselines_measures_the_course_of_each_seed(digits):
    config = zip_baselines.Config.fast()
    measured = zip_baselines.runs(config, [3, 1])
    assert list(measured) == [3, 1]
    for row in measured.values():
        for key, values in row["history"].items():
            assert len(values) == config.passes + 1
            assert values[-1] == row[key]
    assert measured[1]["train_half_mse"] != measured[3]["train_half_mse"]


def test_networks_and_optimisers_that_do_not_exist_are_refused(digits):
    with pytest.raises(UnknownName, match=r"network 'hidden-4'. Did you mean 'hidden-40'"):
        zip_baselines.runs(zip_baselines.Config("hidden-4"), [0])
    with pytest.raises(UnknownName, match=r"optimiser 'newton'. Did you mean 'pseudo-newton'"):
        zip_baselines.runs(zip_baselines.Config(optimiser="newton"), [0])


# Effects of the choices.


def test_choices_are_ranked_by_their_largest_effect_over_pairs_of_the_same_seed():
    noise = {0: 5.1, 1: 5.6, 2: 5.3, 3: 5.2}  # between seeds; it drops out of the pairs

    def errors(preset):
        shift = {"targets-0.8": -0.6, "mu-0.1": 0.3, "mu-0.05": 0.1}.get(preset, 0.0)
        wobble = {0: 0.01, 1: -0.01, 2: 0.01, 3: -0.01}
        if preset == "base":
            return noise
        return {seed: value + shift + wobble[seed] for seed, value in noise.items()}

    ranked = zip_choices.effects(errors)
    assert [group[0].choice for group in ranked[:2]] == ["targets", "mu"]
    assert sum(map(len, ranked)) == sum(map(len, zip_choices.LEVELS.values()))
    by_level = {(effect.choice, effect.level): effect for group in ranked for effect in group}
    assert by_level["targets", "±0.8"].mean == pytest.approx(-0.6)
    matter = {key for key, effect in by_level.items() if effect.matters}
    assert matter == {("targets", "±0.8"), ("mu", "0.1"), ("mu", "0.05")}
    # The levels share the 5 % between them.
    targets = by_level["targets", "±0.8"]
    shifted = [-0.59, -0.61, -0.59, -0.61]
    together = paired_interval(shifted, comparisons=len(by_level))
    assert (targets.low, targets.high) == pytest.approx(together)


@pytest.mark.parametrize(
    ("low", "high", "matters"),
    [(0.1, 0.2, True), (-0.2, -0.1, True), (-0.1, 0.2, False), (0.0, 0.2, False)],
)
def test_an_effect_matters_if_its_interval_leaves_out_zero(low, high, matters):
    assert zip_choices.Effect("mu", "0.1", (low + high) / 2, low, high).matters == matters


def test_only_seeds_that_both_have_are_paired():
    def errors(preset):
        return {0: 5.0, 1: 6.0, 2: 100.0} if preset == "base" else {0: 5.5, 1: 6.6, 7: 0.0}

    effect = zip_choices.effects(errors)[0][0]
    assert effect.mean == pytest.approx(0.55)
