"""Run an experiment over many seeds, record every run, resume after an interruption."""

from __future__ import annotations

import contextlib
import math
import operator
import os
import signal
import socket
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from backprop import _cluster, datasets, experiments, results
from backprop.errors import BackpropError, InputError, ResultsError
from backprop.experiments import Experiment
from backprop.results import Record

Runs = dict[int, dict[str, Any]]
Report = Callable[[dict[str, Any]], None]


class SeedsFailed(ResultsError):
    """Some seeds of a sweep could not be recorded; all others are.

    Parameters
    ----------
    message : str
        Says which, and why.
    failed : dict of int to str
        Seed -> reason.
    """

    def __init__(self, message: str, failed: Mapping[int, str]) -> None:
        super().__init__(message)
        self.failed = dict(failed)


def sweep(
    experiment: str | Experiment,
    preset: str,
    seeds: Iterable[int],
    *,
    folder: Path | str,
    jobs: int | None = None,
    scheduler: str | None = None,
    progress: bool = True,
    report: Report | None = None,
) -> Record:
    """Run an experiment for every seed that is not recorded yet.

    Seeds are trained in blocks of ``experiment.BLOCK``, or fewer so that every worker has some.
    The runs of a block are recorded by the calling process as soon as it is done, so a sweep that
    ends early, however it ends, goes on where it stopped. Arrays among the measurements go into a
    file of their own for each run; see `results.arrays_path`. Several sweeps may write the same
    record at once: a seed that both have trained is recorded once, as the first one measured it.

    Wherever a block is trained, BLAS has one thread: workers do not fight for the cores,
    and the numbers do not depend on how many workers there are.

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
    jobs : int, optional
        Processes to train in; -1 for one a core. With a scheduler: how many blocks it is
        given at once. Default: 1, with a scheduler all.
    scheduler : str, optional
        Address of a Dask scheduler, such as "tcp://127.0.0.1:8786", whose workers train
        instead. They need this package and, for the zip codes, the digits.
    progress : bool
        Show a progress bar, if standard error is a terminal.
    report : callable, optional
        Called with a dict that JSON can hold: ``event`` is "block" when the runs of
        a block are on record, with its ``seeds``, its ``seconds`` of training and the number of
        seeds ``done``; at the end it is "finished", with the ``file`` and the number of runs
        ``recorded`` in it. Always there: ``experiment``, ``preset``, the number of seeds
        ``wanted``, and those that ``failed`` so far, with reasons.

    Returns
    -------
    Record
        All runs on record, also those of other seeds.

    Raises
    ------
    InputError
        If `seeds` or `jobs` does not fit, or the scheduler cannot be used.
    SeedsFailed
        After all others are recorded, if some seeds failed. Tracebacks of defects are in the
        notes of the error.
    ResultsError
        If the runs on record were made with other settings or data, if the real data is
        not at hand, if a file cannot be written, or if a worker was lost. What was
        recorded before stays.
    UnknownName
        If there is no such experiment or preset.
    """
    wanted = _seeds(seeds)
    if jobs == 0:
        raise InputError("jobs must be 1 or more, or -1 for one a core; given: 0.")
    module = experiments.get(experiment) if isinstance(experiment, str) else experiment
    name = module.__name__.rpartition(".")[2]
    empty = Record(
        experiment=name,
        preset=preset,
        config=results.settings(experiments.preset(module, preset)),
        runs={},
        data=_data(module),
        versions={},
        wall_seconds=0.0,
    )
    known = _on_record(empty, folder).runs
    missing = [seed for seed in wanted if seed not in known]
    failed: dict[int, _Failure] = {}

    def tell(event: str, **more: Any) -> None:
        if report:
            about = {"event": event, "experiment": name, "preset": preset, "wanted": len(wanted)}
            report({**about, **more, "failed": {str(s): _reasons(failed)[s] for s in failed}})

    if missing:
        results.prepare(folder, name, preset)
        done = len(wanted) - len(missing)
        with (
            _bar(f"{name}/{preset}", done, len(wanted), progress) as bar,
            _train_all(module, empty, missing, jobs=jobs, scheduler=scheduler) as blocks,
        ):
            for block in blocks:
                failed |= block.failed
                _add(block, empty, folder)
                done += len(block.seeds)
                bar.update(len(block.seeds))
                tell("block", seeds=block.seeds, seconds=round(block.seconds, 3), done=done)
    path = results.record_path(folder, name, preset)
    record = _on_record(empty, folder)
    tell("finished", file=str(path), recorded=len(record.runs))
    if failed:
        raise _seeds_failed(failed, len(wanted), path)
    return record


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


def _bar(title: str, done: int, wanted: int, progress: bool) -> Any:
    from tqdm import tqdm

    # disable=None: no bar where standard error is not a terminal.
    disable = None if progress else True
    return tqdm(total=wanted, initial=done, desc=title, unit="run", disable=disable)


@dataclass(frozen=True)
class _Failure:
    """Why a seed failed; with a traceback if it was a defect."""

    reason: str
    trace: str = ""


def _reasons(failed: Mapping[int, _Failure]) -> dict[int, str]:
    return {seed: failed[seed].reason for seed in sorted(failed)}


def _seeds_failed(failed: Mapping[int, _Failure], wanted: int, path: Path) -> SeedsFailed:
    seeds: dict[str, list[int]] = {}
    for seed, reason in _reasons(failed).items():
        seeds.setdefault(reason, []).append(seed)
    said = "; ".join(
        f"seed{'s' if len(those) > 1 else ''} {', '.join(map(str, those))}: {reason}"
        for reason, those in seeds.items()
    )
    others = f" The others are recorded in {path}." if len(failed) < wanted else ""
    error = SeedsFailed(
        f"{len(failed)} of {wanted} seeds of {path.parent.name}/{path.stem} failed ({said})."
        f"{others} Running the sweep again tries only the failed ones.",
        _reasons(failed),
    )
    for first, *_ in seeds.values():
        if failed[first].trace:
            error.add_note(f"Traceback of seed {first}:\n{failed[first].trace}")
    return error


@dataclass(frozen=True)
class _Block:
    """What came out of training some seeds: runs, failures, time in seconds, on what."""

    seeds: Sequence[int]
    runs: Runs
    failed: dict[int, _Failure]
    seconds: float
    versions: dict[str, str]


@contextlib.contextmanager
def _train_all(
    module: Experiment,
    empty: Record,
    seeds: Sequence[int],
    *,
    jobs: int | None,
    scheduler: str | None,
) -> Iterator[Iterator[_Block]]:
    """Train in blocks, and give them back as they are done."""
    from joblib import Parallel, delayed, effective_n_jobs, parallel_config
    from threadpoolctl import threadpool_limits

    config = module.PRESETS[empty.preset]
    with contextlib.ExitStack() as stack:
        stack.enter_context(threadpool_limits(limits=1))  # where this process trains
        if scheduler is None:
            stack.enter_context(
                parallel_config(
                    backend="loky",
                    inner_max_num_threads=1,
                    initializer=_follow,
                    initargs=(os.getpid(),),
                )
            )
            options: dict[str, Any] = {"n_jobs": jobs or 1}
        else:
            client = stack.enter_context(_cluster.connect(scheduler))
            stack.enter_context(parallel_config(backend="dask", client=client))
            options = {"pre_dispatch": jobs if jobs and jobs > 0 else "all"}
        # Every worker gets something to do.
        workers = effective_n_jobs(jobs or (-1 if scheduler else 1))
        size = min(module.BLOCK, math.ceil(len(seeds) / workers))
        blocks = [seeds[i : i + size] for i in range(0, len(seeds), size)]
        # Blocks are not put together, so that each is saved when it is done.
        parallel = Parallel(return_as="generator_unordered", batch_size=1, **options)
        train = delayed(_train)
        tasks = (train(module.runs, config, block, empty.data) for block in blocks)
        with _deaf_to_interrupts():
            trained = parallel(tasks)
        try:
            yield _or_lost(trained, scheduler)
        finally:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that blocks still in training are given up
                trained.close()


def _or_lost(trained: Iterator[_Block], scheduler: str | None) -> Iterator[_Block]:
    """Explain what can happen to workers; errors of training come back as failed seeds."""
    from concurrent.futures.process import BrokenProcessPool

    again = "What was recorded stays, and running the sweep again goes on from there"
    try:
        yield from trained
    except BackpropError:  # of `_check_data`
        raise
    except BrokenProcessPool as error:
        raise ResultsError(
            f"a process that trained has died: killed, perhaps for want of memory, or crashed. "
            f"{again}; fewer jobs need less memory."
        ) from error
    except Exception as error:
        if scheduler is None:
            raise
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ResultsError(
            f"the Dask cluster at {scheduler} gave up ({reason}). {again}; look at its log first."
        ) from error


def _train(
    runs: Callable[[Any, Sequence[int]], Runs],
    config: Any,
    seeds: Sequence[int],
    data: Mapping[str, str] | None,
) -> _Block:
    from threadpoolctl import threadpool_limits

    # Not given back afterwards: another thread of a Dask worker may still be training. In the
    # calling process, `_train_all` does that.
    threadpool_limits(limits=1)
    _check_data(data)
    start = time.perf_counter()
    measured, failed = _measure(runs, config, seeds)
    return _Block(seeds, measured, failed, time.perf_counter() - start, results.versions())


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Ignore Ctrl-C for a moment, so that the processes started meanwhile always do.

    A terminal interrupts workers too, and each would say so. Their parent ends them anyway.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _follow(parent: int) -> None:
    """Make this worker end when its parent ends, even if that is killed.

    It would otherwise train on for nobody, beside the workers of the next sweep.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _check_data(expected: Mapping[str, str] | None) -> None:
    """Refuse to train on other digits than those of the calling process."""
    if expected is not None and datasets.zip_codes().checksums != expected:
        raise ResultsError(
            f"the worker on {socket.gethostname()} does not have the zip-code digits that the "
            "sweep began with. Run `backprop data fetch` there, or start it with $BACKPROP_DATA."
        )


def _measure(
    runs: Callable[[Any, Sequence[int]], Runs], config: Any, seeds: Sequence[int]
) -> tuple[Runs, dict[int, _Failure]]:
    """Train; if that fails, train the halves, until the seeds that fail are alone."""
    try:
        measured = runs(config, seeds)
        for seed in seeds:
            results.check_run(measured[seed])
        return {seed: measured[seed] for seed in seeds}, {}
    except BackpropError as error:
        failure = _Failure(str(error))
    except Exception as error:  # a defect, or no memory: the other seeds are not lost
        failure = _Failure(f"{type(error).__name__}: {error}", traceback.format_exc().strip())
    if len(seeds) == 1:
        return {}, {seeds[0]: failure}
    middle = len(seeds) // 2
    (measured, failed), (more, also_failed) = (
        _measure(runs, config, half) for half in (seeds[:middle], seeds[middle:])
    )
    return measured | more, failed | also_failed


def _add(block: _Block, empty: Record, folder: Path | str) -> None:
    """Save the runs of a block beside those on record."""
    if not block.runs:
        return
    with results.exclusive(folder, empty.experiment, empty.preset):
        record = _on_record(empty, folder)
        # Another sweep may have recorded some of them in the meantime; they stay as they are.
        new = {
            seed: _set_arrays_aside(run, empty, seed, folder)
            for seed, run in block.runs.items()
            if seed not in record.runs
        }
        if new:
            record = replace(
                record,
                runs={**record.runs, **new},
                versions=_both(record.versions, block.versions),
                wall_seconds=record.wall_seconds + block.seconds * len(new) / len(block.runs),
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
    folder: Path | str,
    *,
    reference: Path | str,
    jobs: int | None = None,
    scheduler: str | None = None,
    progress: bool = True,
) -> list[Comparison]:
    """Run everything on record again and compare.

    Parameters
    ----------
    folder : path
        Folder for the new runs. Runs already there are kept: it resumes like `sweep`.
    reference : path
        Folder of the recorded results; only read.
    jobs, scheduler, progress
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
        new = sweep(
            experiment,
            preset,
            old.seeds,
            folder=folder,
            jobs=jobs,
            scheduler=scheduler,
            progress=progress,
        )
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
