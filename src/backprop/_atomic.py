"""Files: where the checkout is, checksums, writing whole or not at all, one writer at a time."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

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


def book_data() -> Path:
    """Find the claims, equations and recorded results of the book.

    Returns
    -------
    Path
        The copy that an installed package has (see ``setup.py``); in a checkout, ``data/``.
    """
    own = _PACKAGE / "_data"
    return own if own.is_dir() else checkout() / "data"


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
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Bring the new name of a file to the disk, where the system can do that for a folder."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_parts(folder: Path, name: str) -> None:
    """Remove what killed processes left of files that they were writing with `write_bytes`.

    Parameters
    ----------
    folder : Path
        Where the files are; it need not exist.
    name : str
        Name of the file that was being written, or "*" for all. No living process may be
        writing it: hold the lock under which it is written.

    Raises
    ------
    OSError
        If one of them cannot be removed.
    """
    name = name if name == "*" else glob.escape(name)
    for part in folder.glob(f".{name}.{'[0-9a-f]' * 8}.part"):
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time into the block; the others wait.

    The system gives the lock up when its holder ends, however it ends.

    Parameters
    ----------
    path : Path
        File that stands for the lock; made, with its folders, and removed afterwards.

    Raises
    ------
    OSError
        If the file cannot be made or locked.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with open(path, "ab") as file:
            _wait_for(file)
            if not _is(file, path):  # its last holder has removed it: others use a new one
                continue
            try:
                yield
            finally:
                with contextlib.suppress(OSError):  # Windows keeps files that are open
                    path.unlink()
            return


def _wait_for(file: IO[bytes]) -> None:
    """Lock an open file; closing it unlocks it."""
    if sys.platform == "win32":
        import msvcrt

        while True:
            with contextlib.suppress(OSError):  # after ten seconds
                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                return
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)


def _is(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False
