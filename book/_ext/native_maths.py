"""Equations as MathML, made when the book is built: a reader's browser fetches and runs nothing.

latex2mathml translates; this module turns the few constructs that it or today's browsers do not
know into ones that they do, and warns (which fails the build) about a command nobody knows.
"""

import html
import re
import unicodedata
from importlib.resources import as_file, files
from pathlib import Path
from shutil import copyfile
from xml.etree import ElementTree as ET

from docutils import nodes
from latex2mathml import exceptions
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

LOGGER = logging.getLogger(__name__)
FONT = "STIXTwoMath-Regular.ttf"
MATHML = "http://www.w3.org/1998/Math/MathML"
ET.register_namespace("", MATHML)

# The library's errors have no base class of their own.
FAILURES = (
    ET.ParseError,
    IndexError,
    RecursionError,
    *(kind for kind in vars(exceptions).values() if isinstance(kind, type)),
)

# LaTeX that latex2mathml does not know, as LaTeX that it does.
REWRITES = [
    # Numbers come from Sphinx, so the environments are the unnumbered ones.
    (re.compile(r"\\(begin|end)\{(?:aligned|split|align|alignat|eqnarray)\}"), r"\\\1{align*}"),
    (re.compile(r"\\(begin|end)\{equation\*?\}"), ""),
    # A single upright letter: <mi> would slant it.
    (re.compile(r"\\(?:mathrm|text|textrm)\{([A-Za-z])\}"), r"\\text{\1}"),
    (re.compile(r"\\arg(?![A-Za-z])"), r"\\operatorname{arg}"),
    # A comma inside a number takes no space after it.
    (re.compile(r"(?<=\d)\{,\}(?=\d)"), r"\\text{,}"),
    (re.compile(r"\\(?:label|nonumber|notag)(?:\{[^}]*\})?(?![A-Za-z])"), ""),
]
# How many parts an element must have; fewer means that something was left out.
PARTS = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2} | {
    "msubsup": 3,
    "munderover": 3,
}
BARS = {"|", "\u2016", "\u2223", "\u2225"}
LIMITS = {"max", "min", "lim", "sup", "inf", "arg max", "arg min"}
UNKNOWN = re.compile(r"\\[A-Za-z]+")
ENVIRONMENT = re.compile(r"\\begin\{([^}]*)\}")
ENVIRONMENTS = {"align*", "array", "cases", "smallmatrix"} | {
    f"{kind}matrix" for kind in ("", "p", "b", "B", "v", "V")
}


def tag(name: str) -> str:
    """A MathML element name as ElementTree writes it."""
    return f"{{{MATHML}}}{name}"


def bold(text: str) -> str:
    """Letters as their bold italic code points, which need no font of their own."""
    slanted = {
        "A": 0x1D468,
        "a": 0x1D482,
        "\u0391": 0x1D71C,  # Greek capitals
        "\u03b1": 0x1D736,  # Greek small letters
    }
    found = []
    for letter in text:
        name = unicodedata.name(letter, "")
        greek = name.startswith("GREEK")
        first = ("\u0391" if letter.isupper() else "\u03b1") if greek else "A"
        if not greek and letter.islower():
            first = "a"
        offset = ord(letter) - ord(first)
        known = 0 <= offset < (25 if greek else 26)
        found.append(chr(slanted[first] + offset) if known else letter)
    return "".join(found)


def align(table: ET.Element) -> None:
    """Say in classes how columns are aligned: most browsers do not read MathML's attributes."""
    paired = table.attrib.pop("columnspacing", "").startswith("0em")
    table.attrib.pop("rowspacing", None)
    if paired:
        table.set("class", "aligned")
    for cell in table.iterfind(f"{tag('mtr')}/{tag('mtd')}"):
        side = cell.attrib.pop("columnalign", None)
        if side:
            cell.set("class", side)


def typeset(element: ET.Element) -> None:
    """Set one element as TeX would, where the library leaves it to the browser."""
    text = element.text or ""
    if element.attrib.get("mathvariant", "").startswith("bold"):
        del element.attrib["mathvariant"]
        element.text = bold(text)
    elif element.tag == tag("mi") and len(text) == 1 and "\u0391" <= text <= "\u03a9":
        element.set("mathvariant", "normal")  # Greek capitals stand upright
    elif element.tag == tag("mi") and set(text) == {"\u2032"}:
        element.tag = tag("mo")  # primes
    elif element.tag == tag("mo") and text in BARS:
        element.attrib.setdefault(
            "stretchy", "false"
        )  # as tall as a letter, unless \\left asks for more
    elif element.tag == tag("msub") and element[0].text in LIMITS:
        element.tag = tag("munder")  # below the word in a display, beside it in the text
        element[0].set("movablelimits", "true")
    elif element.tag == tag("mtable"):
        align(element)


def mathml(latex: str, *, block: bool) -> str:
    """MathML of one equation.

    Raises ValueError, naming the command, for LaTeX that cannot be translated.
    """
    text = latex.strip()
    for pattern, replacement in REWRITES:
        text = pattern.sub(replacement, text)
    if block and r"\\" in text and r"\begin" not in text:
        text = rf"\begin{{align*}}{text}\end{{align*}}"
    used = set(ENVIRONMENT.findall(text))
    if not used <= ENVIRONMENTS:
        raise ValueError(f"unknown environment {', '.join(sorted(used - ENVIRONMENTS))}")
    if not used and re.search(r"(?<!\\)&", text):
        raise ValueError("'&' outside an environment that aligns")
    braces = re.findall(r"(?<!\\)[{}]", text)
    if braces.count("{") != braces.count("}"):
        raise ValueError("braces that do not match")
    try:
        root = ET.fromstring(convert(text, display="block" if block else "inline"))
    except FAILURES as error:
        raise ValueError(f"{type(error).__name__} {error}".strip()) from error
    for element in root.iter():
        if element.text and UNKNOWN.search(element.text):
            raise ValueError(f"unknown command {element.text}")
        if len(element) != PARTS.get(element.tag.rpartition("}")[2], len(element)):
            raise ValueError("a fraction, root, subscript or superscript lacks a part")
        typeset(element)
    return ET.tostring(root, encoding="unicode")


def translated(node: nodes.Element, *, block: bool) -> str:
    """MathML of a node; its LaTeX, after a warning, where that is impossible."""
    try:
        return mathml(node.astext(), block=block)
    except ValueError as error:
        LOGGER.warning("equation cannot be shown: %s", error, location=node)
        return f"<code>{html.escape(node.astext())}</code>"


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    """Write an equation in the text."""
    self.body.append(translated(node, block=False))
    raise nodes.SkipNode


def visit_displaymath(self: HTML5Translator, node: nodes.math_block) -> None:
    """Write an equation on a line of its own, with its number if it has a label."""
    self.body.append(self.starttag(node, "div", CLASS="math-block"))
    # A wide equation scrolls inside this element; the keyboard reaches it too.
    self.body.append('<div class="math-scroll" tabindex="0">')
    self.body.append(translated(node, block=True))
    self.body.append("</div>")
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def copy_font(app: Sphinx, error: Exception | None) -> None:
    """Put the font of the equations beside the pages, for browsers that have none.

    It is STIX Two Math (SIL Open Font Licence), which the package ziamath carries.
    """
    if error is None and app.builder.format == "html":
        folder = Path(app.outdir) / "_static" / "fonts"
        folder.mkdir(parents=True, exist_ok=True)
        with as_file(files("ziamath") / "fonts" / FONT) as source:
            copyfile(source, folder / FONT)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx, as html_math_renderer `native`."""
    app.add_html_math_renderer("native", (visit_math, None), (visit_displaymath, None))
    app.connect("build-finished", copy_font)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
