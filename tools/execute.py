"""Execute every notebook of the book into an empty cache, in parallel, with visible progress.

The book build then takes the outputs and the times from this cache (`make book`).
"""

import os
import sys
import time

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn

from notebooks import ROOT, NotebookFailed, find, in_parallel, name_of, run

CACHE = ROOT / "_build" / ".jupyter_cache"


def main() -> int:
    """Execute the book's notebooks; 1 if one of them failed."""
    paths = find(ROOT / "book")
    jobs = min(len(paths), os.cpu_count() or 1)
    if not paths:
        return 0
    cache = get_cache(str(CACHE))
    cache.change_cache_limit(max(1000, len(paths)))
    began = time.monotonic()
    print(f"Executing {len(paths)} notebooks, {jobs} at a time", flush=True)

    failures = 0
    for done, (path, future) in enumerate(in_parallel(run, paths, jobs), start=1):
        try:
            notebook, seconds = future.result()
        except NotebookFailed as error:
            failures += 1
            print(f"error: {error}", file=sys.stderr, flush=True)
            continue
        cache.cache_notebook_bundle(
            CacheBundleIn(notebook, str(path), data={"execution_seconds": seconds}),
            check_validity=False,
            overwrite=True,
        )
        print(f"  {done:2d} of {len(paths)}  {name_of(path):45s} {seconds:6.1f} s", flush=True)
    if failures:
        print(
            f"error: {failures} of {len(paths)} notebooks failed; no book was built.",
            file=sys.stderr,
        )
        return 1
    print(f"Executed in {time.monotonic() - began:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
