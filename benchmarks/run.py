"""Measure how fast everything is, on one thread, in one run (`make bench`).

    python benchmarks/run.py                  everything; writes data/results/benchmarks.json
    python benchmarks/run.py --only baseline  one part; prints it
    python benchmarks/run.py --quick          everything in tiny sizes, to see that it works

Peers (PyTorch, JAX) are optional: pip install "backpropagation-reproduced[bench]".
"""

import os
import sys
import tempfile

THREADS = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "TORCHINDUCTOR_COMPILE_THREADS",
)
# Compiled code of earlier runs would hide what compiling takes.
CACHES = ("NUMBA_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR")


def environment() -> dict[str, str]:
    """Variables that libraries read when they are imported."""
    return {
        **dict.fromkeys(THREADS, "1"),
        "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
        "JAX_PLATFORMS": "cpu",
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(environment())
        if "--quick" not in sys.argv:
            os.environ.update(dict.fromkeys(CACHES, folder))
        from suite import main

        main()
