"""Build the package: a source archive of this checkout, and a wheel from that archive.

Use: python tools/package.py [--folder FOLDER]    (default: dist)
Needs no network: everything that builds is in `.venv`.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What a clone would not have. Everything else is there, so that the archive has to choose.
NOT_COPIED = shutil.ignore_patterns(
    ".*", "_build", "build", "dist", "reproduced", "__pycache__", "*.egg-info"
)
SDIST = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"


class BuildFailed(Exception):
    """The package could not be built; the message is what the build said."""


def run(command: list[str | Path], folder: Path) -> None:
    """Run one step of a build in a folder; BuildFailed with its output if it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise BuildFailed(done.stdout)


def copy_checkout(folder: Path) -> None:
    """Copy the checkout, without what was built or installed there."""
    shutil.copytree(ROOT, folder, ignore=NOT_COPIED)


def build(source: Path, folder: Path) -> tuple[Path, Path]:
    """Build from a copy of the checkout into an empty folder; returns the archive and the wheel."""
    folder.mkdir(parents=True, exist_ok=True)
    run([sys.executable, "-c", SDIST, folder.resolve()], source)
    (archive,) = folder.glob("*.tar.gz")
    pip: list[str | Path] = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    run([*pip, "--no-build-isolation", "--no-index", "-w", ".", archive.name], folder)
    (wheel,) = folder.glob("*.whl")
    return archive, wheel


def main() -> int:
    """Build both; 1 if that failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "dist", help="where they go")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        copy_checkout(Path(scratch, "copy"))
        try:
            built = build(Path(scratch, "copy"), Path(scratch, "built"))
        except BuildFailed as error:
            print(f"error: the package could not be built.\n{error}", file=sys.stderr)
            return 1
        options.folder.mkdir(parents=True, exist_ok=True)
        for path in built:
            target = shutil.copy(path, options.folder)
            print(f"  {target}  {path.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
