"""Rejection with a threshold that was chosen on other digits."""

from dataclasses import replace

import numpy as np
import pytest

from backprop import datasets
from backprop.experiments import zip_rejection, zip_training

# Ten digits of class 0, two outputs: confidence 0.1, 0.2, ..., 1.
MARGIN = np.arange(1, 11) / 10


def outputs(right):
    """Outputs whose margins are `MARGIN`, for class 0 where `right`, else for class 1."""
    y = np.zeros((10, 10))
    y[np.arange(10), np.where(right, 0, 1)] = MARGIN
    return y


ZEROS = np.zeros(10, dtype=int)


def test_the_curve_on_a_grid_rejects_no_more_than_asked():
    y = outputs(MARGIN > 0.35)  # the three least confident are wrong
    at = zip_rejection.curve_on_grid(y, ZEROS, np.array([0, 0.1, 0.19, 0.3]))
    np.testing.assert_allclose(at, [3 / 10, 2 / 9, 2 / 9, 0])


def test_both_thresholds_are_judged_on_the_test_digits():
    held, test = outputs(MARGIN > 0.25), outputs((MARGIN > 0.45) & (MARGIN != 0.7))
    row = zip_rejection.compare_thresholds((held, ZEROS), (test, ZEROS), error=0.0)
    assert row["held_error"] == 20
    assert row["test_error"] == 50
    assert row["threshold"] == pytest.approx(0.3)
    assert row["held_rejected"] == 20
    # Accepted from 0.3 on: eight digits, three of them wrong (0.3, 0.4, 0.7).
    assert row["rejected"] == 20
    assert row["accepted_error"] == 37.5
    assert row["seen_rejected"] == 70
    assert len(row["test_curve"]) == len(row["held_curve"]) == len(zip_rejection.REJECTED)


def test_no_threshold_is_recorded_as_missing():
    held = outputs(np.zeros(10, dtype=bool))
    row = zip_rejection.compare_thresholds((held, ZEROS), (held, ZEROS), error=0.01)
    assert row["threshold"] is None
    assert (row["rejected"], row["accepted_error"]) == (100, 0)


def test_training_and_threshold_never_see_the_test_digits(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (60, 256)).astype(np.float32)
    trained_on = []

    def untrained(net, seeds, digits, **how):
        """Give large random weights, so that the answers vary, in place of training."""
        trained_on.append(digits.train_x)
        rows = [np.random.default_rng(seed).normal(0, 0.3, net.n_params) for seed in seeds]
        return np.stack(rows), []

    def rows(test_x):
        digits = datasets.Digits(x, np.arange(60) % 10, test_x, np.arange(20) % 10, "", {}, True)
        monkeypatch.setattr(datasets, "zip_codes", lambda: digits)
        return zip_rejection.runs(zip_rejection.Config(error=0.9, hold_out=20), [3, 4])

    monkeypatch.setattr(zip_training, "train_seeds", untrained)
    one, other = rows(x[:20]), rows(-x[:20])
    for seed in (3, 4):
        for name in ("threshold", "held_rejected", "held_error", "held_curve"):
            assert one[seed][name] == other[seed][name]
        assert one[seed]["test_curve"] != other[seed]["test_curve"]
    assert one[3] != one[4]
    for used in trained_on:
        np.testing.assert_array_equal(used, x[:40])


def test_a_run_trains_and_measures(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (60, 256)).astype(np.float32)
    digits = datasets.Digits(x, np.arange(60) % 10, x[:20], np.arange(20) % 10, "", {}, True)
    monkeypatch.setattr(datasets, "zip_codes", lambda: digits)
    config = zip_rejection.Config(hold_out=20, passes=1)
    row = zip_rejection.run(config, seed=3)
    assert 0 <= row["test_error"] <= 100
    assert row["test_curve"][0] == row["test_error"]


def test_a_fast_run_trains_and_compares_both_thresholds_for_each_seed(digits):
    config = replace(zip_rejection.Config.fast(), hold_out=10)
    rows = zip_rejection.runs(config, [2, 0])
    assert list(rows) == [2, 0]
    assert zip_rejection.run(config, seed=0)["test_error"] == pytest.approx(rows[0]["test_error"])
    for row in rows.values():
        assert 0 <= row["rejected"] <= 100
        assert row["held_curve"] != row["test_curve"]
