"""A browser for tests: the built book served from this machine, in Chromium cut off from the rest.

The fixtures `book` and `chromium` are for all tests (see conftest.py). What they need and do not
find is named, and the test skipped; on a CI machine the test fails instead.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from chromium import ARGUMENTS, MISSING, program

ROOT = Path(__file__).resolve().parent.parent
# What `make test` builds before it runs the tests (tools/checks.py).
HTML = Path(os.environ.get("READING_HTML", ROOT / "_build" / "checked" / "_build" / "html"))


def missing(what: str) -> None:
    """Skip the test, by name; on a CI machine everything must be there, so there it fails.

    BROWSER_TESTS=optional is for CI machines on which Chromium cannot be installed.
    """
    optional = os.environ.get("BROWSER_TESTS") == "optional"
    if os.environ.get("CI", "").lower() == "true" and not optional:
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


class Files(SimpleHTTPRequestHandler):
    """Serve files without a line in the log for each, and let the browser keep them."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def end_headers(self) -> None:
        """Add to each answer that it may be kept, so that style sheets are sent once."""
        self.send_header("Cache-Control", "max-age=600")
        super().end_headers()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine; yields its address, which ends in a slash."""
    handler = partial(Files, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def book() -> Iterator[str]:
    """Address of the built book."""
    if not (HTML / "index.html").is_file():
        missing(f"The book is not built in {HTML.relative_to(ROOT)} (make test builds it).")
    with served(HTML) as address:
        yield address


# Not for the whole session: while it is open, an event loop counts as running in this thread.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Chromium, started once for the tests of a file; a Browser of Playwright."""
    if find_spec("playwright") is None:
        missing("Playwright is not installed (it is among the locked packages: make setup).")
    found = program()
    if found is None:
        missing(MISSING)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Shown:
    """A page in the browser, and what went wrong while it was shown."""

    page: Any
    address: str
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def watch(page: Any, home: str) -> Shown:
    """Note from now on what a page of the browser asks for, and what it complains of."""
    shown = Shown(page, home)

    def see_request(request: Any) -> None:
        if not request.url.startswith((home, "data:", "blob:", "about:")):
            shown.foreign.append(request.url)

    def see_response(response: Any) -> None:
        if response.status >= 400:
            shown.failed.append(f"{response.status} {response.url}")

    def see_message(message: Any) -> None:
        if message.type == "error":
            shown.errors.append(message.text)

    page.on("request", see_request)
    page.on("response", see_response)
    page.on("requestfailed", lambda request: shown.failed.append(f"{request.url} failed"))
    page.on("console", see_message)
    page.on("pageerror", lambda error: shown.errors.append(str(error)))
    return shown


def show(page: Any, home: str, path: str) -> Shown:
    """Open a file of the served folder, and wait until it is all there, its fonts included."""
    shown = watch(page, home)
    shown.address = home + path
    page.goto(shown.address, wait_until="load")
    page.evaluate("document.fonts.ready.then(() => null)")
    return shown
