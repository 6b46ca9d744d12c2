"""Errors, mean squares and rejection on outputs small enough to check by eye."""

import numpy as np
import pytest
from scipy.stats import t

from backprop.errors import InputError
from backprop.evaluation import (
    confidence,
    draw_probability,
    half_mean_squares,
    judge_threshold,
    paired_interval,
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


@pytest.mark.parametrize("error", [0.5, 0.3, 0.0])
def test_a_threshold_judged_where_it_was_chosen_rejects_the_smallest_share(error):
    threshold = threshold_for(Y, DIGIT, error=error)
    rejected, errors = judge_threshold(Y, DIGIT, threshold)
    assert rejected == pytest.approx(rejected_for(Y, DIGIT, error=error))
    assert errors <= error


def test_a_threshold_is_a_confidence_and_zero_if_nothing_need_be_rejected():
    assert threshold_for(Y, DIGIT, error=0.3) == pytest.approx(1.0)
    assert threshold_for(Y, DIGIT, error=0.5) == 0.0


def test_a_threshold_can_fail_on_other_cases():
    # Chosen where all is right, it accepts everything, right or wrong.
    threshold = threshold_for(Y[:2], DIGIT[:2])
    assert judge_threshold(Y, DIGIT, threshold) == (0.0, 0.5)


def test_no_threshold_rejects_everything_and_leaves_no_errors():
    threshold = threshold_for(Y, np.array([1, 0, 1, 2]))
    assert threshold == float("inf")
    assert judge_threshold(Y, DIGIT, threshold) == (1.0, 0.0)


def test_one_quantity_gives_students_prediction_interval():
    runs = np.random.default_rng(0).normal(size=12)
    edge = runs.mean() + t.ppf(0.975, 11) * runs.std(ddof=1) * np.sqrt(1 + 1 / 12)
    assert draw_probability(runs[:, np.newaxis], np.array([edge])) == pytest.approx(0.05)


def test_a_further_run_is_improbable_as_often_as_it_says():
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(3000, 9, 2)) @ np.array([[1.0, 0.9], [0.0, 0.3]])
    probabilities = [draw_probability(runs[:-1], runs[-1]) for runs in mixed]
    assert np.mean(np.array(probabilities) < 0.1) == pytest.approx(0.1, abs=0.02)


def test_quantities_that_vary_together_are_judged_together():
    one = np.random.default_rng(0).normal(size=50)
    runs = np.stack([one, one + 0.01 * np.random.default_rng(1).normal(size=50)], axis=1)
    assert draw_probability(runs, np.array([1.0, 1.0])) > 0.2
    apart = np.array([1.0, -1.0])
    assert draw_probability(runs, apart) < 1e-6
    assert draw_probability(runs, apart, variance=np.ones(2)) > 0.1


def test_a_draw_needs_more_runs_than_quantities():
    with pytest.raises(InputError, match="more runs than quantities"):
        draw_probability(np.zeros((2, 2)), np.zeros(2))


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


def test_a_paired_interval_is_students_and_wider_for_several_comparisons():
    values = [0.1, 0.3, 0.5, 0.3]
    reach = 3.182446 * np.std(values, ddof=1) / 2  # t for 3 degrees of freedom, 95 %
    assert paired_interval(values) == pytest.approx((0.3 - reach, 0.3 + reach), rel=1e-5)
    wider = 4.856 * np.std(values, ddof=1) / 2  # 95 % / 3, two-sided
    assert paired_interval(values, comparisons=3) == pytest.approx(
        (0.3 - wider, 0.3 + wider), rel=1e-3
    )


@pytest.mark.parametrize("values", [[], [1.0], [[1.0, 2.0]]])
def test_an_interval_needs_two_pairs(values):
    with pytest.raises(InputError, match="two pairs or more"):
        paired_interval(values)


@pytest.mark.parametrize("wrong", [{"level": 0.0}, {"level": 1.0}, {"comparisons": 0}])
def test_an_interval_needs_a_level_and_a_comparison(wrong):
    with pytest.raises(InputError, match="a level between 0 and 1, and at least one comparison"):
        paired_interval([1.0, 2.0], **wrong)


def test_paired_intervals_hold_the_mean_as_often_as_they_say():
    rng = np.random.default_rng(0)
    intervals = [paired_interval(rng.normal(0.3, 1, 8), level=0.8) for _ in range(1000)]
    held = np.mean([low < 0.3 < high for low, high in intervals])
    assert held == pytest.approx(0.8, abs=4 * np.sqrt(0.8 * 0.2 / 1000))
