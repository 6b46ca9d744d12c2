"""Where Chromium is, and how it is started so that it shows files of this machine and no more."""

import shutil

PROGRAMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
MISSING = "Chromium is not installed (Debian and Ubuntu: apt install chromium)."
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def program() -> str | None:
    """The installed Chromium (or Chrome); None if there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)
