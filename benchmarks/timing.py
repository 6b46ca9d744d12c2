"""Time competitors in turn, compare them, and fit how a cost grows."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats


class Competitor(NamedTuple):
    """Something that trains: what one call does, and how much that is."""

    run: Callable[[], object]
    presentations: float  # in one call
    operations: float  # floating-point operations of a presentation
    may_fail: bool = False


def timed(function: Callable[[], object]) -> tuple[float, float]:
    """Seconds of a call, and how many cores it kept busy."""
    cpu, wall = time.process_time(), time.perf_counter()
    function()
    wall = time.perf_counter() - wall
    return wall, (time.process_time() - cpu) / wall


def in_turn(
    functions: Mapping[str, Callable[[], object]], repeats: int
) -> dict[str, list[tuple[float, float]]]:
    """Call all functions, again and again, so that noise of the machine hits each of them."""
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            measured[name].append(timed(function))
    return measured


def first_calls(
    competitors: Mapping[str, Competitor],
) -> tuple[dict[str, float], dict[str, str]]:
    """Call each once, so that what is to be compiled is; return seconds, and who failed and why."""
    seconds, failed = {}, {}
    for name, each in competitors.items():
        try:
            seconds[name] = timed(each.run)[0]
        except Exception as error:  # whatever a compiler has to say: the others go on
            if not each.may_fail:
                raise
            failed[name] = f"failed with {type(error).__name__}: {str(error).strip()[:200]}"
    return seconds, failed


def contest(
    competitors: Mapping[str, Competitor], *, cases: int, repeats: int
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Time competitors in turn; return what was measured, and who failed and why.

    A pass is through so many `cases`.
    """
    first, failed = first_calls(competitors)
    measured = in_turn({name: competitors[name].run for name in first}, repeats)
    items = {}
    for name, rounds in measured.items():
        _, presentations, operations, _ = competitors[name]
        seconds, cores = np.array(rounds).T
        a_pass = seconds / presentations * cases
        items[name] = {
            "presentations": rounded(presentations),
            "first_seconds": rounded(first[name]),
            "seconds_per_pass": rounded(a_pass.min()),
            "repeats": [rounded(each) for each in a_pass],
            "operations_per_second": rounded(operations * cases / a_pass.min()),
            "cores": round(float(cores.max()), 2),
        }
    return items, failed


def ratio(above: Mapping[str, Any], below: Mapping[str, Any]) -> dict[str, float]:
    """How many times as long one item takes as another: of the shortest, and over the rounds."""
    rounds = np.divide(above["repeats"], below["repeats"])
    return {
        "times": rounded(above["seconds_per_pass"] / below["seconds_per_pass"]),
        "lowest": rounded(rounds.min()),
        "highest": rounded(rounds.max()),
    }


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> dict[str, float]:
    """Fit ``seconds ~ sizes ** exponent``, a line on logarithmic axes."""
    fit = stats.linregress(np.log(sizes), np.log(seconds))
    return {
        "from": sizes[0],
        "to": sizes[-1],
        "exponent": round(float(fit.slope), 3),
        "error": round(float(fit.stderr), 3),
        "factor": rounded(np.exp(fit.intercept)),
    }


def rounded(value: float) -> float:
    """Four digits: more would be noise."""
    return float(f"{value:.4g}")
