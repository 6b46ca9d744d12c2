"""Reading the register and refusing entries that could not be judged."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import backprop
from backprop import results
from backprop.errors import ClaimError, unknown_name

# Version of the layout of the register.
SCHEMA = 1
METHODS = ("student", "quantile")
# Rule -> what it is applied to.
RULES = {
    "exact": "fact",
    "draw": "result",
    "share": "result",
    "more": "result",
    "spread": "result",
    "narrow": "result",
    "beside": "result",
}
# How we know what a paper says.
SOURCES = {
    "seen": "seen in a transcription or scan",
    "quoted": "quoted by somebody who had the paper",
    "recalled": "recalled",
    "book": "the book's own statement",
}


@dataclass(frozen=True)
class Claim:
    """One statement of a paper, or of this book, and the rule for it; see `data/claims.yml`.

    Parameters
    ----------
    id, paper, place, says, source, page, rule : str
        As in the register.
    value : float, optional
        The published number.
    resolution : float
        Distance between two neighbouring numbers as printed; half of it is rounding.
    unit, note : str
        As in the register. With the unit "yes or no" 1 stands for yes.
    fact : str, optional
        ``experiment.name`` of a number that needs no run.
    result, quantity : str, optional
        ``experiment/preset`` of recorded runs and the quantity in them.
    where : str, optional
        Only runs in which this quantity is true count.
    against : str, optional
        Other recorded runs, for the rule "more".
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
    against: str | None = None
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
        If the file is missing, no YAML, of another layout, or an entry lacks something or has
        something unknown.
    """
    path = path or default_path()
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        _check_schema(content, path)
        claims = [Claim(**entry) for entry in content["claims"]]
        register = Register({c.id: c for c in claims}, content["defaults"], content["results"])
    except FileNotFoundError as error:
        raise ClaimError(
            f"there is no claims register at {path}; expected data/claims.yml of the book. "
            "Run from its checkout or set BACKPROP_CLAIMS."
        ) from error
    except (OSError, yaml.YAMLError, TypeError, KeyError, ValueError, AttributeError) as error:
        raise ClaimError(
            f"the claims register {path} cannot be read ({error}); expected the fields that its "
            "head describes. Correct that entry."
        ) from error
    if len(register.claims) != len(claims):
        raise ClaimError(f"{path} has two claims with one id; give each its own.")
    for claim in claims:
        _check(claim, register)
    return register


def _check_schema(content: dict[str, Any], path: Path) -> None:
    """Refuse a register of a layout that is not known here."""
    if content.get("schema") != SCHEMA:
        raise ClaimError(
            f"the claims register {path} has schema {content.get('schema')!r}; backprop "
            f"{backprop.__version__} reads schema {SCHEMA} only. Use the version of backprop that "
            "the register came with, or the register that came with this one."
        )


def _check(claim: Claim, register: Register) -> None:
    """Refuse a claim that could not be judged."""
    problems = {
        "needs either a fact or a result": (claim.fact is None) == (claim.result is None),
        f"rule must be one of {', '.join(RULES)}": claim.rule not in RULES,
        "interval must be student or quantile": claim.interval not in METHODS,
        f"source must be one of {', '.join(SOURCES)}": claim.source not in SOURCES,
        "a fact goes with the rule exact, a result with the others": (claim.fact is None)
        == (RULES.get(claim.rule) == "fact"),
        "value must be a number other than 0": claim.value is not None
        and (not isinstance(claim.value, int | float) or claim.value == 0),
        "needs a value": claim.value is None and claim.rule not in ("share", "more"),
        "needs a quantity": claim.result is not None and claim.quantity is None,
        "its result is not listed under results": claim.result is not None
        and claim.result not in register.results,
        "the rule more, and only it, needs `against`": (claim.rule == "more")
        == (claim.against is None),
        "what it is compared with is not listed under results": claim.against is not None
        and claim.against not in register.results,
    }
    for problem, present in problems.items():
        if present:
            raise ClaimError(f"claim '{claim.id}': {problem}. Correct it in the register.")
