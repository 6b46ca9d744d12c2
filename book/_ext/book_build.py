"""What this book changes in its build: where outputs come from, what it says of that, one script.

The mode comes from the environment variable BACKPROP_BOOK_EXECUTE: `off` (the default) shows the
outputs stored in the notebooks; `cache` shows those that `make book` has just computed.
"""

import os
from pathlib import Path
from typing import Any

from docutils import nodes
from myst_nb.ext.execution_tables import ExecutionStatsTable
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError

VARIABLE = "BACKPROP_BOOK_EXECUTE"
MODES = ("off", "cache")
STORED = (
    "This copy of the book was built from the outputs that are stored in its notebooks; "
    "no page was executed for it, so there are no times to show here. "
    "The command make book executes every page and fills this table."
)
EXECUTED = "Every page below was executed for this copy of the book."
# Not every machine has the pictures that MyST-NB uses.
WORDS = {"✅": "done", "❌": "failed"}


def choose_mode(app: Sphinx, config: Config) -> None:
    """Switch between stored outputs and those of the cache in `_build`."""
    mode = os.environ.get(VARIABLE) or "off"
    if mode not in MODES:
        raise ConfigError(f"{VARIABLE} is '{mode}', but must be one of: {', '.join(MODES)}")
    config.nb_execution_mode = mode
    if mode == "cache":
        config.nb_execution_cache_path = str(Path(app.srcdir) / "_build" / ".jupyter_cache")


class ExecutionStatus(ExecutionStatsTable):
    """Directive `execution-status`: the table of run times, or a note on why there is none."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Choose by the mode of the build."""
        if self.config.nb_execution_mode == "off":
            return [nodes.note("", nodes.paragraph(text=STORED))]
        return [nodes.paragraph(text=EXECUTED), *super().run()]


def say_in_words(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Write the status of each page in the table of run times as a word."""
    for entry in doctree.findall(nodes.entry):
        for text in list(entry.findall(nodes.Text)):
            if text in WORDS:
                text.parent.replace(text, nodes.Text(WORDS[text]))


def drop_thebe(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Take out the scripts for live code: unused here, and declared twice, which is an error."""
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if "sphinx-thebe" not in (str(getattr(script, "filename", "")) or "")
        and "THEBE_JS_URL" not in (getattr(script, "attributes", {}).get("body") or "")
    ]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("config-inited", choose_mode, priority=10)
    app.connect("doctree-resolved", say_in_words)
    app.connect("html-page-context", drop_thebe, priority=900)
    app.add_directive("execution-status", ExecutionStatus)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
