"""Claims and verdicts laid out for readers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from posixpath import basename, relpath

import numpy as np

from backprop import results
from backprop.claims.register import SOURCES, Claim, load
from backprop.claims.verdicts import (
    VERDICTS,
    Values,
    Verdict,
    judge,
)
from backprop.claims.words import number
from backprop.errors import unknown_name


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
    if claim.unit != "yes or no" and 0 < claim.resolution < 1 <= abs(claim.value):
        text = f"{claim.value:.{round(-np.log10(claim.resolution))}f}"
    return with_unit(text, claim)


def with_unit(text: str, claim: Claim) -> str:
    """Write a number with the unit of its claim; 1 and 0 as words where that is "yes or no".

    Parameters
    ----------
    text : str
        A number as `number` writes it, or a dash.
    claim : Claim
        Says the unit.

    Returns
    -------
    str
        "5.0 %", "yes".
    """
    if claim.unit == "yes or no":
        return {"1": "yes", "0": "no"}.get(text, text)
    return text if text == "–" else f"{text} {claim.unit}".strip()


def rule_in_words(claim: Claim, defaults: Mapping[str, float]) -> str:
    """Say how the verdict on a claim follows from our runs.

    Parameters
    ----------
    claim : Claim
        The claim.
    defaults : mapping of str to float
        Limits of the rules, from the register.

    Returns
    -------
    str
        A sentence or two.
    """
    runs = "our runs" + (f" in which {claim.where} is true" * bool(claim.where))
    level, close, most, half = (
        f"{100 * defaults[name]:g} %"
        for name in ("level", "close", "share_reproduced", "share_partly")
    )
    method = {"student": "Student t", "quantile": "central quantiles"}[claim.interval]
    words = {
        "exact": "reproduced if our number equals the published one, otherwise not.",
        "draw": f"(1) the published value, within its rounding, lies in the {level} prediction "
        f"interval of {runs} ({method}); (2) their median differs from it by at most {close} of "
        "it. Both: reproduced. One: partly. None: not reproduced.",
        "share": f"reproduced if the statement holds in at least {most} of {runs}, partly if in "
        f"at least {half}, otherwise not.",
        "more": f"reproduced if {claim.quantity} is larger in {claim.result} than in "
        f"{claim.against} for at least {most} of the seeds, partly if for at least {half}, "
        "otherwise not.",
        "spread": _quantiles_in_words(claim, runs),
        "narrow": _quantiles_in_words(claim, runs),
        "beside": "our number stands beside one that measures a machine of the time: no test.",
    }
    fewer = f" Fewer than {defaults['min_seeds']:g} runs: no test."
    return words[claim.rule] + fewer * (claim.rule not in ("exact", "beside"))


def _quantiles_in_words(claim: Claim, runs: str) -> str:
    side, power = ("least", 0.5) if claim.rule == "spread" else ("most", 2.0)
    full = abs(claim.value or 1.0)
    return (
        f"reproduced if the 90 % quantile of {runs}, divided by their 10 % quantile, is at {side} "
        f"{number(full)}, partly if it is at {side} {number(full**power)}, otherwise not. Runs "
        "that never got there count as infinite."
    )


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
            "ours": with_unit(v.ours, v.claim),
            "seeds": "–" if v.seeds is None else f"{v.seeds:,}",
            "verdict": v.verdict,
        }
        for v in verdicts
    ]


def counted(verdicts: list[Verdict]) -> str:
    """Count the verdicts, in words.

    Parameters
    ----------
    verdicts : list of Verdict
        From `judge_all`.

    Returns
    -------
    str
        "11 reproduced, 4 partly"; a verdict that does not occur is left out.
    """
    counts = Counter(verdict.verdict for verdict in verdicts)
    return ", ".join(f"{counts[kind]} {kind}" for kind in VERDICTS if counts[kind])


def summary(verdicts: list[Verdict]) -> list[dict[str, str]]:
    """Count the verdicts on each page, as rows of a table.

    Parameters
    ----------
    verdicts : list of Verdict
        From `judge_all`.

    Returns
    -------
    list of dict of str to str
        One row for each page, in the order of the register.
    """
    counts = Counter((v.claim.page, v.verdict) for v in verdicts)
    return [
        {
            "page": page.rpartition("/")[2].replace("-", " "),
            "claims": str(sum(counts[page, kind] for kind in VERDICTS)),
            **{kind: str(counts[page, kind]) for kind in VERDICTS},
        }
        for page in dict.fromkeys(v.claim.page for v in verdicts)
    ]


def in_full(verdicts: list[Verdict]) -> str:
    """Write each claim with where it stands, the verdict and the reason, as Markdown.

    Parameters
    ----------
    verdicts : list of Verdict
        From `judge_all`.

    Returns
    -------
    str
        One paragraph for each claim.
    """
    return "\n\n".join(
        f"**`{v.claim.id}`**: {v.claim.says} *({v.claim.place}; {SOURCES[v.claim.source]}.)* "
        f"**{v.verdict.capitalize()}**: {v.reason}. {v.claim.note}".rstrip()
        for v in verdicts
    )


def of_page(page: str) -> str:
    """Write the claims that a page tests: a table of verdicts, then each claim in full.

    Parameters
    ----------
    page : str
        Path of the page, as in the register.

    Returns
    -------
    str
        Markdown.

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
    return f"{markdown(rows(verdicts))}\n\n{in_full(verdicts)}"


def of_part(part: str) -> str:
    """Count the verdicts on each page of a part of the book, with links to the pages.

    Parameters
    ----------
    part : str
        Folder of the part in `book`, such as "pros".

    Returns
    -------
    str
        Markdown, for a page of that part.

    Raises
    ------
    UnknownName
        If no claim names a page of that part.
    """
    register = load()
    parts = {claim.page.split("/")[1] for claim in register.claims.values()}
    if part not in parts:
        raise unknown_name("part of the book", part, parts)
    named = [c for c in register.claims.values() if c.page.split("/")[1] == part]
    pages = dict.fromkeys(basename(claim.page) for claim in named)
    counted = summary([judge(claim, register) for claim in named])
    for row, page in zip(counted, pages, strict=True):
        row["page"] = f"[{row['page']}](../{part}/{page})"
    return markdown(counted)


def of_paper(paper: str, *, start: str = "book/papers") -> str:
    """Write the claims of one paper as a table: what it says, where, and what our runs say.

    Each verdict links to the page that tests the claim; what the paper is only recalled to
    say is marked.

    Parameters
    ----------
    paper : str
        Key of the paper in the bibliography, such as "rumelhart1986".
    start : str
        Folder of the page that shows the table; the links are relative to it.

    Returns
    -------
    str
        Markdown, one row for each claim in the order of the register.

    Raises
    ------
    UnknownName
        If no claim is about that paper.
    """
    register = load()
    named = [claim for claim in register.claims.values() if claim.paper == paper]
    if not named:
        raise unknown_name("paper", paper, {claim.paper for claim in register.claims.values()})
    shown = rows([judge(claim, register) for claim in named])
    return markdown(
        [
            {
                "The paper says": claim.says + (" (recalled)" * (claim.source == "recalled")),
                "Where": claim.place,
                "Verdict": f"**{row['verdict']}**; ours: {row['ours']} "
                f"([{basename(claim.page).replace('-', ' ')}]({relpath(claim.page, start)}))",
            }
            for claim, row in zip(named, shown, strict=True)
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
        "zip-train-mse": "half MSE, training",
        "zip-test-mse": "half MSE, test",
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
    # A bar inside a cell would begin a new column.
    cells = [[row[key].replace("|", "\\|") for key in head] for row in table]
    lines = [head, ["---"] * len(head), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
