"""Small distortions of pictures: shifts, and elastic ones as of a trembling hand."""

from __future__ import annotations

import numpy as np

from backprop.activations import Array
from backprop.errors import InputError

SMOOTH = 3.0  # pixels: neighbours within about this distance move together


def distorted(
    x: Array,
    *,
    shift: float = 0.0,
    elastic: float = 0.0,
    rng: np.random.Generator,
    background: float = -1.0,
) -> Array:
    """Move the pixels of each picture a little, each picture in its own way.

    Parameters
    ----------
    x : array, shape (n, side * side)
        Square pictures, row by row.
    shift : float
        Each picture moves as a whole, at most so many pixels down or up and right or left.
    elastic : float
        Each pixel moves by a random field that is smooth (Simard et al. 2003); this is its root
        mean square in each direction, in pixels.
    rng : numpy.random.Generator
        Source of randomness.
    background : float
        What moves in from outside.

    Returns
    -------
    array, shape and type of `x`
        New pictures, between the pixels interpolated linearly.

    Raises
    ------
    InputError
        If the pictures are not square, or a size is negative.
    """
    side = round(x.shape[-1] ** 0.5)
    if x.ndim != 2 or side * side != x.shape[1]:
        raise InputError(
            f"pictures of shape {x.shape} were to be distorted; expected (cases, pixels) with "
            "square pictures. Give one flat picture in each row."
        )
    if not (shift >= 0 and elastic >= 0):
        raise InputError(
            f"shift={shift} and elastic={elastic} were given; expected pixels, 0 or more."
        )
    moved = np.zeros((len(x), 2, side, side), dtype=np.float32)
    if shift:
        moved += rng.uniform(-shift, shift, (len(x), 2, 1, 1)).astype(np.float32)
    if elastic:
        moved += elastic * _smooth_field(moved.shape, rng)
    return _sampled(x.reshape(-1, side, side), moved, background).reshape(x.shape)


def _smooth_field(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Draw fields that vary smoothly over the last two axes, with a mean square of 1."""
    from scipy.ndimage import gaussian_filter  # slow to import, and only needed here

    rough = rng.standard_normal(shape, dtype=np.float32)
    smooth: Array = gaussian_filter(rough, (0, 0, SMOOTH, SMOOTH), mode="constant")
    return smooth / np.sqrt(np.mean(smooth**2))


def _sampled(pictures: Array, moved: Array, background: float) -> Array:
    """Look up each picture ``(n, side, side)`` at places `moved` from each pixel."""
    side = pictures.shape[-1]
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1)), constant_values=background)
    rows, columns = np.mgrid[1 : side + 1, 1 : side + 1].astype(np.float32)
    # Beyond the one-pixel border everything is background, so places are cut off there.
    i = np.clip(rows + moved[:, 0], 0, side + 1 - 1e-3)
    j = np.clip(columns + moved[:, 1], 0, side + 1 - 1e-3)
    corner_i, corner_j = i.astype(np.int32), j.astype(np.int32)
    down, right = i - corner_i, j - corner_j
    wide = side + 2
    case = np.arange(len(pictures), dtype=np.int32)[:, None, None]
    corner = (case * wide + corner_i) * wide + corner_j
    flat = padded.ravel()
    top = flat[corner] * (1 - right) + flat[corner + 1] * right
    bottom = flat[corner + wide] * (1 - right) + flat[corner + wide + 1] * right
    return (top * (1 - down) + bottom * down).astype(pictures.dtype)
