"""Choose versions anew: write requirements.lock from pyproject.toml, and environment.yml from it.

Use: python tools/lock.py [--keep]    (--keep: only write environment.yml from the present lock)
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
ENVIRONMENT = ROOT / "environment.yml"
PYTHON = "3.11"  # the lowest Python that the project supports, and the one in environment.yml
PINNED = re.compile(r"^([A-Za-z0-9][^ ;\\]*==[^ ;\\]+)\s*(;[^\\]*)?", re.MULTILINE)
LOCK_HEADER = """\
# Every package of the project, its book and its tests: exact versions with checksums.
# Made from pyproject.toml by 'make lock'; do not edit.
"""
ENVIRONMENT_HEADER = f"""\
# The same versions as requirements.lock, for conda and Binder.
# Made from requirements.lock by 'make lock'; do not edit.
name: backpropagation-reproduced
channels:
  - conda-forge
dependencies:
  - python={PYTHON}
  - pip
  - pip:
"""


def locked(text: str) -> list[Requirement]:
    """The pinned requirements of a lock file, without their checksums."""
    return [Requirement((m[1] + (m[2] or "")).strip()) for m in PINNED.finditer(text)]


def environment(requirements: list[Requirement]) -> str:
    """The text of environment.yml for the pinned requirements of the lock."""
    lines = [f'      - "{str(r).replace(chr(34), chr(39))}"\n' for r in requirements]
    return ENVIRONMENT_HEADER + "".join(lines) + "      - -e .\n"


def extras() -> list[str]:
    """Names of the extras that are locked: all but the peers of the benchmarks."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [name for name in project["optional-dependencies"] if name != "bench"]


def compile_lock() -> str:
    """Ask uv for one version of each package that fits every supported Python."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "requirements.lock"
        options = ["--universal", "--fork-strategy", "fewest", "--python-version", PYTHON]
        options += ["--generate-hashes", "--only-binary", ":all:"]
        options += [f"--extra={name}" for name in extras()]
        options += ["--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate"]
        command = [sys.executable, "-m", "uv", "--no-config", "--quiet", "pip", "compile"]
        subprocess.run([*command, *options, "pyproject.toml", "-o", output], cwd=ROOT, check=True)
        return LOCK_HEADER + output.read_text(encoding="utf-8")


def main() -> int:
    """Write both files."""
    if "--keep" not in sys.argv[1:]:
        LOCK.write_text(compile_lock(), encoding="utf-8")
    text = LOCK.read_text(encoding="utf-8")
    ENVIRONMENT.write_text(environment(locked(text)), encoding="utf-8")
    print(f"{LOCK.name} and {ENVIRONMENT.name}: {len(locked(text))} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
