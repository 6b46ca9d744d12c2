"""Recorded runs for download: as they are stored (JSON), and as a table (CSV).

The role {runs-json}`experiment/preset` (or runs-csv) makes a link; the files of all runs that
answer claims are put beside the pages when the book is built.
"""

import posixpath
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole
from sphinx.writers.html5 import HTML5Translator

from backprop import citation, claims

FOLDER = "runs"


class runs_link(nodes.Inline, nodes.TextElement):
    """A link to a file of runs; its attribute `file` lies in the folder of downloads."""


def file_of(result: str, ending: str) -> str:
    """The path of a file of runs below the folder of downloads."""
    return f"{FOLDER}/{result.replace('/', '-')}.{ending}"


class RunsLink(SphinxRole):
    """The link to the runs of a result, in the format that the role is named after."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Make the link."""
        ending = self.name.rpartition("-")[2]
        link = runs_link("", ending.upper(), file=file_of(self.text, ending))
        return [link], []


def visit_link(self: HTML5Translator, node: runs_link) -> None:
    """Begin a link, relative to the page that is written."""
    address = posixpath.join(self.builder.dlpath, node["file"])
    self.body.append(
        self.starttag(node, "a", "", href=address, download="", CLASS="reference download")
    )


def depart_link(self: HTML5Translator, node: runs_link) -> None:
    """End it."""
    self.body.append("</a>")


def pass_by(self: object, node: runs_link) -> None:
    """Other formats have the text only."""


def write_runs(app: Sphinx, error: Exception | None) -> None:
    """Put the runs that answer claims into the folder of downloads."""
    if error is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir) / "_downloads"
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    for source in citation.all_sources(claims.load()):
        record = source.record
        result = f"{record.experiment}/{record.preset}"
        (folder / file_of(result, "json")).write_bytes(source.path.read_bytes())
        (folder / file_of(result, "csv")).write_text(citation.runs_csv(record), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    html, other = (visit_link, depart_link), (pass_by, pass_by)
    app.add_node(runs_link, html=html, latex=other, text=other)
    app.add_role("runs-json", RunsLink())
    app.add_role("runs-csv", RunsLink())
    app.connect("build-finished", write_runs)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
