"""One worker, two workers and a Dask cluster measure the same, each with one thread of BLAS."""

import contextlib
import itertools
import os
import socket
import sys
import threading
import time
from types import SimpleNamespace
from unittest import mock

import pytest
from click.testing import CliRunner

import sweeps_child
from backprop import _cluster, cli, datasets, experiments, results, sweeps
from backprop.errors import InputError, ResultsError


@contextlib.contextmanager
def local_cluster(**options):
    """Start a Dask cluster whose workers would use two threads of BLAS if they were let."""
    from distributed import LocalCluster

    greedy = {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}
    sizes = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with mock.patch.dict(os.environ, greedy):  # it changes the environment itself, too
        running = LocalCluster(**{**sizes, **options})
    with running:
        yield running


@pytest.fixture(scope="module")
def cluster():
    with local_cluster() as running:
        yield running


def everywhere(cluster):
    return {
        "one worker": {},
        "two workers": {"jobs": 2},
        "Dask": {"scheduler": cluster.scheduler_address},
    }


# The same numbers.


def small_blocks(name):
    module = experiments.get(name)
    names = ("__name__", "PRESETS", "uses_zip_codes", "runs")
    return SimpleNamespace(**{key: getattr(module, key) for key in names}, BLOCK=2)


@pytest.mark.parametrize(
    ("module", "preset"),
    [
        (small_blocks("symmetry"), "fast"),
        (small_blocks("small_tasks"), "fast"),
        (sweeps_child.namespace(runs=sweeps_child.products), "paper"),
    ],
    ids=["symmetry", "small_tasks", "large products"],
)
def test_the_numbers_do_not_depend_on_the_workers(tmp_path, cluster, module, preset):
    found = {}
    for where, options in everywhere(cluster).items():
        sweeps.sweep(module, preset, range(5), folder=tmp_path / where, **options)
        found[where] = sweeps_child.content(tmp_path / where)
    assert len(found["one worker"]) > 0
    assert found["one worker"] == found["two workers"] == found["Dask"]


@pytest.mark.parametrize("name", ["symmetry", "small_tasks", "family_trees"])
def test_the_numbers_do_not_depend_on_what_is_trained_beside(name):
    """So a sweep that goes on, in other blocks, ends like one that was not disturbed."""
    module = experiments.get(name)
    config = module.PRESETS["fast"]
    together = module.runs(config, range(5))
    assert together == {seed: module.runs(config, [seed])[seed] for seed in range(5)}


# Threads, and who trains.


def test_every_worker_has_one_thread_of_blas(tmp_path, monkeypatch, cluster):
    from threadpoolctl import threadpool_info, threadpool_limits

    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    module = sweeps_child.namespace(runs=sweeps_child.threads, BLOCK=1)
    processes = {}
    with threadpool_limits(2):
        before = threadpool_info()
        for where, options in everywhere(cluster).items():
            record = sweeps.sweep(module, "paper", range(4), folder=tmp_path / where, **options)
            for run in record.runs.values():
                assert run["threads"] and set(run["threads"]) == {1}, where
            processes[where] = {run["process"] for run in record.runs.values()}
        assert threadpool_info() == before and {lib["num_threads"] for lib in before} == {2}
    here, _, _ = processes.values()
    assert all(not a & b for a, b in itertools.combinations(processes.values(), 2))
    assert len(here) == 1


@pytest.mark.parametrize("where", ["one worker", "two workers", "Dask"])
def test_each_block_is_on_record_before_the_next_is_reported(tmp_path, cluster, where):
    seen = []

    def report(event):
        if event["event"] == "block":
            seen.extend(event["seeds"])
            record = results.load(tmp_path, sweeps_child.NAME, "paper")
            assert record.seeds == sorted(seen)

    options = everywhere(cluster)[where]
    sweeps.sweep(sweeps_child, "paper", range(8), folder=tmp_path, report=report, **options)
    assert sorted(seen) == list(range(8))


@pytest.mark.parametrize(
    ("where", "blocks"),
    [("one worker", [4]), ("two workers", [2, 2]), ("Dask", [2, 2])],
)
def test_seeds_of_one_block_are_shared_among_the_workers(tmp_path, cluster, where, blocks):
    events = []
    module = sweeps_child.namespace(BLOCK=250)
    options = {"report": events.append, **everywhere(cluster)[where]}
    sweeps.sweep(module, "paper", range(4), folder=tmp_path, **options)
    assert [len(event["seeds"]) for event in events[:-1]] == blocks


def test_jobs_says_how_many_blocks_a_cluster_is_given_at_once(tmp_path, cluster):
    module = sweeps_child.namespace(runs=sweeps_child.times, BLOCK=1)
    at_once = {}
    for jobs in (1, None):
        options = {"jobs": jobs, "scheduler": cluster.scheduler_address}
        folder = tmp_path / str(jobs)
        runs = sweeps.sweep(module, "paper", range(3), folder=folder, **options).runs.values()
        at_once[jobs] = max(
            sum(other["begin"] <= run["begin"] < other["end"] for other in runs) for run in runs
        )
    assert at_once == {1: 1, None: 2}


def test_the_versions_on_record_are_those_of_the_workers(tmp_path, monkeypatch):
    true = results.versions()
    monkeypatch.setattr(results, "versions", lambda: {**true, "numpy": "0.0.0"})
    record = sweeps.sweep(sweeps_child, "paper", range(4), folder=tmp_path, jobs=2)
    assert record.versions == true


@pytest.mark.needs_digits
def test_a_worker_with_other_digits_is_refused(tmp_path, monkeypatch, small_digits):
    from dataclasses import replace

    others = replace(small_digits, checksums={"zip.train.gz": "a" * 64}, stand_in=False)
    monkeypatch.setattr(datasets, "zip_codes", lambda: others)
    module = sweeps_child.namespace(uses_zip_codes=True)
    with pytest.raises(ResultsError, match=r"the worker on .* does not have the zip-code digits"):
        sweeps.sweep(module, "paper", range(4), folder=tmp_path, jobs=2)
    assert results.recorded(tmp_path) == []


# Workers that are lost.


def test_a_worker_that_dies_is_an_error_and_what_is_recorded_stays(tmp_path):
    module = sweeps_child.namespace(runs=sweeps_child.killed)
    with pytest.raises(ResultsError, match=r"has died.*What was recorded stays.*fewer jobs"):
        sweeps.sweep(module, "paper", range(6), folder=tmp_path / "a", jobs=2)
    seeds = results.load(tmp_path / "a", sweeps_child.NAME, "paper").seeds
    assert seeds and 4 not in seeds
    for folder in (tmp_path / "a", tmp_path / "b"):
        sweeps.sweep(sweeps_child, "paper", range(6), folder=folder, jobs=2)
    assert sweeps_child.content(tmp_path / "a") == sweeps_child.content(tmp_path / "b")


@pytest.mark.parametrize("where", ["one worker", "two workers", "Dask"])
def test_an_error_between_blocks_ends_the_sweep_as_it_is(tmp_path, cluster, where):
    """Not with warnings about blocks that are given up."""

    def report(event):
        raise ZeroDivisionError

    options = {"report": report, **everywhere(cluster)[where]}
    with pytest.raises(ZeroDivisionError):
        sweeps.sweep(sweeps_child, "paper", range(20), folder=tmp_path, **options)
    assert results.load(tmp_path, sweeps_child.NAME, "paper").seeds


def test_a_cluster_that_is_lost_is_an_error_and_what_is_recorded_stays(tmp_path):
    with local_cluster() as doomed:

        def report(event):
            if event["event"] == "block":
                doomed.close()

        module = sweeps_child.namespace(runs=sweeps_child.times, BLOCK=1)
        options = {"scheduler": doomed.scheduler_address, "report": report}
        with pytest.raises(ResultsError, match=r"gave up.*What was recorded stays"):
            sweeps.sweep(module, "paper", range(20), folder=tmp_path, **options)
    assert 0 < len(results.load(tmp_path, sweeps_child.NAME, "paper").seeds) < 20


# Schedulers that cannot be used.


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("nonsense", "missing port"),
        ("", "missing port"),
        ("http://127.0.0.1:80", "unknown address scheme"),
        ("tcp://127.0.0.1:port", "invalid literal"),
    ],
)
def test_an_address_that_is_none_is_refused(tmp_path, address, reason):
    with pytest.raises(InputError, match=rf"not the address .*{reason}.*`dask scheduler`"):
        sweeps.sweep(sweeps_child, "paper", [0], folder=tmp_path, scheduler=address)


@pytest.mark.parametrize("answer", [None, b"", b"HTTP/1.1 400 Bad Request\r\n\r\n" * 9])
def test_where_no_scheduler_answers_nobody_waits_for_ever(tmp_path, monkeypatch, answer):
    """Nothing listens; something listens that says nothing, or something else."""
    monkeypatch.setattr(_cluster, "ANSWER", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if answer is None:
            server.close()
        else:
            thread = threading.Thread(target=answer_with, args=(server, answer), daemon=True)
            thread.start()
        options = {"scheduler": f"tcp://127.0.0.1:{port}"}
        with pytest.raises(InputError, match="not the address of a running Dask scheduler"):
            sweeps.sweep(sweeps_child, "paper", [0], folder=tmp_path, **options)


def answer_with(server, answer):
    with contextlib.suppress(OSError):
        connection, _ = server.accept()
        with connection:
            connection.sendall(answer)
            while connection.recv(1000):
                pass


def test_a_worker_is_no_scheduler(tmp_path, cluster):
    worker = next(iter(cluster.scheduler.workers))
    with pytest.raises(InputError, match=r"a Worker answers.*such as tcp://127\.0\.0\.1:8786"):
        sweeps.sweep(sweeps_child, "paper", [0], folder=tmp_path, scheduler=worker)


def test_a_cluster_without_enough_workers_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_cluster, "JOIN", 0.2)
    with local_cluster(n_workers=0) as empty:
        options = {"scheduler": empty.scheduler_address}
        with pytest.raises(InputError, match=r"workers for 0 block.*`dask worker"):
            sweeps.sweep(sweeps_child, "paper", [0], folder=tmp_path, **options)


def test_without_distributed_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'backpropagation-reproduced\[cluster\]'"):
        sweeps.sweep(sweeps_child, "paper", [0], folder=tmp_path, scheduler="tcp://127.0.0.1:1")


def test_the_connection_is_closed_at_the_end(tmp_path, cluster):
    def ours():  # workers connect with the scheduler too, once, and stay
        return {name for name in cluster.scheduler.clients if not name.startswith("Client-worker")}

    before = ours()
    words = ["sweep", "symmetry", "--preset", "fast", "--seeds", "0:3", "--folder", str(tmp_path)]
    answer = CliRunner().invoke(cli.main, [*words, "--scheduler", cluster.scheduler_address])
    assert answer.exit_code == 0, answer.output
    assert answer.stderr == ""
    end = time.monotonic() + 10  # the scheduler hears of it a moment later
    while ours() != before and time.monotonic() < end:
        time.sleep(0.05)
    assert ours() == before
    assert results.load(tmp_path, "symmetry", "fast").seeds == [0, 1, 2]
