"""A few digits and letters as strokes of a pen, drawn into pictures to try the network on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

Stroke = tuple[tuple[float, float], ...]

_FINER = 4  # drawn so many times larger and shrunk, so that edges are smooth


def arc(
    centre: tuple[float, float], radii: tuple[float, float], start: float, stop: float
) -> Stroke:
    """List points on an arc of an ellipse.

    Parameters
    ----------
    centre, radii : tuple of float
        Right and down, in heights of the figure.
    start, stop : float
        Angles in degrees, clockwise from the right.

    Returns
    -------
    Stroke
        Points 5 degrees apart or less.
    """
    steps = max(2, round(abs(stop - start) / 5) + 1)
    angles = np.radians(np.linspace(start, stop, steps))
    x, y = centre[0] + radii[0] * np.cos(angles), centre[1] + radii[1] * np.sin(angles)
    return tuple(zip(x.tolist(), y.tolist(), strict=True))


# Points are (right, down), in heights of the figure, from its top left corner.
STROKES: dict[str, tuple[Stroke, ...]] = {
    "0": (arc((0.32, 0.5), (0.32, 0.5), 0, 360),),
    "1": (((0.02, 0.0), (0.0, 1.0)),),
    "2": ((*arc((0.3, 0.28), (0.3, 0.28), 190, 390), (0.0, 1.0), (0.65, 1.0)),),
    "3": (
        (
            *arc((0.25, 0.25), (0.28, 0.25), 200, 440),
            *arc((0.25, 0.74), (0.32, 0.26), 280, 520),
        ),
    ),
    "4": (((0.1, 0.0), (0.0, 0.6), (0.65, 0.55)), ((0.5, 0.1), (0.45, 1.0))),
    "5": (((0.6, 0.0), (0.1, 0.0), *arc((0.28, 0.68), (0.32, 0.32), 225, 500)),),
    "6": (
        (
            *arc((0.5, 0.62), (0.5, 0.62), 265, 170),
            *arc((0.28, 0.72), (0.28, 0.28), 180, -190),
        ),
    ),
    "7": (((0.0, 0.03), (0.6, 0.0), (0.2, 1.0)),),
    "8": ((*arc((0.3, 0.25), (0.25, 0.25), 90, 450), *arc((0.3, 0.75), (0.3, 0.25), 270, 630)),),
    "9": ((*arc((0.3, 0.28), (0.28, 0.28), 0, -360), (0.5, 1.0)),),
    "7 with a bar": (((0.0, 0.03), (0.6, 0.0), (0.2, 1.0)), ((0.12, 0.5), (0.62, 0.47))),
    "closed 4": (((0.5, 1.0), (0.5, 0.0), (0.0, 0.6), (0.65, 0.6)),),
    "1 with a flag": (((0.0, 0.3), (0.3, 0.0), (0.3, 1.0)),),
    "A": (((0.0, 1.0), (0.35, 0.0), (0.7, 1.0)), ((0.12, 0.65), (0.58, 0.65))),
    "E": (((0.55, 0.0), (0.0, 0.0), (0.0, 1.0), (0.55, 1.0)), ((0.0, 0.48), (0.45, 0.48))),
    "T": (((0.0, 0.0), (0.7, 0.0)), ((0.35, 0.0), (0.35, 1.0))),
    "X": (((0.0, 0.0), (0.65, 1.0)), ((0.65, 0.0), (0.0, 1.0))),
    "S": (
        (
            *arc((0.28, 0.25), (0.28, 0.25), -20, -270),
            *arc((0.28, 0.75), (0.28, 0.25), 270, 520),
        ),
    ),
}


def draw(
    path: Path | str,
    strokes: tuple[Stroke, ...],
    *,
    size: int = 200,
    height: float = 0.7,
    corner: tuple[float, float] = (0.28, 0.15),
    pen: float = 0.1,
    ink: str = "black",
    paper: str = "white",
) -> Path:
    """Draw strokes into a square picture and save it.

    Parameters
    ----------
    path : path
        The file; its ending says the format.
    strokes : tuple of Stroke
        For instance ``STROKES["7"]``.
    size : int
        Side of the picture in pixels.
    height : float
        Of the figure, as a share of the side.
    corner : tuple of float
        Where its top left corner is, right and down, as shares of the side.
    pen : float
        Width of the pen, as a share of the side.
    ink, paper : str
        Names of colours.

    Returns
    -------
    Path
        The file.
    """
    large = size * _FINER
    image = Image.new("RGB", (large, large), paper)
    pencil = ImageDraw.Draw(image)
    radius = pen * large / 2
    for stroke in strokes:
        points = [
            ((corner[0] + height * x) * large, (corner[1] + height * y) * large) for x, y in stroke
        ]
        pencil.line(points, fill=ink, width=max(1, round(2 * radius)))
        for x, y in points:  # round ends and joints
            pencil.ellipse([x - radius, y - radius, x + radius, y + radius], fill=ink)
    image.resize((size, size), Image.Resampling.BOX).save(path)
    return Path(path)
