"""What takes processes of its own: sweeps with several workers, memory, and the import."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from settings import Settings
from timing import rounded, timed

IMPORT = "import time; t = time.perf_counter(); import backprop; print(time.perf_counter() - t)"
GIGABYTE = 1e9


def sweep(settings: Settings, seeds: int, workers: int, folder: str) -> list[str]:
    """Write down the command of a sweep."""
    experiment, preset = settings.sweep
    program = str(Path(sys.executable).with_name("backprop"))
    command = [program, "sweep", experiment, "--preset", preset]
    return [*command, "--seeds", f"0:{seeds}", "--jobs", str(workers), "--folder", folder]


def run(command: list[str]) -> str:
    """Run a command that must succeed; return what it printed."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def swept(settings: Settings, number: int) -> dict[str, Any]:
    """Time a sweep with a number of workers."""
    seeds = settings.seeds * number
    with tempfile.TemporaryDirectory() as folder:
        seconds, _ = timed(lambda: run(sweep(settings, seeds, number, folder)))
    return {
        "workers": number,
        "seeds": seeds,
        "seconds": rounded(seconds),
        "seeds_per_minute": rounded(60 * seeds / seconds),
    }


def workers(settings: Settings) -> dict[str, Any]:
    """Measure seeds per minute with 1, 2, 4 ... workers, as many as there are cores."""
    numbers = [2**i for i in range((os.cpu_count() or 1).bit_length())]
    measured = [swept(settings, number) for number in numbers]
    return {"sweep": "/".join(settings.sweep), "measured": measured}


def memory(settings: Settings) -> dict[str, Any]:
    """Measure the largest memory that a sweep with two workers has at one time."""
    from memory import peak_memory

    with tempfile.TemporaryDirectory() as folder:
        peak = peak_memory(sweep(settings, settings.memory_seeds, 2, folder))
    return {
        "seeds": settings.memory_seeds,
        "workers": 2,
        "peak_gigabytes": rounded(peak / GIGABYTE),
    }


def imported(settings: Settings) -> dict[str, Any]:
    """Time the import of the package in fresh processes."""
    seconds = [float(run([sys.executable, "-c", IMPORT])) for _ in range(settings.repeats)]
    return {"seconds": rounded(min(seconds)), "repeats": [rounded(each) for each in seconds]}
