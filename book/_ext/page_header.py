"""Under the title of each page: how long it takes, what it tests, on which recorded runs it rests.

All of it is computed: words are counted, terms come from the glossary, claims and equations from
the lists in `data`, the run time from the execution of the page if there was one. Which records a
page reads was noted when its notebook was executed (tools/notebooks.py).
"""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from math import ceil
from pathlib import Path
from posixpath import join, normpath

from docutils import nodes
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import backprop
from backprop import claims, equations, results

GLOSSARY = "book/glossary"
RECORDS = "recorded_results"  # in the metadata of a notebook
# Where tools/build_pdf.py puts its link, once there is a file to link to.
DOWNLOAD = '<p id="download" hidden></p>'
WORDS_A_MINUTE = 200
DISPLAYS_A_MINUTE = 4  # equations, figures and tables
PRESETS_NAMED = 4  # an experiment with more of them is summed up
NO_PROSE = (nodes.citation, nodes.literal_block, nodes.math_block, nodes.raw, nodes.comment)


def prose(node: nodes.Node) -> Iterator[str]:
    """The text of a page that one reads from beginning to end."""
    if isinstance(node, nodes.Text):
        yield node.astext()
    elif not isinstance(node, NO_PROSE) and "claim-entry" not in node["classes"]:
        for child in node.children:
            yield from prose(child)


def minutes_to_read(doctree: nodes.document) -> int:
    """Minutes, rounded up; 0 for what one looks things up in."""
    words = sum(len(text.split()) for text in prose(doctree))
    if not words or next(doctree.findall(addnodes.desc), None):
        return 0
    shown = (nodes.math_block, nodes.figure, nodes.table)
    displays = sum(isinstance(node, shown) for node in doctree.findall(nodes.Element))
    return ceil(words / WORDS_A_MINUTE + displays / DISPLAYS_A_MINUTE)


@cache
def terms(env: BuildEnvironment) -> dict[str, list[tuple[str, str]]]:
    """For each page the terms that the glossary refers to it first, with their anchors."""
    found: dict[str, list[tuple[str, str]]] = {}
    if GLOSSARY not in env.all_docs:
        return found
    for item in env.get_doctree(GLOSSARY).findall(nodes.definition_list_item):
        links = (x for x in item.findall(addnodes.pending_xref) if x["reftype"] == "doc")
        link, term = next(links, None), next(item.findall(nodes.term))
        if link:
            page = normpath(join("book", link["reftarget"]))
            found.setdefault(page, []).append((term.astext(), term["ids"][0]))
    return found


@cache
def claims_of_pages() -> Counter[str]:
    """How many claims each page tests."""
    return Counter(claim.page for claim in claims.load().claims.values())


@cache
def equations_of_pages() -> Counter[str]:
    """How many equations of each page are checked."""
    return Counter(equation.page for equation in equations.load().values())


@cache
def dates(folder: Path) -> dict[str, str]:
    """Date of the last commit of each file in a folder of a repository, by its path below it.

    Empty where there is no history to ask: in an unpacked archive, or a clone of the last commit.
    """

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else ""

    if git("rev-parse", "--is-shallow-repository").strip() != "false":
        return {}
    found: dict[str, str] = {}
    date = ""
    for line in git(
        "log", "--format=date %cs", "--name-only", "--relative", "--", "."
    ).splitlines():
        if line.startswith("date "):
            date = line.removeprefix("date ")
        elif line:
            found.setdefault(line, date)
    return found


@cache
def number_of_runs(folder: Path, name: str) -> int:
    """How many runs a record ("experiment/preset") holds."""
    return len(results.load(folder, *name.split("/")).runs)


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 seed", "1,000 seeds"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def record_lines(folder: Path, names: list[str]) -> Iterator[str]:
    """One line for each experiment: its presets and the number of their seeds."""
    for experiment, group in groupby(sorted(names), key=lambda name: name.split("/")[0]):
        seeds = {name.split("/")[1]: number_of_runs(folder, name) for name in group}
        if len(seeds) <= PRESETS_NAMED:
            presets = [f"{preset} ({counted(n, 'seed')})" for preset, n in seeds.items()]
            yield f"{experiment}: {', '.join(presets)}"
        else:
            low, high = min(seeds.values()), max(seeds.values())
            each = counted(high, "seed") if low == high else f"{low:,} to {high:,} seeds"
            yield f"{experiment}: {len(seeds)} presets ({each} each)"


def records(env: BuildEnvironment, page: str) -> list[nodes.Node]:
    """What is folded away: the recorded runs that a page reads, their number and their date."""
    names: list[str] = json.loads(env.metadata[page].get(RECORDS, "[]"))
    if not names:
        return []
    folder = results.default_folder()
    runs = sum(number_of_runs(folder, name) for name in names)
    stored = [date for name in names if (date := dates(folder).get(f"{name}.json"))]
    when = f", stored {max(stored)}" if stored else ""
    items = [nodes.list_item("", nodes.paragraph(text=x)) for x in record_lines(folder, names)]
    return [
        nodes.raw("", f"<details><summary>{counted(runs, 'recorded run')}{when}", format="html"),
        nodes.raw("", "</summary>", format="html"),
        nodes.bullet_list("", *items),
        nodes.raw("", "</details>", format="html"),
    ]


def joined(parts: list[list[nodes.Node]], separator: str) -> list[nodes.Node]:
    """Lists of nodes as one, with a separator between them."""
    found: list[nodes.Node] = []
    for part in parts:
        found += [nodes.Text(separator), *part] if found else part
    return found


def facts(app: Sphinx, doctree: nodes.document, page: str) -> nodes.paragraph:
    """The line that every page has."""
    said: list[list[nodes.Node]] = []
    minutes = minutes_to_read(doctree)
    if minutes:
        said.append([nodes.Text(f"About {counted(minutes, 'minute')} to read")])
    executed = NbMetadataCollector.get_exec_data(app.env, page) or {}
    if executed.get("runtime"):
        said.append([nodes.Text(f"runs in {ceil(executed['runtime'])} s")])
    tested = claims_of_pages()[page]
    if tested:
        words = f"tests {counted(tested, 'claim')}"
        link = nodes.reference("", words, refuri="#verdicts", internal=True)
        said.append([link if "verdicts" in doctree.ids else nodes.Text(words)])
    checked = equations_of_pages()[page]
    if checked:
        said.append([nodes.Text(f"{counted(checked, 'equation')} checked against code")])
    said.append([nodes.Text(f"version {backprop.__version__}")])
    return nodes.paragraph("", "", *joined(said, " · "))


def term_line(app: Sphinx, page: str) -> list[nodes.Node]:
    """The terms that are explained on a page, each with a link to the glossary."""
    uri = app.builder.get_relative_uri(page, GLOSSARY)
    links = [
        [nodes.reference("", term, refuri=f"{uri}#{anchor}", internal=True)]
        for term, anchor in terms(app.env).get(page, [])
    ]
    if not links:
        return []
    return [nodes.paragraph("", "", nodes.Text("Explained here: "), *joined(links, ", "))]


def add_header(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put the lines under the title of a page."""
    title = next(doctree.findall(nodes.title), None)
    if app.builder.format != "html" or title is None:
        return
    header = nodes.container(classes=["page-facts"])
    header += [facts(app, doctree, page), *term_line(app, page), *records(app.env, page)]
    if page == app.config.root_doc:
        header += nodes.raw("", DOWNLOAD, format="html")
    title.parent.insert(title.parent.index(title) + 1, header)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("doctree-resolved", add_header)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
