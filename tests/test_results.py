"""Recorded runs come back as they were saved, or not at all."""

import errno
import fcntl
import json
import os
from dataclasses import replace
from importlib import metadata
from stat import S_ISDIR

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop import results
from backprop.errors import ResultsError
from backprop.results import Record


def record(**changes):
    return replace(
        Record(
            experiment="symmetry",
            preset="paper",
            config={"lr": 0.1, "low": None, "sizes": [6, 2, 1]},
            runs={
                10: {"loss": 0.1 + 0.2, "solved": True, "sweeps": None, "w": [1.0, -2.5]},
                2: {"loss": 1e-300, "solved": False, "sweeps": 1425, "w": [0.0, 3.0]},
            },
            data=None,
            versions=results.versions(),
            wall_seconds=1.25,
        ),
        **changes,
    )


# Saving and loading.

floats = st.floats(allow_nan=False, allow_infinity=False)
numbers = st.none() | st.booleans() | st.integers() | floats
values = st.recursive(
    numbers | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=25)
@given(
    config=st.dictionaries(st.text(), values, max_size=3),
    runs=st.dictionaries(
        st.integers(0, 2**70), st.dictionaries(st.text(), values, max_size=4), max_size=4
    ),
    data=st.none() | st.dictionaries(st.text(), st.text(), max_size=2),
    seconds=st.floats(0, 1e300),
)
def test_every_record_comes_back_equal(tmp_path_factory, config, runs, data, seconds):
    folder = tmp_path_factory.mktemp("results")
    saved = record(config=config, runs=runs, data=data, wall_seconds=seconds)
    path = results.save(saved, folder)
    loaded = results.load(folder, "symmetry", "paper")
    assert loaded == saved
    # Equal is not enough: 1 == 1.0 == True.
    assert repr(loaded.config) == repr(config)
    assert repr(loaded.runs) == repr(dict(sorted(runs.items())))
    before = path.read_bytes()
    results.save(loaded, folder)
    assert path.read_bytes() == before


def test_a_file_has_one_line_for_each_run_in_order_of_seeds(tmp_path):
    path = results.save(record(), tmp_path)
    assert path == results.record_path(tmp_path, "symmetry", "paper")
    assert path == tmp_path / "symmetry" / "paper.json"
    lines = path.read_text().splitlines()
    start = lines.index('"runs": {')
    assert [line.split(":")[0] for line in lines[start + 1 : -2]] == ['"2"', '"10"']
    json.loads(path.read_text())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), r"runs\[3\]\['course'\]\[1\] is nan"),
        (-float("inf"), r"is -inf"),
        (np.float64("nan"), r"is nan"),
        (np.float32(1), r"of type float32.*`.item\(\)`"),
        (np.zeros(2), r"of type ndarray.*save_arrays"),
        ({1: 2}, r"has the key 1; keys must be strings"),
    ],
)
def test_what_json_cannot_give_back_is_refused_by_name(tmp_path, value, message):
    results.save(record(), tmp_path)
    with pytest.raises(ResultsError, match=message):
        results.save(record(runs={3: {"course": [0.5, value]}}), tmp_path)
    assert results.load(tmp_path, "symmetry", "paper") == record()


@pytest.mark.parametrize("seed", [-1, "3", 1.0, True, np.int64(3)])
def test_seeds_are_integers_from_zero_on(tmp_path, seed):
    with pytest.raises(ResultsError, match="seeds must be integers"):
        results.save(record(runs={seed: {}}), tmp_path)


@pytest.mark.parametrize("name", ["../paper", "", "a/b", ".hidden", "a b"])
def test_a_name_cannot_lead_out_of_the_folder(tmp_path, name):
    with pytest.raises(ResultsError, match="cannot name a file"):
        results.record_path(tmp_path, "symmetry", name)


# Damage.


def test_a_file_cut_off_anywhere_is_refused(tmp_path):
    path = results.save(record(), tmp_path)
    whole = path.read_bytes()
    for length in range(len(whole) - 1):  # without the last line end, nothing is lost
        path.write_bytes(whole[:length])
        with pytest.raises(ResultsError, match=r"paper\.json is not whole JSON.*backprop sweep"):
            results.load(tmp_path, "symmetry", "paper")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "cannot be read"),
        (b"<<<<<<< ours\n{}", "not whole JSON"),
        (b"[" * 100_000, "not whole JSON"),
        (b"[]", "holds a JSON list, expected an object"),
        (b"{}", "schema None, expected 1"),
        (b'{"schema": 1, "schema": 1}', "'schema' appears twice"),
    ],
)
def test_a_file_that_holds_something_else_is_refused(tmp_path, content, message):
    path = results.save(record(), tmp_path)
    path.write_bytes(content)
    with pytest.raises(ResultsError, match=message):
        results.load(tmp_path, "symmetry", "paper")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": 2}, "schema 2, expected 1"),
        ({"experiment": "zip_codes"}, "results of zip_codes/paper, expected symmetry/paper"),
        ({"preset": "fast"}, "results of symmetry/fast, expected symmetry/paper"),
        ({"config": None}, "'config' has the wrong type"),
        ({"data": "none"}, "'data' has the wrong type"),
        ({"wall_seconds": "1"}, "'wall_seconds' has the wrong type"),
        ({"runs": {"x": {}}}, "the run 'x' is not a seed"),
        ({"runs": {"01": {}}}, "the run '01' is not a seed"),
        ({"runs": {"1": 5}}, "the run '1' is not a seed"),
        ({"runs": {"1": {"loss": float("nan")}}}, "NaN is not a value"),
        ({"remark": "extra"}, r"has \['remark'\] too many"),
    ],
)
def test_content_that_does_not_fit_is_refused(tmp_path, changes, message):
    path = results.save(record(), tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(ResultsError, match=message):
        results.load(tmp_path, "symmetry", "paper")


@pytest.mark.parametrize(
    "field", ["experiment", "preset", "config", "runs", "data", "versions", "wall_seconds"]
)
def test_a_missing_field_is_named(tmp_path, field):
    path = results.save(record(), tmp_path)
    content = json.loads(path.read_text())
    del content[field]
    path.write_text(json.dumps(content))
    with pytest.raises(ResultsError, match=rf"lacks the fields \['{field}'\]"):
        results.load(tmp_path, "symmetry", "paper")


def test_an_overflowing_number_is_refused(tmp_path):
    path = results.save(record(), tmp_path)
    path.write_text(path.read_text().replace("1425", "1e999"))
    with pytest.raises(ResultsError, match="is inf, which cannot be recorded"):
        results.load(tmp_path, "symmetry", "paper")


def test_a_missing_record_names_the_nearest_and_the_command(tmp_path):
    results.save(record(), tmp_path)
    with pytest.raises(ResultsError) as error:
        results.load(tmp_path, "symmetry", "papr")
    assert "Did you mean 'symmetry/paper'?" in str(error.value)
    assert "`backprop sweep symmetry --preset papr --seeds 0:10`" in str(error.value)


# Writing.


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ResultsError, match="cannot be written"):
        results.save(record(), tmp_path / "file")
    with pytest.raises(ResultsError, match="cannot be read"):
        results.load(tmp_path / "file", "symmetry", "paper")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_the_former_file_and_nothing_else(tmp_path, monkeypatch, step):
    results.save(record(), tmp_path)

    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, step, full)
    with pytest.raises(ResultsError, match="No space left on device"):
        results.save(record(runs={}), tmp_path)
    with pytest.raises(ResultsError, match="No space left on device"):
        results.save_arrays(tmp_path / "symmetry" / "w.npz", w=np.zeros(3))
    monkeypatch.undo()
    assert results.load(tmp_path, "symmetry", "paper") == record()
    assert [path.name for path in (tmp_path / "symmetry").iterdir()] == ["paper.json"]


def test_a_new_name_is_brought_to_the_disk_after_the_content(tmp_path, monkeypatch):
    """Otherwise a loss of power could take back what was reported as stored."""
    real, order = os.replace, []
    monkeypatch.setattr(
        os, "fsync", lambda fd: order.append("folder" if S_ISDIR(os.fstat(fd).st_mode) else "file")
    )
    monkeypatch.setattr(os, "replace", lambda *paths: order.append("name") or real(*paths))
    results.save(record(), tmp_path)
    assert order == ["file", "name", "folder"]


def test_a_lock_is_given_up_when_its_block_is_left_in_any_way(tmp_path):
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), results.exclusive(tmp_path, "symmetry", "paper"):
            assert (tmp_path / "symmetry" / ".paper.lock").exists()
            raise ZeroDivisionError
    assert list((tmp_path / "symmetry").iterdir()) == []
    assert results.recorded(tmp_path) == []


def test_where_no_lock_can_be_had_the_error_is_one_of_writing(tmp_path, monkeypatch):
    def no_locks(*args):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with (
        pytest.raises(ResultsError, match=r"cannot be written: No locks available.*another folder"),
        results.exclusive(tmp_path, "symmetry", "paper"),
    ):
        raise AssertionError("it went on without the lock")


def test_errors_in_the_block_of_a_lock_are_not_taken_for_errors_of_writing(tmp_path):
    with pytest.raises(FileNotFoundError), results.exclusive(tmp_path, "symmetry", "paper"):
        (tmp_path / "nowhere").read_bytes()


def test_preparing_a_folder_leaves_no_file(tmp_path):
    results.prepare(tmp_path, "symmetry", "paper")
    assert list((tmp_path / "symmetry").iterdir()) == []


# Looking things up.


def test_a_column_follows_the_seeds():
    assert record().seeds == [2, 10]
    assert record().column("loss").tolist() == [1e-300, 0.1 + 0.2]
    assert record().column("solved").dtype == bool
    assert record().column("w").shape == (2, 2)
    sweeps = record().column("sweeps")
    assert sweeps.dtype == float and sweeps[0] == 1425 and np.isnan(sweeps[1])


def test_a_column_that_is_not_there_names_the_nearest():
    with pytest.raises(ResultsError, match=r"'los'\. Did you mean 'loss'"):
        record().column("los")
    with pytest.raises(ResultsError, match=r"missing for the seeds \[1\]"):
        record(runs={0: {"loss": 1}, 1: {"solved": True}}).column("loss")
    for ragged in ([1], "x", None), ([[1, 2]], [[1], [2, 3]]), ({}, None):
        runs = {seed: {"w": value} for seed, value in enumerate(ragged)}
        with pytest.raises(ResultsError, match="does not form an array"):
            record(runs=runs).column("w")


def test_recorded_lists_experiments_and_presets(tmp_path):
    assert results.recorded(tmp_path / "nowhere") == []
    for preset in ("paper", "fast"):
        results.save(record(preset=preset), tmp_path)
    (tmp_path / "symmetry" / "._paper.json").write_text("left by a file manager")
    assert results.recorded(tmp_path) == [("symmetry", "fast"), ("symmetry", "paper")]


def test_the_folder_in_use(monkeypatch, tmp_path):
    monkeypatch.setenv("BACKPROP_RESULTS", str(tmp_path))
    assert results.default_folder() == tmp_path
    monkeypatch.delenv("BACKPROP_RESULTS")
    assert results.default_folder().parts[-2:] == ("data", "results")


def test_outside_a_checkout_the_current_folder_counts(monkeypatch, tmp_path):
    from backprop import _atomic

    assert (_atomic.checkout() / "pyproject.toml").is_file()
    monkeypatch.setattr(_atomic, "_PACKAGE", tmp_path / "site-packages" / "backprop")
    monkeypatch.chdir(tmp_path)
    assert _atomic.checkout() == tmp_path


def test_versions_are_named():
    found = results.versions()
    assert list(found) == ["python", "numpy", "scipy", "backprop", "numba"]
    assert found["numpy"] == np.__version__


def test_without_numba_its_version_is_left_out(monkeypatch):
    def version(name):
        if name == "numba":
            raise metadata.PackageNotFoundError
        return "1.2.3"

    monkeypatch.setattr(metadata, "version", version)
    assert list(results.versions()) == ["python", "numpy", "scipy", "backprop"]


# Arrays.

ARRAYS = {
    "w": np.linspace(-1, 1, 50, dtype=np.float32),
    "file": np.arange(6).reshape(2, 3),  # a name that NumPy's own function cannot take
    "empty": np.zeros((0, 4)),
}


def test_arrays_come_back_equal_and_equal_arrays_give_equal_bytes(tmp_path):
    path = results.save_arrays(tmp_path / "a" / "w.npz", **ARRAYS)
    loaded = results.load_arrays(path)
    assert loaded.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(loaded[name], array, strict=True)
    again = results.save_arrays(tmp_path / "b.npz", **dict(reversed(ARRAYS.items())))
    assert results.sha256_file(again) == results.sha256_file(path)


def test_objects_are_neither_saved_nor_loaded(tmp_path):
    objects = np.array([{}, []], dtype=object)
    with pytest.raises(ResultsError, match="'w' holds Python objects"):
        results.save_arrays(tmp_path / "w.npz", w=objects)
    np.savez(tmp_path / "pickled.npz", w=objects)
    with pytest.raises(ResultsError, match=r"not a whole \.npz"):
        results.load_arrays(tmp_path / "pickled.npz")


def test_a_file_of_arrays_cut_off_anywhere_is_refused(tmp_path):
    path = results.save_arrays(tmp_path / "w.npz", **ARRAYS)
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ResultsError, match=r"not a whole \.npz"):
            results.load_arrays(path)


def test_altered_numbers_are_noticed(tmp_path):
    path = results.save_arrays(tmp_path / "w.npz", w=ARRAYS["w"])
    whole = bytearray(path.read_bytes())
    whole[100] ^= 1
    path.write_bytes(whole)
    with pytest.raises(ResultsError, match=r"not a whole \.npz"):
        results.load_arrays(path)


def test_other_files_are_refused_and_a_missing_one_named(tmp_path):
    np.save(tmp_path / "lone.npy", np.zeros(3))
    with pytest.raises(ResultsError, match=r"not a whole \.npz"):
        results.load_arrays(tmp_path / "lone.npy")
    with pytest.raises(ResultsError, match=r"there is no file .*w\.npz"):
        results.load_arrays(tmp_path / "w.npz")


def test_the_arrays_of_a_run_are_found_by_its_seed(tmp_path):
    path = results.arrays_path(tmp_path, "symmetry", "paper", 10)
    assert path == tmp_path / "symmetry" / "paper" / "10.npz"
    results.save_arrays(path, w=np.ones(3))
    assert results.load_run_arrays(tmp_path, record(), 10)["w"].tolist() == [1, 1, 1]
    with pytest.raises(ResultsError, match=r"no run with seed 3. Recorded seeds: \[2, 10\]"):
        results.load_run_arrays(tmp_path, record(), 3)
