"""The tools around the book: they find what they are there to find."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from native_maths import mathml

import check_html
import notebooks
import setup

ROOT = Path(__file__).resolve().parent.parent


# Choosing a Python, and setting up


def find_python(*names, path=os.environ["PATH"]):
    """Run find_python.sh; returns its exit status, and what it printed on both streams."""
    command = [shutil.which("sh"), ROOT / "tools" / "find_python.sh", *names]
    done = subprocess.run(command, env={"PATH": str(path)}, capture_output=True, text=True)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def fake_python(folder: Path, version: str) -> Path:
    """A program that answers as a Python of this version would."""
    path = folder / f"python{version}"
    fits = version.startswith(("3.11", "3.12", "3.13"))
    # The first question is whether it fits, the second what its version is.
    answer = f"case $2 in *platform*) echo {version};; *) exit {0 if fits else 1};; esac"
    path.write_text(f"#!{shutil.which('sh')}\n{answer}\n")
    path.chmod(0o755)
    return path


def test_the_python_that_runs_the_tests_is_accepted():
    assert find_python(sys.executable) == (0, sys.executable, "")


def test_an_unfit_python_is_named_with_its_version(tmp_path):
    status, _, said = find_python(fake_python(tmp_path, "3.9"))
    assert status == 1
    assert "is Python 3.9" in said
    assert len(said.splitlines()) == 1


def test_a_missing_python_is_named():
    status, _, said = find_python("no-such-python")
    assert status == 1
    assert said.startswith("error: 'no-such-python' does not start")


def test_the_first_fitting_python_is_taken(tmp_path):
    fake_python(tmp_path, "3.12")
    assert find_python(path=tmp_path) == (0, "python3.12", "")


def test_no_python_at_all_is_one_sentence(tmp_path):
    status, _, said = find_python(path=tmp_path)
    assert status == 1
    assert len(said.splitlines()) == 1


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout of its own for set-up, in a folder with a space in its name."""
    root = tmp_path / "a checkout"
    root.mkdir()
    (root / "pyproject.toml").write_text("[project]\n")
    (root / "requirements.lock").write_text("numpy==2.4.6 \\\n    --hash=sha256:00\n")
    for name, path in {
        "ROOT": root,
        "VENV": root / ".venv",
        "STAMP": root / ".venv" / ".ready",
        "LOCK": root / "requirements.lock",
        "PROJECT": root / "pyproject.toml",
        "LOG": root / "setup.log",
        "PYTHON": Path(sys.executable),
    }.items():
        monkeypatch.setattr(setup, name, path)
    return root


def test_a_failed_set_up_leaves_no_environment(checkout, monkeypatch):
    def fail():
        (checkout / ".venv").mkdir()
        raise setup.SetupFailed("out of luck")

    monkeypatch.setattr(setup, "install_packages", fail)
    with pytest.raises(setup.SetupFailed):
        setup.set_up(keep_python=False)
    assert not (checkout / ".venv").exists()


def test_set_up_runs_once_and_again_when_something_changes(checkout, monkeypatch):
    done = []

    def install():
        done.append("packages")
        (checkout / ".venv").mkdir(exist_ok=True)

    monkeypatch.setattr(setup, "install_packages", install)
    monkeypatch.setattr(setup, "install_project", lambda: done.append("project"))
    setup.set_up(keep_python=False)
    setup.set_up(keep_python=False)
    assert done == ["packages", "project"]
    (checkout / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    setup.set_up(keep_python=False)
    assert done == ["packages", "project", "project"]
    (checkout / "requirements.lock").write_text("numpy==2.4.7\n")
    setup.set_up(keep_python=False)
    assert done[3:] == ["packages", "project"]


def test_no_network_is_said_in_one_sentence(checkout):
    setup.LOG.write_text("WARNING: Retrying after NewConnectionError('...')\nERROR: No match\n")
    said = setup.reason()
    assert "cannot be reached" in said
    assert "setup.log" in said
    assert "\n" not in said


def test_another_failure_of_pip_is_quoted(checkout):
    setup.LOG.write_text("Collecting numpy\nERROR: THESE PACKAGES DO NOT MATCH THE HASHES\n")
    assert "DO NOT MATCH THE HASHES" in setup.reason()


def test_a_python_without_venv_is_explained(checkout, monkeypatch):
    monkeypatch.setattr(setup, "find_spec", lambda name: None)
    with pytest.raises(setup.SetupFailed, match="lacks the module 'venv'"):
        setup.check_modules()


# Notebooks


def write_notebook(path: Path, source: str) -> Path:
    """A notebook with one code cell."""
    cell = nbformat.v4.new_code_cell(source, id="only")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return path


def test_a_second_run_of_a_notebook_changes_no_byte(tmp_path):
    path = write_notebook(tmp_path / "page.ipynb", "print(6 * 7)")
    assert notebooks.refresh(path)[0]
    first = path.read_bytes()
    assert b"42" in first
    assert not notebooks.refresh(path)[0]
    assert path.read_bytes() == first


def test_a_failing_notebook_is_named_and_left_alone(tmp_path):
    path = write_notebook(tmp_path / "page.ipynb", "x = 1\nraise ValueError('too small')")
    before = path.read_bytes()
    with pytest.raises(notebooks.NotebookFailed) as caught:
        notebooks.refresh(path)
    said = str(caught.value)
    assert "page.ipynb failed in cell 1, which begins 'x = 1'" in said
    assert "ValueError: too small" in said
    assert path.read_bytes() == before


# The built book


def test_a_good_page_passes(tmp_path):
    assert book_problems(tmp_path, '<h1 id="top">A</h1><a href="#top">up</a>') == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('<script src="https://cdn.example/x.js"></script>', "fetches https://cdn.example/x.js"),
        ('<link rel="stylesheet" href="//cdn.example/x.css">', "fetches //cdn.example/x.css"),
        ('<img src="https://cdn.example/x.png" alt="x">', "fetches https://cdn.example/x.png"),
        ("<style>a{background:url(https://cdn.example/x)}</style>", "fetches https://cdn"),
        ('<script src="missing.js"></script>', "fetches 'missing.js', which is not there"),
        ('<a href="other.html">x</a>', "'other.html', which is not there"),
        ('<a href="#nowhere">x</a>', "no such anchor"),
        ('<img src="page.html">', "without a text"),
    ],
)
def test_a_fault_of_a_page_is_found(tmp_path, body, said):
    found = book_problems(tmp_path, body)
    assert len(found) == 1
    assert said in found[0]


def test_a_link_to_another_site_is_allowed(tmp_path):
    assert book_problems(tmp_path, '<a href="https://doi.org/10.1038/323533a0">x</a>') == []


def test_a_font_from_elsewhere_is_found(tmp_path):
    (tmp_path / "x.css").write_text("@import url('https://fonts.example/css');")
    assert "fonts.example" in book_problems(tmp_path, "")[0]


def test_a_page_that_was_not_built_is_found(tmp_path):
    (found,) = book_problems(tmp_path, "", toc="root: page\nparts: [{chapters: [{file: more}]}]")
    assert found.startswith("more: ")


def book_problems(folder: Path, body: str, toc: str = "root: page") -> list[str]:
    """What is wrong with a book of one page."""
    (folder / "page.html").write_text(f"<html><body>{body}</body></html>")
    (folder / "_toc.yml").write_text(toc)
    return list(check_html.problems(folder, folder / "_toc.yml"))


# Equations


def test_an_equation_becomes_mathml():
    found = mathml(r"x_j = \sum_i y_i w_{ji}", block=True)
    assert found.startswith("<math")
    assert 'display="block"' in found
    assert "<munder><mo>∑</mo>" in found


def test_aligned_lines_meet_at_their_equals_signs():
    found = mathml(r"\begin{aligned} a &= b \\ c &= d \end{aligned}", block=True)
    assert found.count('<mtd class="right">') == found.count('<mtd class="left">') == 2
    assert "&" not in found


def test_letters_stand_as_the_papers_print_them():
    assert "<mtext>d</mtext>" in mathml(r"\mathrm{d}x", block=False)
    assert "𝜹" in mathml(r"\boldsymbol{\delta}", block=False)
    assert "𝒘" in mathml(r"\boldsymbol{w}", block=False)
    assert "<mtext>,</mtext>" in mathml(r"1{,}024", block=False)


@pytest.mark.parametrize(
    ("latex", "said"),
    [
        (r"\nosuchcommand x", "nosuchcommand"),
        (r"\frac{a}", "lacks a part"),
        (r"\frac{a", "braces"),
        (r"x^2^3", "Superscript"),
        (r"a & b", "aligns"),
        (r"\begin{gather} a \end{gather}", "gather"),
    ],
)
def test_what_cannot_be_shown_is_an_error(latex, said):
    with pytest.raises(ValueError, match=said):
        mathml(latex, block=True)
