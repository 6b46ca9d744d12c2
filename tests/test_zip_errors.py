"""Which digits come out wrong, and what the recorded networks say about them."""

import numpy as np
import pytest

from backprop import datasets, results
from backprop.evaluation import rejected_for
from backprop.experiments import zip_codes, zip_errors

# Four cases, three classes: right, wrong, right, wrong.
Y = np.array([[1.0, 0, 0.2], [0.5, 0.4, 0], [0.1, 0.3, 0.5], [0, 0.9, 0.1]])
DIGIT = np.array([0, 1, 2, 2])


def test_mistakes_are_listed_with_the_two_highest_outputs():
    assert zip_errors.mistakes(Y, DIGIT) == {
        "wrong": [1, 3],
        "digit": [1, 2],
        "answer": [0, 1],
        "second": [1, 2],
        "margin": [0.1, 0.8],
    }


def test_no_mistakes_make_empty_lists():
    assert zip_errors.mistakes(Y[[0, 2]], DIGIT[[0, 2]])["answer"] == []


def test_confusion_counts_true_classes_in_rows():
    np.testing.assert_array_equal(zip_errors.confusion(Y, DIGIT), [[1, 0, 0], [1, 0, 0], [0, 1, 1]])


def test_a_threshold_is_judged_on_the_half_that_it_was_not_chosen_on():
    # One mistake among many sure answers: the half that holds it rejects it and judges a half
    # without mistakes; the other half accepts everything and meets it.
    y = np.tile([1.0, 0.0], (10, 1))
    y[3] = [0.5, 0.0]
    digit = np.where(np.arange(10) == 3, 1, 0)
    rng = np.random.default_rng(0)
    rejected, error = zip_errors.other_half(y, digit, error=0.0, splits=20, rng=rng)
    assert rejected == 0
    assert error == pytest.approx(0.5 * 1 / 5)


def recorded(experiment):
    return results.load(results.default_folder(), experiment, "pseudo-newton")


def test_the_mistakes_on_record_are_as_many_as_the_recorded_errors():
    networks, looked_at = recorded("zip_codes"), recorded("zip_errors")
    assert looked_at.seeds == networks.seeds
    for seed, row in looked_at.runs.items():
        error = networks.runs[seed]["test_error"]
        assert 100 * len(row["wrong"]) / datasets.TEST_CASES == pytest.approx(error, rel=1e-5)
        counts = np.array(row["confusion"])
        assert counts.sum() == datasets.TEST_CASES
        assert counts.sum() - np.trace(counts) == len(row["wrong"])
        assert row["curve"][0] == pytest.approx(error, rel=1e-5)
        for true, answer in zip(row["digit"], row["answer"], strict=True):
            assert counts[true, answer] > 0


@pytest.mark.needs_digits
def test_the_recorded_look_comes_out_again():
    row = recorded("zip_errors").runs[0]
    again = zip_errors.run(zip_errors.Config.fast(), seed=0)
    # A digit on the edge may fall to the other side on another machine.
    assert len(set(row["wrong"]) ^ set(again["wrong"])) <= 1
    assert again["threshold"] == pytest.approx(row["threshold"], rel=0.02)
    digits = datasets.zip_codes(download=False, stand_in=False)
    w = results.load_run_arrays(results.default_folder(), recorded("zip_codes"), 0)["w"]
    y = zip_codes.network().predict(w, digits.test_x)
    at = round(200 * rejected_for(y, digits.test_digit) + 1)
    assert row["curve"][at] <= 1.0 + 0.1
    assert row["curve"][at - 3] > 1.0
