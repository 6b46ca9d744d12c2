"""The equations of the book: on which page each is, which code computes it, what checks it.

`data/equations.yml` lists them. The book links each displayed equation to its code with it, and
the tests make sure that pages, docstrings and the list agree.
"""

from __future__ import annotations

import importlib
import inspect
import os
import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from backprop import claims, results
from backprop.errors import ClaimError, unknown_name

CHECKS = ("symbolic", "numeric")
# "Eqs. 5, 6 and 7 of Rumelhart et al. 1986", and "eq-path-sum of the book".
_OF_A_PAPER = re.compile(r"\bEqs?\. ([0-9, andto]*[0-9]) of ([A-Z][\w.&, ]*? [0-9]{4})")
_OF_THE_BOOK = re.compile(r"\b((?:eq-[\w-]+(?:, | and )?)+) of the book")


@dataclass(frozen=True)
class Equation:
    """One displayed equation; see `data/equations.yml`.

    Parameters
    ----------
    label, page, says, check, test : str
        As in the list.
    code : list of str
        Full names of what computes it.
    paper : str
        Its number in a paper, such as "Eq. 1 of Rumelhart et al. 1986"; empty if it has none.
    """

    label: str
    page: str
    says: str
    code: list[str]
    check: str
    test: str
    paper: str = ""


def default_path() -> Path:
    """Return the list in use: ``$BACKPROP_EQUATIONS``, or beside the claims register."""
    given = os.environ.get("BACKPROP_EQUATIONS")
    return Path(given) if given else results.default_folder().parent / "equations.yml"


def load(path: Path | None = None) -> dict[str, Equation]:
    """Read the list of equations.

    Parameters
    ----------
    path : Path, optional
        Default: `default_path`.

    Returns
    -------
    dict of str to Equation
        By label, in the order of the list.

    Raises
    ------
    ClaimError
        If the file is missing, no YAML, or an entry lacks something or has something unknown.
    """
    path = path or default_path()
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        entries = [Equation(**entry) for entry in content["equations"]]
    except (OSError, yaml.YAMLError, TypeError, KeyError) as error:
        raise ClaimError(
            f"the list of equations {path} cannot be read ({error}); expected the fields that its "
            "head describes. Correct that entry."
        ) from error
    equations = {entry.label: entry for entry in entries}
    if len(equations) != len(entries):
        raise ClaimError(f"{path} has two equations with one label; give each its own.")
    for entry in entries:
        if entry.check not in CHECKS or not entry.code:
            raise ClaimError(
                f"equation '{entry.label}' has check '{entry.check}' and {len(entry.code)} names "
                f"of code; expected {' or '.join(CHECKS)}, and at least one name. Correct it."
            )
    return equations


def find(name: str) -> tuple[Any, ModuleType]:
    """Find what a full name stands for.

    Parameters
    ----------
    name : str
        Such as "backprop.layers.dense.Dense.forward".

    Returns
    -------
    found : object
        The function, method or constant.
    module : module
        Where it is.

    Raises
    ------
    UnknownName
        If there is nothing of that name; the message holds the nearest one.
    """
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        found: Any = module
        for part in parts[length:]:
            if not hasattr(found, part):
                raise unknown_name(f"name in {module.__name__}", part, dir(found))
            found = getattr(found, part)
        return found, module
    raise unknown_name("module", name, ["backprop"])


def named_in(text: str) -> set[str]:
    """List the equations that a text names: labels, and numbers of papers.

    Parameters
    ----------
    text : str
        A docstring, or the text of a module.

    Returns
    -------
    set of str
        "eq-path-sum", "Eq. 5 of Rumelhart et al. 1986".
    """
    text = " ".join(text.replace("#", " ").split())
    named = {
        label for found in _OF_THE_BOOK.findall(text) for label in re.findall(r"eq-[\w-]+", found)
    }
    for numbers, paper in _OF_A_PAPER.findall(text):
        for first, last in re.findall(r"([0-9]+)(?: to ([0-9]+))?", numbers):
            span = range(int(first), int(last or first) + 1)
            named |= {f"Eq. {number} of {paper}" for number in span}
    return named


def documentation(name: str) -> str:
    """Return what says something of a full name: its docstring, or for a constant its module.

    Parameters
    ----------
    name : str
        As for `find`.

    Returns
    -------
    str
        Text.
    """
    found, module = find(name)
    if inspect.isroutine(found) or inspect.isclass(found):
        return inspect.getdoc(found) or ""
    return inspect.getsource(module)


def short(name: str) -> str:
    """Return the last part of a full name, with its class if it has one: "Dense.forward"."""
    *_, owner, last = name.split(".")
    return f"{owner}.{last}" if owner[:1].isupper() else last


def table(equations: dict[str, Equation]) -> str:
    """Lay out equations with their code and their checks, as Markdown for a page of the book.

    Parameters
    ----------
    equations : dict of str to Equation
        From `load`.

    Returns
    -------
    str
        One row for each; numbers and names are links.
    """
    return claims.markdown(
        [
            {
                "Equation": f"{{eq}}`{e.label}`",
                "What it says": e.says + (f" ({e.paper})" if e.paper else ""),
                "Code": ", ".join(f"{{py:obj}}`{short(name)} <{name}>`" for name in e.code),
                "Check": f"{e.check}: `{e.test.rpartition('::')[2]}`",
            }
            for e in equations.values()
        ]
    )
