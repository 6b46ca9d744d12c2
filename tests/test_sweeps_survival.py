"""Sweeps that are killed, run twice at once or out of room lose nothing that was recorded."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

import sweeps_child
from backprop import results, sweeps
from backprop.errors import ResultsError

WORDS = ("sweep", sweeps_child.NAME, "--preset", "paper")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Contents of the folder after a sweep of so many seeds that nothing disturbed."""

    def sweep(seeds):
        folder = tmp_path_factory.mktemp("undisturbed")
        sweeps.sweep(sweeps_child, "paper", range(seeds), folder=folder)
        return sweeps_child.content(folder)

    return sweep


def recorded_seeds(folder):
    if not (folder / sweeps_child.NAME / "paper.json").exists():
        return []
    return results.load(folder, sweeps_child.NAME, "paper").seeds


def trained(log):
    return [int(line.split()[1]) for line in log.read_text().splitlines()] if log.exists() else []


def finish(process):
    out, err = process.communicate(timeout=60)
    return process.returncode, [json.loads(line) for line in out.splitlines()], err


# Killed.


# Three seeds in blocks of two are six writes: a probe, two files of arrays and the record, one
# file of arrays and the record.
@pytest.mark.parametrize("write", [1, 3, 4, 6])
@pytest.mark.parametrize("step", sweeps_child.STEPS)
def test_killed_at_any_step_of_writing_a_sweep_goes_on(
    tmp_path, monkeypatch, undisturbed, step, write
):
    folder, log = tmp_path / "results", tmp_path / "log"
    words = (*WORDS, "--seeds", "0:3", "--folder", folder)
    killed = sweeps_child.start(*words, SWEEP_DIE=f"{step}:{write}")
    assert finish(killed)[0] == -signal.SIGKILL
    done = write if step == "replaced" else write - 1
    before = recorded_seeds(folder)  # a half-written record could not be read
    assert before == [0, 1, 2][: 3 if done >= 6 else 2 if done >= 4 else 0]
    monkeypatch.setenv("SWEEP_LOG", str(log))
    sweeps.sweep(sweeps_child, "paper", range(4), folder=folder)
    assert sorted(before + trained(log)) == [0, 1, 2, 3]
    assert sweeps_child.content(folder) == undisturbed(4)  # with no other file left


def test_killed_again_and_again_a_sweep_ends_like_an_undisturbed_one(tmp_path, undisturbed):
    folder = tmp_path / "results"
    words = (*WORDS, "--seeds", "0:60", "--jobs", "2", "--folder", folder)
    rng = random.Random(0)
    for round_ in range(2):
        log = tmp_path / f"log-{round_}"
        before = recorded_seeds(folder)
        with sweeps_child.start(*words, SWEEP_LOG=log, SWEEP_SLEEP=0.03) as process:
            for _ in range(2):
                process.stdout.readline()
            time.sleep(rng.uniform(0, 0.05))
            process.kill()
        assert process.returncode == -signal.SIGKILL
        assert len(recorded_seeds(folder)) >= len(before) + 2 * sweeps_child.BLOCK
        assert not set(before) & set(trained(log))
    assert len(recorded_seeds(folder)) < 60
    sweeps.sweep(sweeps_child, "paper", range(60), folder=folder)
    assert sweeps_child.content(folder) == undisturbed(60)


def test_workers_end_with_a_sweep_that_was_killed(tmp_path):
    log = tmp_path / "log"
    words = (*WORDS, "--seeds", "0:8", "--jobs", "2", "--folder", tmp_path / "results")
    process = sweeps_child.start(*words, SWEEP_LOG=log, SWEEP_SLEEP=60)
    end = time.monotonic() + 30
    while len(trained(log)) < 2 and time.monotonic() < end:
        time.sleep(0.02)
    workers = {int(line.split()[0]) for line in log.read_text().splitlines()}
    assert len(workers) == 2 and process.pid not in workers
    process.kill()
    process.communicate(timeout=20)  # the output ends with the last process that holds it


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interruption_keeps_what_is_recorded_and_says_so_in_a_line(tmp_path, jobs):
    folder = tmp_path / "results"
    words = (*WORDS, "--seeds", "0:400", "--jobs", jobs, "--folder", folder)
    process = sweeps_child.start(*words, SWEEP_SLEEP=0.05)
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to workers too
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err == "interrupted. Recorded runs stay; the same command goes on.\n"
    assert len(recorded_seeds(folder)) >= sweeps_child.BLOCK


def test_a_worker_does_not_hear_an_interruption(tmp_path):
    """A terminal sends it to all processes. The calling one decides, and ends the others."""
    log = tmp_path / "log"
    words = (*WORDS, "--seeds", "0:16", "--jobs", 2, "--folder", tmp_path / "results")
    process = sweeps_child.start(*words, SWEEP_LOG=log, SWEEP_SLEEP=0.1)
    process.stdout.readline()
    for worker in {int(line.split()[0]) for line in log.read_text().splitlines()}:
        os.kill(worker, signal.SIGINT)
    status, _, err = finish(process)
    assert (status, err) == (0, "")


# Two at once.


def test_two_sweeps_at_once_lose_nothing_of_each_other(tmp_path, undisturbed):
    folder = tmp_path / "results"
    both = [
        sweeps_child.start(*WORDS, "--seeds", seeds, "--folder", folder, SWEEP_SLOW=0.01)
        for seeds in ("0:24", "12:36")
    ]
    assert [finish(process)[0] for process in both] == [0, 0]
    assert sweeps_child.content(folder) == undisturbed(36)


def test_a_record_belongs_to_one_process_at_a_time(tmp_path):
    """Several processes count together; without the lock they lose each other's steps."""
    (tmp_path / "count").write_text("0")
    code = (
        "import sys, pathlib, time; from backprop import results\n"
        "count = pathlib.Path(sys.argv[1], 'count')\n"
        "for _ in range(50):\n"
        "    with results.exclusive(sys.argv[1], 'toy', 'paper'):\n"
        "        n = int(count.read_text()); time.sleep(0.001); count.write_text(str(n + 1))\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, tmp_path]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert (tmp_path / "count").read_text() == "150"
    assert list((tmp_path / "toy").iterdir()) == []  # the lock leaves no file


def test_what_both_have_trained_is_recorded_once_as_the_first_measured_it(tmp_path):
    def beside_another(config, seeds):
        if 2 in seeds:
            sweeps.sweep(sweeps_child, "paper", [1], folder=tmp_path)
        return {s: {**run, "loss": -1.0} for s, run in sweeps_child.runs(config, seeds).items()}

    module = sweeps_child.namespace(runs=beside_another)
    record = sweeps.sweep(module, "paper", [1, 2], folder=tmp_path)
    assert record.runs[1]["loss"] == sweeps_child.runs(sweeps_child.Config(), [1])[1]["loss"]
    assert record.runs[2]["loss"] == -1.0


# No room.


def test_what_a_killed_process_left_is_removed_but_nothing_else(tmp_path):
    folder = tmp_path / sweeps_child.NAME
    (folder / "paper").mkdir(parents=True)
    left = [".paper.json.0123abcd.part", "paper/.7.npz.0123abcd.part", ".paper.lock"]
    others = [".other.json.0123abcd.part", "notes.part", ".paper.json.backup.part"]
    for name in left + others:
        (folder / name).write_text("x")
    sweeps.sweep(sweeps_child, "paper", [0], folder=tmp_path)
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert names == {"paper.json", "paper/0.npz", *others}


def test_a_file_that_a_living_process_is_writing_is_not_removed(tmp_path, monkeypatch):
    """Another sweep begins, and cleans up, while this one is between writing and renaming."""
    import threading

    real, others = os.replace, []

    def replace(part, path):
        if path.name == "0.npz" and not others:
            other = threading.Thread(
                target=sweeps.sweep,
                args=(sweeps_child, "paper", [5]),
                kwargs={"folder": tmp_path},
            )
            others.append(other)
            other.start()
            other.join(0.3)  # it waits
            assert other.is_alive()
        real(part, path)

    monkeypatch.setattr(os, "replace", replace)
    sweeps.sweep(sweeps_child, "paper", [0], folder=tmp_path)
    others[0].join(10)
    assert recorded_seeds(tmp_path) == [0, 5]


LIMITED = (
    "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); "
    "import sweeps_child; sweeps_child.main()"
)


def limited(limit, *words):
    """Run `backprop` where no file can grow beyond so many bytes."""
    return subprocess.run(
        [sys.executable, "-c", LIMITED.format(limit=limit), *map(str, words)],
        env=sweeps_child.environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_file_that_cannot_grow_ends_the_sweep_and_loses_nothing(tmp_path):
    words = ["sweep", sweeps_child.NAME, "--preset", "growing", "--seeds", "0:10"]
    words += ["--folder", tmp_path / "results"]
    done = limited(80_000, *words)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    assert "cannot be written: File too large. What was there before is untouched" in done.stderr
    record = results.load(tmp_path / "results", sweeps_child.NAME, "growing")
    assert record.seeds == [0, 1, 2, 3, 4, 5]
    assert results.load_run_arrays(tmp_path / "results", record, 5)["w"].shape == (10_000,)
    left = [path.name for path in (tmp_path / "results").rglob(".*")]
    assert left == []
    assert limited(10**9, *words).returncode == 0  # room was made
    sweeps.sweep(sweeps_child, "growing", range(10), folder=tmp_path / "undisturbed")
    folders = tmp_path / "results", tmp_path / "undisturbed"
    assert sweeps_child.content(folders[0]) == sweeps_child.content(folders[1])


def test_no_room_is_noticed_before_anything_is_trained(tmp_path, monkeypatch):
    log = tmp_path / "log"
    monkeypatch.setenv("SWEEP_LOG", str(log))
    done = limited(10_000, *WORDS, "--seeds", "0:3", "--folder", tmp_path / "results")
    assert done.returncode == 2 and "cannot be written" in done.stderr
    assert trained(log) == []


DISK = """
mount -t tmpfs -o size=256k none "$1"
shift
run() { "$@"; echo "status $?"; }
run "$@"
mount -o remount,ro "$DISK"; run "$@"
mount -o remount,rw,size=8m "$DISK"; run "$@"
cp -r "$DISK/." "$COPY"
"""


def own_disks():
    """Whether a process may mount disks of its own here."""
    if not shutil.which("unshare"):
        return False
    test = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs none /mnt"]
    return subprocess.run(test, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not own_disks(), reason="no disk can be mounted for a test here")
def test_on_a_disk_that_is_full_then_read_only_then_has_room(tmp_path):
    disk, copy = tmp_path / "disk", tmp_path / "copy"
    disk.mkdir()
    command = [sys.executable, "-c", "import sweeps_child; sweeps_child.main()"]
    words = ["sweep", sweeps_child.NAME, "--preset", "growing", "--seeds", "0:10"]
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", DISK, "sh", disk, *command, *words, "--folder", disk],
        env=sweeps_child.environment(DISK=disk, COPY=copy),
        capture_output=True,
        text=True,
        check=True,
    )
    full, read_only = done.stderr.splitlines()
    assert "cannot be written: No space left on device." in full
    assert "cannot be written: Read-only file system." in read_only
    lines = done.stdout.splitlines()
    assert [line for line in lines if line[0] == "s"] == ["status 2", "status 2", "status 0"]
    blocks = [json.loads(line) for line in lines if line[0] == "{"]
    seeds = [seed for block in blocks for seed in block.get("seeds", [])]
    assert len(blocks) > 2 and seeds == list(range(10))  # each trained and recorded once
    sweeps.sweep(sweeps_child, "growing", range(10), folder=tmp_path / "undisturbed")
    assert sweeps_child.content(copy) == sweeps_child.content(tmp_path / "undisturbed")


def test_a_folder_that_takes_no_files_is_an_error_and_nothing_is_trained(tmp_path, monkeypatch):
    monkeypatch.setenv("SWEEP_LOG", str(tmp_path / "log"))
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ResultsError, match=r"cannot be written: Not a directory.*may write to"):
        sweeps.sweep(sweeps_child, "paper", [0], folder=tmp_path / "file" / "results")
    assert trained(tmp_path / "log") == []
