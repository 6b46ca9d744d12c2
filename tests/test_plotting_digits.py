"""Drawings of digits show the numbers that they are given."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
from matplotlib import pyplot as plt

from backprop import plotting


@pytest.fixture(autouse=True)
def figures():
    plotting.use_style()
    yield
    plt.close("all")


def test_each_digit_has_its_texts_and_some_a_frame():
    pictures = np.stack([np.eye(4), -np.eye(4), 0 * np.eye(4)])
    figure = plotting.captioned(pictures, list("abc"), list("xyz"), columns=2, framed={1})
    shown = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title() for ax in shown] == list("abc")
    assert [ax.get_xlabel() for ax in shown] == list("xyz")
    for ax, picture in zip(shown, pictures, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), picture)
    frames = [ax.spines["left"].get_linewidth() for ax in shown]
    assert frames[1] > frames[0] == frames[2]
    assert len(figure.axes) == 4


def test_a_mosaic_keeps_every_map_apart():
    maps = np.arange(1.0, 13).reshape(3, 2, 2)
    whole = plotting.mosaic(maps, columns=2, scale=2)
    assert whole.shape == (11, 11)
    np.testing.assert_array_equal(whole[1:5:2, 1:5:2], maps[0])
    np.testing.assert_array_equal(whole[1:5:2, 6:10:2], maps[1])
    np.testing.assert_array_equal(whole[6:10:2, 1:5:2], maps[2])
    assert np.isfinite(whole).sum() == 3 * 16


def test_the_response_marks_the_largest_output():
    _, axes = plt.subplots(1, 4)
    rng = np.random.default_rng(0)
    outputs = np.array([-1, -0.5, 0.9, -1, -1, -1, 0.2, -1, -1, -1])
    h1, h2 = rng.normal(size=(12, 8, 8)), rng.normal(size=(12, 4, 4))
    plotting.response(axes, np.zeros((16, 16)), h1, h2, outputs, limit=1.7)
    assert [patch.get_width() for patch in axes[3].patches] == outputs.tolist()
    orange = matplotlib.colors.to_rgba(plotting.ORANGE)
    assert [i for i, p in enumerate(axes[3].patches) if p.get_facecolor() == orange] == [2]
    # Both layers are drawn equally large.
    assert axes[1].images[0].get_array().shape == axes[2].images[0].get_array().shape


def test_right_answers_do_not_outshine_the_mistakes():
    _, ax = plt.subplots()
    plotting.confusion(ax, np.array([[97.0, 3.0], [0.01, 99.99]]))
    drawn = ax.images[0].get_array()
    assert np.isnan(drawn.filled(np.nan)).tolist() == [[True, False], [False, True]]
    assert ax.images[0].get_clim() == (0, 3)
    assert [text.get_text() for text in ax.texts] == ["97.0", "3.0", "", "100.0"]


def test_each_definition_gets_a_cloud_of_its_own():
    _, ax = plt.subplots()
    error, half = np.array([5.0, 6.0]), np.array([0.01, 0.02])
    plotting.readings(
        ax, error, half, {"a": 1.0, "b": 2.0}, published=(5.0, 0.015), others=(error, half)
    )
    clouds = {line.get_label(): line.get_ydata() for line in ax.lines}
    np.testing.assert_allclose(clouds["a"], half)
    np.testing.assert_allclose(clouds["b"], 2 * half)
    assert ax.get_yscale() == "log"
    assert [5.0, 0.015] in [list(line.get_xydata()[0]) for line in ax.lines]
