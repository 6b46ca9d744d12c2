"""The zip-code digits: found, downloaded, verified and read.

Two files, `zip.train.gz` and `zip.test.gz`; a line holds the digit and then the 256
grey values of a 16x16 image. They are not ours to give away, so they are looked for,
or downloaded from the site that publishes them, and used only if their checksums fit.
"""

from __future__ import annotations

import gzip
import io
import os
import tempfile
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backprop._atomic import checkout, sha256_file
from backprop.errors import DataError, InputError

TRAIN_CASES = 7291
TEST_CASES = 2007
PIXELS = 256

TRAIN_FILE = "zip.train.gz"
TEST_FILE = "zip.test.gz"
CHECKSUMS = {
    TRAIN_FILE: "66ebf231ab51f2cf6ac1a892d0f98ccffee1079d7a5db638c1f11f366046ca16",
    TEST_FILE: "8dacc3c6e136af6c3488de9e5113a7daf140c8c2f1f0b61c54ee02f03f1a962f",
}
SIZES = {TRAIN_FILE: 1_829_071, TEST_FILE: 439_208}

MIRRORS = (
    "https://hastie.su.domains/ElemStatLearn/datasets/",
    "https://web.stanford.edu/~hastie/ElemStatLearn/datasets/",
    "https://statweb.stanford.edu/~tibs/ElemStatLearn/datasets/",
)
TIMEOUTS = (5.0, 10.0)  # seconds to connect, and between two pieces of the answer
FOLDER_VARIABLE = "BACKPROP_DATA"
OFFLINE_VARIABLE = "BACKPROP_OFFLINE"
STAND_IN_VARIABLE = "BACKPROP_STAND_IN"

STAND_IN_TRAIN_CASES = 1400  # of 1,797; in file order, so that the test writers are new

# Why the download failed: a process without a network waits for the time-outs once.
_failures: list[str] = []


@dataclass(frozen=True, eq=False)
class Digits:
    """Handwritten digits, 16x16 grey values each, row by row from the top left.

    The arrays are shared by all callers and cannot be written to.

    Parameters
    ----------
    train_x, test_x : array, shape (n, 256), float32
        Grey values from -1 (background) to 1 (ink); n is 7,291 and 2,007.
    train_digit, test_digit : array, shape (n,), int64
        The digits, 0 to 9.
    source : str
        Where they come from, in words.
    checksums : dict of str to str
        File name -> SHA-256 of what was read; empty for the stand-in.
    stand_in : bool
        Whether these are other digits, for want of the zip codes.
    """

    train_x: NDArray[np.float32]
    train_digit: NDArray[np.int64]
    test_x: NDArray[np.float32]
    test_digit: NDArray[np.int64]
    source: str
    checksums: dict[str, str]
    stand_in: bool


def zip_codes(*, download: bool = True, stand_in: bool = True) -> Digits:
    """Return the zip-code digits, or else a stand-in that says so.

    Looked for in ``$BACKPROP_DATA``, in ``data/usps/`` of the checkout and in the
    user's cache, then downloaded. Reading takes about half a second, once a process.

    Parameters
    ----------
    download : bool
        Whether to try the network. It is tried once a process, and never if
        ``$BACKPROP_OFFLINE`` is 1.
    stand_in : bool
        Whether scikit-learn's digits may be returned where there are no zip codes. Never if
        ``$BACKPROP_STAND_IN`` is 0.

    Returns
    -------
    Digits
        With ``stand_in`` true if they are not the zip codes.

    Raises
    ------
    DataError
        If files put in place by the user are damaged, or if there are no digits.
    """
    folder = find_digits()
    if folder is None and download and not _offline() and not _failures:
        try:
            folder = _download_digits()
        except DataError as error:
            _failures.append(str(error))
    if folder is not None:
        return _load(folder)
    if stand_in and os.environ.get(STAND_IN_VARIABLE) != "0":
        return _stand_in()
    tried = _failures[-1] if _failures else f"the download was not tried. {_advice()}"
    raise DataError(f"the zip-code digits are not on this machine: {tried}")


def banner(digits: Digits) -> str:
    """Return the warning to show above results of the stand-in.

    Parameters
    ----------
    digits : Digits
        What the results come from.

    Returns
    -------
    str
        Markdown; empty for the real zip-code digits.
    """
    if not digits.stand_in:
        return ""
    return (
        "> **Not the zip-code digits.** What is computed live on this page comes from a "
        f"stand-in: {digits.source}. Its numbers say nothing about the paper's. Recorded "
        "results and verdicts come from the real digits and are not affected. To get the "
        "real ones, run `backprop data fetch`."
    )


def targets(
    digit: ArrayLike, *, classes: int = 10, low: float = -1.0, high: float = 1.0
) -> NDArray[np.float64]:
    """Code digits by place: one output for each class.

    Parameters
    ----------
    digit : array of int, shape (n,)
        Classes, from 0 to ``classes - 1``.
    classes : int
        How many there are.
    low, high : float
        Target of the other outputs, and of the right one.

    Returns
    -------
    array, shape (n, classes)
        The targets.

    Raises
    ------
    InputError
        If `digit` is not a row of integers in that range.
    """
    digit = np.asarray(digit)
    if digit.ndim != 1 or not np.issubdtype(digit.dtype, np.integer):
        raise InputError(
            f"digits must be a one-dimensional array of integers; this one has shape "
            f"{digit.shape} and type {digit.dtype}."
        )
    if digit.size and not 0 <= digit.min() <= digit.max() < classes:
        raise InputError(
            f"digits must lie between 0 and {classes - 1}; these go from {digit.min()} to "
            f"{digit.max()}. Correct them, or set `classes`."
        )
    return np.where(digit[:, np.newaxis] == np.arange(classes), high, low).astype(np.float64)


def find_digits() -> Path | None:
    """Look for both files, without the network.

    Returns
    -------
    Path or None
        The folder that holds them, verified; None if they are nowhere.

    Raises
    ------
    DataError
        If ``$BACKPROP_DATA`` is set and does not hold them, or if ``data/usps/`` holds
        only one or a damaged one. A damaged cache counts as empty.
    """
    given = _given_folder()
    if given is not None:
        verify_digits(given)
        return given
    local = _local_folder()
    if any((local / name).exists() for name in CHECKSUMS):
        verify_digits(local)
        return local
    cached = _cache_folder()
    return cached if _state(cached) == "verified" else None


def fetch_digits(*, force: bool = False) -> Path:
    """Download both files into the user's cache, unless they are at hand.

    Parameters
    ----------
    force : bool
        Download even if they are at hand.

    Returns
    -------
    Path
        The folder that holds them, verified.

    Raises
    ------
    DataError
        If files put in place by the user are damaged, or if no mirror delivers the right
        files. Files already in the cache are then untouched.
    """
    folder = None if force else find_digits()
    if folder is not None:
        return folder
    if _offline():
        raise DataError(
            f"nothing was downloaded, because ${OFFLINE_VARIABLE} is set. Unset it to allow the "
            "download."
        )
    return _download_digits()


def digits_status() -> list[tuple[str, str]]:
    """Say what is found in each place, in the order of look-up.

    Returns
    -------
    list of (str, str)
        Place, and "verified", "not set", "empty", or what is wrong.
    """
    given = _given_folder()
    return [
        (f"${FOLDER_VARIABLE}", "not set") if given is None else _place(given, "environment"),
        _place(_local_folder(), "checkout"),
        _place(_cache_folder(), "cache"),
    ]


def verify_digits(folder: Path | str) -> None:
    """Make sure that a folder holds both files, whole and unaltered.

    Parameters
    ----------
    folder : path
        The folder.

    Raises
    ------
    DataError
        If a file is missing, or its size or checksum is not the published one.
    """
    for name, expected in CHECKSUMS.items():
        path = Path(folder) / name
        try:
            size, given = path.stat().st_size, sha256_file(path)
        except OSError as error:
            raise DataError(
                f"{path} cannot be read: {error.strerror}. Expected: {SIZES[name]:,} bytes, "
                f"sha256 {expected}. {_advice()}"
            ) from error
        if given != expected:
            raise DataError(
                f"{path} is damaged or another file. Expected: {SIZES[name]:,} bytes, sha256 "
                f"{expected}. Given: {size:,} bytes, sha256 {given}. Replace or delete it. "
                f"{_advice()}"
            )


def _advice() -> str:
    return (
        f"To get the files: `backprop data fetch`, or download {' and '.join(CHECKSUMS)} from "
        f"{MIRRORS[0]} into data/usps/ of the checkout, or into any folder that "
        f"${FOLDER_VARIABLE} names."
    )


def _offline() -> bool:
    return os.environ.get(OFFLINE_VARIABLE, "") not in ("", "0")


def _given_folder() -> Path | None:
    given = os.environ.get(FOLDER_VARIABLE)
    return Path(given).expanduser() if given else None


def _local_folder() -> Path:
    return checkout() / "data" / "usps"


def _cache_folder() -> Path:
    return Path(_pooch().os_cache("backprop"))


def _pooch() -> Any:
    """Import pooch: slow, and only needed where no copy is at hand.

    In a notebook without widgets its own import of tqdm warns; a page must stay silent.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pooch
    return pooch


def _state(folder: Path) -> str:
    if not any((folder / name).exists() for name in CHECKSUMS):
        return "empty"
    try:
        verify_digits(folder)
    except DataError as error:
        return str(error)
    return "verified"


def _place(folder: Path, kind: str) -> tuple[str, str]:
    return f"{folder} ({kind})", _state(folder)


def _download_digits() -> Path:
    """Bring both files into the cache; what lies there is replaced only by good files."""
    import urllib3

    folder = _cache_folder()
    reasons = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as fresh:
            for mirror in MIRRORS:
                try:
                    for name in CHECKSUMS:
                        _retrieve(mirror, name, Path(fresh))
                # pooch raises ValueError for a checksum that does not fit.
                except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
                    reasons.append(f"{mirror}: {_why(error)}")
                    continue
                for name in CHECKSUMS:
                    os.replace(Path(fresh) / name, folder / name)
                return folder
    except OSError as error:
        raise DataError(f"the cache {folder} cannot be written: {error}. {_advice()}") from error
    raise DataError(f"no mirror delivered the zip-code digits ({'; '.join(reasons)}). {_advice()}")


def _why(error: Exception) -> str:
    """Say in a few words why a mirror did not deliver."""
    import requests

    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return f"{type(error).__name__}: {error}"


def _retrieve(mirror: str, name: str, folder: Path) -> None:
    pooch = _pooch()
    with _quiet(pooch.get_logger()):
        pooch.retrieve(
            mirror + name,
            known_hash=f"sha256:{CHECKSUMS[name]}",
            fname=name,
            path=folder,
            downloader=_http,
        )


@contextmanager
def _quiet(logger: Any) -> Iterator[None]:
    # The progress bar says enough; a page of the book must not write to stderr.
    level = logger.level
    logger.setLevel("WARNING")
    try:
        yield
    finally:
        logger.setLevel(level)


def _http(url: str, output_file: str, _pooch: object) -> None:
    """Download the bytes as they are stored; the signature is the one that pooch calls.

    Some servers declare a .gz file as content in gzip encoding. pooch's own downloader
    would unpack it, and the checksum would not fit.
    """
    import requests
    from tqdm import tqdm

    with requests.get(url, stream=True, timeout=TIMEOUTS) as response:
        response.raise_for_status()
        with (
            open(output_file, "wb") as file,
            # disable=None: no bar where nobody watches.
            tqdm(
                total=int(response.headers.get("content-length", 0)) or None,
                desc=Path(url).name,
                unit="B",
                unit_scale=True,
                disable=None,
            ) as bar,
        ):
            for piece in response.raw.stream(2**16, decode_content=False):
                bar.update(file.write(piece))


def _read(path: Path, cases: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Read a file into grey values ``(cases, 256)`` and digits ``(cases,)``."""
    try:
        text = gzip.decompress(path.read_bytes())
        table = np.loadtxt(io.BytesIO(text), ndmin=2) if text.strip() else np.empty((0, 0))
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise DataError(
            f"{path} is not a gzipped table of numbers: {error}. {_advice()}"
        ) from error
    if table.shape != (cases, 1 + PIXELS):
        raise DataError(
            f"{path} holds {table.shape[0]} lines of {table.shape[1]} numbers; expected {cases} "
            f"of {1 + PIXELS}. {_advice()}"
        )
    digit, x = table[:, 0], table[:, 1:]
    if not np.isin(digit, np.arange(10)).all():
        wrong = digit[~np.isin(digit, np.arange(10))][0]
        raise DataError(f"{path} holds {wrong:g} where a digit from 0 to 9 belongs. {_advice()}")
    # Written so that a value that is not a number is caught as well.
    if not (np.abs(x) <= 1).all():
        raise DataError(f"{path} holds grey values outside -1 to 1. {_advice()}")
    return x.astype(np.float32), digit.astype(np.int64)


def _frozen(*arrays: NDArray[Any]) -> None:
    for array in arrays:
        array.flags.writeable = False


@cache
def _load(folder: Path) -> Digits:
    train_x, train_digit = _read(folder / TRAIN_FILE, TRAIN_CASES)
    test_x, test_digit = _read(folder / TEST_FILE, TEST_CASES)
    _frozen(train_x, train_digit, test_x, test_digit)
    return Digits(
        train_x,
        train_digit,
        test_x,
        test_digit,
        source="U.S. Postal Service zip-code digits, as published by Hastie, Tibshirani and "
        "Friedman",
        checksums=dict(CHECKSUMS),
        stand_in=False,
    )


@cache
def _stand_in() -> Digits:
    """Bring scikit-learn's 8x8 digits to 16x16 and to the range of the zip codes."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise DataError(
            "the zip-code digits are not on this machine, and neither is scikit-learn, whose "
            f"digits could stand in for them: `pip install scikit-learn`. {_advice()}"
        ) from error
    from scipy.ndimage import zoom

    small = load_digits()
    digit = small.target.astype(np.int64)
    large = zoom(small.images / 8 - 1, (1, 2, 2), order=3, mode="nearest", grid_mode=True)
    x = np.clip(large, -1, 1).reshape(len(large), PIXELS).astype(np.float32)
    _frozen(x, digit)
    train, test = slice(STAND_IN_TRAIN_CASES), slice(STAND_IN_TRAIN_CASES, None)
    return Digits(
        x[train],
        digit[train],
        x[test],
        digit[test],
        source="the 1,797 handwritten digits that scikit-learn ships, enlarged from 8x8 to 16x16",
        checksums={},
        stand_in=True,
    )
