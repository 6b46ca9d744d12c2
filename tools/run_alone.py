"""Copies of the book's notebooks that run alone: on Colab, on Binder, or from a download.

A copy begins with a cell that installs the book's package where it is missing, and says in plain
Markdown what the build of the book fills in: numbers, citations, captions, links.

Use: python tools/run_alone.py FOLDER    (writes the copies of all notebooks there; for Binder)
"""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from posixpath import normpath
from textwrap import dedent
from urllib.parse import quote, urlsplit

import nbformat
import yaml
from nbformat import NotebookNode
from pybtex.database import Entry, parse_file

import versions
from notebooks import ROOT, find

PACKAGE = "backpropagation-reproduced"
EXTRA = "pages"  # of pyproject.toml: what the code cells import
# The branch from which the book's site is served; Colab takes notebooks only from a repository.
SITE_BRANCH = "gh-pages"
GLUED = "application/papermill.record/text/plain"

ROLE = re.compile(r"\{([\w:+-]+)\}`([^`]+)`")
DIRECTIVE = re.compile(r"^(`{3,}|:{3,})\{([\w:-]+)\} *(.*)\n((?s:.*?))^\1 *$", re.MULTILINE)
OPTION = re.compile(r"\A:[\w-]+:.*\n", re.MULTILINE)
TARGET = re.compile(r"^\([\w-]+\)=\n", re.MULTILINE)
EQUATION = re.compile(r"^\$\$ \(([\w-]+)\)$", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?!https?:|mailto:|#)([^)\s]+)\)")


@dataclass(frozen=True)
class Published:
    """Where the book is to be had; None for what is not known."""

    repository: str | None = None
    ref: str | None = None  # the tag or branch that this copy of the book was made from
    site: str | None = None  # all versions of the book, each in a folder

    @property
    def folder(self) -> str:
        """Folder on the site of what was made from the tag or branch (tools/versions.py)."""
        number = (self.ref or "").removeprefix("v")
        return number if versions.NUMBER.fullmatch(number) else versions.DEV

    @property
    def on_github(self) -> bool:
        """Whether the repository is one of those that launch services find by name."""
        return urlsplit(self.repository or "").hostname == "github.com"

    @property
    def requirement(self) -> str | None:
        """What pip is to install; None if that is not known."""
        if not (self.repository and self.ref):
            return None
        return f"{PACKAGE}[{EXTRA}] @ git+{self.repository}@{self.ref}"

    def launches(self, page: str) -> dict[str, str]:
        """Name and address of each service that can run a page; empty if it would not find it.

        `page` is the path of a notebook in the repository, without its ending.
        """
        if not (self.on_github and self.ref):
            return {}
        name, ref = urlsplit(self.repository or "").path.strip("/"), quote(self.ref, safe="")
        return {
            "Binder": f"https://mybinder.org/v2/gh/{name}/{ref}"
            f"?urlpath=lab/tree/launch/{page}.ipynb",
            "Colab": f"https://colab.research.google.com/github/{name}"
            f"/blob/{SITE_BRANCH}/{self.folder}/_sources/{page}.ipynb",
        }


def published(environment: Mapping[str, str] = os.environ, root: Path = ROOT) -> Published:
    """Read from CITATION.cff where the book is to be had; a build on a server may know better.

    `BACKPROP_REPOSITORY` and `BACKPROP_REF` come first. Without them the repository is
    `repository-code`, and the tag is that of the version, if that has a date of release.
    """
    cff = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    tag = f"v{cff['version']}" if cff.get("date-released") else None
    repository = environment.get("BACKPROP_REPOSITORY") or cff.get("repository-code")
    return Published(
        repository.rstrip("/").removesuffix(".git") if repository else None,
        environment.get("BACKPROP_REF") or tag,
        (cff.get("url") or "").rstrip("/") or None,
    )


def install(requirement: str | None) -> str:
    """Source of the first cell: it does nothing where the package is installed."""
    if requirement is None:
        return dedent("""\
            # These pages need the package of the book and what it is drawn with.
            import importlib.util

            if importlib.util.find_spec("backprop") is None:
                raise ModuleNotFoundError(
                    "the package of the book is not installed here: run `pip install '.[pages]'` "
                    "in the top folder of the book's repository, then this notebook again."
                )""")
    return dedent(f"""\
        # Installs the package of the book where it is missing, as on Colab.
        import importlib.metadata
        import importlib.util
        import sys

        if importlib.util.find_spec("backprop") is None:
            %pip install --quiet "{requirement}"
            importlib.invalidate_caches()
            if importlib.util.find_spec("backprop") is None:
                raise ModuleNotFoundError("the package could not be installed: see what pip says.")
            loaded = sys.modules.get("numpy")
            if loaded and loaded.__version__ != importlib.metadata.version("numpy"):
                raise RuntimeError("NumPy was replaced: restart the session, then run all cells.")
        """).rstrip()


def glued(notebook: NotebookNode) -> dict[str, str]:
    """The values that the code cells hand to the text, as the stored outputs have them."""
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    return {
        out.metadata["scrapbook"]["name"]: str(out.data[GLUED]).strip("'\"")
        for out in outputs
        if GLUED in out.get("data", {})
    }


def authors_and_year(entry: Entry) -> tuple[str, str]:
    """How a work is cited in a sentence."""
    people = [" ".join(person.last_names) for person in entry.persons["author"]]
    if len(people) > 2:
        people = [f"{people[0]} et al."]
    return " and ".join(people).replace("{", "").replace("}", ""), entry.fields["year"]


def bibliography(root: Path = ROOT) -> dict[str, tuple[str, str]]:
    """Authors and year of each work, by its key."""
    entries = parse_file(str(root / "book" / "references.bib")).entries
    return {key: authors_and_year(entry) for key, entry in entries.items()}


@dataclass(frozen=True)
class Plain:
    """Says in plain Markdown what a page says in the book's markup."""

    page: str
    values: dict[str, str]
    works: dict[str, tuple[str, str]]
    where: Published

    def text(self, markdown: str) -> str:
        """The whole text of a cell, or a caption."""
        markdown = TARGET.sub("", DIRECTIVE.sub(self._directive, markdown))
        markdown = EQUATION.sub(lambda found: rf"\tag{{{short(found[1])}}}" + "\n$$", markdown)
        return LINK.sub(self._link, ROLE.sub(self._role, markdown))

    def _role(self, found: re.Match[str]) -> str:
        role, text = found[1], found[2]
        if role == "glue:text":
            return self.values[text]
        if role in ("cite:t", "cite:p"):
            works = [self.works[key.strip()] for key in text.split(",")]
            if role == "cite:t":
                return ", ".join(f"{authors} ({year})" for authors, year in works)
            return "(" + "; ".join(f"{authors}, {year}" for authors, year in works) + ")"
        if role == "eq":
            return f"({short(text)})"
        if role == "numref":
            return f"Fig. {short(text)}"
        shown, _, target = text.rstrip(">").partition(" <")
        return f"[{shown}]({target or shown})" if role == "doc" else shown

    def _directive(self, found: re.Match[str]) -> str:
        name, argument, body = found[2], found[3].strip(), found[4]
        if name == "literalinclude":
            included = (ROOT / self.page).parent / argument
            return f"```python\n{included.read_text(encoding='utf-8')}```"
        while OPTION.match(body):
            body = OPTION.sub("", body, count=1)
        return (f"**{argument}**\n\n" if argument else "") + body.strip()

    def _link(self, found: re.Match[str]) -> str:
        shown, (path, _, anchor) = found[1], found[2].partition("#")
        if not self.where.site or PurePosixPath(path).suffix not in ("", ".md", ".ipynb"):
            return shown
        page = normpath(PurePosixPath(self.page).parent / PurePosixPath(path).with_suffix(""))
        address = f"{self.where.site}/{self.where.folder}/{page}.html"
        return f"[{shown}]({address}{f'#{anchor}' if anchor else ''})"


def short(label: str) -> str:
    """The label of an equation or a figure, without its kind."""
    return re.sub(r"^(eq|fig)-", "", label)


def hidden_as_in_the_book(cell: NotebookNode) -> None:
    """Fold what is folded in the book: JupyterLab goes by other marks than the book's build."""
    tags = cell.metadata.get("tags", [])
    if "hide-input" in tags or "hide-cell" in tags:
        folded = {"source_hidden": True}
        if "hide-cell" in tags:
            folded["outputs_hidden"] = True
        cell.metadata["jupyter"] = folded


def caption(cell: NotebookNode, plain: Plain) -> list[NotebookNode]:
    """The caption of a figure, as a cell of its own; none if the cell makes no figure."""
    figure = cell.metadata.get("mystnb", {}).get("figure", {})
    if "caption" not in figure:
        return []
    name = f"**Fig. {short(figure['name'])}.** " if "name" in figure else ""
    text = name + plain.text(figure["caption"])
    return [nbformat.v4.new_markdown_cell(text, id=f"{cell.id}-caption"[-64:])]


def run_alone(
    notebook: NotebookNode, page: str, where: Published, works: dict[str, tuple[str, str]]
) -> NotebookNode:
    """A copy of a notebook of the book that runs and reads well without the book."""
    plain = Plain(page, glued(notebook), works, where)
    copy = nbformat.from_dict(notebook)
    copy.cells = [nbformat.v4.new_code_cell(install(where.requirement), id="install-the-package")]
    for cell in nbformat.from_dict(notebook).cells:
        copy.cells.append(cell)
        if cell.cell_type == "markdown":
            cell.source = plain.text(cell.source)
        elif cell.cell_type == "code":
            hidden_as_in_the_book(cell)
            copy.cells += caption(cell, plain)
    return copy


def write_copies(folder: Path, where: Published, root: Path = ROOT) -> list[Path]:
    """Write the copies of all notebooks of the book below a folder, at the paths they have here."""
    works = bibliography(root)
    written = []
    for path in find(root / "book"):
        relative = path.relative_to(root)
        page = relative.with_suffix("").as_posix()
        target = folder / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = run_alone(nbformat.read(path, as_version=4), page, where, works)
        nbformat.write(copy, target)
        written.append(target)
    return written


def main() -> int:
    """Write the copies of all notebooks into the folder named."""
    if len(sys.argv) != 2:
        print(f"error: name one folder.\n{__doc__}", file=sys.stderr)
        return 2
    written = write_copies(Path(sys.argv[1]), published())
    print(f"{len(written)} notebooks in {sys.argv[1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
