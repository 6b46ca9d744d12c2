"""Run every check of the project one after the other, and sum up at the end (`make test`).

All checks run even if an early one fails, so that one run shows everything that is wrong.
"""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
# Not the reader's own copy in _build/html, which `make book` may have executed.
CHECKED = ROOT / "_build" / "checked"
SOURCES = ["src", "tests", "tools", "book", "benchmarks", "setup.py"]
NBVAL = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=300", "--dist", "loadscope"]

Step = tuple[str, list[str | Path]]
LINT: list[Step] = [
    ("Code style", [BIN / "ruff", "check", *SOURCES]),
    ("Code layout", [BIN / "ruff", "format", "--check", *SOURCES]),
    ("Types", [BIN / "mypy"]),
]
# The two runs of pytest come last: their closing lines stand right above the summary.
TEST: list[Step] = [
    *LINT,
    ("Claims against recorded results", [BIN / "backprop", "claims"]),
    (
        "Book from stored outputs",
        [sys.executable, ROOT / "tools" / "build_html.py", "--folder", CHECKED],
    ),
    (
        "Built pages",
        [sys.executable, ROOT / "tools" / "check_html.py", CHECKED / "_build" / "html"],
    ),
    ("Stored outputs against fresh ones", [BIN / "pytest", *NBVAL, "-n", "2", "book"]),
    ("Tests", [BIN / "pytest", "-n", "2", "--cov", "--cov-report=term", "tests"]),
]


def run(step: Step) -> tuple[bool, float]:
    """Run one check; returns whether it passed, and the seconds."""
    heading, command = step
    print(f"\n== {heading} ==", flush=True)
    began = time.monotonic()
    passed = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL).returncode == 0
    seconds = time.monotonic() - began
    print(f"-- {heading}: {'passed' if passed else 'FAILED'} in {seconds:.0f} s", flush=True)
    return passed, seconds


def main() -> int:
    """Run all checks (or, with the word lint, the first three); 1 if any failed."""
    steps = LINT if sys.argv[1:] == ["lint"] else TEST
    results = {step[0]: run(step) for step in steps}
    print("\n== Summary ==")
    for heading, (passed, seconds) in results.items():
        print(f"{'passed' if passed else 'FAILED'}  {seconds:4.0f} s  {heading}")
    failed = [heading for heading, (passed, _) in results.items() if not passed]
    total = sum(seconds for _, seconds in results.values())
    if failed:
        print(
            f"{len(failed)} of {len(results)} checks failed in {total:.0f} s: {', '.join(failed)}"
        )
        return 1
    print(f"All {len(results)} checks passed in {total:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
