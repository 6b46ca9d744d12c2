"""What pictures of digits say about themselves, on pictures drawn by hand."""

import numpy as np
import pytest

from backprop import datasets, digit_images


def stroke(lean):
    """An upright stroke of 9 rows that moves `lean` columns to the right for each row down."""
    picture = np.zeros((9, 21))
    for row in range(9):
        picture[row, 10 + lean * (row - 4)] = 1
    return picture


@pytest.mark.parametrize("lean", [-2, -1, 0, 1, 2])
def test_the_slant_of_a_stroke_is_its_lean(lean):
    assert digit_images.slants(stroke(lean)[np.newaxis])[0] == pytest.approx(lean)


def test_the_slant_does_not_depend_on_place_or_darkness():
    moved = np.roll(0.3 * stroke(1), (0, 3), axis=(0, 1))
    assert digit_images.slants(np.stack([moved]))[0] == pytest.approx(1)


def test_a_digit_fills_the_frame_in_one_direction_or_both():
    bar = np.zeros((4, 4))
    bar[:, 1] = 1
    almost = bar.copy()
    almost[3] = 0
    upright, across = digit_images.filled(np.stack([bar, bar.T, np.ones((4, 4)), almost]))
    np.testing.assert_array_equal(upright, [True, False, True, False])
    np.testing.assert_array_equal(across, [False, True, True, False])


def test_neighbours_written_alike_are_correlated_and_classes_do_not_matter():
    rng = np.random.default_rng(0)
    pen = np.repeat(rng.normal(size=400), 5)  # five digits from each pen
    digit = rng.integers(0, 10, len(pen))
    x = pen[:, np.newaxis] + 100 * digit[:, np.newaxis] + np.zeros(7)
    before = x.copy()
    one, two, five = digit_images.darkness_correlation(x, digit, (1, 2, 5))
    assert one == pytest.approx(4 / 5, abs=0.05)
    assert two == pytest.approx(3 / 5, abs=0.05)
    assert five == pytest.approx(0, abs=0.06)
    np.testing.assert_array_equal(x, before)


def test_the_nearest_is_the_one_at_the_smallest_distance():
    rng = np.random.default_rng(0)
    x, among = rng.normal(size=(5, 8)), 3 * rng.normal(size=(20, 8))
    distances = np.linalg.norm(x[:, np.newaxis] - among, axis=-1)
    np.testing.assert_array_equal(digit_images.nearest(x, among), distances.argmin(axis=1))


@pytest.mark.needs_digits
def test_the_public_digits_are_deslanted_and_in_the_order_of_envelopes():
    digits = datasets.zip_codes(download=False, stand_in=False)
    for x, digit in (
        (digits.train_x, digits.train_digit),
        (digits.test_x, digits.test_digit),
    ):
        slant = digit_images.slants((x.reshape(-1, 16, 16) + 1) / 2)
        assert np.quantile(np.abs(slant), 0.95) < 0.01
        near, far = digit_images.darkness_correlation(x, digit, (1, 10))
        assert near > 0.4
        assert abs(far) < 0.1
