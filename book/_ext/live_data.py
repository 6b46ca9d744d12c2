"""Live parts of pages: a page that has one gets its scripts, and its data from the package.

A place for a live part is `<div class="live" data-live="NAME">`. Scripts are plain ones: a page
that was opened from a disk may load these, but no modules and no data. So the data come as scripts
too (backprop.live), written at each build and never committed.
"""

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from backprop import live

PLACE = re.compile(r'<div [^>]*data-live="([^"]*)"')
# Of each live part, in the order in which they are loaded.
SCRIPTS = {
    "draw-digit": (
        *("elements.js", "live.js", "network.js", "pictures.js"),
        *("draw-digit-data.js", "draw-digit.js"),
    ),
    "family-tree": (
        *("elements.js", "live.js", "network.js"),
        *("family-tree-data.js", "family-tree.js"),
    ),
    "symmetry": (
        *("elements.js", "live.js", "symmetry-data.js"),
        *("symmetry-network.js", "symmetry.js"),
    ),
    "step-through": (
        *("elements.js", "live.js", "step-through-data.js"),
        *("worked-steps.js", "step-through.js"),
    ),
}


def write_data(app: Sphinx) -> None:
    """Write the data of every part beside the scripts, before the pages refer to them."""
    if app.builder.name == "html":
        folder = Path(app.outdir) / "_static" / "live"
        folder.mkdir(parents=True, exist_ok=True)
        for name in live.COMPONENTS:
            (folder / f"{name}-data.js").write_text(live.script(name), encoding="ascii")


def add_scripts(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Load, on a page with live parts, what these need. Elsewhere (in a PDF) they stay still."""
    names = list(dict.fromkeys(PLACE.findall(context.get("body", ""))))
    if app.builder.name == "html" and names:
        app.add_css_file("live/live.css")
        app.add_css_file("live/live-training.css")
        for script in dict.fromkeys(script for name in names for script in SCRIPTS[name]):
            app.add_js_file(f"live/{script}", loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", write_data)
    app.connect("html-page-context", add_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
