"""What to cite: written by tools/citation.py from CITATION.cff, not by hand."""

TITLE = "Backpropagation, Reproduced"
# As BibTeX writes them: a group in braces.
AUTHORS = [
    "{The Backpropagation, Reproduced authors}",
]
# None: not released, no DOI, not published at an address.
RELEASED: str | None = None
DOI: str | None = None
URL: str | None = None
