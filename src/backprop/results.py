"""Recorded runs: a JSON file for each experiment and preset, one line for each run.

A file is written whole or not at all, and read only if it is complete and is what it
says. Numbers come back exactly as they were given.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import platform
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import backprop
from backprop._atomic import book_data, checkout, locked, remove_parts, sha256_file, write_bytes
from backprop.errors import ResultsError, unknown_name

__all__ = [
    "BENCHMARKS_SCHEMA",
    "SCHEMA",
    "Record",
    "arrays_path",
    "check_run",
    "default_folder",
    "exclusive",
    "load",
    "load_arrays",
    "load_benchmarks",
    "load_run_arrays",
    "prepare",
    "record_path",
    "recorded",
    "recording_folder",
    "save",
    "save_arrays",
    "settings",
    "sha256_file",
    "versions",
]

SCHEMA = 1
BENCHMARKS_SCHEMA = 1
# Bytes that must find room before a sweep begins; a full disk still takes empty files.
PROBE = 65_536


@dataclass(frozen=True)
class Record:
    """The recorded runs of one experiment with one preset.

    Parameters
    ----------
    experiment, preset : str
        Their names.
    config : dict
        The settings of the preset when the runs were made.
    runs : dict of int to dict
        Seed -> what was measured.
    data : dict of str to str, optional
        File name -> SHA-256 of the data files used; None if there were none.
    versions : dict of str to str
        Versions of Python and of the packages; more than one where runs were added later.
    wall_seconds : float
        Measured time of training, summed over the runs.
    schema : int
        Version of the file's layout.
    """

    experiment: str
    preset: str
    config: dict[str, Any]
    runs: dict[int, dict[str, Any]]
    data: dict[str, str] | None
    versions: dict[str, str]
    wall_seconds: float
    schema: int = SCHEMA

    @property
    def seeds(self) -> list[int]:
        """Seeds of the runs, ascending."""
        return sorted(self.runs)

    def column(self, name: str) -> NDArray[Any]:
        """Collect one measured quantity over the runs.

        Parameters
        ----------
        name : str
            The quantity.

        Returns
        -------
        array, shape (number of runs, ...)
            In the order of `seeds`. A missing value (None) becomes NaN.

        Raises
        ------
        ResultsError
            If no run has the quantity (the message names the nearest), if some lack it, or
            if its values do not form an array.
        """
        title = f"{self.experiment}/{self.preset}"
        known = {key for run in self.runs.values() for key in run}
        if name not in known:
            raise ResultsError(str(unknown_name(f"quantity of {title}", name, known)))
        without = [seed for seed in self.seeds if name not in self.runs[seed]]
        if without:
            raise ResultsError(
                f"'{name}' of {title} is missing for the seeds {without}. Record them again."
            )
        values = [self.runs[seed][name] for seed in self.seeds]
        try:
            return np.array(values, dtype=float if None in values else None)
        except (TypeError, ValueError) as error:
            raise ResultsError(
                f"'{name}' of {title} does not form an array over the seeds: {error}. Read it "
                "run by run from `runs`."
            ) from error


def default_folder() -> Path:
    """Return the folder of recorded results that is in use.

    Returns
    -------
    Path
        ``$BACKPROP_RESULTS``, or else the book's own: ``data/results`` of the checkout, or the
        copy that came with the package.
    """
    given = os.environ.get("BACKPROP_RESULTS")
    return Path(given).expanduser() if given else book_data() / "results"


def recording_folder() -> Path:
    """Return the folder where new runs are recorded.

    Returns
    -------
    Path
        ``$BACKPROP_RESULTS``, or else ``data/results`` of the checkout or, without one, of the
        current folder: what came with an installed package is not written to.
    """
    given = os.environ.get("BACKPROP_RESULTS")
    return Path(given).expanduser() if given else checkout() / "data" / "results"


def record_path(folder: Path | str, experiment: str, preset: str) -> Path:
    """Return where the record of an experiment and a preset is kept.

    Parameters
    ----------
    folder : path
        Folder of recorded results.
    experiment, preset : str
        Their names: letters, digits, dots, hyphens and underscores.

    Returns
    -------
    Path
        ``folder/experiment/preset.json``.

    Raises
    ------
    ResultsError
        If a name could lead out of the folder.
    """
    for name in (experiment, preset):
        if not re.fullmatch(r"\w[\w.-]*", name, flags=re.ASCII):
            raise ResultsError(
                f"'{name}' cannot name a file of results: use letters, digits, dots, hyphens and "
                "underscores."
            )
    return Path(folder) / experiment / f"{preset}.json"


def arrays_path(folder: Path | str, experiment: str, preset: str, seed: int) -> Path:
    """Return where the arrays of one run are kept, beside the record.

    Parameters
    ----------
    folder : path
        Folder of recorded results.
    experiment, preset : str
        Their names.
    seed : int
        Seed of the run.

    Returns
    -------
    Path
        ``folder/experiment/preset/seed.npz``.
    """
    return record_path(folder, experiment, preset).with_suffix("") / f"{seed}.npz"


def recorded(folder: Path | str) -> list[tuple[str, str]]:
    """List what is recorded in a folder.

    Parameters
    ----------
    folder : path
        Folder of recorded results; it need not exist.

    Returns
    -------
    list of (str, str)
        Experiment and preset, sorted.
    """
    paths = Path(folder).glob("*/*.json")
    return sorted((path.parent.name, path.stem) for path in paths if path.name[0] != ".")


def settings(config: Any) -> dict[str, Any]:
    """Bring a configuration into the form in which it comes back from a file.

    Parameters
    ----------
    config : dataclass instance
        Settings of an experiment.

    Returns
    -------
    dict
        Its fields; tuples are lists.
    """
    plain: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return plain


def versions() -> dict[str, str]:
    """Return the versions that a record keeps.

    Returns
    -------
    dict of str to str
        Of python, numpy, scipy and backprop, and of numba if it is installed.
    """
    found = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": metadata.version("scipy"),
        "backprop": backprop.__version__,
    }
    with contextlib.suppress(metadata.PackageNotFoundError):
        found["numba"] = metadata.version("numba")
    return found


def save(record: Record, folder: Path | str) -> Path:
    """Write a record; a former one is replaced at once or stays untouched.

    Parameters
    ----------
    record : Record
        The runs.
    folder : path
        Folder of recorded results; made if it is missing.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ResultsError
        If a value cannot be recorded (infinite, not a number, no plain Python value), or
        the file cannot be written.
    """
    path = record_path(folder, record.experiment, record.preset)
    for seed in record.runs:
        if type(seed) is not int or seed < 0:
            raise ResultsError(f"seeds must be integers from 0 on; given: {seed!r}.")
    for field in fields(record):
        _check_plain(getattr(record, field.name), field.name)
    _write(path, _encode(record).encode("ascii"))
    return path


def _encode(record: Record) -> str:
    names = ["schema", *(f.name for f in fields(record) if f.name not in ("schema", "runs"))]
    head = "".join(f'"{name}": {json.dumps(getattr(record, name))},\n' for name in names)
    runs = ",\n".join(f'"{seed}": {json.dumps(record.runs[seed])}' for seed in record.seeds)
    return f'{{\n{head}"runs": {{\n{runs}\n}}\n}}\n'


def _is_plain(value: object) -> bool:
    """Tell quickly what `_check_plain` need not look at: a record has many numbers."""
    if type(value) is float:
        return math.isfinite(value)
    return type(value) in (int, str, bool, type(None))


def _check_plain(value: object, where: str) -> None:
    """Refuse what JSON cannot give back as it was."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            if type(key) is not str and where != "runs":
                raise ResultsError(f"{where} has the key {key!r}; keys must be strings.")
            if not _is_plain(part):
                _check_plain(part, f"{where}[{key!r}]")
    elif isinstance(value, list | tuple):
        for i, part in enumerate(value):
            if not _is_plain(part):
                _check_plain(part, f"{where}[{i}]")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ResultsError(
                f"{where} is {value}, which cannot be recorded. Use None for a missing value, or "
                "report the run as failed."
            )
    elif not (value is None or isinstance(value, str | int)):
        raise ResultsError(
            f"{where} is of type {type(value).__name__}, which cannot be recorded. Give a number, "
            "a string, a list or a dict; for NumPy scalars use `.item()`, for arrays `.tolist()` "
            "or `save_arrays`."
        )


def check_run(run: Mapping[str, Any]) -> None:
    """Make sure that what was measured in a run can be recorded.

    Parameters
    ----------
    run : mapping
        Quantities by name: plain values, and arrays, which are kept in a file of their own.

    Raises
    ------
    ResultsError
        If a value cannot be recorded; see `save` and `save_arrays`.
    """
    _check_plain({k: v for k, v in run.items() if not isinstance(v, np.ndarray)}, "run")
    _check_arrays({k: v for k, v in run.items() if isinstance(v, np.ndarray)})


def _check_arrays(arrays: Mapping[str, Any]) -> None:
    for name, array in arrays.items():
        if np.asarray(array).dtype.hasobject:
            raise ResultsError(f"the array '{name}' holds Python objects; give numbers.")


def load(folder: Path | str, experiment: str, preset: str) -> Record:
    """Read a record.

    Parameters
    ----------
    folder : path
        Folder of recorded results.
    experiment, preset : str
        Their names.

    Returns
    -------
    Record
        As it was saved (tuples come back as lists).

    Raises
    ------
    ResultsError
        If there is none (the message names the nearest and the command that makes it), or
        if the file is damaged, of another layout, or about something else.
    """
    path = record_path(folder, experiment, preset)
    again = f"`backprop sweep {experiment} --preset {preset} --seeds 0:10`"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise _not_recorded(path, Path(folder), f"{experiment}/{preset}", again) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ResultsError(f"{path} cannot be read: {error}.") from error
    try:
        content = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ResultsError(
            f"{path} is not whole JSON ({error}): the file is damaged or cut off. Restore it, or "
            f"delete it and run {again}."
        ) from error
    try:
        return _decode(content, experiment, preset)
    except ResultsError as error:
        raise ResultsError(
            f"{path}: {error} Restore the file, or move it away and run {again}."
        ) from error


def load_benchmarks(folder: Path | str) -> dict[str, Any]:
    """Read what the benchmarks measured; `benchmarks/schema.json` describes it.

    Parameters
    ----------
    folder : path
        Folder of recorded results.

    Returns
    -------
    dict
        The content of ``benchmarks.json``.

    Raises
    ------
    ResultsError
        If there is none, or if it is damaged or of another layout.
    """
    path = Path(folder) / "benchmarks.json"
    again = "run `python benchmarks/run.py` to make it anew."
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        schema = content.get("schema")
    except (OSError, ValueError, AttributeError) as error:
        raise ResultsError(f"{path} cannot be read: {error}. Restore it, or {again}") from error
    if schema != BENCHMARKS_SCHEMA:
        raise ResultsError(
            f"{path} has schema {schema!r}, expected {BENCHMARKS_SCHEMA}, the only layout that "
            f"backprop {backprop.__version__} reads. Use the version that wrote it, or {again}"
        )
    return content


def _not_recorded(path: Path, folder: Path, title: str, again: str) -> ResultsError:
    known = [f"{experiment}/{preset}" for experiment, preset in recorded(folder)]
    unknown = unknown_name("recorded result", title, known)
    return ResultsError(f"{unknown} There is no file {path}. To make it: {again}.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key '{twice}' appears twice")
    return content


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a value of JSON")


# What a file must hold: name -> JSON types.
_TYPES: dict[str, tuple[type, ...]] = {
    "experiment": (str,),
    "preset": (str,),
    "config": (dict,),
    "runs": (dict,),
    "data": (dict, type(None)),
    "versions": (dict,),
    "wall_seconds": (int, float),
    "schema": (int,),
}


def _decode(content: Any, experiment: str, preset: str) -> Record:
    """Turn the content of a file into a record, refusing what does not fit."""
    if not isinstance(content, dict):
        raise ResultsError(f"holds a JSON {type(content).__name__}, expected an object.")
    if content.get("schema") != SCHEMA:
        raise ResultsError(
            f"has schema {content.get('schema')!r}, expected {SCHEMA}, the only layout that "
            f"backprop {backprop.__version__} reads. Use the version that wrote it (named there)."
        )
    if content.keys() != _TYPES.keys():
        lacks, extra = _TYPES.keys() - content.keys(), content.keys() - _TYPES.keys()
        raise ResultsError(f"lacks the fields {sorted(lacks)}, has {sorted(extra)} too many.")
    for name, types in _TYPES.items():
        if not isinstance(content[name], types):
            raise ResultsError(f"the field '{name}' has the wrong type.")
    if (content["experiment"], content["preset"]) != (experiment, preset):
        raise ResultsError(
            f"holds results of {content['experiment']}/{content['preset']}, expected "
            f"{experiment}/{preset}."
        )
    for seed, run in content["runs"].items():
        if not re.fullmatch("0|[1-9][0-9]*", seed) or not isinstance(run, dict):
            raise ResultsError(f"the run '{seed[:20]}' is not a seed with its measurements.")
    _check_plain(content, "content")
    runs = {int(seed): run for seed, run in content["runs"].items()}
    return Record(**{**content, "runs": {seed: runs[seed] for seed in sorted(runs)}})


def _write(path: Path, content: bytes) -> None:
    with _as_results_error(path):
        write_bytes(path, content)


@contextlib.contextmanager
def _as_results_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ResultsError(
            f"{path} cannot be written: {error.strerror or error}. What was there before is "
            "untouched. Make room, or give another folder that you may write to."
        ) from error


@contextlib.contextmanager
def exclusive(folder: Path | str, experiment: str, preset: str) -> Iterator[None]:
    """Be the only process that reads, changes and writes a record.

    Whoever adds to a record that others may add to reads it, and saves it, inside this block.
    The lock ends with the process, also if that is killed.

    Parameters
    ----------
    folder : path
        Folder of recorded results; made if it is missing.
    experiment, preset : str
        What is recorded.

    Raises
    ------
    ResultsError
        If the folder cannot be written.
    """
    path = record_path(folder, experiment, preset)
    with contextlib.ExitStack() as stack:
        with _as_results_error(path):
            stack.enter_context(locked(path.with_name(f".{preset}.lock")))
        yield


def prepare(folder: Path | str, experiment: str, preset: str) -> None:
    """Make sure that runs can be recorded, before time is spent on them.

    What killed processes left half-written is removed.

    Parameters
    ----------
    folder : path
        Folder of recorded results; made if it is missing.
    experiment, preset : str
        What is to be recorded.

    Raises
    ------
    ResultsError
        If a file cannot be written there.
    """
    path = record_path(folder, experiment, preset)
    with exclusive(folder, experiment, preset):
        probe = path.with_name(f".{preset}.probe")
        with _as_results_error(path):
            for name in (path.name, probe.name):
                remove_parts(path.parent, name)
            remove_parts(arrays_path(folder, experiment, preset, 0).parent, "*")
            write_bytes(probe, bytes(PROBE))
            probe.unlink()


def save_arrays(path: Path | str, /, **arrays: NDArray[Any]) -> Path:
    """Write arrays into a compressed .npz file; equal arrays give equal bytes.

    Parameters
    ----------
    path : path
        The file.
    **arrays : array
        By name. Arrays of Python objects are refused.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ResultsError
        If an array holds Python objects, or the file cannot be written.
    """
    _check_arrays(arrays)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(arrays):
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asarray(arrays[name]), allow_pickle=False)
            # A bare ZipInfo is dated 1980, so the bytes depend on nothing but the arrays.
            member = zipfile.ZipInfo(f"{name}.npy")
            archive.writestr(member, content.getvalue(), zipfile.ZIP_DEFLATED)
    _write(Path(path), buffer.getvalue())
    return Path(path)


def load_arrays(path: Path | str) -> dict[str, NDArray[Any]]:
    """Read the arrays of an .npz file, without unpickling anything.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    dict of str to array
        As they were saved.

    Raises
    ------
    ResultsError
        If the file is missing, damaged or of another kind.
    """
    try:
        with zipfile.ZipFile(path):  # so that a lone .npy file, or a pickle, is refused
            pass
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError as error:
        raise ResultsError(
            f"there is no file {path}. Run the sweep that records these arrays."
        ) from error
    except (
        OSError,
        EOFError,
        ValueError,
        NotImplementedError,  # a method of compression that there is not
        RuntimeError,  # a password that there is not
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise ResultsError(
            f"{path} is not a whole .npz file of plain arrays ({error}). Restore it, or delete it "
            "and run the sweep that records it."
        ) from error


def load_run_arrays(folder: Path | str, record: Record, seed: int) -> dict[str, NDArray[Any]]:
    """Read the arrays that a recorded run left, such as its final weights.

    Parameters
    ----------
    folder : path
        Folder of recorded results.
    record : Record
        What the run belongs to.
    seed : int
        Seed of the run.

    Returns
    -------
    dict of str to array
        By name.

    Raises
    ------
    ResultsError
        If the run is not on record, or its file is missing or damaged.
    """
    if seed not in record.runs:
        raise ResultsError(
            f"{record.experiment}/{record.preset} has no run with seed {seed}. Recorded seeds: "
            f"{record.seeds}."
        )
    return load_arrays(arrays_path(folder, record.experiment, record.preset, seed))
