"""Does the compiled loop learn as well as the readable one? The test errors of both, over seeds."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import stats

from backprop import results
from backprop.errors import ResultsError
from backprop.experiments import zip_codes
from settings import Settings, digits
from timing import rounded

# Fixed before the first run: the same distribution is given up if the two-sided test of Mann and
# Whitney finds a difference at this level in either preset.
LEVEL = 0.05
PRESETS = ("gradient-descent", "pseudo-newton")


def compared(readable: Sequence[float], compiled: Sequence[float]) -> dict[str, Any]:
    """Compare test errors, in percent, of two groups of networks."""
    test = stats.mannwhitneyu(readable, compiled, alternative="two-sided")
    interval = stats.ttest_ind(compiled, readable, equal_var=False).confidence_interval(0.95)
    return {
        "networks": [len(readable), len(compiled)],
        "means": [rounded(np.mean(each)) for each in (readable, compiled)],
        "spreads": [rounded(np.std(each, ddof=1)) for each in (readable, compiled)],
        "difference": rounded(np.mean(compiled) - np.mean(readable)),
        "interval": [rounded(each) for each in interval],
        "p": rounded(test.pvalue),
        "same": bool(test.pvalue >= LEVEL),
    }


def readable_errors(preset: str) -> dict[int, float]:
    """Give the recorded test errors by seed; they were made by the readable loop."""
    record = results.load(results.default_folder(), "zip_codes", preset)
    if "numba" in record.versions:
        raise ResultsError(
            f"the recorded runs of zip_codes/{preset} were made with Numba; expected those of the "
            "readable loop. Record them again without Numba."
        )
    return {seed: run["test_error"] for seed, run in record.runs.items()}


def accuracy(settings: Settings) -> dict[str, Any]:
    """Train with the compiled loop from the seeds on record, and compare the test errors."""
    rows = {}
    for preset in PRESETS:
        recorded = dict(list(readable_errors(preset).items())[: settings.accuracy_seeds])
        config = replace(zip_codes.PRESETS[preset], passes=settings.passes)
        errors = [
            zip_codes.train(config, seed=seed, digits=digits(settings))[1][-1]["test_error"]
            for seed in recorded
        ]
        rows[preset] = compared(list(recorded.values()), errors)
    return rows
