"""Titles, descriptions and preview pictures: what search engines and shared links show."""

from html import escape
from pathlib import Path
from textwrap import shorten, wrap
from typing import Any

import matplotlib
from docutils import nodes
from PIL import Image, ImageDraw, ImageFont
from sphinx.application import Sphinx

LENGTH = 200  # letters of a description
# Of the pictures: the size that the sites which show them ask for, and the share of the title.
WIDTH, HEIGHT, TOP, MARGIN = 1200, 630, 170, 40
INK, BLUE = "#1f2933", "#2b5c8a"
FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans-Bold.ttf"
FALLBACK = "book/_static/zip-five.png"  # for a page without a figure


def description(doctree: nodes.document, given: str | None) -> str:
    """What a page says of itself in its metadata, or else its first paragraph without equations."""
    if given:
        return given
    for paragraph in doctree.findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        plain = not next(paragraph.findall(nodes.math), None)
        if plain and isinstance(paragraph.parent, nodes.section) and len(text) > LENGTH / 4:
            return shorten(text, LENGTH, placeholder=" …")
    return ""


def first_figure(doctree: nodes.document) -> str | None:
    """The source of the first picture of a page that can be shown elsewhere."""
    uris = (str(image["uri"]) for image in doctree.findall(nodes.image))
    return next((uri for uri in uris if uri.endswith(".png")), None)


def card(title: str, book: str, figure: Path) -> Image.Image:
    """A picture with a title above and a figure below."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(picture)
    draw.text((MARGIN, 22), book, BLUE, ImageFont.truetype(FONT, 26))
    lines = wrap(title, 40)[:2]
    draw.multiline_text((MARGIN, 62), "\n".join(lines), INK, ImageFont.truetype(FONT, 40))
    with Image.open(figure) as file:
        shown = file.convert("RGBA")
    scale = min((WIDTH - 2 * MARGIN) / shown.width, (HEIGHT - TOP - MARGIN / 2) / shown.height)
    shown = shown.resize((round(shown.width * scale), round(shown.height * scale)))
    left = (WIDTH - shown.width) // 2
    top = TOP + (HEIGHT - TOP - shown.height) // 2
    picture.paste(shown, (left, top), shown)
    return picture


def tags(page: str, title: str, about: str, site: str, base: str | None) -> dict[str, str]:
    """The properties of one page; addresses are whole only where that of the book is known."""
    root = f"{base.rstrip('/')}/" if base else "../" * page.count("/")
    found = {
        "og:type": "article",
        "og:site_name": site,
        "og:title": title,
        "og:image": f"{root}_static/cards/{page}.png",
        "og:image:width": str(WIDTH),
        "og:image:height": str(HEIGHT),
        "og:image:alt": f"The title of the page, {title}, above a figure of the book.",
        "twitter:card": "summary_large_image",
    }
    if about:
        found |= {"description": about, "og:description": about}
    if base:
        found["og:url"] = f"{root}{page}.html"
    return found


def written(name: str, content: str) -> str:
    """One property as HTML."""
    kind = "property" if name.startswith("og:") else "name"
    return f'<meta {kind}="{name}" content="{escape(content)}" />\n'


def add_tags(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Give the template of a page its title and its properties."""
    if doctree is None:
        return
    title = app.env.titles[page].astext()
    context["title"] = escape(title)  # without the number of the chapter
    if page == app.config.root_doc:
        context["docstitle"] = ""  # it is the title of the page already
    about = description(doctree, app.env.metadata[page].get("description"))
    found = tags(page, title, about, app.config.html_title, app.config.html_baseurl)
    context["metatags"] += "".join(written(*item) for item in found.items())


def make_cards(app: Sphinx, error: Exception | None) -> None:
    """Draw the pictures, when the figures are where the pages find them."""
    if error is not None or app.builder.format != "html":
        return
    for page in app.env.found_docs:
        figure = app.env.images.get(first_figure(app.env.get_doctree(page)))
        source = Path(app.outdir) / "_images" / figure[1] if figure else Path(app.srcdir) / FALLBACK
        path = Path(app.outdir) / "_static" / "cards" / f"{page}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        card(app.env.titles[page].astext(), app.config.html_title, source).save(path, optimize=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("html-page-context", add_tags)
    app.connect("build-finished", make_cards)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
