"""Check the built book: every page is there, nothing is fetched from elsewhere, links hold.

Use: python tools/check_html.py [FOLDER]    (default: _build/html)
"""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml

ROOT = Path(__file__).resolve().parent.parent

# What a browser fetches by itself when it shows a page.
FETCHED = {
    ("script", "src"),
    ("img", "src"),
    ("iframe", "src"),
    ("embed", "src"),
    ("object", "data"),
    ("source", "src"),
    ("audio", "src"),
    ("video", "src"),
    ("video", "poster"),
}
FETCHED_LINKS = {"stylesheet", "icon", "shortcut", "preload", "modulepreload", "manifest"}
CSS_URL = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])\s*((?:https?:)?//[^"')\s]+)""")


class Page(HTMLParser):
    """The anchors of one page, its links, and what it makes a browser fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.images_without_text = 0
        self._in_style = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        self.anchors.update(found[name] for name in ("id", "name") if name in found)
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "img" and not found.get("alt", "").strip():
            self.images_without_text += 1
        self.fetched += [found[name] for name in found if (tag, name) in FETCHED]
        self.fetched += CSS_URL.findall(found.get("style", ""))
        if tag == "link" and FETCHED_LINKS & set(found.get("rel", "").split()):
            self.fetched.append(found.get("href", ""))

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.fetched += CSS_URL.findall(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False


def is_external(address: str) -> bool:
    """Whether an address leads away from the book."""
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme in {"http", "https"}


def toc_pages(toc: Path) -> list[str]:
    """Every page that the table of contents names."""
    found: list[str] = []

    def walk(node: object) -> None:
        if isinstance(node, dict):
            found.extend(str(node[key]) for key in ("root", "file") if key in node)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(yaml.safe_load(toc.read_text(encoding="utf-8")))
    return found


def missing_pages(html: Path, toc: Path) -> Iterator[str]:
    """Pages of the table of contents that the build left out."""
    for name in toc_pages(toc):
        if not (html / f"{name}.html").is_file():
            yield f"{name}: named in {toc.name}, but the build has no such page"


def broken_link(link: str, path: Path, pages: dict[Path, Page], html: Path) -> str | None:
    """What is wrong with one internal link of a page, or None."""
    parts = urlsplit(link)
    if is_external(link) or parts.scheme:
        return None
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target.is_dir():
        target /= "index.html"
    if not target.is_relative_to(html) or not target.exists():
        return f"link to '{link}', which is not there"
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].anchors:
        return f"link to '{link}', but the page has no such anchor"
    return None


def page_problems(path: Path, pages: dict[Path, Page], html: Path) -> Iterator[str]:
    """Everything wrong with one page."""
    page = pages[path]
    for address in page.fetched:
        if is_external(address):
            yield f"fetches {address} from elsewhere"
        elif address and not address.startswith("data:"):
            problem = broken_link(address, path, {}, html)
            if problem:
                yield problem.replace("link to", "fetches", 1)
    if page.images_without_text:
        yield f"{page.images_without_text} image(s) without a text for those who cannot see them"
    for link in page.links:
        problem = broken_link(link, path, pages, html)
        if problem:
            yield problem


def problems(html: Path, toc: Path) -> Iterator[str]:
    """Everything wrong with a built book, one sentence each."""
    html = html.resolve()
    yield from missing_pages(html, toc)
    paths = [p for p in sorted(html.rglob("*.html")) if "_static" not in p.parts]
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in paths}
    for path in paths:
        for problem in page_problems(path, pages, html):
            yield f"{path.relative_to(html)}: {problem}"
    for path in sorted(html.rglob("*.css")):
        for address in CSS_URL.findall(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(html)}: fetches {address} from elsewhere"


def main() -> int:
    """Print what is wrong; 1 if anything is."""
    html = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "_build" / "html"
    found = list(problems(html, ROOT / "_toc.yml"))
    for problem in found:
        print(f"error: {problem}", file=sys.stderr)
    if not found:
        print(f"{len(list(html.rglob('*.html')))} pages: all there, self-contained, links hold")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
