"""Errors, mean squares and rejection on outputs small enough to check by eye."""

import numpy as np
import pytest

from backprop.errors import InputError
from backprop.evaluation import (
    confidence,
    half_mean_squares,
    rejected_for,
    rejection_curve,
    share_interval,
    threshold_for,
    wrong,
)

# Four cases, three classes: right and sure, right and unsure, wrong and unsure, wrong and sure.
Y = np.array([[1.0, 0, 0], [0.5, 0.4, 0], [0.5, 0.3, 0.1], [0, 0.9, 0.1]])
DIGIT = np.array([0, 0, 1, 2])


def test_wrong_compares_the_largest_output_with_the_digit():
    np.testing.assert_array_equal(wrong(Y, DIGIT), [False, False, True, True])


def test_half_mean_squares_averages_over_patterns_and_units():
    assert half_mean_squares(np.zeros((2, 5)), np.full((2, 5), 3.0)) == pytest.approx(4.5)


def test_confidence_is_the_gap_between_the_two_highest():
    np.testing.assert_allclose(confidence(Y), [1.0, 0.1, 0.2, 0.8])


def test_rejection_curve_rejects_the_least_confident_first():
    rejected, errors = rejection_curve(Y, DIGIT)
    np.testing.assert_allclose(rejected, [0, 0.25, 0.5, 0.75])
    # Left: all four; without case 1; without cases 1 and 2; case 0 alone.
    np.testing.assert_allclose(errors, [2 / 4, 2 / 3, 1 / 2, 0])


@pytest.mark.parametrize(("error", "expected"), [(0.5, 0.0), (0.3, 0.75), (0.0, 0.75)])
def test_rejected_for_finds_the_smallest_share(error, expected):
    assert rejected_for(Y, DIGIT, error=error) == pytest.approx(expected)


def test_nothing_is_good_enough_if_the_surest_answer_is_wrong():
    assert rejected_for(Y, np.array([1, 0, 1, 2]), error=0.01) == 1.0


@pytest.mark.parametrize(("error", "expected"), [(0.5, 0.1), (0.3, 1.0), (0.0, 1.0)])
def test_the_threshold_is_the_margin_of_the_least_sure_case_accepted(error, expected):
    threshold = threshold_for(Y, DIGIT, error=error)
    assert threshold == pytest.approx(expected)
    share = np.mean(confidence(Y) < threshold)
    assert share == rejected_for(Y, DIGIT, error=error)


def test_no_threshold_is_high_enough_if_the_surest_answer_is_wrong():
    assert threshold_for(Y, np.array([1, 0, 1, 2]), error=0.01) == np.inf


def test_the_interval_of_a_share_is_wilsons():
    n, share, z = 40, 0.45, 1.959964
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    assert share_interval(18, n) == pytest.approx((centre - reach, centre + reach), rel=1e-6)
    low, high = share_interval(18, n, level=0.5)
    assert centre - reach < low < high < centre + reach


def test_no_success_in_few_runs_does_not_make_success_impossible():
    assert share_interval(0, 10)[0] == pytest.approx(0)
    assert 0.2 < share_interval(0, 10)[1] < 0.35
    assert share_interval(10, 10)[1] == pytest.approx(1)


@pytest.mark.parametrize(("successes", "runs"), [(0, 0), (3, 2), (-1, 5)])
def test_a_share_of_no_runs_or_with_too_many_successes_is_refused(successes, runs):
    with pytest.raises(InputError, match="Correct them"):
        share_interval(successes, runs)
