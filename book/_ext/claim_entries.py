"""Every claim in full, with a permanent anchor and how to cite it; and links to it from anywhere.

The directive `claim-entries` writes the entries, one to unfold for each claim. On all pages, the id
of a claim in a cell of a table, or set as code, becomes a link to its entry.
"""

import html
from functools import cache
from itertools import groupby
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from backprop import citation, claims
from backprop.claims import Register, Verdict
from backprop.claims.register import default_path


def details(verdict: Verdict, register: Register) -> str:
    """Everything about one claim, as the text of a page."""
    claim = verdict.claim
    row = claims.rows([verdict])[0]
    sources = citation.sources(claim)
    title = claim.page.rpartition("/")[2].replace("-", " ")
    fields = {
        "Said in": f"{{cite:t}}`{claim.paper}`, {claim.place} ({claims.SOURCES[claim.source]})",
        "Tested in": f"{{doc}}`{title} </{claim.page}>`",
        "Rule": f"{claim.rule}: {claims.rule_in_words(claim, register.defaults)}",
        "Published": row["paper"] if claim.value is not None else "",
        "Ours": row["ours"],
        "Seeds": row["seeds"] if verdict.seeds is not None else "no run needed",
        "Verdict": f"**{verdict.verdict}**: {verdict.reason}.",
        "Note": claim.note,
        "Raw runs": "; ".join(runs(source) for source in sources),
    }
    listed = "\n".join(f":{name}: {text}" for name, text in fields.items() if text)
    text, bibtex = citation.as_text(verdict, sources), citation.as_bibtex(verdict, sources)
    return (
        f"{listed}\n\n**Cite this result** (`backprop cite {claim.id}` prints the same)\n\n"
        f"```text\n{text}```\n\n```bibtex\n{bibtex}```\n"
    )


def runs(source: citation.Source) -> str:
    """The runs of one record, with links to them."""
    record = source.record
    result = f"{record.experiment}/{record.preset}"
    return (
        f"{result}, seeds {citation.ranges(record.seeds)}: {{runs-json}}`{result}`, "
        f"{{runs-csv}}`{result}`"
    )


class ClaimEntries(SphinxDirective):
    """Directive `claim-entries`: one section for each page, one entry for each of its claims."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Judge all claims, and write them down."""
        register = claims.load()
        self.env.note_dependency(str(default_path()))
        judged = claims.judge_all()
        sections: list[nodes.Node] = []
        for page, verdicts in groupby(judged, lambda verdict: verdict.claim.page):
            name = page.rpartition("/")[2]
            section = nodes.section(ids=[f"claims-{name}"])
            section += nodes.title(text=name.replace("-", " ").capitalize())
            for verdict in verdicts:
                section += self.entry(verdict, register)
            sections.append(section)
        return sections

    def entry(self, verdict: Verdict, register: Register) -> list[nodes.Node]:
        """One claim: its id, verdict and statement, and the rest when it is unfolded."""
        claim = verdict.claim
        anchor = citation.anchor(claim.id)
        self.env.get_domain("std").note_hyperlink_target(anchor, self.env.docname, anchor)
        # The anchor lies inside: a browser that is sent to it unfolds the entry.
        body = nodes.container(ids=[anchor], classes=["claim-entry"])
        self.state.nested_parse(
            StringList(details(verdict, register).splitlines(), source=claim.id), 0, body
        )
        begin = (
            f'<details class="claim"><summary><code>{claim.id}</code> '
            f"<strong>{verdict.verdict}</strong><br>{html.escape(claim.says)}</summary>"
        )
        end = "</details>"
        return [nodes.raw("", begin, format="html"), body, nodes.raw("", end, format="html")]


@cache
def known(register: Path) -> frozenset[str]:
    """The ids of all claims of a register."""
    return frozenset(claims.load(register).claims)


def link_ids(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Turn ids of claims into links to their entries."""
    if citation.PAGE not in app.env.found_docs:
        return
    ids = known(default_path())
    cells = [cell[0] for cell in doctree.findall(nodes.entry) if cell.astext() in ids]
    codes = [code for code in doctree.findall(nodes.literal) if code.astext() in ids]
    for node in [*cells, *codes]:
        if isinstance(node.parent, nodes.reference) or next(node.findall(nodes.reference), None):
            continue
        page = app.builder.get_relative_uri(docname, citation.PAGE)
        address = f"{page}#{citation.anchor(node.astext())}"
        link = nodes.reference("", "", refuri=address, internal=True)
        if isinstance(node, nodes.literal):
            node.replace_self(link)
            link += node
        else:
            link += node.children
            node.children = []
            node += link


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("claim-entries", ClaimEntries)
    app.connect("doctree-resolved", link_ids)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
