"""How much is measured: everything, or tiny sizes to see that the benchmarks run."""

from dataclasses import dataclass

import numpy as np

from backprop import datasets
from backprop.activations import Array


@dataclass(frozen=True)
class Settings:
    """Sizes of the measurements.

    Parameters
    ----------
    digits : int
        Real training digits; 0 for a few random pictures in their place.
    slow : int
        Presentations of what is not compiled.
    repeats : int
        Rounds in which the competitors take turns.
    product : int
        Rows of the square matrices that are multiplied.
    passes : int
        Passes of the whole training.
    accuracy_seeds : int
        Seeds on record, at most, whose test errors are compared with those of the compiled loop.
    largest : int
        Largest size of the curves; batches, widths and replicas go by powers of two up to it.
    sweep : tuple of str
        Experiment and preset of the sweep with several workers.
    seeds : int
        Seeds for each worker in it.
    memory_seeds : int
        Seeds of the sweep whose memory is measured.
    many : tuple of int
        Seeds at once, sweeps, and single networks of the comparison on symmetry.
    """

    digits: int = datasets.TRAIN_CASES
    slow: int = 1000
    repeats: int = 5
    product: int = 2048
    passes: int = 23
    accuracy_seeds: int = 32
    largest: int = 1024
    sweep: tuple[str, str] = ("zip_codes", "pseudo-newton")
    seeds: int = 4
    memory_seeds: int = 30
    many: tuple[int, int, int] = (1000, 5000, 20)


FULL = Settings()
QUICK = Settings(
    digits=0,
    slow=5,
    repeats=2,
    product=64,
    passes=2,
    accuracy_seeds=2,
    largest=16,
    sweep=("symmetry", "fast"),
    seeds=1,
    memory_seeds=1,
    many=(4, 5, 2),
)


def digits(settings: Settings) -> datasets.Digits:
    """Give the real digits (an error if they are not there), or random pictures."""
    if settings.digits:
        return datasets.zip_codes(stand_in=False)
    rng = np.random.default_rng(0)
    x, digit = rng.uniform(-1, 1, (20, 256)).astype(np.float32), np.arange(20) % 10
    return datasets.Digits(x, digit, x, digit, source="random", checksums={}, stand_in=True)


def cases(settings: Settings) -> tuple[Array, Array]:
    """Give inputs and desired outputs of all training digits, in float32."""
    all_of_them = digits(settings)
    x = all_of_them.train_x.copy()  # PyTorch warns of arrays that cannot be written to
    return x, datasets.targets(all_of_them.train_digit).astype(x.dtype)
