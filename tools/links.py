"""Check the links of the book that lead elsewhere, and list those that lead nowhere any more.

Use: python tools/links.py [--folder FOLDER]    (default: _build/links)
Needs a network. Exit status: 0 if no link is gone, 1 if some are, 2 if nothing could be checked.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BOOK = Path(sys.executable).parent / "jupyter-book"
WORKS = ("working", "redirected")
# Sites that turn programs away (403, 429), are slow or have a bad day are no news.
GONE = re.compile(r"\b(404|410)\b|Name or service not known|Failed to resolve|Anchor .* not found")


@dataclass(frozen=True)
class Answers:
    """What came of the links, as `page: address (answer)`."""

    works: list[str]
    gone: list[str]
    unknown: list[str]


def sort_out(lines: Iterable[str]) -> Answers:
    """Sort the lines of Sphinx's output.json."""
    answers = Answers([], [], [])
    for line in lines:
        link = json.loads(line)
        shown = f"{link['filename']}: {link['uri']} ({link['info'] or link['status']})"
        if link["status"] in WORKS:
            answers.works.append(shown)
        elif link["status"] == "broken" and GONE.search(link["info"]):
            answers.gone.append(shown)
        elif link["status"] in ("broken", "timeout", "rate-limited"):
            answers.unknown.append(shown)
    return answers


def report(answers: Answers) -> int:
    """Print what came out; returns the exit status."""
    if not answers.works:
        print("error: not one link answers; is there a network?", file=sys.stderr)
        return 2
    for heading, links in (("gone", answers.gone), ("no clear answer", answers.unknown)):
        print(f"{len(links)} links: {heading}")
        for link in sorted(links):
            print(f"  {link}")
    print(f"{len(answers.works)} links work")
    return 1 if answers.gone else 0


def main() -> int:
    """Ask every address once."""
    parser = argparse.ArgumentParser(description=__doc__)
    # Not the folder of the book: jupyter-book keeps both under the same names.
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "_build" / "links", help="where to work"
    )
    folder = parser.parse_args().folder
    output = folder / "_build" / "html" / "output.json"
    output.unlink(missing_ok=True)
    # Its exit status says that some link is broken, for whatever reason: we look ourselves.
    done = subprocess.run(
        [BOOK, "build", ".", "--builder", "linkcheck", "-q", "--path-output", folder],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if not output.is_file():
        print(f"{done.stdout}\nerror: the links were not checked; see above.", file=sys.stderr)
        return 2
    return report(sort_out(output.read_text(encoding="utf-8").splitlines()))


if __name__ == "__main__":
    sys.exit(main())
