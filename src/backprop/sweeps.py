"""Run an experiment over many seeds, record every run, resume after an interruption."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from backprop import datasets, experiments, results
from backprop.errors import BackpropError, InputError, ResultsError
from backprop.experiments import Experiment
from backprop.results import Record

Runs = dict[int, dict[str, Any]]


def sweep(
    experiment: str | Experiment,
    preset: str,
    seeds: Iterable[int],
    *,
    folder: Path | str,
    jobs: int = 1,
    progress: bool = True,
) -> Record:
    """Run an experiment for every seed that is not recorded yet.

    The record is saved after each block of seeds, so an interrupted sweep goes on where it
    stopped. Arrays among the measurements go into a file of their own for each run; see
    `results.arrays_path`. Two processes that write the same record at the same moment can
    lose one's block (there is no lock); the next sweep runs the lost seeds again.

    Parameters
    ----------
    experiment : str or Experiment
        Name, or module.
    preset : str
        Name of one of its configurations.
    seeds : iterable of int
        Seeds, 0 or more.
    folder : path
        Folder of recorded results.
    jobs : int
        Processes to train in; -1 for one a core.
    progress : bool
        Show a progress bar, if standard error is a terminal.

    Returns
    -------
    Record
        All runs on record, also those of other seeds.

    Raises
    ------
    InputError
        If `seeds` or `jobs` does not fit.
    ResultsError
        If the runs on record were made with other settings or data, if the real data is
        not at hand, if a file cannot be written, or, after all others are saved, if some
        seeds failed.
    UnknownName
        If there is no such experiment or preset.
    """
    wanted = _seeds(seeds)
    if jobs == 0:
        raise InputError("jobs must be 1 or more, or -1 for one a core; given: 0.")
    module = experiments.get(experiment) if isinstance(experiment, str) else experiment
    name = module.__name__.rpartition(".")[2]
    config = experiments.preset(module, preset)
    empty = Record(
        experiment=name,
        preset=preset,
        config=results.settings(config),
        runs={},
        data=_data(module),
        versions=results.versions(),
        wall_seconds=0.0,
    )
    known = _on_record(empty, folder).runs
    missing = [seed for seed in wanted if seed not in known]
    failed: dict[int, str] = {}
    if missing:
        results.check_writable(Path(folder) / name)
    title = f"{name}/{preset}"
    for block in _train_all(module, config, missing, title=title, jobs=jobs, progress=progress):
        failed |= block.failed
        if block.runs:
            _add(block, empty, folder)
    if failed:
        path = results.record_path(folder, name, preset)
        reasons = "; ".join(f"seed {seed}: {failed[seed]}" for seed in sorted(failed))
        raise ResultsError(
            f"{len(failed)} of {len(wanted)} seeds of {name}/{preset} failed ({reasons}). The "
            f"others are recorded in {path}. Running the sweep again tries only the failed ones."
        )
    return _on_record(empty, folder)


def _seeds(seeds: Iterable[int]) -> list[int]:
    try:
        wanted = sorted({operator.index(seed) for seed in seeds})
    except TypeError as error:
        raise InputError(f"seeds must be integers: {error}.") from error
    if not wanted or wanted[0] < 0:
        raise InputError(f"seeds must be one or more integers from 0 on; given: {wanted}.")
    return wanted


def _data(module: Experiment) -> dict[str, str] | None:
    if not module.uses_zip_codes:
        return None
    digits = datasets.zip_codes()
    if digits.stand_in:
        raise ResultsError(
            "the zip-code digits are not on this machine, and runs on a stand-in are not recorded: "
            "no claim is ever judged on them. Get the digits with `backprop data fetch`."
        )
    return digits.checksums


def _on_record(expected: Record, folder: Path | str) -> Record:
    """Return what is on record, or `expected` if nothing is; refuse other origins."""
    path = results.record_path(folder, expected.experiment, expected.preset)
    if not path.exists():
        return expected
    record = results.load(folder, expected.experiment, expected.preset)
    differences = _differences(record, expected)
    if differences:
        raise ResultsError(
            f"{path} was recorded with {'; '.join(differences)}. Runs of both kinds cannot share a "
            "record: give another folder, or delete the file to record all runs again."
        )
    return record


def _differences(record: Record, expected: Record) -> list[str]:
    return [
        f"{part} {key} = {old.get(key)!r}, now {new.get(key)!r}"
        for part, old, new in (
            ("setting", record.config, expected.config),
            ("data file", record.data or {}, expected.data or {}),
        )
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key) or (key in old) != (key in new)
    ]


@dataclass(frozen=True)
class _Block:
    """What came out of training some seeds: runs, reasons of failure, time in seconds."""

    runs: Runs
    failed: dict[int, str]
    seconds: float
    seeds: Sequence[int]


def _train_all(
    module: Experiment,
    config: Any,
    seeds: Sequence[int],
    *,
    title: str,
    jobs: int,
    progress: bool,
) -> Iterator[_Block]:
    from joblib import Parallel, delayed
    from tqdm import tqdm

    blocks = [seeds[i : i + module.BLOCK] for i in range(0, len(seeds), module.BLOCK)]
    parallel = Parallel(n_jobs=jobs, return_as="generator_unordered")
    # disable=None: no bar where standard error is not a terminal.
    with tqdm(total=len(seeds), desc=title, unit="run", disable=None if progress else True) as bar:
        for block in parallel(delayed(_train)(module.runs, config, block) for block in blocks):
            bar.update(len(block.seeds))
            yield block


def _train(runs: Callable[[Any, Sequence[int]], Runs], config: Any, seeds: Sequence[int]) -> _Block:
    start = time.perf_counter()
    try:
        measured, failed = runs(config, seeds), {}
    except BackpropError as error:
        if len(seeds) == 1:
            measured, failed = {}, {seeds[0]: str(error)}
        else:
            # The error does not say which seed it was: train them one by one.
            alone = [_train(runs, config, [seed]) for seed in seeds]
            measured = {seed: run for block in alone for seed, run in block.runs.items()}
            failed = {seed: why for block in alone for seed, why in block.failed.items()}
    return _Block(measured, failed, time.perf_counter() - start, seeds)


def _add(block: _Block, empty: Record, folder: Path | str) -> None:
    """Save the runs of a block beside those on record."""
    # Read again, because another process may have added runs in the meantime.
    record = _on_record(empty, folder)
    scalars = {
        seed: _set_arrays_aside(run, empty, seed, folder) for seed, run in block.runs.items()
    }
    record = replace(
        record,
        runs={**record.runs, **scalars},
        versions=_both(record.versions, empty.versions),
        wall_seconds=record.wall_seconds + block.seconds,
    )
    results.save(record, folder)


def _set_arrays_aside(
    run: dict[str, Any], record: Record, seed: int, folder: Path | str
) -> dict[str, Any]:
    arrays = {key: value for key, value in run.items() if isinstance(value, np.ndarray)}
    if arrays:
        path = results.arrays_path(folder, record.experiment, record.preset, seed)
        results.save_arrays(path, **arrays)
    return {key: value for key, value in run.items() if key not in arrays}


def _both(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Keep every version that runs on record were made with: "2.3.0, 2.4.6"."""
    known = {name: old[name].split(", ") if name in old else [] for name in new}
    return {name: ", ".join(dict.fromkeys([*known[name], new[name]])) for name in new}


@dataclass(frozen=True)
class Comparison:
    """One quantity of a recorded result beside its repetition.

    Parameters
    ----------
    experiment, preset, metric : str
        What is compared.
    seeds : int
        Over how many runs.
    identical : int
        Runs in which both values are equal.
    largest_difference : float
        Largest ``|a - b| / max(|a|, |b|)`` over the runs; infinite where only one of the
        two has a value.
    median_reference, median_again : float
        Medians over the runs that have a value; NaN if none has.
    """

    experiment: str
    preset: str
    metric: str
    seeds: int
    identical: int
    largest_difference: float
    median_reference: float
    median_again: float

    def __str__(self) -> str:
        """Return the comparison in one line."""
        return (
            f"{self.experiment}/{self.preset} {self.metric}: {self.identical:,} of {self.seeds:,} "
            f"runs identical, largest relative difference {self.largest_difference:.2g}, "
            f"median {self.median_reference:.6g}, again {self.median_again:.6g}"
        )


def reproduce(
    folder: Path | str, *, reference: Path | str, jobs: int = 1, progress: bool = True
) -> list[Comparison]:
    """Run everything on record again and compare.

    Parameters
    ----------
    folder : path
        Folder for the new runs. Runs already there are kept: it resumes like `sweep`.
    reference : path
        Folder of the recorded results; only read.
    jobs, progress
        As for `sweep`.

    Returns
    -------
    list of Comparison
        A row for each numeric quantity of each experiment and preset.

    Raises
    ------
    ResultsError
        If nothing is on record, if both folders are the same, if a preset is not what it
        was when it was recorded, or as `sweep` does.
    """
    if Path(folder).resolve() == Path(reference).resolve():
        raise ResultsError(
            f"{folder} holds the recorded results themselves: a comparison would prove nothing. "
            "Give another folder."
        )
    names = results.recorded(reference)
    if not names:
        raise ResultsError(f"nothing is recorded in {reference}. Give a folder of results.")
    rows = []
    for experiment, preset in names:
        old = results.load(reference, experiment, preset)
        config = results.settings(experiments.preset(experiments.get(experiment), preset))
        changed = _differences(old, replace(old, config=config))
        if changed:
            raise ResultsError(
                f"{experiment}/{preset} cannot be repeated: it was recorded with "
                f"{'; '.join(changed)}. Check out the version that recorded it, or record it again."
            )
        new = sweep(experiment, preset, old.seeds, folder=folder, jobs=jobs, progress=progress)
        rows += compare(old, new)
    return rows


def compare(reference: Record, again: Record) -> list[Comparison]:
    """Compare two records of one experiment and preset, seed by seed.

    Parameters
    ----------
    reference, again : Record
        The records; `again` must hold all seeds of `reference`.

    Returns
    -------
    list of Comparison
        A row for each quantity whose values are numbers, truth values or None.
    """
    seeds = reference.seeds
    pairs = [(reference.runs[seed], again.runs[seed]) for seed in seeds]
    metrics = dict.fromkeys(key for pair in pairs for run in pair for key in run)
    rows = []
    for metric in metrics:
        values = [[run.get(metric) for run in pair] for pair in pairs]
        if not all(v is None or isinstance(v, int | float) for pair in values for v in pair):
            continue
        a, b = np.array(values, dtype=float).T
        differences = [_difference(*pair) for pair in zip(a, b, strict=True)]
        rows.append(
            Comparison(
                reference.experiment,
                reference.preset,
                metric,
                seeds=len(seeds),
                identical=differences.count(0.0),
                largest_difference=max(differences),
                median_reference=_median(a),
                median_again=_median(b),
            )
        )
    return rows


def _difference(a: float, b: float) -> float:
    if a == b or (np.isnan(a) and np.isnan(b)):
        return 0.0
    if np.isnan(a) or np.isnan(b):
        return float("inf")
    return float(abs(a - b) / max(abs(a), abs(b)))


def _median(values: np.ndarray[Any, Any]) -> float:
    present = values[np.isfinite(values)]
    return float(np.median(present)) if len(present) else float("nan")
