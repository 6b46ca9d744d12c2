"""The claims register: what the papers say, beside what our recorded runs show.

`data/claims.yml` holds the claims and the rules; verdicts are computed here from the
recorded runs each time they are shown, and never stored.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from backprop import experiments, results
from backprop.errors import ClaimError, unknown_name

REPRODUCED = "reproduced"
PARTLY = "partly"
NOT_REPRODUCED = "not reproduced"
CANNOT_BE_TESTED = "cannot be tested"

Values = NDArray[np.floating]


@dataclass(frozen=True)
class Claim:
    """One statement of a paper and the rule that answers it; see `data/claims.yml`.

    Parameters
    ----------
    id, paper, place, says, source, page, rule : str
        As in the register.
    value : float, optional
        The published number.
    resolution : float
        Distance between two neighbouring numbers as printed; half of it is rounding.
    unit, note : str
        As in the register.
    fact : str, optional
        ``experiment.name`` of a number that needs no run.
    result, quantity : str, optional
        ``experiment/preset`` of recorded runs and the quantity in them.
    where : str, optional
        Only runs in which this quantity is true count.
    interval : str
        "student" or "quantile", for the rule "draw".
    """

    id: str
    paper: str
    place: str
    says: str
    source: str
    page: str
    rule: str
    value: float | None = None
    resolution: float = 0.0
    unit: str = ""
    note: str = ""
    fact: str | None = None
    result: str | None = None
    quantity: str | None = None
    where: str | None = None
    interval: str = "student"


@dataclass(frozen=True)
class Register:
    """All claims, the defaults of the rules and what each recorded result must carry."""

    claims: dict[str, Claim]
    defaults: dict[str, float]
    results: dict[str, dict[str, Any]]

    def __getitem__(self, name: str) -> Claim:
        """Return the claim of that id, or raise `UnknownName` with the nearest one."""
        if name not in self.claims:
            raise unknown_name("claim", name, self.claims)
        return self.claims[name]


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


def default_path() -> Path:
    """Return the register in use: ``$BACKPROP_CLAIMS``, or beside the recorded results."""
    return Path(os.environ.get("BACKPROP_CLAIMS") or results.default_folder().parent / "claims.yml")


def load(path: Path | None = None) -> Register:
    """Read the register.

    Parameters
    ----------
    path : Path, optional
        Default: `default_path`.

    Returns
    -------
    Register
        Claims by id.

    Raises
    ------
    ClaimError
        If the file is missing, no YAML, or an entry lacks something or has something unknown.
    """
    path = path or default_path()
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        claims = [Claim(**entry) for entry in content["claims"]]
        register = Register({c.id: c for c in claims}, content["defaults"], content["results"])
    except FileNotFoundError as error:
        raise ClaimError(
            f"there is no claims register at {path}; expected data/claims.yml of the book. "
            "Run from its checkout or set BACKPROP_CLAIMS."
        ) from error
    except (yaml.YAMLError, TypeError, KeyError) as error:
        raise ClaimError(
            f"the claims register {path} cannot be read ({error}); expected the fields that its "
            "head describes. Correct that entry."
        ) from error
    if len(register.claims) != len(claims):
        raise ClaimError(f"{path} has two claims with one id; give each its own.")
    for claim in claims:
        _check(claim, register)
    return register


def _check(claim: Claim, register: Register) -> None:
    """Refuse a claim that could not be judged."""
    problems = {
        "rule must be exact, draw or share": claim.rule not in ("exact", "draw", "share"),
        "needs either a fact or a result": (claim.fact is None) == (claim.result is None),
        "needs a value": claim.value is None and claim.rule != "share",
        "needs a quantity": claim.result is not None and claim.quantity is None,
        "its result is not listed under results": claim.result is not None
        and claim.result not in register.results,
    }
    for problem, present in problems.items():
        if present:
            raise ClaimError(f"claim '{claim.id}': {problem}. Correct it in the register.")


@cache
def _record(result: str, folder: Path) -> results.Record:
    experiment, preset = result.split("/")
    return results.load(folder, experiment, preset)


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
    record = _record(result, folder)
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
    assert claim.result is not None and claim.quantity is not None
    record = check_result(claim.result, register, folder or results.default_folder())
    values = np.array(record.column(claim.quantity), dtype=float)
    if claim.where:
        values = values[np.array(record.column(claim.where), dtype=bool)]
    values = values[np.isfinite(values)]
    if len(values) < register.defaults["min_seeds"]:
        reason = f"{len(values)} runs; the rule asks for {register.defaults['min_seeds']:g}"
        return Verdict(claim, CANNOT_BE_TESTED, "–", len(values), reason)
    decide = _judge_draw if claim.rule == "draw" else _judge_share
    return decide(claim, values, register.defaults)


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
    reason = (
        f"the published value is {'inside' if inside else 'outside'} the {rules['level']:.0%} "
        f"prediction interval {number(max(low, 0.0))} to {number(high)} and "
        f"{abs(median / claim.value - 1):.0%} from our median"
    )
    ours = f"{number(median)} ({number(values.min())} to {number(values.max())})"
    return Verdict(claim, verdict, ours, len(values), reason)


def _judge_share(claim: Claim, values: Values, rules: Mapping[str, float]) -> Verdict:
    share = float(values.mean())
    if share >= rules["share_reproduced"]:
        verdict = REPRODUCED
    else:
        verdict = PARTLY if share >= rules["share_partly"] else NOT_REPRODUCED
    reason = f"holds in {int(values.sum())} of {len(values)} runs"
    return Verdict(claim, verdict, f"{share:.1%} of runs", len(values), reason)


def judge_all(path: Path | None = None, folder: Path | None = None) -> list[Verdict]:
    """Compute the verdicts on all claims, in the order of the register.

    Parameters
    ----------
    path : Path, optional
        The register.
    folder : Path, optional
        Folder of recorded results.

    Returns
    -------
    list of Verdict
        One for each claim.
    """
    register = load(path)
    return [judge(claim, register, folder) for claim in register.claims.values()]


def number(value: float) -> str:
    """Write a number as the book prints numbers: three digits, integers with commas.

    Parameters
    ----------
    value : float
        Any finite number.

    Returns
    -------
    str
        "1,425", "0.14", "2.5e-3".
    """
    if value == int(value) and abs(value) >= 1:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if value and abs(value) < 0.01:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:.3g}"


def published(claim: Claim) -> str:
    """Write the paper's number with its unit, with as many digits as it printed.

    Parameters
    ----------
    claim : Claim
        The claim.

    Returns
    -------
    str
        "5.0 %", or a dash where the claim has no number.
    """
    if claim.value is None:
        return "–"
    text = number(claim.value)
    if 0 < claim.resolution < 1 <= abs(claim.value):
        text = f"{claim.value:.{round(-np.log10(claim.resolution))}f}"
    return f"{text} {claim.unit}".strip()


def rows(verdicts: list[Verdict]) -> list[dict[str, str]]:
    """Lay out verdicts as rows of a table: claim, paper, ours, seeds, verdict.

    Parameters
    ----------
    verdicts : list of Verdict
        From `judge_all`.

    Returns
    -------
    list of dict of str to str
        One row for each.
    """
    return [
        {
            "claim": v.claim.id,
            "paper": published(v.claim),
            "ours": f"{v.ours} {v.claim.unit}".strip() if v.ours != "–" else v.ours,
            "seeds": "–" if v.seeds is None else f"{v.seeds:,}",
            "verdict": v.verdict,
        }
        for v in verdicts
    ]


def of_page(page: str) -> str:
    """Write the claims that a page tests, with verdicts and reasons, as a Markdown table.

    Parameters
    ----------
    page : str
        Path of the page, as in the register.

    Returns
    -------
    str
        One row for each claim.

    Raises
    ------
    UnknownName
        If no claim names that page.
    """
    register = load()
    named = [claim for claim in register.claims.values() if claim.page == page]
    if not named:
        raise unknown_name("page", page, {claim.page for claim in register.claims.values()})
    verdicts = [judge(claim, register) for claim in named]
    return markdown(
        [
            {
                "The paper says": f"{v.claim.says} ({v.claim.place}.)",
                "Ours": row["ours"],
                "Seeds": row["seeds"],
                "Verdict": f"**{v.verdict}**",
                "Why": f"{v.reason[0].upper()}{v.reason[1:]}. {v.claim.note}".strip(),
            }
            for v, row in zip(verdicts, rows(verdicts), strict=True)
        ]
    )


def five_results(record: results.Record) -> list[tuple[Values, float, str]]:
    """Lay out the five results of the 1989 paper beside recorded runs, for a figure.

    Parameters
    ----------
    record : Record
        Runs of the zip-code experiment.

    Returns
    -------
    list of (array, float, str)
        Our values over the seeds, the published number and a label.
    """
    labels = {
        "zip-train-mse": "half mean square, training",
        "zip-test-mse": "half mean square, test",
        "zip-train-error": "wrong, training (%)",
        "zip-test-error": "wrong, test (%)",
        "zip-rejection": "rejected for 1 % error, test (%)",
    }
    register = load()
    panels = []
    for name, label in labels.items():
        claim = register[name]
        assert claim.quantity is not None and claim.value is not None
        panels.append((record.column(claim.quantity), claim.value, label))
    return panels


def markdown(table: list[dict[str, str]]) -> str:
    """Write rows as a Markdown table.

    Parameters
    ----------
    table : list of dict of str to str
        Rows with the same keys.

    Returns
    -------
    str
        The table, one line for each row.
    """
    head = list(table[0])
    lines = [head, ["---"] * len(head), *([row[key] for key in head] for row in table)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
