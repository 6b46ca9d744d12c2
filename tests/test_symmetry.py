"""The symmetry network: what its weights say, where failed runs end, and the two designs."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from backprop import datasets, results, symmetry_minima, symmetry_weights
from backprop.errors import InputError
from backprop.experiments import symmetry, symmetry_hidden, symmetry_map
from backprop.symmetry_weights import PDP, PUBLISHED

PRINTED = {"paper": PUBLISHED, "chapter": PDP}


def targets(low, high):
    return low + (high - low) * datasets.symmetry()[1]


# Weights.


@pytest.mark.parametrize("w", PRINTED.values(), ids=PRINTED)
def test_printed_weights_are_antisymmetric_with_one_two_four_and_answer_all_patterns(w):
    shape = symmetry_weights.mirror_shape(w)
    assert shape.one_two_four(tolerance=0.05)
    assert not shape.has_ratios((2, 3, 4))
    assert shape.opposite
    assert symmetry_weights.correct(w) == 64
    assert symmetry_weights.correct(-w) < 64


def test_the_order_of_the_pairs_is_read_from_the_outside_to_the_middle():
    assert symmetry_weights.order_of_pairs(PUBLISHED) == (3, 1, 2)
    assert symmetry_weights.order_of_pairs(PDP) == (1, 2, 3)


def test_renaming_inputs_brings_equivalent_networks_together_and_changes_no_answer():
    rng = np.random.default_rng(0)
    hidden = symmetry_weights.PUBLISHED_HIDDEN
    for order in itertools.permutations(range(3)):
        rows = np.array([*order, *(5 - i for i in reversed(order))])
        for i in np.flatnonzero(rng.random(3) < 0.5):  # swap the two inputs of some pairs
            rows[[i, 5 - i]] = rows[[5 - i, i]]
        w = PUBLISHED.copy()
        w[:12] = hidden[rows].ravel()
        np.testing.assert_array_equal(symmetry_weights.in_the_papers_order(w), PUBLISHED)
        np.testing.assert_allclose(
            np.sort(symmetry_minima.outputs(w)), np.sort(symmetry_minima.outputs(PUBLISHED))
        )
    other = symmetry_weights.in_the_papers_order(PDP)
    assert symmetry_weights.order_of_pairs(other) == (3, 1, 2)
    assert (np.sign(other[:12]) == np.sign(PUBLISHED[:12])).all()
    assert symmetry_weights.correct(other) == 64


def test_only_the_symmetric_patterns_cancel():
    x, answers = datasets.symmetry()
    sums = (x[:, :3] - x[:, :2:-1]) @ [4, 1, 2]
    assert len(symmetry_weights.pair_signs()) == 27
    assert set(sums) == set(symmetry_weights.pair_signs() @ [4, 1, 2])
    np.testing.assert_array_equal(sums == 0, answers[:, 0] == 1)


def test_the_gradient_is_linear_in_the_targets():
    constant, slope = symmetry_weights.gradient_by_targets(PUBLISHED)
    for low, high in ((0, 1), (0.1, 0.9), (0.3, 0.6)):
        np.testing.assert_allclose(
            constant - slope @ [low, high],
            symmetry_minima.gradient(PUBLISHED, targets(low, high)),
            atol=1e-12,
        )


def test_a_trained_network_is_at_rest_for_its_own_targets_and_for_no_others():
    w, loss = symmetry_minima.descend(PUBLISHED, targets(0.2, 0.7), steps=300)
    assert loss < 0.01
    np.testing.assert_allclose(symmetry_weights.targets_at_rest(w), [0.2, 0.7], atol=1e-3)
    both = symmetry_weights.targets_at_rest(np.stack([w, PUBLISHED]))
    np.testing.assert_allclose(both[0], [0.2, 0.7], atol=1e-3)


@pytest.mark.parametrize(
    ("w", "rounding"),
    [
        (PUBLISHED, symmetry_weights.PUBLISHED_ROUNDING),
        (PDP, symmetry_weights.PDP_ROUNDING),
    ],
    ids=PRINTED,
)
def test_printed_weights_rest_at_point_one_whatever_their_rounding_hid(w, rounding):
    draws = symmetry_weights.within_rounding(w, rounding, 2000, rng=np.random.default_rng(0))
    assert (np.abs(draws - w) <= rounding).all()
    low, high = np.quantile(symmetry_weights.targets_at_rest(draws), [0.025, 0.975], axis=0)
    assert (low < [0.1, 0.9]).all() and (high > [0.1, 0.9]).all()
    assert (high - low < [0.02, 0.1]).all()


def test_the_length_of_the_gradient_is_that_of_backpropagation_for_each_networks_targets():
    w = np.stack([PUBLISHED, PDP])
    for pair in ([0.1, 0.9], [0.0, 1.0]):
        expected = np.linalg.norm(symmetry_minima.gradient(w, targets(*pair)), axis=-1)
        found = symmetry_weights.gradient_length(w, np.array(pair))
        np.testing.assert_allclose(found, expected, rtol=1e-9)
    own = symmetry_weights.targets_at_rest(w)
    least = symmetry_weights.gradient_length(w, own)
    assert (least < symmetry_weights.gradient_length(w, own + 0.01)).all()


@pytest.mark.parametrize(
    ("w", "expected"), [(PUBLISHED, [14.2, 8.8]), (PDP, [12.5375, 9.44])], ids=PRINTED
)
def test_the_largest_pair_and_the_output_weights_are_read_off(w, expected):
    np.testing.assert_allclose(symmetry_weights.largest_and_output(w), expected)
    assert symmetry_weights.largest_and_output(np.stack([w, 2 * w])).shape == (2, 2)


# Minima.


def test_second_derivatives_agree_with_those_of_the_loss():
    d = targets(0.1, 0.9)
    w = np.random.default_rng(0).normal(size=17)

    def loss(v):
        return 0.5 * ((symmetry_minima.outputs(v) - d[:, 0]) ** 2).sum()

    i, j, h = 3, 15, 1e-3
    move = h * np.eye(17)
    mixed = sum(a * b * loss(w + a * move[i] + b * move[j]) for a in (-1, 1) for b in (-1, 1)) / (
        4 * h**2
    )
    assert symmetry_minima.hessian(w, d)[i, j] == pytest.approx(mixed, rel=1e-3)


def test_a_solution_curves_upwards_and_the_dead_network_does_not():
    d = targets(0.1, 0.9)
    w, _ = symmetry_minima.descend(PUBLISHED, d)
    assert symmetry_minima.least_curvature(w, d) > -1e-8
    start = np.random.default_rng(0).uniform(-0.3, 0.3, 17)
    assert symmetry_minima.least_curvature(start, d) < -0.01


def test_descent_never_goes_up():
    d = targets(0.0, 1.0)
    w = np.random.default_rng(2).uniform(-1, 1, 17)
    before = 0.5 * ((symmetry_minima.outputs(w) - d[:, 0]) ** 2).sum()
    assert symmetry_minima.descend(w, d, steps=5)[1] <= before


def test_missing_all_symmetric_patterns_is_the_best_constant_output():
    for config in (symmetry.Config(), symmetry.Config(low=0.0, high=1.0)):
        expected = symmetry.constant_loss(config)
        loss = symmetry_minima.missed_loss(8, low=config.low, high=config.high)
        assert loss == pytest.approx(expected)
    assert symmetry_minima.missed_loss(0, low=0.1, high=0.9) == 0


# Experiments.


def test_more_hidden_units_make_a_larger_network():
    config = symmetry.Config(hidden=5, sweeps=3)
    assert symmetry.train(config, [0, 1]).w.shape == (2, 6 * 5 + 5 + 5 + 1)
    with pytest.raises(InputError, match="symmetry_hidden"):
        symmetry.runs(config, [0])


def test_near_the_global_minimum_means_a_small_share_of_the_loss_of_a_constant():
    runs = symmetry.runs(symmetry.Config(sweeps=1500), range(6))
    for run in runs.values():
        assert run["near_global"] == (run["loss"] <= 0.224)
    assert len({run["near_global"] for run in runs.values()}) == 2


def test_runs_with_more_hidden_units_say_when_they_learned():
    config = symmetry_hidden.PRESETS[symmetry_hidden.preset(4, 0.1, "targets-zero-one")]
    assert (config.hidden, config.lr, config.low, config.high) == (4, 0.1, 0.0, 1.0)
    runs = symmetry_hidden.runs(replace(config, sweeps=1500), [0, 1, 2, 3])
    assert all(run["solved"] == (run["sweeps_to_margin"] is not None) for run in runs.values())
    assert symmetry_hidden.run(replace(config, sweeps=1500), seed=1) == runs[1]


def test_the_number_of_a_run_says_cell_and_seed():
    config = symmetry_map.Config(lrs=(0.1, 0.3), momenta=(0.5, 0.9), replicas=3, sweeps=1200)
    runs = symmetry_map.runs(config, range(config.size))
    assert config.size == len(runs) == 12
    for cell, (lr, momentum) in enumerate(config.cells):
        alone = symmetry.train(
            symmetry.Config(lr=lr, momentum=momentum, sweeps=1200), range(3), criteria=["margin"]
        ).reached["margin"]
        found = [runs[3 * cell + i]["sweeps_to_margin"] or -1 for i in range(3)]
        assert found == alone.tolist()
    table = symmetry_map.table(config, runs)
    assert table.shape == (2, 2, 3)
    assert np.nan_to_num(table[1, 0, 2], nan=-1) == (runs[8]["sweeps_to_margin"] or -1)
    assert symmetry_map.run(config, seed=7) == runs[7]


def test_a_run_beyond_the_map_and_an_unfinished_map_are_refused():
    config = symmetry_map.Config.fast()
    with pytest.raises(InputError, match="4 cells of 2 runs"):
        symmetry_map.runs(config, [8])
    with pytest.raises(InputError, match="7 of 8 runs of the map are missing, the first is 1"):
        symmetry_map.table(config, {0: {"sweeps_to_margin": 3}})


# What is recorded.


def recorded(experiment, preset):
    return results.load(results.default_folder(), experiment, preset)


@pytest.mark.parametrize("reading", symmetry_hidden.READINGS)
def test_the_papers_cell_of_the_map_and_the_smallest_network_are_the_main_runs_again(reading):
    main = recorded("symmetry", reading).column("sweeps_to_margin").astype(float)
    config = symmetry_map.PRESETS[reading]
    table = symmetry_map.table(config, recorded("symmetry_map", reading).runs)
    cell = table[config.lrs.index(0.1), config.momenta.index(0.9)]
    np.testing.assert_array_equal(cell, main[: config.replicas])
    small = recorded("symmetry_hidden", symmetry_hidden.preset(2, 0.1, reading))
    sweeps = small.column("sweeps_to_margin").astype(float)
    np.testing.assert_array_equal(sweeps, main[: len(sweeps)])


def test_every_cell_of_the_hidden_design_is_recorded():
    for reading in symmetry_hidden.READINGS:
        for lr in symmetry_hidden.STEPS:
            for hidden in symmetry_hidden.SIZES:
                runs = recorded("symmetry_hidden", symmetry_hidden.preset(hidden, lr, reading)).runs
                assert len(runs) >= 300


def test_all_failures_followed_are_failures_of_the_main_runs():
    for reading, number in zip(symmetry_hidden.READINGS, (100, None), strict=True):
        main = recorded("symmetry", reading)
        failed = [seed for seed in main.seeds if not main.runs[seed]["solved"]][:number]
        assert recorded("symmetry", f"long-{reading}").seeds == failed


@pytest.mark.parametrize("reading", symmetry_hidden.READINGS)
def test_what_the_notes_of_the_rows_on_local_minima_say(reading):
    main = recorded("symmetry", reading)
    np.testing.assert_array_equal(main.column("near_global"), main.column("solved"))
    if reading == "targets-zero-one":
        assert recorded("symmetry", f"long-{reading}").column("solved").all()


def test_what_the_notes_of_the_rows_on_target_values_say():
    main = recorded("symmetry", "targets-zero-one")
    w = np.array([run["w"] for run in main.runs.values() if run["solved"]])
    best = symmetry_weights.targets_at_rest(w)
    assert (best.round(1) == [0.1, 0.9]).all(axis=1).mean() > 0.99
    other, own = (symmetry_weights.gradient_length(w, np.array(t)) for t in ([0.1, 0.9], [0, 1]))
    assert (own < other).all()
    for printed in PRINTED.values():
        other, own = (
            symmetry_weights.gradient_length(printed, np.array(t)) for t in ([0, 1], [0.1, 0.9])
        )
        assert own < other


def test_some_recorded_runs_of_the_new_designs_come_out_again():
    name = symmetry_hidden.preset(4, 0.03, "targets-point-one")
    record = recorded("symmetry_hidden", name)
    seed = min(record.runs, key=lambda s: record.runs[s]["sweeps_to_margin"] or np.inf)
    again = symmetry_hidden.run(symmetry_hidden.PRESETS[name], seed=seed)
    sweeps = again["sweeps_to_margin"]
    assert sweeps == pytest.approx(record.runs[seed]["sweeps_to_margin"], rel=1e-2)
    record = recorded("symmetry_map", "targets-zero-one")
    number = min(record.runs, key=lambda s: record.runs[s]["sweeps_to_margin"] or np.inf)
    again = symmetry_map.run(symmetry_map.PRESETS["targets-zero-one"], seed=number)
    assert again["sweeps_to_margin"] == pytest.approx(
        record.runs[number]["sweeps_to_margin"], rel=1e-2
    )
