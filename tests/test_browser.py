"""Every page of the built book in a browser: all is there, nothing from elsewhere, no barriers."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from browser import ROOT, Shown, missing, show
from check_html import toc_pages

# The pages of the table of contents, and those that the build adds.
PAGES = [*toc_pages(ROOT / "_toc.yml"), "genindex", "search", "_modules/backprop/network"]
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# What differs between light and dark is looked at once more.
BY_THEME = ["color-contrast", "link-in-text-block"]

# Rules that a page may break, because docutils writes the bibliography in this way: each entry has
# the role doc-biblioentry, which ARIA has given up, inside an element that is not a list.
ALLOWED = {
    "book/appendix/bibliography": {"aria-deprecated-role", "aria-required-children"},
}


@pytest.fixture(scope="module")
def window(chromium: Any) -> Iterator[Any]:
    """One window for all pages, which keeps the style sheets; a BrowserContext of Playwright."""
    context = chromium.new_context(viewport=DESK, color_scheme="light", reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture(scope="module", params=PAGES)
def shown(request: pytest.FixtureRequest, window: Any, book: str) -> Iterator[Shown]:
    """Each page in turn, loaded once for all tests."""
    shown = show(window.new_page(), book, f"{request.param}.html")
    yield shown
    shown.page.close()


@pytest.fixture
def tab(window: Any) -> Iterator[Any]:
    """An empty page of the browser."""
    page = window.new_page()
    yield page
    page.close()


def test_nothing_comes_from_elsewhere(shown: Shown):
    assert shown.foreign == []


def test_everything_that_a_page_asks_for_is_there(shown: Shown):
    assert shown.failed == []


def test_nothing_is_amiss_in_the_console(shown: Shown):
    assert shown.errors == []


def test_pictures_are_shown(shown: Shown):
    empty = """images => images.filter(image => image.checkVisibility() && !image.naturalWidth)
                               .map(image => image.src)"""
    assert shown.page.eval_on_selector_all("article img", empty) == []


def test_equations_are_shown(shown: Shown):
    empty = """equations => equations.filter(equation => {
        const box = equation.getBoundingClientRect();
        return !equation.closest("details:not([open])") && !(box.width > 0 && box.height > 0);
    }).map(equation => equation.textContent)"""
    assert shown.page.eval_on_selector_all("article math", empty) == []


def test_the_keyboard_reaches_the_text_at_once(shown: Shown):
    shown.page.keyboard.press("Tab")
    assert shown.page.evaluate("document.activeElement.hash") == "#main-content"
    shown.page.keyboard.press("Enter")
    shown.page.keyboard.press("Tab")
    assert shown.page.evaluate(
        "document.getElementById('main-content').contains(document.activeElement)"
    )


def test_a_phone_needs_no_sideways_scroll(shown: Shown):
    shown.page.set_viewport_size(PHONE)
    # Named, so that one need not look for them: what reaches beyond the edge and does not scroll.
    beyond = """() => {
        const root = document.documentElement, edge = root.clientWidth;
        const scrolls = e => e && (/auto|scroll|hidden/.test(getComputedStyle(e).overflowX)
                                   || scrolls(e.parentElement));
        if (root.scrollWidth <= edge) return [];
        return [...document.querySelectorAll("main *")]
            .filter(e => e.getBoundingClientRect().right > edge + 1 && !scrolls(e))
            .map(e => e.outerHTML.slice(0, 99)).slice(0, 5).concat(`${root.scrollWidth} > ${edge}`);
    }"""
    assert shown.page.evaluate(beyond) == []


def test_the_keyboard_reaches_what_scrolls(shown: Shown):
    shown.page.set_viewport_size(PHONE)
    shown.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    out_of_reach = """() => [...document.querySelectorAll("main *")].filter(
        e => e.scrollWidth > e.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(e).overflowX)
            && e.tabIndex < 0 && !e.querySelector("a, button, input, summary, [tabindex='0']")
    ).map(e => e.outerHTML.slice(0, 99))"""
    # The theme looks at what scrolls a moment after the window has changed.
    deadline = time.monotonic() + 3
    while (found := shown.page.evaluate(out_of_reach)) and time.monotonic() < deadline:
        shown.page.wait_for_timeout(100)
    assert found == []


# Everything unfolded at once. Of what looks the same only the first few stay: the thousandth word
# of code in one colour, or function of the library, would keep axe-core busy for minutes.
PREPARE = """() => {
    const style = document.createElement("style");
    style.textContent = "* { animation: none !important; transition: none !important }";
    document.head.append(style);
    for (const folded of document.querySelectorAll("details")) folded.open = true;
    const seen = {};
    const alike = e => {
        const around = e.parentElement.closest("pre, p, td, li, figcaption, div, dl");
        const kind = [e.className, getComputedStyle(e).color, around.className].join();
        seen[kind] = (seen[kind] ?? 0) + 1;
        return seen[kind] > (e.matches("dl, details, li") ? 5 : 1);
    };
    const all = document.querySelectorAll(`nav li, article :is(
        pre span, math, dl.py, details.claim, .indextable li)`);
    for (const e of [...all].filter(alike))
        e.replaceWith(e.matches("li") ? "" : e.textContent.slice(0, 99));
}"""


def violations(shown: Shown, run_only: dict[str, Any]) -> list[str]:
    """What axe-core finds on a page, everything on it unfolded: one line for each rule."""
    try:
        from axe_playwright_python.base import AXE_SCRIPT
    except ImportError:
        missing("axe-core is not installed (it is among the locked packages: make setup).")
    if not shown.page.evaluate("'axe' in window"):
        shown.page.evaluate(PREPARE)
        shown.page.evaluate(AXE_SCRIPT)
    options = {"runOnly": run_only, "resultTypes": ["violations"], "preload": False}
    found = shown.page.evaluate("options => axe.run(options)", options)["violations"]
    path = shown.page.url.partition("127.0.0.1")[2].partition("/")[2].partition(".html")[0]
    return [
        f"{rule['id']}, {len(rule['nodes'])} times: {rule['nodes'][0]['html'][:200]} "
        f"({rule['nodes'][0]['target']}) {rule['nodes'][0]['failureSummary']}"
        for rule in found
        if rule["id"] not in ALLOWED.get(path, ())
    ]


def test_no_barriers_in_light(shown: Shown):
    shown.page.set_viewport_size(DESK)
    assert violations(shown, {"type": "tag", "values": WCAG}) == []


def test_no_barriers_in_dark(shown: Shown):
    shown.page.set_viewport_size(DESK)
    shown.page.emulate_media(color_scheme="dark")
    shown.page.wait_for_function("document.documentElement.dataset.theme == 'dark'")
    assert violations(shown, {"type": "rule", "values": BY_THEME}) == []


def test_search_finds_a_word_and_leads_there(tab: Any, book: str):
    show(tab, book, "book/intro.html")
    tab.keyboard.press("Control+k")
    tab.keyboard.type("saturated")
    tab.keyboard.press("Enter")
    first = tab.locator("#search-results li a").first
    first.wait_for(timeout=10_000)
    first.click()
    tab.wait_for_load_state("load")
    assert "search.html" not in tab.url
    assert "saturated" in tab.locator("article").inner_text().lower()


def test_a_search_for_nonsense_says_so(tab: Any, book: str):
    show(tab, book, "search.html?q=xyzzyplugh")
    tab.get_by_text("did not match any documents").wait_for(timeout=10_000)
    assert tab.locator("#search-results li a").count() == 0


def test_on_paper_there_is_the_text_and_nothing_else(tab: Any, book: str):
    show(tab, book, "book/derivation/how-it-works.html")
    tab.emulate_media(media="print")
    for what in (".bd-sidebar-primary", ".bd-sidebar-secondary", ".bd-header-article"):
        assert not tab.locator(what).first.is_visible(), f"{what} would be printed"
    assert tab.locator("article h1").first.is_visible()
    cut = "all => all.filter(f => getComputedStyle(f).breakInside != 'avoid').length"
    assert tab.eval_on_selector_all("article figure", cut) == 0
