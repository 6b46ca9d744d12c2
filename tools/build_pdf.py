"""Print the built book as one PDF, and offer it on the first page of the book.

Use: python tools/build_pdf.py [FOLDER]    (default: _build/html, where make book and make html are)

The articles of all pages are joined into one, with links between them turned into links inside it,
and printed by Chromium: once to learn on which page each chapter begins, once more with a table of
contents that says so.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from posixpath import dirname, join, normpath
from urllib.parse import urlsplit

import yaml
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Page, sync_playwright
from pypdf import PdfReader

import backprop
from chromium import ARGUMENTS, MISSING, program

ROOT = Path(__file__).resolve().parent.parent
NAME = "backpropagation-reproduced.pdf"
JOINED = "printed.html"  # in the folder of the book, for as long as it is being printed
# The line that book/_ext/page_header.py leaves for the link.
PLACE = re.compile(r'<p id="download".*?</p>', re.DOTALL)
LINK = (
    '<p id="download"><a href="../{name}">The whole book as one PDF</a>, '
    "{pages} pages, {size} MB.</p>"
)
MILLIMETRE = 96 / 25.4  # in pixels of CSS
FORMAT, WIDTH, SIDE = "A4", 210, 18  # width and margin in mm
MARGIN = {"top": "18mm", "bottom": "20mm", "left": "18mm", "right": "18mm"}
FOOTER = (
    '<div style="width:100%;text-align:center;font-size:8px"><span class="pageNumber"></span></div>'
)
# What belongs to the screen: marks on headings, buttons, the code of figures, citations to copy,
# and the list of records under a title.
SCREEN = (
    "a.headerlink, button, script, #download, .tag_hide-input details.hide, "
    ".claim-entry > dl ~ *, .page-facts details > ul, .viewcode-link"
)
# To look things up in, on the screen: it is as long as a part of the book.
UNPRINTED = {"book/appendix/api"}
# What is wider than the paper is made smaller; short tables and short code stay in one piece.
FIT = """() => {
    for (const box of document.querySelectorAll(".math-scroll")) {
        const share = box.clientWidth / box.scrollWidth;
        if (share < 1) box.firstElementChild.style.fontSize = `${1.08 * share}em`;
    }
    for (const table of document.querySelectorAll(".bd-article table")) {
        const share = table.parentElement.clientWidth / table.scrollWidth;
        if (share < 1) table.style.zoom = share;
    }
    for (const block of document.querySelectorAll(".bd-article :is(table, .cell_input, pre)"))
        if (block.offsetHeight < 300) block.style.breakInside = "avoid";
}"""
NUMBERS = """numbers => {
    for (const place of document.querySelectorAll("#contents [data-to]"))
        place.textContent = numbers[place.dataset.to] ?? "";
}"""


@dataclass(frozen=True)
class Chapter:
    """A page of the book and the part that it belongs to; None for those at the beginning."""

    page: str
    part: str | None

    @property
    def anchor(self) -> str:
        """Its name inside the joined page."""
        return self.page.replace("/", "-")


def chapters(toc: Path) -> Iterator[Chapter]:
    """The pages to print, in the order of the table of contents."""
    content = yaml.safe_load(toc.read_text(encoding="utf-8"))
    yield Chapter(content["root"], None)
    for part in content["parts"]:
        for chapter in part["chapters"]:
            if chapter["file"] not in UNPRINTED:
                yield Chapter(chapter["file"], part.get("caption"))


def inside(link: str, page: str, anchors: dict[str, str]) -> str | None:
    """Where a link of a page leads in the joined page; None if it leads out of the printed book."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return link
    target = normpath(join(dirname(page), parts.path)) if parts.path else f"{page}.html"
    anchor = anchors.get(target.removesuffix(".html"))
    if anchor is None:
        return None
    return f"#{anchor}--{parts.fragment}" if parts.fragment else f"#{anchor}"


def unfold(folded: Tag) -> None:
    """Show what is folded away, without the words that invite to unfold it."""
    folded.name = "div"
    summary = folded.find("summary", recursive=False)
    if isinstance(summary, Tag):
        if "hide" in folded.get_attribute_list("class"):
            summary.decompose()
        else:
            summary.name = "p"


def article(html: Path, chapter: Chapter, anchors: dict[str, str]) -> Tag:
    """The text of one page, made ready to stand beside all others."""
    soup = BeautifulSoup((html / f"{chapter.page}.html").read_text(encoding="utf-8"), "html.parser")
    found = soup.select_one("article.bd-article")
    assert found is not None, f"{chapter.page} has no article"
    for unwanted in found.select(SCREEN):
        unwanted.decompose()
    for fallback in found.select("noscript"):
        fallback.unwrap()
    for folded in found.select("details"):
        unfold(folded)
    for element in found.select("[id]"):
        element["id"] = f"{chapter.anchor}--{element['id']}"
    for link in found.select("a[href]"):
        target = inside(str(link["href"]), chapter.page, anchors)
        if target is None:
            link.unwrap()
        else:
            link["href"] = target
    for picture in found.select("[src]"):
        picture["src"] = normpath(join(dirname(chapter.page), str(picture["src"])))
    if chapter.part is not None:  # the part has the first level of headings
        for level in (5, 4, 3, 2, 1):
            for heading in found.select(f"h{level}"):
                heading.name = f"h{level + 1}"
    found["id"] = chapter.anchor
    found["class"] = "bd-article chapter"
    return found


def title_of(text: Tag) -> str:
    """The title of a chapter, with its number."""
    heading = text.find(re.compile("^h[12]$"))
    return " ".join(heading.get_text().split()) if isinstance(heading, Tag) else ""


def contents(texts: dict[Chapter, Tag]) -> str:
    """The table of contents, with room for the page numbers."""
    lines, part = [], None
    for chapter, text in texts.items():
        if chapter.part != part:
            part = chapter.part
            lines.append(f'<li class="part">{part}</li>')
        lines.append(
            f'<li><a href="#{chapter.anchor}">{title_of(text)}</a>'
            f'<span data-to="{chapter.anchor}"></span></li>'
        )
    return f'<nav id="contents"><h1>Contents</h1><ul>{"".join(lines)}</ul></nav>'


def joined(html: Path, toc: Path) -> str:
    """The whole book as one page of HTML."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    order = list(chapters(toc))
    anchors = {chapter.page: chapter.anchor for chapter in order}
    texts = {chapter: article(html, chapter, anchors) for chapter in order}
    first = BeautifulSoup((html / f"{order[0].page}.html").read_text("utf-8"), "html.parser")
    styles = ""
    for sheet in first.select('link[rel="stylesheet"]'):
        sheet["href"] = normpath(join(dirname(order[0].page), str(sheet["href"])))
        styles += str(sheet)
    body, part = "", None
    for chapter, text in texts.items():
        if chapter.part != part:
            part = chapter.part
            body += f'<h1 class="part">{part}</h1>'
        body += str(text)
    return (
        f'<!DOCTYPE html><html lang="en" data-theme="light" data-mode="light"><head>'
        f'<meta charset="utf-8"><title>{config["title"]}</title>{styles}</head>'
        f'<body class="printed"><div id="cover"><img src="_static/logo.svg" alt="">'
        f"<p>{config['title']}</p><p>Version {backprop.__version__}</p><p>{config['copyright']}</p>"
        f'</div>{contents(texts)}<main class="bd-main"><div class="bd-content">'
        f'<div class="bd-article-container">{body}</div></div></main></body></html>'
    )


def page_numbers(pdf: Path) -> dict[str, int]:
    """On which page of a PDF each anchor is that something links to."""
    reader = PdfReader(pdf)
    found = {}
    for name, destination in reader.named_destinations.items():
        number = reader.get_destination_page_number(destination)
        if number is not None:
            found[name.removeprefix("/")] = number + 1
    return found


def print_to(page: Page, pdf: Path) -> None:
    """Print what a page shows."""
    page.pdf(
        path=pdf,
        format=FORMAT,
        margin=MARGIN,  # type: ignore[arg-type]
        display_header_footer=True,
        header_template="<span></span>",
        footer_template=FOOTER,
        print_background=True,
        outline=True,
        tagged=True,
    )


def build(html: Path, chromium: str) -> Path:
    """Print the book that a folder holds."""
    whole, pdf = html / JOINED, html / NAME
    whole.write_text(joined(html, ROOT / "_toc.yml"), encoding="utf-8")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
            width = round((WIDTH - 2 * SIDE) * MILLIMETRE)
            page = browser.new_page(viewport={"width": width, "height": 1000})
            page.set_default_timeout(300_000)
            page.emulate_media(media="print")
            page.goto(whole.as_uri())
            page.evaluate("document.fonts.ready.then(() => null)")
            page.evaluate(FIT)
            print_to(page, pdf)
            page.evaluate(NUMBERS, page_numbers(pdf))
            print_to(page, pdf)
            browser.close()
    finally:
        whole.unlink()
    return pdf


def offer(html: Path, pdf: Path, pages: int) -> None:
    """Put the link to the PDF on the first page of the book."""
    first = html / f"{next(chapters(ROOT / '_toc.yml')).page}.html"
    text = first.read_text(encoding="utf-8")
    size = max(1, round(pdf.stat().st_size / 1e6))
    link = LINK.format(name=pdf.name, pages=pages, size=size)
    first.write_text(PLACE.sub(link, text), encoding="utf-8")


def main() -> int:
    """Print the book; 1 with a sentence if that is not possible."""
    html = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "_build" / "html"
    html = html.resolve()
    chromium = program()
    if not (html / "index.html").is_file():
        print(
            f"error: there is no book in {html}: run make book or make html first.", file=sys.stderr
        )
        return 1
    if chromium is None:
        print(f"error: {MISSING}", file=sys.stderr)
        return 1
    pdf = build(html, chromium)
    pages = len(PdfReader(pdf).pages)
    offer(html, pdf, pages)
    print(f"{pdf.name}: {pages} pages, {pdf.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
