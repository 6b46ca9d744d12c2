"""Pictures of digits, brought into the form of the zip-code digits.

Each of the 9,298 zip-code digits fills its 16x16 square in height or in width, stands in
the middle, and has grey values from exactly -1 (paper) to exactly 1 (ink); the 1989 paper
says that the map to 16x16 was linear and kept the proportions. The same is done here.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from backprop.activations import Array
from backprop.errors import PictureError

SIDE = 16  # pixels
LARGEST = 50_000_000  # pixels; a phone's photograph has some 12 million
FAINT = 0.1  # of the range from black to white: a fainter mark is no ink
INK = 0.2  # of the way from paper to the strongest ink: where a digit begins
GAP = 0.2  # of the longer side: no zip-code digit has an empty strip as wide across it
# Others are refused: Pillow would start a foreign program for some of them.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "PPM", "WEBP")
# What Pillow raises for damaged files, depending on where the damage is.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
_SIXTEEN_BITS = 2**16 - 1


def read_picture(path: Path | str) -> Array:
    """Read a picture of one digit.

    A picture of 16x16 pixels is taken for a digit that has its size and its place already;
    from any other the digit is cut out, scaled and centred. In both cases what the border
    shows counts as paper, so that dark ink on light paper and its reverse read the same.

    Parameters
    ----------
    path : path
        A file in one of `FORMATS`: grey, coloured, transparent, of 1, 8 or 16 bits.

    Returns
    -------
    array, shape (256,), float32
        Grey values from -1 (paper) to 1 (ink), row by row from the top left.

    Raises
    ------
    PictureError
        If there is no such file, if it is no picture, damaged, animated or too large, or as
        `fit` does. The message names the file.
    """
    try:
        return fit(_grey_values(Path(path))).ravel()
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from error


def fit(grey: Array) -> Array:
    """Bring grey values into the form of the zip-code digits.

    Parameters
    ----------
    grey : array, shape (rows, columns)
        Grey values from 0 to 1; which end is ink is found out.

    Returns
    -------
    array, shape (16, 16), float32
        From -1 (paper) to 1 (ink).

    Raises
    ------
    PictureError
        If nothing stands out from the paper, if the digit is smaller than 16 pixels both
        ways, or if the ink falls into parts like those of several digits.
    """
    ink = _ink(grey)
    if ink.shape != (SIDE, SIDE):
        ink = _centre(_shrink(_cut_out(ink)))
    # Thin strokes turn pale when they are shrunk; in the data the darkest pixel is always 1.
    return (2 * ink / ink.max() - 1).astype(np.float32)


def save_picture(x: Array, path: Path | str, *, enlarge: int = 1) -> Path:
    """Write a digit as a picture, dark on light.

    Parameters
    ----------
    x : array, shape (256,)
        Grey values from -1 (paper) to 1 (ink).
    path : path
        The file; its ending says the format.
    enlarge : int
        Each grey value becomes a square of so many pixels a side.

    Returns
    -------
    Path
        The file.
    """
    levels = np.rint((1 - x.reshape(SIDE, SIDE)) * 127.5).astype(np.uint8)
    Image.fromarray(np.kron(levels, np.ones((enlarge, enlarge), np.uint8))).save(path)
    return Path(path)


def _grey_values(path: Path) -> Array:
    """Read a file into grey values from 0 (black) to 1 (white), ``(rows, columns)``."""
    if not path.is_file():
        raise PictureError("there is no such file. Give the path of a picture.")
    try:
        with warnings.catch_warnings():
            # Pillow warns of what is checked below, and of metadata that play no part.
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as image:
                _check_size(image)
                return _levels(image)
    except UnidentifiedImageError as error:
        raise PictureError(f"this is no picture; expected one of {', '.join(FORMATS)}.") from error
    except _DAMAGE as error:
        raise PictureError(
            f"the picture cannot be read ({error}); it is damaged, cut off or of a rare kind. "
            "Save it anew, for instance as PNG."
        ) from error


def _check_size(image: Image.Image) -> None:
    """Refuse, before it is unpacked, what is too large, too small or several pictures."""
    width, height = image.size
    if width * height > LARGEST:
        raise PictureError(
            f"it has {width} x {height} pixels; expected at most {LARGEST:,} in all. Make it "
            f"smaller: the network sees {SIDE} x {SIDE}."
        )
    if max(width, height) < SIDE:
        raise PictureError(
            f"it has {width} x {height} pixels; expected at least {SIDE} in height or width, "
            "which is what the network sees. Take a larger picture."
        )
    frames = getattr(image, "n_frames", 1)
    # A photograph of format MPO holds a preview besides itself.
    if frames > 1 and image.format != "MPO":
        raise PictureError(f"it holds {frames} pictures; expected one. Save the one you mean.")


def _levels(image: Image.Image) -> Array:
    """Turn an open picture of any mode into grey values from 0 to 1."""
    if image.mode.startswith(("I", "F")):  # Pillow's own conversion would cut off, not scale
        levels = np.asarray(image, dtype=np.float64)
        if not np.isfinite(levels).all():
            raise PictureError("it has grey values that are not finite. Save it as PNG.")
        if image.mode.startswith("I"):
            return levels / _SIXTEEN_BITS
        return (levels - levels.min()) / (np.ptp(levels) or 1)
    upright = ImageOps.exif_transpose(image)
    if not upright.has_transparency_data:
        return np.asarray(upright.convert("L"), dtype=np.float32) / 255
    # What shines through is white paper, or black where all ink is white.
    ink = upright.convert("RGBA")
    for paper in ("white", "black"):
        sheet = Image.new("RGBA", ink.size, paper)
        levels = np.asarray(Image.alpha_composite(sheet, ink).convert("L"), dtype=np.float32) / 255
        if np.ptp(levels) >= FAINT:
            break
    return levels


def _ink(grey: Array) -> Array:
    """Turn grey values into amounts of ink: 0 is paper, as most of the border shows it."""
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    from_paper = grey - np.median(border)
    if from_paper.max() < -from_paper.min():
        from_paper = -from_paper
    if from_paper.max() < FAINT:
        raise PictureError(
            "it is empty: nothing stands out from the paper. Draw or photograph a digit with "
            "more contrast."
        )
    return np.maximum(from_paper, 0)


def _cut_out(ink: Array) -> Array:
    """Cut out the box that holds all ink, refusing what cannot be one digit."""
    there = ink > INK * ink.max()
    rows, columns = (np.flatnonzero(there.any(axis=axis)) for axis in (1, 0))
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    if max(height, width) < SIDE:
        raise PictureError(
            f"its digit has {width} x {height} pixels; expected at least {SIDE} in height or "
            "width, which is what the network sees. Take a larger picture."
        )
    for lines, kind in ((rows, "rows"), (columns, "columns")):
        if np.diff(lines).max(initial=1) - 1 > GAP * max(height, width):
            raise PictureError(
                f"its ink falls into parts with empty {kind} between them; expected one digit. "
                "Cut out a single digit, and wipe off other marks."
            )
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _shrink(ink: Array) -> Array:
    """Average over areas so that the longer side becomes 16 pixels and the other an even number.

    Even, as nearly all zip-code digits are, so that it can stand exactly in the middle.
    """
    rows, columns = (max(2, 2 * round(SIDE / 2 * n / max(ink.shape))) for n in ink.shape)
    large = Image.fromarray(ink.astype(np.float32))
    return np.asarray(large.resize((columns, rows), Image.Resampling.BOX))


def _centre(ink: Array) -> Array:
    """Put a digit into the middle of an empty square."""
    square: NDArray[np.float32] = np.zeros((SIDE, SIDE), np.float32)
    top, left = ((SIDE - length) // 2 for length in ink.shape)
    square[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return square
