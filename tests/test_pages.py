"""What the build adds to the pages of the book: the lines under the title, and what others show."""

import html
import re
import shutil
import subprocess

import book_build
import nbformat
import page_header
import page_meta
import pytest
from docutils import nodes
from PIL import Image
from sphinx import addnodes

import notebooks
from backprop import results
from browser import HTML, ROOT, missing
from check_html import toc_pages


def document(*children: nodes.Node) -> nodes.document:
    """A page with one section."""
    page = nodes.document(None, None)
    page += nodes.section("", nodes.title(text="Title"), *children)
    return page


def paragraph(text: str) -> nodes.paragraph:
    return nodes.paragraph(text=text)


# What every chapter has

PARTS = ("derivation/", "papers/", "reproductions/", "pros/", "cons/")
# These are lists and ways in, with nothing to sum up.
WITHOUT_SUMMARY = {"derivation/equations", "papers/overview", "pros/overview", "cons/overview"}
CHAPTERS = [
    page
    for page in toc_pages(ROOT / "_toc.yml")
    if page.removeprefix("book/").startswith(PARTS)
    and page.removeprefix("book/") not in WITHOUT_SUMMARY
]


@pytest.mark.parametrize("page", CHAPTERS)
def test_a_chapter_ends_with_a_summary_and_says_where_to_go_next(page):
    path = ROOT / f"{page}.ipynb"
    if path.is_file():
        cells = nbformat.read(path, as_version=4).cells
        text = "\n\n".join(c.source for c in cells if c.cell_type == "markdown")
    else:
        text = (ROOT / f"{page}.md").read_text(encoding="utf-8")
    assert text.count("## Summary\n") == 1
    summary = re.split(r"^## ", text.split("## Summary\n")[1], flags=re.MULTILINE)[0]
    found, _, onward = summary.partition("\n\nNext: ")
    assert len(found.split()) > 40
    assert re.search(r"\[[^]]+\]\([^)]+\)", onward)


# Under the title


def test_words_are_counted_and_code_is_not():
    text = paragraph("word " * 399)
    assert page_header.minutes_to_read(document(text)) == 2
    code = nodes.literal_block(text="word " * 4000)
    assert page_header.minutes_to_read(document(text.deepcopy(), code)) == 2


def test_equations_and_figures_take_time():
    shown = [nodes.math_block(text="x = y") for _ in range(4)] + [nodes.figure() for _ in range(4)]
    assert page_header.minutes_to_read(document(paragraph("word " * 199), *shown)) == 3


def test_what_one_looks_things_up_in_has_no_time_to_read():
    reference = addnodes.desc()
    assert page_header.minutes_to_read(document(paragraph("word " * 400), reference)) == 0


def test_the_status_of_a_page_is_a_word():
    row = nodes.row("", *(nodes.entry("", paragraph(text)) for text in ("✅", "7.23", "❌")))
    page = document(nodes.table("", nodes.tgroup("", nodes.tbody("", row))))
    book_build.say_in_words(None, page, "book/appendix/status")
    assert [entry.astext() for entry in page.findall(nodes.entry)] == ["done", "7.23", "failed"]


def save(folder, preset: str, seeds: int) -> None:
    """Record runs of an experiment that does not exist."""
    record = results.Record(
        experiment="lamps",
        preset=preset,
        config={},
        runs={seed: {"on": True} for seed in range(seeds)},
        data=None,
        versions={},
        wall_seconds=0.0,
    )
    results.save(record, folder)


def test_records_are_told_with_their_seeds(tmp_path):
    save(tmp_path, "dim", 1000)
    save(tmp_path, "bright", 1)
    names = ["lamps/dim", "lamps/bright"]
    lines = list(page_header.record_lines(tmp_path, names))
    assert lines == ["lamps: bright (1 seed), dim (1,000 seeds)"]


def test_many_presets_are_summed_up(tmp_path):
    for number in range(1, 7):
        save(tmp_path, f"preset-{number}", 10 * number)
    names = [f"lamps/preset-{number}" for number in range(1, 7)]
    lines = list(page_header.record_lines(tmp_path, names))
    assert lines == ["lamps: 6 presets (10 to 60 seeds each)"]


def git(folder, *words: str, date: str = "2001-01-01") -> None:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    when = {"GIT_AUTHOR_DATE": f"{date}T12:00:00Z", "GIT_COMMITTER_DATE": f"{date}T12:00:00Z"}
    command = [shutil.which("git"), *who, *words]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=when)


@pytest.fixture
def history(tmp_path):
    """A repository in which one of two records was stored anew."""
    source = tmp_path / "source"
    (source / "data").mkdir(parents=True)
    git(source, "init")
    for name, date in [("old", "2001-01-01"), ("new", "2001-01-01"), ("new", "2002-02-02")]:
        (source / "data" / f"{name}.json").write_text(date)
        git(source, "add", ".")
        git(source, "commit", "--allow-empty", "-m", name, date=date)
    return source


def test_a_record_has_the_date_of_its_last_commit(history):
    assert page_header.dates(history / "data") == {
        "old.json": "2001-01-01",
        "new.json": "2002-02-02",
    }


def test_a_clone_of_the_last_commit_gives_no_dates(history, tmp_path):
    git(tmp_path, "clone", "--depth", "1", history.as_uri(), "clone")
    assert page_header.dates(tmp_path / "clone" / "data") == {}


def test_without_a_repository_there_are_no_dates(tmp_path):
    assert page_header.dates(tmp_path) == {}


def test_a_term_belongs_to_the_first_page_that_its_entry_names():
    item = nodes.definition_list_item("", nodes.term(text="tape", ids=["term-tape"]))
    for page in ("derivation/reverse-mode", "cons/memory"):
        item += addnodes.pending_xref(reftype="doc", reftarget=page)
    glossary = document(nodes.definition_list("", item))

    class Environment:
        all_docs = (page_header.GLOSSARY,)

        def get_doctree(self, name: str) -> nodes.document:
            return glossary

    found = page_header.terms(Environment())
    assert found == {"book/derivation/reverse-mode": [("tape", "term-tape")]}


# Which records a page reads


def test_a_notebook_keeps_which_records_it_reads(tmp_path, monkeypatch):
    folder = tmp_path / "results"
    save(folder, "dim", 1)
    save(folder, "bright", 1)
    monkeypatch.setenv("BACKPROP_RESULTS", str(folder))
    source = (
        "from backprop import results\n"
        "_ = results.load(results.default_folder(), 'lamps', 'dim')\n"
        "'watch' in globals()"
    )
    cell = nbformat.v4.new_code_cell(source, id="only")
    path = tmp_path / "page.ipynb"
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"recorded_results": ["gone/gone"]})
    nbformat.write(notebook, path)
    notebooks.refresh(path)
    kept = nbformat.read(path, as_version=4)
    assert kept.metadata["recorded_results"] == ["lamps/dim"]
    assert kept.cells[0].execution_count == 1
    assert kept.cells[0].outputs[0].data["text/plain"] == "False"


def recorded_in(path) -> list[str]:
    return nbformat.read(path, as_version=4).metadata.get("recorded_results", [])


PAGES = sorted((ROOT / "book").rglob("*.ipynb"))


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_the_records_of_a_page_are_there(path):
    names, known = recorded_in(path), results.recorded(ROOT / "data" / "results")
    assert {tuple(name.split("/")) for name in names} <= set(known)
    # What a page names outright it must be known to read: else it was not executed again.
    source = "\n".join(c.source for c in nbformat.read(path, as_version=4).cells)
    direct = re.findall(r'results\.load\([^"()]*(?:\(\))?, "([\w-]+)", "([\w-]+)"\)', source)
    assert {"/".join(pair) for pair in direct} <= set(names), "run make notebooks"


# For search engines, and for links shared elsewhere


def test_a_page_is_described_by_its_first_paragraph_without_equations():
    equation = nodes.paragraph(
        "", "With ", nodes.math(text=r"\delta"), nodes.Text(" " * 9 + "x" * 99)
    )
    text = paragraph("A sentence that is long enough to be of some use to those who search.")
    page = document(paragraph("Short."), equation, nodes.note("", paragraph("n" * 99)), text)
    assert page_meta.description(page, None) == text.astext()
    assert page_meta.description(page, "Given.") == "Given."


def test_a_long_description_ends_between_words():
    found = page_meta.description(document(paragraph("word " * 100)), None)
    assert len(found) <= page_meta.LENGTH
    assert found.endswith("word …")


def test_addresses_are_whole_where_that_of_the_book_is_known():
    known = page_meta.tags("book/a/b", "T", "About.", "Book", "https://example.org/book")
    assert known["og:url"] == "https://example.org/book/book/a/b.html"
    assert known["og:image"] == "https://example.org/book/_static/cards/book/a/b.png"
    unknown = page_meta.tags("book/a/b", "T", "", "Book", None)
    assert "og:url" not in unknown
    assert "description" not in unknown
    assert unknown["og:image"] == "../../_static/cards/book/a/b.png"


def test_quotation_marks_stay_inside_their_property():
    assert page_meta.written("og:title", 'A "b" & c') == (
        '<meta property="og:title" content="A &quot;b&quot; &amp; c" />\n'
    )


def test_a_picture_has_the_title_above_and_the_figure_below(tmp_path):
    Image.new("RGBA", (3000, 500), (255, 0, 0, 255)).save(tmp_path / "figure.png")
    picture = page_meta.card("A long title " * 20, "Book", tmp_path / "figure.png")
    assert picture.size == (1200, 630)
    red = [y for y in range(630) if picture.getpixel((600, y)) == (255, 0, 0)]
    assert min(red) >= page_meta.TOP
    assert len(red) > 150
    letters = [
        y for y in range(page_meta.TOP) if picture.crop((0, y, 1200, y + 1)).getextrema()[0][0] < 99
    ]
    assert letters


def properties(page: str) -> dict[str, str]:
    """The properties that a built page gives of itself, and its title."""
    text = (HTML / f"{page}.html").read_text(encoding="utf-8")
    found = dict(re.findall(r'<meta (?:name|property)="([^"]+)"\s+content="([^"]*)"', text))
    found["title"] = re.search("<title>(.*?)</title>", text, re.DOTALL)[1]
    return {name: html.unescape(value).strip() for name, value in found.items()}


@pytest.fixture(scope="module")
def described() -> dict[str, dict[str, str]]:
    """What each page of the built book says of itself."""
    if not (HTML / "index.html").is_file():
        missing(f"The book is not built in {HTML.relative_to(ROOT)} (make test builds it).")
    return {page: properties(page) for page in toc_pages(ROOT / "_toc.yml")}


def test_every_page_has_a_title_of_its_own(described):
    titles = [found["title"] for found in described.values()]
    assert len(set(titles)) == len(titles)
    assert not [title for title in titles if re.match(r"\d+\.", title)]


def test_every_page_with_prose_is_described(described):
    without = {page for page, found in described.items() if not found.get("description")}
    assert without <= {"book/appendix/bibliography", "book/appendix/status"}
    about = [found["description"] for found in described.values() if "description" in found]
    assert len(set(about)) == len(about)


def test_every_page_has_a_picture(described):
    for page, found in described.items():
        path = (HTML / page).parent / found["og:image"]
        with Image.open(path.resolve()) as picture:
            assert picture.size == (page_meta.WIDTH, page_meta.HEIGHT)
