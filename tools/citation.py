"""Write what is said of the project for citation, from one source: CITATION.cff.

Use: python tools/citation.py
The version and what the software needs are those of pyproject.toml; the rest is CITATION.cff's.
Made from it: .zenodo.json, codemeta.json, and src/backprop/_about.py, which `backprop cite` reads.
"""

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
CFF = "CITATION.cff"

Table = dict[str, Any]


def name_of(author: Table) -> str:
    """The name of a person, family name first, or of a group."""
    return author.get("name") or f"{author['family-names']}, {author['given-names']}"


def zenodo_author(author: Table) -> Table:
    """One author as Zenodo wants it."""
    known = {"affiliation": author.get("affiliation"), "orcid": bare_orcid(author)}
    return {"name": name_of(author), **present(known)}


def bare_orcid(author: Table) -> str | None:
    """The ORCID of a person without the address of the site."""
    orcid = author.get("orcid")
    return orcid.rpartition("/")[2] if orcid else None


def codemeta_author(author: Table) -> Table:
    """One author in the words of schema.org."""
    if "name" in author:
        return {"@type": "Organization", "name": author["name"]}
    person = {
        "@id": author.get("orcid"),
        "@type": "Person",
        "givenName": author["given-names"],
        "familyName": author["family-names"],
    }
    return present(person)


def present(table: Table) -> Table:
    """Leave out what is not known."""
    return {key: value for key, value in table.items() if value}


def zenodo(cff: Table) -> Table:
    """What Zenodo shows of a release."""
    papers = [
        {"identifier": each["doi"], "relation": "references", "scheme": "doi"}
        for each in cff["references"]
    ]
    return {
        "title": cff["title"],
        "upload_type": "software",
        "description": paragraph(cff["abstract"]),
        "version": str(cff["version"]),
        **present({"publication_date": str(cff.get("date-released") or "")}),
        "access_right": "open",
        "license": cff["license"],
        "creators": [zenodo_author(author) for author in cff["authors"]],
        "keywords": cff["keywords"],
        "related_identifiers": papers,
    }


def paragraph(text: str) -> str:
    """A folded text of YAML on one line."""
    return " ".join(text.split())


def codemeta(cff: Table, project: Table) -> Table:
    """The same in the words of CodeMeta, with what the software needs."""
    papers = [
        {
            "@id": f"https://doi.org/{each['doi']}",
            "@type": "ScholarlyArticle",
            "name": each["title"],
            "author": [codemeta_author(author) for author in each["authors"]],
            "datePublished": str(each["year"]),
        }
        for each in cff["references"]
    ]
    return {
        "@context": "https://w3id.org/codemeta/3.0",
        "@type": "SoftwareSourceCode",
        "name": cff["title"],
        "description": paragraph(cff["abstract"]),
        "version": str(cff["version"]),
        **present(
            {
                "identifier": f"https://doi.org/{cff['doi']}" if "doi" in cff else None,
                "url": cff.get("url"),
                "codeRepository": cff.get("repository-code"),
                "datePublished": str(cff.get("date-released") or ""),
            }
        ),
        "license": f"https://spdx.org/licenses/{cff['license']}",
        "author": [codemeta_author(author) for author in cff["authors"]],
        "keywords": cff["keywords"],
        "programmingLanguage": {"@type": "ComputerLanguage", "name": "Python"},
        "runtimePlatform": f"Python {project['requires-python']}",
        "softwareRequirements": project["dependencies"],
        "referencePublication": papers,
    }


def about(cff: Table) -> str:
    """The part that the package itself needs, as a module."""
    authors = [f"{{{a['name']}}}" if "name" in a else name_of(a) for a in cff["authors"]]
    listed = "".join(f"    {json.dumps(name, ensure_ascii=False)},\n" for name in authors)
    optional = {
        "RELEASED": cff.get("date-released"),
        "DOI": cff.get("doi"),
        "URL": cff.get("url"),
    }
    lines = [
        f"{name}: str | None = {json.dumps(str(value)) if value else None}"
        for name, value in optional.items()
    ]
    return (
        '"""What to cite: written by tools/citation.py from CITATION.cff, not by hand."""\n\n'
        f"TITLE = {json.dumps(cff['title'], ensure_ascii=False)}\n"
        f"# As BibTeX writes them: a group in braces.\nAUTHORS = [\n{listed}]\n"
        "# None: not released, no DOI, not published at an address.\n" + "\n".join(lines) + "\n"
    )


def with_version(text: str, version: str) -> str:
    """The text of CITATION.cff with this version."""
    return re.sub(r"^version:.*$", f"version: {version}", text, count=1, flags=re.MULTILINE)


def files(root: Path = ROOT) -> dict[str, str]:
    """All files of the project that say how to cite it: path -> what it should hold."""
    pyproject = (root / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(pyproject)["project"]
    source = with_version((root / CFF).read_text(encoding="utf-8"), project["version"])
    cff = yaml.safe_load(source)
    return {
        CFF: source,
        ".zenodo.json": as_json(zenodo(cff)),
        "codemeta.json": as_json(codemeta(cff, project)),
        "src/backprop/_about.py": about(cff),
    }


def as_json(content: Table) -> str:
    """JSON as it is stored."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the files, and say which of them changed."""
    for name, content in files().items():
        path = ROOT / name
        same = path.is_file() and path.read_text(encoding="utf-8") == content
        path.write_text(content, encoding="utf-8")
        print(f"{name}: {'the same as before' if same else 'written'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
