"""What to cite, and how: the files that say it agree, and so do the page, the command, the runs."""

import csv
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from pybtex.database import parse_file, parse_string

import backprop
import citation as tool
import versions
from backprop import citation, claims, experiments, results
from backprop.cli import main
from backprop.errors import ResultsError

ROOT = Path(__file__).resolve().parent.parent
CFF = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BIBLIOGRAPHY = parse_file(ROOT / "book" / "references.bib")
# One claim for each kind of answer.
NAMES = ["zip-test-error", "symmetry-cases", "zip-hidden-40-worse", "symmetry-one-two-four"]


def cited(name):
    """The two citations of a claim."""
    register = claims.load()
    verdict = claims.judge(register[name], register)
    found = citation.sources(verdict.claim)
    return citation.as_text(verdict, found), citation.as_bibtex(verdict, found)


# CITATION.cff, and what is made from it


@pytest.mark.parametrize(("name", "content"), tool.files().items())
def test_what_is_made_from_citation_cff_is_up_to_date(name, content):
    stored = (ROOT / name).read_text(encoding="utf-8")
    assert stored == content, f"{name} is not what tools/citation.py writes: run it"


def test_a_change_of_the_source_reaches_every_file(tmp_path):
    """A new version, a person as author, a release, an address and a DOI."""
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    version = f'version = "{PROJECT["version"]}"'
    assert version in pyproject
    (tmp_path / "pyproject.toml").write_text(pyproject.replace(version, 'version = "7.8.9"'))
    person = {
        "family-names": "Doe",
        "given-names": "Jo",
        "orcid": "https://orcid.org/0000-0000-0000-0000",
    }
    changed = {
        **CFF,
        "authors": [person, {"name": "A group"}],
        "date-released": "2031-05-06",
        "doi": "10.5555/12345678",
        "url": "https://book.example",
    }
    (tmp_path / "CITATION.cff").write_text(yaml.safe_dump(changed))
    files = tool.files(tmp_path)
    assert yaml.safe_load(files["CITATION.cff"]) == {**changed, "version": "7.8.9"}
    zenodo, codemeta = json.loads(files[".zenodo.json"]), json.loads(files["codemeta.json"])
    assert zenodo["version"] == codemeta["version"] == "7.8.9"
    assert zenodo["publication_date"] == codemeta["datePublished"] == "2031-05-06"
    assert zenodo["creators"] == [
        {"name": "Doe, Jo", "orcid": "0000-0000-0000-0000"},
        {"name": "A group"},
    ]
    assert codemeta["author"] == [
        {"@id": person["orcid"], "@type": "Person", "givenName": "Jo", "familyName": "Doe"},
        {"@type": "Organization", "name": "A group"},
    ]
    assert codemeta["identifier"] == "https://doi.org/10.5555/12345678"
    about = {}
    exec(files["src/backprop/_about.py"], about)
    assert about["AUTHORS"] == ["Doe, Jo", "{A group}"]
    assert (about["RELEASED"], about["DOI"], about["URL"]) == (
        "2031-05-06",
        "10.5555/12345678",
        "https://book.example",
    )


def test_citation_cff_is_valid():
    schema = ["--builtin-schema", "vendor.citation-file-format"]
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *schema, ROOT / "CITATION.cff"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_project_says_the_same_everywhere():
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert CFF["title"] == config["title"]
    assert [tool.name_of(author) for author in CFF["authors"]] == [config["author"]]
    assert [author["name"] for author in PROJECT["authors"]] == [config["author"]]
    assert CFF["license"] == PROJECT["license"]
    assert CFF["keywords"] == PROJECT["keywords"]
    settings = config["sphinx"]["config"]
    assert settings["version"] == settings["release"] == backprop.__version__


def test_both_papers_are_referred_to_as_in_the_bibliography():
    papers = {"rumelhart1986", "lecun1989"}
    by_doi = {BIBLIOGRAPHY.entries[key].fields["doi"]: key for key in papers}
    assert {each["doi"] for each in CFF["references"]} == set(by_doi)
    for each in CFF["references"]:
        entry = BIBLIOGRAPHY.entries[by_doi[each["doi"]]]
        assert each["title"] == entry.fields["title"]
        assert str(each["year"]) == entry.fields["year"]
        assert f"{each['start']}--{each['end']}" == entry.fields["pages"]
        family = [person.last_names[0] for person in entry.persons["author"]]
        assert [author["family-names"] for author in each["authors"]] == family


# The citation of one result


def test_every_paper_of_the_claims_has_a_name_and_its_own_doi():
    papers = {claim.paper for claim in claims.load().claims.values() if claim.source != "book"}
    assert papers <= set(citation.PAPERS)
    for key, name in citation.PAPERS.items():
        fields = BIBLIOGRAPHY.entries[key].fields
        assert fields["year"] in name
        assert re.findall(r"doi:(\S+)", name) == ([fields["doi"]] if "doi" in fields else [])


def test_a_citation_names_version_settings_seeds_data_and_the_file_of_the_runs():
    path = ROOT / "data" / "results" / "zip_codes" / "pseudo-newton.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    checksums = [hashlib.sha256(path.read_bytes()).hexdigest(), *record["data"].values()]
    assert len(checksums) == 3
    verdict = claims.judge(claims.load()["zip-test-error"], claims.load())
    text, bibtex = cited("zip-test-error")
    for part in (
        f"version {backprop.__version__}",
        "claim zip-test-error",
        "doi:10.1162/neco.1989.1.4.541",
        "zip_codes, preset pseudo-newton, seeds 0 to 31",
        "data/results/zip_codes/pseudo-newton.json",
        "test_error",
        f"Ours: {verdict.ours} %, over 32 runs. Verdict: {verdict.verdict}.",
        *checksums,
        json.dumps(record["config"]),
    ):
        assert part.lower() in text.lower()
        assert part.lower() in bibtex.replace("\\", "").lower()
    assert "#claim-zip-test-error" in text


@pytest.mark.parametrize("name", NAMES)
def test_the_bibtex_is_one_entry_that_can_be_read_back(name):
    _, bibtex = cited(name)
    ((key, entry),) = parse_string(bibtex, "bibtex").entries.items()
    assert key.endswith(name)
    assert name in entry.fields["title"]
    # Nothing that TeX would take for a command, a comment or a subscript.
    for printed in (entry.fields["note"], entry.fields.get("annote", "")):
        assert not re.search(r"(?<!\\)[%&#_$]", printed)
        assert printed.count("{") == printed.count("}")
    assert [str(person) for person in entry.persons["author"]] == backprop.citation.AUTHORS


def test_signs_of_tex_are_written_as_signs():
    assert citation._escaped("5 % of a_b {c}\\^") == (
        r"5 \% of a\_b \{c\}\textbackslash{}\textasciicircum{}"
    )


def test_runs_compared_with_others_are_both_named_and_facts_need_none():
    text, _ = cited("zip-hidden-40-worse")
    assert "zip_baselines/hidden-40.json" in text
    assert "zip_codes/pseudo-newton.json" in text
    assert "compared seed by seed" in text
    text, _ = cited("symmetry-cases")
    assert "Runs: none needed" in text
    assert "SHA-256" not in text


def test_a_recalled_value_is_cited_as_recalled():
    text, bibtex = cited("symmetry-sweeps-pdp")
    assert "; recalled.)" in text
    assert "; recalled)" in bibtex


def test_a_release_adds_year_doi_and_address(monkeypatch):
    text, bibtex = cited("symmetry-cases")
    assert "not yet released" in text
    assert "year" not in bibtex
    for name, value in (
        ("RELEASED", "2031-05-06"),
        ("DOI", "10.5555/12345678"),
        ("URL", "https://book.example/"),
    ):
        monkeypatch.setattr(citation, name, value)
    address = (
        f"https://book.example/{backprop.__version__}/{citation.PAGE}.html#claim-symmetry-cases"
    )
    text, bibtex = cited("symmetry-cases")
    assert "authors (2031). " in text
    assert f"{address}, doi:10.5555/12345678." in text
    assert "not yet released" not in text + bibtex
    (entry,) = parse_string(bibtex, "bibtex").entries.values()
    assert entry.fields["year"] == "2031"
    assert entry.fields["doi"] == "10.5555/12345678"
    assert entry.fields["url"] == address


def test_the_command_prints_the_same_as_the_page():
    text, bibtex = cited("zip-test-error")
    call = CliRunner().invoke
    assert call(main, ["cite", "zip-test-error"]).output == f"{text}\n{bibtex}"
    assert call(main, ["cite", "zip-test-error", "--format", "text"]).output == text
    assert call(main, ["cite", "zip-test-error", "--format", "bibtex"]).output == bibtex
    wrong = call(main, ["cite", "zip-test-eror"])
    assert wrong.exit_code == 2
    assert "unknown claim 'zip-test-eror'. Did you mean 'zip-test-error'?" in wrong.stderr


@pytest.mark.parametrize(
    ("numbers", "text"), [([], ""), ([3], "3"), ([0, 1, 2, 5, 7, 8], "0 to 2, 5, 7 to 8")]
)
def test_seeds_are_written_briefly(numbers, text):
    assert citation.ranges(numbers) == text


def test_a_table_of_runs_gives_back_every_single_value():
    runs = {
        0: {"error": 0.1 + 0.2, "solved": True, "steps": 3, "w": [1.0], "word": 'a, "b"'},
        4: {"error": 1e-300, "solved": False, "steps": None, "w": None, "word": ""},
    }
    record = results.Record("e", "p", {}, runs, None, {}, 1.0)
    table = list(csv.DictReader(io.StringIO(citation.runs_csv(record))))
    assert [row.pop("seed") for row in table] == ["0", "4"]
    assert [float(row.pop("error")) for row in table] == [0.1 + 0.2, 1e-300]
    assert table == [
        {"solved": "true", "steps": "3", "word": 'a, "b"'},
        {"solved": "false", "steps": "", "word": ""},
    ]


# Rules and verdicts in words


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("symmetry-cases", ["equals the published one"]),
        ("zip-test-error", ["80 % prediction", "Student t", "at most 30 % of it", "than 7 runs"]),
        ("symmetry-sweeps", ["central quantiles"]),
        ("symmetry-one-two-four", ["at least 70 %", "in which solved is true", "least 60 %"]),
        ("zip-hidden-40-worse", ["zip_baselines/hidden-40 than in zip_codes/", "least 70 %"]),
        ("initial-zip-narrow", ["at most 1.25", "at most 1.56"]),
        ("initial-encoder-spread", ["at least 2", "at least 1.41"]),
        ("zip-multiply-adds", ["a machine of the time"]),
    ],
)
def test_a_rule_is_told_with_the_limits_of_the_register(name, parts):
    limits = {
        "min_seeds": 7,
        "level": 0.8,
        "close": 0.3,
        "share_reproduced": 0.7,
        "share_partly": 0.6,
    }
    told = claims.rule_in_words(claims.load()[name], limits)
    assert all(part in told for part in parts), told


def test_the_page_on_verdicts_states_the_limits_of_the_register():
    text = " ".join((ROOT / "book/appendix/verdicts.md").read_text(encoding="utf-8").split())
    limits = claims.load().defaults
    for name, part in (
        ("level", "with a probability of {:.0%}"),
        ("close", "differs from it by at most {:.0%}"),
        ("share_reproduced", "holds in at least {:.0%} of the runs"),
    ):
        assert part.format(limits[name]).replace("%", " %") in text
    assert limits["share_partly"] == 0.5 and "in at least half of the runs" in text
    assert limits["min_seeds"] == 10 and "fewer than ten runs" in text
    assert limits["level"] == 0.95 and "one time in twenty" in text


# The page of all claims: a small book with one claim that runs answer, and one fact

REGISTER = """
schema: 1
defaults: {min_seeds: 10, level: 0.95, close: 0.25, share_reproduced: 0.9, share_partly: 0.5}
results: {symmetry/fast: {}}
claims:
  - {id: often-solved, paper: rumelhart1986, place: Fig. 1, says: "Is x < 3 & solved?",
     source: seen, page: book/symmetry, result: symmetry/fast, quantity: solved, rule: share,
     note: A note.}
  - {id: all-cases, paper: rumelhart1986, place: Fig. 1, says: There are 64., source: seen,
     value: 64, page: book/symmetry, fact: symmetry.cases, rule: exact}
"""
PAGES = {
    "index.md": "# Index\n```{toctree}\nbook/symmetry\nbook/appendix/claims\nbook/works\n```\n",
    "book/symmetry.md": "# Symmetry\nSee `often-solved`, not `never-solved`.\n\n"
    "| claim | x |\n|---|---|\n| all-cases | 1 |\n\n[in words](#claim-all-cases)\n",
    "book/appendix/claims.md": "# All claims\n\n```{claim-entries}\n```\n",
    "book/works.md": "# Works\n```{bibliography}\n```\n",
    "conf.py": f"import sys; sys.path.insert(0, {str(ROOT / 'book/_ext')!r})\n"
    "extensions = ['myst_parser', 'sphinxcontrib.bibtex', 'claim_entries', 'downloads']\n"
    "myst_enable_extensions = ['fieldlist']\nbibtex_bibfiles = ['references.bib']\n"
    "html_copy_source = False\n",
}


@pytest.fixture(scope="module")
def small_book(tmp_path_factory):
    """Build it; returns the folder of its pages and that of the results."""
    folder = tmp_path_factory.mktemp("book")
    source, html, recorded = folder / "source", folder / "html", folder / "results"
    config = asdict(experiments.get("symmetry").PRESETS["fast"])
    runs = {seed: {"solved": seed > 0, "w": [0.5]} for seed in range(12)}
    results.save(results.Record("symmetry", "fast", config, runs, None, {}, 1.0), recorded)
    (folder / "claims.yml").write_text(REGISTER)
    for name, text in PAGES.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    shutil.copy(ROOT / "book" / "references.bib", source)
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-n", "-q", "-E", source, html],
        env={
            "PATH": "",
            "BACKPROP_RESULTS": str(recorded),
            "BACKPROP_CLAIMS": str(folder / "claims.yml"),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return html, recorded


def attribute(text, name):
    """All values of an attribute in a page."""
    return re.findall(rf'\b{name}="([^"]*)"', text)


def test_each_claim_unfolds_at_its_permanent_anchor(small_book):
    html, _ = small_book
    text = (html / "book/appendix/claims.html").read_text(encoding="utf-8")
    assert text.count('<details class="claim">') == text.count("</details>") == 2
    for name in ("often-solved", "all-cases"):
        assert attribute(text, "id").count(f"claim-{name}") == 1
        begin = text.index(f"<code>{name}</code>")
        entry = text[begin : text.index("</details>", begin)]
        # Inside what is folded away: that is what a browser unfolds when it is sent there.
        assert f'id="claim-{name}"' in entry.partition("</summary>")[2]
        assert f"backprop-reproduced-{name}" not in entry.partition("</summary>")[0]
    assert "<br>Is x &lt; 3 &amp; solved?</summary>" in text
    assert "holds in 11 of 12 runs" in text
    assert "seeds 0 to 11" in text
    assert "A note." in text


def test_ids_on_other_pages_lead_to_the_entries(small_book):
    html, _ = small_book
    links = attribute((html / "book/symmetry.html").read_text(encoding="utf-8"), "href")
    page = "appendix/claims.html#claim-"
    assert links.count(f"{page}often-solved") == 1
    assert links.count(f"{page}all-cases") == 2
    assert not any("never-solved" in link for link in links)


def test_the_page_cites_as_the_command_does(small_book):
    import html as markup

    html, recorded = small_book
    text = (html / "book/appendix/claims.html").read_text(encoding="utf-8")
    plain = markup.unescape(re.sub(r"<[^>]*>", "", text))
    environment = {
        "BACKPROP_RESULTS": str(recorded),
        "BACKPROP_CLAIMS": str(recorded.parent / "claims.yml"),
    }
    for form in ("text", "bibtex"):
        for name in ("often-solved", "all-cases"):
            said = CliRunner().invoke(main, ["cite", name, "--format", form], env=environment)
            assert said.exit_code == 0
            assert said.output in plain


def test_the_raw_runs_can_be_downloaded(small_book):
    html, recorded = small_book
    page = html / "book/appendix/claims.html"
    links = [x for x in attribute(page.read_text(encoding="utf-8"), "href") if "_downloads" in x]
    assert [x.rpartition(".")[2] for x in links] == ["json", "csv"]
    runs, table = ((page.parent / link).resolve() for link in links)
    assert runs.read_bytes() == (recorded / "symmetry" / "fast.json").read_bytes()
    lines = table.read_text(encoding="utf-8").splitlines()
    assert lines[:3] == ["seed,solved", "0,false", "1,true"]
    assert len(lines) == 13


# Versions of the book on one site


@pytest.fixture
def built(tmp_path):
    """Make a book of one page."""

    def build(text):
        book = tmp_path / "built"
        (book / "_static").mkdir(parents=True, exist_ok=True)
        (book / "index.html").write_text(text)
        return book

    return build


def test_every_version_stays_and_latest_is_the_newest_release(built, tmp_path):
    site = tmp_path / "site"
    versions.add(built("early"), site, "dev")
    assert (site / "latest/index.html").read_text() == "early"
    for version in ("0.9.0", "0.10.0", "0.8.1"):
        versions.add(built(version), site, version)
    versions.add(built("newer"), site, "dev")
    for version in ("0.9.0", "0.10.0", "0.8.1"):
        assert (site / version / "index.html").read_text() == version
    assert (site / "dev/index.html").read_text() == "newer"
    assert (site / "latest/index.html").read_text() == "0.10.0"
    listed = json.loads((site / "versions.json").read_text())
    assert listed == {
        "schema": 1,
        "latest": "0.10.0",
        "versions": ["0.10.0", "0.9.0", "0.8.1", "dev"],
    }
    for page in ("index.html", "versions.html"):
        for link in attribute((site / page).read_text(), "href"):
            assert (site / link).is_file()
    assert (site / ".nojekyll").exists()


def test_a_released_book_is_not_replaced_by_another(built, tmp_path):
    site = tmp_path / "site"
    versions.add(built("first"), site, "0.1.0")
    versions.add(built("first"), site, "0.1.0")
    with pytest.raises(versions.VersionError, match="on the site already"):
        versions.add(built("second"), site, "0.1.0")
    assert (site / "0.1.0/index.html").read_text() == "first"


@pytest.mark.parametrize("version", ["v0.1.0", "0.1", "../x", "latest", "01.0.0", ""])
def test_only_versions_become_folders(built, tmp_path, version):
    with pytest.raises(versions.VersionError, match="is no version"):
        versions.add(built("x"), tmp_path / "site", version)
    assert not (tmp_path / "site").exists()


def test_a_folder_without_a_book_is_refused(tmp_path):
    with pytest.raises(versions.VersionError, match="no built book"):
        versions.add(tmp_path, tmp_path / "site", "0.1.0")


# Layouts of files that are not known here


def test_benchmarks_of_another_layout_are_refused_with_what_to_do(tmp_path):
    folder = results.default_folder()
    stored = results.load_benchmarks(folder)
    assert stored["schema"] == results.BENCHMARKS_SCHEMA
    path = tmp_path / "benchmarks.json"
    with pytest.raises(ResultsError, match="cannot be read"):
        results.load_benchmarks(tmp_path)
    for content in ("[1", "[]"):
        path.write_text(content)
        with pytest.raises(ResultsError, match="cannot be read"):
            results.load_benchmarks(tmp_path)
    path.write_text(json.dumps({**stored, "schema": 2}))
    with pytest.raises(ResultsError, match=r"schema 2, expected 1, .* Use the version that wrote"):
        results.load_benchmarks(tmp_path)


def test_runs_of_another_layout_are_refused_with_what_to_do(tmp_path):
    record = results.Record("symmetry", "fast", {}, {}, None, {"backprop": "9.0.0"}, 1.0)
    path = results.save(record, tmp_path)
    path.write_text(path.read_text().replace('"schema": 1', '"schema": 2'))
    with pytest.raises(ResultsError, match=r"schema 2, expected 1, .* Use the version that wrote"):
        results.load(tmp_path, "symmetry", "fast")
