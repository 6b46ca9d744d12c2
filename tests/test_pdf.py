"""The printed book: links lead to the right place, and the contents say the right page."""

from importlib.util import find_spec
from pathlib import Path

import pytest

import build_pdf
import chromium
from browser import missing

ANCHORS = {"book/intro": "book-intro", "book/a/b": "book-a-b"}


@pytest.mark.parametrize(
    ("link", "leads_to"),
    [
        ("b.html", "#book-a-b"),
        ("../intro.html#six-steps", "#book-intro--six-steps"),
        ("#here", "#book-a-b--here"),
        ("https://doi.org/10.1", "https://doi.org/10.1"),
        ("../../_modules/x.html", None),
    ],
)
def test_links_lead_into_the_joined_book(link, leads_to):
    assert build_pdf.inside(link, "book/a/b", ANCHORS) == leads_to


PAGE = """<html><head><link rel="stylesheet" href="../x.css"/></head><body><nav>Menu</nav>
<article class="bd-article"><section id="top">
<h1>{title}<a class="headerlink" href="#top">#</a></h1>
{body}</section></article></body></html>"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built book of three pages; the folder of its HTML."""
    html = tmp_path / "html"
    (html / "book").mkdir(parents=True)
    pages = {
        "intro": ("Welcome", '<p id="download" hidden></p><p><a href="two.html#top">On</a></p>'),
        "one": (
            "First",
            "<details class='hide'><summary>Show</summary><p>Hidden solution</p></details>",
        ),
        "two": ("Second", '<p><a href="#top">Up</a> <a href="../other.html">Away</a></p>'),
    }
    for name, (title, body) in pages.items():
        (html / "book" / f"{name}.html").write_text(PAGE.format(title=title, body=body))
    (html / "index.html").write_text("")
    (tmp_path / "_config.yml").write_text("title: Small book\ncopyright: nobody\n")
    (tmp_path / "_toc.yml").write_text(
        "root: book/intro\nparts:\n- caption: Part\n  chapters:\n"
        "  - file: book/one\n  - file: book/two\n"
    )
    monkeypatch.setattr(build_pdf, "ROOT", tmp_path)
    return html


def test_pages_are_joined_with_one_anchor_each(small):
    text = build_pdf.joined(small, small.parent / "_toc.yml")
    for anchor in ("book-intro--top", "book-one--top", "book-two--top"):
        assert text.count(f'id="{anchor}"') == 1
    assert '<a href="#book-two--top">On</a>' in text
    assert "Away" in text and "other.html" not in text
    assert "Menu" not in text
    assert "headerlink" not in text
    assert "Hidden solution" in text and "Show" not in text and "details" not in text


def test_chapters_stand_one_level_below_their_part(small):
    text = build_pdf.joined(small, small.parent / "_toc.yml")
    assert '<h1 class="part">Part</h1>' in text
    assert "<h2>First</h2>" in text
    assert "<h1>Welcome</h1>" in text


def test_the_book_is_printed_and_offered(small, monkeypatch, capsys):
    if find_spec("playwright") is None or chromium.program() is None:
        missing(chromium.MISSING)
    from pypdf import PdfReader

    monkeypatch.setattr("sys.argv", ["build_pdf.py", str(small)])
    assert build_pdf.main() == 0
    reader = PdfReader(small / build_pdf.NAME)
    texts = [page.extract_text() for page in reader.pages]
    assert "Hidden solution" in "".join(texts)
    first = next(number for number, text in enumerate(texts, 1) if "Hidden solution" in text)
    contents = next(text for text in texts if "Contents" in text)
    assert f"First{first}" in "".join(contents.split())
    assert [entry.title for entry in reader.outline if not isinstance(entry, list)][-1] == "Part"
    offered = (small / "book" / "intro.html").read_text()
    assert f'href="../{build_pdf.NAME}"' in offered
    assert f"{len(texts)} pages" in offered
    assert not (small / build_pdf.JOINED).exists()
    # Once more, and the link is not there twice.
    assert build_pdf.main() == 0
    assert (small / "book" / "intro.html").read_text().count(build_pdf.NAME) == 1


def test_no_book_is_said_in_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["build_pdf.py", str(tmp_path)])
    assert build_pdf.main() == 1
    assert capsys.readouterr().err.startswith("error: there is no book in")
