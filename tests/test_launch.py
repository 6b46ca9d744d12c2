"""Launches and downloads: where the buttons lead, and notebooks that run and read alone."""

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from IPython.core.inputtransformer2 import TransformerManager
from packaging.requirements import Requirement

import notebooks
import run_alone
from run_alone import Published

ROOT = Path(__file__).resolve().parent.parent
PAGES = [p.relative_to(ROOT).with_suffix("").as_posix() for p in notebooks.find(ROOT / "book")]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKS = run_alone.bibliography()
KNOWN = Published("https://github.com/someone/book", "v0.1.0", "https://example.org/book")


def copy_of(page, where=KNOWN):
    return run_alone.run_alone(nbformat.read(ROOT / f"{page}.ipynb", 4), page, where, WORKS)


def small(*cells):
    return nbformat.v4.new_notebook(cells=list(cells))


def plain(text, **values):
    cell = nbformat.v4.new_markdown_cell(text)
    glued = [
        nbformat.v4.new_output(
            "display_data",
            {run_alone.GLUED: repr(value)},
            metadata={"scrapbook": {"name": name, "mime_prefix": "application/papermill.record/"}},
        )
        for name, value in values.items()
    ]
    page = small(cell, nbformat.v4.new_code_cell("", outputs=glued))
    return run_alone.run_alone(page, "book/cons/stuck", KNOWN, WORKS).cells[1].source


# Where the book is to be had


def cff(folder, **more):
    content = {"version": "0.3.0", **more}
    (folder / "CITATION.cff").write_text(yaml.safe_dump(content))
    return folder


def test_what_is_not_known_is_not_made_up(tmp_path):
    where = run_alone.published({}, cff(tmp_path))
    assert where == Published(None, None, None)
    assert where.launches("book/a") == {}
    assert where.requirement is None


def test_a_released_version_is_launched_at_its_tag(tmp_path):
    address = "https://github.com/someone/book"
    root = cff(tmp_path, **{"repository-code": address, "date-released": "2027-01-01"})
    where = run_alone.published({}, root)
    assert where.launches("book/cons/stuck") == {
        "Binder": "https://mybinder.org/v2/gh/someone/book/v0.3.0"
        "?urlpath=lab/tree/launch/book/cons/stuck.ipynb",
        "Colab": "https://colab.research.google.com/github/someone/book"
        "/blob/gh-pages/0.3.0/_sources/book/cons/stuck.ipynb",
    }
    assert where.requirement.endswith(f"[pages] @ git+{address}@v0.3.0")


def test_before_the_release_there_is_no_tag_to_launch(tmp_path):
    where = run_alone.published({}, cff(tmp_path, **{"repository-code": KNOWN.repository}))
    assert (where.ref, where.launches("book/a"), where.requirement) == (None, {}, None)


def test_a_build_on_a_server_says_what_it_builds(tmp_path):
    given = {"BACKPROP_REPOSITORY": "https://github.com/other/fork.git", "BACKPROP_REF": "main"}
    root = cff(tmp_path, **{"repository-code": KNOWN.repository, "date-released": "2027-01-01"})
    where = run_alone.published(given, root)
    assert "/gh/other/fork/main?" in where.launches("book/a")["Binder"]
    assert "/other/fork/blob/gh-pages/dev/_sources/" in where.launches("book/a")["Colab"]


def test_a_repository_elsewhere_is_installed_from_but_not_launched():
    where = Published("https://example.org/book", "v0.1.0")
    assert where.launches("book/a") == {}
    assert "git+https://example.org/book@v0.1.0" in where.requirement


# The first cell


@pytest.mark.parametrize("where", [Published(), KNOWN], ids=["unknown", "known"])
def test_the_first_cell_does_nothing_where_the_package_is_installed(where):
    source = run_alone.install(where.requirement)
    code = TransformerManager().transform_cell(source)
    asked = []
    exec(code, {"get_ipython": lambda: asked.append(1)})
    assert asked == []


class Shell:
    """Stands for IPython, whose %pip installs, or does not."""

    def __init__(self, monkeypatch, *, works):
        self.asked = []
        self.installed = False
        self.works = works
        monkeypatch.setattr("importlib.util.find_spec", lambda name: self.installed or None)

    def run_line_magic(self, name, line):
        self.asked.append((name, line))
        self.installed = self.works

    def run(self, source):
        exec(TransformerManager().transform_cell(source), {"get_ipython": lambda: self})


def test_the_first_cell_installs_the_tagged_version_where_it_is_missing(monkeypatch):
    shell = Shell(monkeypatch, works=True)
    shell.run(run_alone.install(KNOWN.requirement))
    assert shell.asked == [("pip", f'install --quiet "{KNOWN.requirement}"')]


def test_a_package_that_was_replaced_while_in_use_needs_a_new_session(monkeypatch):
    monkeypatch.setattr("numpy.__version__", "1.0")
    with pytest.raises(RuntimeError, match="restart the session"):
        Shell(monkeypatch, works=True).run(run_alone.install(KNOWN.requirement))


def test_an_installation_that_fails_stops_the_notebook(monkeypatch):
    with pytest.raises(ModuleNotFoundError, match="could not be installed"):
        Shell(monkeypatch, works=False).run(run_alone.install(KNOWN.requirement))


def test_the_first_cell_says_what_to_do_where_the_source_is_not_known(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install '\.\[pages\]'"):
        exec(run_alone.install(None), {})


def test_the_name_and_the_extra_that_are_installed_exist():
    assert PROJECT["name"] == run_alone.PACKAGE
    assert run_alone.EXTRA in PROJECT["optional-dependencies"]


def test_what_the_pages_import_comes_with_the_package_and_the_extra():
    stated = PROJECT["dependencies"] + PROJECT["optional-dependencies"][run_alone.EXTRA]
    installed = {Requirement(line).name.lower() for line in stated} | {
        "ipython"
    }  # any notebook has
    providers = importlib.metadata.packages_distributions()
    missing = set()
    for page in PAGES:
        for cell in nbformat.read(ROOT / f"{page}.ipynb", 4).cells:
            if cell.cell_type == "code":
                for name in imported(cell.source) - sys.stdlib_module_names - {"backprop"}:
                    if not installed & {each.lower() for each in providers.get(name, [])}:
                        missing.add((page, name))
    assert missing == set()


def imported(source):
    names = set()
    for node in ast.walk(ast.parse(TransformerManager().transform_cell(source))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


# The text


@pytest.mark.parametrize("page", PAGES)
def test_a_copy_holds_the_cells_of_the_page_and_no_markup_of_the_build(page):
    original = nbformat.read(ROOT / f"{page}.ipynb", 4)
    for where in (KNOWN, Published()):
        copy = copy_of(page, where)
        nbformat.validate(copy)
        code = [[c.source for c in nb.cells if c.cell_type == "code"] for nb in (copy, original)]
        assert code[0][1:] == code[1]
        text = "\n\n".join(c.source for c in copy.cells if c.cell_type == "markdown")
        left = re.findall(r"\{[\w:+-]+\}`|^(?:```|:::)\{.*|^\([\w-]+\)=$|^\$\$ \(.*", text, re.M)
        assert left == []
        relative = re.findall(r"(?<!!)\]\((?!https://|http://|#|mailto:)[^)]*\)", text)
        assert relative == []


def test_numbers_stand_in_the_text():
    assert plain("In {glue:text}`n` of {glue:text}`of` runs.", n="3", of=10) == "In 3 of 10 runs."


def test_a_number_that_is_missing_is_an_error():
    with pytest.raises(KeyError, match="missing"):
        plain("{glue:text}`missing`")


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("{cite:t}`rumelhart1986`", "Rumelhart et al. (1986)"),
        ("{cite:p}`lecun1989,becker1988`", "(LeCun et al., 1989; Becker and LeCun, 1988)"),
        ("see {eq}`eq-growth` and {numref}`fig-zip-data`", "see (growth) and Fig. zip-data"),
        ("$$\ny = x\n$$ (eq-growth)", "$$\ny = x\n\\tag{growth}\n$$"),
        ("{term}`units <unit>`", "units"),
        ("(here)=\n## Head", "## Head"),
        ("[zip](../reproductions/zip-codes.ipynb#rejection)",
         "[zip](https://example.org/book/0.1.0/book/reproductions/zip-codes.html#rejection)"),
        ("{doc}`zip <overview>`", "[zip](https://example.org/book/0.1.0/book/cons/overview.html)"),
        ("[a](https://example.org/x) ![b](c.png)", "[a](https://example.org/x) ![b](c.png)"),
        (":::{admonition} Note\n:class: tip\nText.\n:::", "**Note**\n\nText."),
    ],
)  # fmt: skip
def test_markup_is_said_in_plain_markdown(markup, text):
    assert plain(markup) == text


def test_links_between_pages_are_text_while_the_site_is_not_known():
    cell = nbformat.v4.new_markdown_cell("see [the page](overview), {doc}`this <stuck>`")
    copy = run_alone.run_alone(small(cell), "book/cons/stuck", Published(), WORKS)
    assert copy.cells[1].source == "see the page, this"


def test_code_of_a_file_is_shown(tmp_path):
    shown = plain(
        "```{literalinclude} ../../benchmarks/peers/torch_eager.py\n:language: python\n```"
    )
    assert shown.startswith("```python\n") and "import torch" in shown


def test_figures_have_captions_and_solutions_stay_folded():
    figure = nbformat.v4.new_code_cell(
        "1",
        id="drawn",
        metadata={
            "tags": ["hide-input"],
            "mystnb": {"figure": {"caption": "By {cite:t}`pdp1986`.", "name": "fig-a"}},
        },
    )
    solution = nbformat.v4.new_code_cell("2", metadata={"tags": ["hide-cell"]})
    copy = run_alone.run_alone(small(figure, solution), "book/cons/stuck", KNOWN, WORKS)
    _, drawn, caption, folded = copy.cells
    assert caption.source == "**Fig. a.** By Rumelhart et al. (1986)."
    assert drawn.metadata.jupyter == {"source_hidden": True}
    assert folded.metadata.jupyter == {"source_hidden": True, "outputs_hidden": True}
    assert "jupyter" not in figure.metadata, "the page itself was changed"


def test_copies_are_written_where_binder_opens_them(tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "run_alone.py", tmp_path / "launch"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(f"{len(PAGES)} notebooks")
    opened = KNOWN.launches(PAGES[0])["Binder"].partition("lab/tree/")[2]
    assert (tmp_path / opened).is_file()
    script = (ROOT / "postBuild").read_text()
    assert f"python tools/run_alone.py {opened.split('/')[0]}\n" in script


# In the built book


CONF = """
project = "A book"
extensions = ["myst_nb", "launch"]
html_theme = "sphinx_book_theme"
nb_execution_mode = "off"
suppress_warnings = ["config.cache"]
"""


def build(folder, **environment):
    """A book of two pages with the extension; returns the HTML of the notebook's page."""
    source, target = folder / "source", folder / "html"
    (source / "book").mkdir(parents=True)
    (source / "conf.py").write_text(CONF)
    (source / "index.md").write_text("# Start\n\n```{toctree}\nbook/page\n```\n")
    cells = [
        nbformat.v4.new_markdown_cell("# A page\n\nText with $x$."),
        nbformat.v4.new_code_cell("1 + 1"),
    ]
    notebook = small(*cells)
    notebook.metadata["kernelspec"] = notebooks.KERNELSPEC
    nbformat.write(notebook, source / "book" / "page.ipynb")
    path = os.pathsep.join([str(ROOT / "book" / "_ext"), str(ROOT / "tools")])
    kept = {k: v for k, v in os.environ.items() if not k.startswith("BACKPROP_RE")}
    subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", source, target],
        env=kept | {"PYTHONPATH": path} | environment,
        check=True,
    )
    return target


def test_the_built_page_has_buttons_and_a_download_that_runs_alone(tmp_path):
    built = build(tmp_path, BACKPROP_REPOSITORY=KNOWN.repository, BACKPROP_REF="v0.1.0")
    page = (built / "book" / "page.html").read_text()
    for address in KNOWN.launches("book/page").values():
        assert f'href="{address}"' in page
    assert f'href="{KNOWN.repository}"' in page
    assert "mybinder" not in (built / "index.html").read_text(), "this page is no notebook"
    (download,) = re.findall(r'href="([^"]*page\.ipynb)"', page)[:1]
    copy = nbformat.read((built / "book" / download).resolve(), 4)
    assert KNOWN.requirement in copy.cells[0].source
    assert copy.cells[2].source == "1 + 1"


def test_while_the_repository_is_not_known_there_are_no_buttons(tmp_path, monkeypatch):
    if yaml.safe_load((ROOT / "CITATION.cff").read_text()).get("repository-code"):
        pytest.skip("CITATION.cff says where the repository is")
    built = build(tmp_path)
    page = (built / "book" / "page.html").read_text()
    assert "mybinder" not in page and "colab" not in page
    copy = nbformat.read(built / "_sources" / "book" / "page.ipynb", 4)
    assert "pip install" in copy.cells[0].source and "git+" not in copy.cells[0].source


def test_the_book_is_built_with_the_extension():
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert config["sphinx"]["local_extensions"]["launch"] == "book/_ext"
