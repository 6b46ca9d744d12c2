"""Drawings of feature maps show what the network object says."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from backprop import plotting
from backprop.experiments import zip_codes
from backprop.plotting.feature_maps import window

NET = zip_codes.network()


@pytest.fixture(autouse=True)
def figures():
    plotting.use_style()
    yield
    plt.close("all")


def outlined(ax, color, *, filled=False):
    return [
        patch
        for patch in ax.patches
        if isinstance(patch, Rectangle)
        and patch.get_edgecolor() == to_rgba(color)
        and patch.get_fill() is filled
    ]


@pytest.mark.parametrize("layer", NET.layers[:2])
@pytest.mark.parametrize("at", [(0, 0), (1, 2), (3, 3)])
def test_a_window_covers_the_inputs_that_the_layer_reads(layer, at):
    rows, columns, maps = layer.in_shape
    top, left = window(layer, *at)
    covered = {
        (r * columns + c) * maps + m
        for r in range(max(top, 0), min(top + layer.size, rows))
        for c in range(max(left, 0), min(left + layer.size, columns))
        for m in range(maps)
    }
    read = set(layer.windows[at[0] * layer.out_shape[1] + at[1]].tolist()) - {layer.n_in}
    assert covered == read


def test_the_network_is_drawn_to_scale_with_a_square_for_each_map_and_unit():
    _, ax = plt.subplots()
    plotting.network_to_scale(ax, NET, np.zeros((16, 16)))
    sides = [patch.get_width() for patch in outlined(ax, plotting.GREY)]
    assert {side: sides.count(side) for side in set(sides)} == {16: 1, 8: 12, 4: 12, 1: 40}
    said = " ".join(text.get_text() for text in ax.texts)
    for count in NET.count():
        assert f" {count.units}" in said
    assert "= 256" in said


def test_one_unit_of_h1_reads_one_window_of_the_picture_and_one_of_h2_reads_eight_maps():
    _, ax = plt.subplots()
    plotting.network_to_scale(ax, NET, np.zeros((16, 16)), first=(9, 2, 4), second=(3, 2, 1))
    (field,) = outlined(ax, plotting.ORANGE)
    picture = next(p for p in outlined(ax, plotting.GREY) if p.get_width() == 16)
    # Row 2, column 4: rows 2 to 6 from the top, columns 6 to 10.
    assert field.get_width() == 5
    assert field.get_x() - picture.get_x() == 6
    assert picture.get_y() + 16 - (field.get_y() + 5) == 2
    assert len(outlined(ax, plotting.BLUE)) == 8
    for color in (plotting.ORANGE, plotting.BLUE):
        (unit,) = outlined(ax, color, filled=True)
        assert unit.get_width() == 1
        tops = [line.get_xydata()[1, 1] for line in ax.lines if line.get_color() == color]
        assert set(tops) == {unit.get_y()}


def test_every_window_of_a_kernel_belongs_to_a_unit_and_may_reach_into_the_border():
    kernel, response = np.eye(5), np.zeros((8, 8))
    figure = plotting.shared_kernel(
        NET.layers[0], np.zeros((16, 16)), kernel, response, units=[(0, 0), (3, 4), (3, 5)]
    )
    left, map_, shown = figure.axes
    for color, corner, unit in (
        (plotting.GREEN, (-2, -2), (0, 0)),
        (plotting.BLUE, (6, 4), (4, 3)),
        (plotting.ORANGE, (8, 4), (5, 3)),  # two pixels on
    ):
        assert [p.get_xy() for p in outlined(left, color)] == [corner]
        assert [p.get_xy() for p in outlined(map_, color)] == [unit]
    # No window reaches further than two pixels out at one side, one at the other.
    border = left.patches[0]
    assert (*border.get_xy(), border.get_width()) == (-2, -2, 19)
    np.testing.assert_array_equal(shown.images[0].get_array(), kernel)
    assert left.get_title() == "picture, and a border of −1"
    assert shown.get_title() == "its kernel: 25 weights"


def test_the_table_fills_a_cell_where_a_map_reads_another_and_counts_both_ways():
    _, ax = plt.subplots()
    plotting.connection_table(ax, [(0, 1), (1,)], 3)
    filled = [
        (round(patch.get_y() - 0.54), round(patch.get_x() - 0.54))
        for patch in ax.patches
        if patch.get_facecolor() == to_rgba(plotting.BLUE)
    ]
    assert filled == [(0, 0), (0, 1), (1, 1)]
    assert [text.get_text() for text in ax.texts] == ["2", "1", "1", "2", "0"]


def test_spreads_put_both_states_of_a_group_in_its_row():
    _, ax = plt.subplots()
    numbers = np.arange(11.0)
    states = {"before": [numbers, numbers + 20], "after": [numbers + 5, numbers]}
    plotting.spreads(ax, states, ["first", "second"])
    before, after = ax.lines
    np.testing.assert_array_equal(before.get_xdata(), [5, 25])
    np.testing.assert_array_equal(after.get_xdata(), [10, 5])
    assert np.rint([*before.get_ydata(), *after.get_ydata()]).tolist() == [0, 1, 0, 1]
    assert before.get_markerfacecolor() == "white" != after.get_markerfacecolor()
    ends = ax.collections[0].get_segments()[0][:, 0]
    np.testing.assert_allclose(ends, [1, 9])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["first", "second"]
