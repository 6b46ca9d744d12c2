"""Execute the notebooks of the book as a launch or a download would: from the built package.

Each runs in its form for launches, in an environment of its own with the package installed from
the wheel, in a folder outside the checkout, without the zip-code digits and without a network.

Use: python tools/launches.py [--install] [PAGE ...]    (default: all pages)
With --install the other packages too are installed afresh, by the package's own requirements;
without it they are those of `.venv`.
"""

import argparse
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

import package
import run_alone
from notebooks import ROOT, in_parallel

# Run by the environment's own Python, which then starts itself as the kernel.
EXECUTE = """
import sys
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
notebook = nbformat.read(sys.argv[1], as_version=4)
try:
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
except CellExecutionError as error:
    sys.exit(str(error))
"""


class PageFailed(Exception):
    """A page did not run; the message is what it said."""


def program(environment: Path, name: str = "python") -> Path:
    """A command of a virtual environment."""
    return environment / "bin" / name


def empty_environment(folder: Path, *, borrow: bool = True) -> Path:
    """Make a virtual environment, with the packages of this one if wanted; returns its folder.

    They are read as a folder of modules, so that the checkout, which is installed there too, is
    not seen.
    """
    package.run([sys.executable, "-m", "venv", "--without-pip", folder], ROOT)
    if borrow:
        (site,) = folder.glob("lib/python*/site-packages")
        others = sysconfig.get_paths()["purelib"]
        (site / "other-packages.pth").write_text(others + "\n", encoding="utf-8")
    return folder


def make_environment(folder: Path, wheel: Path, *, install: bool = False) -> Path:
    """Make a virtual environment with the package from a wheel; returns its folder.

    The other packages are those of this environment, unless they are to be installed.
    """
    empty_environment(folder, borrow=not install)
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", program(folder), "install"]
    alone = ["--no-index", "--no-deps", "--ignore-installed"]
    what = f"{wheel}[{run_alone.EXTRA}]" if install else wheel
    package.run([*pip, "--quiet", *([] if install else alone), what], ROOT)
    return folder


def surroundings(home: Path) -> dict[str, str]:
    """Environment variables of a machine that knows nothing of the checkout and the digits."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BACKPROP_", "PYTHON", "XDG_", "COV_"))
    }
    return kept | {"HOME": str(home), "BACKPROP_OFFLINE": "1"}


def execute(environment: Path, notebook: Path, home: Path, **variables: str) -> None:
    """Execute one notebook in an environment; PageFailed with what it said if it fails."""
    done = subprocess.run(
        [program(environment), "-c", EXECUTE, notebook],
        cwd=notebook.parent,
        env=surroundings(home) | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise PageFailed(done.stderr)


def prepare(folder: Path, *, install: bool) -> tuple[Path, dict[str, Path]]:
    """Build all that is needed in a folder; returns the environment, and the copy of each page."""
    package.copy_checkout(folder / "copy")
    _, wheel = package.build(folder / "copy", folder / "built")
    environment = make_environment(folder / "venv", wheel, install=install)
    (folder / "home").mkdir()
    launch = folder / "launch"
    copies = run_alone.write_copies(launch, run_alone.published())
    return environment, {
        path.relative_to(launch).with_suffix("").as_posix(): path for path in copies
    }


def main() -> int:
    """Execute the pages named, or all; 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="*", help="such as book/reproductions/symmetry")
    parser.add_argument("--install", action="store_true", help="install all packages afresh")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        environment, copies = prepare(folder, install=options.install)
        if unknown := set(options.pages) - copies.keys():
            parser.error(f"there is no page {', '.join(sorted(unknown))}")
        wanted = [copies[page] for page in options.pages or copies]

        def timed(notebook: Path) -> float:
            began = time.monotonic()
            execute(environment, notebook, folder / "home")
            return time.monotonic() - began

        failures = 0
        for path, future in in_parallel(timed, wanted, options.jobs):
            page = path.relative_to(folder / "launch").with_suffix("")
            try:
                print(f"  {page!s:45s} {future.result():6.1f} s", flush=True)
            except PageFailed as error:
                failures += 1
                print(f"error: {page} does not run alone.\n{error}", file=sys.stderr)
    print(f"{len(wanted) - failures} of {len(wanted)} pages ran alone")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
