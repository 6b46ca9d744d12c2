"""The trained network in use: what it answers, when it rejects, and what it needs."""

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib import pyplot as plt
from PIL import Image, ImageDraw

from backprop import datasets, plotting, reading, results
from backprop.cli import main
from backprop.errors import InputError, ResultsError
from backprop.evaluation import confidence, wrong
from backprop.experiments import zip_codes, zip_reading, zip_speed
from backprop.reading import Reader, Reading, classify, recorded_reader


def one(path, *, size=80):
    """A drawn 1, saved."""
    image = Image.new("L", (size, size), 255)
    ImageDraw.Draw(image).line([(size / 2, 10), (size / 2, size - 10)], fill=0, width=8)
    image.save(path)
    return path


def zero(path):
    """A drawn 0, light on dark, saved."""
    image = Image.new("RGB", (120, 90), "black")
    ImageDraw.Draw(image).ellipse([40, 15, 80, 75], outline="white", width=8)
    image.save(path)
    return path


def outputs(*largest):
    """Ten outputs, all -1 but those given."""
    y = np.full(10, -1.0)
    y[: len(largest)] = largest
    return y


def call(*words, **environment):
    return CliRunner().invoke(main, ["classify", *map(str, words)], env=environment)


def test_a_reading_is_rejected_below_the_threshold_and_not_at_it():
    y = outputs(0.5, 1.0)
    assert Reading(y, threshold=0.5).digit == 1
    assert Reading(y, threshold=0.5).margin == 0.5
    assert not Reading(y, threshold=0.5).rejected
    assert Reading(y, threshold=0.51).rejected


@pytest.mark.parametrize("seed", [0, 7, 31])
def test_drawn_digits_are_read_by_any_recorded_network(tmp_path, seed):
    reader = recorded_reader(seed)
    for draw, digit in ((one, 1), (zero, 0)):
        read = classify(datasets.read_picture(draw(tmp_path / "a.png")), reader)
        assert read.digit == digit
        assert not read.rejected
        assert read.outputs.shape == (10,)


def test_the_outputs_are_those_of_the_recorded_weights(tmp_path):
    x = datasets.read_picture(zero(tmp_path / "a.png"))
    folder = results.default_folder()
    w = results.load_arrays(results.arrays_path(folder, "zip_codes", "pseudo-newton", 0))["w"]
    expected = zip_codes.network().forward(w, x[np.newaxis])[0][0]
    for given in (x, x.reshape(16, 16), x.tolist()):
        np.testing.assert_allclose(classify(given).outputs, expected, atol=1e-6)


@pytest.mark.parametrize(
    "x", [np.zeros(255), np.full(256, 1.5), np.full(256, np.nan), np.zeros((2, 256))]
)
def test_what_is_no_digit_is_refused_before_it_is_read(x):
    with pytest.raises(InputError, match="256 grey values"):
        classify(x, Reader(np.zeros(9760), 0.0))


def test_the_threshold_must_belong_to_the_weights(tmp_path):
    shutil.copytree(results.default_folder() / "zip_codes", tmp_path / "zip_codes")
    with pytest.raises(ResultsError, match="backprop sweep zip_reading"):
        recorded_reader(0, folder=tmp_path)
    shutil.copytree(results.default_folder() / "zip_reading", tmp_path / "zip_reading")
    recorded_reader(0, folder=tmp_path)
    path = results.arrays_path(tmp_path, "zip_codes", "pseudo-newton", 0)
    results.save_arrays(path, w=np.zeros(9760, np.float32))
    with pytest.raises(ResultsError, match="recorded for other weights"):
        recorded_reader(0, folder=tmp_path)
    with pytest.raises(ResultsError, match="no run with seed 99"):
        recorded_reader(99, folder=tmp_path)


# The command.


def test_the_command_prints_ten_outputs_the_answer_and_what_follows(tmp_path):
    answer = call(one(tmp_path / "one.png"))
    assert answer.exit_code == 0, answer.output
    lines = answer.output.splitlines()
    assert lines[0].endswith("one.png")
    assert [line.split()[0] for line in lines[1:11]] == list("0123456789")
    assert max(lines[1:11], key=lambda line: line.count("#")).split()[0] == "1"
    assert "answer 1, accepted: margin" in lines[11]
    assert len(lines) == 12


def test_a_rejected_answer_says_so():
    text = reading.as_text(Reading(outputs(0.2, 0.3), threshold=1.2))
    assert text.splitlines()[-1] == "  answer 1, rejected: margin 0.10, threshold 1.20"


def test_bars_stay_in_their_width_at_both_ends_of_the_range():
    text = reading.as_text(Reading(outputs(1.7159, -1.7159), threshold=1.0), width=20)
    assert [line.count("#") for line in text.splitlines()[:2]] == [20, 0]


def test_a_picture_that_cannot_be_read_does_not_keep_others_from_being_read(tmp_path):
    answer = call(tmp_path / "missing.png", one(tmp_path / "one.png"))
    assert answer.exit_code == 2
    assert "answer 1" in answer.stdout
    assert answer.stderr.startswith("error: ")
    assert "missing.png: there is no such file" in answer.stderr
    assert "Traceback" not in answer.output


def test_without_recorded_networks_the_command_says_how_to_make_them(tmp_path):
    answer = call(one(tmp_path / "one.png"), BACKPROP_RESULTS=str(tmp_path))
    assert answer.exit_code == 2
    assert "backprop sweep zip_codes --preset pseudo-newton" in answer.stderr
    assert "Traceback" not in answer.output


def test_without_a_picture_the_command_asks_for_one():
    assert "Missing argument" in call().output


# The recorded thresholds.


def test_every_recorded_network_has_its_threshold():
    folder = results.default_folder()
    record = results.load(folder, "zip_reading", "pseudo-newton")
    trained = results.load(folder, "zip_codes", "pseudo-newton")
    assert record.seeds == trained.seeds
    for seed in trained.seeds:
        assert record.runs[seed]["rejected"] == pytest.approx(trained.runs[seed]["rejected"])
        assert recorded_reader(seed).threshold == record.runs[seed]["threshold"]


@pytest.mark.needs_digits
def test_a_recorded_threshold_rejects_as_recorded_and_leaves_one_percent():
    digits = datasets.zip_codes(download=False, stand_in=False)
    reader = recorded_reader(3)
    y = zip_codes.network().predict(reader.w, digits.test_x)
    accepted = confidence(y) >= reader.threshold
    run = results.load(results.default_folder(), "zip_reading", "pseudo-newton").runs[3]
    # One digit on the edge may fall to the other side on another machine.
    assert 100 * (1 - accepted.mean()) == pytest.approx(run["rejected"], abs=0.15)
    assert wrong(y, digits.test_digit)[accepted].mean() == pytest.approx(0.01, abs=0.0015)


@pytest.mark.needs_digits
def test_a_run_measures_what_it_says():
    config = zip_reading.Config(pictures=3)
    measured = zip_reading.run(config, seed=1)
    recorded = results.load(results.default_folder(), "zip_reading", "pseudo-newton").runs[1]
    # Digits on the edge may fall to the other side on another machine.
    for name in ("threshold", "rejected", "error"):
        assert measured[name] == pytest.approx(recorded[name], rel=0.1), name
    assert measured["weights_sha256"] == recorded["weights_sha256"]
    assert json.loads(json.dumps(measured)) == measured


# Speed.


def test_every_speed_is_measured_and_the_machine_is_named():
    measured = zip_speed.run(zip_speed.Config.fast(), seed=0)
    assert all(value > 0 for name, value in measured.items() if name != "machine")
    assert "cores" in measured["machine"]
    connections = zip_codes.network().total().connections
    assert measured["multiply_adds"] == pytest.approx(
        measured["in_a_batch"] * connections / 1e6, rel=0.02
    )


def test_training_time_is_scaled_from_one_presentation_to_23_passes(monkeypatch):
    """With a clock by which every timed call takes one second."""
    monkeypatch.setattr(zip_speed, "shortest_time", lambda function, repeats: 1.0)
    config = zip_speed.Config(presentations=10, at_once=4, digits=20, pictures=5)
    measured = zip_speed.run(config, seed=0)
    days = 23 * 7291 / 10 / 86400
    assert measured["training_days"] == pytest.approx(days, rel=0.01)
    assert measured["training_days_at_once"] == pytest.approx(days / 4, rel=0.01)
    assert (measured["one_at_a_time"], measured["from_files"]) == (20, 5)


# What the page says of drawings.


def answers_of(path):
    """What every recorded network makes of a picture."""
    x = datasets.read_picture(path)
    seeds = results.load(results.default_folder(), "zip_reading", "pseudo-newton").seeds
    return [classify(x, recorded_reader(seed)) for seed in seeds]


@pytest.mark.parametrize(
    ("name", "digit", "mostly_rejected"),
    [("3", 3, False), ("7 with a bar", 7, True), ("S", 5, False), ("A", None, True)],
)
def test_most_networks_agree_on_the_drawings_of_the_page(tmp_path, name, digit, mostly_rejected):
    answers = answers_of(datasets.draw(tmp_path / "a.png", datasets.STROKES[name], pen=0.08))
    if digit is not None:
        assert np.mean([each.digit == digit for each in answers]) > 0.9
    assert bool(np.mean([each.rejected for each in answers]) > 0.5) is mostly_rejected


def test_a_figure_drawn_at_another_size_and_place_gives_the_same_view(tmp_path):
    strokes = datasets.STROKES["7"]
    usual = datasets.read_picture(datasets.draw(tmp_path / "a.png", strokes, pen=0.1))
    half = {"height": 0.35, "pen": 0.05, "corner": (0.55, 0.6)}
    moved = datasets.read_picture(datasets.draw(tmp_path / "b.png", strokes, **half))
    assert np.abs(moved - usual).mean() < 0.05


def test_pictures_views_and_outputs_stand_in_columns(tmp_path):
    paths = [one(tmp_path / "one.png"), zero(tmp_path / "zero.png")]
    seen = [datasets.read_picture(path) for path in paths]
    y = np.stack([outputs(0.1, 0.9), outputs(0.3, 0.7), outputs(0.2, 0.8)])
    figure = plotting.pictures_and_views(paths, seen, ["a", "b"], [y, y], ["c", "d"])
    assert len(figure.axes) == 6
    np.testing.assert_array_equal(figure.axes[3].images[0].get_array(), seen[1].reshape(16, 16))
    dots = figure.axes[4].collections[1].get_offsets()
    np.testing.assert_allclose(dots[:2, 0], [0.2, 0.8])
    assert figure.axes[5].get_xlabel() == "d"
    plt.close(figure)


def test_speeds_are_drawn_against_those_of_the_paper():
    figure = plotting.times_as_fast({"training": np.array([900.0, 1100.0])})
    ax = figure.axes[0]
    assert ax.get_xscale() == "log"
    assert [list(line.get_xdata()) for line in ax.lines[:2]] == [[1, 1000], [900, 1100]]
    plt.close(figure)
