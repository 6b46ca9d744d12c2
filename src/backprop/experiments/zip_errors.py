"""What the recorded networks of `zip_codes` do with each test digit.

Nothing is trained here: the final weights of a recorded run are read, and its mistakes, its
confidence and its second derivatives are measured. Pages then need neither the digits nor the same
last digit of a sum to say which digits come out wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop import datasets
from backprop.activations import Array
from backprop.evaluation import confidence, judge_threshold, threshold_for, wrong
from backprop.experiments import zip_codes, zip_training
from backprop.experiments.zip_reading import trained
from backprop.experiments.zip_rejection import curve_on_grid
from backprop.experiments.zip_training import rounded
from backprop.losses import HALF_SUMMED_SQUARES
from backprop.training import mean_curvature

BLOCK = 1
uses_zip_codes = True


@dataclass(frozen=True)
class Config:
    """Whose weights, and how they are looked at.

    Parameters
    ----------
    weights : str
        Preset of `zip_codes` whose recorded weights are read.
    error : float
        Tolerated share of errors among the accepted digits.
    splits : int
        So many times the test digits are split at random into halves, for choosing a threshold
        on one half and judging it on the other.
    curvature_cases : int
        Second derivatives are averaged over the first of the training digits, so many.
    """

    weights: str = "pseudo-newton"
    error: float = 0.01
    splits: int = 50
    curvature_cases: int = 1000

    @classmethod
    def paper(cls) -> Config:
        """Return the networks of the headline, and the paper's tolerated error."""
        return cls()

    @classmethod
    def fast(cls) -> Config:
        """Return a shorter look for tests."""
        return cls(splits=2, curvature_cases=10)


PRESETS = {"pseudo-newton": Config.paper(), "fast": Config.fast()}


def mistakes(y: Array, digit: NDArray[Any]) -> dict[str, list[Any]]:
    """List the cases that come out wrong.

    Parameters
    ----------
    y : array, shape (n, classes)
        Outputs.
    digit : int array, shape (n,)
        True classes.

    Returns
    -------
    dict
        ``wrong``: which cases, ascending; for each, ``digit``, the true class; ``answer`` and
        ``second``, the classes of the two highest outputs; ``margin``, the difference between them.
    """
    at = np.flatnonzero(wrong(y, digit))
    second, answer = np.argsort(y[at], axis=-1)[:, -2:].T
    return {
        "wrong": at.tolist(),
        "digit": digit[at].tolist(),
        "answer": answer.tolist(),
        "second": second.tolist(),
        "margin": [round(float(margin), 4) for margin in confidence(y[at])],
    }


def confusion(y: Array, digit: NDArray[Any]) -> NDArray[np.int64]:
    """Count the answers to each digit.

    Parameters
    ----------
    y : array, shape (n, classes)
        Outputs.
    digit : int array, shape (n,)
        True classes.

    Returns
    -------
    int array, shape (classes, classes)
        Row: true class. Column: answer.
    """
    counts = np.zeros((y.shape[-1], y.shape[-1]), dtype=np.int64)
    np.add.at(counts, (digit, y.argmax(axis=-1)), 1)
    return counts


def other_half(
    y: Array, digit: NDArray[Any], *, error: float, splits: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Choose a threshold on a random half of the cases and judge it on the other half.

    Parameters
    ----------
    y : array, shape (n, classes)
        Outputs.
    digit : int array, shape (n,)
        True classes.
    error : float
        Tolerated share of errors among the accepted cases.
    splits : int
        Number of random splits; each half is chosen on once.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    rejected, error : float
        Share of cases rejected and share of errors among the accepted, means over the splits.
    """
    judged = []
    for _ in range(splits):
        halves = np.array_split(rng.permutation(len(digit)), 2)
        for here, there in (halves, halves[::-1]):
            threshold = threshold_for(y[here], digit[here], error=error)
            judged.append(judge_threshold(y[there], digit[there], threshold))
    rejected, left = np.mean(judged, axis=0)
    return float(rejected), float(left)


def run(config: Config, *, seed: int) -> dict[str, Any]:
    """Look at one recorded network.

    Parameters
    ----------
    config : Config
        Settings.
    seed : int
        Seed of the recorded run.

    Returns
    -------
    dict
        What `mistakes` gives, for the test digits; ``confusion``, rows of counts; ``curve``,
        percent of errors among the accepted digits at each of `zip_rejection.REJECTED`;
        ``threshold``, chosen on the test digits, or None; ``half_rejected`` and ``half_error``
        from `other_half`, in percent; ``flat``, the percentage of second derivatives below mu, and
        ``flat_below_output``, the same without those of the output layer; ``typical_curvature``,
        the median second derivative of each layer.
    """
    digits, net = datasets.zip_codes(), zip_codes.network()
    w, _ = trained(config.weights, seed)
    y = net.predict(w, digits.test_x, batch=zip_training.BATCH)
    threshold = threshold_for(y, digits.test_digit, error=config.error)
    half_rejected, half_error = other_half(
        y,
        digits.test_digit,
        error=config.error,
        splits=config.splits,
        rng=np.random.default_rng(seed),
    )
    first = slice(config.curvature_cases)
    x, d = digits.train_x[first], datasets.targets(digits.train_digit[first])
    h = mean_curvature(net, w, x, d, HALF_SUMMED_SQUARES)
    mu, outputs = zip_codes.PRESETS[config.weights].mu, net.count()[-1].free
    layers = [np.concatenate([part.ravel() for part in parts]) for parts in net.unpack(h)]
    return {
        **mistakes(y, digits.test_digit),
        "confusion": confusion(y, digits.test_digit).tolist(),
        "curve": [rounded(100 * value) for value in curve_on_grid(y, digits.test_digit)],
        "threshold": rounded(threshold) if np.isfinite(threshold) else None,
        "half_rejected": rounded(100 * half_rejected),
        "half_error": rounded(100 * half_error),
        "flat": rounded(100 * float((h < mu).mean())),
        "flat_below_output": rounded(100 * float((h[:-outputs] < mu).mean())),
        "typical_curvature": [rounded(float(np.median(layer))) for layer in layers],
    }


def runs(config: Config, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Look at one recorded network for each seed; see `run`."""
    return {seed: run(config, seed=seed) for seed in seeds}


FACTS: dict[str, Callable[[], float]] = {}
