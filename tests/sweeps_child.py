"""A small experiment for sweeps in processes of their own, which can be killed as they write.

What it does besides measuring is set by the environment, which workers inherit:
SWEEP_LOG names a file for "process seed" of each training, SWEEP_SLEEP and SWEEP_SLOW give seconds
to wait in each training and before each record is renamed, and SWEEP_DIE, such as "half:3", has the
process kill itself in its third write.
"""

import hashlib
import io
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from backprop import _atomic

NAME = "sweeps_child"
STEPS = ("opened", "half", "written", "synced", "replaced")
BLOCK = 2
uses_zip_codes = False


@dataclass(frozen=True)
class Config:
    size: int = 50


# The arrays of "growing" do not fit on a small disk.
PRESETS = {"paper": Config(), "growing": Config(size=2000)}


def runs(config, seeds):
    measured = {}
    for seed in seeds:
        if "SWEEP_LOG" in os.environ:
            with open(os.environ["SWEEP_LOG"], "a") as log:
                log.write(f"{os.getpid()} {seed}\n")
        time.sleep(float(os.environ.get("SWEEP_SLEEP", 0)))
        size = config.size * (seed if config.size == 2000 else 1)
        w = np.random.default_rng(seed).normal(size=size)
        measured[seed] = {"loss": float(np.sum(w**2)), "solved": seed % 3 > 0, "w": w}
    return measured


def content(folder):
    """All files with their bytes, but without the time that training took."""
    return {
        str(path.relative_to(folder)): b"\n".join(
            line for line in path.read_bytes().split(b"\n") if b'"wall_seconds"' not in line
        )
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


def die_at(step, time_of):
    """Have this process killed at a step of its so-manieth write, as by the system."""
    count = dict.fromkeys(STEPS, 0)

    def reach(name):
        count[name] += 1
        if (name, count[name]) == (step, time_of):
            os.kill(os.getpid(), signal.SIGKILL)

    class Writer(io.BufferedWriter):
        def write(self, data):
            half = len(data) // 2
            super().write(data[:half])
            self.flush()
            reach("half")
            super().write(data[half:])
            self.flush()
            reach("written")

    def opening(path, mode):
        if mode != "xb":
            return open(path, mode)
        file = Writer(io.FileIO(path, mode))
        reach("opened")
        return file

    def replace(part, path, real=os.replace):
        reach("synced")
        real(part, path)
        reach("replaced")

    _atomic.open = opening
    os.replace = replace


def slow_down(seconds):
    """Make others likely to change a record while this process is about to replace it."""

    def replace(part, path, real=os.replace):
        if path.suffix == ".json":
            time.sleep(seconds)
        real(part, path)

    os.replace = replace


def main():
    """Run `backprop` with this experiment among the others."""
    from backprop import cli, experiments

    experiments.NAMES += (NAME,)
    sys.modules[f"backprop.experiments.{NAME}"] = sys.modules[__name__]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a background job lacks
    slow_down(float(os.environ.get("SWEEP_SLOW", 0)))
    if "SWEEP_DIE" in os.environ:
        step, time_of = os.environ["SWEEP_DIE"].split(":")
        die_at(step, int(time_of))
    cli.main()


def environment(**changes):
    """Make this module importable in another process."""
    path = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    changed = {key: str(value) for key, value in changes.items()}
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), **changed}


def start(*words, **changes):
    """Start `backprop` with this experiment in another process, in a group of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", f"import {NAME}; {NAME}.main()", *map(str, words)],
        env=environment(**changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


# What a worker measures about itself.


def products(config, seeds):
    """A product so large that BLAS would use threads, and then end in other digits."""
    measured = {}
    for seed in seeds:
        a = np.random.default_rng(seed).random((500, 500), np.float32)
        measured[seed] = {"square": hashlib.sha256((a @ a).tobytes()).hexdigest()}
    return measured


def threads(config, seeds):
    from threadpoolctl import threadpool_info

    found = [pool["num_threads"] for pool in threadpool_info()]
    return {seed: {"threads": found, "process": os.getpid()} for seed in seeds}


def times(config, seeds):
    begin = time.time()
    time.sleep(0.3)
    return {seed: {"begin": begin, "end": time.time()} for seed in seeds}


def killed(config, seeds):
    if 4 in seeds:
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)
    return runs(config, seeds)


def namespace(**changes):
    """This experiment, with changes."""
    names = ("__name__", "PRESETS", "BLOCK", "uses_zip_codes", "runs")
    return SimpleNamespace(**{**{name: globals()[name] for name in names}, **changes})
