"""Verdicts, computed from the recorded runs by the rules of the register."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backprop import experiments, results
from backprop.claims.register import METHODS, Claim, Register, load
from backprop.claims.words import number
from backprop.errors import ClaimError, unknown_name

REPRODUCED = "reproduced"
PARTLY = "partly"
NOT_REPRODUCED = "not reproduced"
CANNOT_BE_TESTED = "cannot be tested"
#: All four, in the order in which they are counted.
VERDICTS = (REPRODUCED, PARTLY, NOT_REPRODUCED, CANNOT_BE_TESTED)

Values = NDArray[np.floating]


@dataclass(frozen=True)
class Verdict:
    """The answer to a claim.

    Parameters
    ----------
    claim : Claim
        What is answered.
    verdict : str
        "reproduced", "partly", "not reproduced" or "cannot be tested".
    ours : str
        Our number with its spread, as text.
    seeds : int or None
        Number of runs behind it; None where no run is needed.
    reason : str
        Why, in words.
    """

    claim: Claim
    verdict: str
    ours: str
    seeds: int | None
    reason: str


def check_result(result: str, register: Register, folder: Path) -> results.Record:
    """Load recorded runs and make sure that they are what the claims are about.

    Parameters
    ----------
    result : str
        ``experiment/preset``.
    register : Register
        Says which data a result must come from.
    folder : Path
        Folder of recorded results.

    Returns
    -------
    Record
        The recorded runs.

    Raises
    ------
    ClaimError
        If the recorded configuration is not the preset's, or the data another.
    ResultsError
        If the file is missing or damaged.
    """
    record = results.load(folder, *result.split("/"))
    experiment = experiments.get(record.experiment)
    expected = results.settings(experiments.preset(experiment, record.preset))
    if record.config != expected:
        differ = [key for key in expected if record.config.get(key) != expected[key]]
        raise ClaimError(
            f"{result} was recorded with another configuration than the preset's (differs in "
            f"{', '.join(differ) or 'its fields'}). Record it again: backprop sweep "
            f"{record.experiment} --preset {record.preset}, after moving the old file away."
        )
    data = register.results[result].get("data")
    if record.data != data:
        raise ClaimError(
            f"{result} was recorded on other data (checksums {record.data}) than the register "
            f"expects ({data}). Record it again on the right data."
        )
    return record


def judge(claim: Claim, register: Register, folder: Path | None = None) -> Verdict:
    """Compute the verdict on a claim.

    Parameters
    ----------
    claim : Claim
        The claim.
    register : Register
        Where it stands.
    folder : Path, optional
        Folder of recorded results. Default: the book's own.

    Returns
    -------
    Verdict
        With our number and the reason.

    Raises
    ------
    ClaimError, ResultsError
        If the recorded runs do not belong to the claim, or cannot be read.
    """
    if claim.fact is not None:
        return _judge_exact(claim)
    folder = folder or results.default_folder()
    runs = _values(claim, claim.result, register, folder)
    if claim.rule in ("spread", "narrow"):
        return _judge_quantiles(claim, np.array(list(runs.values())), register.defaults)
    if claim.rule == "more":
        other = _values(claim, claim.against, register, folder)
        # The same seed on both sides: the pairs differ in nothing else that is random.
        runs = {seed: float(runs[seed] > other[seed]) for seed in runs.keys() & other.keys()}
    values = np.array([runs[seed] for seed in sorted(runs)], dtype=float)
    if len(values) < register.defaults["min_seeds"]:
        return _too_few(claim, values, register.defaults)
    if claim.rule == "beside":
        reason = "it measures a machine of the time; ours stands beside it"
        return Verdict(claim, CANNOT_BE_TESTED, _spread(values), len(values), reason)
    decide = _judge_draw if claim.rule == "draw" else _judge_share
    return decide(claim, values, register.defaults)


def _too_few(claim: Claim, values: Values, rules: Mapping[str, float]) -> Verdict:
    reason = f"{len(values)} runs; the rule asks for {rules['min_seeds']:g}"
    return Verdict(claim, CANNOT_BE_TESTED, "–", len(values), reason)


def _values(claim: Claim, result: str | None, register: Register, folder: Path) -> dict[int, float]:
    """Collect what the rule is applied to, by seed.

    A run that never got there does not count, but for the rules about quantiles: there it is
    infinitely far.
    """
    assert result is not None and claim.quantity is not None
    record = check_result(result, register, folder)
    values = np.array(record.column(claim.quantity), dtype=float)
    if claim.rule in ("spread", "narrow"):
        values[np.isnan(values)] = np.inf
    kept = ~np.isnan(values)
    if claim.where:
        kept &= np.array(record.column(claim.where), dtype=bool)
    return {
        seed: float(value)
        for seed, value, keep in zip(record.seeds, values, kept, strict=True)
        if keep
    }


def _spread(values: Values) -> str:
    return f"{number(float(np.median(values)))} ({number(values.min())} to {number(values.max())})"


def _judge_exact(claim: Claim) -> Verdict:
    assert claim.fact is not None
    name, quantity = claim.fact.split(".")
    facts = experiments.get(name).FACTS
    if quantity not in facts:
        raise unknown_name(f"fact of {name}", quantity, facts)
    ours = facts[quantity]()
    verdict = REPRODUCED if ours == claim.value else NOT_REPRODUCED
    return Verdict(claim, verdict, number(ours), None, "computed from the network or the data")


def prediction_interval(
    values: Values, *, level: float, method: str = "student"
) -> tuple[float, float]:
    """Interval in which one more run is expected to fall.

    Parameters
    ----------
    values : array, shape (n,)
        Results of the runs.
    level : float
        Probability that the next run falls inside.
    method : str
        "student" takes the runs as normally distributed; "quantile" takes their central
        quantiles and wants many runs.

    Returns
    -------
    low, high : float
        Ends of the interval.
    """
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    if method == "quantile":
        low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)
    from scipy.stats import t  # slow to import, and only needed here

    n = len(values)
    reach = t.ppf((1 + level) / 2, n - 1) * values.std(ddof=1) * np.sqrt(1 + 1 / n)
    return float(values.mean() - reach), float(values.mean() + reach)


def _judge_draw(claim: Claim, values: Values, rules: Mapping[str, float]) -> Verdict:
    assert claim.value is not None
    low, high = prediction_interval(values, level=rules["level"], method=claim.interval)
    rounding = claim.resolution / 2
    median = float(np.median(values))
    inside = low - rounding <= claim.value <= high + rounding
    near = abs(median - claim.value) <= rules["close"] * abs(claim.value)
    verdict = {2: REPRODUCED, 1: PARTLY, 0: NOT_REPRODUCED}[inside + near]
    side = "above" if median >= claim.value else "below"
    reason = (
        f"the published value is {'inside' if inside else 'outside'} the {rules['level']:.0%} "
        f"prediction interval {number(low)} to {number(high)}, and our median is "
        f"{abs(median / claim.value - 1):.0%} {side} it"
    )
    return Verdict(claim, verdict, _spread(values), len(values), reason)


def _judge_share(claim: Claim, values: Values, rules: Mapping[str, float]) -> Verdict:
    share = float(values.mean())
    if share >= rules["share_reproduced"]:
        verdict = REPRODUCED
    else:
        verdict = PARTLY if share >= rules["share_partly"] else NOT_REPRODUCED
    counted = "runs that learned" if claim.where else "pairs of runs" if claim.against else "runs"
    reason = f"holds in {int(values.sum())} of {len(values)} {counted}"
    return Verdict(claim, verdict, f"{share:.1%} of {counted}", len(values), reason)


def _judge_quantiles(claim: Claim, values: Values, rules: Mapping[str, float]) -> Verdict:
    assert claim.value is not None
    if len(values) < rules["min_seeds"]:
        return _too_few(claim, values, rules)
    # Quantiles that are runs, not means of two: between a run and an infinite one lies nothing.
    low, high = np.quantile(values, [0.1, 0.9], method="nearest")
    ratio = float(high / low) if np.isfinite(low) else 1.0
    wide = claim.rule == "spread"
    limits = (claim.value, claim.value**0.5) if wide else (claim.value, claim.value**2)
    met = [ratio >= limit if wide else ratio <= limit for limit in limits]
    verdict = {2: REPRODUCED, 1: PARTLY, 0: NOT_REPRODUCED}[sum(met)]
    never = int(np.isinf(values).sum())
    ends = [number(float(end)) if np.isfinite(end) else "never" for end in (low, high)]
    reason = f"a tenth of the runs is at {ends[0]} or less, a tenth at {ends[1]} or more" + (
        f"; {never} of {len(values)} never got there" if never else ""
    )
    ours = number(round(ratio, 2)) if np.isfinite(ratio) else "endless"
    return Verdict(claim, verdict, ours, len(values), reason)


def judge_all(
    path: Path | None = None, folder: Path | None = None, *, paper: str | None = None
) -> list[Verdict]:
    """Compute the verdicts on all claims, or on those of one paper, in the order of the register.

    Parameters
    ----------
    path : Path, optional
        The register.
    folder : Path, optional
        Folder of recorded results.
    paper : str, optional
        Key of a paper in the bibliography, such as ``"lecun1989"``.

    Returns
    -------
    list of Verdict
        One for each claim.
    """
    register = load(path)
    chosen = [claim for claim in register.claims.values() if paper in (None, claim.paper)]
    return [judge(claim, register, folder) for claim in chosen]
