"""Bring the README's tables of claims and its figure up to date with the recorded runs."""

import sys

from backprop import claims, plotting, results
from notebooks import ROOT

README = ROOT / "README.md"
FIGURE = ROOT / "book" / "_static" / "zip-five.png"
BEGIN, END = "<!-- claims: tools/readme.py writes what follows -->\n", "<!-- end of claims -->"


def tables() -> str:
    """Count the verdicts by page, and show every published number that runs answer."""
    verdicts = claims.judge_all()
    numbers = [v for v in verdicts if v.claim.rule == "draw"]
    counted, shown = (
        claims.markdown(claims.summary(verdicts)),
        claims.markdown(claims.rows(numbers)),
    )
    return (
        f"{len(verdicts)} claims: {claims.counted(verdicts)}.\n\n"
        f"{counted}\n\nThe published numbers that runs of ours can answer:\n\n{shown}"
    )


def write_table() -> None:
    """Replace what stands between the two marks."""
    before, rest = README.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    README.write_text(f"{before}{BEGIN}\n{tables()}\n\n{END}{after}", encoding="utf-8")


def draw_figure() -> None:
    """Draw the five results of the 1989 paper beside the recorded runs."""
    plotting.use_style()
    record = results.load(results.default_folder(), "zip_codes", "pseudo-newton")
    figure = plotting.panels_beside_paper(claims.five_results(record))
    figure.savefig(FIGURE, metadata={"Software": None})


def main() -> int:
    """Write both."""
    write_table()
    draw_figure()
    return 0


if __name__ == "__main__":
    sys.exit(main())
