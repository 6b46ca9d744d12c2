"""Files: where the checkout is, checksums, and writing that happens whole or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def checkout() -> Path:
    """Find the folder that holds ``data/``.

    Returns
    -------
    Path
        The checkout, if the package runs from one (editable install); otherwise the
        current folder.
    """
    root = _PACKAGE.parents[1]
    is_checkout = _PACKAGE.parent.name == "src" and (root / "pyproject.toml").is_file()
    return root if is_checkout else Path.cwd()


def sha256_file(path: Path | str) -> str:
    """Compute the SHA-256 checksum of a file.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that a reader finds the old content or the new, never a part.

    Parameters
    ----------
    path : Path
        The file; missing folders are made.
    content : bytes
        All of its new content.

    Raises
    ------
    OSError
        If it cannot be written. A former file is then untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder: a move between file systems would not be atomic.
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(part, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
