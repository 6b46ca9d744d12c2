"""From 1989 to today: distortions, the choice of settings, what each step changes."""

from dataclasses import replace

import numpy as np
import pytest

from backprop import results
from backprop.datasets.distortions import distorted
from backprop.errors import InputError, UnknownName
from backprop.experiments import zip_today
from backprop.experiments.zip_today import STEPS, Config
from backprop.optimisers import at_sweep

PICTURES = np.random.default_rng(0).uniform(-1, 1, (50, 256)).astype(np.float32)
RAMP = np.tile(np.arange(16.0), (16, 1)).reshape(1, 256)  # grows by 1 from pixel to pixel


def test_no_distortion_leaves_pictures_as_they_are():
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(distorted(PICTURES, rng=rng), PICTURES)


@pytest.mark.parametrize("seed", range(5))
def test_a_shift_moves_the_whole_picture_by_at_most_that_much(seed):
    moved = distorted(RAMP, shift=2.0, rng=np.random.default_rng(seed)).reshape(16, 16)
    inner = (moved - RAMP.reshape(16, 16))[3:13, 3:13]
    np.testing.assert_allclose(inner, inner[0, 0], atol=1e-4)
    assert 0 < abs(inner[0, 0]) <= 2


def test_beyond_the_edge_lies_background():
    white = np.full((1, 256), 1.0, dtype=np.float32)
    moved = distorted(white, shift=8.0, rng=np.random.default_rng(3)).reshape(16, 16)
    assert moved.min() == -1
    assert moved.max() == 1


def test_an_elastic_distortion_moves_pixels_smoothly_by_its_root_mean_square():
    many = np.repeat(RAMP, 500, axis=0)
    moved = (distorted(many, elastic=0.5, rng=np.random.default_rng(0)) - RAMP).reshape(-1, 16, 16)
    inner = moved[:, 3:13, 3:13]  # elsewhere background may come in, and fields are smaller
    assert 0.4 < np.sqrt(np.mean(inner**2)) < 0.8
    steps = np.diff(inner, axis=2)
    assert np.sqrt(np.mean(steps**2)) < 0.4 * np.sqrt(np.mean(inner**2))


def test_each_picture_is_distorted_in_its_own_way_and_the_same_again_from_the_same_seed():
    twice = np.concatenate([PICTURES[:1], PICTURES[:1]])
    first = distorted(twice, shift=1.0, elastic=0.5, rng=np.random.default_rng(0))
    again = distorted(twice, shift=1.0, elastic=0.5, rng=np.random.default_rng(0))
    assert not np.array_equal(first[0], first[1])
    np.testing.assert_array_equal(first, again)
    assert first.dtype == PICTURES.dtype


@pytest.mark.parametrize(
    ("x", "sizes"), [(PICTURES[:, :255], {}), (PICTURES[0], {}), (PICTURES, {"shift": -1.0})]
)
def test_pictures_that_are_not_square_and_negative_sizes_are_refused(x, sizes):
    with pytest.raises(InputError, match="expected"):
        distorted(x, rng=np.random.default_rng(0), **sizes)


def test_every_step_keeps_the_parameters_of_1989():
    for outputs in zip_today.OUTPUTS:
        for units in zip_today.UNITS:
            assert zip_today.network(Config(outputs, units)).n_params == 9760


def test_a_rectified_network_starts_with_biases_of_zero():
    net = zip_today.network(Config(units="relu"))
    w = zip_today.initial(Config(units="relu"), [0, 1])
    assert (w[:, net.mask("b")] == 0).all()
    assert (w[0] != w[1])[net.mask("w")].all()


def test_the_setting_with_the_smallest_mean_is_taken_and_stays_only_if_it_helps():
    errors = {zip_today.trial("relu", i): [e, e + 1] for i, e in enumerate((3.0, 2.0, 4.0))}
    changes, stays, error = zip_today.choose("relu", 2.6, errors.__getitem__)
    assert (changes, stays, error) == (STEPS["relu"][1], True, 2.5)
    assert not zip_today.choose("relu", 2.5, errors.__getitem__)[1]


def test_momentum_steps_by_the_mean_gradient_and_falls_to_a_tenth():
    schedule = zip_today.make_optimiser(Config(optimiser="momentum", lr=0.16, batch=16, passes=40))
    assert at_sweep(schedule, 29).lr == pytest.approx(0.01)
    assert at_sweep(schedule, 30).lr == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("make", "config"),
    [
        (zip_today.network, Config(outputs="hinge")),
        (zip_today.network, Config(units="sigmoid")),
        (zip_today.make_optimiser, Config(optimiser="sgd")),
    ],
)
def test_unknown_means_are_refused(make, config):
    with pytest.raises(UnknownName):
        make(config)


def test_a_seed_gives_the_same_alone_and_among_others(digits):
    config = replace(Config.fast(), members=1)
    together = zip_today.runs(config, [3, 4])
    assert zip_today.run(config, seed=4) == together[4]
    assert together[3] != together[4]


def test_a_committee_is_judged_by_its_mean_answer(digits):
    config = replace(Config.fast(), passes=1)
    w = zip_today.train(config, [2, 3], digits)
    answers = zip_today.answers(config, w, digits.test_x)
    np.testing.assert_allclose(answers.sum(axis=-1), 1, rtol=1e-5)
    wrong = 100 * (answers.mean(axis=0).argmax(axis=-1) != digits.test_digit).mean()
    assert zip_today.run(config, seed=1)["test_error"] == pytest.approx(wrong, abs=1e-4)


def test_the_settings_taken_are_those_that_the_recorded_trials_choose():
    def errors(preset):
        record = results.load(results.default_folder(), "zip_today", preset)
        assert set(zip_today.SELECTION_SEEDS) == set(record.seeds)
        return record.column("test_error")

    last = float(np.mean(errors("trial-base")))
    for step, taken in zip_today.TAKEN.items():
        changes, stays, error = zip_today.choose(step, last, errors)
        assert (changes, stays) == taken
        last = error if stays else last
