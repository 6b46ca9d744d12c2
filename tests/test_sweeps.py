"""Sweeps record every run once, resume, and never mix what does not belong together."""

import json
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

from backprop import datasets, experiments, results, sweeps
from backprop.errors import DataError, InputError, ResultsError, TrainingDiverged, UnknownName
from backprop.sweeps import SeedsFailed


@dataclass(frozen=True)
class Config:
    lr: float = 0.1
    sizes: tuple[int, ...] = (6, 2, 1)


calls = []


def measure(config, seed):
    return {"loss": config.lr * seed, "solved": seed % 2 == 0, "sweeps": seed or None}


def runs(config, seeds):
    calls.append(list(seeds))
    return {seed: measure(config, seed) for seed in seeds}


def failing(*bad, error=TrainingDiverged):
    def runs_but_some_fail(config, seeds):
        for seed in seeds:
            if seed in bad:
                raise error("the loss became infinite")
        return runs(config, seeds)

    return runs_but_some_fail


def experiment(**changes):
    return SimpleNamespace(
        **{
            "__name__": "some.package.toy",
            "PRESETS": {"paper": Config(), "fast": Config(lr=0.5)},
            "BLOCK": 2,
            "uses_zip_codes": False,
            "runs": runs,
            **changes,
        }
    )


@pytest.fixture(autouse=True)
def no_calls():
    calls.clear()


# Recording and resuming.


def test_a_sweep_fills_gaps_between_recorded_seeds(tmp_path):
    sweeps.sweep(experiment(), "paper", [0, 5], folder=tmp_path)
    assert sweeps.sweep(experiment(), "paper", range(6), folder=tmp_path).seeds == list(range(6))


def test_a_sweep_records_each_seed_in_blocks(tmp_path):
    record = sweeps.sweep(experiment(), "paper", [4, 0, 1, 3, 3], folder=tmp_path)
    assert calls == [[0, 1], [3, 4]]
    assert record == results.load(tmp_path, "toy", "paper")
    assert record.runs == {seed: measure(Config(), seed) for seed in (0, 1, 3, 4)}
    assert record.config == {"lr": 0.1, "sizes": [6, 2, 1]}
    assert record.data is None and record.versions == results.versions()
    assert record.wall_seconds > 0


def test_seeds_on_record_are_not_run_again(tmp_path):
    first = sweeps.sweep(experiment(), "paper", range(3), folder=tmp_path)
    calls.clear()
    record = sweeps.sweep(experiment(), "paper", range(1, 5), folder=tmp_path)
    assert calls == [[3, 4]]
    assert record.seeds == [0, 1, 2, 3, 4]
    assert record.wall_seconds > first.wall_seconds
    path = results.record_path(tmp_path, "toy", "paper")
    before = path.stat().st_mtime_ns
    assert sweeps.sweep(experiment(), "paper", [0], folder=tmp_path) == record
    assert len(calls) == 1 and path.stat().st_mtime_ns == before


def test_an_interrupted_sweep_goes_on_where_it_stopped(tmp_path):
    interrupted = experiment(runs=failing(4, error=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        sweeps.sweep(interrupted, "paper", range(6), folder=tmp_path)
    assert results.load(tmp_path, "toy", "paper").seeds == [0, 1, 2, 3]
    calls.clear()
    record = sweeps.sweep(experiment(), "paper", range(6), folder=tmp_path)
    assert calls == [[4, 5]]
    assert record.runs == {seed: measure(Config(), seed) for seed in range(6)}


def test_two_processes_record_the_same_as_one(tmp_path):
    one = sweeps.sweep(experiment(), "paper", range(5), folder=tmp_path / "one")
    two = sweeps.sweep(experiment(), "paper", range(5), folder=tmp_path / "two", jobs=2)
    assert two.runs == one.runs


def test_runs_that_another_process_adds_meanwhile_are_kept(tmp_path):
    def runs_beside_another(config, seeds):
        if 9 not in seeds:
            sweeps.sweep(experiment(), "paper", [9], folder=tmp_path)
        return runs(config, seeds)

    module = experiment(runs=runs_beside_another)
    assert sweeps.sweep(module, "paper", [0, 1], folder=tmp_path).seeds == [0, 1, 9]


def test_other_versions_are_added_to_those_on_record(tmp_path):
    record = sweeps.sweep(experiment(), "paper", [0], folder=tmp_path)
    now = record.versions["numpy"]
    results.save(replace(record, versions={**record.versions, "numpy": "1.2.3"}), tmp_path)
    for seed in (1, 2):
        record = sweeps.sweep(experiment(), "paper", [seed], folder=tmp_path)
    assert record.versions["numpy"] == f"1.2.3, {now}"
    assert record.versions["python"] == results.versions()["python"]


def test_arrays_go_into_a_file_of_their_own(tmp_path):
    def runs_with_weights(config, seeds):
        return {seed: {"loss": 0.5, "w": np.full(3, seed, np.float32)} for seed in seeds}

    record = sweeps.sweep(experiment(runs=runs_with_weights), "paper", [7], folder=tmp_path)
    assert record.runs == {7: {"loss": 0.5}}
    w = results.load_run_arrays(tmp_path, record, 7)["w"]
    np.testing.assert_array_equal(w, np.full(3, 7, np.float32), strict=True)


# What is refused.


def test_failing_seeds_are_named_and_the_others_are_kept(tmp_path):
    with pytest.raises(SeedsFailed) as error:
        sweeps.sweep(experiment(runs=failing(1, 4)), "paper", range(6), folder=tmp_path)
    message = str(error.value)
    assert "2 of 6 seeds of toy/paper failed (seeds 1, 4: the loss became infinite)" in message
    assert error.value.failed == {1: "the loss became infinite", 4: "the loss became infinite"}
    assert not hasattr(error.value, "__notes__")
    assert results.load(tmp_path, "toy", "paper").seeds == [0, 2, 3, 5]
    calls.clear()
    sweeps.sweep(experiment(), "paper", range(6), folder=tmp_path)
    assert calls == [[1, 4]]


@pytest.mark.parametrize("error", [ZeroDivisionError, MemoryError, RecursionError, OSError])
def test_a_defect_in_a_seed_is_reported_with_its_traceback_and_ends_no_other(tmp_path, error):
    module = experiment(runs=failing(1, error=error), BLOCK=4)
    with pytest.raises(SeedsFailed, match=rf"seed 1: {error.__name__}: the loss") as raised:
        sweeps.sweep(module, "paper", range(6), folder=tmp_path)
    (note,) = raised.value.__notes__
    assert note.startswith("Traceback of seed 1:\nTraceback (most recent call last)")
    assert "runs_but_some_fail" in note
    assert results.load(tmp_path, "toy", "paper").seeds == [0, 2, 3, 4, 5]


def test_a_failing_seed_is_found_by_halves(tmp_path):
    tried = []

    def runs_without_5(config, seeds):
        tried.append(list(seeds))
        return failing(5)(config, seeds)

    module = experiment(runs=runs_without_5, BLOCK=8)
    with pytest.raises(SeedsFailed):
        sweeps.sweep(module, "paper", range(8), folder=tmp_path)
    assert tried == [[*range(8)], [0, 1, 2, 3], [4, 5, 6, 7], [4, 5], [4], [5], [6, 7]]


@pytest.mark.parametrize(
    ("measured", "reason"),
    [
        ({"loss": float("nan")}, r"run\['loss'\] is nan"),
        ({"loss": np.float32(1)}, "of type float32"),
        ({"w": np.array([None])}, "'w' holds Python objects"),
        ({1: 2}, "keys must be strings"),
        (None, "AttributeError"),
    ],
)
def test_a_run_that_cannot_be_recorded_ends_no_other(tmp_path, measured, reason):
    def runs_and_one_measures_nonsense(config, seeds):
        return {**runs(config, seeds), **({1: measured} if 1 in seeds else {})}

    module = experiment(runs=runs_and_one_measures_nonsense)
    with pytest.raises(SeedsFailed, match=rf"seed 1: .*{reason}"):
        sweeps.sweep(module, "paper", range(4), folder=tmp_path)
    assert results.load(tmp_path, "toy", "paper").seeds == [0, 2, 3]


def test_a_run_that_is_missing_is_a_failure(tmp_path):
    module = experiment(runs=lambda config, seeds: {s: {"loss": 1} for s in seeds if s != 1})
    with pytest.raises(SeedsFailed, match="seed 1: KeyError: 1"):
        sweeps.sweep(module, "paper", range(4), folder=tmp_path)
    assert results.load(tmp_path, "toy", "paper").seeds == [0, 2, 3]


def test_a_sweep_of_failures_records_nothing(tmp_path):
    with pytest.raises(SeedsFailed, match=r"1 of 1 seeds .* failed \(.*\)\. Running"):
        sweeps.sweep(experiment(runs=failing(0)), "paper", [0], folder=tmp_path)
    assert results.recorded(tmp_path) == []


def test_runs_with_other_settings_are_never_mixed(tmp_path):
    sweeps.sweep(experiment(), "paper", [0], folder=tmp_path)
    before = results.record_path(tmp_path, "toy", "paper").read_bytes()
    changed = experiment(PRESETS={"paper": Config(lr=0.2)})
    with pytest.raises(ResultsError) as error:
        sweeps.sweep(changed, "paper", [1], folder=tmp_path)
    assert "setting lr = 0.1, now 0.2" in str(error.value)
    assert "sizes" not in str(error.value)
    assert "another folder" in str(error.value)
    assert results.record_path(tmp_path, "toy", "paper").read_bytes() == before
    assert calls == [[0]]


def test_a_damaged_record_stops_the_sweep(tmp_path):
    sweeps.sweep(experiment(), "paper", [0], folder=tmp_path)
    path = results.record_path(tmp_path, "toy", "paper")
    path.write_text(path.read_text()[:-20])
    with pytest.raises(ResultsError, match="not whole JSON"):
        sweeps.sweep(experiment(), "paper", [1], folder=tmp_path)
    assert calls == [[0]]


@pytest.mark.parametrize("seeds", [[], [-1], [0.5], ["1"]])
def test_seeds_that_cannot_be(tmp_path, seeds):
    with pytest.raises(InputError, match="seeds must be"):
        sweeps.sweep(experiment(), "paper", seeds, folder=tmp_path)


def test_no_jobs_and_unknown_names(tmp_path):
    with pytest.raises(InputError, match="jobs must be"):
        sweeps.sweep(experiment(), "paper", [0], folder=tmp_path, jobs=0)
    with pytest.raises(UnknownName, match="Did you mean 'paper'"):
        sweeps.sweep(experiment(), "papr", [0], folder=tmp_path)
    with pytest.raises(UnknownName, match="Did you mean 'symmetry'"):
        sweeps.sweep("symetry", "paper", [0], folder=tmp_path)


# Data.


def digits(**changes):
    x, digit = np.zeros((1, 256), np.float32), np.zeros(1, np.int64)
    real = datasets.Digits(x, digit, x, digit, "test", {"zip.train.gz": "a" * 64}, False)
    return replace(real, **changes)


def test_the_checksums_of_the_data_are_recorded_and_must_stay(tmp_path, monkeypatch):
    module = experiment(uses_zip_codes=True)
    monkeypatch.setattr(datasets, "zip_codes", digits)
    record = sweeps.sweep(module, "paper", [0], folder=tmp_path)
    assert record.data == {"zip.train.gz": "a" * 64}
    other = digits(checksums={"zip.train.gz": "b" * 64})
    monkeypatch.setattr(datasets, "zip_codes", lambda: other)
    with pytest.raises(ResultsError, match=r"data file zip\.train\.gz = 'aaa.*, now 'bbb"):
        sweeps.sweep(module, "paper", [1], folder=tmp_path)


def test_runs_on_the_stand_in_are_not_recorded(tmp_path, monkeypatch):
    stand_in = digits(stand_in=True, checksums={})
    monkeypatch.setattr(datasets, "zip_codes", lambda: stand_in)
    with pytest.raises(ResultsError, match=r"stand-in are not recorded.*backprop data fetch"):
        sweeps.sweep(experiment(uses_zip_codes=True), "paper", [0], folder=tmp_path)
    assert calls == [] and results.recorded(tmp_path) == []


def test_damaged_data_stops_the_sweep(tmp_path, monkeypatch):
    monkeypatch.setenv("BACKPROP_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="cannot be read"):
        sweeps.sweep(experiment(uses_zip_codes=True), "paper", [0], folder=tmp_path)


# Progress.


@pytest.mark.parametrize(("terminal", "progress"), [(True, True), (True, False), (False, True)])
def test_the_progress_bar_is_for_people_only(tmp_path, monkeypatch, capsys, terminal, progress):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    sweeps.sweep(experiment(), "paper", range(3), folder=tmp_path, progress=progress)
    shown = capsys.readouterr()
    assert ("3/3" in shown.err) == (terminal and progress)
    assert (shown.err != "") == (terminal and progress)
    assert shown.out == ""


def test_each_block_is_reported_and_the_end(tmp_path):
    sweeps.sweep(experiment(), "paper", [0], folder=tmp_path)
    events = []
    with pytest.raises(SeedsFailed):
        module = experiment(runs=failing(2))
        sweeps.sweep(module, "paper", range(4), folder=tmp_path, report=events.append)
    seconds = [event.pop("seconds") for event in events[:-1]]
    assert min(seconds) >= 0
    always = {"experiment": "toy", "preset": "paper", "wanted": 4}
    failed = {"2": "the loss became infinite"}
    path = str(results.record_path(tmp_path, "toy", "paper"))
    assert events == [
        {**always, "event": "block", "seeds": [1, 2], "done": 3, "failed": failed},
        {**always, "event": "block", "seeds": [3], "done": 4, "failed": failed},
        {**always, "event": "finished", "file": path, "recorded": 3, "failed": failed},
    ]
    assert json.loads(json.dumps(events)) == events


# Reproduction.


@pytest.fixture
def known(monkeypatch):
    """Make the toy experiment known by its name; change it by changing its fields."""
    module = experiment()
    monkeypatch.setattr(experiments, "get", lambda name: {"toy": module}[name])
    return module


def test_a_faithful_repetition_is_identical(tmp_path, known):
    for preset in ("paper", "fast"):
        sweeps.sweep("toy", preset, [3, 5], folder=tmp_path / "old")
    calls.clear()
    rows = sweeps.reproduce(tmp_path / "new", reference=tmp_path / "old")
    assert calls == [[3, 5], [3, 5]]  # it did run
    assert [(row.preset, row.metric) for row in rows] == [
        (preset, metric) for preset in ("fast", "paper") for metric in ("loss", "solved", "sweeps")
    ]
    assert all(row.identical == row.seeds == 2 and row.largest_difference == 0 for row in rows)
    assert str(rows[2]) == (
        "toy/fast sweeps: 2 of 2 runs identical, largest relative difference 0, median 4, again 4"
    )
    sweeps.reproduce(tmp_path / "new", reference=tmp_path / "old")
    assert len(calls) == 2  # it resumed


def test_a_difference_is_measured(tmp_path, known):
    known.runs = lambda config, seeds: {s: {"loss": 2.0 + s, "n": s, "at": 4} for s in seeds}
    sweeps.sweep("toy", "paper", range(3), folder=tmp_path / "old")
    known.runs = lambda config, seeds: {
        s: {"loss": 2.5 + s if s == 2 else 2.0 + s, "n": s, "at": None if s else 4} for s in seeds
    }
    loss, n, at = sweeps.reproduce(tmp_path / "new", reference=tmp_path / "old")
    assert (loss.identical, loss.largest_difference) == (2, pytest.approx(0.5 / 4.5))
    assert (loss.median_reference, loss.median_again) == (3, 3)
    assert (n.identical, n.largest_difference) == (3, 0)
    assert (at.identical, at.largest_difference, at.median_again) == (1, float("inf"), 4)


def test_a_quantity_without_values_and_one_that_is_no_number(tmp_path, known):
    known.runs = lambda config, seeds: {s: {"at": None, "w": [1, 2]} for s in seeds}
    sweeps.sweep("toy", "paper", [0], folder=tmp_path / "old")
    (row,) = sweeps.reproduce(tmp_path / "new", reference=tmp_path / "old")
    assert row.metric == "at" and row.identical == 1 and np.isnan(row.median_again)


def test_a_preset_that_has_changed_cannot_be_repeated(tmp_path, known):
    sweeps.sweep("toy", "paper", [0], folder=tmp_path / "old")
    known.PRESETS = {"paper": Config(lr=0.2)}
    with pytest.raises(ResultsError, match=r"cannot be repeated.*setting lr = 0\.1, now 0\.2"):
        sweeps.reproduce(tmp_path / "new", reference=tmp_path / "old")


def test_a_comparison_with_itself_or_with_nothing_is_refused(tmp_path, known):
    sweeps.sweep("toy", "paper", [0], folder=tmp_path / "old")
    with pytest.raises(ResultsError, match="would prove nothing"):
        sweeps.reproduce(tmp_path / "old", reference=tmp_path / "x" / ".." / "old")
    with pytest.raises(ResultsError, match="nothing is recorded"):
        sweeps.reproduce(tmp_path / "new", reference=tmp_path / "nowhere")
