"""Peak memory of a command together with all processes that it starts."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence

import psutil

# Seconds between two looks: a peak that is shorter can be missed.
EVERY = 0.02


def peak_memory(command: Sequence[str]) -> int:
    """Run a command, and find the most memory that its processes had at one time.

    Memory that processes share is counted for each of them, so this errs on the high side.

    Parameters
    ----------
    command : sequence of str
        Program and arguments. What it prints is not shown.

    Returns
    -------
    int
        Largest sum of resident memory, in bytes.

    Raises
    ------
    subprocess.CalledProcessError
        If the command fails.
    """
    peak = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, _memory(process.pid))
            time.sleep(EVERY)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return peak


def _memory(root: int) -> int:
    try:
        parent = psutil.Process(root)
        family = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    return sum(map(_resident, family))


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:  # ended since it was listed
        return 0
