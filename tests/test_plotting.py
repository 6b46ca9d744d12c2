"""Drawings show the numbers that they are given."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
from matplotlib import pyplot as plt

from backprop import plotting
from backprop.datasets import family_trees as kin
from backprop.experiments.zip_choices import Effect


@pytest.fixture(autouse=True)
def figures():
    plotting.use_style()
    yield
    plt.close("all")


def test_a_band_spans_the_runs_and_its_line_is_their_median():
    _, ax = plt.subplots()
    runs = np.array([[1.0, 2.0], [2.0, 8.0], [9.0, 3.0]])
    plotting.band(ax, [0, 1], runs, color=plotting.BLUE, label="ours")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [2.0, 3.0])
    corners = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert {corners.min(), corners.max()} == {1.0, 9.0}


def test_a_cumulative_curve_counts_failures_and_reaches_the_end():
    _, ax = plt.subplots()
    options = {"end": 100, "color": plotting.BLUE, "label": "ours"}
    plotting.cumulative(ax, np.array([30, 10]), 4, **options)
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [10, 30, 100])
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0.25, 0.5, 0.5])
    plotting.cumulative(ax, np.array([]), 4, **options)
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), [0])


def test_every_run_gets_a_dot_and_ties_are_stacked():
    _, ax = plt.subplots()
    plotting.dots_beside_paper(ax, np.array([5.0, 4.0, 5.0, 5.0]), 4.5, label="error (%)")
    x, y = ax.lines[0].get_data()
    assert len({(float(a), float(b)) for a, b in zip(x, y, strict=True)}) == 4
    assert sorted(y[x == 5.0]) == [0, 1, 2]
    assert list(ax.lines[1].get_xdata()) == [4.5, 4.5]


def test_the_title_counts_the_published_values_among_the_runs():
    values = np.array([1.0, 2.0, 3.0])
    figure = plotting.panels_beside_paper([(values, 2.5, "a"), (values, 3.5, "b")])
    assert figure.get_suptitle() == "1 of 2 published values lie between our smallest and largest"
    assert len(figure.axes) == 4


def test_hinton_squares_have_areas_in_proportion_and_colours_by_sign():
    _, ax = plt.subplots()
    plotting.hinton(ax, np.array([[4.0, -1.0], [np.nan, 0.0]]))
    big, small, zero = ax.patches
    assert big.get_width() ** 2 == pytest.approx(4 * small.get_width() ** 2)
    assert zero.get_width() == 0
    assert big.get_facecolor() == matplotlib.colors.to_rgba(plotting.ORANGE)
    assert small.get_facecolor() == matplotlib.colors.to_rgba(plotting.BLUE)


def test_pictures_fill_a_grid_on_a_common_or_their_own_scale():
    pictures = np.stack([np.eye(3), 5 * np.eye(3), -np.eye(3)])
    figure = plotting.images(pictures, columns=2, titles=["a", "b", "c"])
    shown = [ax.images[0] for ax in figure.axes if ax.images]
    assert len(figure.axes) == 4
    assert [image.get_clim() for image in shown] == [(-1, 1)] * 3
    figure = plotting.images(pictures, columns=3, diverging=True)
    assert [ax.images[0].get_clim() for ax in figure.axes] == [(-1, 1), (-5, 5), (-1, 1)]


def test_a_published_point_is_marked_where_it_is():
    _, ax = plt.subplots()
    plotting.mark_paper(ax, 23, 5.0, "paper")
    assert ax.lines[0].get_xydata().tolist() == [[23, 5.0]]
    assert ax.texts[0].get_text() == "paper"


def test_the_small_network_shows_every_text_and_the_sign_of_each_weight():
    _, ax = plt.subplots()
    w = np.array([0.5, -1.0, 1.0, 0.5, 0.0, 0.5, 2.0, -1.0, -0.5])
    plotting.small_network(
        ax,
        w,
        [["i1", "i2"], ["h1", "h2"], ["o"]],
        [[["a", "b"], ["c", "d"]], [["e"], ["f"]]],
        color=plotting.BLUE,
    )
    assert {t.get_text() for t in ax.texts} == {"i1", "i2", "h1", "h2", "o", *"abcdef"}
    assert [line.get_linestyle() for line in ax.lines] == ["-", "--", "-", "-", "-", "--"]


def test_the_drawing_of_the_two_passes_names_every_quantity_and_all_nine_equations():
    _, ax = plt.subplots()
    plotting.two_passes(ax)
    texts = [text.get_text() for text in ax.texts]
    said = " ".join(texts)
    assert all(f"({number})" in said for number in range(1, 10))
    for name in ("y_i", "x_j", "y_j", "w_{ji}"):
        assert f"${name}$" in texts
        assert rf"$\partial E/\partial {name}$" in texts
    assert "$E$" in texts


def test_numbers_stand_beside_their_squares():
    _, ax = plt.subplots()
    plotting.hinton_with_numbers(ax, np.array([[4.0, -1.0], [2.0, 0.5]]), [["a", "b"], ["c", "d"]])
    assert {t.get_text(): t.get_position() for t in ax.texts} == {
        "a": (1, 0),
        "b": (3, 0),
        "c": (1, 1),
        "d": (3, 1),
    }
    assert len(ax.patches) == 4


def test_patterns_are_stacked_at_their_sums_and_those_that_share_a_special_sum_stand_out():
    _, ax = plt.subplots()
    sums, special = np.array([0, 1, 0, -1, 1]), np.array([True, False, False, False, False])
    assert plotting.stacked_sums(ax, sums, special) == 1
    colours = [patch.get_facecolor() for patch in ax.patches]
    expected = [plotting.ORANGE, plotting.BLUE, plotting.PINK, plotting.BLUE, plotting.BLUE]
    assert colours == [matplotlib.colors.to_rgba(c) for c in expected]
    assert [round(patch.get_y() - 0.08) for patch in ax.patches] == [0, 0, 1, 0, 1]


def test_each_cell_of_a_map_has_its_text_and_the_papers_cell_a_frame():
    _, ax = plt.subplots()
    values = np.array([[0.0, 1.0], [np.nan, 0.4]])
    plotting.annotated_map(
        ax,
        values,
        [["a", "b"], ["c", "d"]],
        rows=["r", "s"],
        columns=["x", "y"],
        limits=(0, 1),
        marked=(1, 0),
        outlined=[(0, 1), (1, 0)],
    )
    assert [(t.get_text(), t.get_color()) for t in ax.texts] == [
        ("a", "white"),
        ("b", plotting.BLACK),
        ("c", plotting.BLACK),
        ("d", "white"),
    ]
    paper, *others = ax.patches
    assert paper.get_xy() == (-0.5, 0.5)
    assert [patch.get_xy() for patch in others] == [(1 - 0.44, -0.42), (-0.44, 1 - 0.42)]
    assert all(paper.get_linewidth() > patch.get_linewidth() for patch in others)
    assert others[0].get_edgecolor() == matplotlib.colors.to_rgba(plotting.BLACK)


def test_a_tree_names_everybody_and_joins_five_couples():
    _, ax = plt.subplots()
    plotting.family_tree(ax, kin.ITALIAN, color=plotting.BLUE)
    assert {text.get_text() for text in ax.texts} == set(kin.ITALIAN)
    places = {text.get_text(): text.get_position() for text in ax.texts}
    couples = [line for line in ax.lines if line.get_linewidth() > 2]
    assert len(couples) == 5
    for marriage in kin.TREES["Italian"]:
        assert places[marriage.husband][1] == places[marriage.wife][1]
        for child in marriage.children:
            assert places[child][1] == places[marriage.wife][1] - 1


def test_receptive_fields_put_counterparts_in_one_column():
    weights = np.zeros((24, 2))
    weights[kin.PEOPLE.index("Colin"), 0] = 1
    weights[kin.PEOPLE.index("Alfonso"), 0] = -1
    figure = plotting.receptive_fields(weights, ["first", "second"])
    squares = [patch for patch in figure.axes[0].patches if patch.get_width() > 0]
    english, italian = sorted(squares, key=lambda patch: patch.get_y())
    assert english.get_x() == italian.get_x()
    assert english.get_facecolor() != italian.get_facecolor()


def test_answers_mark_who_is_right_and_show_the_middle_of_the_runs():
    _, ax = plt.subplots()
    y = np.zeros((5, 24))
    y[:, 3] = [0.1, 0.2, 0.6, 0.8, 0.9]
    plotting.answers(ax, y, [kin.PEOPLE[3]], [kin.PEOPLE[4]])
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert dots[3].get_ydata()[0] == pytest.approx(0.6)
    assert len({dots[i].get_color() for i in (3, 4, 5)}) == 3
    assert [t.get_fontweight() for t in ax.get_xticklabels()][3] == "bold"


def test_factors_give_every_level_a_line_and_leave_out_what_is_not_known():
    _, axes = plt.subplots(1, 2)
    shares = {"step": {"long": 0.5, "short": 0.1}, "decay": {"none": 0.3, "some": 0.2}}
    means = {"step": {"long": 2.0}, "decay": {"none": 1.0, "some": 1.5}}
    best = {"step": {"long": 1.0, "short": 0.4}, "decay": {"none": 0.9, "some": 0.8}}
    plotting.factors(axes, [shares, means], {"step": "short"}, best=best)
    labels = [t.get_text() for t in axes[0].get_yticklabels()]
    assert labels == ["STEP", "long", "short", "DECAY", "none", "some"]
    marks = {
        (line.get_ydata()[0], line.get_marker(), line.get_xdata()[0])
        for line in axes[0].lines
        if line.get_marker() != "None"
    }
    assert marks >= {(-1, "o", 0.5), (-2, "D", 0.1), (-4, "o", 0.3), (-2, "o", 0.4)}
    assert sum(line.get_marker() in ("o", "D") for line in axes[1].lines) == 3


def test_effects_are_drawn_at_their_difference_and_those_too_far_are_named():
    _, ax = plt.subplots()
    near = Effect("step", "0.1", 0.2, 0.1, 0.3)
    open_ = Effect("step", "0.2", 0.0, -0.1, 0.1)
    far = Effect("order", "shuffled", 9.0, 8.0, 10.0)
    plotting.effects(ax, [[far], [near, open_]], noise=0.2, end=2.0)
    dots = {float(line.get_xdata()[0]): line for line in ax.lines if line.get_marker() == "o"}
    assert set(dots) == {0.2, 0.0}
    assert dots[0.0].get_markerfacecolor() == "white"
    texts = {text.get_text() for text in ax.texts}
    assert {"+9.0", "step", "order"} <= texts
    assert [label.get_text() for label in ax.get_yticklabels()] == ["shuffled", "0.1", "0.2"]


def test_a_ladder_shows_every_run_its_mean_and_published_values():
    _, ax = plt.subplots()
    rungs = [
        plotting.Rung("first", np.array([5.0, 6.0])),
        plotting.Rung("second", np.array([7.0]), stays=False),
    ]
    plotting.ladder(ax, rungs, {"people": 2.5}, label="test errors (%)")
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [list(line.get_xdata()) for line in dots] == [[5.0, 6.0], [7.0]]
    assert dots[1].get_markerfacecolor() == "white"
    bars = [line.get_xdata()[0] for line in ax.lines if len(set(line.get_xdata())) == 1]
    assert 5.5 in bars
    assert "people" in {text.get_text() for text in ax.texts}
    assert [label.get_text() for label in ax.get_yticklabels()] == ["first", "second"]
