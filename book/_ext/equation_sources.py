"""Under each displayed equation: the code that computes it, linked, and what checks it.

The list is data/equations.yml; an equation that is not in it (on pages outside the derivation, the
pros and the cons) is left as it is.
"""

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

from backprop import equations


def reference(name: str, document: str) -> addnodes.pending_xref:
    """A link to the documentation of a full name."""
    return addnodes.pending_xref(
        "",
        nodes.literal(text=equations.short(name), classes=["xref", "py", "py-obj"]),
        refdomain="py",
        reftype="obj",
        reftarget=name,
        refexplicit=True,
        refwarn=True,
        refdoc=document,
    )


def source_line(equation: equations.Equation, document: str) -> nodes.paragraph:
    """The line of text under one equation."""
    line = nodes.paragraph(classes=["equation-source"])
    line += nodes.Text("Code: ")
    for number, name in enumerate(equation.code):
        line += nodes.Text(", " if number else "")
        line += reference(name, document)
    line += nodes.Text(f". Checked ({equation.check}) by ")
    line += nodes.literal(text=equation.test.rpartition("::")[2])
    if equation.paper:
        line += nodes.Text(f". {equation.paper}")
    line += nodes.Text(".")
    return line


def add_lines(app: Sphinx, doctree: nodes.document) -> None:
    """Put the line behind each listed equation of a page."""
    known = equations.load()
    for block in list(doctree.findall(nodes.math_block)):
        equation = known.get(block.get("label") or "")
        if equation and equation.page == app.env.docname:
            block.parent.insert(
                block.parent.index(block) + 1, source_line(equation, app.env.docname)
            )


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("doctree-read", add_lines)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
