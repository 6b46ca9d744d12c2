"""Maps of starts that learn, the dimension of their borders, and what theory says of starts."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from matplotlib.path import Path
from scipy.stats import linregress

from backprop import Momentum, initial_weights, minima, plotting, results
from backprop.errors import InputError
from backprop.experiments import basins, small_tasks
from backprop.training import train_batch

SMALL = basins.Config(points=24, sweeps=120, half_width=3.0, width=10.0, magnify=(), zoom_points=12)
SIDE = (np.arange(200) + 0.5) / 200 - 0.5
X, Y = np.meshgrid(SIDE, SIDE)


# The dimension of a border.


def koch(level):
    """Corners of a snowflake, as complex numbers."""
    z = 0.45 * np.exp(-2j * np.pi * np.arange(4) / 3)
    for _ in range(level):
        third = np.diff(z) / 3
        bump = z[:-1] + third * (1 + np.exp(1j * np.pi / 3))
        z = np.append(np.stack([z[:-1], z[:-1] + third, bump, z[1:] - third], axis=1), z[-1])
    return z


def test_smooth_curves_have_dimension_one():
    for inside in (X**2 + Y**2 < 0.15, X < 0.1, X + 0.3 * Y < 0.02, 0.2 * np.sin(7 * X) < Y):
        assert basins.dimension(inside) == pytest.approx(1, abs=0.02)


def test_noise_has_dimension_two():
    assert basins.dimension(np.random.default_rng(0).random((200, 200)) < 0.3) == pytest.approx(
        2, abs=0.02
    )


def test_a_snowflake_has_the_dimension_of_koch():
    z = koch(5)
    corners = np.stack([z.real, z.imag], axis=1)
    inside = Path(corners).contains_points(np.stack([X.ravel(), Y.ravel()], axis=1))
    assert basins.dimension(inside.reshape(X.shape)) == pytest.approx(
        np.log(4) / np.log(3), abs=0.06
    )


def test_dimension_is_two_minus_the_slope_of_uncertain_points():
    """By the definition, point by point, on the points that every shift stays inside for."""
    learned = np.random.default_rng(1).random((15, 15)) < 0.2
    learned[:, :6] = True
    shares = []
    for shift in (1, 2, 4):
        changed = [
            learned[row, column] != learned[row, column + shift]
            for row, column in product(range(15), range(11))
        ] + [
            learned[row, column] != learned[row + shift, column]
            for row, column in product(range(11), range(15))
        ]
        shares.append(np.mean(changed))
        assert basins.share_changed(learned, shift, longest=4) == pytest.approx(shares[-1])
    slope = linregress(np.log([1, 2, 4]), np.log(shares)).slope
    assert basins.dimension(learned) == pytest.approx(2 - slope, abs=1e-8)


def test_without_a_border_there_is_no_dimension_and_nothing_to_magnify():
    same = np.ones((20, 20), dtype=bool)
    assert basins.dimension(same) is None
    assert basins.border_point(same) is None
    assert basins.zoom(SMALL, same, width=1.0) is None


# Maps.


def test_a_map_is_small_tasks_from_the_weights_of_each_point():
    sweeps = basins.sweeps_to_learn(SMALL, 2)
    w = basins.starts(SMALL, 2)
    x, answers = small_tasks.datasets.xor()
    learned = np.flatnonzero(sweeps.ravel() != basins.NEVER)
    assert 0 < len(learned) < sweeps.size
    for place in (learned[0], learned[-1]):
        count = int(sweeps.ravel()[place])
        for number, met in ((count, True), (count - 1, False)):
            end = train_batch(
                basins.NETWORK,
                w[place : place + 1],
                x,
                0.1 + 0.8 * answers,
                optimiser=Momentum(SMALL.lr, SMALL.momentum),
                sweeps=number,
            ).w
            error = np.abs(basins.NETWORK.forward(end, x)[0] - answers).max()
            assert (error < basins.LIMIT) == met


def test_two_weights_vary_over_the_map_and_seven_stay():
    w, (across, up) = basins.plane(SMALL, 5)
    rows = basins.starts(SMALL, 5).reshape(24, 24, 9)
    x, y = basins.axes(replace(SMALL, centre=(1.0, -2.0)))
    assert x.mean() == pytest.approx(1)
    assert y.mean() == pytest.approx(-2)
    assert np.ptp(x) == pytest.approx(10 * 23 / 24)
    np.testing.assert_allclose(rows[3, :, across], basins.axes(SMALL)[0])
    np.testing.assert_allclose(rows[:, 3, up], basins.axes(SMALL)[1])
    fixed = np.delete(np.arange(9), [across, up])
    assert (rows[..., fixed] == w[fixed]).all()
    assert np.abs(w).max() <= SMALL.half_width
    assert not np.array_equal(basins.plane(SMALL, 6)[0], w)


def test_a_part_of_a_map_is_that_part_in_all_its_points():
    whole = basins.sweeps_to_learn(SMALL, 2)
    part = replace(SMALL, centre=(2.5, -2.5), width=5.0, points=12)
    np.testing.assert_array_equal(basins.sweeps_to_learn(part, 2), whole[:12, 12:])


def test_the_parts_lie_on_the_border_next_to_the_middle():
    config = replace(SMALL, centre=(3.0, 4.0), points=200)
    part = basins.zoom(config, X > 0.2, width=1.0)
    assert part.centre == (pytest.approx(3 + 0.2 * 10), pytest.approx(4, abs=0.026))
    assert (part.width, part.points, part.lr) == (1.0, 12, config.lr)
    below = basins.zoom(config, Y < -0.3, width=1.0)
    assert below.centre == (pytest.approx(3, abs=0.026), pytest.approx(4 - 0.3 * 10))


def test_a_run_measures_the_map_and_its_parts():
    config = replace(SMALL, magnify=(2, 8), keep=True)
    run = basins.run(config, seed=2)
    learned = run["map"] != basins.NEVER
    assert run["learned"] == learned.mean()
    assert run["dimension"] == pytest.approx(basins.dimension(learned), rel=1e-5)
    assert run["fractal"] is (run["dimension"] >= 1.1)
    assert run["smooth"] is not run["fractal"]
    centre = run["zoom_centre"][0]
    again = basins.sweeps_to_learn(replace(config, centre=centre, width=5.0, points=12), 2)
    np.testing.assert_array_equal(run["map_2"], again)
    assert run["map_8"].shape == (12, 12)
    assert len(run["zoom_dimension"]) == len(run["zoom_learned"]) == 2
    assert "map" not in basins.run(replace(config, keep=False), seed=2)


def test_a_plane_on_which_nothing_is_learned_is_not_fractal():
    run = basins.run(replace(SMALL, sweeps=1, half_width=0.1, width=0.1, magnify=(10,)), seed=0)
    assert run["dimension"] is None
    assert run["smooth"] is True
    assert run["fractal"] is False
    assert run["zoom_dimension"] == [None]


def test_steps_that_jump_about_stay_finite():
    assert basins.sweeps_to_learn(replace(SMALL, lr=1e6), 0).shape == (24, 24)


@pytest.mark.parametrize("change", [{"points": 1}, {"width": 0.0}, {"sweeps": 65_535}])
def test_maps_of_nothing_are_refused(change):
    with pytest.raises(InputError, match="Correct the settings"):
        replace(SMALL, **change)


def test_a_recorded_map_comes_out_again():
    """Every 25th point of it, which is the middle of a map of 24 by 24 points."""
    folder = results.default_folder()
    record = results.load(folder, "basins", "figure-large-step")
    config = replace(basins.PRESETS["figure-large-step"], points=24)
    for seed in record.seeds:
        kept = results.load_run_arrays(folder, record, seed)["map"][12::25, 12::25]
        again = basins.sweeps_to_learn(config, seed)
        assert ((kept == basins.NEVER) == (again == basins.NEVER)).mean() > 0.98


def test_small_and_large_steps_go_as_far_on_the_same_planes():
    large, small = basins.PRESETS["large-step"], basins.PRESETS["small-step"]
    assert small.lr * small.sweeps == pytest.approx(large.lr * large.sweeps)
    assert basins.plane(large, 7)[1] == basins.plane(small, 7)[1]


def test_a_drawing_shows_every_map_and_frames_the_parts():
    maps = [
        (basins.sweeps_to_learn(SMALL, 2), ((0.0, 0.0), 10.0), "whole"),
        (np.full((3, 3), 7), ((1.0, 1.0), 1.0), "part"),
        (np.full((3, 3), 7), ((1.1, 1.0), 0.1), "smallest"),
    ]
    figure = plotting.basins(
        maps, limits=(5, 120), never=basins.NEVER, labels=("a", "b"), finding="found"
    )
    frames = [[p.get_width() for p in ax.patches] for ax in figure.axes[:3]]
    assert frames == [[1.0], [pytest.approx(0.1)], []]
    image = figure.axes[0].images[0]
    assert image.get_array().mask.sum() == (maps[0][0] == basins.NEVER).sum()


# What theory says of starts.


def test_the_formula_of_chauvin_is_near_the_numbers_that_the_chapter_prints():
    np.testing.assert_allclose(initial_weights.chauvin(np.array([2, 32])), [247, 115], rtol=1e-8)
    assert abs(initial_weights.chauvin(2) - 245) < 5
    assert abs(initial_weights.chauvin(32) - 120) < 6


def descend_on_a_parabola(curvature, lr, momentum, sweeps):
    """Displacements under the library's own optimiser."""
    optimiser = Momentum(lr, momentum)
    w, state, seen = np.array([1.0]), np.zeros(1), []
    for _ in range(sweeps):
        w, state = optimiser.step(w, curvature * w, state)
        seen.append(float(w[0]))
    return np.array(seen)


@pytest.mark.parametrize(("curvature", "lr", "momentum"), [(-0.01, 0.5, 0.9), (-0.3, 1.0, 0.0)])
def test_a_displacement_grows_on_a_hilltop_by_the_root_of_the_page(curvature, lr, momentum):
    seen = descend_on_a_parabola(curvature, lr, momentum, 400)
    factor = initial_weights.growth(curvature, lr=lr, momentum=momentum)
    assert seen[-1] / seen[-2] == pytest.approx(factor, abs=1e-8)
    assert initial_weights.growth(0.0, lr=lr, momentum=momentum) == pytest.approx(1, abs=1e-8)


def test_growth_in_a_valley_is_refused():
    with pytest.raises(InputError, match="0 or less"):
        initial_weights.growth(0.1, lr=0.5, momentum=0.9)


@pytest.mark.parametrize("momentum", [0.0, 0.4, 0.9])
def test_descent_overshoots_from_the_longest_step_on(momentum):
    """At the limit the recursion has the root -1; beyond it displacements grow, below they fade."""
    limit = initial_weights.longest_step(0.7, momentum=momentum)
    roots = np.roots([1, -(1 + momentum - limit * 0.7), momentum])
    assert roots.min() == pytest.approx(-1, abs=1e-8)
    for factor, grows in ((0.98, False), (1.02, True)):
        seen = np.abs(descend_on_a_parabola(0.7, factor * limit, momentum, 2000))
        assert (seen[-1] > 10) == grows
        assert (seen[-1] < 0.1) != grows


EQUAL = small_tasks.PRESETS["xor-equal"]
NET = small_tasks.network(EQUAL)


def test_units_are_as_far_apart_as_they_were_moved():
    w = small_tasks.initial(EQUAL, [3])[0]
    assert initial_weights.apart(NET, w) == 0
    moved = initial_weights.nudged(NET, w, [1e-3, 2.0], rng=np.random.default_rng(0))
    np.testing.assert_allclose(initial_weights.apart(NET, moved), [1e-3, 2.0])
    (into, bias), (out, last) = NET.unpack(moved)
    (into0, bias0), (out0, last0) = NET.unpack(w)
    assert (into[..., 0] == into0[:, 0]).all()
    assert (bias[..., 0] == bias0[0]).all()
    assert (out[..., 0, :] == out0[0]).all()
    assert (last == last0).all()


def test_the_curvature_between_two_units_is_that_of_the_loss_as_they_part():
    """At a point where all answers are one half: 0.1 v s''(b), as the page works out."""
    x, answers = small_tasks.datasets.xor()
    d = 0.1 + 0.8 * answers
    s = 1 / (1 + np.exp(-1.0))
    w = np.array([0, 0, 0, 0, 1, 1, 2, 2, -4 * s])
    assert np.abs(minima.gradient(NET, w, x, d)).max() < 1e-12
    expected = 0.1 * 2 * s * (1 - s) * (1 - 2 * s)
    curvature = initial_weights.parting_curvature(NET, w, x, d)
    assert curvature == pytest.approx(expected, rel=1e-6)
    assert expected < 0


def test_equal_units_never_part_and_nudged_ones_do():
    x, answers = small_tasks.datasets.xor()
    w = small_tasks.initial(EQUAL, [0])
    moved = initial_weights.nudged(NET, w[0], [0.0, 0.01], rng=np.random.default_rng(0))
    result = train_batch(
        NET, moved, x, 0.1 + 0.8 * answers, optimiser=Momentum(0.5, 0.9), sweeps=1000
    )
    gap = initial_weights.apart(NET, result.w)
    assert gap[0] < 1e-9
    assert gap[1] > 1
