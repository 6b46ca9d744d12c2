"""Buttons that run a page on Binder or Colab, and notebooks for download that run alone.

The buttons are there only if it is known where the book is published; see tools/run_alone.py.
"""

import sys
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))
import run_alone

ICONS = {
    "Binder": "_static/images/logo_binder.svg",
    "Colab": "_static/images/logo_colab.png",
}


def link_repository(app: Sphinx, config: Config) -> None:
    """Turn the theme's links to the repository on, if there is one that it knows how to link to."""
    where = run_alone.published()
    if where.on_github:
        config.html_theme_options |= {
            "repository_url": where.repository,
            "repository_branch": where.ref or "main",
            "use_repository_button": True,
            "use_issues_button": True,
        }


def add_buttons(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Put the launch buttons into the head of a page that is a notebook."""
    if context.get("page_source_suffix") != ".ipynb":
        return
    addresses = run_alone.published().launches(page)
    if addresses:
        context["header_buttons"].append(
            {
                "type": "group",
                "label": "launch-buttons",
                "tooltip": "Run this page",
                "icon": "fas fa-rocket",
                "buttons": [
                    {
                        "type": "link",
                        "text": service,
                        "tooltip": f"Run this page on {service}",
                        "icon": ICONS[service],
                        "url": address,
                    }
                    for service, address in addresses.items()
                ],
            }
        )


def replace_downloads(app: Sphinx, error: Exception | None) -> None:
    """Let the download buttons give the notebooks in the form that runs alone."""
    if error or app.builder.format != "html":
        return
    where, works = run_alone.published(), run_alone.bibliography()
    sources = Path(app.outdir) / "_sources"
    for path in sorted(sources.rglob("*.ipynb")):
        page = path.relative_to(sources).with_suffix("").as_posix()
        copy = run_alone.run_alone(nbformat.read(path, as_version=4), page, where, works)
        nbformat.write(copy, path)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("config-inited", link_repository, priority=10)
    app.connect("html-page-context", add_buttons, priority=900)
    app.connect("build-finished", replace_downloads)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
