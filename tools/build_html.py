"""Build the book's HTML from nothing, every warning an error.

Use: python tools/build_html.py [--cached]
With --cached, outputs come from tools/execute.py; else they are those stored in the notebooks.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
BOOK = Path(sys.executable).parent / "jupyter-book"


def main() -> int:
    """Build; returns the exit status of jupyter-book."""
    mode = "cache" if "--cached" in sys.argv[1:] else "off"
    # An incremental build shows only the warnings of changed pages: always start afresh.
    for name in ("html", ".doctrees", "jupyter_execute"):
        shutil.rmtree(BUILD / name, ignore_errors=True)
    return subprocess.run(
        [BOOK, "build", ".", "-W", "-n", "--keep-going", "-q"],
        cwd=ROOT,
        env=os.environ | {"BACKPROP_BOOK_EXECUTE": mode},
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
