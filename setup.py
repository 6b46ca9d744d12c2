"""Build as pyproject.toml says, and give the package its own copy of the book's data.

In a checkout, claims, equations and recorded results are edited and read in data/. An installed
package reads its copy.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

DATA = Path("data")
PATTERNS = ("claims.yml", "equations.yml", "results/**/*.json", "results/**/*.npz")


class BuildWithData(build_py):
    """Copies the files of `data/` that the package reads to `backprop/_data`."""

    def run(self) -> None:
        """Build the package, then copy; an editable install reads the checkout."""
        super().run()
        if self.editable_mode:
            return
        for path in (found for pattern in PATTERNS for found in sorted(DATA.glob(pattern))):
            target = Path(self.build_lib, "backprop", "_data", path.relative_to(DATA))
            self.mkpath(str(target.parent))
            self.copy_file(str(path), str(target))


setup(cmdclass={"build_py": BuildWithData})
