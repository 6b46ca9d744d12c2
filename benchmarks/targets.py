"""What the project set out to reach, beside what a run measured."""

import operator
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, NamedTuple

File = Mapping[str, Any]


class Target(NamedTuple):
    """A limit for one measured quantity, fixed before the first run."""

    says: str
    unit: str
    sense: str  # "at least", "at most" or "below"
    limit: float
    goal: float | None  # better still
    value: Callable[[File], float | Mapping[str, float]]


def look(*keys: str) -> Callable[[File], Any]:
    """Follow keys into the file."""
    return lambda file: reduce(operator.getitem, keys, file)


def against_ours(name: str) -> Callable[[File], Any]:
    """How many times as long as our compiled loop something takes."""
    return look("networks", "items", name, "against_ours")


def over_the_limit(file: File) -> dict[str, float]:
    """How many times as long as its matrix products alone our compiled loop takes."""
    turned = against_ours("matrix product")(file)
    ends = {"times": "times", "lowest": "highest", "highest": "lowest"}
    return {name: float(f"{1 / turned[other]:.4g}") for name, other in ends.items()}


TARGETS = {
    "plain-loop": Target(
        "Compiled gradient descent beside the plain PyTorch loop",
        "times as fast", "at least", 40, None, against_ours("PyTorch"),
    ),
    "whole-training": Target(
        "23 passes of gradient descent, both sets evaluated after each",
        "s", "below", 10, None, look("training", "seconds"),
    ),
    "pseudo-newton": Target(
        "Compiled pseudo-Newton step beside gradient descent",
        "times as long", "at most", 1.8, None, against_ours("ours, compiled, pseudo-Newton"),
    ),
    "limit": Target(
        "Compiled gradient descent beside its arithmetic at the rate of a matrix product",
        "times as long", "at most", 8, 5, over_the_limit,
    ),
    "many-seeds": Target(
        "1,000 symmetry nets at once, 5,000 sweeps, beside a loop over single nets",
        "times as fast", "at least", 15, 30, look("seeds"),
    ),
    "memory": Target(
        "Peak memory of a sweep over 30 seeds of the 1989 network, two workers",
        "GB", "below", 1.5, None, look("memory", "peak_gigabytes"),
    ),
    "import": Target(
        "Import of the package", "s", "below", 0.25, None, look("import", "seconds"),
    ),
}  # fmt: skip


def judged(file: File) -> dict[str, dict[str, Any]]:
    """Put every target beside what was measured; None where nothing was."""
    rows = {}
    for name, target in TARGETS.items():
        try:
            found = target.value(file)
        except KeyError:
            found = None
        measured = found if isinstance(found, Mapping) else {"times": found}
        rows[name] = {
            "says": target.says,
            "unit": target.unit,
            "sense": target.sense,
            "limit": target.limit,
            "goal": target.goal,
            "measured": measured["times"],
            "lowest": measured.get("lowest"),
            "highest": measured.get("highest"),
        }
    return rows


def reached(row: Mapping[str, Any], limit: str = "limit") -> bool | None:
    """Tell whether a target (or its goal) was reached; None if nothing was measured."""
    if row["measured"] is None:
        return None
    compare = {"at least": operator.ge, "at most": operator.le, "below": operator.lt}[row["sense"]]
    return bool(compare(row["measured"], row[limit]))
