"""How to cite one result of this book: plain text, BibTeX, and the recorded runs behind it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import backprop
from backprop import claims, results
from backprop._about import AUTHORS, DOI, RELEASED, TITLE, URL
from backprop.claims import SOURCES, Claim, Register, Verdict

__all__ = [
    "PAGE",
    "PAPERS",
    "Source",
    "all_sources",
    "anchor",
    "as_bibtex",
    "as_text",
    "page_of",
    "paper_of",
    "ranges",
    "runs_csv",
    "sources",
]

# The page of the book that shows every claim in full.
PAGE = "book/appendix/claims"
# Key in the bibliography -> how the work is named in a citation.
PAPERS = {
    "rumelhart1986": "Rumelhart, Hinton and Williams 1986, doi:10.1038/323533a0",
    "lecun1989": "LeCun et al. 1989, doi:10.1162/neco.1989.1.4.541",
    "pdp1986": "Rumelhart, Hinton and Williams 1986, Parallel Distributed Processing",
    "hinton1986": "Hinton 1986",
    "kolen1991": "Kolen and Pollack 1991",
}
_SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        **{sign: f"\\{sign}" for sign in "{}$&#_%"},
    }
)


@dataclass(frozen=True)
class Source:
    """Recorded runs that answer a claim.

    Parameters
    ----------
    record : Record
        The runs.
    path : Path
        Their file.
    sha256 : str
        Checksum of that file.
    """

    record: results.Record
    path: Path
    sha256: str

    @property
    def file(self) -> str:
        """Path of the file in the repository of the book."""
        return f"data/results/{self.record.experiment}/{self.path.name}"


def sources(claim: Claim, folder: Path | None = None) -> list[Source]:
    """Find the recorded runs that answer a claim.

    Parameters
    ----------
    claim : Claim
        The claim.
    folder : Path, optional
        Folder of recorded results. Default: the book's own.

    Returns
    -------
    list of Source
        None if the number needs no run, two if runs are compared with other runs.

    Raises
    ------
    ResultsError
        If a record is missing or damaged.
    """
    return [_source(name, folder) for name in (claim.result, claim.against) if name]


def _source(name: str, folder: Path | None) -> Source:
    folder = folder or results.default_folder()
    record = results.load(folder, *name.split("/"))
    path = results.record_path(folder, record.experiment, record.preset)
    return Source(record, path, results.sha256_file(path))


def all_sources(register: Register) -> list[Source]:
    """Find the recorded runs that answer any claim of a register.

    Parameters
    ----------
    register : Register
        The claims.

    Returns
    -------
    list of Source
        Each once.
    """
    named = ((claim.result, claim.against) for claim in register.claims.values())
    return [_source(name, None) for name in dict.fromkeys(chain.from_iterable(named)) if name]


def anchor(name: str) -> str:
    """Return the permanent anchor of a claim on the page of all claims.

    Parameters
    ----------
    name : str
        Id of the claim.

    Returns
    -------
    str
        "claim-zip-test-error".
    """
    return f"claim-{name}"


def page_of(name: str) -> str:
    """Return where a claim stands in the book: an address if the book has one, else a path.

    Parameters
    ----------
    name : str
        Id of the claim.

    Returns
    -------
    str
        Of the version that is in use.
    """
    path = f"{PAGE}.html#{anchor(name)}"
    # Each version has a folder of its own on the site (tools/versions.py).
    folder = backprop.__version__ if RELEASED else "dev"
    return f"{URL.rstrip('/')}/{folder}/{path}" if URL else path


def paper_of(claim: Claim) -> str:
    """Name the work that a claim is about, the place in it, and how we know what it says.

    Parameters
    ----------
    claim : Claim
        The claim.

    Returns
    -------
    str
        "LeCun et al. 1989, doi:10.1162/neco.1989.1.4.541; Section 5; recalled".
    """
    if claim.source == "book":
        return f"{SOURCES[claim.source]}; {claim.place}"
    return f"{PAPERS.get(claim.paper, claim.paper)}; {claim.place}; {SOURCES[claim.source]}"


def ranges(numbers: Iterable[int]) -> str:
    """Write ascending integers briefly.

    Parameters
    ----------
    numbers : iterable of int
        Such as the seeds of a record.

    Returns
    -------
    str
        "0 to 9, 12".
    """
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(f"{low}" if low == high else f"{low} to {high}" for low, high in spans)


def as_text(verdict: Verdict, found: list[Source]) -> str:
    """Write a citation of one result in plain text.

    Parameters
    ----------
    verdict : Verdict
        The answer to the claim.
    found : list of Source
        From `sources`.

    Returns
    -------
    str
        Several lines.
    """
    claim = verdict.claim
    authors = "; ".join(AUTHORS).replace("{", "").replace("}", "")
    lines = [
        f"{authors}{f' ({_year()})' if _year() else ''}. {TITLE}, {_version()}. "
        f"Claim {claim.id}, {page_of(claim.id)}{f', doi:{DOI}' if DOI else ''}.",
        f"Claim: {claim.says} ({paper_of(claim)}.)",
        _outcome(verdict),
    ]
    if found:
        lines.append(_measured(claim))
    for source in found:
        record = source.record
        lines += [
            f"Runs: {_runs(source)}",
            f"Settings: {json.dumps(record.config)}",
            f"Made with: {', '.join(f'{name} {has}' for name, has in record.versions.items())}",
            f"Data: {_data(record)}",
        ]
    if not found:
        lines.append(f"Runs: none needed; {claim.fact} is computed from the network or the data.")
    return "\n".join(lines) + "\n"


def as_bibtex(verdict: Verdict, found: list[Source]) -> str:
    """Write a citation of one result as a BibTeX entry.

    Parameters
    ----------
    verdict : Verdict
        The answer to the claim.
    found : list of Source
        From `sources`.

    Returns
    -------
    str
        An entry of the type misc, which every style knows. The settings are in the field
        `annote`, which no common style prints.
    """
    claim = verdict.claim
    note = [f"{_version().capitalize()}, claim {claim.id} ({paper_of(claim)})", _outcome(verdict)]
    if found:
        note.append(_measured(claim))
    for source in found:
        note += [f"Runs: {_runs(source)}", f"Data: {_data(source.record)}"]
    settings = [f"{s.file}: {json.dumps(s.record.config)}" for s in found]
    fields = {
        "author": " and ".join(AUTHORS),
        "title": f"{{{_escaped(TITLE)}}}: claim {claim.id}",
        "year": _year(),
        "version": backprop.__version__,
        "doi": DOI,
        "url": page_of(claim.id) if URL else None,
        "note": _escaped(". ".join(part.rstrip(".") for part in note)),
        "annote": _escaped("; ".join(settings)),
    }
    lines = [f"  {name:7s} = {{{value}}}" for name, value in fields.items() if value]
    return f"@misc{{backpropagation-reproduced-{claim.id},\n" + ",\n".join(lines) + "\n}\n"


def _version() -> str:
    return f"version {backprop.__version__}" + ("" if RELEASED else " (not yet released)")


def _year() -> str | None:
    return RELEASED[:4] if RELEASED else None


def _outcome(verdict: Verdict) -> str:
    row = claims.rows([verdict])[0]
    value = f"Published: {row['paper']}. " if verdict.claim.value is not None else ""
    seeds = "" if verdict.seeds is None else f", over {verdict.seeds:,} runs"
    return f"{value}Ours: {row['ours']}{seeds}. Verdict: {verdict.verdict}."


def _measured(claim: Claim) -> str:
    where = f", in runs with {claim.where}" if claim.where else ""
    against = ", compared seed by seed" if claim.against else ""
    return f"Quantity in the runs: {claim.quantity}{where}{against}."


def _runs(source: Source) -> str:
    record = source.record
    return (
        f"{record.experiment}, preset {record.preset}, seeds {ranges(record.seeds)}; file "
        f"{source.file}, SHA-256 {source.sha256}."
    )


def _data(record: results.Record) -> str:
    if not record.data:
        return "no data file."
    return "; ".join(f"{name}, SHA-256 {digest}" for name, digest in record.data.items()) + "."


def _escaped(text: str) -> str:
    return text.translate(_SPECIAL)


def runs_csv(record: results.Record) -> str:
    """Write recorded runs as a table, one line for each seed.

    Parameters
    ----------
    record : Record
        The runs.

    Returns
    -------
    str
        Comma-separated values with a head. Only quantities that are one number, word or truth
        value in every run have a column; what is missing is empty.
    """
    quantities = dict.fromkeys(name for run in record.runs.values() for name in run)
    columns = [
        name
        for name in quantities
        if not any(isinstance(run.get(name), list | dict) for run in record.runs.values())
    ]
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    table.writerow(["seed", *columns])
    for seed in record.seeds:
        table.writerow([seed, *(_cell(record.runs[seed].get(name)) for name in columns)])
    return file.getvalue()


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
