"""Say in plain words what `make book` made: where, how long each page took, and the verdicts."""

import subprocess
import sys
from pathlib import Path

from jupyter_cache import get_cache

from execute import CACHE
from notebooks import ROOT, name_of

HTML = ROOT / "_build" / "html" / "index.html"


def seconds_by_page() -> dict[str, float]:
    """Measured run time of each executed page, from the cache that the build used."""
    records = get_cache(str(CACHE)).list_cache_records()
    return {name_of(Path(r.uri)): float(r.data["execution_seconds"]) for r in records}


def main() -> int:
    """Print the report; its exit status is that of the claims."""
    times = seconds_by_page()
    print("\nTime to execute each page")
    for page, seconds in sorted(times.items(), key=lambda item: -item[1]):
        print(f"  {page:45s} {seconds:6.1f} s")
    print("\nWhat the papers claim, and what came out", flush=True)
    status = subprocess.run([Path(sys.executable).parent / "backprop", "claims"]).returncode
    print(f"\nThe book is ready: open {HTML.relative_to(ROOT)} in a browser.")
    return status


if __name__ == "__main__":
    sys.exit(main())
