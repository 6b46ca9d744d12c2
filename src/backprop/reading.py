"""The trained zip-code network in use: ten outputs for a picture, and whether to reject it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backprop import results
from backprop.activations import Array
from backprop.errors import InputError, ResultsError
from backprop.evaluation import confidence
from backprop.experiments import zip_codes, zip_reading

PRESET = "pseudo-newton"
LARGEST_OUTPUT = 1.7159  # either way: the limit of the outputs' tanh


@dataclass(frozen=True, eq=False)
class Reader:
    """A trained network with its threshold.

    Parameters
    ----------
    w : array, shape (9760,)
        Weights of the 1989 network.
    threshold : float
        An answer is rejected if its margin is smaller.
    """

    w: Array
    threshold: float


@dataclass(frozen=True, eq=False)
class Reading:
    """What the network says of one picture.

    Parameters
    ----------
    outputs : array, shape (10,)
        One for each digit; trained towards 1 for the right one and -1 for the others.
    threshold : float
        An answer is rejected if its margin is smaller.
    """

    outputs: Array
    threshold: float

    @property
    def digit(self) -> int:
        """The answer: the digit with the largest output."""
        return int(self.outputs.argmax())

    @property
    def margin(self) -> float:
        """Difference between the two largest outputs."""
        return float(confidence(self.outputs))

    @property
    def rejected(self) -> bool:
        """Whether the answer is too unsure to be used."""
        return self.margin < self.threshold


def recorded_reader(seed: int = 0, *, folder: Path | None = None) -> Reader:
    """Load a network of the book, with the threshold that goes with it.

    The threshold is the smallest one that leaves at most 1 % errors among the accepted test
    digits. It was chosen on those digits, as in the 1989 paper, and recorded by the experiment
    `zip_reading`; neither the digits nor any training is needed here.

    Parameters
    ----------
    seed : int
        Which of the recorded networks. None is special.
    folder : Path, optional
        Folder of recorded results. Default: the one in use.

    Returns
    -------
    Reader
        To be given to `classify`.

    Raises
    ------
    ResultsError
        If the network or its threshold is not on record (the message says how to make it),
        or if they do not belong together.
    """
    folder = folder or results.default_folder()
    w, checksum = zip_reading.trained(PRESET, seed, folder)
    record = results.load(folder, "zip_reading", PRESET)
    run = record.runs.get(seed, {})
    if run.get("weights_sha256") != checksum:
        raise ResultsError(
            f"the threshold for the network with seed {seed} was not recorded, or was recorded "
            f"for other weights. Remove {results.record_path(folder, 'zip_reading', PRESET)} and "
            f"run `backprop sweep zip_reading --preset {PRESET} --seeds 0:32`."
        )
    return Reader(w, float(run["threshold"]))


def classify(x: Array, reader: Reader | None = None) -> Reading:
    """Let a trained network read one digit.

    Parameters
    ----------
    x : array, shape (256,) or (16, 16)
        Grey values from -1 (paper) to 1 (ink), as `datasets.read_picture` gives them.
    reader : Reader, optional
        Default: `recorded_reader()`.

    Returns
    -------
    Reading
        The ten outputs, the answer and whether it is rejected.

    Raises
    ------
    InputError
        If `x` has another size or values outside -1 to 1.
    ResultsError
        As `recorded_reader` does.
    """
    x = np.asarray(x, dtype=np.float32)
    # Written so that a value that is not a number is caught as well.
    if x.size != 256 or not (np.abs(x) <= 1).all():
        raise InputError(
            f"an array of shape {x.shape} was given; expected 256 grey values from -1 (paper) to 1 "
            "(ink). Read a picture with datasets.read_picture."
        )
    reader = reader or recorded_reader()
    outputs = zip_codes.network().predict(reader.w, x.reshape(1, 256))[0]
    return Reading(outputs, reader.threshold)


def as_text(reading: Reading, *, width: int = 24) -> str:
    """Write a reading for a terminal: a bar for each output, the answer, and what follows.

    Parameters
    ----------
    reading : Reading
        From `classify`.
    width : int
        Characters of the longest bar there can be.

    Returns
    -------
    str
        Eleven lines.
    """
    share = (reading.outputs + LARGEST_OUTPUT) / (2 * LARGEST_OUTPUT)
    lines = [
        f"  {digit}  {output:5.2f}  {'#' * round(width * part)}"
        for digit, (output, part) in enumerate(zip(reading.outputs, share, strict=True))
    ]
    verdict = "rejected" if reading.rejected else "accepted"
    lines.append(
        f"  answer {reading.digit}, {verdict}: margin {reading.margin:.2f}, "
        f"threshold {reading.threshold:.2f}"
    )
    return "\n".join(line.rstrip() for line in lines)
