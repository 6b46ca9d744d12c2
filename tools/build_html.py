"""Build the book's HTML from nothing, every warning an error.

Use: python tools/build_html.py [--cached] [--folder FOLDER]
With --cached, outputs come from tools/execute.py; else they are those stored in the notebooks.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BOOK = Path(sys.executable).parent / "jupyter-book"


def main() -> int:
    """Build; returns the exit status of jupyter-book."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cached", action="store_true", help="outputs of tools/execute.py")
    parser.add_argument(
        "--folder", type=Path, default=ROOT, help="the book goes into FOLDER/_build/html"
    )
    options = parser.parse_args()
    # An incremental build shows only the warnings of changed pages: always start afresh.
    for name in ("html", ".doctrees", "jupyter_execute"):
        shutil.rmtree(options.folder / "_build" / name, ignore_errors=True)
    where = ["--path-output", options.folder]
    return subprocess.run(
        [BOOK, "build", ".", "-W", "-n", "--keep-going", "-q", *where],
        cwd=ROOT,
        env=os.environ | {"BACKPROP_BOOK_EXECUTE": "cache" if options.cached else "off"},
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
