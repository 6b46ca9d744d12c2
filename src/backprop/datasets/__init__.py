"""Data sets: binary patterns, family trees, sequences in time, handwritten digits, pictures."""

from backprop.datasets import family_trees
from backprop.datasets.boolean import Cases, encoder, parity, xor
from backprop.datasets.digits import (
    CHECKSUMS,
    TEST_CASES,
    TRAIN_CASES,
    Digits,
    banner,
    digits_status,
    fetch_digits,
    find_digits,
    targets,
    verify_digits,
    zip_codes,
)
from backprop.datasets.pictures import fit, read_picture, save_picture
from backprop.datasets.strokes import STROKES, draw
from backprop.datasets.symmetry import symmetry

__all__ = [
    "CHECKSUMS",
    "STROKES",
    "TEST_CASES",
    "TRAIN_CASES",
    "Cases",
    "Digits",
    "banner",
    "digits_status",
    "draw",
    "encoder",
    "family_trees",
    "fetch_digits",
    "find_digits",
    "fit",
    "parity",
    "read_picture",
    "save_picture",
    "symmetry",
    "targets",
    "verify_digits",
    "xor",
    "zip_codes",
]
