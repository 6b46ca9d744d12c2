"""What it takes to use the trained zip-code networks: thresholds, and digits read from files.

Nothing is trained here. Each recorded network of `zip_codes` gets the threshold below which
its answers are rejected, and reads test digits that were saved as pictures.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backprop import datasets, results
from backprop.activations import Array
from backprop.evaluation import confidence, threshold_for, wrong
from backprop.experiments import zip_codes

BLOCK = 1
uses_zip_codes = True


@dataclass(frozen=True)
class Config:
    """Settings.

    Parameters
    ----------
    trained : str
        Preset of `zip_codes` whose recorded networks are used.
    error : float
        Share of errors allowed among the accepted digits; 1 % in the paper.
    pictures : int
        So many test digits, the first ones, are saved as pictures and read again.
    enlarge : int
        Side of the square, in pixels of the picture, that each grey value becomes.
    """

    trained: str = "pseudo-newton"
    error: float = 0.01
    pictures: int = 200
    enlarge: int = 10

    @classmethod
    def paper(cls) -> Config:
        """Return the paper's way of rejecting, for its network."""
        return cls()

    @classmethod
    def fast(cls) -> Config:
        """Return a short measurement for tests."""
        return cls(pictures=5)


PRESETS = {"pseudo-newton": Config.paper(), "fast": Config.fast()}


def trained(preset: str, seed: int, folder: Path | None = None) -> tuple[Array, str]:
    """Load a recorded network.

    Parameters
    ----------
    preset : str
        Of `zip_codes`.
    seed : int
        Seed of the run.
    folder : Path, optional
        Folder of recorded results. Default: the one in use.

    Returns
    -------
    w : array, shape (9760,), float32
        Its weights.
    checksum : str
        SHA-256 of their file.

    Raises
    ------
    ResultsError
        If it is not on record; the message says how to make it.
    """
    folder = folder or results.default_folder()
    record = results.load(folder, "zip_codes", preset)
    w = results.load_run_arrays(folder, record, seed)["w"]
    return w, results.sha256_file(results.arrays_path(folder, "zip_codes", preset, seed))


def save_and_read(x: Array, *, enlarge: int) -> Array:
    """Save digits as pictures, each grey value a square, and read the files.

    Parameters
    ----------
    x : array, shape (n, 256)
        Digits.
    enlarge : int
        Side of the square in pixels.

    Returns
    -------
    array, shape (n, 256)
        As they were read.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digit.png"
        return np.stack(
            [
                datasets.read_picture(datasets.save_picture(each, path, enlarge=enlarge))
                for each in x
            ]
        )


def run(config: Config, *, seed: int) -> dict[str, Any]:
    """Measure what it takes to use one recorded network.

    Parameters
    ----------
    config : Config
        Settings.
    seed : int
        Seed of the network.

    Returns
    -------
    dict
        ``threshold``, with ``rejected`` and ``error`` on the test digits it was chosen on, in
        percent. For the digits read from pictures, in percent: ``same_pixels`` as before (up
        to the 256 levels of grey of a file), ``same_answer``, and
        ``same_decision`` to reject or not. ``weights_sha256`` says which weights these are.
    """
    digits = datasets.zip_codes()
    w, checksum = trained(config.trained, seed)
    net = zip_codes.network()
    y = net.predict(w, digits.test_x)
    threshold = threshold_for(y, digits.test_digit, error=config.error)
    accepted = confidence(y) >= threshold

    x, before = digits.test_x[: config.pictures], y[: config.pictures]
    again = save_and_read(x, enlarge=config.enlarge)
    after = net.predict(w, again)
    same: dict[str, Callable[[Array], Any]] = {
        "answer": lambda y: y.argmax(axis=-1),
        "decision": lambda y: confidence(y) >= threshold,
    }
    shares = {
        "rejected": 1 - accepted.mean(),
        "error": wrong(y, digits.test_digit)[accepted].mean(),
        "same_pixels": (np.abs(again - x).max(axis=-1) < 1 / 127).mean(),
        **{f"same_{name}": (of(before) == of(after)).mean() for name, of in same.items()},
    }
    return {
        "threshold": float(f"{threshold:.6g}"),
        **{name: float(f"{100 * share:.6g}") for name, share in shares.items()},
        "weights_sha256": checksum,
    }


def runs(config: Config, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Measure for each seed; see `run`."""
    return {seed: run(config, seed=seed) for seed in seeds}


FACTS: dict[str, Callable[[], float]] = {}
