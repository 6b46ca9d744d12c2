"""Put a built book beside the older ones, for a site on which every version stays reachable.

Use: python tools/versions.py BOOK SITE VERSION
BOOK is the folder of a built book, SITE the folder of the site (with the books that are there
already), VERSION a number such as 0.1.0, or `dev` for the state between releases.

SITE/VERSION/   the book. One that was released is never replaced by another.
SITE/latest/    a copy of the newest release, or of dev as long as there is none
SITE/versions.json and SITE/versions.html   the list
SITE/index.html leads to latest
"""

import argparse
import filecmp
import html
import json
import re
import shutil
import sys
from pathlib import Path

DEV = "dev"
NUMBER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
SCHEMA = 1
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
{head}<title>{title}</title>
</head>
<body>
{body}
</body>
</html>
"""


class VersionError(Exception):
    """A book that cannot be put there."""


def versions(site: Path) -> list[str]:
    """The versions that a site holds: releases from new to old, then dev."""
    folders = {path.name for path in site.iterdir() if path.is_dir()} if site.is_dir() else set()
    released = sorted(
        (name for name in folders if NUMBER.fullmatch(name)),
        key=lambda name: [int(part) for part in name.split(".")],
        reverse=True,
    )
    return [*released, *({DEV} & folders)]


def same(one: Path, other: Path) -> bool:
    """Whether two folders hold the same files with the same content."""
    names = [sorted(p.relative_to(root) for p in root.rglob("*")) for root in (one, other)]
    return names[0] == names[1] and all(
        filecmp.cmp(one / name, other / name, shallow=False)
        for name in names[0]
        if (one / name).is_file()
    )


def put(book: Path, folder: Path) -> None:
    """Copy a book to where another may be."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(book, folder)


def add(book: Path, site: Path, version: str) -> None:
    """Put a book into its folder of the site, and bring latest and the list up to date."""
    if version != DEV and not NUMBER.fullmatch(version):
        raise VersionError(f"'{version}' is no version: give three numbers as in 0.1.0, or dev")
    if not (book / "index.html").is_file():
        raise VersionError(f"{book} is no built book: it has no index.html. Run `make book` first")
    folder = site / version
    if version != DEV and folder.is_dir() and not same(book, folder):
        raise VersionError(
            f"version {version} is on the site already, with other content; released books are not "
            "changed. Raise the version"
        )
    put(book, folder)
    put(site / versions(site)[0], site / "latest")
    write_lists(site)


def write_lists(site: Path) -> None:
    """Write the list of versions, for programs and for people, and the page that leads on."""
    names = versions(site)
    content = {"schema": SCHEMA, "latest": names[0], "versions": names}
    (site / "versions.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    items = "".join(
        f'<li><a href="{name}/index.html">{label(name, names[0])}</a></li>\n' for name in names
    )
    listed = page("Versions of this book", f"<h1>Versions of this book</h1>\n<ul>\n{items}</ul>")
    (site / "versions.html").write_text(listed, encoding="utf-8")
    ahead = '<meta http-equiv="refresh" content="0; url=latest/index.html">\n'
    body = '<p><a href="latest/index.html">The book</a></p>'
    (site / "index.html").write_text(page("The book", body, ahead), encoding="utf-8")
    # Without this file GitHub Pages leaves out folders such as _static.
    (site / ".nojekyll").touch()


def label(name: str, latest: str) -> str:
    """How a version is listed."""
    shown = "in development" if name == DEV else f"version {name}"
    return html.escape(shown + (" (latest)" if name == latest else ""))


def page(title: str, body: str, head: str = "") -> str:
    """A small page of its own."""
    return PAGE.format(title=title, body=body, head=head)


def main() -> int:
    """Add a book; 1 if it cannot be added."""
    parser = argparse.ArgumentParser(description="Put a built book beside the older ones.")
    parser.add_argument("book", type=Path)
    parser.add_argument("site", type=Path)
    parser.add_argument("version")
    given = parser.parse_args()
    try:
        add(given.book, given.site, given.version)
    except VersionError as error:
        print(f"error: {error}.", file=sys.stderr)
        return 1
    print(f"{given.site}: {', '.join(versions(given.site))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
